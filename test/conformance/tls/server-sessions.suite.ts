// Sessions that the server remembers itself (TLS 1.2 without tickets): newSession, resumeSession, and every answer a store may give.
import type { ConnectionOptions, TlsOptions } from 'node:tls'
import { constants } from 'node:crypto'
import * as assert from 'uvu/assert'
import { client as goodClient, root } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { disconnected, matchError, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { type AnyError, attempt, dial, listen, type Listening, type Peer, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

/** No tickets, so that sessions live in the server's store. */
const STATEFUL: TlsOptions = { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET }

type Answer = (error: Error | null, session?: Buffer) => void

/** What stores answer for what they do not know, whatever the types say. */
const UNKNOWN = null as unknown as undefined

export interface Resumption {
  client: boolean
  server: boolean
  session: Buffer
  accepted: Peer
}

/** A connection with this session, if any, and the one it could be resumed with. */
export async function connectWith(
  t: Case,
  subject: Subject,
  listening: Listening,
  session?: Buffer,
  options: ConnectionOptions = {},
): Promise<Resumption> {
  const client = dial(t, subject, listening.port, { session, ...options })
  const [accepted] = await Promise.all([listening.accept(), client.handshake()])
  const reused = { client: client.socket.isSessionReused(), server: accepted.socket.isSessionReused(), accepted }
  if (!reused.client) await client.until(() => client.sessions.length > 0)
  accepted.socket.end('done')
  await client.close()
  return { ...reused, session: client.sessions.at(-1) ?? session! }
}

/** A server with a store that keeps everything. */
async function remembering(t: Case, subject: Subject, options: TlsOptions = {}) {
  const listening = await listen(t, subject, { ...STATEFUL, ...options })
  const store = new Map<string, Buffer>()
  listening.server.on('newSession', (id, session, done) => {
    store.set(id.toString('hex'), session)
    done()
  })
  return { listening, store }
}

export function serverSessionsSuite(subject: Subject): void {
  storeSuite(subject)
  answersSuite(subject)
}

function storeSuite(subject: Subject): void {
  const test = suiteOf(subject, 'sessions in a store')

  test('newSession comes before secureConnection, with id and session', async (t) => {
    const listening = await listen(t, subject, STATEFUL)
    const order: string[] = []
    listening.server.on('newSession', (id, session, done) => {
      order.push('newSession')
      assert.is(id.length, 32)
      assert.ok(Buffer.isBuffer(id) && Buffer.isBuffer(session) && session.length > 50)
      setImmediate(done)
    })
    listening.server.on('secureConnection', () => order.push('secureConnection'))
    await connectWith(t, subject, listening)
    assert.equal(order, ['newSession', 'secureConnection'])
  })

  test('a session is resumed again and again', async (t) => {
    const { listening, store } = await remembering(t, subject)
    const asked: string[] = []
    listening.server.on('resumeSession', (id, answer) => {
      asked.push(id.toString('hex'))
      setImmediate(() => answer(null, store.get(id.toString('hex')) ?? UNKNOWN))
    })
    const first = await connectWith(t, subject, listening)
    assert.equal([first.client, first.server], [false, false])
    const [id] = store.keys()
    for (let i = 0; i < 2; i++) {
      const again = await connectWith(t, subject, listening, first.session)
      assert.equal([again.client, again.server], [true, true])
    }
    assert.is(store.size, 1)
    assert.equal(asked.slice(-2), [id, id])
  })

  test("a client's certificate is part of the session", async (t) => {
    const { listening, store } = await remembering(t, subject, { requestCert: true, ca: root().cert })
    listening.server.on('resumeSession', (id, answer) => answer(null, store.get(id.toString('hex')) ?? UNKNOWN))
    const subjects: unknown[] = []
    listening.server.on('secureConnection', (socket) => subjects.push(socket.authorized, socket.getPeerCertificate().subject?.CN))
    const first = await connectWith(t, subject, listening, undefined, goodClient())
    assert.is((await connectWith(t, subject, listening, first.session, goodClient())).server, true)
    assert.equal(subjects, [true, 'client.test', true, 'client.test'])
  })

  test('sessions can be shared between servers', async (t) => {
    const { listening, store } = await remembering(t, subject)
    const other = await listen(t, subject, STATEFUL)
    other.server.on('resumeSession', (id, answer) => answer(null, store.get(id.toString('hex')) ?? UNKNOWN))
    const { session } = await connectWith(t, subject, listening)
    assert.is((await connectWith(t, subject, other, session)).server, true)
  })

  test('but not between those whose sessionIdContext differs', async (t) => {
    const { listening, store } = await remembering(t, subject, { sessionIdContext: 'one' })
    const other = await listen(t, subject, { ...STATEFUL, sessionIdContext: 'other' })
    let asked = 0
    other.server.on('resumeSession', (id, answer) => {
      asked++
      answer(null, store.get(id.toString('hex')) ?? UNKNOWN)
    })
    const { session } = await connectWith(t, subject, listening)
    assert.is((await connectWith(t, subject, other, session)).server, false)
    assert.is(asked, 1)
  })

  test('a session has the timeout of the server', async (t) => {
    const { listening, store } = await remembering(t, subject, { sessionTimeout: 0x1234 })
    await connectWith(t, subject, listening)
    // SSL_SESSION in DER (SSL_SESSION_new(3)): the timeout is the field [2].
    const [session] = store.values()
    assert.ok(session!.includes(Buffer.from([0xa2, 4, 2, 2, 0x12, 0x34])))
  })

  test('without a store nothing is resumed', async (t) => {
    const listening = await listen(t, subject, STATEFUL)
    const { session } = await connectWith(t, subject, listening)
    assert.is((await connectWith(t, subject, listening, session)).server, false)
  })

  test('with tickets there is no newSession', async (t) => {
    const { listening, store } = await remembering(t, subject, { secureOptions: 0 })
    const { session } = await connectWith(t, subject, listening)
    assert.is(store.size, 0)
    assert.is((await connectWith(t, subject, listening, session)).server, true)
  })

  test('the client may have gone when newSession is done', async (t) => {
    const listening = await listen(t, subject, STATEFUL)
    const waiting = new Promise<() => void>((resolve) => listening.server.on('newSession', (_id, _session, done) => resolve(done)))
    const client = dial(t, subject, listening.port)
    const done = await waiting
    client.socket.destroy()
    await listening.failure()
    done()
    done()
    listening.server.removeAllListeners('newSession')
    assert.is((await attempt(t, subject, listening)).client.text, 'hello')
  })
}

function answersSuite(subject: Subject): void {
  const test = suiteOf(subject, 'answers to resumeSession')

  const unknown: [string, (answer: Answer) => void][] = [
    ['null', (answer) => answer(null, UNKNOWN)],
    ['undefined', (answer) => answer(null, undefined)],
    ['nothing, later', (answer) => void setImmediate(() => answer(null, UNKNOWN))],
    ['garbage', (answer) => answer(null, Buffer.from('garbage'))],
  ]
  for (const [name, reply] of unknown) {
    test(`${name}: there is a new session`, async (t) => {
      const { listening, store } = await remembering(t, subject)
      const { session } = await connectWith(t, subject, listening)
      listening.server.on('resumeSession', (_id, answer) => reply(answer))
      assert.is((await connectWith(t, subject, listening, session)).server, false)
      assert.is(store.size, 2)
    })
  }

  const broken: [string, (answer: Answer) => void, ExpectedError][] = [
    ['an error', (answer) => answer(new Error('the store is down')), { message: 'the store is down' }],
    ['an error, later', (answer) => void setImmediate(() => answer(new Error('the store is down'))), { message: 'the store is down' }],
    [
      'two answers',
      (answer) => {
        answer(null, UNKNOWN)
        answer(null, UNKNOWN)
      },
      { code: 'ERR_MULTIPLE_CALLBACK', message: 'Callback called multiple times' },
    ],
  ]
  if (has(subject, DIFFERENCES.listenersThrow)) {
    const throws = () => {
      throw new Error('thrown')
    }
    broken.push(['a listener that throws', throws, { message: 'thrown' }])
  }
  for (const [name, reply, error] of broken) {
    test(`${name}: the connection fails`, async (t) => {
      const { listening } = await remembering(t, subject)
      const { session } = await connectWith(t, subject, listening)
      listening.server.on('resumeSession', (_id, answer) => reply(answer))
      const { client, server } = await attempt(t, subject, listening, { session })
      matchError(server.error, error)
      matchError(client.error, disconnected)
    })
  }

  test('an answer after the client has gone does no harm', async (t) => {
    const { listening } = await remembering(t, subject)
    const { session } = await connectWith(t, subject, listening)
    const waiting = new Promise<Answer>((resolve) => listening.server.on('resumeSession', (_id, answer) => resolve(answer)))
    const client = dial(t, subject, listening.port, { session })
    const answer = await waiting
    client.socket.destroy()
    const error: AnyError = await listening.failure()
    assert.is(error.code, 'ECONNRESET')
    answer(null, UNKNOWN)
  })
}
