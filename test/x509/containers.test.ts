// PKCS #12 and PKCS #7 files, both ways, with openssl and certtool on the other side.
import { createSecureContext } from 'node:tls'
import * as assert from 'uvu/assert'
import { createCrl, createKey, createPkcs12, exportKey, parseCertificate, parsePkcs12, parsePkcs7, type Pkcs12Options } from '../../src/x509/index.ts'
import { createContext } from '../../src/index.ts'
import { derOf, intermediate, issue, keyOf, root, server, serverWithChain } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { run } from '../support/node.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { suite } from '../support/suite.ts'

const pkcs12 = suite('x509: PKCS #12')
const judged = pkcs12.unless(noOpenssl)
const noCerttool = run('sh', ['-c', 'command -v certtool']).code !== 0 ? { kind: 'no-certtool', reason: 'certtool is missing; apt-get install gnutls-bin' } : undefined

const TYPES = ['RSA-2048', 'P-256', 'Ed25519'] as const
const identityOf = (type: (typeof TYPES)[number]) => issue({ subject: { CN: type }, hosts: ['p12.test'] }, intermediate(), type)
const iterations = 1000
const pack = (type: (typeof TYPES)[number], options: Partial<Pkcs12Options> = {}) => {
  const { key, cert } = identityOf(type)
  return createPkcs12({ key, cert: cert + intermediate().cert + root().cert, passphrase: 'Öffne', iterations, ...options })
}

for (const type of TYPES) {
  pkcs12(`a file with a key of type ${type} is read as it was made`, () => {
    const { key, certificate, chain, name } = parsePkcs12(pack(type, { name: 'Größe' }), 'Öffne')
    assert.is(key, keyOf(type))
    assert.is(certificate!.subject, `CN=${type}`)
    assert.equal(chain.map(({ subject }) => subject).sort(), ['CN=membio test intermediate', 'CN=membio test root'])
    assert.is(name, 'Größe')
  })

  judged(`openssl reads a file with a key of type ${type}`, (t) => {
    const workshop = t.own(new Workshop())
    const file = workshop.write('file.p12', pack(type, { name: 'a name' }))
    const { stdout } = workshop.openssl('pkcs12', '-in', file, '-nodes', '-passin', 'pass:Öffne')
    assert.match(stdout, /friendlyName: a name/)
    assert.is(exportKey(stdout), keyOf(type))
    assert.is(stdout.match(/BEGIN CERTIFICATE/g)!.length, 3)
    assert.is(parseCertificate(stdout).subject, `CN=${type}`)
  })

  judged(`a file of openssl with a key of type ${type} is read`, (t) => {
    const workshop = t.own(new Workshop())
    const { key, cert } = identityOf(type)
    const files = ['-inkey', workshop.write('key', key), '-in', workshop.write('cert', cert), '-certfile', workshop.write('chain', intermediate().cert)]
    workshop.openssl('pkcs12', '-export', ...files, '-name', 'theirs', '-passout', 'pass:secret', '-out', workshop.path('file.p12'))
    const read = parsePkcs12(workshop.read('file.p12'), 'secret')
    assert.equal([read.key, read.certificate!.pem, read.chain.map(({ pem }) => pem), read.name], [keyOf(type), cert, [intermediate().cert], 'theirs'])
  })
}

judged('modern algorithms, and as many iterations as were asked for', (t) => {
  const workshop = t.own(new Workshop())
  const info = (options: Partial<Pkcs12Options>) =>
    workshop.openssl('pkcs12', '-in', workshop.write('f', pack('P-256', options)), '-info', '-noout', '-passin', 'pass:Öffne').stderr
  assert.match(info({}), /MAC: sha256, Iteration 1000\n[^]*PBES2, PBKDF2, AES-256-CBC, Iteration 1000, PRF hmacWithSHA256/)
  const standard = info({ iterations: undefined })
  assert.is([...standard.matchAll(/Iteration 200000/g)].length, 3, 'of the MAC, of the certificates and of the key')
})

