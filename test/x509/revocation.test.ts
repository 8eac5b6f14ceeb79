// Revocation: CRLs that membio makes, as openssl reads them; chains checked against CRLs; and OCSP responses made by openssl, each of
// them good in all but one respect.
import * as assert from 'uvu/assert'
import {
  createCertificate,
  createCrl,
  createKey,
  parseCertificate,
  parseCrl,
  parseOcspResponse,
  verifyCertificate,
  type CrlOptions,
  type VerifyOptions,
} from '../../src/x509/index.ts'
import { daysFromNow, derOf, issue, keyOf, strangeRoot, type Identity } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { run } from '../support/node.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { suite, type Case } from '../support/suite.ts'

const HOST = 'leaf.test'
/** All of them valid for a while, so that time can be moved. */
const SINCE = { notBefore: daysFromNow(-20) }
const top = issue({ ...SINCE, subject: { CN: 'top' }, ca: true })
const middle = issue({ ...SINCE, subject: { CN: 'middle' }, ca: true }, top)
const leaf = issue({ ...SINCE, subject: { CN: HOST }, hosts: [HOST] }, middle)
const serialOf = (identity: Identity) => parseCertificate(identity.cert).serialNumber

const crlBy = (issuer: Identity, revoked: readonly Identity[] = [], options: Partial<CrlOptions> = {}) =>
  createCrl({ issuer, revoked: revoked.map((one) => ({ serialNumber: serialOf(one) })), ...options })

const told = (options: Partial<VerifyOptions>) => {
  const result = verifyCertificate({ leaf: leaf.cert, intermediates: middle.cert, roots: top.cert, ...options })
  return result.ok ? [] : result.errors.map(({ depth, code }) => `${depth} ${code}`)
}

// ---- CRLs. ----

const crls = suite('x509: CRLs')
const judged = crls.unless(noOpenssl)

const LISTS: { name: string; crls: () => VerifyOptions['crls']; more?: Partial<VerifyOptions>; reasons: string[]; openssl?: string[] }[] = [
  { name: 'nothing is revoked', crls: () => [crlBy(middle), crlBy(top)], reasons: [], openssl: ['-crl_check_all'] },
  { name: 'others are revoked', crls: () => crlBy(middle, [middle, top]) + crlBy(top, [leaf]), reasons: [], openssl: ['-crl_check_all'] },
  { name: 'lists in DER', crls: () => [derOf(crlBy(middle)), derOf(crlBy(top))], reasons: [] },
  {
    name: 'the leaf is revoked',
    crls: () => [crlBy(middle, [leaf]), crlBy(top)],
    reasons: ['0 CERT_REVOKED'],
    openssl: ['-crl_check_all'],
  },
  {
    name: 'the intermediate is revoked',
    crls: () => [crlBy(middle), crlBy(top, [middle])],
    reasons: ['1 CERT_REVOKED'],
    openssl: ['-crl_check_all'],
  },
  { name: 'both are revoked', crls: () => [crlBy(middle, [leaf]), crlBy(top, [middle])], reasons: ['0 CERT_REVOKED', '1 CERT_REVOKED'] },
  {
    name: 'the intermediate is revoked, but only the leaf is asked about',
    crls: () => [crlBy(middle), crlBy(top, [middle])],
    more: { crlCheck: 'leaf' },
    reasons: [],
    openssl: ['-crl_check'],
  },
  {
    name: 'there are no lists, though they are asked for',
    crls: () => [],
    reasons: ['0 UNABLE_TO_GET_CRL', '1 UNABLE_TO_GET_CRL', '2 UNABLE_TO_GET_CRL'],
  },
  {
    name: "the intermediate's issuer has no list",
    crls: () => crlBy(middle),
    reasons: ['1 UNABLE_TO_GET_CRL', '2 UNABLE_TO_GET_CRL'],
    openssl: ['-crl_check_all'],
  },
  {
    name: 'only the leaf is asked about, and has a list',
    crls: () => crlBy(middle),
    more: { crlCheck: 'leaf' },
    reasons: [],
    openssl: ['-crl_check'],
  },
  {
    name: 'the list has run out',
    crls: () => [crlBy(middle, [], outdated), crlBy(top)],
    reasons: ['0 CRL_HAS_EXPIRED'],
    openssl: ['-crl_check_all'],
  },
  {
    name: 'the list is of tomorrow',
    crls: () => [crlBy(middle, [], ofTomorrow), crlBy(top)],
    reasons: ['0 CRL_NOT_YET_VALID'],
    openssl: ['-crl_check_all'],
  },
  { name: 'the list was changed', crls: () => [changed(crlBy(middle)), derOf(crlBy(top))], reasons: ['0 CRL_SIGNATURE_FAILURE'] },
  {
    name: 'the list is by somebody with the same name',
    crls: () => [crlBy(namesake, [leaf]), crlBy(top)],
    reasons: ['0 UNABLE_TO_GET_CRL'],
  },
]

