// Certificates that one side must refuse: membio refuses the peer's, the peer refuses membio's, servers' and clients'. Each side says
// why, and the alert makes it across.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { bad, daysFromNow, issue, root, server as goodServer, strangeRoot, type Bad, type Identity } from '../support/certs.ts'
import { expectError, type Expected } from '../support/expect.ts'
import {
  curl,
  gnutlsClient,
  gnutlsServer,
  missing,
  opensslClient,
  opensslServer,
  type PeerOptions,
  type Program,
} from '../support/peers.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, serveMembio } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

const withPeer = (title: string, program: string | undefined) => suite(`interop: ${title}`).unless(program ? missing(program) : undefined)

interface Reason {
  kind: Bad
  verify: { name: string; depth: number }
  alert: { description: number; name: string }
}

const REASONS: readonly Reason[] = [
  { kind: 'expired', verify: { name: 'CERT_HAS_EXPIRED', depth: 0 }, alert: { description: 45, name: 'certificate_expired' } },
  { kind: 'notYetValid', verify: { name: 'CERT_NOT_YET_VALID', depth: 0 }, alert: { description: 42, name: 'bad_certificate' } },
  { kind: 'selfSigned', verify: { name: 'DEPTH_ZERO_SELF_SIGNED_CERT', depth: 0 }, alert: { description: 48, name: 'unknown_ca' } },
  { kind: 'unknownCa', verify: { name: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', depth: 0 }, alert: { description: 48, name: 'unknown_ca' } },
  {
    kind: 'withoutIntermediate',
    verify: { name: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', depth: 0 },
    alert: { description: 48, name: 'unknown_ca' },
  },
  { kind: 'wrongHost', verify: { name: 'HOSTNAME_MISMATCH', depth: 0 }, alert: { description: 42, name: 'bad_certificate' } },
  { kind: 'wrongUsage', verify: { name: 'INVALID_PURPOSE', depth: 0 }, alert: { description: 43, name: 'unsupported_certificate' } },
  { kind: 'expiredIntermediate', verify: { name: 'CERT_HAS_EXPIRED', depth: 1 }, alert: { description: 45, name: 'certificate_expired' } },
]

const refusal = ({ verify, alert }: Pick<Reason, 'verify' | 'alert'>): Expected => ({
  kind: 'certificate',
  code: verify.name,
  verify,
  alert: { direction: 'sent', ...alert },
})

const received = (description: number, name: string): Expected => ({ kind: 'alert', alert: { direction: 'received', description, name } })

// ---- A membio client refuses a server; the server hears the alert. ----

const HEARING_SERVERS: {
  name: string
  program?: string
  start: (t: Case, options: PeerOptions) => Promise<{ port: number; hears: (alert: Reason['alert']) => Promise<unknown> }>
}[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, options) => {
      const program = await opensslServer(t, options)
      return { port: program.port, hears: ({ description }) => program.until(new RegExp(`SSL alert number ${description}\\b`)) }
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    // In TLS 1.3 OpenSSL sends this alert in plaintext, having no keys of its own yet, and GnuTLS cannot read it. s_client fares the same.
    start: async (t, options) => {
      const program = await gnutlsServer(t, options)
      return {
        port: program.port,
        hears: () => program.until(options.version === 'TLSv1.3' ? /Decryption has failed/ : /fatal alert has been received/),
      }
    },
  },
  {
    name: 'node:tls server',
    start: async (t, { version, identity }) => {
      const server = await serveNode(t, { ...identity, minVersion: version, maxVersion: version })
      return {
        port: server.port,
        hears: async ({ name }) => assert.match((await server.failure()).code!, new RegExp(`ALERT_${name}`, 'i')),
      }
    },
  },
]

for (const { name, program, start } of HEARING_SERVERS) {
  const test = withPeer(`certificates, membio refuses ${name}`, program)
  for (const version of VERSIONS) {
    for (const reason of REASONS) {
      test(`${reason.kind}, ${version}`, async (t) => {
        const { port, hears } = await start(t, { version, identity: bad(reason.kind) })
        const client = dialMembio(t, port)
        client.poller.write('never')
        expectError(await client.closed, refusal(reason))
        assert.not(client.calls.includes('onSecure'))
        await hears(reason.alert)
      })
    }
  }
}

// ---- A client refuses a membio server; membio hears the alert. ----

type Refuse = (t: Case, port: number, options: PeerOptions) => Promise<void>

async function leavesWithError(program: Program, said: RegExp): Promise<void> {
  await program.until(said)
  program.end()
  assert.is.not((await program.exit).code, 0)
}

const REFUSERS: { name: string; program?: string; refuse: Refuse; expected: (reason: Reason) => Expected | undefined }[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    refuse: (t, port, options) => leavesWithError(opensslClient(t, port, options), /certificate verify failed/),
    expected: ({ alert }) => received(alert.description, alert.name),
  },
  {
    name: 'gnutls-cli', // has one alert for all
    program: 'gnutls-cli',
    refuse: (t, port, options) => leavesWithError(gnutlsClient(t, port, options), /verification of server certificate failed/),
    expected: () => received(42, 'bad_certificate'),
  },
  {
    name: 'curl', // checks the name after the handshake, and then closes in good order
    program: 'curl',
    refuse: (t, port, options) => leavesWithError(curl(t, port, '/', options), /curl: \(60\)/),
    expected: ({ kind, alert }) => (kind === 'wrongHost' ? undefined : received(alert.description, alert.name)),
  },
  {
    name: 'node:tls client', // checks everything after the handshake, and then ends the stream without a word
    refuse: async (t, port, { version }) => {
      const error = await dialNode(t, port, { maxVersion: version }).failure()
      assert.match(error.code!, /CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|INVALID_PURPOSE/)
    },
    expected: () => ({ kind: 'closed', code: 'ERR_TLS_TRUNCATED' }),
  },
]

for (const { name, program, refuse, expected } of REFUSERS) {
  const test = withPeer(`certificates, ${name} refuses membio`, program)
  for (const version of VERSIONS) {
    for (const reason of REASONS) {
      test(`${reason.kind}, ${version}`, async (t) => {
        const { port, accept } = await serveMembio(t, { settings: bad(reason.kind) })
        const [party] = await Promise.all([accept(), refuse(t, port, { version })])
        const error = await party.closed
        const what = expected(reason)
        if (what) expectError(error, what)
        else assert.is(error, undefined)
      })
    }
  }
}

// ---- Certificates of clients. ----

interface ClientReason extends Pick<Reason, 'alert'> {
  name: string
  identity: () => Identity | undefined
  /** Undefined: no certificate at all. */
  verify?: Reason['verify']
}

const asClient = { subject: { CN: 'client.test' }, usage: ['client'] as const }

const CLIENT_REASONS: readonly ClientReason[] = [
  {
    name: 'expired',
    identity: () => issue({ ...asClient, notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) }, root()),
    verify: { name: 'CERT_HAS_EXPIRED', depth: 0 },
    alert: { description: 45, name: 'certificate_expired' },
  },
  {
    name: 'of an unknown CA',
    identity: () => issue(asClient, strangeRoot()),
    verify: { name: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', depth: 0 },
    alert: { description: 48, name: 'unknown_ca' },
  },
  {
    name: 'for servers only',
    identity: () => issue({ ...asClient, usage: ['server'] }, root()),
    verify: { name: 'INVALID_PURPOSE', depth: 0 },
    alert: { description: 43, name: 'unsupported_certificate' },
  },
]

const CLIENTS: {
  name: string
  program?: string
  hears: (t: Case, port: number, options: PeerOptions, alert: Reason['alert']) => Promise<unknown>
}[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    hears: (t, port, options, { description }) => opensslClient(t, port, options).until(new RegExp(`SSL alert number ${description}\\b`)),
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    hears: (t, port, options, { description }) => gnutlsClient(t, port, options).until(new RegExp(`Received alert \\[${description}\\]`)),
  },
  {
    name: 'curl',
    program: 'curl',
    hears: (t, port, options, { name }) => curl(t, port, '/', options).until(new RegExp(`alert ${name.replace('_', ' ')}|curl: \\(60\\)`)),
  },
  {
    name: 'node:tls client',
    hears: async (t, port, { version, identity }, { name }) => {
      const error = await dialNode(t, port, { ...identity, maxVersion: version }).failure()
      assert.match(error.code!, new RegExp(`ALERT_${name}`, 'i'))
    },
  },
]

