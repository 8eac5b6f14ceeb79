// What the module exports beside connections: constants, lists, root certificates, ALPN's wire format.
import { X509Certificate } from 'node:crypto'
import * as net from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { root } from '../../support/certs.ts'
import { invalidType, invalidValue, outOfRange, throwsError, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { attempt, contextFor, listen, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

/** What is documented nowhere, and used. */
interface Undocumented {
  convertALPNProtocols(protocols: unknown, out: { ALPNProtocols?: Buffer }): void
  SecureContext: new () => object
  setDefaultCACertificates(certs: unknown): void
  getCACertificates(type?: unknown): string[]
}

/** The object that programs assign to: of a module's namespace it is the default export. */
const assignable = ({ tls }: Subject) => ((tls as { default?: unknown }).default ?? tls) as Record<string, unknown>

const undocumented = ({ tls }: Subject) => tls as unknown as Undocumented

const CONSTANTS = {
  CLIENT_RENEG_LIMIT: 3,
  CLIENT_RENEG_WINDOW: 600,
  DEFAULT_ECDH_CURVE: 'auto',
  DEFAULT_MIN_VERSION: 'TLSv1.2',
  DEFAULT_MAX_VERSION: 'TLSv1.3',
}

/** Named in the documentation as the default, in this order. */
const FIRST_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'DHE-RSA-AES128-GCM-SHA256',
]

const FUNCTIONS = [
  ...['checkServerIdentity', 'connect', 'convertALPNProtocols', 'createSecureContext', 'createServer', 'getCiphers'],
  ...['SecureContext', 'Server', 'TLSSocket'],
]

export function serverExportsSuite(subject: Subject): void {
  constantsSuite(subject)
  defaultsSuite(subject)
  rootsSuite(subject)
  alpnSuite(subject)
}

function constantsSuite(subject: Subject): void {
  const { tls } = subject
  const test = suiteOf(subject, 'exports')
  const exported = tls as unknown as Record<string, unknown>

  for (const [name, value] of Object.entries(CONSTANTS)) test(`${name} is ${value}`, () => assert.is(exported[name], value))

  test('functions and classes are there', () => {
    for (const name of FUNCTIONS) assert.type(exported[name], 'function', name)
  })

  test('classes are those of net, and more', () => {
    assert.ok(tls.TLSSocket.prototype instanceof net.Socket)
    assert.ok(tls.Server.prototype instanceof net.Server)
  })

  test('DEFAULT_CIPHERS starts with what the documentation names', () => {
    const names = tls.DEFAULT_CIPHERS.split(':')
    assert.equal(names.slice(0, FIRST_CIPHERS.length), FIRST_CIPHERS)
    for (const name of ['HIGH', '!aNULL', '!eNULL', '!RC4', '!MD5', '!PSK']) assert.ok(names.includes(name), name)
  })

  test('getCiphers: names in lower case, each once, of TLS 1.2 and 1.3', () => {
    const names = tls.getCiphers()
    assert.equal(names, [...new Set(names.map((name) => name.toLowerCase()))].sort())
    for (const name of FIRST_CIPHERS) assert.ok(names.includes(name.toLowerCase()), name)
  })

  test('getCiphers: a list of its own for each caller', () => {
    const first = tls.getCiphers()[0]
    tls.getCiphers()[0] = 'changed'
    assert.is(tls.getCiphers()[0], first)
  })

  test('SecureContext and Server can be called without new', (t) => {
    const { SecureContext, Server } = tls as unknown as Record<string, () => object>
    const context = SecureContext!()
    t.defer(() => (context as { context: { close?(): void } }).context.close?.())
    assert.ok(context instanceof undocumented(subject).SecureContext)
    assert.ok(Server!() instanceof tls.Server)
  })

  test('a secure context is an object around a context', (t) => {
    const context = contextFor(t, subject)
    assert.ok(context instanceof undocumented(subject).SecureContext)
    assert.equal(Object.keys(context), ['context'])
  })
}

function defaultsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'defaults that can be changed')
  const exported = assignable(subject)

  const rows: { name: string; value: string; client?: SecureContextOptions; expected: Record<string, string | null> }[] = [
    { name: 'DEFAULT_MAX_VERSION', value: 'TLSv1.2', expected: { protocol: 'TLSv1.2' } },
    {
      name: 'DEFAULT_MIN_VERSION',
      value: 'TLSv1.3',
      client: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
      expected: { protocol: null },
    },
    { name: 'DEFAULT_CIPHERS', value: 'TLS_AES_128_GCM_SHA256', expected: { cipher: 'TLS_AES_128_GCM_SHA256' } },
    {
      name: 'DEFAULT_CIPHERS',
      value: 'ECDHE-ECDSA-AES256-GCM-SHA384',
      client: { maxVersion: 'TLSv1.2' },
      expected: { cipher: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    },
  ]
  for (const { name, value, client, expected } of rows) {
    test(`${name} = ${value} counts from then on`, async (t) => {
      const before = exported[name]
      t.defer(() => (exported[name] = before))
      exported[name] = value
      const { protocol, cipher } = (await attempt(t, subject, await listen(t, subject), client)).client
      for (const [key, one] of Object.entries(expected)) assert.is({ protocol, cipher }[key], one)
    })
  }

  test('DEFAULT_ECDH_CURVE counts from then on', async (t) => {
    const listening = await listen(t, subject, { ecdhCurve: 'P-256' })
    t.defer(() => (exported.DEFAULT_ECDH_CURVE = 'auto'))
    exported.DEFAULT_ECDH_CURVE = 'P-384'
    const { client } = await attempt(t, subject, listening)
    assert.is(client.secure, false)
  })

  test('an invalid DEFAULT_MIN_VERSION is found when it is used', (t) => {
    const before = exported.DEFAULT_MIN_VERSION
    t.defer(() => (exported.DEFAULT_MIN_VERSION = before))
    exported.DEFAULT_MIN_VERSION = 'TLSv9'
    throwsError(() => subject.tls.createSecureContext(), {
      name: 'TypeError',
      code: 'ERR_TLS_INVALID_PROTOCOL_VERSION',
      message: '"TLSv9" is not a valid minimum TLS protocol version',
    })
  })
}

