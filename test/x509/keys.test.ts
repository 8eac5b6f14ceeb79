// Private keys: every type, in every encoding, both ways; judged by Node's crypto, by openssl and, where neither knows ML-DSA yet, by the
// sizes of FIPS 204.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify as verifySignature } from 'node:crypto'
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { createCertificate, createKey, exportKey, parseCertificate, publicKey, verifyCertificate, type KeyType } from '../../src/x509/index.ts'
import { derOf, keyOf, root } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { suite } from '../support/suite.ts'

const keys = suite('x509: keys')
const judged = keys.unless(noOpenssl)

/** Types that Node 20 knows. */
const CLASSIC = ['RSA-2048', 'P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448'] as const

/** Quick, for keys that are encrypted: a thousand is the least that is allowed. */
const iterations = 1000

for (const type of CLASSIC) {
  keys(`Node signs with a key of type ${type} and verifies with its public half`, () => {
    const message = Buffer.from('message')
    const digest = type.startsWith('Ed') ? null : 'sha256'
    const signature = sign(digest, message, createPrivateKey(keyOf(type)))
    assert.ok(verifySignature(digest, message, createPublicKey(publicKey(keyOf(type))), signature))
  })

  judged(`the public half of a key of type ${type} is openssl's`, (t) => {
    const workshop = t.own(new Workshop())
    const pem = workshop.openssl('pkey', '-in', workshop.write('key', keyOf(type)), '-pubout').stdout
    assert.is(publicKey(keyOf(type)), pem)
    assert.equal(publicKey(keyOf(type), { format: 'der' }), derOf(pem))
  })

  keys(`a key of type ${type} is itself again, as DER and encrypted`, () => {
    const pem = keyOf(type)
    const der = exportKey(pem, { format: 'der' })
    assert.equal(der, derOf(pem))
    assert.is(exportKey(der), pem)
    const encrypt = { passphrase: 'Passwörter', iterations }
    assert.is(exportKey(exportKey(pem, { encrypt }), { passphrase: 'Passwörter' }), pem)
    assert.is(exportKey(exportKey(pem, { encrypt, format: 'der' }), { passphrase: 'Passwörter' }), pem)
  })

  keys(`Node reads a key of type ${type} that is encrypted`, () => {
    const encrypted = exportKey(keyOf(type), { encrypt: { passphrase: 'secret', iterations } })
    assert.match(encrypted, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    const read = createPrivateKey({ key: encrypted, passphrase: 'secret' })
    assert.is(read.export({ type: 'pkcs8', format: 'pem' }), keyOf(type))
  })
}

judged('encryption is AES-256-CBC under PBKDF2 with HMAC-SHA-256: 600,000 iterations unless told otherwise', (t) => {
  const workshop = t.own(new Workshop())
  const describe = (encrypt: { passphrase: string; iterations?: number }) => {
    const der = exportKey(keyOf('P-256'), { format: 'der', encrypt })
    return workshop.openssl('asn1parse', '-inform', 'DER', '-in', workshop.write('key', der)).stdout
  }
  for (const [options, hex] of [[{}, '0927C0'], [{ iterations: 12345 }, '3039']] as const) {
    const text = describe({ passphrase: 'x', ...options })
    assert.match(text, new RegExp(`PBES2[^]*PBKDF2[^]*OCTET STRING +\\[HEX DUMP\\]:[0-9A-F]{32}\\n[^]*INTEGER +:${hex}\\n[^]*hmacWithSHA256[^]*aes-256-cbc`))
  }
})

judged('two encryptions of a key are different: salt and IV are', () => {
  const encrypt = { passphrase: 'x', iterations }
  assert.is.not(exportKey(keyOf('P-256'), { encrypt }), exportKey(keyOf('P-256'), { encrypt }))
})

// ---- What openssl writes. ----

const ENCODINGS: { name: string; type: KeyType; args: string[]; der?: true }[] = [
  { name: 'PKCS#1', type: 'RSA-2048', args: ['rsa', '-traditional'] },
  { name: 'PKCS#1 under 3DES', type: 'RSA-2048', args: ['rsa', '-traditional', '-des3', '-passout', 'pass:secret'] },
  { name: 'PKCS#1 in DER', type: 'RSA-2048', args: ['rsa', '-traditional', '-outform', 'DER'], der: true },
  { name: 'SEC1', type: 'P-256', args: ['ec'] },
  { name: 'SEC1 under AES-128', type: 'P-256', args: ['ec', '-aes128', '-passout', 'pass:secret'] },
  { name: 'PKCS#8 under AES-128', type: 'Ed25519', args: ['pkcs8', '-topk8', '-v2', 'aes128', '-passout', 'pass:secret'] },
  { name: 'PKCS#8 under 3DES and HMAC-SHA-1', type: 'P-384', args: ['pkcs8', '-topk8', '-v2', 'des3', '-v2prf', 'hmacWithSHA1', '-passout', 'pass:secret'] },
  { name: 'PKCS#8 under PBE-SHA1-3DES', type: 'P-256', args: ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', '-passout', 'pass:secret'] },
  { name: 'PKCS#8 under scrypt, in DER', type: 'P-256', args: ['pkcs8', '-topk8', '-scrypt', '-outform', 'DER', '-passout', 'pass:secret'], der: true },
]

for (const { name, type, args } of ENCODINGS) {
  judged(`reads ${name}`, (t) => {
    const workshop = t.own(new Workshop())
    workshop.openssl(...args, '-in', workshop.write('key', keyOf(type)), '-out', workshop.path('out'))
    assert.is(exportKey(workshop.read('out'), args.includes('pass:secret') ? { passphrase: 'secret' } : {}), keyOf(type))
  })
}

// ---- ML-DSA (FIPS 204, table 2). SubjectPublicKeyInfo adds 22 bytes. ----

const ML_DSA = [
  { type: 'ML-DSA-44', publicBytes: 1312, privateBytes: 2560, signatureBytes: 2420, oid: '2.16.840.1.101.3.4.3.17' },
  { type: 'ML-DSA-65', publicBytes: 1952, privateBytes: 4032, signatureBytes: 3309, oid: '2.16.840.1.101.3.4.3.18' },
  { type: 'ML-DSA-87', publicBytes: 2592, privateBytes: 4896, signatureBytes: 4627, oid: '2.16.840.1.101.3.4.3.19' },
] as const

/** The BIT STRING at the end of a certificate: its length is told by the two bytes after 0x03 0x82. */
function signatureLength(der: Uint8Array, expected: number): number {
  const at = der.length - expected - 1
  return der[at - 4] === 0x03 && der[at - 3] === 0x82 && der[at] === 0 ? (der[at - 2]! << 8) + der[at - 1]! - 1 : NaN
}

for (const { type, publicBytes, privateBytes, signatureBytes, oid } of ML_DSA) {
  keys(`${type} has the sizes of FIPS 204, and its object identifier`, () => {
    const spki = publicKey(keyOf(type), { format: 'der' })
    assert.is(spki.length, publicBytes + 22)
    const pkcs8 = exportKey(keyOf(type), { format: 'der' })
    assert.ok(pkcs8.length > privateBytes && pkcs8.length < privateBytes + 100)
    const certificate = parseCertificate(createCertificate({ key: keyOf(type), subject: { CN: type }, ca: true }))
    assert.is(signatureLength(certificate.der, signatureBytes), signatureBytes)
    assert.equal([certificate.key.type, certificate.signatureAlgorithm], [type, `id-${type.toLowerCase()}`])
    const arcs = oid.split('.').map(Number)
    const body = [arcs[0]! * 40 + arcs[1]!, ...arcs.slice(2).flatMap((arc) => (arc < 128 ? [arc] : [0x80 | (arc >> 7), arc & 127]))]
    assert.ok(Buffer.from(spki).includes(Buffer.from([6, body.length, ...body])))
  })

  keys(`${type} is itself again, as DER and encrypted`, () => {
    const encrypt = { passphrase: 'x', iterations }
    assert.is(exportKey(exportKey(keyOf(type), { format: 'der' })), keyOf(type))
    assert.is(exportKey(exportKey(keyOf(type), { encrypt }), { passphrase: 'x' }), keyOf(type))
  })

  keys(`a leaf of ${type} under a CA of P-256, and the other way round`, () => {
    const certificates = [type, 'P-256'] as const
    for (const [leaf, top] of [certificates, [...certificates].reverse() as [KeyType, KeyType]]) {
      const issuer = { key: keyOf(top), cert: createCertificate({ key: keyOf(top), subject: { CN: top }, ca: true }) }
      const cert = createCertificate({ key: keyOf(leaf), hosts: ['a.test'], issuer })
      assert.is(verifyCertificate({ leaf: cert, roots: issuer.cert, hostname: 'a.test' }).ok, true)
    }
  })
}

// ---- Secrets. ----

/** How often these bytes stand in the module's memory. */
function occurrences(secret: Uint8Array): number {
  const { u8 } = library().memory
  const memory = Buffer.from(u8.buffer, u8.byteOffset, u8.length)
  let count = 0
  for (let at = memory.indexOf(secret); at >= 0; at = memory.indexOf(secret, at + 1)) count++
  return count
}

/** The number that the key is: 32 bytes within the PKCS#8 encoding. */
function privateNumber(pem: string): Uint8Array {
  return Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d!, 'base64url')
}

for (const type of ['ec', 'ed25519'] as const) {
  const generate = () => (type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const USES: { name: string; use: (pem: string) => unknown }[] = [
    { name: 'signs a certificate', use: (key) => createCertificate({ key, subject: { CN: 'x' } }) },
    { name: 'is encrypted', use: (key) => exportKey(key, { encrypt: { passphrase: 'the passphrase', iterations } }) },
    { name: 'becomes DER', use: (key) => exportKey(key, { format: 'der' }) },
    { name: 'gives its public half', use: (key) => publicKey(key) },
  ]
  for (const { name, use } of USES) {
    keys(`a key (${type}) that ${name} is not left in memory, nor is its text`, () => {
      const pem = generate()
      use(pem)
      assert.is(occurrences(privateNumber(pem)), 0, 'the number')
      assert.is(occurrences(Buffer.from(pem.split('\n')[1]!)), 0, 'the text')
      assert.is(occurrences(Buffer.from('the passphrase')), 0, 'the passphrase')
    })
  }
}

// ---- Misuse. ----

const encrypted = exportKey(keyOf('P-256'), { encrypt: { passphrase: 'secret', iterations } })

const WRONG: { name: string; call: () => unknown; message: RegExp }[] = [
  { name: 'an unknown type', call: () => createKey('P-192' as never), message: /"P-192" is none of RSA-2048, .*ML-DSA-87$/ },
  { name: 'a key that is none', call: () => exportKey('hello'), message: /exportKey: .*expected a key in PEM or DER/ },
  { name: 'a certificate for a key', call: () => exportKey(root().cert), message: /exportKey/ },
  { name: 'a key of a wrong type', call: () => publicKey({} as never), message: /publicKey: `key` must be PEM text or bytes, not object/ },
  { name: 'a public key for a private one', call: () => exportKey(publicKey(keyOf('P-256'))), message: /exportKey/ },
  { name: 'an encrypted key without passphrase', call: () => exportKey(encrypted), message: /the key is encrypted: pass its `passphrase`/ },
  { name: 'an encrypted key with another passphrase', call: () => exportKey(encrypted, { passphrase: 'Secret' }), message: /wrong passphrase/ },
  { name: 'an encrypted DER key without passphrase', call: () => exportKey(derOf(encrypted)), message: /the key is encrypted: pass its `passphrase`/ },
  { name: 'a passphrase that is no text', call: () => exportKey(encrypted, { passphrase: 7 as never }), message: /the `passphrase` must be text, not number/ },
  { name: 'a passphrase with a NUL', call: () => exportKey(keyOf('P-256'), { encrypt: { passphrase: 'a\0b' } }), message: /`passphrase` must not contain a NUL/ },
  { name: 'an encryption without passphrase', call: () => exportKey(keyOf('P-256'), { encrypt: {} as never }), message: /the `passphrase` must be text, not undefined/ },
  { name: 'an unknown format', call: () => exportKey(keyOf('P-256'), { format: 'jwk' as never }), message: /`format` is "jwk"; it must be 'pem' or 'der'/ },
  { name: 'hardly any iterations', call: () => exportKey(keyOf('P-256'), { encrypt: { passphrase: 'x', iterations: 999 } }), message: /`iterations` must be a whole number from 1,000/ },
  { name: 'half an iteration', call: () => exportKey(keyOf('P-256'), { encrypt: { passphrase: 'x', iterations: 1000.5 } }), message: /`iterations` must be a whole number/ },
]
for (const { name, call, message } of WRONG) keys(`misuse: ${name}`, () => void expectThrow(call, { kind: 'usage', message }))
