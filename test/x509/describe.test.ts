// What membio reads in certificates, requests and CRLs, judged by Node's X509Certificate, by the openssl command and by certtool.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import * as assert from 'uvu/assert'
import {
  createCertificate,
  createCrl,
  createRequest,
  parseCertificate,
  parseCertificates,
  parseCrl,
  parseRequest,
  printCertificate,
  printCrl,
  printRequest,
  type Certificate,
  type CertificateOptions,
  type KeyType,
} from '../../src/x509/index.ts'
import { derOf, intermediate, keyOf, root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { run } from '../support/node.ts'
import { noCerttool, noOpenssl, Workshop } from '../support/openssl.ts'
import { suite, type Case } from '../support/suite.ts'

const describe = suite('x509: describe')
const compared = describe.unless(noOpenssl)

// ---- Against Node, on certificates of the real world: the roots it trusts. ----

/** Node's words for what membio says. */
const AS_NODE: { name: string; node: (certificate: X509Certificate) => unknown; membio: (certificate: Certificate) => unknown }[] = [
  { name: 'serial number', node: (c) => c.serialNumber, membio: (c) => c.serialNumber },
  { name: 'SHA-1 fingerprint', node: (c) => c.fingerprint, membio: (c) => c.fingerprint },
  { name: 'SHA-256 fingerprint', node: (c) => c.fingerprint256, membio: (c) => c.fingerprint256 },
  { name: 'SHA-512 fingerprint', node: (c) => c.fingerprint512, membio: (c) => c.fingerprint512 },
  { name: 'start of validity', node: (c) => new Date(c.validFrom), membio: (c) => c.notBefore },
  { name: 'end of validity', node: (c) => new Date(c.validTo), membio: (c) => c.notAfter },
  { name: 'CA or not', node: (c) => c.ca, membio: (c) => c.ca },
  {
    name: 'public key',
    node: (c) => c.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
    membio: (c) => Buffer.from(c.key.spki).toString('hex'),
  },
  { name: 'bits', node: (c) => c.toLegacyObject().bits, membio: (c) => c.key.bits },
  { name: 'modulus', node: (c) => c.toLegacyObject().modulus, membio: (c) => c.key.modulus },
  { name: 'group', node: (c) => c.toLegacyObject().asn1Curve, membio: (c) => c.key.group },
  { name: "group's NIST name", node: (c) => c.toLegacyObject().nistCurve, membio: (c) => c.key.nistName },
  {
    name: 'subject',
    node: (c) => c.subject.replaceAll('\\', ''),
    membio: (c) => c.subjectAttributes.map(({ type, value }) => `${type}=${value}`).join('\n'),
  },
  {
    name: 'issuer',
    node: (c) => c.issuer.replaceAll('\\', ''),
    membio: (c) => c.issuerAttributes.map(({ type, value }) => `${type}=${value}`).join('\n'),
  },
  { name: 'encoding', node: (c) => c.raw.toString('hex'), membio: (c) => Buffer.from(c.der).toString('hex') },
  { name: 'PEM', node: (c) => c.toString(), membio: (c) => c.pem },
]

const withNode = rootCertificates.map((pem) => ({ node: new X509Certificate(pem), membio: parseCertificate(pem) }))

for (const { name, node, membio } of AS_NODE) {
  describe(`${rootCertificates.length} roots have the ${name} that Node reads`, () => {
    assert.ok(withNode.length > 50)
    for (const pair of withNode) assert.equal(membio(pair.membio), node(pair.node), pair.membio.subject)
  })
}

describe('what Node reads of a leaf: names, usages, addresses', () => {
  const { cert } = issued()
  const node = new X509Certificate(cert)
  const membio = parseCertificate(cert)
  const words = { dns: 'DNS', ip: 'IP Address', email: 'email', uri: 'URI' } as Record<string, string>
  assert.is(
    membio.subjectAltNames.map(({ type, value }) => `${words[type]}:${value}`).join(', '),
    node.subjectAltName!.replace(/2001:[0-9A-F:]+/, (ip) => ip.toLowerCase()),
  )
  assert.equal(membio.extendedKeyUsageOids, node.keyUsage)
  const access = [...membio.ocspUrls.map((url) => `OCSP - URI:${url}`), ...membio.caIssuerUrls.map((url) => `CA Issuers - URI:${url}`)]
  assert.is(access.join('\n'), node.infoAccess!.trimEnd())
})

// ---- Against openssl: the whole text. ----

/** The name options that the openssl command has from OpenSSL 3.2 on. */
const NAMES = ['-nameopt', 'sep_comma_plus_space,sname,esc_ctrl,utf8,dump_unknown,dump_der']
/** Versions differ in empty lines, and 3.0 shows no names of newer algorithms. */
const lines = (text: string) => text.split('\n').filter((line) => line.trim())

function textBy(t: Case, command: string, pem: string): string[] {
  const workshop = t.own(new Workshop())
  return lines(workshop.openssl(command, '-in', workshop.write('in.pem', pem), '-noout', '-text', ...NAMES).stdout)
}

compared(`every fourth root is printed as openssl prints it`, (t) => {
  for (let i = 0; i < rootCertificates.length; i += 4) {
    const pem = rootCertificates[i]!
    assert.equal(lines(printCertificate(pem)), textBy(t, 'x509', pem))
  }
})

const EVERYTHING = (): Omit<CertificateOptions, 'key'> => ({
  subject: { C: 'DE', ST: 'Köln', O: ['One', 'Two'], CN: 'all.test', emailAddress: 'a@all.test' },
  hosts: ['all.test', '*.all.test', '192.0.2.1', '2001:db8::1'],
  emails: ['a@all.test'],
  uris: ['https://all.test/a?b=c'],
  usage: ['server', 'client', 'codeSigning', 'email', '1.3.6.1.4.1.311.20.2.2'],
  serialNumber: '0abc',
  mustStaple: true,
  crlUrls: ['http://crl.all.test/1.crl', 'http://crl.all.test/2.crl'],
  ocspUrls: ['http://ocsp.all.test/'],
  caIssuerUrls: ['http://ca.all.test/ca.crt'],
  policies: ['2.23.140.1.2.1', '1.2.3.4'],
  extensions: [{ name: 'nsComment', value: 'a, b' }],
  issuer: intermediate(),
})
const issued = (type: KeyType = 'P-256') => ({ key: keyOf(type), cert: createCertificate({ ...EVERYTHING(), key: keyOf(type) }) })

for (const type of ['RSA-2048', 'P-256', 'P-384', 'Ed25519', 'Ed448'] as const) {
  compared(`a certificate with everything and a key of type ${type} is printed as openssl prints it`, (t) => {
    const { cert } = issued(type)
    assert.equal(lines(printCertificate(cert)), textBy(t, 'x509', cert))
  })
}

compared('a request is printed as openssl prints it', (t) => {
  const pem = createRequest({ key: keyOf('RSA-2048'), subject: { O: 'Ä', CN: 'r.test' }, hosts: ['r.test'], mustStaple: true })
  assert.equal(lines(printRequest(pem)), textBy(t, 'req', pem))
})

compared('a CRL is printed as openssl prints it', (t) => {
  const pem = createCrl({ issuer: root(), revoked: [{ serialNumber: 'ab', reason: 'keyCompromise' }, { serialNumber: 5n }], number: 7 })
  assert.equal(lines(printCrl(pem)), textBy(t, 'crl', pem))
})

// ---- Fields. ----

describe('a certificate with everything, field by field', () => {
  const certificate = parseCertificate(issued().cert)
  const {
    serialNumber,
    version,
    subject,
    issuer,
    selfIssued,
    ca,
    hosts,
    addresses,
    emails,
    uris,
    policies,
    crlUrls,
    ocspUrls,
    caIssuerUrls,
  } = certificate
  assert.equal(
    { serialNumber, version, subject, issuer, selfIssued, ca, hosts, addresses, emails, uris, policies, crlUrls, ocspUrls, caIssuerUrls },
    {
      serialNumber: '0ABC',
      version: 3,
      subject: 'emailAddress=a@all.test,CN=all.test,O=Two,O=One,ST=Köln,C=DE',
      issuer: 'CN=membio test intermediate',
      selfIssued: false,
      ca: false,
      hosts: ['all.test', '*.all.test'],
      addresses: ['192.0.2.1', '2001:db8:0:0:0:0:0:1'],
      emails: ['a@all.test'],
      uris: ['https://all.test/a?b=c'],
      policies: ['2.23.140.1.2.1', '1.2.3.4'],
      crlUrls: ['http://crl.all.test/1.crl', 'http://crl.all.test/2.crl'],
      ocspUrls: ['http://ocsp.all.test/'],
      caIssuerUrls: ['http://ca.all.test/ca.crt'],
    },
  )
  assert.equal(certificate.keyUsage, ['digitalSignature'])
  assert.equal(certificate.extendedKeyUsage, ['serverAuth', 'clientAuth', 'codeSigning', 'emailProtection', 'msSmartcardLogin'])
  assert.is(certificate.mustStaple, true)
  assert.is(certificate.signatureAlgorithm, 'ecdsa-with-SHA256')
  assert.is(certificate.authorityKeyId, parseCertificate(intermediate().cert).subjectKeyId)
  assert.equal(certificate.extensions.find(({ name }) => name === 'nsComment')!.text, 'a, b')
})

describe('extensions have oid, name, criticality, text and bytes; an unknown one has no text', () => {
  const der = new Uint8Array([4, 2, 1, 2])
  const { extensions } = parseCertificate(
    createCertificate({ key: keyOf('P-256'), extensions: [{ oid: '1.2.3.4.5', der, critical: true }] }),
  )
  assert.equal(extensions[0], {
    oid: '2.5.29.15',
    name: 'keyUsage',
    critical: true,
    text: 'Digital Signature',
    der: new Uint8Array([3, 2, 7, 128]),
  })
  assert.equal(extensions.at(-1), { oid: '1.2.3.4.5', name: '1.2.3.4.5', critical: true, der })
})

describe('a CA has its path length, and no extended usage', () => {
  const { ca, pathLength, extendedKeyUsage, keyUsage, selfIssued } = parseCertificate(
    createCertificate({ key: keyOf('P-256'), subject: { CN: 'CA' }, ca: true, pathLength: 3 }),
  )
  assert.equal(
    { ca, pathLength, extendedKeyUsage, keyUsage, selfIssued },
    { ca: true, pathLength: 3, extendedKeyUsage: [], keyUsage: ['keyCertSign', 'cRLSign'], selfIssued: true },
  )
})

const KEYS: { type: KeyType; type_: string; bits: number; strength: number }[] = [
  { type: 'RSA-2048', type_: 'RSA', bits: 2048, strength: 112 },
  { type: 'P-521', type_: 'EC', bits: 521, strength: 256 },
  { type: 'Ed448', type_: 'ED448', bits: 456, strength: 224 },
  { type: 'ML-DSA-65', type_: 'ML-DSA-65', bits: 15616, strength: 192 },
]
for (const { type, type_, bits, strength } of KEYS) {
  describe(`tells type, size and strength of a key, ${type}`, () => {
    const { key } = parseCertificate(createCertificate({ key: keyOf(type) }))
    assert.equal([key.type, key.bits, key.securityBits], [type_, bits, strength])
  })
}

describe('an RSA key has its modulus and exponent', () => {
  const { n, e } = createPrivateKey(keyOf('RSA-2048')).export({ format: 'jwk' })
  const { key } = parseCertificate(createCertificate({ key: keyOf('RSA-2048') }))
  assert.is(key.modulus, Buffer.from(n!, 'base64url').toString('hex').toUpperCase())
  assert.is(key.exponent, Buffer.from(e!, 'base64url').toString('hex').toUpperCase())
})

compared("the pin is that of curl's --pinnedpubkey", (t) => {
  const workshop = t.own(new Workshop())
  const spki = workshop.openssl('x509', '-in', workshop.write('c.pem', server().cert), '-noout', '-pubkey').stdout
  const digest = workshop.path('digest')
  workshop.openssl('dgst', '-sha256', '-binary', '-out', digest, workshop.write('spki', derOf(spki)))
  assert.is(parseCertificate(server().cert).key.pin, Buffer.from(workshop.read('digest')).toString('base64'))
})

describe.unless(noCerttool)('certtool reads the same key identifiers, pin and fingerprints', (t) => {
  const workshop = t.own(new Workshop())
  const { cert } = issued()
  const { stdout } = run('certtool', ['--certificate-info', '--infile', workshop.write('c.pem', cert)])
  const compact = (text: string | undefined) => text!.replaceAll(':', '').toLowerCase()
  const certificate = parseCertificate(cert)
  assert.match(stdout, new RegExp(`Subject Key Identifier[^]*?${compact(certificate.subjectKeyId)}`))
  assert.match(stdout, new RegExp(`Authority Key Identifier[^]*?${compact(certificate.authorityKeyId)}`))
  assert.ok(stdout.includes(`pin-sha256:${certificate.key.pin}`), stdout)
  assert.ok(stdout.includes(compact(certificate.fingerprint256)), stdout)
})

// ---- What only strangers make. ----

/** A certificate with extensions as openssl's configuration files have them. */
function madeByOpenssl(t: Case, extensions: string): Uint8Array {
  const workshop = t.own(new Workshop())
  const config = workshop.write('config', `[req]\ndistinguished_name=d\n[d]\nCN=x\n[ext]\n${extensions}\n`)
  const files = ['-key', workshop.write('key.pem', keyOf('P-256')), '-config', config, '-out', workshop.path('cert.pem')]
  workshop.openssl('req', '-x509', '-new', ...files, '-extensions', 'ext', '-days', '2', '-subj', '/CN=x')
  return workshop.read('cert.pem')
}

compared('every kind of alternative name that openssl can make', (t) => {
  const names = 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user@x.test,RID:1.2.3.4,dirName:d,otherName:1.2.3;SEQUENCE:s'
  const certificate = parseCertificate(madeByOpenssl(t, `subjectAltName=${names}\n[s]\na=INTEGER:7`))
  assert.equal(certificate.subjectAltNames, [
    { type: 'otherName', value: 'user@x.test', oid: 'msUPN' },
    { type: 'registeredId', value: '1.2.3.4' },
    { type: 'directoryName', value: 'CN=x' },
    { type: 'otherName', value: '3003020107', oid: '1.2.3' },
  ])
})

compared('a directory name among the alternative names keeps its commas', (t) => {
  const certificate = parseCertificate(madeByOpenssl(t, 'subjectAltName=dirName:s\n[s]\nO=a\\, b\nCN=c'))
  assert.equal(certificate.subjectAltNames, [{ type: 'directoryName', value: 'CN=c,O=a\\, b' }])
})

describe('names that imitate syntax are one name each: NUL, comma, line break', () => {
  const evil = ['a.test\0.evil.test', 'a.test, DNS:b.test', 'a.test\nDNS:b.test']
  const sequence = evil.flatMap((name) => [0x82, name.length, ...Buffer.from(name)])
  const der = new Uint8Array([0x30, sequence.length, ...sequence])
  const certificate = parseCertificate(
    createCertificate({ key: keyOf('P-256'), subject: { CN: 'a' }, extensions: [{ oid: '2.5.29.17', der }] }),
  )
  assert.equal(certificate.hosts, evil)
})

describe('control characters do not reach the terminal', () => {
  const name = 'a\x1b[2J\x07.test'
  const der = new Uint8Array([0x30, name.length + 2, 0x82, name.length, ...Buffer.from(name)])
  const pem = createCertificate({ key: keyOf('P-256'), subject: { CN: 'a' }, extensions: [{ oid: '2.5.29.17', der }] })
  assert.ok(printCertificate(pem).includes('DNS:a\\x1b[2J\\x07.test'))
})

/** RFC 6962, 3.3: a list of one SCT. */
function sctList(logId: Uint8Array, timestamp: bigint): Uint8Array {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(timestamp)
  const sct = [0, ...logId, ...time, 0, 0, 4, 3, 0, 4, 1, 2, 3, 4]
  const list = [0, sct.length + 2, 0, sct.length, ...sct]
  return new Uint8Array([4, list.length, ...list])
}

compared('signed certificate timestamps', (t) => {
  const logId = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 3)
  const extensions = [{ oid: '1.3.6.1.4.1.11129.2.4.2', der: sctList(logId, 1700000000123n) }]
  const pem = createCertificate({ key: keyOf('P-256'), subject: { CN: 'ct' }, extensions })
  assert.equal(parseCertificate(pem).scts, [
    {
      version: 1,
      logId: Buffer.from(logId).toString('base64'),
      timestamp: new Date(1700000000123),
      signatureAlgorithm: 'ecdsa-with-SHA256',
    },
  ])
  assert.ok(textBy(t, 'x509', pem).some((line) => line.includes('Nov 14 22:13:20.123 2023 GMT')))
})

