// Resumption by a client: the session event, the session option, and what a resumed connection says of itself.
import { once } from 'node:events'
import type { SecureVersion, TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { bad, client as goodClient, HOST, root } from '../../support/certs.ts'
import { suite, type Case } from '../../support/suite.ts'
import { connectedPair, dial, listen, owned, ownedContext, undocumented, type ClientOptions, type Listening } from './parties.ts'
import { has, type Subject } from './subject.ts'
import { VERSIONS } from './versions.ts'
import { failing, record, sameFields, thrownBy } from './watch.ts'

const TLS12_TLS13 = ['TLSv1.2', 'TLSv1.3'] as const

export function sessionSuite(subject: Subject): void {
  for (const version of TLS12_TLS13) resumptionSuite(subject, version)
  methodsSuite(subject)
}

/** A connection for its session only. */
async function sessionOf(t: Case, { tls }: Subject, { port, accept }: Listening, options: ClientOptions = {}): Promise<Buffer> {
  const socket = dial(t, tls, port, options)
  const sessions: Buffer[] = []
  socket.on('session', (session) => sessions.push(session))
  const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
  peer.end('bye')
  socket.resume()
  await once(socket, 'close') // tickets come before what the server writes
  return sessions.at(-1)!
}

/** A connection with that session, until both have heard of each other. */
async function resumed(t: Case, { tls }: Subject, { port, accept }: Listening, options: ClientOptions): Promise<TLSSocket> {
  const socket = dial(t, tls, port, options)
  const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
  assert.is(peer.isSessionReused(), socket.isSessionReused())
  peer.end('bye')
  assert.is(String((await once(socket, 'data'))[0]), 'bye')
  return socket
}

function resumptionSuite(subject: Subject, version: SecureVersion): void {
  const { name, tls } = subject
  const test = suite(`${name} client: resumption with ${version}`)
  const serve = (t: Case) => listen(t, { maxVersion: version })

  test('the session of the event resumes', async (t) => {
    const server = await serve(t)
    const session = await sessionOf(t, subject, server)
    assert.instance(session, Buffer)
    const socket = await resumed(t, subject, server, { session })
    assert.is(socket.isSessionReused(), true)
    assert.equal([socket.authorized, socket.authorizationError], [true, null])
    assert.is(socket.getProtocol(), version)
  })

  test('a full handshake is none', async (t) => {
    const server = await serve(t)
    const socket = await resumed(t, subject, server, {})
    assert.is(socket.isSessionReused(), false)
  })

  test('the session resumes more than once', async (t) => {
    const server = await serve(t)
    const session = await sessionOf(t, subject, server)
    for (let i = 0; i < 3; i++) assert.is((await resumed(t, subject, server, { session })).isSessionReused(), true)
  })

  test('a resumed connection brings sessions that resume', async (t) => {
    const server = await serve(t)
    let session = await sessionOf(t, subject, server)
    for (let i = 0; i < 3; i++) session = (await sessionOf(t, subject, server, { session })) ?? session
    assert.is((await resumed(t, subject, server, { session })).isSessionReused(), true)
  })

  test('the session of getSession resumes', async (t) => {
    const server = await serve(t)
    const socket = dial(t, tls, server.port)
    socket.resume()
    await Promise.all([server.accept(), once(socket, 'session')]) // with TLS 1.3, later than secureConnect
    const session = socket.getSession()!
    assert.instance(session, Buffer)
    assert.is((await resumed(t, subject, server, { session })).isSessionReused(), true)
  })

  test('the session outlives its context, and serves another client', async (t) => {
    const server = await serve(t)
    const session = await sessionOf(t, subject, server, { secureContext: ownedContext(t, tls, { ca: root().cert }) })
    const secureContext = ownedContext(t, tls, { ca: root().cert })
    assert.is((await resumed(t, subject, server, { session, secureContext })).isSessionReused(), true)
  })

  test('another server does not know the session: a full handshake instead', async (t) => {
    const session = await sessionOf(t, subject, await serve(t))
    const socket = await resumed(t, subject, await serve(t), { session })
    assert.equal([socket.isSessionReused(), socket.authorized], [false, true])
  })

  const ignoring = has(subject, VERSIONS.wrongSession) ? test : () => {}
  ignoring('bytes that are no session are ignored', async (t) => {
    const server = await serve(t)
    for (const session of [Buffer.from('nonsense'), Buffer.alloc(2000, 0x30), Buffer.alloc(0)]) {
      assert.is((await resumed(t, subject, server, { session })).isSessionReused(), false)
    }
  })

  test('checkServerIdentity is asked in the full handshake only', async (t) => {
    const server = await serve(t)
    let asked = 0
    const checkServerIdentity = () => void asked++
    const session = await sessionOf(t, subject, server, { checkServerIdentity })
    assert.is(asked, 1)
    const socket = await resumed(t, subject, server, { session, checkServerIdentity })
    assert.equal([asked, socket.authorized], [1, true])
  })

  test('what was wrong with the certificate is remembered', async (t) => {
    const server = await listen(t, { ...bad('unknownCa'), maxVersion: version })
    const session = await sessionOf(t, subject, server, { rejectUnauthorized: false })
    const socket = await resumed(t, subject, server, { session, rejectUnauthorized: false })
    const code = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
    assert.equal([socket.isSessionReused(), socket.authorized, socket.authorizationError as unknown], [true, false, code])
    sameFields(await failing(dial(t, tls, server.port, { session })), { code })
  })

  test('a client certificate is remembered by the server', async (t) => {
    const server = await listen(t, { maxVersion: version, requestCert: true, ca: root().cert, sessionIdContext: 'test' })
    const options = { ...goodClient() }
    const session = await sessionOf(t, subject, server, options)
    const socket = dial(t, tls, server.port, { ...options, session })
    const [peer] = await Promise.all([server.accept(), once(socket, 'secureConnect')])
    assert.equal([peer.isSessionReused(), peer.authorized, peer.getPeerCertificate().subject?.CN], [true, true, 'client.test'])
  })

  test('the certificate of the server: Node has forgotten it, others may remember', async (t) => {
    const server = await serve(t)
    const session = await sessionOf(t, subject, server)
    const socket = dial(t, tls, server.port, { session })
    await once(socket, 'secureConnect')
    assert.is(socket.isSessionReused(), true)
    const certificate = socket.getPeerCertificate()
    if (subject.capabilities.node !== undefined) assert.equal(certificate, {})
    else assert.ok(!Object.keys(certificate).length || certificate.subject.CN === HOST)
  })

  test('setSession before the handshake is the option', async (t) => {
    const server = await serve(t)
    const session = await sessionOf(t, subject, server)
    const socket = dial(t, tls, server.port)
    undocumented(socket).setSession(session)
    await once(socket, 'secureConnect')
    assert.is(socket.isSessionReused(), true)
  })

  test('session events: as many as there are tickets', async (t) => {
    const server = await serve(t)
    const socket = dial(t, tls, server.port)
    const events = record(socket, 'session')
    const [peer] = await Promise.all([server.accept(), once(socket, 'secureConnect')])
    peer.end('bye')
    socket.resume()
    await once(socket, 'close')
    assert.is(events.length, version === 'TLSv1.2' ? 1 : 2)
  })
}

function methodsSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: sessions`)

  test('getTLSTicket is there with the session', async (t) => {
    for (const version of TLS12_TLS13) {
      const { port } = await listen(t, { maxVersion: version })
      const own = dial(t, tls, port)
      own.resume()
      await once(own, 'session')
      assert.instance(own.getTLSTicket(), Buffer)
      assert.ok(own.getSession()!.includes(own.getTLSTicket()!))
    }
  })

  test('a session of TLS 1.2 without a ticket has none', async (t) => {
    const { SSL_OP_NO_TICKET } = (await import('node:crypto')).constants
    const { own } = await connectedPair(t, subject, { version: 'TLSv1.2', server: { secureOptions: SSL_OP_NO_TICKET } })
    assert.is(own.getTLSTicket(), undefined)
  })

  test('a session of one version does not resume another', async (t) => {
    const session = await sessionOf(t, subject, await listen(t, { maxVersion: 'TLSv1.2' }))
    const server = await listen(t, { minVersion: 'TLSv1.3' })
    const socket = await resumed(t, subject, server, { session })
    assert.equal([socket.isSessionReused(), socket.getProtocol()], [false, 'TLSv1.3'])
  })

  test('setSession takes bytes', (t) => {
    const socket = owned(t, undocumented(new tls.TLSSocket(undefined as never)))
    assert.instance(thrownBy(() => socket.setSession(1 as never)), TypeError)
  })
}
