// The ClientHello, parked on: what it says, how the server goes on with another context, refuses, or meets a hostile one.
import * as assert from 'uvu/assert'
import { createContext } from '../../src/index.ts'
import { parseClientHello } from '../../src/engine/client-hello.ts'
import { HOST, server, serverFor } from '../support/certs.ts'
import { CUTS } from '../support/chunk.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair, type PairOptions } from '../support/pair.ts'
import { Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const park = suite('engine: parked ClientHello')

const parked = (options: PairOptions = {}): Pair =>
  makePair({ ...options, serverEngine: { ...options.serverEngine, park: ['clientHello'] } })

park('tells what the client asks for', (t) => {
  const pair = t.own(parked({ client: { alpn: ['h2', 'http/1.1'] } })).run()
  assert.is(pair.server.status, 'want-callback')
  assert.is(pair.server.engine.phase, 'handshaking')
  const { hello } = pair.server.eventsOf('clientHello')[0]!
  assert.is(hello.servername, HOST)
  assert.equal(hello.alpn, ['h2', 'http/1.1'])
  assert.equal(hello.versions, [0x0304, 0x0303])
  assert.ok(hello.cipherSuites.includes(0x1301) && hello.cipherSuites.includes(0xc02b))
  assert.is(hello.groups[0], 0x11ec) // X25519MLKEM768
  assert.ok(hello.signatureSchemes.includes(0x0403))
  for (const type of [0, 10, 13, 16, 43, 51]) assert.ok(hello.extensions.includes(type), `extension ${type}`)
})

park('waits for as long as it takes, and tells once', (t) => {
  const pair = t.own(parked()).run()
  for (let i = 0; i < 3; i++) assert.is(pair.server.engine.handshake(), 'want-callback')
  pair.server.drainEvents()
  assert.is(pair.server.eventsOf('clientHello').length, 1)
  pair.server.engine.resume()
  pair.establish()
})

for (const { name, cut } of CUTS) {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    park(`goes on with the certificate that fits the name, ${maxVersion}, ${name}`, (t) => {
      const other = t.own(createContext(serverFor('second.test')))
      const pair = t.own(parked({ client: { maxVersion }, clientEngine: { servername: 'second.test' }, cut: cut() }))
      pair.server.onClientHello = (hello, engine) => engine.resume({ context: hello.servername === 'second.test' ? other : undefined })
      pair.establish()
      pair.send(pair.client, 'ping')
      assert.is(pair.server.text, 'ping')
    })
  }
}

park('the context gone on with may be freed at once', (t) => {
  const pair = t.own(parked({ clientEngine: { servername: 'second.test' }, client: { alpn: ['h2'] } }))
  pair.server.onClientHello = (_, engine) => {
    const other = createContext({ ...serverFor('second.test'), alpn: ['h2'] })
    engine.resume({ context: other })
    other.free()
  }
  pair.establish()
  assert.is(pair.client.engine.agreed!.alpn, 'h2')
})

park('goes on with the ALPN protocols chosen for it', (t) => {
  const pair = t.own(parked({ client: { alpn: ['h2', 'http/1.1'] }, server: { alpn: ['h2'] } }))
  pair.server.onClientHello = (_, engine) => engine.resume({ alpn: ['http/1.1'] })
  pair.establish()
  assert.is(pair.client.engine.agreed!.alpn, 'http/1.1')
})

park('refuses with the alert it is given', (t) => {
  const pair = t.own(parked())
  pair.server.onClientHello = (_, engine) => engine.resume({ alert: 112 })
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', alert: { direction: 'sent', description: 112, name: 'unrecognized_name' } })
  expectError(pair.client.error, { kind: 'alert', alert: { direction: 'received', description: 112, name: 'unrecognized_name' } })
})

park('an answer without a question is an error, and changes nothing', (t) => {
  const other = t.own(createContext(serverFor('other.test')))
  const pair = t.own(makePair())
  expectThrow(() => pair.server.engine.resume({ context: other }), { kind: 'usage' })
  pair.establish()
})

park('a second answer is an error', (t) => {
  const pair = t.own(parked()).run()
  pair.server.engine.resume()
  expectThrow(() => pair.server.engine.resume(), { kind: 'usage' })
  pair.establish()
})

park('a HelloRetryRequest does not ask again', (t) => {
  const pair = t.own(parked({ server: { groups: ['secp384r1'] } })).run()
  pair.server.engine.resume()
  pair.establish()
  assert.is(pair.server.eventsOf('clientHello').length, 1)
})

// ---- Hostile ones. ----

