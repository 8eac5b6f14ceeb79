// Certificates and keys in every encoding people have them in, made by the openssl command; and what is said of those that do not work.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions } from '../../src/index.ts'
import { derOf, HOST, intermediate, KEY_TYPES, root, server, serverFor, serverWithChain } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { makePair } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

const credentials = suite('engine: credentials')
const made = credentials.unless(noOpenssl)

const PASSPHRASE = 'correct horse battery staple'
const encoder = new TextEncoder()

/** The credentials work: a client that trusts the root comes through. */
function works(t: Case, server: ContextOptions): void {
  const pair = t.own(makePair({ server: { cert: undefined, key: undefined, ...server } })).establish()
  assert.is(pair.client.engine.agreed!.authorized, true)
}

/** The server's key, converted by `openssl` with these arguments. */
function converted(t: Case, key: string, args: string[]): Uint8Array<ArrayBuffer> {
  const workshop = t.own(new Workshop())
  workshop.openssl(...args, '-in', workshop.write('key.pem', key), '-out', workshop.path('out'))
  return workshop.read('out')
}

const encrypted = (...options: string[]) => ['pkcs8', '-topk8', ...options, '-passout', `pass:${PASSPHRASE}`]

/** What the key is converted to; the traditional forms differ by type. */
const KEY_FORMS: { name: string; args: (traditional: string) => string[]; passphrase?: string; types?: string[] }[] = [
  { name: 'PKCS#8 in DER', args: () => ['pkcs8', '-topk8', '-nocrypt', '-outform', 'DER'] },
  { name: 'the traditional form', args: (type) => [type, ...(type === 'rsa' ? ['-traditional'] : [])], types: ['RSA-2048', 'P-256'] },
  {
    name: 'the traditional form in DER',
    args: (type) => [type, '-outform', 'DER', ...(type === 'rsa' ? ['-traditional'] : [])],
    types: ['RSA-2048', 'P-256'],
  },
  { name: 'encrypted PKCS#8 (PBES2, AES-256)', args: () => encrypted('-v2', 'aes-256-cbc'), passphrase: PASSPHRASE },
  { name: 'encrypted PKCS#8 (scrypt)', args: () => encrypted('-scrypt'), passphrase: PASSPHRASE },
  { name: 'encrypted PKCS#8 in DER', args: () => encrypted('-outform', 'DER'), passphrase: PASSPHRASE },
  {
    name: 'the encrypted traditional form',
    args: (type) => [type, '-aes128', '-passout', `pass:${PASSPHRASE}`, ...(type === 'rsa' ? ['-traditional'] : [])],
    passphrase: PASSPHRASE,
    types: ['RSA-2048', 'P-256'],
  },
]

for (const type of KEY_TYPES) {
  for (const { name, args, passphrase, types } of KEY_FORMS) {
    if (types && !types.includes(type)) continue
    made(`a key of type ${type} as ${name}`, (t) => {
      const { cert, key } = server(type)
      works(t, { cert, key: converted(t, key, args(type === 'P-256' ? 'ec' : 'rsa')), passphrase })
    })
  }
}

credentials('a certificate in DER', (t) => works(t, { cert: derOf(server().cert), key: server().key }))
credentials('PEM as bytes', (t) => works(t, { cert: encoder.encode(server().cert), key: encoder.encode(server().key) }))
credentials('PEM with text around it', (t) =>
  works(t, { cert: `Subject: me\n\n${server().cert}\nand so on`, key: `my key:\n${server().key}` }),
)
credentials('PEM with Windows line ends', (t) =>
  works(t, { cert: server().cert.replaceAll('\n', '\r\n'), key: server().key.replaceAll('\n', '\r\n') }),
)
credentials('certificate and key in one file', (t) => {
  const both = server().key + server().cert
  works(t, { cert: both, key: both })
})
credentials('a passphrase that is not needed does no harm', (t) => works(t, { ...server(), passphrase: PASSPHRASE }))

// ---- PKCS#12. ----

function pkcs12(t: Case, { cert, key } = server(), options: string[] = [], passphrase = PASSPHRASE): Uint8Array<ArrayBuffer> {
  const workshop = t.own(new Workshop())
  const files = ['-in', workshop.write('cert.pem', cert), '-inkey', workshop.write('key.pem', key), '-out', workshop.path('out.p12')]
  workshop.openssl('pkcs12', '-export', ...files, '-passout', `pass:${passphrase}`, ...options)
  return workshop.read('out.p12')
}

for (const type of KEY_TYPES)
  made(`PKCS#12 with a key of type ${type}`, (t) => works(t, { pkcs12: pkcs12(t, server(type)), passphrase: PASSPHRASE }))

made('PKCS#12 with its chain', (t) => {
  const { cert, key } = serverWithChain()
  const pair = t
    .own(makePair({ server: { cert: undefined, key: undefined, pkcs12: pkcs12(t, { cert, key }), passphrase: PASSPHRASE } }))
    .establish()
  assert.equal(pair.client.engine.agreed!.peerChain[1], derOf(intermediate().cert))
})
made('PKCS#12 without a passphrase', (t) => works(t, { pkcs12: pkcs12(t, server(), [], ''), passphrase: '' }))
made('PKCS#12 without a passphrase, and none given', (t) => works(t, { pkcs12: pkcs12(t, server(), [], '') }))
made('PKCS#12 with a passphrase beyond ASCII', (t) => works(t, { pkcs12: pkcs12(t, server(), [], 'Füße'), passphrase: 'Füße' }))