compared('a long serial number, a negative one and zero', (t) => {
  const workshop = t.own(new Workshop())
  const key = workshop.write('key.pem', keyOf('P-256'))
  for (const [given, read] of [
    [`0x${'7f'.repeat(80)}`, '7F'.repeat(80)],
    ['-300', '-012C'],
    ['0', '0'],
  ] as const) {
    workshop.openssl('req', '-x509', '-new', '-key', key, '-subj', '/CN=x', '-set_serial', given, '-out', workshop.path('c.pem'))
    assert.is(parseCertificate(workshop.read('c.pem')).serialNumber, read)
  }
})

/** Masks of asn1.h. */
const STRING_TYPES = { T61String: 0x0004, BMPString: 0x0800, UTF8String: 0x2000 }
for (const [type, mask] of Object.entries(STRING_TYPES)) {
  compared(`a subject in a ${type}`, (t) => {
    const workshop = t.own(new Workshop())
    const config = workshop.write('config', `[req]\ndistinguished_name=d\nstring_mask=MASK:${mask}\n[d]\n`)
    const key = workshop.write('key.pem', keyOf('P-256'))
    workshop.openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      key,
      '-config',
      config,
      '-utf8',
      '-subj',
      '/O=Zoë, "x"#/CN= y',
      '-out',
      workshop.path('c.pem'),
    )
    const certificate = parseCertificate(workshop.read('c.pem'))
    assert.equal(certificate.subjectAttributes, [
      { type: 'O', value: 'Zoë, "x"#' },
      { type: 'CN', value: ' y' },
    ])
    const text = workshop.openssl('x509', '-in', workshop.path('c.pem'), '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb,utf8').stdout
    assert.is(`subject=${certificate.subject}`, text.trimEnd())
  })
}

