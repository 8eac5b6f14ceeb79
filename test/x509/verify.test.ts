// verifyCertificate: every reason against a chain, with depth and code; and where `openssl verify` refuses, its reasons are among ours.
import * as assert from 'uvu/assert'
import { createCertificate, createCrl, createKey, parseCertificate, verifyCertificate, type CertificateOptions, type VerifyOptions } from '../../src/x509/index.ts'
import { daysFromNow, derOf, issue, keyOf, root, strangeRoot, type Identity } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { inFreshNode, run } from '../support/node.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { suite, type Case } from '../support/suite.ts'

const verify = suite('x509: verify')
const judged = verify.unless(noOpenssl)

const HOST = 'leaf.test'
const NAMES = { subject: { CN: HOST }, hosts: [HOST, '*.wild.test', '192.0.2.1', '2001:db8::1'], emails: ['me@leaf.test'] }

const cache = new Map<string, Identity>()
function once(name: string, make: () => Identity): Identity {
  if (!cache.has(name)) cache.set(name, make())
  return cache.get(name)!
}

/** A CA below `issuer`, or a root. */
const ca = (name: string, options: Partial<CertificateOptions> = {}, issuer?: Identity) =>
  once(name, () => issue({ subject: { CN: name }, ca: true, ...(options as object) }, issuer))
const leaf = (issuer: Identity, options: Partial<CertificateOptions> = {}) => issue({ ...NAMES, ...(options as object) }, issuer)

const middle = () => ca('middle', {}, root())
const constrained = () => ca('constrained', { nameConstraints: { permitted: [{ type: 'dns', value: 'wild.test' }] } }, root())
const excluding = () => ca('excluding', { nameConstraints: { excluded: [{ type: 'ip', value: '192.0.2.0/24' }] } }, root())
const shallow = () => ca('shallow', { pathLength: 0 }, root())
const tooDeep = () => once('too deep', () => issue({ subject: { CN: 'too deep' }, ca: true }, shallow()))
const oldRoot = () => ca('old root', { notBefore: daysFromNow(-9) })
const oldMiddle = () => ca('old middle', { notBefore: daysFromNow(-9), notAfter: daysFromNow(-3) }, root())
const certifying = () => ca('certifying', { policies: ['1.2.3.4'] }, root())

/** The last byte belongs to the signature. */
function tampered(pem: string): Uint8Array {
  const der = derOf(pem)
  der[der.length - 1]! ^= 1
  return der
}

interface Row {
  name: string
  options: () => VerifyOptions
  /** "depth code" of each reason; none: it is good. */
  reasons: string[]
  /** What to tell `openssl verify`; left out where it cannot be told. */
  openssl?: string[]
}

const under = (issuer: Identity, options: Partial<CertificateOptions> = {}, more: Partial<VerifyOptions> = {}): VerifyOptions => ({
  leaf: leaf(issuer, options).cert,
  intermediates: issuer.cert,
  roots: root().cert,
  ...more,
})

const past = () => ({ notBefore: daysFromNow(-8), notAfter: daysFromNow(-4) })
const seconds = (days: number) => String(Math.floor(daysFromNow(days).getTime() / 1000))