/** A ClientHello record as our own client sends it. */
function record(): Uint8Array {
  const pair = makePair({ client: { alpn: ['h2'], groups: ['x25519'] } })
  pair.client.engine.handshake()
  const bytes = pair.client.engine.takeCiphertext()
  pair[Symbol.dispose]()
  return bytes
}

/** Where the value of an extension begins in the record, its type and length before it. */
function extensionAt(bytes: Uint8Array, type: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = 5 + 4 + 2 + 32
  at += 1 + bytes[at]! // session id
  at += 2 + view.getUint16(at) // cipher suites
  at += 1 + bytes[at]! // compression
  for (at += 2; at < bytes.length; at += 4 + view.getUint16(at + 2)) if (view.getUint16(at) === type) return at + 4
  throw new Error(`no extension ${type}`)
}

/** Inner lengths that point past their extension: OpenSSL has not looked at these when it parks. */
const INNER: { name: string; type: number; at: number }[] = [
  { name: 'server_name, the list', type: 0, at: 0 },
  { name: 'server_name, the name', type: 0, at: 3 },
  { name: 'ALPN, the list', type: 16, at: 0 },
  { name: 'ALPN, a name', type: 16, at: 2 },
  { name: 'supported_groups', type: 10, at: 0 },
  { name: 'signature_algorithms', type: 13, at: 0 },
  { name: 'supported_versions', type: 43, at: 0 },
]

for (const { name, type, at } of INNER) {
  park(`a length that points past the end: ${name}`, (t) => {
    const bytes = record()
    bytes[extensionAt(bytes, type) + at] = 0xff
    const pair = t.own(parked())
    pair.server.onClientHello = (_, engine) => engine.resume()
    pair.server.wire = bytes
    pair.deliver(pair.server)
    const { alert } = expectError(pair.server.error, { kind: 'protocol' })
    assert.is(alert!.direction, 'sent')
  })
}

park('an extension cut short ends the handshake and no more', (t) => {
  const bytes = record()
  const seeds = new Random(3)
  for (let i = 0; i < 200; i++) {
    const hostile = bytes.slice()
    for (let n = 1 + seeds.below(4); n > 0; n--) hostile[43 + seeds.below(bytes.length - 43)] = seeds.below(256)
    const pair = parked({ serverContext: sharedServer(t) })
    pair.server.onClientHello = (_, engine) => engine.resume()
    pair.server.wire = hostile
    pair.deliver(pair.server)
    if (pair.server.error) assert.ok(['protocol', 'alert'].includes(pair.server.error.kind), String(pair.server.error))
    pair[Symbol.dispose]()
  }
})

/** One context for a case that makes many engines. */
function sharedServer(t: { own: <T extends Disposable>(thing: T) => T }) {
  return (shared ??= t.own(createContext(server())))
}
let shared: ReturnType<typeof createContext> | undefined

const parse = suite('engine: ClientHello parser')

/** A body with the given extensions, and nothing else of interest. */
function body(...extensions: [type: number, value: number[]][]): Uint8Array {
  const list = extensions.flatMap(([type, value]) => [type >> 8, type & 255, value.length >> 8, value.length & 255, ...value])
  return new Uint8Array([3, 3, ...new Array<number>(32).fill(0), 0, 0, 2, 0x13, 1, 1, 0, list.length >> 8, list.length & 255, ...list])
}

parse('a body without extensions: the legacy version counts', () => {
  const raw = body()
  assert.equal(parseClientHello(raw), {
    alpn: [],
    alpnBytes: [],
    versions: [0x0303],
    legacyVersion: 0x0303,
    cipherSuites: [0x1301],
    groups: [],
    pointFormats: [],
    signatureSchemes: [],
    extensions: [],
    random: new Uint8Array(32),
    sessionId: new Uint8Array(0),
    pskIdentities: [],
    earlyData: false,
    raw,
  })
})

parse('a body of the time before extensions is one without', () => {
  assert.equal(parseClientHello(body([0xabcd, [1]]).subarray(0, 41)).extensions, [])
})

parse('unknown and empty extensions are listed and left alone', () => {
  assert.equal(parseClientHello(body([0xabcd, [1, 2, 3]], [16, []])).extensions, [0xabcd, 16])
})

parse('a server_name of another type is no host name', () => {
  assert.is(parseClientHello(body([0, [0, 4, 1, 0, 1, 65]])).servername, undefined)
})

for (const cutAt of [0, 1, 33, 34, 36, 38, 42, 46]) {
  parse(`a body that ends after ${cutAt} bytes is an error`, () => {
    assert.throws(() => parseClientHello(body([0xabcd, [1]]).subarray(0, cutAt)), /points past the end/)
  })
}
