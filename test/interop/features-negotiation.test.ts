// What is chosen where both sides have several: suites by whose order, signature schemes, certificates for keys of different types.
import * as assert from 'uvu/assert'
import type { ContextOptions, Version } from '../../src/index.ts'
import { client as clientIdentity, HOST, issue, intermediate, root, server as serverIdentity, type Identity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { file, gnutlsClient, gnutlsServer, opensslServer } from '../support/peers.ts'
import { answered, echoed, GNUTLS_ONLY, nodeEcho, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

// ---- Suites: whose order counts. ----

/** By IANA's name, for TLS 1.3 and 1.2. */
const CHACHA = ['TLS_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'] as const
const AES128 = ['TLS_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'] as const
const AES256 = ['TLS_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'] as const
type Suite = typeof CHACHA | typeof AES128 | typeof AES256

const GNUTLS_CIPHER = new Map<Suite, string>([[CHACHA, '+CHACHA20-POLY1305'], [AES128, '+AES-128-GCM'], [AES256, '+AES-256-GCM']])
const gnutlsCiphers = (suites: readonly Suite[]) => `-CIPHER-ALL:${suites.map((suite) => GNUTLS_CIPHER.get(suite)).join(':')}`
/** For openssl and Node: TLS 1.3 suites, and those of TLS 1.2. */
const names = (suites: readonly Suite[], version: Version) => suites.map((suite) => suite[version === 'TLSv1.3' ? 0 : 1]).join(':')

const ours = (suites: readonly Suite[], version: Version): ContextOptions =>
  version === 'TLSv1.3'
    ? { minVersion: 'TLSv1.3', cipherSuites: suites.map((suite) => suite[0]) }
    : { maxVersion: 'TLSv1.2', cipherList: names(suites, version) }

interface Preference {
  name: string
  server: readonly Suite[]
  client: readonly Suite[]
  cipherPreference?: 'server' | 'client'
  chosen: Suite
}

const PREFERENCES: readonly Preference[] = [
  { name: "the server's order is the default", server: [AES128, AES256], client: [AES256, AES128], chosen: AES128 },
  { name: "cipherPreference: 'client'", server: [AES128, AES256], client: [AES256, AES128], cipherPreference: 'client', chosen: AES256 },
  { name: 'a client that puts ChaCha20 first is followed', server: [AES128, CHACHA], client: [CHACHA, AES128], chosen: CHACHA },
  { name: 'a client that puts it second is not', server: [AES128, CHACHA], client: [AES256, CHACHA, AES128], chosen: AES128 },
]

interface SuiteClient {
  name: string
  program?: string
  start: (t: Case, port: number, version: Version, suites: readonly Suite[]) => unknown
}

const SUITE_CLIENTS: readonly SuiteClient[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port, version, suites) =>
      sClient(t, port, ['-brief', OPENSSL_ONLY[version], version === 'TLSv1.3' ? '-ciphersuites' : '-cipher', names(suites, version)]),
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port, version, suites) => gnutlsClient(t, port, { args: ['--priority', `${GNUTLS_ONLY[version]}:${gnutlsCiphers(suites)}`] }),
  },
  {
    name: 'node:tls client',
    start: (t, port, version, suites) => dialNode(t, port, { minVersion: version, maxVersion: version, ciphers: names(suites, version) }),
  },
]

for (const { name: peer, program, start } of SUITE_CLIENTS) {
  const test = withPeer(`suites, ${peer} to membio`, program)
  for (const version of VERSIONS) {
    for (const { name, server: list, client, cipherPreference, chosen } of PREFERENCES) {
      test(`${version}: ${name}`, async (t) => {
        const server = await serveMembio(t, { settings: { ...ours(list, version), cipherPreference } })
        start(t, server.port, version, client)
        const { cipherSuite } = await (await server.accept()).secure()
        assert.is(version === 'TLSv1.3' ? cipherSuite.name : cipherSuite.opensslName, names([chosen], version))
      })
    }

    test(`${version}: none in common`, async (t) => {
      const server = await serveMembio(t, { settings: ours([AES128], version) })
      start(t, server.port, version, [AES256])
      expectError(await (await server.accept()).closed, { kind: 'protocol', code: 'ERR_SSL_NO_SHARED_CIPHER' })
    })
  }
}

const servers = withPeer('suites, membio to openssl s_server', 'openssl')