const ROWS: Row[] = [
  // ---- Good. ----
  { name: 'a leaf under a root', options: () => ({ leaf: leaf(root()).cert, roots: root().cert }), reasons: [], openssl: [] },
  { name: 'a leaf under an intermediate', options: () => under(middle()), reasons: [], openssl: [] },
  { name: 'a host of its own', options: () => under(middle(), {}, { hostname: HOST }), reasons: [], openssl: ['-verify_hostname', HOST] },
  { name: 'a host in capitals', options: () => under(middle(), {}, { hostname: 'LEAF.test' }), reasons: [], openssl: ['-verify_hostname', 'LEAF.test'] },
  { name: 'a host below a wildcard', options: () => under(middle(), {}, { hostname: 'a.wild.test' }), reasons: [], openssl: ['-verify_hostname', 'a.wild.test'] },
  { name: 'its address', options: () => under(middle(), {}, { ip: '192.0.2.1' }), reasons: [], openssl: ['-verify_ip', '192.0.2.1'] },
  { name: 'its address as host', options: () => under(middle(), {}, { hostname: '2001:DB8:0::1' }), reasons: [], openssl: ['-verify_ip', '2001:db8::1'] },
  { name: 'its mail address', options: () => under(middle(), {}, { email: 'me@leaf.test' }), reasons: [], openssl: ['-verify_email', 'me@leaf.test'] },
  { name: 'host and mail address', options: () => under(middle(), {}, { hostname: HOST, email: 'me@leaf.test' }), reasons: [] },
  { name: 'a client as client', options: () => under(middle(), { usage: ['client'] }, { purpose: 'client' }), reasons: [], openssl: ['-purpose', 'sslclient'] },
  { name: 'a code signer as anything', options: () => under(middle(), { usage: ['codeSigning'] }, { purpose: 'any' }), reasons: [], openssl: ['-purpose', 'any'] },
  { name: 'a responder as anything', options: () => under(middle(), { usage: ['ocsp'] }, { purpose: 'any' }), reasons: [], openssl: ['-purpose', 'any'] },
  { name: 'mail', options: () => under(middle(), { usage: ['email'] }, { purpose: 'emailSigning' }), reasons: [], openssl: ['-purpose', 'smimesign'] },
  { name: 'a time stamp', options: () => under(middle(), { usage: ['timestamping'] }, { purpose: 'timestamping' }), reasons: [], openssl: ['-purpose', 'timestampsign'] },
  { name: 'RFC 5280 to the letter', options: () => under(middle(), {}, { strict: true }), reasons: [], openssl: ['-x509_strict'] },
  { name: 'names within the constraints', options: () => under(constrained(), { hosts: ['a.wild.test'] }), reasons: [], openssl: [] },
  { name: 'as many intermediates as allowed', options: () => under(middle(), {}, { depth: 1 }), reasons: [], openssl: ['-verify_depth', '1'] },
  { name: 'a policy that holds', options: () => under(certifying(), { policies: ['1.2.3.4'] }, { policies: ['1.2.3.4', '1.2.9'] }), reasons: [], openssl: ['-policy', '1.2.3.4', '-explicit_policy'] },
  { name: 'an intermediate that is trusted itself', options: () => ({ leaf: leaf(middle()).cert, roots: middle().cert, partialChain: true }), reasons: [], openssl: ['-partial_chain'] },
  { name: 'a trusted self-signed leaf', options: () => selfSigned({ trusted: true }), reasons: [], openssl: [] },
  { name: 'the past, when it was valid', options: () => ({ leaf: leaf(oldRoot(), past()).cert, roots: oldRoot().cert, time: daysFromNow(-5) }), reasons: [], openssl: ['-attime', seconds(-5)] },
  { name: 'everything in DER', options: () => ({ leaf: derOf(leaf(middle()).cert), intermediates: [derOf(middle().cert)], roots: [derOf(root().cert)] }), reasons: [] },
  { name: 'a leaf that brings its chain', options: () => ({ leaf: leaf(middle()).cert + middle().cert, roots: root().cert }), reasons: [] },
  { name: 'roots and intermediates in any order, and too many', options: () => under(middle(), {}, { intermediates: [constrained().cert, middle().cert + shallow().cert], roots: [strangeRoot().cert, root().cert] }), reasons: [] },

  // ---- Bad. ----
  { name: 'an unknown issuer', options: () => ({ leaf: leaf(middle()).cert, roots: root().cert }), reasons: ['0 UNABLE_TO_GET_ISSUER_CERT_LOCALLY', '0 UNABLE_TO_VERIFY_LEAF_SIGNATURE'], openssl: [] },
  { name: 'no roots at all', options: () => under(middle(), {}, { roots: [] }), reasons: ['1 UNABLE_TO_GET_ISSUER_CERT_LOCALLY'] },
  { name: 'another root', options: () => under(middle(), {}, { roots: strangeRoot().cert }), reasons: ['1 UNABLE_TO_GET_ISSUER_CERT_LOCALLY'], openssl: [] },
  { name: 'another root, and the right one untrusted', options: () => under(middle(), {}, { intermediates: middle().cert + root().cert, roots: strangeRoot().cert }), reasons: ['2 SELF_SIGNED_CERT_IN_CHAIN'], openssl: [] },
  { name: 'an untrusted self-signed leaf', options: () => selfSigned({ trusted: false }), reasons: ['0 DEPTH_ZERO_SELF_SIGNED_CERT'], openssl: [] },
  { name: 'an intermediate as root, without being told', options: () => ({ leaf: leaf(middle()).cert, roots: middle().cert }), reasons: ['1 UNABLE_TO_GET_ISSUER_CERT'], openssl: [] },
  { name: 'an expired leaf', options: () => under(middle(), past()), reasons: ['0 CERT_HAS_EXPIRED'], openssl: [] },
  { name: 'a leaf of tomorrow', options: () => under(middle(), { notBefore: daysFromNow(1) }), reasons: ['0 CERT_NOT_YET_VALID'], openssl: [] },
  { name: 'an expired intermediate', options: () => under(oldMiddle()), reasons: ['1 CERT_HAS_EXPIRED'], openssl: [] },
  { name: 'the future', options: () => under(middle(), {}, { time: daysFromNow(91) }), reasons: ['2 CERT_HAS_EXPIRED', '1 CERT_HAS_EXPIRED', '0 CERT_HAS_EXPIRED'], openssl: ['-attime', seconds(91)] },
  { name: 'another host', options: () => under(middle(), {}, { hostname: 'other.test' }), reasons: ['0 HOSTNAME_MISMATCH'], openssl: ['-verify_hostname', 'other.test'] },
  { name: 'two labels for one wildcard', options: () => under(middle(), {}, { hostname: 'a.b.wild.test' }), reasons: ['0 HOSTNAME_MISMATCH'], openssl: ['-verify_hostname', 'a.b.wild.test'] },
  { name: 'a host that only the subject names', options: () => under(middle(), { hosts: ['x.test'] }, { hostname: HOST }), reasons: ['0 HOSTNAME_MISMATCH'], openssl: ['-verify_hostname', HOST] },
  { name: 'a host that only the subject names, and no other name', options: () => under(middle(), { hosts: [], emails: [] }, { hostname: HOST }), reasons: ['0 HOSTNAME_MISMATCH'] },
  { name: 'another address', options: () => under(middle(), {}, { ip: '192.0.2.2' }), reasons: ['0 IP_ADDRESS_MISMATCH'], openssl: ['-verify_ip', '192.0.2.2'] },
  { name: 'an address written as a name', options: () => under(middle(), { hosts: [HOST], extensions: [] }, { ip: '192.0.2.1' }), reasons: ['0 IP_ADDRESS_MISMATCH'], openssl: ['-verify_ip', '192.0.2.1'] },
  { name: 'another mail address', options: () => under(middle(), {}, { email: 'you@leaf.test' }), reasons: ['0 EMAIL_MISMATCH'], openssl: ['-verify_email', 'you@leaf.test'] },
  { name: 'a client as server, which is the default', options: () => under(middle(), { usage: ['client'] }), reasons: ['0 INVALID_PURPOSE'], openssl: ['-purpose', 'sslserver'] },
  { name: 'a server as client', options: () => under(middle(), { usage: ['server'] }, { purpose: 'client' }), reasons: ['0 INVALID_PURPOSE'], openssl: ['-purpose', 'sslclient'] },
  { name: 'a server as code signer', options: () => under(middle(), { usage: ['server'] }, { purpose: 'codeSigning' }), reasons: ['0 INVALID_PURPOSE'] },
  { name: 'a leaf that plays CA', options: () => impostor(), reasons: ['1 INVALID_CA', '1 INVALID_PURPOSE', '1 KEYUSAGE_NO_CERTSIGN'], openssl: [] },
  { name: 'a CA too many', options: () => under(tooDeep(), {}, { intermediates: tooDeep().cert + shallow().cert }), reasons: ['2 PATH_LENGTH_EXCEEDED'], openssl: [] },
  { name: 'more intermediates than allowed', options: () => under(middle(), {}, { depth: 0 }), reasons: ['1 CERT_CHAIN_TOO_LONG', '1 UNABLE_TO_GET_ISSUER_CERT_LOCALLY'], openssl: ['-verify_depth', '0'] },
  { name: 'a name beyond the constraints', options: () => under(constrained(), { hosts: [HOST] }), reasons: ['0 PERMITTED_VIOLATION'], openssl: [] },
  { name: 'an address that is excluded', options: () => under(excluding(), { hosts: ['192.0.2.200'] }), reasons: ['0 EXCLUDED_VIOLATION'], openssl: [] },
  { name: 'no policy that holds', options: () => under(certifying(), { policies: ['1.2.3.4'] }, { policies: ['1.2.3.5'] }), reasons: ['0 NO_EXPLICIT_POLICY'], openssl: ['-policy', '1.2.3.5', '-explicit_policy'] },
  { name: 'a changed signature', options: () => ({ leaf: tampered(leaf(middle()).cert), intermediates: middle().cert, roots: root().cert }), reasons: ['0 CERT_SIGNATURE_FAILURE'], openssl: [] },
  { name: 'an extension that nobody knows and must', options: () => under(middle(), { extensions: [{ oid: '1.2.3.4.5', der: new Uint8Array([5, 0]), critical: true }] }), reasons: ['0 UNHANDLED_CRITICAL_EXTENSION'], openssl: [] },
  { name: 'RSA-2048 where RSA-3072 is asked for', options: () => under(middle(), { key: keyOf('RSA-2048') }, { securityLevel: 3 }), reasons: ['0 EE_KEY_TOO_SMALL'], openssl: ['-auth_level', '3'] },
  {
    name: 'everything at once',
    options: () => under(oldMiddle(), { ...past(), usage: ['client'] }, { hostname: 'other.test', email: 'you@leaf.test', ip: '192.0.2.9', roots: strangeRoot().cert }),
    reasons: [
      '1 UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      '0 INVALID_PURPOSE',
      '0 HOSTNAME_MISMATCH',
      '0 EMAIL_MISMATCH',
      '0 IP_ADDRESS_MISMATCH',
      '1 CERT_HAS_EXPIRED',
      '0 CERT_HAS_EXPIRED',
    ],
  },
]

