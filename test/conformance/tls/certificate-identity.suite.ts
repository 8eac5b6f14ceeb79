// checkServerIdentity: a table of hosts and certificates, the error's fields, and how connections use it.
import type { ConnectionOptions, PeerCertificate } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST, issue, root } from '../../support/certs.ts'
import {
  ADDRESSES,
  ALTERNATIVE_NAMES,
  COMMON_NAMES,
  QUOTED_NAMES,
  UNICODE,
  WILDCARDS,
  type IdentityRow,
} from './certificate-identity-rows.ts'
import { matchError, throwsError, type ExpectedError } from './error-support.ts'
import { attempt, listen, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

const TABLES: readonly [string, readonly IdentityRow[]][] = [
  ['common names', COMMON_NAMES],
  ['wildcards', WILDCARDS],
  ['Unicode', UNICODE],
  ['alternative names', ALTERNATIVE_NAMES],
  ['quoted names', QUOTED_NAMES],
  ['addresses', ADDRESSES],
]

const certificate = ({ cn, san }: IdentityRow) =>
  ({ subject: cn === undefined ? {} : { CN: cn }, subjectaltname: san }) as unknown as PeerCertificate

const mismatch = (reason: string, host: string, cert?: PeerCertificate): ExpectedError => ({
  code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  message: `Hostname/IP does not match certificate's altnames: ${reason}`,
  fields: { reason, host, ...(cert && { cert }) },
})

export function certificateIdentitySuite(subject: Subject): void {
  tableSuite(subject)
  oddSuite(subject)
  usedSuite(subject)
}

function tableSuite(subject: Subject): void {
  for (const [title, rows] of TABLES) {
    const test = suiteOf(subject, `checkServerIdentity: ${title}`)
    for (const row of rows) {
      const { host, cn, san, reason, since } = row
      if (since && !has(subject, since)) continue
      const whom = [cn !== undefined && `CN ${JSON.stringify(cn)}`, san !== undefined && JSON.stringify(san)].filter(Boolean)
      test(`${JSON.stringify(host)} and ${whom.join(', ') || 'nothing'}: ${reason === undefined ? 'yes' : 'no'}`, () => {
        const cert = certificate(row)
        const error = subject.tls.checkServerIdentity(host, cert)
        if (reason === undefined) assert.is(error, undefined)
        else matchError(error, mismatch(reason, host.replace(/\.$/, ''), cert))
      })
    }
  }
}

function oddSuite(subject: Subject): void {
  const test = suiteOf(subject, 'checkServerIdentity: what is no name')
  const check = subject.tls.checkServerIdentity as (host: unknown, cert: object) => Error | undefined

  test('hosts are made text', () => {
    assert.is(check(undefined, { subject: { CN: 'undefined' } }), undefined)
    assert.is(check({ toString: () => 'a.test' }, { subject: { CN: 'a.test' } }), undefined)
  })

  test('a certificate without a subject', () => {
    matchError(check('a.test', {}), mismatch('Cert does not contain a DNS name', 'a.test'))
    assert.is(check('a.test', { subject: null, subjectaltname: 'DNS:a.test' }), undefined)
  })

  const malformed: ExpectedError = { code: 'ERR_TLS_CERT_ALTNAME_FORMAT', message: 'Invalid subject alternative name string' }
  for (const subjectaltname of ['DNS:"a.test', 'DNS:"a\\x"', 'DNS:"a\n"'])
    test(`malformed: ${JSON.stringify(subjectaltname)}`, () =>
      throwsError(() => check('a.test', { subject: {}, subjectaltname }), { ...malformed, name: 'SyntaxError' }))
}

/** Real certificates, so that what getPeerCertificate writes and what is read here fit together. */
function usedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'identities of servers')
  const rows: [string, Parameters<typeof issue>[0], ConnectionOptions, ExpectedError | undefined][] = [
    ['a common name', { subject: { CN: HOST }, hosts: [] }, {}, undefined],
    ['an address', { hosts: ['127.0.0.1'] }, { servername: '' }, undefined],
    ['an address is not asked for where there is a name', { hosts: ['127.0.0.1'] }, {}, mismatch('Cert does not contain a DNS name', HOST)],
    [
      'the host without a servername',
      { hosts: ['other.test'] },
      { servername: '' },
      mismatch("IP: 127.0.0.1 is not in the cert's list: ", '127.0.0.1'),
    ],
    [
      'an IPv6 address',
      { hosts: ['2001:db8::7'] },
      { servername: '', host: '127.0.0.1', checkServerIdentity: identityOf(subject, '2001:db8::7') },
      undefined,
    ],
    ['a wildcard', { hosts: ['*.wild.test'] }, { servername: 'a.wild.test' }, undefined],
    [
      'a URI that contains a name',
      { subject: { O: 'x' }, uris: ['http://x/?a=,%20DNS:server.test'] },
      {},
      mismatch('Cert does not contain a DNS name', HOST),
    ],
  ]
  for (const [name, options, client, error] of rows) {
    test(name, async (t) => {
      const outcome = await attempt(t, subject, await listen(t, subject, issue(options, root())), client)
      if (error) matchError(outcome.client.error, error)
      else assert.is(outcome.client.error, undefined)
      assert.is(outcome.client.authorizationError, error ? error.code : null)
    })
  }

  test('a check of our own is given host and certificate, and its error is the connection error', async (t) => {
    const asked: unknown[] = []
    const checkServerIdentity = (host: string, cert: PeerCertificate) => {
      asked.push(host, cert.subject.CN, (cert as { issuerCertificate?: PeerCertificate }).issuerCertificate?.subject.CN)
      return new RangeError('I know better')
    }
    const { client } = await attempt(t, subject, await listen(t, subject), { checkServerIdentity })
    matchError(client.error, { name: 'RangeError', message: 'I know better' })
    assert.equal(asked, [HOST, HOST, 'membio test root'])
    assert.is(client.authorizationError, 'I know better')
  })

  test('with rejectUnauthorized false it is written down only', async (t) => {
    const listening = await listen(t, subject, issue({ hosts: ['other.test'] }, root()))
    const { client } = await attempt(t, subject, listening, { rejectUnauthorized: false })
    assert.equal([client.error, client.authorized, client.authorizationError], [undefined, false, 'ERR_TLS_CERT_ALTNAME_INVALID'])
  })

  test('is not asked about a certificate that nobody trusts', async (t) => {
    let asked = 0
    const checkServerIdentity = () => {
      asked++
      return undefined
    }
    const listening = await listen(t, subject, issue({ hosts: [HOST] }))
    await attempt(t, subject, listening, { checkServerIdentity, rejectUnauthorized: false })
    assert.is(asked, 0)
  })
}

/** The subject's own check, for another host. */
const identityOf = (subject: Subject, host: string) => (_: string, cert: PeerCertificate) => subject.tls.checkServerIdentity(host, cert)
