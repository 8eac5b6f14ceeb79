// Mistakes of the caller's: each is told at once, with the option's name and the way out.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type EngineOptions } from '../../src/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const options = suite('engine: options')

/** What TypeScript would not let through. */
const untyped = (value: unknown): never => value as never

const CONTEXT: { name: string; given: () => ContextOptions; message: RegExp }[] = [
  { name: 'cert without key', given: () => ({ cert: server().cert }), message: /`cert` is given without `key`/ },
  { name: 'key without cert', given: () => ({ key: server().key }), message: /`key` is given without `cert`/ },
  { name: 'pkcs12 beside cert', given: () => ({ ...server(), pkcs12: new Uint8Array(1) }), message: /either `pkcs12` or `cert` and `key`/ },
  {
    name: 'versions the wrong way round',
    given: () => ({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }),
    message: /minVersion TLSv1.3 is newer than maxVersion TLSv1.2/,
  },
  {
    name: 'an unknown version',
    given: () => ({ minVersion: untyped('SSLv3') }),
    message: /minVersion is "SSLv3"; it must be one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3/,
  },
  { name: 'a version as a number', given: () => ({ maxVersion: untyped(771) }), message: /maxVersion is 771/ },
  {
    name: 'cert that is no text',
    given: () => ({ cert: untyped(5), key: server().key }),
    message: /`cert` must be PEM text or bytes, not number/,
  },
  { name: 'ca that is an object', given: () => ({ ca: untyped({}) }), message: /`ca` must be PEM text or bytes/ },
  {
    name: 'an unknown cipher list',
    given: () => ({ cipherList: 'NO-SUCH-CIPHER' }),
    message: /`cipherList` was refused \("NO-SUCH-CIPHER"\)/,
  },
  {
    name: 'an unknown cipher suite',
    given: () => ({ cipherSuites: ['TLS_NO_SUCH'] }),
    message: /`cipherSuites` was refused \("TLS_NO_SUCH"\)/,
  },
  {
    name: 'no cipher suites for TLS 1.3 alone',
    given: () => ({ cipherSuites: [], minVersion: 'TLSv1.3' }),
    message: /with an empty `cipherSuites` there is no suite for any version from TLSv1.3 to TLSv1.3/,
  },
  {
    name: 'no cipher list for TLS 1.2 alone',
    given: () => ({ cipherList: '', maxVersion: 'TLSv1.2' }),
    message: /with an empty `cipherList` there is no suite for any version from TLSv1.2 to TLSv1.2/,
  },
  {
    name: 'no suites at all',
    given: () => ({ cipherList: '', cipherSuites: [] }),
    message: /with an empty `cipherList` and `cipherSuites` there is no suite/,
  },
  { name: 'a weak level in a cipher list', given: () => ({ cipherList: 'ALL:@SECLEVEL=0' }), message: /needs `insecureLegacyPeers`/ },
  { name: 'OpenSSL options that are no number', given: () => ({ dangerousOpensslOptions: untyped('1') }), message: /must be an integer of at most 64 bits/ },
  { name: 'OpenSSL options beyond 64 bits', given: () => ({ dangerousOpensslOptions: 1n << 64n }), message: /must be an integer of at most 64 bits/ },
  { name: 'negative OpenSSL options', given: () => ({ dangerousOpensslOptions: -1 }), message: /must be an integer of at most 64 bits/ },
  {
    name: 'cipher suites as text',
    given: () => ({ cipherSuites: untyped('TLS_AES_128_GCM_SHA256') }),
    message: /`cipherSuites` must be a list of names/,
  },
  {
    name: 'two names in one',
    given: () => ({ groups: ['x25519:P-256'] }),
    message: /`groups` must be a list of names; "x25519:P-256" is none/,
  },
  { name: 'an unknown group', given: () => ({ groups: ['x25519', 'no-such-group'] }), message: /`groups` was refused .*: a group is unknown/ },
  { name: 'an empty ca', given: () => ({ ca: '' }), message: /`ca` was refused: no start line/ },
  { name: 'crls that are none', given: () => ({ crls: 'x' }), message: /`crls` was refused: no start line/ },
  { name: 'an unknown signature scheme', given: () => ({ signatureSchemes: ['no_such'] }), message: /`signatureSchemes` was refused .*: a signature scheme is unknown/ },
  { name: 'an empty ALPN protocol', given: () => ({ alpn: ['h2', ''] }), message: /ALPN protocol "" must have 1 to 255 bytes/ },
  { name: 'an ALPN protocol of 256 bytes', given: () => ({ alpn: ['x'.repeat(256)] }), message: /must have 1 to 255 bytes/ },
  {
    name: 'a sessionIdContext of 33 bytes',
    given: () => ({ sessionIdContext: new Uint8Array(33) }),
    message: /sessionIdContext has 33 bytes, at most 32/,
  },
]

