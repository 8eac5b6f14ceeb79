// Certificates without a connection: made, read and verified in every runtime, and those of others read as others wrote them.
import { createCertificate, createKey, createRequest, parseCertificate, parseRequest, publicKey } from 'membio/x509'
import { verifyCertificate, type VerifyOptions } from 'membio/x509'
import { HOST } from '../world.ts'
import { group, hex, ok, same } from './kit.ts'

const test = group('x509')

const DAY = 86_400_000

/** The reasons against it. */
function codesOf(options: VerifyOptions): string[] {
  const result = verifyCertificate(options)
  return result.ok ? [] : result.errors.map(({ code }) => code)
}

test('what was made elsewhere is read: names, dates, fingerprint', async (t) => {
  const { server } = t.world.certificates
  const certificate = parseCertificate(server.cert)
  same(certificate.subject, `CN=${HOST},O=membio`)
  ok(certificate.hosts.includes(HOST), certificate.hosts.join(', '))
  ok(certificate.notBefore.getTime() < Date.now() && certificate.notAfter.getTime() > Date.now(), 'not valid now')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', certificate.der as Uint8Array<ArrayBuffer>))
  same(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), hex(digest))
})

test('a chain is verified; another CA, another host, another purpose and another time are told as reasons', (t) => {
  const { server, client, ca, wrongCa } = t.world.certificates
  const codes = (options: Partial<VerifyOptions>) => codesOf({ leaf: server.cert, roots: ca, hostname: HOST, ...options })
  same(codes({}), [])
  ok(codes({ roots: wrongCa }).length > 0, 'a CA that has not signed it')
  same(codes({ hostname: 'other.test' }), ['HOSTNAME_MISMATCH'])
  same(codes({ leaf: client.cert, hostname: undefined, purpose: 'server' }), ['INVALID_PURPOSE'])
  ok(codes({ time: new Date(Date.now() + 4000 * DAY) }).includes('CERT_HAS_EXPIRED'), 'in ten years')
})

test('a CA, an intermediate and a leaf are made, and verify', () => {
  const [rootKey, middleKey, leafKey] = [createKey('P-384'), createKey('Ed25519'), createKey('P-256')]
  const root = createCertificate({ key: rootKey, subject: { CN: 'root' }, ca: true })
  const middle = createCertificate({ key: middleKey, subject: { CN: 'middle' }, ca: true, issuer: { cert: root, key: rootKey } })
  const leaf = createCertificate({ key: leafKey, hosts: ['leaf.test'], issuer: { cert: middle, key: middleKey } })
  const verify = (intermediates: string[]) => codesOf({ leaf, intermediates, roots: root, hostname: 'leaf.test' })
  same(verify([middle]), [])
  ok(verify([]).length > 0, 'verified without the intermediate')
})

for (const type of ['RSA-2048', 'ML-DSA-65'] as const) {
  test(`a key of type ${type}, and a certificate from its request`, () => {
    const caKey = createKey('P-256')
    const ca = createCertificate({ key: caKey, subject: { CN: 'ca' }, ca: true })
    const key = createKey(type)
    const request = createRequest({ key, hosts: ['made.test'] })
    const leaf = createCertificate({ request, hosts: ['made.test'], issuer: { cert: ca, key: caKey } })
    same(parseRequest(request).key.pin, parseCertificate(leaf).key.pin)
    ok(publicKey(key).includes('PUBLIC KEY'), 'no public key in PEM')
    same(codesOf({ leaf, roots: ca, hostname: 'made.test' }), [])
  })
}