function rootsSuite(subject: Subject): void {
  const { tls } = subject
  const { getCACertificates, setDefaultCACertificates } = undocumented(subject)
  const test = suiteOf(subject, 'root certificates')

  test('rootCertificates: many, in PEM, and nobody can change them', () => {
    const { rootCertificates } = tls
    assert.ok(rootCertificates.length > 100)
    assert.ok(Object.isFrozen(rootCertificates))
    assert.is(tls.rootCertificates, rootCertificates)
    for (const pem of rootCertificates) assert.match(pem, /^-----BEGIN CERTIFICATE-----\n[\w+/=\n]+\n-----END CERTIFICATE-----$/)
    assert.is(new X509Certificate(rootCertificates[0]!).ca, true)
    assert.throws(() => Object.assign(assignable(subject), { rootCertificates: [] }), /only a getter/)
  })

  if (!has(subject, DIFFERENCES.caFunctions)) return

  test('getCACertificates: by default those of NODE_EXTRA_CA_CERTS, too', () => {
    const [bundled, extra] = [getCACertificates('bundled'), getCACertificates('extra')]
    assert.is(bundled, tls.rootCertificates)
    assert.is(getCACertificates(), getCACertificates('default'))
    assert.is(extra.length > 0, Boolean(process.env.NODE_EXTRA_CA_CERTS))
    assert.is(getCACertificates().length, bundled.length + extra.length)
    assert.ok(Array.isArray(getCACertificates('system')))
    for (const type of ['default', 'bundled', 'extra', 'system']) {
      assert.ok(Object.isFrozen(getCACertificates(type)), type)
      assert.is(getCACertificates(type), getCACertificates(type), type)
    }
  })

  const wrong: [unknown, ExpectedError][] = [
    ['nope', invalidValue("The argument 'type' is invalid. Received 'nope'")],
    [5, invalidType('The "type" argument must be of type string. Received type number (5)')],
    [null, invalidType('The "type" argument must be of type string. Received null')],
  ]
  for (const [type, error] of wrong) test(`getCACertificates(${type})`, () => throwsError(() => getCACertificates(type), error))

  const none = { code: 'ERR_CRYPTO_OPERATION_FAILED', message: 'No valid certificates found in the provided array' }
  const refused: [unknown, ExpectedError][] = [
    [undefined, invalidType('The "certs" argument must be an instance of Array. Received undefined')],
    ['x', invalidType(`The "certs" argument must be an instance of Array. Received type string ('x')`)],
    [[5], invalidType('The "certs[0]" argument must be of type string or an instance of ArrayBufferView. Received type number (5)')],
    [['garbage'], none],
    [[''], none],
  ]
  for (const [certs, error] of refused)
    test(`setDefaultCACertificates(${JSON.stringify(certs)})`, () => throwsError(() => setDefaultCACertificates(certs), error))

  test('setDefaultCACertificates: clients without `ca` trust these, and no others', async (t) => {
    const before = getCACertificates()
    t.defer(() => setDefaultCACertificates(before))
    const listening = await listen(t, subject)
    setDefaultCACertificates([root().cert, Buffer.from(root().cert)])
    for (const pem of getCACertificates()) assert.is(fingerprint(pem), fingerprint(root().cert))
    assert.ok(Object.isFrozen(getCACertificates()))
    assert.is((await attempt(t, subject, listening, { ca: undefined })).client.authorized, true)
    setDefaultCACertificates([])
    assert.equal(getCACertificates(), [])
    assert.is((await attempt(t, subject, listening, { ca: undefined })).client.error?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })
}

const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256

function alpnSuite(subject: Subject): void {
  const test = suiteOf(subject, 'convertALPNProtocols')
  const { convertALPNProtocols } = undocumented(subject)
  const long = 'a'.repeat(255)

  const rows: [string, unknown, Buffer | undefined][] = [
    ['names', ['h2', 'http/1.1'], Buffer.from('\x02h2\x08http/1.1')],
    ['no names', [], Buffer.alloc(0)],
    ['a name beyond ASCII', ['é'], Buffer.from([2, 0xc3, 0xa9])],
    ['the longest name', [long], Buffer.concat([Buffer.from([255]), Buffer.from(long)])],
    ['a Buffer', Buffer.from('\x02h2'), Buffer.from('\x02h2')],
    ['a Uint8Array', Uint8Array.from([2, 104, 50]), Buffer.from('\x02h2')],
    ['a part of an array', new Uint8Array([9, 2, 104, 50, 9]).subarray(1, 4), Buffer.from('\x02h2')],
    ['a DataView', new DataView(Uint8Array.from([2, 104, 50]).buffer), Buffer.from('\x02h2')],
    ['text is none', 'h2', undefined],
    ['undefined is none', undefined, undefined],
    ['null is none', null, undefined],
  ]
  for (const [name, protocols, expected] of rows) {
    test(name, () => {
      const out: { ALPNProtocols?: Buffer } = {}
      convertALPNProtocols(protocols, out)
      assert.equal(out.ALPNProtocols, expected)
    })
  }

  test('bytes are copied', () => {
    const protocols = Uint8Array.from([2, 104, 50])
    const out: { ALPNProtocols?: Buffer } = {}
    convertALPNProtocols(protocols, out)
    protocols[1] = 0
    assert.is(String(out.ALPNProtocols), '\x02h2')
  })

  const tooLong = 'The byte length of the protocol at index 1 exceeds the maximum length. It must be <= 255. Received 256'
  test('a name that is too long', () => throwsError(() => convertALPNProtocols(['h2', `${long}a`], {}), outOfRange(tooLong)))

  if (!has(subject, DIFFERENCES.alpnChecked)) return
  const wrong: [string, unknown, RegExp][] = [
    ['an empty name', ['h2', ''], /^The argument 'protocols\[1\]' must be a non-empty string\. Received ''$/],
    ['a truncated list', Buffer.from('\x05h2'), /^The argument 'ALPNProtocols' contains truncated protocol\. Received /],
    ['an empty name in a list', Buffer.from([0]), /^The argument 'ALPNProtocols' must not contain zero-length protocol\. Received /],
  ]
  for (const [name, protocols, message] of wrong)
    test(name, () => throwsError(() => convertALPNProtocols(protocols, {}), invalidValue(message)))
}