for (const { name, given, message } of CONTEXT) {
  options(`createContext: ${name}`, () => void expectThrow(() => createContext(given()), { kind: 'usage', message }))
}

const ENGINE: { name: string; context?: () => ContextOptions; given: EngineOptions; message: RegExp }[] = [
  { name: 'no role', given: untyped({ servername: HOST }), message: /role is undefined; it must be 'client' or 'server'/ },
  { name: 'an unknown role', given: { role: untyped('peer') }, message: /role is "peer"/ },
  { name: 'a client without servername', given: { role: 'client' }, message: /a client needs `servername`/ },
  {
    name: 'a client with clientCertificate',
    given: { role: 'client', servername: HOST, clientCertificate: 'require' },
    message: /`clientCertificate` is for servers/,
  },
  { name: 'a client that parks', given: { role: 'client', servername: HOST, park: ['clientHello'] }, message: /a client cannot park at "clientHello"/ },
  { name: 'a server with servername', given: { role: 'server', servername: HOST }, message: /`servername` is for clients/ },
  { name: 'a server with identity', given: { role: 'server', identity: HOST }, message: /`identity` is for clients/ },
  { name: 'a server with a session', given: { role: 'server', session: new Uint8Array(1) }, message: /`session` is for clients/ },
  { name: 'a server without certificate', context: () => ({}), given: { role: 'server' }, message: /a server needs a certificate/ },
  {
    name: 'clientCertificate without ca',
    context: server,
    given: { role: 'server', clientCertificate: 'require' },
    message: /`clientCertificate` needs `ca`/,
  },
  {
    name: 'clientCertificate by request without ca',
    context: server,
    given: { role: 'server', clientCertificate: 'request' },
    message: /needs `ca`/,
  },
  { name: 'a servername that is too long', given: { role: 'client', servername: 'x'.repeat(256) }, message: /`servername` was refused/ },
  { name: 'an ALPN protocol that is empty', given: { role: 'client', servername: HOST, alpn: [''] }, message: /ALPN protocol ""/ },
]

for (const { name, context: make = () => ({ ...server(), ca: root().cert }), given, message } of ENGINE) {
  options(`createEngine: ${name}`, (t) => {
    const context = t.own(createContext(make()))
    expectThrow(() => context.createEngine(given), { kind: 'usage', message })
  })
}

for (const field of ['servername', 'identity'] as const) {
  options(`createEngine: a ${field} with a NUL would be another name`, (t) => {
    const context = t.own(createContext({ ca: root().cert }))
    expectThrow(() => context.createEngine({ role: 'client', servername: HOST, [field]: 'server.test\0.evil.test' }), { kind: 'usage' })
  })
}

options('a passphrase with a NUL is refused', () => {
  expectThrow(() => createContext({ ...server(), passphrase: 'a\0b' }), { kind: 'usage' })
})

options('a freed context makes no engine', () => {
  const context = createContext({ ca: root().cert })
  context.free()
  expectThrow(() => context.createEngine({ role: 'client', servername: HOST }), {
    kind: 'usage',
    message: /this SecureContext has been freed/,
  })
})

options('the defaults are TLS 1.2 and 1.3, forward-secret AEAD suites only', (t) => {
  const pair = t.own(makePair({ serverEngine: { park: ['clientHello'] } })).run()
  const { hello } = pair.server.eventsOf('clientHello')[0]!
  assert.equal(hello.versions, [0x0304, 0x0303])
  const allowed = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x00ff] // the last: RFC 5746's signal
  assert.equal(
    hello.cipherSuites.filter((suite) => !allowed.includes(suite)),
    [],
  )
})

options('an option that is undefined is the default', (t) => {
  const nothing: ContextOptions = {
    alpn: undefined,
    groups: undefined,
    cipherSuites: undefined,
    minVersion: undefined,
    verifyTime: undefined,
  }
  t.own(makePair({ client: nothing, server: nothing })).establish()
})
