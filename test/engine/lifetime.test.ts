// Who owns what: freeing in any order, use after free, and that connections come and go without leaving anything.
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { createContext, liveHandles, type TlsEngine } from '../../src/index.ts'
import { client, HOST, root, server } from '../support/certs.ts'
import { expectThrow, sameBytes } from '../support/expect.ts'
import { makePair, type PairOptions } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const lifetime = suite('engine: lifetime')

lifetime('contexts may be freed before their engines: these go on', (t) => {
  const clientContext = createContext({ ca: root().cert, ...client(), alpn: ['h2'] })
  const serverContext = createContext({ ...server(), ca: root().cert, alpn: ['h2'] })
  const pair = t.own(
    makePair({ clientContext, serverContext, serverEngine: { clientCertificate: 'require' }, clientEngine: { keylog: true } }),
  )
  clientContext.free()
  serverContext.free()
  pair.establish().send(pair.client, 'ping').send(pair.server, 'pong')
  assert.is(pair.server.text + pair.client.text, 'pingpong')
  assert.is(pair.server.engine.agreed!.authorized, true)
  assert.is(pair.server.engine.agreed!.alpn, 'h2')
  assert.ok(pair.client.eventsOf('session').length > 0)
  assert.ok(pair.client.eventsOf('keylog').length > 0)
})

lifetime('freeing twice is freeing once', () => {
  const before = liveHandles()
  const context = createContext({ ca: root().cert })
  const engine = context.createEngine({ role: 'client', servername: HOST })
  assert.is(liveHandles(), before + 2)
  for (let i = 0; i < 2; i++) engine.free()
  assert.is(liveHandles(), before + 1)
  for (let i = 0; i < 2; i++) context.free()
  assert.is(liveHandles(), before)
})

/** Measured: 7.5 KB. With the keys of ML-KEM and room for 32 records at once it was 20. */
const MOST_BYTES_AN_IDLE_SERVER = 12_000

lifetime('an idle connection of a server costs little memory', (t) => {
  const contexts = { clientContext: t.own(createContext({ ca: root().cert })), serverContext: t.own(createContext(server())) }
  const connect = (): TlsEngine => {
    const pair = makePair(contexts).establish()
    pair.client.engine.free()
    return t.own(pair.server.engine)
  }
  connect()
  const before = library().memory.size
  const count = 600
  for (let i = 0; i < count; i++) connect()
  const each = (library().memory.size - before) / count
  assert.ok(each < MOST_BYTES_AN_IDLE_SERVER, `${each} bytes`)
})

lifetime('`using` frees', () => {
  const before = liveHandles()
  {
    using context = createContext({ ca: root().cert })
    using engine = context.createEngine({ role: 'client', servername: HOST })
    engine.handshake()
  }
  assert.is(liveHandles(), before)
})

const CALLS: Record<string, (engine: TlsEngine) => unknown> = {
  handshake: (engine) => engine.handshake(),
  readPlaintext: (engine) => engine.readPlaintext(),
  writePlaintext: (engine) => engine.writePlaintext(pattern(1)),
  closeWrite: (engine) => engine.closeWrite(),
  receiveCiphertext: (engine) => engine.receiveCiphertext(pattern(1)),
  receiveEof: (engine) => engine.receiveEof(),
  exportKeyingMaterial: (engine) => engine.exportKeyingMaterial(1, 'label'),
  resume: (engine) => engine.resume(),
}

for (const [name, call] of Object.entries(CALLS)) {
  lifetime(`${name} after free is a usage error that names the call`, () => {
    const pair = makePair().establish()
    pair[Symbol.dispose]()
    expectThrow(() => call(pair.client.engine), { kind: 'usage', message: new RegExp(`^${name}: this engine has been freed`) })
  })
}

lifetime('a freed engine wants nothing, has nothing, and still tells what was', () => {
  const pair = makePair().establish()
  pair.client.engine.writePlaintext(pattern(10))
  pair[Symbol.dispose]()
  const { engine } = pair.client
  assert.equal(engine.wants(), { receiveCiphertext: false, takeCiphertext: false, writePlaintext: false, readPlaintext: false })
  assert.is(engine.takeCiphertext().length, 0)
  assert.is(engine.nextEvent(), undefined)
  assert.is(engine.phase, 'closed')
  assert.is(engine.agreed!.version, 'TLSv1.3')
})

lifetime('an engine may be freed in every phase', () => {
  const before = liveHandles()
  for (let steps = 0; steps < 8; steps++) {
    const pair = makePair()
    const { client, server } = pair
    const turn = [client, server, client, server, client, server, client, server]
    for (const side of turn.slice(0, steps)) {
      side.drive()
      ;(side === client ? server : client).wire = side.engine.takeCiphertext()
      pair.deliver(side === client ? server : client)
    }
    pair[Symbol.dispose]()
    assert.is(client.engine.phase, 'closed')
  }
  assert.is(liveHandles(), before)
})

