// Sessions as bytes, tickets and their keys, stores of the caller's, 0-RTT. The clock is the test's: it is set before anything loads.
import * as assert from 'uvu/assert'
import { createContext, SessionCache, type ContextOptions, type SecureContext, type Version } from '../../src/index.ts'
import { root, server } from '../support/certs.ts'
import { replaceClock } from '../support/clock.ts'
import { expectThrow } from '../support/expect.ts'
import { makePair, type Pair, type PairOptions } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

let skipped = 0
await replaceClock(() => Date.now() + skipped * 1000)

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: Version): ContextOptions => ({ minVersion: version, maxVersion: version })

interface Service {
  clientContext: SecureContext
  serverContext: SecureContext
}

function service(t: Case, options: ContextOptions = {}, version?: Version): Service {
  const clientContext = t.own(createContext({ ca: root().cert, ...(version && only(version)) }))
  return { clientContext, serverContext: t.own(createContext({ ...server(), ...options })) }
}

const connect = (t: Case, service: Service, options: PairOptions = {}): Pair => t.own(makePair({ ...service, ...options }).establish())
/** The newest session a client got. */
const sessionOf = (pair: Pair): Uint8Array => pair.client.eventsOf('session').at(-1)!.session
const resume = (t: Case, service: Service, session: Uint8Array) => connect(t, service, { clientEngine: { session } }).client.engine.agreed!.resumed

const tickets = suite('engine: ticket keys')

for (const version of VERSIONS) {
  tickets(`${version}: another process with the same keys resumes`, (t) => {
    const here = service(t, {}, version)
    const session = sessionOf(connect(t, here))
    const there = service(t, { ticketKeys: here.serverContext.ticketKeys }, version)
    assert.is(resume(t, there, session), true)
  })

  tickets(`${version}: another process with keys of its own does not`, (t) => {
    const session = sessionOf(connect(t, service(t, {}, version)))
    assert.is(resume(t, service(t, {}, version), session), false)
  })

  tickets(`${version}: an old key still opens tickets after rotation, and is gone after four`, (t) => {
    const rotating = service(t, { ticketRotation: 60, sessionLifetime: 6000 }, version)
    const session = sessionOf(connect(t, rotating))
    const before = rotating.serverContext.ticketKeys
    skipped += 61
    assert.is(resume(t, rotating, session), true)
    assert.is(rotating.serverContext.ticketKeys.length, 160)
    assert.equal(rotating.serverContext.ticketKeys.slice(80), before)
    for (let i = 0; i < 4; i++) {
      skipped += 61
      void rotating.serverContext.ticketKeys
    }
    assert.is(resume(t, rotating, session), false)
  })

  tickets(`${version}: a session is not resumed after its lifetime`, (t) => {
    const short = service(t, { sessionLifetime: 100 }, version)
    const session = sessionOf(connect(t, short))
    skipped += 101
    assert.is(resume(t, short, session), false)
  })
}

tickets("node:tls's 48 bytes are taken, other lengths refused", (t) => {
  const keys = new Uint8Array(48).fill(3)
  const here = service(t, { ticketKeys: keys })
  assert.equal(here.serverContext.ticketKeys, keys)
  assert.is(resume(t, service(t, { ticketKeys: keys }), sessionOf(connect(t, here))), true)
  expectThrow(() => (here.serverContext.ticketKeys = new Uint8Array(47)), { kind: 'usage' })
})

for (const ticketCount of [0, 1, 4]) {
  tickets(`a TLS 1.3 server sends ${ticketCount}, if told so`, (t) => {
    const pair = connect(t, service(t, { ticketCount }))
    assert.is(pair.client.eventsOf('session').length, ticketCount)
  })
}

tickets("'none' sends none in either version", (t) => {
  for (const version of VERSIONS) {
    assert.is(connect(t, service(t, { tickets: 'none' }, version)).client.eventsOf('session').length, 0)
  }
})

const stateful = suite('engine: stateful sessions')

for (const version of VERSIONS) {
  stateful(`${version}: a store of the caller's brings sessions back`, (t) => {
    const storing = service(t, { tickets: 'stateful' }, version)
    const store = new Map<string, Uint8Array>()
    const first = connect(t, storing)
    for (const { id, session } of first.server.eventsOf('session')) store.set(id.toString(), session)
    assert.ok(store.size > 0)
    const pair = t.own(makePair({ ...storing, serverEngine: { park: ['clientHello'] }, clientEngine: { session: sessionOf(first) } }))
    pair.run()
    const [{ hello }] = pair.server.eventsOf('clientHello') as [ReturnType<typeof pair.server.eventsOf<'clientHello'>>[0]]
    const id = version === 'TLSv1.3' ? hello.pskIdentities[0]! : hello.sessionId
    pair.server.engine.resume({ session: store.get(id.toString()) })
    pair.establish()
    assert.is(pair.server.engine.agreed!.resumed, true)
  })

  stateful(`${version}: without the store it is a full handshake`, (t) => {
    const storing = service(t, { tickets: 'stateful' }, version)
    assert.is(resume(t, storing, sessionOf(connect(t, storing))), false)
  })
}

