// What can still be changed before the handshake begins: context, host, session. Each is as if the engine had been made so.
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { createContext, type ContextOptions, type TlsEngine } from '../../src/index.ts'
import { client, HOST, root, server, serverFor } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

/** The leaf that a client was shown. */
const shown = (pair: Pair) => Buffer.from(pair.client.engine.agreed!.peerChain[0]!).toString('latin1')

const context = suite('engine: useContext')

context("a server's certificate, versions, groups and ALPN are those of the other context", (t) => {
  const other = t.own(createContext({ ...serverFor('other.test'), maxVersion: 'TLSv1.2', groups: ['secp384r1'], alpn: ['other/1'] }))
  const pair = t.own(makePair({ client: { alpn: ['h2', 'other/1'] }, clientEngine: { servername: 'other.test' }, server: { ...server(), alpn: ['h2'] } }))
  pair.server.engine.useContext(other)
  const { version, group, alpn } = pair.establish().client.engine.agreed!
  assert.equal([version, group, alpn], ['TLSv1.2', 'secp384r1', 'other/1'])
  assert.match(shown(pair), /other\.test/)
})

context("a client's trust and certificate are those of the other context", (t) => {
  const stranger = t.own(createContext({ ca: server().cert }))
  const good = t.own(createContext({ ca: root().cert, ...client() }))
  const pair = t.own(makePair({ clientContext: stranger, server: { ...server(), ca: root().cert }, serverEngine: { clientCertificate: 'require' } }))
  pair.client.engine.useContext(good)
  pair.establish()
  assert.is(pair.server.engine.agreed!.authorized, true)
})

context('security level and verification follow, which OpenSSL would leave behind', (t) => {
  const strict = t.own(createContext({ ca: root().cert, securityLevel: 3, verifyTime: new Date('2100-01-01') }))
  const pair = t.own(makePair())
  pair.client.engine.useContext(strict)
  pair.run()
  expectError(pair.client.error, { kind: 'certificate', code: 'CERT_HAS_EXPIRED' })
})

context('the options of the engine stay', (t) => {
  const psk = () => undefined
  const other = t.own(createContext({ ca: root().cert }))
  const pair = t.own(makePair({ clientEngine: { alpn: ['h2'], keylog: true, ocsp: 'deliver', psk }, serverEngine: { alpn: ['h2'] } }))
  pair.client.engine.useContext(other)
  assert.is(library().pskChoosers.size, 1)
  pair.establish()
  assert.is(pair.server.engine.agreed!.servername, HOST)
  assert.is(pair.client.engine.agreed!.alpn, 'h2')
  assert.ok(pair.client.eventsOf('keylog').length > 0)
})

context('what has arrived is kept, and the end of the stream', (t) => {
  const other = t.own(createContext(server()))
  const pair = t.own(makePair())
  pair.client.engine.handshake()
  pair.server.engine.receiveCiphertext(pair.client.engine.takeCiphertext())
  pair.server.engine.useContext(other)
  pair.establish()
  const cutOff = t.own(makePair())
  cutOff.server.engine.receiveEof()
  cutOff.server.engine.useContext(other)
  cutOff.server.drive()
  expectError(cutOff.server.error, { kind: 'closed' })
})

context('sessions and early data are reported where the other context has them', (t) => {
  const other = t.own(createContext({ ...server(), tickets: 'stateful' }))
  const pair = t.own(makePair())
  pair.server.engine.useContext(other)
  pair.establish()
  assert.ok(pair.server.eventsOf('session').length > 0)
})

context('it must fit the options', (t) => {
  const empty = t.own(createContext())
  const pair = t.own(makePair())
  expectThrow(() => pair.server.engine.useContext(empty), { kind: 'usage', message: 'a server needs a certificate' })
  empty.free()
  expectThrow(() => pair.client.engine.useContext(empty), { kind: 'usage', message: 'has been freed' })
  pair.establish() // and is as it was
})

const host = suite('engine: setServername')

host('is sent, and verified', (t) => {
  const pair = t.own(makePair({ server: serverFor('other.test') }))
  pair.client.engine.setServername('other.test')
  pair.establish()
  assert.is(pair.server.engine.agreed!.servername, 'other.test')
  const wrong = t.own(makePair())
  wrong.client.engine.setServername('other.test')
  wrong.run()
  expectError(wrong.client.error, { kind: 'certificate', code: 'HOSTNAME_MISMATCH', message: 'expected "other.test"' })
})

host('an `identity` stays whom it was for', (t) => {
  const pair = t.own(makePair({ clientEngine: { servername: 'a.test', identity: HOST } }))
  pair.client.engine.setServername('b.test')
  pair.establish()
  assert.is(pair.server.engine.agreed!.servername, 'b.test')
})

