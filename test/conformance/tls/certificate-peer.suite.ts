// Certificates as objects: every field getPeerCertificate gives, for each kind of key, with its issuers, and when there is none.
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { createCertificate } from '../../../src/x509/index.ts'
import {
  client as goodClient,
  HOST,
  intermediate,
  issue,
  keyOf,
  root,
  server as goodServer,
  serverWithChain,
  type Identity,
} from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { connectWith } from './server-sessions.suite.ts'
import { connected, dial, listen, suiteOf } from './server-support.ts'
import type { Subject } from './subject.ts'

const TYPES = ['RSA-2048', 'P-256', 'P-384', 'Ed25519'] as const

/** With everything a certificate may say that shows in the object. */
const rich = (type: (typeof TYPES)[number]): Identity => {
  const key = keyOf(type)
  const cert = createCertificate({
    key,
    issuer: intermediate(),
    subject: [
      { type: 'C', value: 'DE' },
      { type: 'O', value: 'membio, "quoted" + more' },
      { type: 'OU', value: 'Mail' },
      { type: 'OU', value: 'Wäsche' },
      { type: 'CN', value: HOST },
    ],
    hosts: [HOST, '*.wild.test', '127.0.0.1', '::1', '2001:db8::7'],
    emails: ['post@example.test'],
    uris: ['https://example.test/a,b', 'urn:example'],
    usage: ['server', 'client', '1.2.3.4'],
    serialNumber: '0abc',
    ocspUrls: ['http://ocsp.test/', 'http://ocsp.test/a,b'],
    caIssuerUrls: ['http://ca.test/ca.der'],
  })
  return { key, cert }
}

/** Without prototypes, undefined and Buffers, so that two of them can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name, one]) => one !== undefined && name !== 'issuerCertificate')
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, plain(one)]))
}

const legacy = (pem: string) => plain(new X509Certificate(pem).toLegacyObject())

/** The certificates in one PEM file. */
const partsOf = (pem: string): string[] => pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g)!

export function certificatePeerSuite(subject: Subject): void {
  fieldsSuite(subject)
  chainSuite(subject)
  absentSuite(subject)
}

function fieldsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'fields of certificates')

  for (const type of TYPES) {
    test(`${type}: what the X509Certificate of the runtime says, at both ends`, async (t) => {
      const identity = rich(type)
      const chain = { key: identity.key, cert: identity.cert + intermediate().cert }
      const { client, server } = await connected(t, subject, { ...chain, requestCert: true, ca: root().cert }, chain)
      const expected = legacy(identity.cert)
      assert.equal(plain(client.socket.getPeerCertificate()), expected)
      assert.equal(plain(server.socket.getPeerCertificate()), expected)
      assert.equal(plain(client.socket.getCertificate()), expected)
      assert.equal(plain(server.socket.getCertificate()), expected)
    })
  }

  test('names, usages and addresses as text', async (t) => {
    const identity = rich('P-256')
    const { client } = await connected(t, subject, { key: identity.key, cert: identity.cert + intermediate().cert })
    const { subject: name, issuer, subjectaltname, infoAccess, ext_key_usage, serialNumber, ca } = client.socket.getPeerCertificate()
    assert.equal(plain({ name, issuer, infoAccess, ext_key_usage, serialNumber, ca }), {
      ca: false,
      ext_key_usage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '1.2.3.4'],
      infoAccess: { 'CA Issuers - URI': ['http://ca.test/ca.der'], 'OCSP - URI': ['http://ocsp.test/', 'http://ocsp.test/a,b'] },
      issuer: { CN: 'membio test intermediate' },
      name: { C: 'DE', CN: HOST, O: 'membio, "quoted" + more', OU: ['Mail', 'Wäsche'] },
      serialNumber: '0ABC',
    })
    const altNames = [
      ...['DNS:server.test', 'DNS:*.wild.test', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1'],
      ...['IP Address:2001:DB8:0:0:0:0:0:7', 'email:post@example.test', 'URI:"https://example.test/a\\u002cb"', 'URI:urn:example'],
    ]
    assert.is(subjectaltname, altNames.join(', '))
  })

  test('names that are quoted', async (t) => {
    const { client } = await connected(t, subject, issue({ hosts: [HOST], uris: ['http://x/?,%20DNS:evil.test'] }, root()))
    assert.is(client.socket.getPeerCertificate().subjectaltname, 'DNS:server.test, URI:"http://x/?\\u002c%20DNS:evil.test"')
  })

  test('keys and fingerprints in the usual forms', async (t) => {
    const certOf = async (type: (typeof TYPES)[number]) => {
      const { client } = await connected(t, subject, goodServer(type === 'P-384' ? 'P-256' : type))
      return client.socket.getPeerCertificate() as unknown as Record<string, unknown>
    }
    const rsa = await certOf('RSA-2048')
    assert.match(rsa.modulus as string, /^[0-9A-F]{512}$/)
    assert.equal([rsa.bits, rsa.exponent, Buffer.isBuffer(rsa.pubkey)], [2048, '0x10001', true])
    const ec = await certOf('P-256')
    assert.equal([ec.bits, ec.asn1Curve, ec.nistCurve, (ec.pubkey as Buffer).length], [256, 'prime256v1', 'P-256', 65])
    const ed = await certOf('Ed25519')
    assert.equal([ed.bits, ed.asn1Curve, ed.pubkey, ed.modulus], [undefined, undefined, undefined, undefined])
    for (const [field, bytes] of [
      ['fingerprint', 20],
      ['fingerprint256', 32],
      ['fingerprint512', 64],
    ] as const)
      assert.match(ec[field] as string, new RegExp(`^([0-9A-F]{2}:){${bytes - 1}}[0-9A-F]{2}$`))
    for (const field of ['valid_from', 'valid_to']) assert.match(ec[field] as string, /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT$/)
  })

  test('X509Certificate objects of both ends', async (t) => {
    const pair = await connected(t, subject, { requestCert: true, ca: root().cert }, goodClient())
    const [client, server] = [pair.client.socket, pair.server.socket]
    // Asked once each: a second time Node's clients know nothing any more.
    const [ofServer, ofClient] = [client.getPeerX509Certificate(), server.getPeerX509Certificate()]
    assert.equal(
      [ofServer, server.getX509Certificate()].map(fingerprint),
      Array(2).fill(fingerprint(new X509Certificate(goodServer().cert))),
    )
    assert.equal(
      [ofClient, client.getX509Certificate()].map(fingerprint),
      Array(2).fill(fingerprint(new X509Certificate(goodClient().cert))),
    )
    assert.instance(ofServer, X509Certificate)
    assert.equal([ofServer!.checkHost(HOST), ofServer!.publicKey.type], [HOST, 'public'])
  })
}

const fingerprint = (certificate: X509Certificate | undefined) => certificate?.fingerprint256

/** The names of a certificate and its issuers; the root issues itself. */
function chainOf(socket: TLSSocket): string[] {
  const names: string[] = []
  let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  for (let depth = 0; one && depth < 10; depth++) {
    names.push(one.subject.CN as string)
    const { issuerCertificate } = one as { issuerCertificate?: DetailedPeerCertificate }
    if (issuerCertificate === one) return [...names, 'itself']
    one = issuerCertificate
  }
  return names
}