for (const { name, program, hears } of CLIENTS) {
  const test = withPeer(`client certificates, membio refuses ${name}`, program)
  const mtls = { settings: { ca: root().cert }, engine: { clientCertificate: 'require' as const } }
  for (const version of VERSIONS) {
    for (const { name: why, identity, ...reason } of CLIENT_REASONS) {
      test(`${why}, ${version}`, async (t) => {
        const { port, accept } = await serveMembio(t, mtls)
        const [party] = await Promise.all([accept(), hears(t, port, { version, identity: identity() }, reason.alert)])
        expectError(await party.closed, refusal({ verify: reason.verify!, alert: reason.alert }))
      })
    }

    test(`none, ${version}`, async (t) => {
      const alert =
        version === 'TLSv1.2' ? { description: 40, name: 'handshake_failure' } : { description: 116, name: 'certificate_required' }
      const { port, accept } = await serveMembio(t, mtls)
      const [party] = await Promise.all([accept(), hears(t, port, { version }, alert)])
      expectError(await party.closed, {
        kind: 'protocol',
        code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
        alert: { direction: 'sent', ...alert },
      })
    })
  }
}

const REFUSING_SERVERS: {
  name: string
  program?: string
  start: (t: Case, options: PeerOptions) => Promise<{ port: number }>
  expected: (reason: ClientReason) => Expected
}[] = [
  { name: 'openssl s_server', program: 'openssl', start: opensslServer, expected: ({ alert }) => received(alert.description, alert.name) },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: gnutlsServer, expected: () => received(49, 'access_denied') },
  {
    name: 'node:tls server', // ends the stream without a word
    start: (t, { version, identity, ca }) => serveNode(t, { ...identity, ca, requestCert: true, minVersion: version, maxVersion: version }),
    expected: () => ({ kind: 'closed', code: 'ERR_TLS_TRUNCATED' }),
  },
]

for (const { name, program, start, expected } of REFUSING_SERVERS) {
  const test = withPeer(`client certificates, ${name} refuses membio`, program)
  for (const version of VERSIONS) {
    for (const reason of CLIENT_REASONS) {
      if (name === 'gnutls-serv' && reason.name === 'for servers only') continue // it does not look at a client's extended key usage
      test(`${reason.name}, ${version}`, async (t) => {
        const { port } = await start(t, { version, identity: goodServer(), ca: root().cert })
        const client = dialMembio(t, port, { settings: reason.identity() })
        expectError(await client.closed, expected(reason))
      })
    }
  }
}