lifetime('a failed engine is closed by free, and keeps its error', () => {
  const pair = makePair()
  pair.server.wire = pattern(100)
  pair.deliver(pair.server)
  pair[Symbol.dispose]()
  assert.is(pair.server.engine.phase, 'closed')
  assert.is(pair.server.engine.error, pair.server.error)
})

/** Ways for a connection to go. */
const ENDINGS: { name: string; options: PairOptions; end: (pair: ReturnType<typeof makePair>) => void }[] = [
  { name: 'closed in good order', options: {}, end: ({ client, server }) => (client.engine.closeWrite(), server.engine.closeWrite()) },
  {
    name: 'truncated',
    options: {},
    end: ({ server }) => server.attempt(() => (server.engine.receiveEof(), server.engine.readPlaintext())),
  },
  {
    name: 'dropped with bytes in both BIOs',
    options: {},
    end: ({ client, server }) => (client.engine.writePlaintext(pattern(9000)), server.engine.receiveCiphertext(pattern(9))),
  },
  {
    name: 'with events that nobody took',
    options: { clientEngine: { trace: true, keylog: true } },
    end: ({ client }) => client.engine.closeWrite(),
  },
]

lifetime(
  '1,000 connections leave no handle and the heap no larger than the first 100 did',
  () => {
    const handles = liveHandles()
    const contexts = { clientContext: createContext({ ca: root().cert }), serverContext: createContext({ ...server(), ca: root().cert }) }
    let after100 = 0
    for (let i = 0; i < 1000; i++) {
      const { options, end } = ENDINGS[i % ENDINGS.length]!
      const session = i % 3 === 0 ? lastSession : undefined
      const pair = makePair({ ...contexts, ...options, clientEngine: { ...options.clientEngine, session } }).establish()
      pair.send(pair.client, 'ping').send(pair.server, pattern(5000))
      lastSession = pair.client.eventsOf('session').at(-1)?.session ?? lastSession
      end(pair)
      pair[Symbol.dispose]()
      if (i === 99) after100 = library().memory.size
    }
    contexts.clientContext.free()
    contexts.serverContext.free()
    assert.is(liveHandles(), handles)
    assert.is(library().memory.size, after100)
  },
  { deadline: 120 },
)

let lastSession: Uint8Array | undefined

lifetime('200 contexts made and freed leave the heap as it was after the first 20', () => {
  let after20 = 0
  for (let i = 0; i < 200; i++) {
    const context = createContext({ ...server('P-256'), ca: [root().cert, root().cert], alpn: ['h2'] })
    context.createEngine({ role: 'server' }).free()
    context.free()
    if (i === 19) after20 = library().memory.size
  }
  assert.is(library().memory.size, after20)
})

lifetime(
  '500 connections at once, with interleaved data, all end with what was sent',
  (t) => {
    const contexts = { clientContext: t.own(createContext({ ca: root().cert })), serverContext: t.own(createContext(server())) }
    const pairs = Array.from({ length: 500 }, () => t.own(makePair(contexts)))
    for (const pair of pairs) pair.client.drive()
    // One flight at a time, across all of them, so that each is half-way while the others move.
    for (let moved = 1; moved > 0;) {
      moved = 0
      for (const pair of pairs) moved += pair.transfer(pair.client, pair.server) + pair.transfer(pair.server, pair.client)
    }
    pairs.forEach((pair, i) => pair.send(pair.client, pattern(2000 + i, i + 1)))
    pairs.forEach((pair, i) => pair.send(pair.server, pattern(3000 + i, i + 1000)))
    pairs.forEach((pair, i) => {
      sameBytes(pair.server.plaintext, pattern(2000 + i, i + 1))
      sameBytes(pair.client.plaintext, pattern(3000 + i, i + 1000))
    })
  },
  { deadline: 60 },
)

lifetime('a reload: connections of the old context go on, new ones get the new certificate', (t) => {
  const before = createContext(server())
  const old = t.own(makePair({ serverContext: before }).establish())
  before.free()
  const after = t.own(createContext(server('Ed25519')))
  const fresh = t.own(makePair({ serverContext: after }).establish())
  for (const pair of [old, fresh]) pair.send(pair.client, 'still here').send(pair.server, 'so am I')
  assert.is(old.client.text, 'so am I')
  assert.is(old.client.engine.agreed!.peerSignatureScheme, 'ecdsa_secp256r1_sha256')
  assert.is(fresh.client.engine.agreed!.peerSignatureScheme, 'ed25519')
})
