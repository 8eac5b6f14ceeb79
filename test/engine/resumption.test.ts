// Sessions: resumed in both versions; never for another host, and never one that nobody has verified.
import * as assert from 'uvu/assert'
import { createContext, type SecureContext, type Version } from '../../src/index.ts'
import { bad, client, HOST, KEY_TYPES, root, server, serverFor } from '../support/certs.ts'
import { CUTS } from '../support/chunk.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair, type PairOptions } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const resumption = suite('engine: resumption')

/** A session is only worth something with the context that issued it, so contexts are shared. */
function contexts(t: Case, options: PairOptions = {}): { clientContext: SecureContext; serverContext: SecureContext } {
  return {
    clientContext: t.own(createContext({ ca: root().cert, ...options.client })),
    serverContext: t.own(createContext({ ...server(), ...options.server })),
  }
}

const sessionOf = (pair: Pair): Uint8Array => {
  const sessions = pair.client.eventsOf('session')
  assert.ok(sessions.length > 0, 'the server gave no session')
  return sessions.at(-1)!.session
}

function firstSession(shared: { clientContext: SecureContext; serverContext: SecureContext }, options: PairOptions = {}): Uint8Array {
  const pair = makePair({ ...shared, ...options }).establish()
  const session = sessionOf(pair)
  pair[Symbol.dispose]()
  return session
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly Version[]) {
  for (const type of KEY_TYPES) {
    for (const { name, cut } of CUTS) {
      resumption(`${version}, ${type}, ${name}`, (t) => {
        const shared = contexts(t, { client: { maxVersion: version }, server: server(type) })
        const session = firstSession(shared)
        const pair = t.own(makePair({ ...shared, clientEngine: { session }, cut: cut() })).establish()
        for (const { engine } of [pair.client, pair.server]) {
          assert.is(engine.agreed!.resumed, true)
          assert.is(engine.agreed!.version, version)
        }
        assert.is(pair.client.engine.agreed!.authorized, true)
        pair.send(pair.client, 'ping').send(pair.server, 'pong')
        assert.is(pair.server.text + pair.client.text, 'pingpong')
      })
    }
  }

  resumption(`${version}: the first handshake is not resumed`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    assert.is(pair.client.engine.agreed!.resumed, false)
    assert.ok(pair.client.eventsOf('session')[0]!.lifetime > 0)
  })

  resumption(`${version}: the server still knows who its client is`, (t) => {
    const shared = contexts(t, { client: { maxVersion: version, ...client() }, server: { ca: root().cert } })
    const options: PairOptions = { serverEngine: { clientCertificate: 'require' } }
    const session = firstSession(shared, options)
    const pair = t.own(makePair({ ...shared, ...options, clientEngine: { session } })).establish()
    assert.is(pair.server.engine.agreed!.resumed, true)
    assert.is(pair.server.engine.agreed!.authorized, true)
    assert.is(pair.server.engine.agreed!.peerChain.length, 1)
  })

  resumption(`${version}: a session for another host is left out`, (t) => {
    const shared = contexts(t, { client: { maxVersion: version }, server: serverFor('other.test') })
    const session = firstSession(shared, { clientEngine: { servername: 'other.test' } })
    const pair = t.own(makePair({ ...shared, clientEngine: { servername: HOST, session } })).run()
    // Not resumed: so the certificate is looked at, and it is for the other host.
    expectError(pair.client.error, { kind: 'certificate', code: 'HOSTNAME_MISMATCH' })
  })

  resumption(`${version}: a session that nobody verified is left out by who verifies`, (t) => {
    const shared = contexts(t, { client: { maxVersion: version }, server: bad('selfSigned') })
    const session = firstSession(shared, { clientEngine: { dangerouslyAcceptAnyCertificate: true } })
    const pair = t.own(makePair({ ...shared, clientEngine: { session } })).run()
    expectError(pair.client.error, { kind: 'certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  resumption(`${version}: who accepts anything may resume it, and is still told why it is not trusted`, (t) => {
    const shared = contexts(t, { client: { maxVersion: version }, server: bad('selfSigned') })
    const clientEngine = { dangerouslyAcceptAnyCertificate: true }
    const session = firstSession(shared, { clientEngine })
    const { engine } = t.own(makePair({ ...shared, clientEngine: { ...clientEngine, session } })).establish().client
    assert.is(engine.agreed!.resumed, true)
    assert.is(engine.agreed!.authorized, false)
    assert.is(engine.agreed!.authorizationError, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  resumption(`${version}: a server with other ticket keys makes a full handshake`, (t) => {
    const session = firstSession(contexts(t, { client: { maxVersion: version } }))
    const shared = contexts(t, { client: { maxVersion: version } })
    const pair = t.own(makePair({ ...shared, clientEngine: { session } })).establish()
    assert.is(pair.client.engine.agreed!.resumed, false)
    assert.is(pair.client.engine.agreed!.authorized, true)
  })

  resumption(`${version}: a server that asks for certificates now does not resume a client without one`, (t) => {
    const shared = contexts(t, { client: { maxVersion: version }, server: { ca: root().cert } })
    const session = firstSession(shared)
    const pair = t.own(makePair({ ...shared, serverEngine: { clientCertificate: 'require' }, clientEngine: { session } })).run()
    expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
  })
}

resumption('a session works for another engine of another context with the same settings', (t) => {
  const shared = contexts(t)
  const session = firstSession(shared)
  const clientContext = t.own(createContext({ ca: root().cert }))
  const pair = t.own(makePair({ ...shared, clientContext, clientEngine: { session } })).establish()
  assert.is(pair.client.engine.agreed!.resumed, true)
})

resumption('a session of the newer version is not offered to who speaks the older one only', (t) => {
  const shared = contexts(t)
  const session = firstSession(shared)
  const clientContext = t.own(createContext({ ca: root().cert, maxVersion: 'TLSv1.2' }))
  const pair = t.own(makePair({ ...shared, clientContext, clientEngine: { session } })).run()
  if (pair.client.error) throw pair.client.error
  assert.is(pair.client.engine.agreed!.resumed, false)
})

for (const garbage of [new Uint8Array(0), new Uint8Array([0x30, 0x03, 1, 2, 3]), new Uint8Array(300)]) {
  resumption(`${garbage.length} bytes of garbage for a session are a usage error`, (t) => {
    const context = t.own(createContext({ ca: root().cert }))
    if (garbage.length)
      expectThrow(() => context.createEngine({ role: 'client', servername: HOST, session: garbage }), { kind: 'usage', message: /session/ })
    else expectThrow(() => context.createEngine({ role: 'client', servername: HOST, session: garbage }), { kind: 'usage' })
  })
}
