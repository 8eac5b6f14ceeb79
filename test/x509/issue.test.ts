// Issuing: everything an option can put into a certificate or request, as openssl reads it; requests from and to openssl; and that no
// value gets further than where it belongs.
import * as assert from 'uvu/assert'
import {
  createCertificate,
  createKey,
  createRequest,
  parseCertificate,
  parseRequest,
  publicKey,
  verifyCertificate,
  type CertificateOptions,
  type Encoded,
  type ExtensionOptions,
  type IssueOptions,
  type RequestCertificateOptions,
} from '../../src/x509/index.ts'
import { derOf, issue, keyOf, root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { run } from '../support/node.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { suite, type Case } from '../support/suite.ts'

const issuing = suite('x509: issue')
const judged = issuing.unless(noOpenssl)
const noCerttool = run('sh', ['-c', 'command -v certtool']).code !== 0 ? { kind: 'no-certtool', reason: 'certtool is missing; apt-get install gnutls-bin' } : undefined

const SUBJECT = { CN: 'x.test' }
const make = (options: Partial<CertificateOptions> = {}) => createCertificate({ key: keyOf('P-256'), subject: SUBJECT, ...options })

function textOf(t: Case, pem: string, command = 'x509'): string {
  const workshop = t.own(new Workshop())
  return workshop.openssl(command, '-in', workshop.write('in', pem), '-noout', '-text', '-nameopt', 'RFC2253').stdout
}

// ---- Options, one by one. ----

const OPTIONS: { name: string; options: Partial<CertificateOptions>; text: RegExp }[] = [
  { name: 'a serial number in hexadecimal', options: { serialNumber: '0102030405060708090A' }, text: /Serial Number:\s+01:02:03:04:05:06:07:08:09:0a\n/ },
  { name: 'a serial number as a number', options: { serialNumber: 256n }, text: /Serial Number: 256 \(0x100\)/ },
  { name: 'the longest serial number', options: { serialNumber: (1n << 159n) - 1n }, text: /Serial Number:\s+7f(:ff){19}\n/ },
  { name: 'an attribute twice', options: { subject: { O: 'x', OU: ['a', 'b'] } }, text: /Subject: OU=b,OU=a,O=x\n/ },
  { name: 'attributes as a list', options: { subject: [{ type: 'CN', value: 'a' }, { type: 'O', value: 'b' }, { type: 'CN', value: 'c' }] }, text: /Subject: CN=c,O=b,CN=a\n/ },
  { name: 'attributes by long name and by number', options: { subject: { commonName: 'a', '2.5.4.10': 'b' } }, text: /Subject: O=b,CN=a\n/ },
  { name: 'mail addresses', options: { emails: ['a@x.test', 'b+c@y.test'] }, text: /email:a@x.test, email:b\+c@y.test\n/ },
  { name: 'URIs', options: { uris: ['spiffe://x.test/a', 'urn:x:y'] }, text: /URI:spiffe:\/\/x.test\/a, URI:urn:x:y\n/ },
  { name: 'addresses and wildcards', options: { hosts: ['*.x.test', '::ffff:1.2.3.4', '10.0.0.1'] }, text: /DNS:\*.x.test, IP Address:0:0:0:0:0:FFFF:102:304, IP Address:10.0.0.1\n/ },
  { name: 'critical names, where there is no subject', options: { subject: {}, hosts: ['x.test'] }, text: /Subject: \n[^]*Subject Alternative Name: critical\n +DNS:x.test\n/ },
  { name: 'a path length', options: { ca: true, pathLength: 0 }, text: /Basic Constraints: critical\n +CA:TRUE, pathlen:0\n/ },
  { name: 'usages', options: { usage: ['codeSigning', 'email', 'ocsp'] }, text: /Extended Key Usage: \n +Code Signing, E-mail Protection, OCSP Signing\n/ },
  { name: 'a usage by number', options: { usage: ['1.2.3.4'] }, text: /Extended Key Usage: \n +1.2.3.4\n/ },
  { name: 'time stamping, which must be critical', options: { usage: ['timestamping'] }, text: /Extended Key Usage: critical\n +Time Stamping\n/ },
  { name: 'key usages', options: { keyUsage: ['nonRepudiation', 'keyAgreement', 'encipherOnly'] }, text: /Key Usage: critical\n +Non Repudiation, Key Agreement, Encipher Only\n/ },
  { name: 'key encipherment for RSA', options: { key: keyOf('RSA-2048') }, text: /Key Usage: critical\n +Digital Signature, Key Encipherment\n/ },
  { name: 'a wish for staples', options: { mustStaple: true }, text: /TLS Feature: *\n +status_request\n/ },
  { name: 'addresses of CRLs', options: { crlUrls: ['http://c.test/1', 'http://c.test/2'] }, text: /CRL Distribution Points: *\n\s+Full Name:\n +URI:http:\/\/c.test\/1\n\s*Full Name:\n +URI:http:\/\/c.test\/2\n/ },
  { name: 'addresses of its issuer', options: { ocspUrls: ['http://o.test'], caIssuerUrls: ['http://i.test/ca'] }, text: /OCSP - URI:http:\/\/o.test\n +CA Issuers - URI:http:\/\/i.test\/ca\n/ },
  { name: 'policies', options: { policies: ['2.23.140.1.2.1', '2.5.29.32.0'] }, text: /Certificate Policies: *\n +Policy: 2.23.140.1.2.1\n +Policy: X509v3 Any Policy\n/ },
  {
    name: 'name constraints',
    options: {
      ca: true,
      nameConstraints: {
        permitted: [{ type: 'dns', value: '.x.test' }, { type: 'email', value: 'x.test' }, { type: 'ip', value: '10.32.0.0/11' }],
        excluded: [{ type: 'uri', value: '.y.test' }, { type: 'ip', value: '2001:db8::/33' }, { type: 'ip', value: '0.0.0.0/0' }],
      },
    },
    text: /Name Constraints: critical\n +Permitted:\n +DNS:.x.test\n +email:x.test\n +IP:10.32.0.0\/255.224.0.0\n +Excluded:\n +URI:.y.test\n +IP:2001:DB8:0:0:0:0:0:0\/FFFF:FFFF:8000:0:0:0:0:0\n +IP:0.0.0.0\/0.0.0.0\n/,
  },
  { name: 'an extension in DER', options: { extensions: [{ oid: '1.2.3.4', der: new Uint8Array([12, 2, 104, 105]), critical: true }] }, text: /1.2.3.4: critical\n +\.\.hi\n/ },
  { name: "an extension in OpenSSL's words", options: { extensions: [{ name: 'nsComment', value: 'hello, world' }] }, text: /Netscape Comment: *\n +hello, world\n/ },
  { name: 'a critical one', options: { extensions: [{ name: 'noCheck', value: 'ignored', critical: true }] }, text: /OCSP No Check: critical\n/ },
  { name: 'SHA-384 for P-384', options: { key: keyOf('P-384') }, text: /Signature Algorithm: ecdsa-with-SHA384/ },
  { name: 'SHA-512 for P-521', options: { key: keyOf('P-521') }, text: /Signature Algorithm: ecdsa-with-SHA512/ },
  { name: 'the digest of Ed448', options: { key: keyOf('Ed448') }, text: /Signature Algorithm: ED448/ },
]

for (const { name, options, text } of OPTIONS) judged(`${name}`, (t) => void assert.match(textOf(t, make(options)), text))

issuing.unless(noCerttool)('certtool verifies a chain with everything in it', (t) => {
  const workshop = t.own(new Workshop())
  const ca = issue({ subject: { CN: 'constrained' }, ca: true, pathLength: 0, nameConstraints: { permitted: [{ type: 'dns', value: 'x.test' }] } }, root())
  const leaf = issue({ subject: SUBJECT, hosts: ['a.x.test'], policies: ['1.2.3'], crlUrls: ['http://c.test/'], ocspUrls: ['http://o.test/'] }, ca)
  const files = ['--load-ca-certificate', workshop.write('root', root().cert), '--infile', workshop.write('chain', leaf.cert + ca.cert)]
  const { code, stdout } = run('certtool', ['--verify', '--verify-hostname', 'a.x.test', ...files])
  assert.is(code, 0, stdout)
  assert.match(stdout, /Chain verification output: Verified\. The certificate is trusted\./)
})

issuing('a key in DER, an encrypted one, an issuer with an encrypted key', () => {
  const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----'
  const key = issue({ subject: SUBJECT, ca: true }).key
  const sealed = sealedKey(key)
  assert.ok(sealed.startsWith(encrypted))
  const ca = createCertificate({ key: sealed, passphrase: 'secret', subject: { CN: 'sealed' }, ca: true })
  const leaf = createCertificate({ key: derOf(keyOf('P-256')), subject: SUBJECT, issuer: { cert: derOf(ca), key: sealed, passphrase: 'secret' } })
  assert.is(verifyCertificate({ leaf, roots: ca }).ok, true)
})

function sealedKey(key: string): string {
  const workshop = new Workshop()
  try {
    return workshop.openssl('pkcs8', '-topk8', '-in', workshop.write('key', key), '-passout', 'pass:secret').stdout
  } finally {
    workshop[Symbol.dispose]()
  }
}

issuing("an issuer's name and key identifier are taken as they are, however it was made", () => {
  const bare = createCertificate({ key: keyOf('P-384'), subject: [{ type: 'O', value: 'Ä' }, { type: 'O', value: 'B' }], ca: true })
  const leaf = parseCertificate(make({ issuer: { cert: bare, key: keyOf('P-384') } }))
  assert.equal([leaf.issuer, leaf.authorityKeyId], [parseCertificate(bare).subject, parseCertificate(bare).subjectKeyId])
})

judged('an issuer without key identifier is referred to by its name and serial number', (t) => {
  const workshop = t.own(new Workshop())
  const config = workshop.write('config', '[req]\ndistinguished_name=d\n[d]\n[ext]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\n')
  const files = ['-key', workshop.write('key', keyOf('P-384')), '-config', config, '-out', workshop.path('ca')]
  workshop.openssl('req', '-x509', '-new', ...files, '-extensions', 'ext', '-subj', '/CN=bare', '-set_serial', '0x1234', '-days', '2')
  const leaf = make({ issuer: { cert: workshop.read('ca'), key: keyOf('P-384') } })
  assert.match(textOf(t, leaf), /Authority Key Identifier: *\n +DirName:\/?CN ?= ?bare\n +serial:12:34\n/)
  assert.is(verifyCertificate({ leaf, roots: workshop.read('ca') }).ok, true)
})

issuing('a certificate for a public key', () => {
  for (const form of [publicKey(keyOf('Ed25519')), publicKey(keyOf('Ed25519'), { format: 'der' })]) {
    const cert = createCertificate({ publicKey: form, subject: SUBJECT, issuer: root() })
    assert.equal(parseCertificate(cert).key.spki, publicKey(keyOf('Ed25519'), { format: 'der' }))
    assert.is(verifyCertificate({ leaf: cert, roots: root().cert }).ok, true)
  }
})

// ---- Requests. ----

for (const type of ['RSA-2048', 'P-256', 'P-521', 'Ed25519'] as const) {
  judged(`openssl verifies a request by ${type}, and signs it`, (t) => {
    const workshop = t.own(new Workshop())
    const request = createRequest({ key: keyOf(type), subject: { O: 'o', CN: 'r.test' }, hosts: ['r.test', '::1'], emails: ['a@r.test'], uris: ['urn:r'] })
    const file = workshop.write('request', request)
    assert.match(workshop.openssl('req', '-in', file, '-verify', '-noout').stderr, /verify OK/)
    assert.match(textOf(t, request, 'req'), /Subject: CN=r.test,O=o\n[^]*DNS:r.test, IP Address:0:0:0:0:0:0:0:1, email:a@r.test, URI:urn:r\n/)
    const issuer = ['-CA', workshop.write('ca', root().cert), '-CAkey', workshop.write('key', root().key), '-set_serial', '7']
    workshop.openssl('x509', '-req', '-in', file, ...issuer, '-days', '2', '-copy_extensions', 'copy', '-out', workshop.path('cert'))
    assert.is(verifyCertificate({ leaf: workshop.read('cert'), roots: root().cert, hostname: 'r.test', purpose: 'any' }).ok, true)
  })
}

/** A request of openssl's, with a wish to be a CA. */
function strangeRequest(t: Case): Uint8Array {
  const workshop = t.own(new Workshop())
  const wishes = 'subjectAltName=DNS:asked.test,IP:192.0.2.7,email:asked@x.test\nbasicConstraints=CA:TRUE\nkeyUsage=keyCertSign\nextendedKeyUsage=codeSigning\n'
  const config = workshop.write('config', `[req]\ndistinguished_name=d\nreq_extensions=wishes\n[d]\n[wishes]\n${wishes}`)
  workshop.openssl('req', '-new', '-key', workshop.write('key', keyOf('P-384')), '-config', config, '-subj', '/O=asked/CN=asked.test', '-out', workshop.path('r'))
  return workshop.read('r')
}

const REQUESTS: { name: string; options: Partial<RequestCertificateOptions>; subject: string; names: string[] }[] = [
  { name: 'only what was said', options: { subject: { CN: 'ours' }, hosts: ['ours.test'] }, subject: 'CN=ours', names: ['ours.test'] },
  { name: 'names that were said, and no subject', options: { hosts: ['ours.test'] }, subject: '', names: ['ours.test'] },
  { name: 'the subject, accepted', options: { acceptRequested: ['subject'] }, subject: 'CN=asked.test,O=asked', names: [] },
  { name: 'the names, accepted', options: { acceptRequested: ['subjectAltNames'], subject: { CN: 'ours' } }, subject: 'CN=ours', names: ['asked.test', '192.0.2.7', 'asked@x.test'] },
  { name: 'both, accepted', options: { acceptRequested: ['subject', 'subjectAltNames'] }, subject: 'CN=asked.test,O=asked', names: ['asked.test', '192.0.2.7', 'asked@x.test'] },
]
for (const { name, options, subject, names } of REQUESTS) {
  judged(`a certificate for a request has ${name}; never its extensions`, (t) => {
    const request = strangeRequest(t)
    const pem = createCertificate({ request, issuer: root(), ...options })
    const certificate = parseCertificate(pem)
    assert.equal([certificate.subject, certificate.subjectAltNames.map(({ value }) => value)], [subject, names])
    assert.equal([certificate.ca, certificate.keyUsage, certificate.extendedKeyUsage], [false, ['digitalSignature'], ['serverAuth', 'clientAuth']])
    assert.equal(certificate.key.spki, parseRequest(request).key.spki)
    assert.is(certificate.extensions.find(({ name }) => name === 'subjectAltName')?.critical, names.length ? subject === '' : undefined)
    assert.is(verifyCertificate({ leaf: pem, roots: root().cert }).ok, true)
  })
}

// ---- A value stays where it belongs. ----

const EVIL = ['a,CA:TRUE', 'a\nbasicConstraints=CA:TRUE', 'x.test,DNS:evil.test', '@section', 'DER:30:00', 'ASN1:UTF8:x', 'critical,x', 'email:copy', 'a\0b', 'a;b', 'a/CN=evil', 'a+O=evil', '${ENV::HOME}']

for (const evil of EVIL) {
  issuing(`${JSON.stringify(evil)} is refused, or one value and no more`, () => {
    const uses: { options: Partial<CertificateOptions>; read: (cert: ReturnType<typeof parseCertificate>) => string[] }[] = [
      { options: { subject: { CN: evil } }, read: ({ subjectAttributes }) => subjectAttributes.map(({ value }) => value) },
      { options: { hosts: [evil] }, read: ({ hosts }) => hosts },
      { options: { emails: [`${evil}@x.test`] }, read: ({ emails }) => emails.map((email) => email.replace(/@x.test$/, '')) },
      { options: { uris: [`urn:${evil}`] }, read: ({ uris }) => uris.map((uri) => uri.slice(4)) },
      { options: { crlUrls: [`urn:${evil}`] }, read: ({ crlUrls }) => crlUrls.map((uri) => uri.slice(4)) },
      { options: { ocspUrls: [`urn:${evil}`] }, read: ({ ocspUrls }) => ocspUrls.map((uri) => uri.slice(4)) },
      { options: { policies: [evil] }, read: ({ policies }) => policies },
      { options: { usage: [evil as never] }, read: ({ extendedKeyUsage }) => extendedKeyUsage },
      { options: { keyUsage: [evil as never] }, read: ({ keyUsage }) => keyUsage },
      { options: { serialNumber: evil }, read: ({ serialNumber }) => [serialNumber] },
    ]
    const plain = parseCertificate(make()).extensions.length
    for (const { options, read } of uses) {
      let pem
      try {
        pem = make(options)
      } catch (error) {
        expectThrow(() => { throw error }, { kind: 'usage' })
        continue
      }
      const certificate = parseCertificate(pem)
      assert.equal(read(certificate), [evil])
      assert.is(certificate.ca, false)
      assert.ok(certificate.extensions.length <= plain + 1)
    }
  })
}

issuing("an extension in OpenSSL's words is one extension, and has no configuration to refer to", () => {
  for (const value of ['@section', 'dirName:section', 'otherName:1.2.3;SEQUENCE:section', 'issuer:copy']) {
    expectThrow(() => make({ extensions: [{ name: 'subjectAltName', value }] }), { kind: 'usage', message: /`extensions` was refused/ })
  }
  expectThrow(() => make({ extensions: [{ name: 'nsComment', value: 'a\nbasicConstraints=CA:TRUE' }] }), { kind: 'usage', message: /in one line/ })
})

// ---- Misuse. ----

const request = createRequest({ key: keyOf('P-256'), subject: SUBJECT, hosts: ['x.test'] })
const broken = (): Uint8Array => {
  const der = derOf(request)
  der[der.length - 1]! ^= 1
  return der
}
const refused = (options: object) => () => createCertificate({ key: keyOf('P-256'), subject: SUBJECT, ...options } as CertificateOptions)
const forRequest = (options: object) => () => createCertificate({ request, issuer: root(), ...options } as RequestCertificateOptions)

const WRONG: { name: string; call: () => unknown; message: RegExp }[] = [
  { name: 'neither key nor request', call: refused({ key: undefined }), message: /give one of `key`, `publicKey` and `request`, not none/ },
  { name: 'key and request', call: refused({ request, issuer: root() }), message: /give one of .*, not key and request/ },
  { name: 'a request without issuer', call: forRequest({ issuer: undefined }), message: /`request` needs an `issuer`/ },
  { name: 'a public key without issuer', call: refused({ key: undefined, publicKey: publicKey(keyOf('P-256')) }), message: /`publicKey` needs an `issuer`/ },
  { name: 'a public key that is none', call: refused({ key: undefined, publicKey: 'x', issuer: root() }), message: /`publicKey` was refused/ },
  { name: 'a request that is none', call: forRequest({ request: root().cert, hosts: ['a'] }), message: /`request` was refused/ },
  { name: 'a request that was changed', call: forRequest({ request: broken(), hosts: ['a'] }), message: /`request` was refused: the request is not signed with its own key/ },
  { name: 'a request, and no name', call: forRequest({}), message: /no name would be certified: give `subject` or `hosts`, or accept/ },
  { name: 'names of the request and of ours', call: forRequest({ hosts: ['a'], acceptRequested: ['subjectAltNames'] }), message: /either `hosts`, or the request's/ },
  { name: 'subject of the request and of ours', call: forRequest({ subject: SUBJECT, acceptRequested: ['subject'] }), message: /either `subject`, or the request's/ },
  { name: 'anything else of the request', call: forRequest({ acceptRequested: ['keyUsage'] }), message: /`acceptRequested` holds 'subject' and 'subjectAltNames', not "keyUsage"/ },
  { name: 'an issuer without key', call: refused({ issuer: { cert: root().cert } }), message: /`issuer` needs both `cert` and `key`/ },
  { name: 'an issuer that is no CA', call: refused({ issuer: server() }), message: /`issuer` was refused: the issuer's certificate is no CA: make it with `ca: true`/ },
  { name: 'an issuer that may not sign', call: refused({ issuer: issue({ subject: SUBJECT, ca: true, keyUsage: ['cRLSign'] }) }), message: /`issuer` was refused: the issuer's key usage/ },
  { name: 'a key that is encrypted', call: () => refused({ key: sealedKey(keyOf('P-256')) })(), message: /`key` was refused.*pass its `passphrase`/ },
  { name: 'a path length without a CA', call: refused({ pathLength: 1 }), message: /`pathLength` is for a CA: set `ca: true`/ },
  { name: 'half a path length', call: refused({ ca: true, pathLength: 0.5 }), message: /`pathLength` must be a whole number/ },
  { name: 'name constraints without a CA', call: refused({ nameConstraints: {} }), message: /`nameConstraints` are for a CA/ },
  { name: 'a range that is none', call: refused({ ca: true, nameConstraints: { permitted: [{ type: 'ip', value: '10.0.0.0' }] } }), message: /"10.0.0.0" is no range of addresses such as/ },
  { name: 'a range beyond 32 bits', call: refused({ ca: true, nameConstraints: { permitted: [{ type: 'ip', value: '10.0.0.0/33' }] } }), message: /is no range of addresses/ },
  { name: 'a range of no address', call: refused({ ca: true, nameConstraints: { excluded: [{ type: 'ip', value: '10.0.0/8' }] } }), message: /`nameConstraints` was refused: no range of IP addresses/ },
  { name: 'a range of an unknown type', call: refused({ ca: true, nameConstraints: { permitted: [{ type: 'dirName', value: 'x' }] } }), message: /types are dns, email, uri and ip/ },
  { name: 'a CA without subject', call: refused({ ca: true, subject: {} }), message: /a CA needs a `subject`/ },
  { name: 'a serial number of 0', call: refused({ serialNumber: 0n }), message: /`serialNumber` is "0"; it must be positive/ },
  { name: 'a negative serial number', call: refused({ serialNumber: -1n }), message: /`serialNumber` is "-1"/ },
  { name: 'a serial number of 160 bits', call: refused({ serialNumber: '80'.padEnd(40, '0') }), message: /of at most 159 bits/ },
  { name: 'no date', call: refused({ notAfter: 'tomorrow' }), message: /`notAfter` must be a valid Date/ },
  { name: 'the year 10000', call: refused({ notAfter: new Date('+010000-01-01T00:00:00Z') }), message: /`notAfter` must be a valid Date, from 1950 to 9999/ },
  { name: 'an attribute that nobody knows', call: refused({ subject: { nonsense: 'x' } }), message: /`subject` was refused: unknown object name/ },
  { name: 'a country of three letters', call: refused({ subject: { C: 'DEU' } }), message: /`subject` was refused: string too long/ },
  { name: 'an empty attribute', call: refused({ subject: { CN: '' } }), message: /`subject`: CN is ""/ },
  { name: 'a host with a scheme', call: refused({ hosts: ['https://x.test'] }), message: /"https:\/\/x.test" is neither a host name nor an IP address/ },
  { name: 'a host with a port', call: refused({ hosts: ['x.test:443'] }), message: /is neither a host name/ },
  { name: 'a wildcard within', call: refused({ hosts: ['a.*.test'] }), message: /is neither a host name/ },
  { name: 'a host in letters that DNS has not', call: refused({ hosts: ['bücher.test'] }), message: /write it as A-labels, xn--/ },
  { name: 'an address that is none', call: refused({ hosts: ['1.2.3.999'] }), message: /`hosts` was refused: no IP address/ },
  { name: 'a mail address in letters that mail has not', call: refused({ emails: ['zoë@x.test'] }), message: /is no email address in ASCII/ },
  { name: 'a URI without scheme', call: refused({ uris: ['x.test/path'] }), message: /`uris`: "x.test\/path" is no URI with a scheme/ },
  { name: 'a CRL address without scheme', call: refused({ crlUrls: ['/crl'] }), message: /`crlUrls`: "\/crl" is no URI/ },
  { name: 'a policy that is none', call: refused({ policies: ['DV'] }), message: /`policies`: "DV" is no object identifier/ },
  { name: 'a policy with an impossible number', call: refused({ policies: ['2.999999999999999999999999.1', '1.99.1'] }), message: /`policies` was refused/ },
  { name: 'an unknown usage', call: refused({ usage: ['serverAuth'] }), message: /`usage`: "serverAuth" is none of server, client/ },
  { name: 'an unknown key usage', call: refused({ keyUsage: ['everything'] }), message: /`keyUsage`: "everything" is none of digitalSignature/ },
  { name: 'an extension twice', call: refused({ extensions: [{ name: 'basicConstraints', value: 'CA:TRUE' }] }), message: /`extensions` was refused: this extension is there already/ },
  { name: 'a key usage twice', call: refused({ extensions: [{ oid: '2.5.29.15', der: new Uint8Array([3, 2, 2, 4]) }] }), message: /`extensions` was refused: this extension is there already/ },
  { name: 'names twice', call: refused({ hosts: ['a'], extensions: [{ name: 'subjectAltName', value: 'DNS:b' }] }), message: /this extension is there already/ },
  { name: 'an unknown extension', call: refused({ extensions: [{ name: 'nonsense', value: 'x' }] }), message: /`extensions` was refused: unknown extension name/ },
  { name: 'an extension without value', call: refused({ extensions: [{ name: 'nsComment' }] }), message: /give `oid` and `der`, or `name` and `value`/ },
  { name: 'an extension whose bytes are text', call: refused({ extensions: [{ oid: '1.2.3', der: 'x' }] }), message: /`der` of 1.2.3 must be bytes/ },
  { name: 'a request without key', call: () => createRequest({ subject: SUBJECT } as never), message: /createRequest: `key` must be PEM text or bytes, not undefined/ },
  { name: 'a request with a key that is none', call: () => createRequest({ key: 'x', subject: SUBJECT }), message: /createRequest: `key` was refused/ },
  { name: 'a request for a host that is none', call: () => createRequest({ key: keyOf('P-256'), hosts: ['a b'] }), message: /createRequest: `hosts`: "a b" is neither/ },
]
for (const { name, call, message } of WRONG) issuing(`misuse: ${name}`, () => void expectThrow(call, { kind: 'usage', message }))

/** Never called: what the types refuse. */
export function typesRefuse(key: Encoded, issuer: { cert: string; key: string }): void {
  // @ts-expect-error a request cannot sign itself
  createCertificate({ request, acceptRequested: ['subject'] })
  // @ts-expect-error nor can a public key
  createCertificate({ publicKey: key, subject: SUBJECT })
  // @ts-expect-error an unknown usage
  createCertificate({ key, usage: ['serverAuth'] })
  // @ts-expect-error an issuer needs its key
  createCertificate({ key, issuer: { cert: issuer.cert } })
  // @ts-expect-error an extension has a value
  const extension: ExtensionOptions = { name: 'nsComment' }
  // @ts-expect-error a date is a Date
  const options: IssueOptions = { notAfter: '2030-01-01' }
  // @ts-expect-error an unknown key type
  createKey('RSA-1024')
  void [extension, options]
}