for (const version of VERSIONS) {
  for (const [preference, chosen] of [[[], AES256], [['-serverpref'], AES128]] as const) {
    servers(`${version}: ${preference.length ? 'their' : 'our'} order`, async (t) => {
      const suites = [version === 'TLSv1.3' ? '-ciphersuites' : '-cipher', names([AES128, AES256], version)]
      const { port } = await opensslServer(t, { version, identity: serverIdentity(), args: ['-rev', ...suites, ...preference] })
      const { cipherSuite } = await dialMembio(t, port, { settings: ours([AES256, AES128], version) }).secure()
      assert.is(version === 'TLSv1.3' ? cipherSuite.name : cipherSuite.opensslName, names([chosen], version))
    })
  }
}

// ---- Several certificates: the client's signature schemes decide. ----

/** The RSA one comes with a chain of its own. */
const rsaBehind = (): Identity => {
  const leaf = issue({ subject: { CN: HOST }, hosts: [HOST] }, intermediate(), 'RSA-2048')
  return { key: leaf.key, cert: leaf.cert + intermediate().cert }
}

interface Scheme {
  scheme: string
  openssl: string
  gnutls: string
  /** Where it has another name for it in TLS 1.2. */
  gnutls12?: string
  /** Certificates in the chain that is sent. */
  chain: number
  versions: readonly Version[]
}

const SCHEMES: readonly Scheme[] = [
  { scheme: 'ecdsa_secp256r1_sha256', openssl: 'ECDSA+SHA256', gnutls: 'ECDSA-SECP256R1-SHA256', gnutls12: 'ECDSA-SHA256', chain: 1, versions: VERSIONS },
  { scheme: 'rsa_pss_rsae_sha256', openssl: 'RSA-PSS+SHA256', gnutls: 'RSA-PSS-RSAE-SHA256', chain: 2, versions: VERSIONS },
  { scheme: 'rsa_pss_rsae_sha512', openssl: 'RSA-PSS+SHA512', gnutls: 'RSA-PSS-RSAE-SHA512', chain: 2, versions: VERSIONS },
  { scheme: 'rsa_pkcs1_sha384', openssl: 'RSA+SHA384', gnutls: 'RSA-SHA384', chain: 2, versions: ['TLSv1.2'] },
  { scheme: 'ed25519', openssl: 'ed25519', gnutls: 'EDDSA-ED25519', chain: 1, versions: VERSIONS },
]

interface SchemeClient {
  name: string
  program?: string
  /** Talks, and tells how many certificates it got. */
  start: (t: Case, port: number, version: Version, scheme: Scheme) => () => Promise<number>
}

const SCHEME_CLIENTS: readonly SchemeClient[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port, version, { openssl }) => {
      const program = sClient(t, port, [OPENSSL_ONLY[version], '-showcerts', '-sigalgs', openssl])
      return async () => {
        await echoed(program)
        return program.output.match(/BEGIN CERTIFICATE/g)!.length
      }
    },
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port, version, { gnutls, gnutls12 = gnutls }) => {
      const scheme = version === 'TLSv1.3' ? gnutls : gnutls12
      const program = gnutlsClient(t, port, { args: ['--priority', `${GNUTLS_ONLY[version]}:-SIGN-ALL:+SIGN-${scheme}`] })
      return async () => {
        await echoed(program)
        return Number(/Got a certificate list of (\d) cert/.exec(program.output)![1])
      }
    },
  },
  {
    name: 'node:tls client',
    start: (t, port, version, { openssl }) => {
      const peer = dialNode(t, port, { minVersion: version, maxVersion: version, sigalgs: openssl })
      peer.socket.write('line\n')
      return async () => {
        await peer.until(() => peer.text === 'line\n')
        const certificate = peer.socket.getPeerCertificate(true)
        return certificate.issuerCertificate.issuerCertificate === certificate.issuerCertificate ? 1 : 2
      }
    },
  },
]

for (const { name: peer, program, start } of SCHEME_CLIENTS) {
  const test = withPeer(`several certificates, ${peer} to membio`, program)
  for (const row of SCHEMES) {
    for (const version of row.versions) {
      test(`${version}: ${row.scheme}`, async (t) => {
        const identities = [serverIdentity('P-256'), rsaBehind(), serverIdentity('Ed25519')]
        const server = await serveMembio(t, { settings: { cert: undefined, key: undefined, identities } }, echo)
        const chainLength = await start(t, server.port, version, row)()
        const { agreed } = await server.accept()
        assert.equal([agreed.signatureScheme, chainLength], [row.scheme, row.chain])
      })
    }
  }
}