made('PKCS#12: a wrong passphrase', (t) => {
  expectThrow(() => createContext({ pkcs12: pkcs12(t), passphrase: 'wrong' }), {
    kind: 'usage',
    code: 'ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE',
    message: /`pkcs12` was refused.*wrong passphrase/,
  })
})
made('PKCS#12: no passphrase where one is needed', (t) => {
  expectThrow(() => createContext({ pkcs12: pkcs12(t) }), { kind: 'usage', message: /`pkcs12` was refused/ })
})
made('PKCS#12 without a key', (t) => {
  expectThrow(() => createContext({ pkcs12: pkcs12(t, server(), ['-nokeys']), passphrase: PASSPHRASE }), {
    kind: 'usage',
    message: /holds no private key/,
  })
})
made('PKCS#12 without a certificate', (t) => {
  expectThrow(() => createContext({ pkcs12: pkcs12(t, server(), ['-nocerts']), passphrase: PASSPHRASE }), {
    kind: 'usage',
    message: /holds no certificate/,
  })
})
made('PKCS#12 cut short', (t) => {
  const whole = pkcs12(t)
  expectThrow(() => createContext({ pkcs12: whole.subarray(0, whole.length - 10), passphrase: PASSPHRASE }), {
    kind: 'usage',
    message: /`pkcs12` was refused/,
  })
})

// ---- What does not work. ----

const WRONG_PASSPHRASE: { name: string; args: string[] }[] = [
  { name: 'PKCS#8', args: encrypted() },
  { name: 'PKCS#8 in DER', args: encrypted('-outform', 'DER') },
  { name: 'the traditional form', args: ['ec', '-aes128', '-passout', `pass:${PASSPHRASE}`] },
]

for (const { name, args } of WRONG_PASSPHRASE) {
  made(`a wrong passphrase for ${name}`, (t) => {
    const key = converted(t, server().key, args)
    expectThrow(() => createContext({ cert: server().cert, key, passphrase: 'wrong' }), {
      kind: 'usage',
      message: /`key` was refused.*\(wrong passphrase\)/,
    })
  })
  made(`no passphrase for ${name}`, (t) => {
    const key = converted(t, server().key, args)
    expectThrow(() => createContext({ cert: server().cert, key }), { kind: 'usage', message: /`key` was refused.*pass its `passphrase`/ })
  })
}

const REFUSED: { name: string; options: () => ContextOptions; message: RegExp; code?: string }[] = [
  {
    name: 'the key of another certificate',
    options: () => ({ cert: server().cert, key: root().key }),
    code: 'ERR_OSSL_X509_CERTIFICATE_KEY_VALUES_MISMATCH',
    message: /`key` was refused.*belongs to another certificate/,
  },
  {
    name: 'the key of another type',
    options: () => ({ cert: server('P-256').cert, key: server('Ed25519').key }),
    code: 'ERR_OSSL_DIGITAL_ENVELOPE_DIFFERENT_KEY_TYPES',
    message: /`key` was refused.*another type/,
  },
  {
    name: 'a key where the certificate should be',
    options: () => ({ cert: server().key, key: server().key }),
    message: /`cert` was refused.*expected PEM or DER/,
  },
  {
    name: 'a certificate where the key should be',
    options: () => ({ cert: server().cert, key: server().cert }),
    message: /`key` was refused/,
  },
  { name: 'text that is no PEM', options: () => ({ cert: 'hello', key: server().key }), message: /`cert` was refused/ },
  { name: 'a key that is no PEM', options: () => ({ cert: server().cert, key: 'hello' }), message: /`key` was refused/ },
  {
    name: 'broken base64',
    options: () => ({ cert: server().cert.replace(/[A-Z]{3}/, '*!*'), key: server().key }),
    message: /`cert` was refused/,
  },
  { name: 'PEM cut short', options: () => ({ cert: server().cert.slice(0, 200), key: server().key }), message: /`cert` was refused/ },
  {
    name: 'a broken second certificate',
    options: () => ({ cert: server().cert + server().cert.slice(0, 200), key: server().key }),
    message: /`cert` was refused/,
  },
  { name: 'DER garbage', options: () => ({ cert: pattern(500), key: server().key }), message: /`cert` was refused/ },
  { name: 'DER garbage for a key', options: () => ({ cert: server().cert, key: pattern(500) }), message: /`key` was refused/ },
  { name: 'garbage for a ca', options: () => ({ ca: 'hello' }), message: /`ca` was refused/ },
  { name: 'a key for a ca', options: () => ({ ca: server().key }), message: /`ca` was refused/ },
  { name: 'garbage for pkcs12', options: () => ({ pkcs12: pattern(500) }), message: /`pkcs12` was refused/ },
  { name: 'nothing for pkcs12', options: () => ({ pkcs12: new Uint8Array(0) }), message: /`pkcs12` was refused/ },
]

for (const { name, options, message, code } of REFUSED) {
  credentials(`${name} is refused in words`, () => {
    expectThrow(() => createContext(options()), { kind: 'usage', message, ...(code && { code }) })
  })
}

credentials('a refused context leaves nothing behind, however often', () => {
  for (let i = 0; i < 50; i++) expectThrow(() => createContext({ ...serverFor(HOST), ca: 'hello' }), { kind: 'usage' })
})
