// `insecureLegacyPeers` with peers that speak what is no longer sound: TLS 1.0 and 1.1, CBC, static RSA, DHE, SHA-1, small keys, no secure
// renegotiation. With the option all of it works, without it none.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { HOST, server as serverIdentity, type Identity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { Workshop } from '../support/openssl.ts'
import { curl, gnutlsClient, gnutlsServer, opensslServer, type Program } from '../support/peers.ts'
import { answered, echoed, failureOf, nodeEcho, sClient, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

const LEGACY: ContextOptions = { insecureLegacyPeers: true }

/** What a row speaks: a version, and one suite by its name in each of the two worlds. */
interface Speech {
  version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2'
  suite?: { openssl: string; gnutls?: string }
}

const SPEECHES: readonly (Speech & { name: string; with?: ContextOptions })[] = [
  { name: 'TLS 1.0', version: 'TLSv1' },
  { name: 'TLS 1.1', version: 'TLSv1.1' },
  {
    name: 'TLS 1.2 with CBC',
    version: 'TLSv1.2',
    suite: { openssl: 'ECDHE-RSA-AES128-SHA', gnutls: '-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA1:-KX-ALL:+ECDHE-RSA' },
  },
  {
    name: 'TLS 1.2 with CBC and SHA-384',
    version: 'TLSv1.2',
    suite: { openssl: 'ECDHE-RSA-AES256-SHA384' },
  },
  {
    name: 'TLS 1.2 with static RSA',
    version: 'TLSv1.2',
    suite: { openssl: 'AES128-GCM-SHA256', gnutls: '-KX-ALL:+RSA:-CIPHER-ALL:+AES-128-GCM' },
  },
  {
    name: 'TLS 1.2 with DHE, a group found by itself',
    version: 'TLSv1.2',
    suite: { openssl: 'DHE-RSA-AES128-GCM-SHA256', gnutls: '-KX-ALL:+DHE-RSA:-CIPHER-ALL:+AES-128-GCM' },
  },
]

const OPENSSL_WORDS = { TLSv1: '-tls1', 'TLSv1.1': '-tls1_1', 'TLSv1.2': '-tls1_2' } as const
const GNUTLS_WORDS = { TLSv1: '1.0', 'TLSv1.1': '1.1', 'TLSv1.2': '1.2' } as const
const CURL_WORDS = { TLSv1: '1.0', 'TLSv1.1': '1.1', 'TLSv1.2': '1.2' } as const

const opensslWords = ({ version, suite }: Speech) => [OPENSSL_WORDS[version], '-cipher', `${suite?.openssl ?? 'ALL'}:@SECLEVEL=0`]
const gnutlsWords = ({ version, suite }: Speech) => ['--priority', `LEGACY:-VERS-ALL:+VERS-TLS${GNUTLS_WORDS[version]}:${suite?.gnutls ?? '+SHA1'}`]
const nodeWords = ({ version, suite }: Speech) => ({
  minVersion: version,
  maxVersion: version,
  ciphers: `${suite?.openssl ?? 'ALL'}:@SECLEVEL=0`,
})

const identity = (): Identity => serverIdentity('RSA-2048')
const canSay = (program: string | undefined, { suite }: Speech) => program !== 'gnutls' || !suite || suite.gnutls

// ---- membio is the client. ----

const SERVERS: readonly { name: string; program?: string; start: (t: Case, speech: Speech) => Promise<number> }[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, speech) => (await opensslServer(t, { identity: identity(), args: [...opensslWords(speech), '-rev'] })).port,
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t, speech) => (await gnutlsServer(t, { identity: identity(), args: [...gnutlsWords(speech), '--echo'] })).port,
  },
  { name: 'node:tls server', start: (t, speech) => nodeEcho(t, { ...identity(), ...nodeWords(speech), dhparam: 'auto' }) },
]

for (const { name: peer, program, start } of SERVERS) {
  const test = withPeer(`legacy, membio to ${peer}`, program)
  for (const { name, ...speech } of SPEECHES.filter((row) => canSay(program?.slice(0, 6), row))) {
    test(`${name}: with the option`, async (t) => {
      const client = dialMembio(t, await start(t, speech), { settings: LEGACY })
      await answered(client)
      assert.equal([client.agreed.version, client.agreed.authorized], [speech.version, true])
      if (speech.suite) assert.is(client.agreed.cipherSuite.opensslName, speech.suite.openssl)
    })

    test(`${name}: refused without it`, async (t) => {
      const client = dialMembio(t, await start(t, speech))
      expectError(await client.closed, { kind: 'alert' })
    })
  }
}

