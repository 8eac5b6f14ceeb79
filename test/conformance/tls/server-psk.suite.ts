// Pre-shared keys in place of certificates: what the callbacks of both ends are told, what they may answer, and what becomes of wrong
// answers, in TLS 1.2 and 1.3.
import type { ConnectionOptions, PSKCallbackNegotation, SecureVersion, TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { root, server as goodServer } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { alert, disconnected, hangUp, invalidType, invalidValue, matchError, ssl, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { attempt, connected, listen, type Outcome, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

const KEY = Buffer.alloc(16, 7)
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const CIPHERS = { 'TLSv1.2': 'PSK-AES128-GCM-SHA256', 'TLSv1.3': 'TLS_AES_128_GCM_SHA256' } as const

const withoutCertificate = (version: (typeof VERSIONS)[number]): TlsOptions => ({
  cert: undefined,
  minVersion: version,
  maxVersion: version,
  ciphers: CIPHERS[version],
})

const answer = (value: unknown) => () => value as PSKCallbackNegotation

const throwing = () => {
  throw new Error('thrown')
}

const dialling = (version: (typeof VERSIONS)[number], pskCallback = answer({ psk: KEY, identity: 'somebody' })): ConnectionOptions => ({
  ca: undefined,
  maxVersion: version,
  ciphers: CIPHERS[version],
  checkServerIdentity: () => undefined,
  pskCallback,
})

const dataView = (bytes: Uint8Array) => new DataView(Uint8Array.from(bytes).buffer)

export function serverPskSuite(subject: Subject): void {
  agreedSuite(subject)
  serverAnswersSuite(subject)
  clientAnswersSuite(subject)
  unknownSuite(subject)
  certificatesSuite(subject)
}

function agreedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'pre-shared keys')

  for (const version of VERSIONS) {
    const forms: [string, server: unknown, client: unknown][] = [
      ['a Buffer', KEY, KEY],
      ['an object', { psk: KEY }, KEY],
      ['a Uint8Array', new Uint8Array(KEY), new Uint8Array(KEY)],
      ['a DataView', dataView(KEY), dataView(KEY)],
      ['an object with a DataView', { psk: dataView(KEY) }, KEY],
    ]
    for (const [name, server, psk] of forms) {
      test(`${version}: ${name}`, async (t) => {
        const listening = await listen(t, subject, { ...withoutCertificate(version), pskCallback: answer(server) as never })
        const { client } = await attempt(t, subject, listening, dialling(version, answer({ psk, identity: 'x' })))
        assert.equal([client.text, client.protocol, client.cipher], ['hello', version, CIPHERS[version]])
        assert.is(client.authorized, true)
      })
    }

    test(`${version}: the server is told who asks, in Unicode, and by which socket`, async (t) => {
      const asked: unknown[] = []
      const options = withoutCertificate(version)
      options.pskCallback = (socket, identity) => {
        asked.push(socket, identity)
        return KEY
      }
      const pair = await connected(t, subject, options, dialling(version, answer({ psk: KEY, identity: 'jemand mit ä und €' })))
      assert.is(asked[0], pair.server.socket)
      assert.equal(asked.slice(1), ['jemand mit ä und €'])
      assert.equal(pair.client.socket.getPeerCertificate(), {})
    })

    test(`${version}: the client is told the hint, if there can be one`, async (t) => {
      const hints: unknown[] = []
      const pskCallback = ((hint: string | null) => {
        hints.push(hint)
        return { psk: KEY, identity: 'x' }
      }) as unknown as ReturnType<typeof answer>
      for (const pskIdentityHint of ['who are you?', undefined]) {
        const options = { ...withoutCertificate(version), pskIdentityHint, pskCallback: () => KEY }
        await attempt(t, subject, await listen(t, subject, options), dialling(version, pskCallback))
      }
      assert.equal(hints, [version === 'TLSv1.2' ? 'who are you?' : null, null])
    })
  }
}

interface Answers {
  name: string
  value: () => unknown
  error: ExpectedError
}

const VIEWS = 'an instance of Buffer, TypedArray, or DataView'

const fail = async (t: Case, subject: Subject, version: (typeof VERSIONS)[number], server: unknown, client?: unknown): Promise<Outcome> =>
  attempt(
    t,
    subject,
    await listen(t, subject, { ...withoutCertificate(version), pskCallback: server as TlsOptions['pskCallback'] }),
    dialling(version, client as ReturnType<typeof answer> | undefined),
  )

function serverAnswersSuite(subject: Subject): void {
  const test = suiteOf(subject, "wrong answers of the server's pskCallback")
  const ret = (received: string) =>
    invalidType(`The "ret" argument must be an instance of Buffer, TypedArray, DataView, or Object. Received ${received}`)
  const psk = (received: string) => invalidType(`The "psk" argument must be ${VIEWS}. Received ${received}`)
  const rows: Answers[] = [
    { name: 'a number', value: answer(5), error: ret('type number (5)') },
    { name: 'text', value: answer('x'), error: ret(`type string ('x')`) },
    { name: 'an empty object', value: answer({}), error: psk('undefined') },
    { name: 'text in an object', value: answer({ psk: 'x' }), error: psk(`type string ('x')`) },
    {
      name: 'too long a key',
      value: answer(Buffer.alloc(513)),
      error: invalidValue(/^The argument 'psk' Pre-shared key exceeds 512 bytes\. Received /),
    },
    { name: 'it throws', value: throwing, error: { message: 'thrown' } },
  ]
  for (const version of VERSIONS) {
    for (const { name, value, error } of rows) {
      test(`${version}: ${name}`, async (t) => {
        const { client, server } = await fail(t, subject, version, value)
        matchError(server.error, error)
        matchError(client.error, disconnected)
      })
    }
  }
}

function clientAnswersSuite(subject: Subject): void {
  const test = suiteOf(subject, "wrong answers of the client's pskCallback")
  const rows: Answers[] = [
    { name: 'a number', value: answer(5), error: invalidType('The "ret" argument must be of type object. Received type number (5)') },
    {
      name: 'no identity',
      value: answer({ psk: KEY }),
      error: invalidType('The "identity" argument must be of type string. Received undefined'),
    },
    { name: 'no key', value: answer({ identity: 'x' }), error: invalidType(`The "psk" argument must be ${VIEWS}. Received undefined`) },
    {
      name: 'text',
      value: answer({ psk: 'x', identity: 'x' }),
      error: invalidType(`The "psk" argument must be ${VIEWS}. Received type string ('x')`),
    },
    {
      name: 'too long a key',
      value: answer({ psk: Buffer.alloc(513), identity: 'x' }),
      error: invalidValue(/^The argument 'psk' Pre-shared key exceeds 512 bytes\. Received /),
    },
    {
      name: 'too long an identity',
      value: answer({ psk: KEY, identity: 'x'.repeat(257) }),
      error: invalidValue(/^The argument 'identity' PSK identity exceeds 256 bytes\. Received /),
    },
    { name: 'it throws', value: throwing, error: { message: 'thrown' } },
  ]
  for (const version of VERSIONS) {
    for (const { name, value, error } of rows) {
      test(`${version}: ${name}`, async (t) => {
        const { client, server } = await fail(t, subject, version, () => KEY, value)
        matchError(client.error, error)
        assert.equal([server.secure, Boolean(server.error)], [false, true])
      })
    }
  }
}

/** Who has no key for the other is refused, unless there are certificates. */
function unknownSuite(subject: Subject): void {
  const test = suiteOf(subject, 'unknown identities and wrong keys')
  const handshakeFailure = alert(subject, 'handshake failure', 'ssl/tls')
  const unknown = {
    'TLSv1.2': { server: ssl('psk identity not found'), client: alert(subject, 'unknown psk identity', 'tlsv1') },
    'TLSv1.3': { server: ssl('no suitable signature algorithm'), client: handshakeFailure },
  }
  const decryptError = has(subject, DIFFERENCES.binderAlert)
    ? alert(subject, 'decrypt error', 'tlsv1')
    : alert(subject, 'illegal parameter', 'ssl/tls')
  const wrong = {
    'TLSv1.2': {
      server: { ...ssl('cipher operation failed'), library: 'Provider routines' },
      client: alert(subject, 'bad record mac', 'ssl/tls'),
    },
    'TLSv1.3': { server: ssl('binder does not verify'), client: decryptError },
  }
  const silent = {
    'TLSv1.2': { server: handshakeFailure, client: ssl('psk identity not found') },
    'TLSv1.3': unknown['TLSv1.3'],
  }
  const rows: [string, typeof unknown, server: unknown, client?: unknown][] = [
    ['the server knows it not: null', unknown, () => null],
    ['the server knows it not: undefined', unknown, () => undefined],
    ['the server has an empty key', unknown, () => Buffer.alloc(0)],
    ['the keys are different', wrong, () => Buffer.alloc(16, 8)],
    ['the client has none: null', silent, () => KEY, () => null],
    ['the client has none: undefined', silent, () => KEY, () => undefined],
  ]
  for (const version of VERSIONS) {
    for (const [name, expected, server, client] of rows) {
      test(`${version}: ${name}`, async (t) => {
        const outcome = await fail(t, subject, version, server, client)
        matchError(outcome.server.error, expected[version].server)
        matchError(outcome.client.error, expected[version].client)
      })
    }
  }
}

function certificatesSuite(subject: Subject): void {
  const test = suiteOf(subject, 'pre-shared keys and certificates')
  const trusting = { ca: root().cert }

  test('TLSv1.3: the server falls back to its certificate', async (t) => {
    const listening = await listen(t, subject, { ciphers: CIPHERS['TLSv1.3'], pskCallback: () => null })
    const { client } = await attempt(t, subject, listening, { ...dialling('TLSv1.3'), ...trusting })
    assert.equal([client.text, client.authorized], ['hello', true])
  })

  test('TLSv1.2: without a cipher for keys in common, the certificate counts', async (t) => {
    const listening = await listen(t, subject, { maxVersion: 'TLSv1.2' })
    const { client } = await attempt(t, subject, listening, { ...dialling('TLSv1.2'), ...trusting, ciphers: undefined })
    assert.equal([client.text, client.cipher], ['hello', 'ECDHE-ECDSA-AES128-GCM-SHA256'])
  })

  test('TLSv1.2: the client checks the name that no certificate says', async (t) => {
    const listening = await listen(t, subject, { ...withoutCertificate('TLSv1.2'), pskCallback: () => KEY })
    const { client } = await attempt(t, subject, listening, {
      ...dialling('TLSv1.2'),
      checkServerIdentity: subject.tls.checkServerIdentity,
    })
    matchError(client.error, { code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: /: Cert does not contain a DNS name$/ })
  })

  if (!has(subject, DIFFERENCES.pskIsNoCertificate)) return
  for (const version of VERSIONS) {
    const meet = async (t: Case, options: TlsOptions) =>
      attempt(
        t,
        subject,
        await listen(t, subject, { ...withoutCertificate(version), ...options, pskCallback: () => KEY }),
        dialling(version),
      )

    test(`${version}: whoever has a key only is not authorized`, async (t) => {
      const { server } = await meet(t, { requestCert: true, rejectUnauthorized: false })
      assert.equal([server.secure, server.authorized, server.authorizationError], [true, false, 'UNABLE_TO_GET_ISSUER_CERT'])
    })

    test(`${version}: where a certificate is required, a key is not enough`, async (t) => {
      matchError((await meet(t, { requestCert: true })).server.error, hangUp)
    })
  }

  test('TLSv1.2 and 1.3 can share one server with certificates', async (t) => {
    const ciphers = `${CIPHERS['TLSv1.2']}:${CIPHERS['TLSv1.3']}:ECDHE-ECDSA-AES128-GCM-SHA256`
    const listening = await listen(t, subject, { ...goodServer(), ciphers, pskCallback: () => KEY })
    const protocols = async (maxVersion: SecureVersion, options: ConnectionOptions) =>
      (await attempt(t, subject, listening, { maxVersion, ...options })).client.cipher
    assert.is(await protocols('TLSv1.2', dialling('TLSv1.2')), CIPHERS['TLSv1.2'])
    assert.is(await protocols('TLSv1.3', dialling('TLSv1.3')), CIPHERS['TLSv1.3'])
    assert.is(await protocols('TLSv1.2', {}), 'ECDHE-ECDSA-AES128-GCM-SHA256')
  })
}