// ---- Requests and CRLs. ----

describe('a request, field by field', () => {
  const request = parseRequest(
    createRequest({ key: keyOf('Ed25519'), subject: { CN: 'r.test' }, hosts: ['r.test', '192.0.2.9'], mustStaple: true }),
  )
  const { subject, subjectAttributes, hosts, addresses, verified, ca, mustStaple, signatureAlgorithm } = request
  assert.equal(
    { subject, subjectAttributes, hosts, addresses, verified, ca, mustStaple, signatureAlgorithm },
    {
      subject: 'CN=r.test',
      subjectAttributes: [{ type: 'CN', value: 'r.test' }],
      hosts: ['r.test'],
      addresses: ['192.0.2.9'],
      verified: true,
      ca: false,
      mustStaple: true,
      signatureAlgorithm: 'ED25519',
    },
  )
  assert.equal(parseRequest(request.pem), request)
  assert.equal(parseRequest(request.der), request)
})

describe('a request that was changed is not verified', () => {
  const der = parseRequest(createRequest({ key: keyOf('P-256'), subject: { CN: 'aaaa' } })).der
  der[der.indexOf(0x61)] = 0x62
  const { subject, verified } = parseRequest(der)
  assert.equal([subject, verified], ['CN=baaa', false])
})

describe('a request that asks to be a CA says so', () => {
  const pem = createRequest({
    key: keyOf('P-256'),
    subject: { CN: 'x' },
    extensions: [{ name: 'basicConstraints', value: 'CA:TRUE,pathlen:2' }],
  })
  const { ca, pathLength } = parseRequest(pem)
  assert.equal([ca, pathLength], [true, 2])
})