function chainSuite(subject: Subject): void {
  // Node 24 itself finds only issuers among `ca` there, against its documentation: no model for others.
  const losesChain = (subject.capabilities.node ?? 0) >= 24
  const test = suiteOf(subject, 'issuers of certificates')

  test('of a chain, up to the root that issues itself', async (t) => {
    const { client } = await connected(t, subject, serverWithChain())
    assert.equal(chainOf(client.socket), [HOST, 'membio test intermediate', 'membio test root', 'itself'])
    const detailed = client.socket.getPeerCertificate(true)
    const chain = [...partsOf(serverWithChain().cert), root().cert]
    assert.equal([detailed, detailed.issuerCertificate, detailed.issuerCertificate.issuerCertificate].map(plain), chain.map(legacy))
  })

  test('only if asked for in detail', async (t) => {
    const { client } = await connected(t, subject, serverWithChain())
    for (const certificate of [client.socket.getPeerCertificate(), client.socket.getPeerCertificate(false)])
      assert.not('issuerCertificate' in certificate)
  })

  test("of a client, at the server's end", async (t) => {
    const leaf = issue({ subject: { CN: 'client.test' } }, intermediate())
    const chain = { key: leaf.key, cert: leaf.cert + intermediate().cert }
    const { server } = await connected(t, subject, { requestCert: true, ca: root().cert }, chain)
    const issuers = ['membio test intermediate', 'membio test root', 'itself']
    assert.equal(chainOf(server.socket), ['client.test', ...(losesChain ? [] : issuers)])
  })

  test('of a root that serves', async (t) => {
    const self = issue({ subject: { CN: 'self.test' }, hosts: [HOST], ca: true })
    const { client } = await connected(t, subject, self, { rejectUnauthorized: false })
    assert.equal(chainOf(client.socket), ['self.test', 'itself'])
  })

  test('whom nobody knows are missing', async (t) => {
    const { client } = await connected(t, subject, goodServer(), { ca: [], rejectUnauthorized: false })
    assert.equal(chainOf(client.socket), [HOST])
  })

  test('of our own certificate there are none', async (t) => {
    const { server } = await connected(t, subject, serverWithChain())
    const own = server.socket.getCertificate() as PeerCertificate
    assert.is(own.subject.CN, HOST)
    assert.not('issuerCertificate' in own)
  })
}

function absentSuite(subject: Subject): void {
  const test = suiteOf(subject, 'certificates that are not there')

  test('a client without one', async (t) => {
    const { client, server } = await connected(t, subject)
    assert.equal(server.socket.getPeerCertificate(), {})
    assert.equal(server.socket.getPeerCertificate(true), {})
    assert.is(server.socket.getPeerX509Certificate(), undefined)
    assert.equal(client.socket.getCertificate(), {})
    assert.is(client.socket.getX509Certificate(), undefined)
  })

  test('a client that has one nobody asked for', async (t) => {
    const { server } = await connected(t, subject, {}, goodClient())
    assert.equal(server.socket.getPeerCertificate(), {})
  })

  test('after destroy', async (t) => {
    const { client } = await connected(t, subject, { requestCert: true, ca: root().cert }, goodClient())
    client.socket.destroy()
    await client.close()
    assert.is(client.socket.getPeerCertificate(), null)
    assert.is(client.socket.getPeerCertificate(true), null)
    assert.is(client.socket.getCertificate(), null)
    assert.is(client.socket.getPeerX509Certificate(), undefined)
    assert.is(client.socket.getX509Certificate(), undefined)
  })

  test('before the handshake', async (t) => {
    const listening = await listen(t, subject)
    const { socket } = dial(t, subject, listening.port)
    assert.equal([socket.getPeerCertificate(), socket.getCertificate()], [{}, {}])
  })

  const resumed = async (t: Case, maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
    const listening = await listen(t, subject, { maxVersion })
    const { session } = await connectWith(t, subject, listening)
    return dial(t, subject, listening.port, { session }).handshake()
  }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${maxVersion}: a client that has resumed a session`, async (t) => {
      const { socket } = await resumed(t, maxVersion)
      assert.is(socket.isSessionReused(), true)
      assert.is(socket.authorized, true)
      // Node's clients have forgotten; to know is no mistake.
      const { subject: name } = socket.getPeerCertificate()
      if (name) assert.is(name.CN, HOST)
    })
  }
}