host('from a name to an address, and back', (t) => {
  const address = t.own(makePair())
  address.client.engine.setServername('127.0.0.1')
  assert.is(address.establish().server.engine.agreed!.servername, undefined)
  const wrong = t.own(makePair())
  wrong.client.engine.setServername('127.0.0.2')
  wrong.run()
  expectError(wrong.client.error, { code: 'IP_ADDRESS_MISMATCH' })
  const name = t.own(makePair({ clientEngine: { servername: '127.0.0.2' } }))
  name.client.engine.setServername(HOST)
  assert.is(name.establish().server.engine.agreed!.servername, HOST)
})

host('where no name was needed, one can be given', (t) => {
  const pair = t.own(makePair({ clientEngine: { servername: undefined, dangerouslyAcceptAnyCertificate: true } }))
  pair.client.engine.setServername('other.test')
  pair.establish()
  assert.equal([pair.server.engine.agreed!.servername, pair.client.engine.agreed!.authorizationError], ['other.test', 'HOSTNAME_MISMATCH'])
})

const session = suite('engine: setSession')

function first(t: Case, options: ContextOptions = {}) {
  const clientContext = t.own(createContext({ ca: root().cert }))
  const serverContext = t.own(createContext({ ...server(), ...options }))
  const pair = t.own(makePair({ clientContext, serverContext }).establish())
  return { clientContext, serverContext, session: pair.client.eventsOf('session').at(-1)!.session }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  session(`${version}: is resumed`, (t) => {
    const { session, ...contexts } = first(t, { maxVersion: version })
    const pair = t.own(makePair(contexts))
    pair.client.engine.setSession(session)
    assert.is(pair.establish().server.engine.agreed!.resumed, true)
  })

  session(`${version}: of another host is not, whatever comes first`, (t) => {
    const { session, ...contexts } = first(t, { maxVersion: version })
    const orders: ((engine: TlsEngine) => void)[] = [
      (engine) => (engine.setSession(session), engine.setServername('other.test')),
      (engine) => (engine.setServername('other.test'), engine.setSession(session)),
    ]
    for (const order of orders) {
      const pair = t.own(makePair(contexts))
      order(pair.client.engine)
      pair.run()
      expectError(pair.client.error, { kind: 'certificate', code: 'HOSTNAME_MISMATCH' })
    }
    const back = t.own(makePair({ ...contexts, clientEngine: { servername: 'other.test' } }))
    back.client.engine.setSession(session)
    back.client.engine.setServername(HOST)
    assert.is(back.establish().server.engine.agreed!.resumed, true)
  })

  session(`${version}: goes with the engine to another context`, (t) => {
    const { session, clientContext, serverContext } = first(t, { maxVersion: version })
    const pair = t.own(makePair({ serverContext }))
    pair.client.engine.setSession(session)
    pair.client.engine.useContext(clientContext)
    assert.is(pair.establish().server.engine.agreed!.resumed, true)
  })
}

session('that is none is refused, and the engine stays as it was', (t) => {
  const pair = t.own(makePair())
  expectThrow(() => pair.client.engine.setSession(new Uint8Array(9)), { kind: 'usage', message: '`session` was refused' })
  pair.establish()
})

const late = suite('engine: too late')

const CALLS: readonly { name: string; role: 'client' | 'server'; call: (engine: TlsEngine, t: Case) => void }[] = [
  { name: 'useContext', role: 'server', call: (engine, t) => engine.useContext(t.own(createContext(server()))) },
  { name: 'useContext', role: 'client', call: (engine, t) => engine.useContext(t.own(createContext({ ca: root().cert }))) },
  { name: 'setServername', role: 'client', call: (engine) => engine.setServername('other.test') },
  { name: 'setSession', role: 'client', call: (engine) => engine.setSession(new Uint8Array(9)) },
]

for (const { name, role, call } of CALLS) {
  late(`${role}: ${name} in and after the handshake`, (t) => {
    const pair = t.own(makePair())
    pair.client.drive()
    pair.server.drive()
    expectThrow(() => call(pair[role].engine, t), { kind: 'usage', message: `${name} is too late (phase: handshaking)` })
    pair.establish()
    expectThrow(() => call(pair[role].engine, t), { kind: 'usage', message: `${name} is too late (phase: open)` })
    pair[role].engine.free()
    expectThrow(() => call(pair[role].engine, t), { kind: 'usage', message: 'this engine has been freed' })
  })
}

late('a server has no host and no session to set', (t) => {
  const { engine } = t.own(makePair()).server
  expectThrow(() => engine.setServername('a.test'), { kind: 'usage', message: 'setServername is for clients' })
  expectThrow(() => engine.setSession(new Uint8Array(1)), { kind: 'usage', message: 'setSession is for clients' })
})