describe('a CRL, field by field', () => {
  const [thisUpdate, nextUpdate, date] = ['2031-01-01T00:00:00Z', '2031-02-01T00:00:00Z', '2030-12-24T18:00:00Z'].map(
    (text) => new Date(text),
  ) as [Date, Date, Date]
  const revoked = [
    { serialNumber: '0ABC', date, reason: 'keyCompromise' as const },
    { serialNumber: '0ABD', date },
    { serialNumber: '0ABE', date, reason: 'aACompromise' as const },
  ]
  const crl = parseCrl(createCrl({ issuer: root(), revoked, number: 0x1234n, thisUpdate, nextUpdate }))
  assert.equal(crl.issuer, 'CN=membio test root')
  assert.equal([crl.thisUpdate, crl.nextUpdate, crl.number], [thisUpdate, nextUpdate, '1234'])
  assert.equal(crl.authorityKeyId, parseCertificate(root().cert).subjectKeyId)
  assert.equal(crl.revoked, revoked)
  assert.equal(parseCrl(crl.der), crl)
  assert.equal(parseCrl(crl.pem), crl)
})

describe('all certificates of a bundle', () => {
  const bundle = server().cert + intermediate().cert + root().cert
  assert.equal(
    parseCertificates(bundle).map(({ subject }) => subject),
    ['CN=server.test,O=membio', 'CN=membio test intermediate', 'CN=membio test root'],
  )
})

const WRONG: { name: string; call: () => unknown; message: RegExp }[] = [
  { name: 'a certificate for a request', call: () => parseRequest(server().cert), message: /parseRequest: this is no certificate request/ },
  {
    name: 'a request for a certificate',
    call: () => parseCertificate(createRequest({ key: keyOf('P-256'), subject: { CN: 'x' } })),
    message: /this is no certificate/,
  },
  { name: 'a certificate for a CRL', call: () => parseCrl(derOf(server().cert)), message: /parseCrl: this is no CRL/ },
  { name: 'a number', call: () => parseCertificate(7 as never), message: /must be PEM text or bytes, not number/ },
  { name: 'nothing at all', call: () => printCertificate(null as never), message: /must be PEM text or bytes, not null/ },
]
for (const { name, call, message } of WRONG) describe(`refuses ${name}`, () => void expectThrow(call, { kind: 'usage', message }))