pkcs12('Node reads a file', () => {
  assert.ok(createSecureContext({ pfx: Buffer.from(pack('RSA-2048')), passphrase: 'Öffne' }))
})

pkcs12.unless(noCerttool)('certtool reads a file, and makes one that is read', (t) => {
  const workshop = t.own(new Workshop())
  const info = run('certtool', ['--p12-info', '--inder', '--infile', workshop.write('f', pack('P-256', { passphrase: 'secret' })), '--password', 'secret'])
  assert.is(info.stdout.match(/BEGIN CERTIFICATE/g)?.length, 3, info.stderr)
  const { key, cert } = identityOf('P-256')
  const files = ['--load-privkey', workshop.write('key', key), '--load-certificate', workshop.write('cert', cert), '--outfile', workshop.path('theirs')]
  run('certtool', ['--to-p12', ...files, '--outder', '--p12-name', 'n', '--password', 'secret', '--pkcs-cipher', 'aes-256'])
  const read = parsePkcs12(workshop.read('theirs'), 'secret')
  assert.equal([read.key, read.certificate!.pem], [key, cert])
})

pkcs12('what is read makes a context', (t) => {
  const { key, certificate, chain } = parsePkcs12(pack('P-256'), 'Öffne')
  t.own(createContext({ key, cert: [certificate!, ...chain].map(({ pem }) => pem).join('') }))
})