function selfSigned({ trusted }: { trusted: boolean }): VerifyOptions {
  const { cert } = issue({ ...NAMES })
  return { leaf: cert, roots: trusted ? cert : root().cert }
}

function impostor(): VerifyOptions {
  const fake = leaf(middle(), { subject: { CN: 'fake' } })
  return { leaf: issue({ ...NAMES, allowAnyIssuer: true }, fake).cert, intermediates: fake.cert + middle().cert, roots: root().cert }
}

const told = (result: ReturnType<typeof verifyCertificate>) => (result.ok ? [] : result.errors.map(({ depth, code }) => `${depth} ${code}`))

for (const { name, options, reasons } of ROWS) {
  verify(`${reasons.length ? 'refuses' : 'accepts'} ${name}`, () => {
    const result = verifyCertificate(options())
    assert.equal(told(result).sort(), [...reasons].sort())
    assert.is(result.ok, reasons.length === 0)
  })
}

const text = (value: VerifyOptions['roots']) => [value ?? []].flat().map((one) => (typeof one === 'string' ? one : toPem(one))).join('')
const toPem = (der: Uint8Array) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`

/** What `openssl verify` says: "depth message" of each error it found before it gave up. */
function opensslSays(t: Case, options: VerifyOptions, flags: readonly string[]): { ok: boolean; errors: string[] } {
  const workshop = t.own(new Workshop())
  const file = (name: string, value: VerifyOptions['roots']) => workshop.write(name, text(value))
  const files = ['-CAfile', file('roots.pem', options.roots), ...(options.intermediates ? ['-untrusted', file('middle.pem', options.intermediates)] : [])]
  const level = flags.includes('-auth_level') ? [] : ['-auth_level', '2']
  const { code, stderr } = run('openssl', ['verify', '-no-CApath', '-no-CAstore', ...level, ...flags, ...files, file('leaf.pem', options.leaf)])
  return { ok: code === 0, errors: [...stderr.matchAll(/^error \d+ at (\d+) depth lookup: (.*)$/gm)].map(([, depth, message]) => `${depth} ${message!.toLowerCase()}`) }
}

for (const { name, options, openssl } of ROWS) {
  if (!openssl) continue
  judged(`openssl is of the same opinion on ${name}`, (t) => {
    const given = options()
    const ours = verifyCertificate(given)
    const theirs = opensslSays(t, given, openssl)
    assert.is(ours.ok, theirs.ok)
    const messages = ours.ok ? [] : ours.errors.map(({ depth, message }) => `${depth} ${message.toLowerCase()}`)
    assert.ok(theirs.ok || theirs.errors.length > 0)
    for (const error of theirs.errors) assert.ok(messages.includes(error), `${error} is not among ${messages.join('; ')}`)
  })
}

verify('gives the chain it has found, leaf first, trust anchor last', () => {
  const result = verifyCertificate(under(middle(), {}, { intermediates: [shallow().cert, middle().cert] }))
  assert.equal(result.chain.map(({ subject }) => subject), [`CN=${HOST}`, 'CN=middle', 'CN=membio test root'])
})

verify('gives what it could find of a chain that leads nowhere, and each reason its subject and words', () => {
  const result = verifyCertificate(under(oldMiddle(), {}, { roots: strangeRoot().cert }))
  assert.equal(result.chain.map(({ subject }) => subject), [`CN=${HOST}`, 'CN=old middle'])
  assert.equal(!result.ok && result.errors, [
    { depth: 1, code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', message: 'unable to get local issuer certificate', subject: 'CN=old middle' },
    { depth: 1, code: 'CERT_HAS_EXPIRED', message: 'certificate has expired', subject: 'CN=old middle' },
  ])
})

for (const type of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87', 'Ed448', 'P-521'] as const) {
  verify(`a chain of ${type} is verified, and a changed one refused`, () => {
    const top = { key: keyOf(type), cert: createCertificate({ key: keyOf(type), subject: { CN: type }, ca: true }) }
    const { cert } = issue({ ...NAMES }, top, type)
    assert.equal(told(verifyCertificate({ leaf: cert, roots: top.cert, hostname: HOST })), [])
    assert.equal(told(verifyCertificate({ leaf: tampered(cert), roots: top.cert })), ['0 CERT_SIGNATURE_FAILURE'])
  })
}

judged('weak keys and digests of strangers', (t) => {
  const workshop = t.own(new Workshop())
  const make = (...more: string[]) => {
    workshop.openssl('req', '-x509', '-nodes', '-subj', '/CN=weak', '-days', '2', '-keyout', workshop.path('key.pem'), '-out', workshop.path('c.pem'), ...more)
    return { key: Buffer.from(workshop.read('key.pem')).toString(), cert: Buffer.from(workshop.read('c.pem')).toString() }
  }
  const small = make('-newkey', 'rsa:1024')
  const sha1 = make('-newkey', 'rsa:2048', '-sha1')
  assert.equal(told(verifyCertificate({ leaf: small.cert, roots: small.cert })), ['0 EE_KEY_TOO_SMALL'])
  assert.equal(told(verifyCertificate({ leaf: small.cert, roots: small.cert, securityLevel: 1 })), [])
  const weakCa = leaf(small)
  assert.equal(told(verifyCertificate({ leaf: weakCa.cert, roots: small.cert })), ['1 CA_KEY_TOO_SMALL'])
  assert.equal(told(verifyCertificate({ leaf: sha1.cert, roots: sha1.cert })), [], "a root's own signature counts for nothing")
  workshop.openssl('req', '-new', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=x', '-keyout', workshop.path('k.pem'), '-out', workshop.path('r.pem'))
  const issuer = ['-CA', workshop.write('ca.pem', root().cert), '-CAkey', workshop.write('ca.key', root().key), '-CAcreateserial']
  workshop.openssl('x509', '-req', '-in', workshop.path('r.pem'), '-sha1', ...issuer, '-days', '2', '-out', workshop.path('x.pem'))
  assert.equal(told(verifyCertificate({ leaf: workshop.read('x.pem'), roots: root().cert })), ['0 CA_MD_TOO_WEAK'])
})

verify("the default roots are the host's", () => {
  const result = inFreshNode(`
    import { rootCertificates } from 'node:tls'
    import { verifyCertificate } from 'membio/x509'
    const known = verifyCertificate({ leaf: rootCertificates[rootCertificates.length - 1], purpose: 'any' })
    const strange = verifyCertificate({ leaf: ${JSON.stringify(root().cert)}, purpose: 'any' })
    console.log(JSON.stringify([known.ok, strange.errors.map(({ code }) => code)]))`)
  assert.equal(result, [true, ['DEPTH_ZERO_SELF_SIGNED_CERT']])
})

verify('without roots where the host shows none there is a way out in the error', () => {
  const result = inFreshNode(`
    process.getBuiltinModule = undefined
    import { verifyCertificate } from 'membio/x509'
    try { verifyCertificate({ leaf: ${JSON.stringify(root().cert)} }) } catch ({ kind, code, message }) { console.log(JSON.stringify({ kind, code, message })) }`)
  const { message, ...rest } = result as { message: string }
  assert.equal(rest, { kind: 'usage', code: 'ERR_TLS_NO_CA' })
  assert.match(message, "this runtime shows no root certificates: pass the ones to trust as `roots`, Mozilla's for instance")
})

// ---- Misuse. ----

const good = (): VerifyOptions => ({ leaf: leaf(root()).cert, roots: root().cert })

const WRONG: { name: string; options: object; message: RegExp }[] = [
  { name: 'no leaf', options: { leaf: undefined }, message: /`leaf` is missing/ },
  { name: 'a leaf that is none', options: { leaf: 'hello' }, message: /`leaf` was refused.*expected PEM or DER/ },
  { name: 'a leaf of a wrong type', options: { leaf: 7 }, message: /`leaf` must be PEM text or bytes, not number/ },
  { name: 'roots that are none', options: { roots: [root().cert, 'x'] }, message: /`roots` was refused/ },
  { name: 'intermediates that are none', options: { intermediates: new Uint8Array(3) }, message: /`intermediates` was refused/ },
  { name: 'CRLs that are none', options: { crls: root().cert }, message: /`crls` was refused/ },
  { name: 'a check of CRLs without CRLs', options: { crlCheck: 'leaf' }, message: /`crlCheck` is about `crls`/ },
  { name: 'an unknown check of CRLs', options: { crls: createCrl({ issuer: root() }), crlCheck: 'all' }, message: /`crlCheck` is "all"; it must be one of chain, leaf/ },
  { name: 'an OCSP response as text', options: { ocsp: 'x' }, message: /`ocsp` must be a response in DER/ },
  { name: 'an empty host: it would be none at all', options: { hostname: '' }, message: /`hostname`: "" is neither a host name nor/ },
  { name: 'a host with a leading dot: it would be any below', options: { hostname: '.test' }, message: /`hostname`: ".test" is neither/ },
  { name: 'a host with a NUL', options: { hostname: 'a.test\0.b' }, message: /`hostname`: .* is neither/ },
  { name: 'a host with a wildcard', options: { hostname: '*.test' }, message: /certificates have wildcards, hosts have not/ },
  { name: 'a host with a last dot', options: { hostname: 'a.test.' }, message: /leave the last dot out/ },
  { name: 'a host in letters that DNS has not', options: { hostname: 'zoë.test' }, message: /write it as A-labels/ },
  { name: 'a host in brackets', options: { hostname: '[::1]' }, message: /neither a host name nor/ },
  { name: 'an address that is none', options: { ip: '1.2.3' }, message: /`ip` is "1.2.3", which is no IP address/ },
  { name: 'an address that only looks like one', options: { ip: '999.2.3.4' }, message: /`ip` was refused: no IP address/ },
  { name: 'two addresses', options: { ip: '192.0.2.1', hostname: '192.0.2.1' }, message: /leave out `ip`/ },
  { name: 'a mail address that is none', options: { email: 'me' }, message: /`email`: "me" is no email address/ },
  { name: 'an empty mail address', options: { email: '' }, message: /`email`: "" is no email address/ },
  { name: 'an unknown purpose', options: { purpose: 'sslserver' }, message: /`purpose` is "sslserver"; it must be one of server, client/ },
  { name: 'a purpose that every object has', options: { purpose: 'constructor' }, message: /`purpose` is "constructor"/ },
  { name: 'a negative depth', options: { depth: -1 }, message: /`depth` must be a whole number from 0/ },
  { name: 'a security level beyond 5', options: { securityLevel: 6 }, message: /`securityLevel` must be a whole number from 0 to 5/ },
  { name: 'no date', options: { time: new Date(NaN) }, message: /`time` must be a valid Date/ },
  { name: 'a date before 1970: it would be now', options: { time: new Date(-1000) }, message: /`time` must be a valid Date from 1970 on/ },
  { name: 'a policy that is none', options: { policies: ['any'] }, message: /`policies`: "any" is no object identifier/ },
]

for (const { name, options, message } of WRONG) {
  verify(`misuse: ${name}`, () => void expectThrow(() => verifyCertificate({ ...good(), ...options } as VerifyOptions), { kind: 'usage', message }))
}

verify('a failure leaves nothing behind for the next call', () => {
  expectThrow(() => verifyCertificate({ ...good(), ip: '999.2.3.4' }), { message: /`ip` was refused/ })
  expectThrow(() => parseCertificate('hello'), { message: /^parseCertificate: this is no certificate: no start line/ })
  assert.is(verifyCertificate(good()).ok, true)
  assert.ok(createKey())
})