const outdated = { thisUpdate: daysFromNow(-3), nextUpdate: daysFromNow(-1) }
const ofTomorrow = { thisUpdate: daysFromNow(1), nextUpdate: daysFromNow(3) }
const namesake = issue({ subject: { CN: 'middle' }, ca: true }, top)

function changed(pem: string): Uint8Array {
  const der = derOf(pem)
  der[der.length - 1]! ^= 1
  return der
}

for (const { name, crls: make, more, reasons } of LISTS) {
  crls(`${reasons.length ? 'refuses' : 'accepts'} the leaf where ${name}`, () => assert.equal(told({ crls: make(), ...more }), reasons))
}

for (const { name, crls: make, reasons, openssl } of LISTS) {
  if (!openssl) continue
  judged(`openssl is of the same opinion where ${name}`, (t) => {
    const workshop = t.own(new Workshop())
    const lists = [make() ?? []].flat().join('')
    const files = ['-CAfile', workshop.write('root.pem', top.cert), '-untrusted', workshop.write('middle.pem', middle.cert + lists)]
    const { code, stderr } = run('openssl', [
      'verify',
      ...openssl,
      ...files,
      '-CRLfile',
      workshop.write('crl.pem', lists),
      workshop.write('leaf.pem', leaf.cert),
    ])
    assert.is(code === 0, reasons.length === 0, stderr)
  })
}

for (const type of ['RSA-2048', 'P-384', 'Ed25519'] as const) {
  judged(`a CRL signed with ${type} is verified by openssl`, (t) => {
    const workshop = t.own(new Workshop())
    const signer = { key: keyOf(type), cert: createCertificate({ key: keyOf(type), subject: { CN: type }, ca: true }) }
    const files = ['-CAfile', workshop.write('ca.pem', signer.cert), '-in', workshop.write('crl.pem', crlBy(signer, [leaf]))]
    assert.match(workshop.openssl('crl', ...files, '-noout').stderr, /verify OK/)
  })
}

crls('dates and number have defaults', () => {
  const { thisUpdate, nextUpdate, number } = parseCrl(crlBy(top))
  const age = Date.now() - thisUpdate.getTime()
  assert.ok(age >= 60_000 && age < 120_000, 'a minute ago, for clocks that are late')
  assert.is(nextUpdate!.getTime() - thisUpdate.getTime(), 7 * 86_400_000 + 60_000)
  assert.is(Number(`0x${number}`), thisUpdate.getTime() / 1000)
})