// ---- membio is the server. ----

interface ClientPeer {
  name: string
  program?: string
  /** Says a line, which comes back, or does not. */
  start: (t: Case, port: number, speech: Speech) => { content: () => Promise<unknown>; refused: () => Promise<unknown> }
}

const ofProgram = (program: Program) => ({
  content: () => echoed(program),
  refused: async () => assert.is.not((await program.exit).code, 0),
})

const CLIENTS: readonly ClientPeer[] = [
  { name: 'openssl s_client', program: 'openssl', start: (t, port, speech) => ofProgram(sClient(t, port, ['-brief', ...opensslWords(speech)])) },
  { name: 'gnutls-cli', program: 'gnutls-cli', start: (t, port, speech) => ofProgram(gnutlsClient(t, port, { args: gnutlsWords(speech) })) },
  {
    name: 'node:tls client',
    start: (t, port, speech) => {
      const peer = dialNode(t, port, nodeWords(speech))
      peer.socket.write('line\n')
      return { content: () => peer.until(() => peer.text === 'line\n'), refused: () => failureOf(peer) }
    },
  },
]

for (const { name: peer, program, start } of CLIENTS) {
  const test = withPeer(`legacy, ${peer} to membio`, program)
  for (const { name, ...speech } of SPEECHES.filter((row) => canSay(program?.slice(0, 6), row))) {
    test(`${name}: with the option`, async (t) => {
      const server = await serveMembio(t, { settings: { ...LEGACY, ...identity() } }, echo)
      await start(t, server.port, speech).content()
      const { agreed } = await server.accept()
      assert.is(agreed.version, speech.version)
      if (speech.suite) assert.is(agreed.cipherSuite.opensslName, speech.suite.openssl)
    })

    test(`${name}: refused without it`, async (t) => {
      const server = await serveMembio(t, { settings: identity() }, echo)
      const client = start(t, server.port, speech)
      expectError(await (await server.accept()).closed, { kind: 'protocol' })
      await client.refused()
    })
  }
}

const curls = withPeer('legacy, curl to membio', 'curl')

for (const version of ['TLSv1', 'TLSv1.1'] as const) {
  curls(`${version}: with the option`, async (t) => {
    const server = await serveMembio(t, { settings: { ...LEGACY, ...identity() } })
    const words = [`--tlsv${CURL_WORDS[version]}`, '--tls-max', CURL_WORDS[version], '--ciphers', 'DEFAULT@SECLEVEL=0', '--max-time', '10']
    const program = curl(t, server.port, '/', { args: words })
    const party = await server.accept()
    assert.is((await party.secure()).version, version)
    party.poller.close()
    assert.is((await program.exit).code, 52)
  })
}

// ---- Diffie-Hellman groups of our own choice. ----

const DH = withPeer('legacy, dhParameters', 'openssl')

for (const [bits, group] of [[2048, 'dh_2048'], [3072, 'dh_3072']] as const) {
  DH(`s_client gets the group that was given: ${bits} bits`, async (t) => {
    const shop = t.own(new Workshop())
    shop.openssl('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', `group:ffdhe${bits}`, '-out', shop.path(group))
    const dhParameters = shop.read(group)
    const server = await serveMembio(t, { settings: { cipherList: 'DHE-RSA-AES128-GCM-SHA256', dhParameters, ...identity() } }, echo)
    const program = sClient(t, server.port, ['-tls1_2', '-cipher', 'DHE-RSA-AES128-GCM-SHA256'])
    await program.until(new RegExp(`Server Temp Key: DH, ${bits} bits`))
    await echoed(program)
  })
}

// ---- Keys and signatures below the security level. ----

/** Talks and leaves: s_server serves one after the other. */
async function visit(t: Case, port: number, settings: ContextOptions): Promise<Party> {
  const client = dialMembio(t, port, { settings })
  await answered(client)
  client.poller.close()
  assert.is(await client.closed, undefined)
  return client
}

