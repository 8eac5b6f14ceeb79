// Who the peer of a resumed connection is: its certificate and the verdict on it travel in sessions and tickets, in both versions and roles,
// however the sessions are kept. And a verdict against it is never forgotten.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type EngineOptions, type Role, type SecureContext, type TlsEngine } from '../../src/index.ts'
import { bad, client, derOf, issue, root, server, serverWithChain, daysFromNow, strangeRoot } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { respond } from '../support/ocsp.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
type Kept = 'tickets' | 'stateful' | 'ids of both'
const KEPT: Record<Kept, ContextOptions> = { tickets: {}, stateful: { tickets: 'stateful' }, 'ids of both': { tickets: 'both' } }

interface Setup {
  client?: ContextOptions
  server?: ContextOptions
  clientEngine?: Partial<EngineOptions>
  serverEngine?: Partial<EngineOptions>
}

/** A first connection and one that resumes it, with this version and this way to keep sessions. */
function twice(t: Case, version: (typeof VERSIONS)[number], kept: Kept, setup: Setup): [first: Pair, second: Pair] {
  // SSL_OP_NO_TICKET: a client that takes none gets a session id, in TLS 1.2.
  const dangerousOpensslOptions = kept === 'ids of both' ? 1 << 14 : undefined
  const clientContext = t.own(createContext({ ca: root().cert, maxVersion: version, dangerousOpensslOptions, ...setup.client }))
  const serverContext = t.own(createContext({ ...server(), ca: root().cert, ...KEPT[kept], ...setup.server }))
  const first = connect(t, clientContext, serverContext, setup)
  const { session } = first.client.eventsOf('session').at(-1)!
  const store = new Map(first.server.eventsOf('session').map(({ id, session }) => [String(id), session]))
  const again = { ...setup, clientEngine: { ...setup.clientEngine, session } }
  return [first, connect(t, clientContext, serverContext, again, store)]
}

function connect(t: Case, clientContext: SecureContext, serverContext: SecureContext, setup: Setup, store?: Map<string, Uint8Array>): Pair {
  const park = [...(setup.serverEngine?.park ?? []), 'clientHello'] as const
  const pair = t.own(makePair({ clientContext, serverContext, clientEngine: setup.clientEngine, serverEngine: { ...setup.serverEngine, park } }))
  pair.server.onClientHello = ({ sessionId, pskIdentities }, engine) => {
    const session = store?.get(String(pskIdentities[0] ?? sessionId))
    engine.resume({ ...(session && { session }) })
  }
  return pair.establish()
}

const leafOf = (engine: TlsEngine) => engine.agreed!.peerChain.map((der) => Buffer.from(der).toString('hex'))
const verdict = (engine: TlsEngine) => [engine.agreed!.authorized, engine.agreed!.authorizationError]

/** Made once: what is compared must be the same certificate. */
function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

const strangeClient = once(() => issue({ subject: { CN: 'client.test' }, usage: ['client'] }, strangeRoot()))
const faulty = once(() => issue({ subject: { CN: 'x' }, hosts: ['other.test'], notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) }, root()))
const ANYBODY = { dangerouslyAcceptAnyCertificate: true }

interface Row {
  name: string
  /** Who looks at whom. */
  of: Role
  setup: () => Setup
  leaf: () => string
  expected: [authorized: boolean, error: string | undefined]
}

