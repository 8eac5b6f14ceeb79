// Sessions that the client keeps for the server, in tickets: who can resume them, with which keys, in TLS 1.2 and 1.3.
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { client as goodClient, issue, root, serverFor } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { connectWith } from './server-sessions.suite.ts'
import { DIFFERENCES } from './server-differences.ts'
import { connected, dial, listen, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const KEYS = Buffer.alloc(48, 5)

export function serverTicketsSuite(subject: Subject): void {
  for (const version of VERSIONS) resumptionSuite(subject, version)
  keysSuite(subject)
  statefulSuite(subject)
}

function resumptionSuite(subject: Subject, maxVersion: (typeof VERSIONS)[number]): void {
  const test = suiteOf(subject, `tickets of ${maxVersion}`)
  const listenTo = (t: Case, options: TlsOptions = {}) => listen(t, subject, { maxVersion, ...options })

  test('a session is resumed, and both ends know', async (t) => {
    const listening = await listenTo(t)
    const first = await connectWith(t, subject, listening)
    assert.equal([first.client, first.server], [false, false])
    const second = await connectWith(t, subject, listening, first.session)
    assert.equal([second.client, second.server], [true, true])
  })

  test('a resumed connection is authorized, and the certificate is not checked again', async (t) => {
    const listening = await listenTo(t)
    const { session } = await connectWith(t, subject, listening)
    let checks = 0
    const checkServerIdentity = () => {
      checks++
      return undefined
    }
    const client = await dial(t, subject, listening.port, { session, checkServerIdentity }).handshake()
    assert.equal([client.socket.isSessionReused(), client.socket.authorized, checks], [true, true, 0])
  })

  test("a client's certificate is still known", async (t) => {
    const listening = await listenTo(t, { requestCert: true, ca: root().cert })
    const known: unknown[] = []
    listening.server.on('secureConnection', (socket) => known.push(socket.authorized, socket.getPeerCertificate().subject?.CN))
    const { session } = await connectWith(t, subject, listening, undefined, goodClient())
    assert.is((await connectWith(t, subject, listening, session, goodClient())).server, true)
    assert.equal(known, [true, 'client.test', true, 'client.test'])
  })

  test('a bad certificate stays bad when resumed', async (t) => {
    const listening = await listenTo(t, { requestCert: true, rejectUnauthorized: false, ca: root().cert })
    const errors: unknown[] = []
    listening.server.on('secureConnection', (socket) => errors.push(socket.authorized, socket.authorizationError))
    const bad = issue({ subject: { CN: 'client.test' }, usage: ['client'] })
    const { session } = await connectWith(t, subject, listening, undefined, bad)
    assert.is((await connectWith(t, subject, listening, session, bad)).server, true)
    assert.equal(errors, [false, 'DEPTH_ZERO_SELF_SIGNED_CERT', false, 'DEPTH_ZERO_SELF_SIGNED_CERT'])
  })

  if (maxVersion === 'TLSv1.2' || has(subject, DIFFERENCES.pskIsNoCertificate)) {
    test('no certificate stays none when resumed', async (t) => {
      const listening = await listenTo(t, { requestCert: true, rejectUnauthorized: false, ca: root().cert })
      const errors: unknown[] = []
      listening.server.on('secureConnection', (socket) => errors.push(socket.authorized, socket.authorizationError))
      const { session } = await connectWith(t, subject, listening)
      assert.is((await connectWith(t, subject, listening, session)).server, true)
      assert.equal(errors, [false, 'UNABLE_TO_GET_ISSUER_CERT', false, 'UNABLE_TO_GET_ISSUER_CERT'])
    })
  }

  test('the ticket is there to look at', async (t) => {
    const listening = await listenTo(t)
    const { session } = await connectWith(t, subject, listening)
    const client = await dial(t, subject, listening.port, { session }).handshake()
    assert.ok((client.socket.getTLSTicket()?.length ?? 0) > 100)
    assert.ok(Buffer.isBuffer(client.socket.getSession()))
  })

  test('servers with the same keys share sessions', async (t) => {
    const [one, other] = [await listenTo(t, { ticketKeys: KEYS }), await listenTo(t)]
    other.server.setTicketKeys(one.server.getTicketKeys())
    const { session } = await connectWith(t, subject, one)
    assert.is((await connectWith(t, subject, other, session)).server, true)
  })

  test('servers with other keys do not', async (t) => {
    const [one, other] = [await listenTo(t), await listenTo(t)]
    const { session } = await connectWith(t, subject, one)
    const second = await connectWith(t, subject, other, session)
    assert.equal([second.client, second.server], [false, false])
    assert.not.equal(second.session, session)
  })

  test('after new keys old tickets are worth nothing, and new ones are made with the new keys', async (t) => {
    const listening = await listenTo(t)
    const old = await connectWith(t, subject, listening)
    listening.server.setTicketKeys(KEYS)
    const next = await connectWith(t, subject, listening, old.session)
    assert.is(next.server, false)
    assert.is((await connectWith(t, subject, listening, next.session)).server, true)
  })

  test('servers whose sessionIdContext differs do not share sessions', async (t) => {
    const one = await listenTo(t, { ticketKeys: KEYS, sessionIdContext: 'one' })
    const other = await listenTo(t, { ticketKeys: KEYS, sessionIdContext: 'other' })
    const { session } = await connectWith(t, subject, one)
    assert.is((await connectWith(t, subject, other, session)).server, false)
  })

  test('garbage for a session is refused, or resumes nothing', async (t) => {
    const listening = await listenTo(t)
    const { session } = await connectWith(t, subject, listening)
    const garbled = Buffer.concat([session.subarray(0, -40), Buffer.alloc(40)])
    try {
      assert.is((await connectWith(t, subject, listening, garbled)).client, false)
    } catch (error) {
      assert.not.instance(error, assert.Assertion)
    }
  })
}

function keysSuite(subject: Subject): void {
  const test = suiteOf(subject, 'ticket keys')

  test('setSecureContext keeps keys that were an option, and makes others anew', async (t) => {
    const given = await listen(t, subject, { ticketKeys: KEYS })
    given.server.setSecureContext(serverFor('server.test'))
    assert.equal(given.server.getTicketKeys(), KEYS)
    const random = await listen(t, subject)
    const before = random.server.getTicketKeys()
    random.server.setSecureContext(serverFor('server.test'))
    assert.not.equal(random.server.getTicketKeys(), before)
  })

  test('contexts by name are resumed by name', async (t) => {
    const listening = await listen(t, subject)
    listening.server.addContext('other.test', serverFor('other.test'))
    const other = { servername: 'other.test' }
    const { session } = await connectWith(t, subject, listening, undefined, other)
    const second = await connectWith(t, subject, listening, session, other)
    assert.equal([second.client, second.server], [true, true])
  })
}

/** RFC 8446 has no sessions but tickets; without them there is nothing to resume with. */
function statefulSuite(subject: Subject): void {
  const test = suiteOf(subject, 'SSL_OP_NO_TICKET')
  const { SSL_OP_NO_TICKET } = constants

  for (const maxVersion of VERSIONS) {
    test(`${maxVersion}: nothing is resumed`, async (t) => {
      const listening = await listen(t, subject, { maxVersion, secureOptions: SSL_OP_NO_TICKET })
      const { session } = await connectWith(t, subject, listening)
      const again = await connectWith(t, subject, listening, session)
      assert.equal([again.client, again.server], [false, false])
    })
  }

  test('TLSv1.2: a client that wants no ticket gets none', async (t) => {
    const { client } = await connected(t, subject, { maxVersion: 'TLSv1.2' }, { secureOptions: SSL_OP_NO_TICKET })
    assert.is(client.socket.getTLSTicket(), undefined)
  })

  test('TLSv1.3: newSession tells of every ticket, after secureConnection', async (t) => {
    const listening = await listen(t, subject)
    const order: string[] = []
    listening.server.on('newSession', (id, session, done) => {
      order.push(`newSession ${id.length}`)
      assert.ok(session.length > 50)
      done()
    })
    listening.server.on('secureConnection', () => order.push('secureConnection'))
    await connectWith(t, subject, listening)
    assert.equal(order, ['secureConnection', 'newSession 32', 'newSession 32'])
  })
}