const noSigning = issue({ subject: { CN: 'signs no lists' }, ca: true, keyUsage: ['keyCertSign'] }, top)
const WRONG: { name: string; options: object; message: RegExp }[] = [
  { name: 'no issuer', options: { issuer: undefined }, message: /`issuer` is missing/ },
  { name: 'an issuer without key', options: { issuer: { cert: top.cert } }, message: /`issuer` needs both `cert` and `key`/ },
  {
    name: "an issuer with another's key",
    options: { issuer: { cert: top.cert, key: middle.key } },
    message: /`issuer` was refused: key values mismatch/,
  },
  { name: 'an issuer that is no CA', options: { issuer: leaf }, message: /`issuer` was refused: the issuer's certificate is no CA/ },
  {
    name: 'an issuer that may sign no lists',
    options: { issuer: noSigning },
    message: /`issuer` was refused: the issuer's key usage does not allow/,
  },
  { name: 'an end before the start', options: { nextUpdate: daysFromNow(-1) }, message: /`thisUpdate` must come before `nextUpdate`/ },
  { name: 'no date', options: { thisUpdate: new Date(NaN) }, message: /`thisUpdate` must be a valid Date/ },
  { name: 'a negative number', options: { number: -1 }, message: /`number` must be a whole number/ },
  {
    name: 'a serial number that is none',
    options: { revoked: [{ serialNumber: 'xyz' }] },
    message: /`serialNumber` is "xyz"; it must be positive/,
  },
  { name: 'no serial number', options: { revoked: [{}] }, message: /`serialNumber` is missing/ },
  {
    name: 'an unknown reason',
    options: { revoked: [{ serialNumber: '1', reason: 'bad luck' }] },
    message: /`reason` is "bad luck"; it must be one of unspecified, keyCompromise/,
  },
  {
    name: 'the reason that RFC 5280 leaves out',
    options: { revoked: [{ serialNumber: '1', reason: 'undefined' }] },
    message: /`reason` is "undefined"/,
  },
]
for (const { name, options, message } of WRONG) {
  crls(`misuse: ${name}`, () => void expectThrow(() => createCrl({ issuer: top, ...options } as CrlOptions), { kind: 'usage', message }))
}

// ---- OCSP. ----

const ocsp = suite('x509: OCSP')
const answered = ocsp.unless(noOpenssl)

/** Each certificate of `issue` has the same key, but a signer that is named by its key must have one of its own. */
const responder = issue({ ...SINCE, key: createKey(), subject: { CN: 'responder' }, usage: ['ocsp'] }, middle)
const expiredResponder = issue(
  { subject: { CN: 'expired' }, usage: ['ocsp'], notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) },
  middle,
)
const server = issue({ subject: { CN: 'server' }, usage: ['server'] }, middle)
const otherResponder = issue({ subject: { CN: 'other responder' }, usage: ['ocsp'] }, top)
const stranger = issue({ subject: { CN: 'stranger' }, usage: ['ocsp'] }, strangeRoot())
const staple = issue({ subject: { CN: HOST }, hosts: [HOST], mustStaple: true }, middle)

interface Question {
  about?: Identity
  by?: Identity
  /** What the index says: V is good, R revoked; left out, the certificate is not in it. */
  state?: 'V' | 'R'
  /** More for `openssl ocsp`. */
  flags?: readonly string[]
  request?: readonly string[]
}

/** A response from `openssl ocsp`, which never goes online. */
function answer(t: Case, { about = leaf, by = middle, state, flags = ['-ndays', '1'], request = [] }: Question): Uint8Array {
  const workshop = t.own(new Workshop())
  const issuer = ['-issuer', workshop.write('issuer.pem', middle.cert)]
  workshop.openssl(
    'ocsp',
    ...request,
    ...issuer,
    '-cert',
    workshop.write('leaf.pem', about.cert),
    '-no_nonce',
    '-reqout',
    workshop.path('request'),
  )
  const revoked = state === 'R' ? '260101000000Z,keyCompromise' : ''
  const entry = state ? `${state}\t350101000000Z\t${revoked}\t${serialOf(about)}\tunknown\t/CN=${HOST}\n` : ''
  const signer = ['-rsigner', workshop.write('signer.pem', by.cert), '-rkey', workshop.write('signer.key', by.key)]
  const files = ['-index', workshop.write('index', entry), '-CA', workshop.write('ca.pem', middle.cert), ...signer]
  workshop.openssl('ocsp', ...files, '-reqin', workshop.path('request'), '-respout', workshop.path('response'), ...flags)
  return workshop.read('response')
}

