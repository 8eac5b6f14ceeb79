// Reading certificates: what membio says of one is what the openssl command says; and garbage is an error in words.
import { createHash } from 'node:crypto'
import * as assert from 'uvu/assert'
import { createCertificate, parseCertificate, splitCertificates } from '../../src/x509/index.ts'
import { derOf, HOST, KEY_TYPES, keyOf, root, server, serverWithChain } from '../support/certs.ts'
import { concat } from '../support/chunk.ts'
import { expectThrow } from '../support/expect.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { pattern, Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const parse = suite('x509: parse')
const compared = parse.unless(noOpenssl)

for (const type of KEY_TYPES) {
  compared(`agrees with openssl on a certificate with a key of type ${type}`, (t) => {
    const workshop = t.own(new Workshop())
    const file = workshop.write('cert.pem', server(type).cert)
    const ask = (...what: string[]) => workshop.openssl('x509', '-in', file, '-noout', '-nameopt', 'RFC2253', ...what).stdout.trim()
    const date = (text: string) => new Date(text.replace(/^\w+=/, ''))
    const certificate = parseCertificate(server(type).cert)
    assert.is(`subject=${certificate.subject}`, ask('-subject'))
    assert.is(`issuer=${certificate.issuer}`, ask('-issuer'))
    assert.is(`serial=${certificate.serialNumber}`, ask('-serial'))
    assert.equal(certificate.notBefore, date(ask('-startdate')))
    assert.equal(certificate.notAfter, date(ask('-enddate')))
    assert.is(`sha256 Fingerprint=${certificate.fingerprint256}`, ask('-fingerprint', '-sha256'))
  })
}

const KEYS = {
  'RSA-2048': { type: 'RSA', bits: 2048 },
  'P-256': { type: 'EC', bits: 256, group: 'prime256v1' },
  Ed25519: { type: 'ED25519', bits: 256 },
} as const

for (const type of KEY_TYPES) {
  parse(`tells the key, ${type}`, () => {
    const { type: algorithm, bits, group } = parseCertificate(server(type).cert).key
    assert.equal({ type: algorithm, bits, ...(group && { group }) }, KEYS[type])
  })
}

parse('tells names and addresses apart', () => {
  const { hosts, addresses, emails, uris } = parseCertificate(server().cert)
  assert.equal(hosts, [HOST, 'localhost'])
  assert.equal(addresses, ['127.0.0.1', '0:0:0:0:0:0:0:1'])
  assert.equal([emails, uris], [[], []])
})

parse('tells a CA from a leaf', () => {
  assert.is(parseCertificate(root().cert).ca, true)
  assert.is(parseCertificate(server().cert).ca, false)
})

parse('reads DER, PEM as text and PEM as bytes alike', () => {
  const { cert } = server()
  const read = parseCertificate(cert)
  assert.equal(parseCertificate(new TextEncoder().encode(cert)), read)
  assert.equal(parseCertificate(derOf(cert)), read)
  assert.equal(read.der, derOf(cert))
  const fingerprint = createHash('sha256')
    .update(read.der)
    .digest('hex')
    .toUpperCase()
    .replace(/(..)(?=.)/g, '$1:')
  assert.is(read.fingerprint256, fingerprint)
})

compared('reads what openssl makes: mail, URI, many names, no subject', (t) => {
  const workshop = t.own(new Workshop())
  const names = 'email:a@b.test,URI:https://b.test/,DNS:b.test,IP:2001:db8::1,IP:192.0.2.7,dirName:section,otherName:1.2.3.4;UTF8:x'
  const config = workshop.write('config', `[req]\ndistinguished_name=section\n[section]\nCN=dir\n[names]\nsubjectAltName=${names}\n`)
  const options = ['-config', config, '-subj', '/', '-extensions', 'names', '-days', '1', '-out', workshop.path('cert.pem')]
  workshop.openssl('req', '-x509', '-new', '-key', workshop.write('key.pem', keyOf('P-256')), ...options)
  const certificate = parseCertificate(workshop.read('cert.pem'))
  assert.equal([certificate.emails, certificate.uris, certificate.hosts], [['a@b.test'], ['https://b.test/'], ['b.test']])
  assert.equal(certificate.addresses, ['2001:db8:0:0:0:0:0:1', '192.0.2.7'])
  assert.is(certificate.subject, '')
})

parse('splits a bundle, in order, whatever stands between', () => {
  const [leaf, middle] = serverWithChain().cert.split(/(?=-----BEGIN)/)
  const bundle = `some words\n${leaf}\n# the issuer\n${middle}${keyOf('P-256')}${root().cert}the end`
  assert.equal(splitCertificates(bundle), [derOf(leaf!), derOf(middle!), derOf(root().cert)])
})

parse('a date beyond 2050 is read (GeneralizedTime)', () => {
  const notAfter = new Date('2199-12-31T23:59:59Z')
  assert.equal(parseCertificate(createCertificate({ key: keyOf('P-256'), notAfter })).notAfter, notAfter)
})

const GARBAGE: { name: string; bytes: string | Uint8Array }[] = [
  { name: 'nothing', bytes: '' },
  { name: 'no bytes', bytes: new Uint8Array(0) },
  { name: 'text', bytes: 'hello' },
  { name: 'noise', bytes: pattern(1000) },
  { name: 'a private key', bytes: keyOf('P-256') },
  {
    name: 'PEM around noise',
    bytes: `-----BEGIN CERTIFICATE-----\n${Buffer.from(pattern(100)).toString('base64')}\n-----END CERTIFICATE-----\n`,
  },
  { name: 'DER cut short', bytes: derOf(root().cert).subarray(0, 100) },
  { name: 'PEM cut short', bytes: root().cert.slice(0, 300) },
  { name: 'a good one before a broken one', bytes: root().cert + root().cert.slice(0, 300) },
]

for (const { name, bytes } of GARBAGE) {
  parse(
    `${name} is no certificate`,
    () => void expectThrow(() => parseCertificate(bytes), { kind: 'usage', message: /this is no certificate/ }),
  )
}

parse('DER with bytes behind it is read without them', () => {
  assert.equal(parseCertificate(concat([derOf(root().cert), new Uint8Array(10)])).der, derOf(root().cert))
})

parse('500 damaged certificates: read, or refused in words', () => {
  const der = derOf(server('RSA-2048').cert)
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed)
    const damaged = der.slice()
    for (let n = 1 + random.below(3); n > 0; n--) damaged[random.below(der.length)] = random.below(256)
    try {
      parseCertificate(damaged)
    } catch (error) {
      expectThrow(
        () => {
          throw error
        },
        { kind: 'usage' },
      )
    }
  }
})