/** A root and a leaf of RSA keys with 1024 bits, or signed with SHA-1. */
function weak(t: Case, what: 'RSA with 1024 bits' | 'SHA-1'): Identity & { ca: string } {
  const shop = t.own(new Workshop())
  const bits = what === 'SHA-1' ? 'rsa:2048' : 'rsa:1024'
  const digest = what === 'SHA-1' ? '-sha1' : '-sha256'
  const request = (name: string, ...words: string[]) =>
    shop.openssl('req', '-x509', '-newkey', bits, '-noenc', '-days', '9', digest, '-keyout', shop.path(`${name}.key`), '-out', shop.path(`${name}.pem`), ...words)
  request('ca', '-subj', '/CN=weak root')
  request('leaf', '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`, '-CA', shop.path('ca.pem'), '-CAkey', shop.path('ca.key'))
  const text = (name: string) => new TextDecoder().decode(shop.read(name))
  return { cert: text('leaf.pem'), key: text('leaf.key'), ca: text('ca.pem') }
}

const chains = withPeer('legacy, weak certificates, membio to openssl s_server', 'openssl')

for (const [what, code] of [['RSA with 1024 bits', 'EE_KEY_TOO_SMALL'], ['SHA-1', 'CA_MD_TOO_WEAK']] as const) {
  chains(`${what}: accepted with the option, refused without it`, async (t) => {
    const { ca, ...leaf } = weak(t, what)
    const words = ['-rev', '-cipher', 'DEFAULT:@SECLEVEL=0']
    const { port } = await opensslServer(t, { identity: leaf, args: words })
    await visit(t, port, { ...LEGACY, ca })
    expectError(await dialMembio(t, port, { settings: { ca } }).closed, { kind: 'certificate', code })
  })
}

const sha1 = withPeer('legacy, handshake signatures with SHA-1', 'openssl')

sha1('membio to s_server: accepted with the option, refused without it', async (t) => {
  const words = ['-rev', '-tls1_2', '-cipher', 'ALL:@SECLEVEL=0', '-sigalgs', 'RSA+SHA1']
  const { port } = await opensslServer(t, { identity: identity(), args: words })
  const { agreed } = await visit(t, port, { ...LEGACY, signatureSchemes: ['RSA+SHA1'] })
  assert.is(agreed.peerSignatureScheme, 'rsa_pkcs1_sha1')
  expectError(await dialMembio(t, port).closed, { kind: 'alert' })
})

// ---- Servers without secure renegotiation (RFC 5746). ----

const unsafe = withPeer('legacy, servers without secure renegotiation', 'gnutls-serv')

unsafe('gnutls-serv with %DISABLE_SAFE_RENEGOTIATION: accepted with the option, refused without it', async (t) => {
  const words = ['--echo', '--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION']
  const { port } = await gnutlsServer(t, { identity: serverIdentity(), args: words })
  await visit(t, port, LEGACY)
  await visit(t, port, { insecureRenegotiation: true })
  for (const settings of [{}, { ...LEGACY, insecureRenegotiation: false }]) {
    expectError(await dialMembio(t, port, { settings }).closed, { kind: 'protocol', code: 'ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED' })
  }
})

unsafe('gnutls-cli with %DISABLE_SAFE_RENEGOTIATION: may connect, but not renegotiate', async (t) => {
  const server = await serveMembio(t, { settings: { renegotiations: 5 } }, echo)
  const words = ['--rehandshake', '--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION']
  const program = gnutlsClient(t, server.port, { args: words })
  await program.until(/ReHandshake has failed/)
  const party = await server.accept()
  assert.is(party.eventsOf('agreed').length, 0)
})

// ---- The option opens doors for old peers only. ----

const modern = withPeer('legacy, peers that can do better', 'openssl')

modern('get TLS 1.3, in both roles', async (t) => {
  const { port } = await opensslServer(t, { identity: identity(), args: ['-rev'] })
  const client = dialMembio(t, port, { settings: LEGACY })
  await answered(client)
  const server = await serveMembio(t, { settings: { ...LEGACY, ...identity() } }, echo)
  await echoed(sClient(t, server.port, ['-brief']))
  assert.equal([client.agreed.version, (await server.accept()).agreed.version], ['TLSv1.3', 'TLSv1.3'])
})

modern('a fallback that somebody in the middle has forced is noticed (RFC 7507)', async (t) => {
  const server = await serveMembio(t, { settings: { ...LEGACY, ...identity() } }, echo)
  const program = sClient(t, server.port, ['-brief', '-fallback_scsv', '-tls1_2'])
  const { alert } = expectError(await (await server.accept()).closed, { kind: 'protocol' })
  assert.is(alert!.name, 'inappropriate_fallback')
  await program.until(/inappropriate fallback/)
})