withPeer('several certificates, openssl s_client to membio', 'openssl')('a client that can check none of them', async (t) => {
  const identities = [serverIdentity('P-256'), serverIdentity('Ed25519')]
  const server = await serveMembio(t, { settings: { cert: undefined, key: undefined, identities } })
  const program = sClient(t, server.port, ['-brief', '-sigalgs', 'RSA-PSS+SHA256'])
  expectError(await (await server.accept()).closed, { kind: 'protocol', code: 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM' })
  await program.until(/handshake failure/)
})

// ---- Our own signature schemes, as a server and as a client. ----

const signing = withPeer('signatureSchemes, openssl s_client to membio', 'openssl')

for (const version of VERSIONS) {
  for (const [scheme, said] of [['rsa_pss_rsae_sha512', /digest: SHA512[^]*type: RSA-PSS/], ['rsa_pss_rsae_sha256', /digest: SHA256[^]*type: RSA-PSS/]] as const) {
    signing(`${version}: a server signs with ${scheme}, as it was told`, async (t) => {
      const server = await serveMembio(t, { settings: { ...serverIdentity('RSA-2048'), signatureSchemes: [scheme] } }, echo)
      const program = sClient(t, server.port, [OPENSSL_ONLY[version]])
      await program.until(said)
      await echoed(program)
      assert.is((await server.accept()).agreed.signatureScheme, scheme)
    })
  }
}

interface SchemeServer {
  name: string
  program?: string
  /** A server with an RSA and an ECDSA certificate. */
  start: (t: Case, version: Version) => Promise<number>
}

function rsaFiles(t: Case): [cert: string, key: string] {
  const { cert, key } = serverIdentity('RSA-2048')
  return [file(t, 'cert.pem', cert), file(t, 'key.pem', key)]
}

const SCHEME_SERVERS: readonly SchemeServer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, version) => {
      const [dcert, dkey] = rsaFiles(t)
      const args = ['-rev', OPENSSL_ONLY[version], '-dcert', dcert, '-dkey', dkey]
      return (await opensslServer(t, { identity: serverIdentity('P-256'), args })).port
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t, version) => {
      const [cert, key] = rsaFiles(t)
      const args = ['--echo', '--x509certfile', cert, '--x509keyfile', key]
      return (await gnutlsServer(t, { version, identity: serverIdentity('P-256'), args })).port
    },
  },
  {
    name: 'node:tls server',
    start: (t, version) => {
      const both = [serverIdentity('P-256'), serverIdentity('RSA-2048')]
      const [cert, key] = [both.map((one) => one.cert), both.map((one) => one.key)]
      return nodeEcho(t, { cert, key, minVersion: version, maxVersion: version })
    },
  },
]

for (const { name, program, start } of SCHEME_SERVERS) {
  const test = withPeer(`signatureSchemes, membio to ${name}`, program)
  for (const version of VERSIONS) {
    for (const scheme of ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha384']) {
      test(`${version}: a client gets ${scheme}, if it wants nothing else`, async (t) => {
        const client = dialMembio(t, await start(t, version), { settings: { signatureSchemes: [scheme] } })
        await answered(client)
        assert.is(client.agreed.peerSignatureScheme, scheme)
      })
    }

    test(`${version}: a client that wants what the server does not have`, async (t) => {
      const client = dialMembio(t, await start(t, version), { settings: { signatureSchemes: ['ed25519'] } })
      expectError(await client.closed, { kind: 'alert' })
    })
  }
}

// ---- A client with several certificates. ----

const clients = withPeer('several client certificates, membio to openssl s_server', 'openssl')

for (const version of VERSIONS) {
  for (const { scheme, openssl } of SCHEMES.filter((row) => row.versions.includes(version))) {
    clients(`${version}: the one that the server can check: ${scheme}`, async (t) => {
      const identities = [clientIdentity('P-256'), clientIdentity('RSA-2048'), clientIdentity('Ed25519')]
      const args = ['-rev', '-client_sigalgs', openssl]
      const { port } = await opensslServer(t, { version, identity: serverIdentity(), ca: root().cert, args })
      const client = dialMembio(t, port, { settings: { identities } })
      await answered(client)
      assert.is(client.agreed.signatureScheme, scheme)
    })
  }
}