const ROWS: readonly Row[] = [
  { name: 'a good server', of: 'client', setup: () => ({ server: serverWithChain() }), leaf: () => serverWithChain().cert, expected: [true, undefined] },
  {
    name: 'a server with two faults, of which the first counts',
    of: 'client',
    setup: () => ({ server: faulty(), clientEngine: ANYBODY }),
    leaf: () => faulty().cert,
    expected: [false, 'HOSTNAME_MISMATCH'],
  },
  {
    name: 'a server that nobody vouches for',
    of: 'client',
    setup: () => ({ server: bad('selfSigned'), clientEngine: ANYBODY }),
    leaf: () => bad('selfSigned').cert,
    expected: [false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  },
  {
    name: 'a server without the key that is pinned',
    of: 'client',
    setup: () => ({ client: { pins: ['ab'.repeat(32)] }, clientEngine: ANYBODY }),
    leaf: () => server().cert,
    expected: [false, 'PIN_MISMATCH'],
  },
  {
    name: 'a good client',
    of: 'server',
    setup: () => ({ client: client(), serverEngine: { clientCertificate: 'require' } }),
    leaf: () => client().cert,
    expected: [true, undefined],
  },
  {
    name: 'a client that nobody vouches for',
    of: 'server',
    setup: () => ({ client: strangeClient(), serverEngine: { clientCertificate: 'request', ...ANYBODY } }),
    leaf: () => strangeClient().cert,
    expected: [false, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  },
]

for (const { name, of, setup, leaf, expected } of ROWS) {
  const test = suite(`resumed, ${of}: ${name}`)
  for (const version of VERSIONS) {
    for (const kept of Object.keys(KEPT) as Kept[]) {
      test(`${version}, ${kept}`, (t) => {
        const [first, second] = twice(t, version, kept, setup())
        const [before, after] = [first[of].engine, second[of].engine]
        assert.equal([first, second].map((pair) => pair.server.engine.agreed!.resumed), [false, true])
        assert.equal(verdict(before), expected)
        assert.equal(verdict(after), expected)
        assert.equal(leafOf(after), [leafOf(before)[0]])
        assert.is(leafOf(after)[0], Buffer.from(derOf(leaf())).toString('hex'))
        assert.equal(after.agreed!.verifiedChain, [])
      })
    }
  }
}

const parked = suite('resumed: where verification is decided')

for (const version of VERSIONS) {
  parked(`${version}: a server asks again, and its answer counts`, (t) => {
    const serverEngine: Partial<EngineOptions> = { clientCertificate: 'require', park: ['verify'] }
    const clientContext = t.own(createContext({ ca: root().cert, maxVersion: version, ...client() }))
    const serverContext = t.own(createContext({ ...server(), ca: strangeRoot().cert }))
    const open = (session?: Uint8Array) => {
      const pair = t.own(makePair({ clientContext, serverContext, clientEngine: { session }, serverEngine }))
      pair.run()
      assert.equal(pair.server.eventsOf('verify').map(({ ok, code, peerChain }) => [ok, code, peerChain.length]), [[false, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 1]])
      pair.server.engine.resume({ verdict: 'dangerouslyAccept' })
      return pair.establish()
    }
    const first = open()
    const second = open(first.client.eventsOf('session').at(-1)!.session)
    assert.equal([first, second].map((pair) => pair.server.engine.agreed!.resumed), [false, true])
    assert.equal([first, second].map((pair) => verdict(pair.server.engine)), [[true, undefined], [true, undefined]])
  })

  parked(`${version}: what a client accepted by decision is not resumed by one that verifies`, (t) => {
    const clientContext = t.own(createContext({ ca: root().cert, maxVersion: version }))
    const serverContext = t.own(createContext(bad('unknownCa')))
    const first = t.own(makePair({ clientContext, serverContext, clientEngine: { park: ['verify'] } }))
    first.run()
    first.client.engine.resume({ verdict: 'dangerouslyAccept' })
    first.establish()
    assert.is(first.client.engine.agreed!.authorized, true)
    const { session } = first.client.eventsOf('session').at(-1)!
    const second = t.own(makePair({ clientContext, serverContext, clientEngine: { session } }))
    second.run()
    expectError(second.client.error, { kind: 'certificate', code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' })
  })

  parked(`${version}: nor what a stapled response has spoken against, to who accepted anything`, (t) => {
    const revoked = respond(t, server().cert, root(), { status: 'R' })
    const clientContext = t.own(createContext({ ca: root().cert, maxVersion: version }))
    const serverContext = t.own(createContext({ ...server(), ocspResponse: revoked }))
    const ocsp = 'request'
    const first = t.own(makePair({ clientContext, serverContext, clientEngine: { ...ANYBODY, ocsp } }).establish())
    assert.equal(verdict(first.client.engine), [false, 'CERT_REVOKED'])
    const { session } = first.client.eventsOf('session').at(-1)!
    const second = t.own(makePair({ clientContext, serverContext, clientEngine: { ...ANYBODY, session } }).establish())
    assert.equal([second.client.engine.agreed!.resumed, ...verdict(second.client.engine)], [true, false, 'CERT_REVOKED'])
    const third = t.own(makePair({ clientContext, serverContext, clientEngine: { session, ocsp } }))
    third.run()
    expectError(third.client.error, { kind: 'certificate', code: 'CERT_REVOKED' })
  })
}

const both = suite("engine: tickets: 'both'")

/** node:tls of Node 20 as a server with `newSession` and `resumeSession` listeners does the same. */
const EVENTS: readonly { version: (typeof VERSIONS)[number]; takesTickets: boolean; events: number; how: 'ticket' | 'id' }[] = [
  { version: 'TLSv1.2', takesTickets: true, events: 0, how: 'ticket' },
  { version: 'TLSv1.2', takesTickets: false, events: 1, how: 'id' },
  { version: 'TLSv1.3', takesTickets: true, events: 2, how: 'ticket' },
  { version: 'TLSv1.3', takesTickets: false, events: 2, how: 'ticket' }, // it takes them all the same
]

for (const { version, takesTickets, events, how } of EVENTS) {
  both(`${version}, a client that takes ${takesTickets ? '' : 'no '}tickets: ${events} events, resumed by ${how}`, (t) => {
    const [first, second] = twice(t, version, takesTickets ? 'tickets' : 'ids of both', { server: { tickets: 'both' } })
    assert.is(first.server.eventsOf('session').length, events)
    assert.is(first.client.engine.ticket() !== undefined, how === 'ticket')
    assert.is(second.server.engine.agreed!.resumed, true)
    const { sessionTicket } = second.server.eventsOf('clientHello')[0]!.hello
    if (version === 'TLSv1.2') assert.is(sessionTicket?.length, how === 'ticket' ? second.client.engine.ticket()!.length : undefined)
  })
}
