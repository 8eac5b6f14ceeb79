// Stapled OCSP responses: what the server is asked with, what it may answer, and what the client hears.
import type { TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { derOf, root, server as goodServer, serverFor, serverWithChain, intermediate } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { disconnected, invalidType, matchError, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { attempt, dial, listen, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const RESPONSE = Buffer.from('not a real response, and nobody looks')

type Done = (error: Error | null, response?: Buffer | null) => void

export function serverOcspSuite(subject: Subject): void {
  for (const version of VERSIONS) answersSuite(subject, version)
  questionSuite(subject)
}

function answersSuite(subject: Subject, maxVersion: (typeof VERSIONS)[number]): void {
  const test = suiteOf(subject, `OCSP responses in ${maxVersion}`)
  const answering = async (t: Case, reply: (done: Done) => void) => {
    const listening = await listen(t, subject, { maxVersion })
    listening.server.on('OCSPRequest', (_cert, _issuer, done) => reply(done as Done))
    return listening
  }

  const answers: [string, (done: Done) => void, Buffer | undefined][] = [
    ['a response', (done) => done(null, RESPONSE), RESPONSE],
    ['a response, later', (done) => void setImmediate(() => done(null, RESPONSE)), RESPONSE],
    ['none', (done) => done(null, null), undefined],
    ['none, later', (done) => void setImmediate(() => done(null)), undefined],
  ]
  for (const [name, reply, expected] of answers) {
    test(name, async (t) => {
      const listening = await answering(t, reply)
      const heard: unknown[] = []
      const client = dial(t, subject, listening.port, { requestOCSP: true })
      client.socket.on('OCSPResponse', (response) => heard.push(response))
      await client.handshake()
      assert.equal(heard, expected ? [expected] : [null])
    })
  }

  const failures: [string, (done: Done) => void, ExpectedError][] = [
    ['an error', (done) => done(new Error('the responder is down')), { message: 'the responder is down' }],
    [
      'two answers',
      (done) => {
        done(null)
        done(null)
      },
      { code: 'ERR_MULTIPLE_CALLBACK', message: 'Callback called multiple times' },
    ],
  ]
  if (has(subject, DIFFERENCES.listenersThrow)) {
    const throws = () => {
      throw new Error('thrown')
    }
    failures.push(['a listener that throws', throws, { message: 'thrown' }])
    failures.push(['text', (done) => done(null, 'text' as unknown as Buffer), invalidType('OCSP response must be a buffer')])
  }
  for (const [name, reply, error] of failures) {
    test(`${name}: the connection fails`, async (t) => {
      const { client, server } = await attempt(t, subject, await answering(t, reply), { requestOCSP: true })
      matchError(server.error, error)
      matchError(client.error, disconnected)
    })
  }

  test('a client that does not ask', async (t) => {
    let asked = 0
    const listening = await answering(t, (done) => {
      asked++
      done(null, RESPONSE)
    })
    assert.is((await attempt(t, subject, listening)).client.text, 'hello')
    assert.is(asked, 0)
  })
}

function questionSuite(subject: Subject): void {
  const test = suiteOf(subject, 'OCSPRequest')
  const asked = async (t: Case, options: TlsOptions, servername?: string) => {
    const listening = await listen(t, subject, options)
    listening.server.addContext('other.test', serverFor('other.test'))
    const question = new Promise<[Buffer, Buffer | null]>((resolve) =>
      listening.server.on('OCSPRequest', (cert, issuer, done) => {
        resolve([cert, issuer])
        done(null, null as unknown as Buffer)
      }),
    )
    await attempt(t, subject, listening, { requestOCSP: true, ...(servername && { servername }) })
    return question
  }
  const same = (actual: Buffer | null, pem: string) => assert.is(Buffer.compare(actual!, derOf(pem)), 0)

  test('has the certificate in DER', async (t) => {
    const [cert, issuer] = await asked(t, {})
    same(cert, goodServer().cert)
    assert.is(issuer, null)
  })

  test('has the issuer, where `ca` has it', async (t) => {
    const [cert, issuer] = await asked(t, { ...goodServer(), ca: root().cert })
    same(cert, goodServer().cert)
    same(issuer, root().cert)
  })

  test('has the issuer, where the chain has it', async (t) => {
    const [, issuer] = await asked(t, serverWithChain())
    same(issuer, intermediate().cert)
  })

  test('is about the certificate that the client will see', async (t) => {
    const [cert] = await asked(t, {}, 'other.test')
    same(cert, serverFor('other.test').cert)
  })
}