const ANSWERS: { name: string; question: Question; options?: Partial<VerifyOptions>; reasons: string[] }[] = [
  { name: 'says that it is good', question: { state: 'V' }, reasons: [] },
  { name: 'names it by SHA-256', question: { state: 'V', request: ['-sha256'] }, reasons: [] },
  { name: 'is signed by a responder of the issuer', question: { state: 'V', by: responder }, reasons: [] },
  { name: 'names its signer by key', question: { state: 'V', by: responder, flags: ['-ndays', '1', '-resp_key_id'] }, reasons: [] },
  { name: 'has no end, and is young', question: { state: 'V', flags: [] }, reasons: [] },
  {
    name: 'has no end, and is old',
    question: { state: 'V', flags: [] },
    options: { time: daysFromNow(1.1) },
    reasons: ['0 OCSP_HAS_EXPIRED'],
  },
  { name: 'says that it is revoked', question: { state: 'R' }, reasons: ['0 CERT_REVOKED'] },
  { name: 'says that it is revoked, by a responder', question: { state: 'R', by: responder }, reasons: ['0 CERT_REVOKED'] },
  {
    name: 'says that it was revoked, a while ago',
    question: { state: 'R' },
    options: { time: daysFromNow(9) },
    reasons: ['0 CERT_REVOKED'],
  },
  { name: 'does not know it', question: {}, reasons: ['0 OCSP_CERT_UNKNOWN'] },
  { name: 'is out of date', question: { state: 'V' }, options: { time: daysFromNow(2) }, reasons: ['0 OCSP_HAS_EXPIRED'] },
  {
    name: 'is within five minutes of its end',
    question: { state: 'V', flags: ['-nmin', '1'] },
    options: { time: minutesFromNow(4) },
    reasons: [],
  },
  { name: 'is of the future', question: { state: 'V' }, options: { time: minutesFromNow(-6) }, reasons: ['0 OCSP_NOT_YET_VALID'] },
  { name: 'is about another certificate', question: { state: 'V', about: server }, reasons: ['0 OCSP_NO_RESPONSE'] },
  { name: 'is signed by a server of the issuer', question: { state: 'V', by: server }, reasons: ['0 OCSP_SIGNATURE_FAILURE'] },
  { name: 'is signed by the leaf itself', question: { state: 'V', by: leaf }, reasons: ['0 OCSP_SIGNATURE_FAILURE'] },
  {
    name: 'is signed by a responder whose certificate has expired',
    question: { state: 'V', by: expiredResponder },
    reasons: ['0 OCSP_SIGNATURE_FAILURE'],
  },
  { name: 'is signed by a responder of another CA', question: { state: 'V', by: otherResponder }, reasons: ['0 OCSP_SIGNATURE_FAILURE'] },
  { name: 'is signed by a stranger', question: { state: 'V', by: stranger }, reasons: ['0 OCSP_SIGNATURE_FAILURE'] },
  { name: 'is signed by the root, which is not the issuer', question: { state: 'V', by: top }, reasons: ['0 OCSP_SIGNATURE_FAILURE'] },
  {
    name: 'vouches for a certificate that must have one',
    question: { state: 'V', about: staple },
    options: { leaf: staple.cert, requireOcsp: 'must-staple' },
    reasons: [],
  },
  {
    name: 'vouches for a leaf under a trusted intermediate',
    question: { state: 'V' },
    options: { roots: middle.cert, intermediates: [], partialChain: true },
    reasons: [],
  },
  {
    name: 'vouches for a leaf of another host',
    question: { state: 'V' },
    options: { hostname: 'other.test' },
    reasons: ['0 HOSTNAME_MISMATCH'],
  },
]

function minutesFromNow(minutes: number): Date {
  return daysFromNow(minutes / 1440)
}

for (const { name, question, options, reasons } of ANSWERS) {
  answered(`a response that ${name}: ${reasons.length ? reasons.join(', ') : 'accepted'}`, (t) => {
    assert.equal(told({ ocsp: answer(t, question), ...options }).sort(), reasons)
  })
}