const OPENSSL_FILES: { name: string; args: string[]; passphrase: string | undefined; read: (keyof ReturnType<typeof parsePkcs12>)[] }[] = [
  { name: '3DES and SHA-1', args: ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1', '-passout', 'pass:x'], passphrase: 'x', read: ['key', 'certificate', 'chain'] },
  { name: 'an empty passphrase, given as such', args: ['-passout', 'pass:'], passphrase: '', read: ['key', 'certificate', 'chain'] },
  { name: 'an empty passphrase, left out', args: ['-passout', 'pass:'], passphrase: undefined, read: ['key', 'certificate', 'chain'] },
  { name: 'nothing encrypted', args: ['-keypbe', 'NONE', '-certpbe', 'NONE', '-passout', 'pass:x'], passphrase: 'x', read: ['key', 'certificate', 'chain'] },
  { name: 'certificates only', args: ['-nokeys', '-passout', 'pass:x'], passphrase: 'x', read: ['chain'] },
]
for (const { name, args, passphrase, read } of OPENSSL_FILES) {
  judged(`a file of openssl with ${name}`, (t) => {
    const workshop = t.own(new Workshop())
    const { key, cert } = server()
    const keys = args.includes('-nokeys') ? [] : ['-inkey', workshop.write('key', key)]
    workshop.openssl('pkcs12', '-export', ...keys, '-in', workshop.write('cert', cert), ...args, '-out', workshop.path('f'))
    assert.equal(Object.keys(parsePkcs12(workshop.read('f'), passphrase)), read)
  })
}

const WRONG: { name: string; call: () => unknown; message: RegExp }[] = [
  { name: 'another passphrase', call: () => parsePkcs12(pack('P-256'), 'other'), message: /parsePkcs12: mac verify failure.*wrong passphrase/ },
  { name: 'no passphrase', call: () => parsePkcs12(pack('P-256')), message: /mac verify failure/ },
  { name: 'a changed file', call: () => parsePkcs12(changed(pack('P-256')), 'Öffne'), message: /parsePkcs12/ },
  { name: 'noise', call: () => parsePkcs12(new Uint8Array([1, 2, 3]), 'x'), message: /parsePkcs12/ },
  { name: 'text', call: () => parsePkcs12('-----BEGIN' as never, 'x'), message: /PKCS #12 has no PEM form/ },
  { name: 'a passphrase with a NUL', call: () => parsePkcs12(pack('P-256'), 'a\0'), message: /must not contain a NUL/ },
  { name: 'a passphrase that is no text', call: () => parsePkcs12(pack('P-256'), 1 as never), message: /the passphrase must be text/ },
  { name: "a certificate for another's key", call: () => pack('P-256', { key: createKey() }), message: /createPkcs12: `cert` was refused: key values mismatch.*the key belongs to another certificate/ },
  { name: 'a key that is none', call: () => pack('P-256', { key: 'hello' }), message: /createPkcs12: `key` was refused/ },
  { name: 'a certificate that is none', call: () => pack('P-256', { cert: 'hello' }), message: /createPkcs12: `cert` was refused/ },
  { name: 'no certificate', call: () => pack('P-256', { cert: undefined as never }), message: /`cert` must be PEM text or bytes, not undefined/ },
  { name: 'no passphrase to protect it', call: () => pack('P-256', { passphrase: undefined as never }), message: /`passphrase` must be text, not undefined/ },
  { name: 'an encrypted key without its passphrase', call: () => pack('P-256', { key: sealed }), message: /`key` was refused.*the key is encrypted/ },
  { name: 'hardly any iterations', call: () => pack('P-256', { iterations: 1 }), message: /`iterations` must be a whole number from 1,000/ },
]

const sealed = exportKey(keyOf('P-256'), { encrypt: { passphrase: 'x', iterations } })

function changed(bytes: Uint8Array): Uint8Array {
  bytes[bytes.length >> 1]! ^= 1
  return bytes
}

for (const { name, call, message } of WRONG) pkcs12(`misuse: ${name}`, () => void expectThrow(call, { kind: 'usage', message }))

pkcs12('an encrypted key goes in with its passphrase', () => {
  assert.is(parsePkcs12(pack('P-256', { key: sealed, keyPassphrase: 'x' }), 'Öffne').key, keyOf('P-256'))
})

// ---- PKCS #7. ----

const pkcs7 = suite('x509: PKCS #7')
const bundled = pkcs7.unless(noOpenssl)

for (const form of ['PEM', 'DER'] as const) {
  bundled(`a bundle in ${form}, with a CRL`, (t) => {
    const workshop = t.own(new Workshop())
    const crl = createCrl({ issuer: root() })
    const files = ['-in', workshop.write('crl', crl), '-certfile', workshop.write('certs', serverWithChain().cert)]
    workshop.openssl('crl2pkcs7', ...files, '-outform', form, '-out', workshop.path('bundle'))
    const { certificates, crls } = parsePkcs7(workshop.read('bundle'))
    assert.equal(certificates.map(({ pem }) => pem).join(''), serverWithChain().cert)
    assert.equal(crls.map(({ pem }) => pem), [crl])
  })
}

bundled('the certificates of a signed message', (t) => {
  const workshop = t.own(new Workshop())
  const files = ['-signer', workshop.write('cert', server().cert), '-inkey', workshop.write('key', server().key), '-in', workshop.write('text', 'hello')]
  workshop.openssl('smime', '-sign', ...files, '-outform', 'PEM', '-out', workshop.path('signed'))
  assert.equal(parsePkcs7(workshop.read('signed')).certificates.map(({ der }) => der), [derOf(server().cert)])
})

bundled('a message that has no certificates', (t) => {
  const workshop = t.own(new Workshop())
  const files = ['-in', workshop.write('text', 'hello'), '-out', workshop.path('sealed'), workshop.write('cert', server('RSA-2048').cert)]
  workshop.openssl('smime', '-encrypt', '-aes128', '-outform', 'DER', ...files)
  expectThrow(() => parsePkcs7(workshop.read('sealed')), { kind: 'usage', message: /a PKCS #7 message of a kind that has no certificates/ })
})

pkcs7('a certificate is no bundle', () => {
  expectThrow(() => parsePkcs7(root().cert), { kind: 'usage', message: /parsePkcs7: this is no PKCS #7 bundle/ })
  expectThrow(() => parsePkcs7(new Uint8Array(9)), { kind: 'usage', message: /parsePkcs7: this is no PKCS #7 bundle/ })
})
