// Clients' certificates: what a server makes of none, a good one and bad ones, for each setting and version; and how both ends see it.
import * as assert from 'uvu/assert'
import type { SecureVersion, TlsOptions } from 'node:tls'
import { client, daysFromNow, intermediate, issue, root, strangeRoot, type Identity } from '../../support/certs.ts'
import { alert, disconnected, hangUp, matchError, ssl, verdictAlert } from './error-support.ts'
import { attempt, listen, type Outcome, suiteOf } from './server-support.ts'
import type { Subject } from './subject.ts'

interface Row {
  name: string
  identity: () => Identity | Record<string, never>
  /** What the server calls it; undefined: nothing, it is good. */
  verdict: string | undefined
}

const named = { subject: { CN: 'client.test' }, usage: ['client'] } as const

const CLIENTS: readonly Row[] = [
  { name: 'none', identity: () => ({}), verdict: 'UNABLE_TO_GET_ISSUER_CERT' },
  { name: 'a good one', identity: () => client(), verdict: undefined },
  { name: 'a good one, RSA', identity: () => client('RSA-2048'), verdict: undefined },
  {
    name: 'one that has expired',
    identity: () => issue({ ...named, notBefore: daysFromNow(-9), notAfter: daysFromNow(-3) }, root()),
    verdict: 'CERT_HAS_EXPIRED',
  },
  {
    name: 'one that is not yet valid',
    identity: () => issue({ ...named, notBefore: daysFromNow(3) }, root()),
    verdict: 'CERT_NOT_YET_VALID',
  },
  { name: 'one of a stranger', identity: () => issue(named, strangeRoot()), verdict: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  { name: 'one signed by itself', identity: () => issue(named), verdict: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
  { name: 'one for servers', identity: () => issue({ ...named, usage: ['server'] }, root()), verdict: 'INVALID_PURPOSE' },
  { name: 'one without its issuer', identity: () => issue(named, intermediate()), verdict: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  { name: 'a chain', identity: withIssuer, verdict: undefined },
]

function withIssuer(): Identity {
  const { key, cert } = issue(named, intermediate())
  return { key, cert: cert + intermediate().cert }
}

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']

export function serverClientsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'certificates of clients')

  for (const maxVersion of VERSIONS) {
    for (const { name, identity, verdict } of CLIENTS) {
      const meet = async (t: Parameters<typeof listen>[0], options: TlsOptions) =>
        attempt(t, subject, await listen(t, subject, { maxVersion, ca: root().cert, ...options }), identity())

      test(`${maxVersion}, requested: ${name}`, async (t) => {
        accepted(await meet(t, { requestCert: true, rejectUnauthorized: false }), verdict)
      })

      test(`${maxVersion}, required: ${name}`, async (t) => {
        const outcome = await meet(t, { requestCert: true })
        if (verdict === undefined) accepted(outcome, undefined)
        else refused(subject, outcome, maxVersion, name === 'none' ? undefined : verdict)
      })
    }

    test(`${maxVersion}, not requested: it is not sent`, async (t) => {
      const listening = await listen(t, subject, { maxVersion, ca: root().cert })
      listening.server.on('secureConnection', (socket) => assert.equal(socket.getPeerCertificate(), {}))
      const { server } = await attempt(t, subject, listening, client())
      assert.equal(server, { secure: true, error: undefined, authorized: false, authorizationError: null })
    })
  }
}

function accepted({ client, server }: Outcome, verdict: string | undefined): void {
  assert.is(client.error, undefined)
  assert.is(client.text, 'hello')
  assert.equal(server, {
    secure: true,
    error: undefined,
    authorized: verdict === undefined,
    authorizationError: verdict ?? null,
  })
}

/**
 * Without a certificate OpenSSL itself refuses, with an alert; a bad one is refused by hanging up, or with an alert, too. A client of
 * TLS 1.3 is done with its handshake before the server has looked.
 */
function refused(subject: Subject, { client, server }: Outcome, version: SecureVersion, verdict: string | undefined): void {
  const early = version === 'TLSv1.3'
  assert.is(server.secure, false)
  assert.equal([client.secure, client.text], [early, ''])
  if (verdict === undefined) {
    matchError(server.error, ssl('peer did not return a certificate'))
    matchError(client.error, early ? alert(subject, 'certificate required', 'tlsv13') : alert(subject, 'handshake failure', 'ssl/tls'))
  } else {
    matchError(server.error, hangUp)
    if (!early || client.error) matchError(client.error, { ...disconnected, or: verdictAlert(subject, verdict) })
  }
}