answered('a changed response: every byte counts', (t) => {
  const good = answer(t, { state: 'V' })
  assert.equal(told({ ocsp: good }), [])
  for (let at = 0; at < good.length; at += 7) {
    const bytes = good.slice()
    bytes[at]! ^= 0x11
    const reasons = told({ ocsp: bytes })
    // The certificates that come along are signed themselves; whether they are needed is another matter.
    if (reasons.length) assert.match(reasons.join(), /^0 OCSP_(RESP_INVALID|SIGNATURE_FAILURE|NO_RESPONSE|HAS_EXPIRED|NOT_YET_VALID)$/)
    else assert.ok(at > good.length - derOf(middle.cert).length - 10, `byte ${at} of ${good.length} was changed without notice`)
  }
})

const BROKEN: { name: string; bytes: number[] }[] = [
  { name: 'nothing', bytes: [] },
  { name: 'noise', bytes: [1, 2, 3, 4] },
  { name: 'a responder that says "try later"', bytes: [0x30, 3, 0x0a, 1, 3] },
  { name: 'success without a response', bytes: [0x30, 3, 0x0a, 1, 0] },
]
for (const { name, bytes } of BROKEN) {
  ocsp(`${name} is no response`, () => assert.equal(told({ ocsp: new Uint8Array(bytes) }), ['0 OCSP_RESP_INVALID']))
}

answered('a response with bytes behind it is no response', (t) => {
  assert.equal(told({ ocsp: new Uint8Array([...answer(t, { state: 'V' }), 0]) }), ['0 OCSP_RESP_INVALID'])
})

const MISSING: { require: VerifyOptions['requireOcsp']; of: Identity; name: string; reasons: string[] }[] = [
  { require: undefined, of: staple, name: 'not asked for', reasons: [] },
  { require: 'must-staple', of: leaf, name: 'asked for where the certificate wants it, and it does not', reasons: [] },
  { require: 'must-staple', of: staple, name: 'asked for where the certificate wants it, and it does', reasons: ['0 OCSP_VERIFY_NEEDED'] },
  { require: 'always', of: leaf, name: 'always asked for', reasons: ['0 OCSP_VERIFY_NEEDED'] },
]
for (const { require, of, name, reasons } of MISSING) {
  ocsp(`a missing response, ${name}`, () => assert.equal(told({ leaf: of.cert, requireOcsp: require }), reasons))
}

answered('a response field by field, as openssl prints it', (t) => {
  const bytes = answer(t, { state: 'R', by: responder })
  const response = parseOcspResponse(bytes)
  const [single] = response.responses
  assert.equal([response.status, response.responder, response.signatureAlgorithm], ['successful', 'CN=responder', 'ecdsa-with-SHA256'])
  assert.equal([single!.serialNumber, single!.status, single!.reason], [serialOf(leaf), 'revoked', 'keyCompromise'])
  assert.equal(single!.revokedAt, new Date('2026-01-01T00:00:00Z'))
  assert.equal(
    response.certificates.map(({ subject }) => subject),
    ['CN=responder'],
  )
  const workshop = t.own(new Workshop())
  const text = workshop.openssl('ocsp', '-respin', workshop.write('r', bytes), '-resp_text', '-noverify').stdout
  const date = (name: string) => new Date(new RegExp(`${name}: (.*)`).exec(text)![1]!)
  assert.equal(
    [response.producedAt, single!.thisUpdate, single!.nextUpdate],
    [date('Produced At'), date('This Update'), date('Next Update')],
  )
})

answered('a response that names its signer by key', (t) => {
  const { responder: id, responses } = parseOcspResponse(answer(t, { state: 'V', by: responder, flags: ['-resp_key_id'] }))
  assert.is(id, parseCertificate(responder.cert).subjectKeyId)
  assert.equal([responses[0]!.status, 'nextUpdate' in responses[0]!, 'reason' in responses[0]!], ['good', false, false])
})

ocsp('a responder that failed has a status and nothing else', () => {
  assert.equal(parseOcspResponse(new Uint8Array([0x30, 3, 0x0a, 1, 3])), { status: 'trylater', responses: [], certificates: [] })
})

ocsp('noise is no response', () => {
  expectThrow(() => parseOcspResponse(new Uint8Array([1, 2, 3])), { kind: 'usage', message: /parseOcspResponse: this is no OCSP response/ })
})
