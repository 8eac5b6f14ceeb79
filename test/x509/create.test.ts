// Keys and certificates that membio makes, judged by the openssl command.
import * as assert from 'uvu/assert'
import { createCertificate, createKey, parseCertificate, type KeyType } from '../../src/x509/index.ts'
import { daysFromNow, intermediate, issue, keyOf, root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { suite, type Case } from '../support/suite.ts'

const create = suite('x509: create')
const judged = create.unless(noOpenssl)

/** Each key type, and how openssl names it. RSA-4096 takes too long to find for a test of every run. */
const TYPES: { type: KeyType; text: RegExp }[] = [
  { type: 'RSA-2048', text: /Private-Key: \(2048 bit, 2 primes\)/ },
  { type: 'RSA-3072', text: /Private-Key: \(3072 bit, 2 primes\)/ },
  { type: 'P-256', text: /NIST CURVE: P-256/ },
  { type: 'P-384', text: /NIST CURVE: P-384/ },
  { type: 'P-521', text: /NIST CURVE: P-521/ },
  { type: 'Ed25519', text: /ED25519 Private-Key/ },
]

for (const { type, text } of TYPES) {
  judged(`a key of type ${type} is one for openssl`, (t) => {
    const workshop = t.own(new Workshop())
    const pem = keyOf(type)
    assert.match(pem, /^-----BEGIN PRIVATE KEY-----\n/)
    const file = workshop.write('key.pem', pem)
    assert.match(workshop.openssl('pkey', '-in', file, '-text', '-noout').stdout, text)
    assert.match(workshop.openssl('pkey', '-in', file, '-check', '-noout').stdout, /Key is valid/)
  })

  judged(`a certificate for a key of type ${type} is one for openssl, self-signed and signed`, (t) => {
    const workshop = t.own(new Workshop())
    const key = keyOf(type)
    const own = createCertificate({ key, subject: { CN: 'own' }, ca: true })
    const leaf = createCertificate({ key: keyOf('P-256'), subject: { CN: 'leaf' }, issuer: { cert: own, key } })
    const files = ['-CAfile', workshop.write('ca.pem', own), workshop.write('leaf.pem', leaf)]
    assert.match(workshop.openssl('verify', ...files).stdout, /leaf.pem: OK/)
  })
}

create('two keys are never the same', () => {
  assert.is(new Set(Array.from({ length: 20 }, () => createKey('P-256'))).size, 20)
})

create('the default is P-256', () => {
  const { type, group } = parseCertificate(createCertificate({ key: createKey() })).key
  assert.equal([type, group], ['EC', 'prime256v1'])
})

/** `openssl x509 -text` of a certificate. */
function textOf(t: Case, cert: string): string {
  const workshop = t.own(new Workshop())
  return workshop.openssl('x509', '-in', workshop.write('cert.pem', cert), '-noout', '-text', '-nameopt', 'RFC2253').stdout
}

const LEAF: { name: string; text: RegExp }[] = [
  { name: 'version 3', text: /Version: 3 \(0x2\)/ },
  { name: 'its subject', text: /Subject: CN=server.test,O=membio/ },
  { name: 'its issuer', text: /Issuer: CN=membio test root/ },
  { name: 'SHA-256', text: /Signature Algorithm: ecdsa-with-SHA256/ },
  { name: 'what it is for', text: /X509v3 Extended Key Usage: *\n *TLS Web Server Authentication, TLS Web Client Authentication/ },
  { name: 'that it is no CA', text: /X509v3 Basic Constraints: critical\n *CA:FALSE/ },
  { name: 'its key usage', text: /X509v3 Key Usage: critical\n *Digital Signature\n/ },
  { name: 'its names and addresses', text: /DNS:server.test, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1/ },
  { name: "its issuer's key", text: /X509v3 Authority Key Identifier/ },
  { name: 'its own key', text: /X509v3 Subject Key Identifier/ },
]

for (const { name, text } of LEAF) judged(`a leaf tells ${name}`, (t) => void assert.match(textOf(t, server().cert), text))

judged('a CA may sign, and nothing else', (t) => {
  const text = textOf(t, root().cert)
  assert.match(text, /X509v3 Basic Constraints: critical\n *CA:TRUE/)
  assert.match(text, /X509v3 Key Usage: critical\n *Certificate Sign, CRL Sign/)
  assert.not.match(text, /Extended Key Usage/)
})

judged('a chain of three is valid, for its host and its purpose', (t) => {
  const workshop = t.own(new Workshop())
  const leaf = workshop.write('leaf.pem', issue({ hosts: ['deep.test'] }, intermediate()).cert)
  const chain = ['-CAfile', workshop.write('root.pem', root().cert), '-untrusted', workshop.write('middle.pem', intermediate().cert)]
  for (const purpose of ['sslserver', 'sslclient']) {
    assert.match(
      workshop.openssl('verify', ...chain, '-purpose', purpose, '-verify_hostname', 'deep.test', '-x509_strict', leaf).stdout,
      /OK/,
    )
  }
})

judged('a serial number is positive, long and never twice the same', (t) => {
  const serials = Array.from({ length: 20 }, () => parseCertificate(createCertificate({ key: keyOf('P-256') })).serialNumber)
  assert.is(new Set(serials).size, 20)
  for (const serial of serials) assert.match(serial, /^[0-7][0-9A-F]{39}$/)
  assert.match(textOf(t, server().cert), /Serial Number:\s+([0-9a-f]{2}:){19}[0-9a-f]{2}/)
})

create('validity is what was asked for, to the second', () => {
  const [notBefore, notAfter] = [new Date('2031-02-03T04:05:06Z'), new Date('2055-06-07T08:09:10Z')]
  const certificate = parseCertificate(createCertificate({ key: keyOf('P-256'), notBefore, notAfter }))
  assert.equal([certificate.notBefore, certificate.notAfter], [notBefore, notAfter])
})

create('a certificate is valid from a little before now, for about 90 days', () => {
  const { notBefore, notAfter } = parseCertificate(createCertificate({ key: keyOf('P-256') }))
  assert.ok(notBefore.getTime() < Date.now())
  assert.ok(notAfter > daysFromNow(89) && notAfter < daysFromNow(91))
})

create('a subject keeps its order and its letters', () => {
  const subject = { C: 'DE', O: 'Müller & Söhne, "Bäcker"', CN: '例え.test' }
  const certificate = parseCertificate(createCertificate({ key: keyOf('P-256'), subject }))
  assert.is(certificate.subject, 'CN=例え.test,O=Müller & Söhne\\, \\"Bäcker\\",C=DE')
  assert.is(certificate.issuer, certificate.subject)
})

const REFUSED: { name: string; call: () => unknown; message: RegExp }[] = [
  { name: 'an unknown key type', call: () => createKey('DSA' as never), message: /createKey: "DSA" is none of RSA-2048/ },
  {
    name: 'validity the wrong way round',
    call: () => createCertificate({ key: keyOf('P-256'), notBefore: daysFromNow(2), notAfter: daysFromNow(1) }),
    message: /`notBefore` must come before `notAfter`/,
  },
  {
    name: 'a host with a comma: it would be two',
    call: () => createCertificate({ key: keyOf('P-256'), hosts: ['a.test,DNS:b.test'] }),
    message: /neither a host name nor an IP address/,
  },
  {
    name: 'a host with a line break',
    call: () => createCertificate({ key: keyOf('P-256'), hosts: ['a\nbasicConstraints=CA:TRUE'] }),
    message: /neither a host name nor/,
  },
  { name: 'an empty host', call: () => createCertificate({ key: keyOf('P-256'), hosts: [''] }), message: /"" is neither/ },
  {
    name: 'an address that is none',
    call: () => createCertificate({ key: keyOf('P-256'), hosts: ['999.1.1.1'] }),
    message: /createCertificate/,
  },
  {
    name: 'a subject with a line break',
    call: () => createCertificate({ key: keyOf('P-256'), subject: { CN: 'a\nO=b' } }),
    message: /must not contain line breaks/,
  },
  {
    name: 'an unknown attribute',
    call: () => createCertificate({ key: keyOf('P-256'), subject: { nonsense: 'a' } }),
    message: /createCertificate/,
  },
  {
    name: 'a country of three letters',
    call: () => createCertificate({ key: keyOf('P-256'), subject: { C: 'DEU' } }),
    message: /createCertificate/,
  },
  { name: 'a key that is none', call: () => createCertificate({ key: 'hello' }), message: /createCertificate/ },
  { name: 'a certificate for a key', call: () => createCertificate({ key: root().cert }), message: /createCertificate/ },
  {
    name: "an issuer with another's key",
    call: () => createCertificate({ key: keyOf('P-256'), issuer: { cert: root().cert, key: keyOf('P-256') } }),
    message: /createCertificate/,
  },
  {
    name: 'an issuer that is no certificate',
    call: () => createCertificate({ key: keyOf('P-256'), issuer: { cert: 'hello', key: keyOf('P-256') } }),
    message: /createCertificate/,
  },
]

for (const { name, call, message } of REFUSED) create(`refuses ${name}`, () => void expectThrow(call, { kind: 'usage', message }))