const early = suite('engine: 0-RTT')
const HELLO = new TextEncoder().encode('GET / HTTP/1.1')

/** A connection that starts with early data. */
function earlyPair(t: Case, service: Service, session: Uint8Array): Pair {
  const pair = t.own(makePair({ ...service, clientEngine: { session } }))
  assert.is(pair.client.engine.writeEarlyData(HELLO).accepted, HELLO.length)
  return pair.establish()
}

const earlyText = (pair: Pair) => pair.server.eventsOf('earlyData').map(({ plaintext }) => new TextDecoder().decode(plaintext)).join('')

early('reaches the server with the first flight', (t) => {
  const eager = service(t, { maxEarlyData: 1000 })
  const pair = earlyPair(t, eager, sessionOf(connect(t, eager)))
  assert.is(earlyText(pair), 'GET / HTTP/1.1')
  assert.is(pair.client.engine.agreed!.earlyData, 'accepted')
  assert.is(pair.server.engine.agreed!.earlyData, 'accepted')
  assert.equal([...pair.client.eventsOf('agreed'), ...pair.server.eventsOf('agreed')], []) // one handshake, and nothing agreed anew
  pair.send(pair.client, 'and more')
  assert.is(pair.server.text, 'and more')
})

early('a session opens it once: the replay is a full handshake', (t) => {
  const eager = service(t, { maxEarlyData: 1000 })
  const session = sessionOf(connect(t, eager))
  earlyPair(t, eager, session)
  const replay = earlyPair(t, eager, session)
  assert.is(earlyText(replay), '')
  assert.is(replay.client.engine.agreed!.earlyData, 'rejected')
  replay.send(replay.client, 'again')
  assert.is(replay.server.text, 'again')
})

early('a server that does not want it rejects it, and the connection goes on', (t) => {
  const eager = service(t, { maxEarlyData: 1000 })
  const session = sessionOf(connect(t, eager))
  const plain = { ...eager, serverContext: t.own(createContext({ ...server(), ticketKeys: eager.serverContext.ticketKeys })) }
  const pair = earlyPair(t, plain, session)
  assert.is(pair.client.engine.agreed!.earlyData, 'rejected')
  pair.send(pair.client, 'then so')
  assert.is(pair.server.text, 'then so')
})

early('without a session that allows it, it is a clear error', (t) => {
  const pair = t.own(makePair())
  pair.client.attempt(() => void pair.client.engine.writeEarlyData(HELLO))
  assert.ok(pair.client.error)
})

early('more than the server allows ends the connection', (t) => {
  const eager = service(t, { maxEarlyData: 10 })
  const pair = t.own(makePair({ ...eager, clientEngine: { session: sessionOf(connect(t, eager)) } }))
  pair.client.attempt(() => void pair.client.engine.writeEarlyData(HELLO))
  assert.ok(pair.client.error, 'the client itself knows the limit')
})

const cache = suite('engine: SessionCache')

cache('gives each session out once, the newest first', () => {
  const sessions = new SessionCache()
  for (const byte of [1, 2]) sessions.add('a:443', new Uint8Array([byte]))
  assert.is(sessions.size, 2)
  assert.equal(sessions.take('a:443'), new Uint8Array([2]))
  assert.equal(sessions.take('a:443'), new Uint8Array([1]))
  assert.is(sessions.take('a:443'), undefined)
  assert.is(sessions.take('b:443'), undefined)
})

cache('drops the peer used longest ago when it is full', () => {
  const sessions = new SessionCache(3)
  for (const [key, byte] of [['a', 1], ['b', 2], ['a', 3], ['c', 4]] as const) sessions.add(key, new Uint8Array([byte]))
  assert.is(sessions.size, 3)
  assert.is(sessions.take('b'), undefined)
  assert.equal(sessions.take('a'), new Uint8Array([3]))
  sessions.clear()
  assert.is(sessions.size, 0)
})

cache('refuses a capacity that is none', () => {
  expectThrow(() => new SessionCache(0), { kind: 'usage' })
})
