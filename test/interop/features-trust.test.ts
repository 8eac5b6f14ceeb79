// Whom we believe beyond a list of CAs, with the certificates of peers: revocation lists, pins, policies. And our pins as curl has them.
import * as assert from 'uvu/assert'
import { createHash, X509Certificate } from 'node:crypto'
import type { ContextOptions } from '../../src/index.ts'
import { client as clientIdentity, HOST, HOSTS, intermediate, issue, root, server as serverIdentity, serverWithChain, strangeRoot, type Identity } from '../support/certs.ts'
import { crlOf } from '../support/crl.ts'
import { expectError } from '../support/expect.ts'
import { curl, gnutlsClient, gnutlsServer, opensslClient, opensslServer, type PeerOptions } from '../support/peers.ts'
import { answered, echoed, failureOf, nodeEcho, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

/** sha256/ and the digest of the public key, as curl's --pinnedpubkey has it but for a slash. */
const pinOf = (pem: string) => {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`
}

interface Row {
  name: string
  identity?: () => Identity
  settings: (t: Case) => ContextOptions
  /** undefined: accepted. */
  code?: string
}

const POLICY = '1.3.6.1.4.1.99999.7'
const withPolicy = (): Identity => issue({ subject: { CN: HOST }, hosts: HOSTS, policies: [POLICY] }, root())

const ROWS: readonly Row[] = [
  { name: 'a list that does not have it', settings: (t) => ({ crls: crlOf(t, root(), []) }) },
  { name: 'a list that has it', settings: (t) => ({ crls: crlOf(t, root(), [serverIdentity().cert]) }), code: 'CERT_REVOKED' },
  {
    name: 'a list that has its intermediate',
    identity: serverWithChain,
    settings: (t) => ({ crls: [crlOf(t, root(), [intermediate().cert]), crlOf(t, intermediate(), [])] }),
    code: 'CERT_REVOKED',
  },
  {
    name: "crlCheck 'leaf': the intermediate's matters not",
    identity: serverWithChain,
    settings: (t) => ({ crls: [crlOf(t, root(), [intermediate().cert]), crlOf(t, intermediate(), [])], crlCheck: 'leaf' }),
  },
  {
    name: "no list of the intermediate's",
    identity: serverWithChain,
    settings: (t) => ({ crls: crlOf(t, root(), []) }),
    code: 'UNABLE_TO_GET_CRL',
  },
  { name: 'a pin on its key', settings: () => ({ pins: [pinOf(serverIdentity().cert)] }) },
  { name: "a pin on the root's key", identity: serverWithChain, settings: () => ({ pins: [pinOf(root().cert)] }) },
  { name: 'a pin on its fingerprint', settings: () => ({ pins: [new X509Certificate(serverIdentity().cert).fingerprint256] }) },
  { name: 'pins on others', settings: () => ({ pins: [pinOf(strangeRoot().cert)] }), code: 'PIN_MISMATCH' },
  { name: 'a policy that it has', identity: withPolicy, settings: () => ({ policies: [POLICY] }) },
  { name: 'a policy that it has not', settings: () => ({ policies: [POLICY] }), code: 'NO_EXPLICIT_POLICY' },
  {
    name: 'partialChain, with the intermediate as anchor',
    identity: serverWithChain,
    settings: () => ({ ca: intermediate().cert, partialChain: true }),
  },
]

// ---- membio judges servers. ----

const SERVERS: readonly { name: string; program?: string; start: (t: Case, identity: Identity) => Promise<number> }[] = [
  { name: 'openssl s_server', program: 'openssl', start: async (t, identity) => (await opensslServer(t, { identity, args: ['-rev'] })).port },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: async (t, identity) => (await gnutlsServer(t, { identity })).port },
  { name: 'node:tls server', start: (t, identity) => nodeEcho(t, { ...identity }) },
]

for (const { name: peer, program, start } of SERVERS) {
  const test = withPeer(`trust, membio to ${peer}`, program)
  for (const { name, identity = serverIdentity, settings, code } of ROWS) {
    test(`${code ? 'refused' : 'accepted'}: ${name}`, async (t) => {
      const client = dialMembio(t, await start(t, identity()), { settings: settings(t) })
      if (code) expectError(await client.closed, { kind: 'certificate', code })
      else await answered(client)
    })
  }
}

// ---- membio judges clients. ----

interface ClientPeer {
  name: string
  program?: string
  start: (t: Case, port: number, options: PeerOptions) => { content: () => Promise<unknown>; refused: () => Promise<unknown> }
}

const CLIENTS: readonly ClientPeer[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port, options) => {
      const program = opensslClient(t, port, options)
      return { content: () => echoed(program), refused: () => program.until(/alert certificate revoked/) }
    },
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port, options) => {
      const program = gnutlsClient(t, port, options)
      return { content: () => echoed(program), refused: () => program.until(/Certificate was revoked/) }
    },
  },
  {
    name: 'node:tls client',
    start: (t, port, { version, identity }) => {
      const peer = dialNode(t, port, { ...identity, minVersion: version, maxVersion: version })
      peer.socket.write('line\n')
      return {
        content: () => peer.until(() => peer.text === 'line\n'),
        refused: async () => assert.match((await failureOf(peer)).message, /certificate revoked/),
      }
    },
  },
]

for (const { name, program, start } of CLIENTS) {
  const test = withPeer(`trust, ${name} to membio`, program)
  for (const version of VERSIONS) {
    for (const revoked of [false, true]) {
      test(`${version}: a client certificate that is ${revoked ? '' : 'not '}on the list`, async (t) => {
        const identity = clientIdentity()
        const settings = { ca: root().cert, crls: crlOf(t, root(), revoked ? [identity.cert] : []) }
        const server = await serveMembio(t, { settings, engine: { clientCertificate: 'require' } }, echo)
        const client = start(t, server.port, { version, identity })
        if (!revoked) return void (await client.content())
        expectError(await (await server.accept()).closed, { kind: 'certificate', code: 'CERT_REVOKED' })
        await client.refused()
      })
    }
  }
}

// ---- The same pin for curl and for us. ----

const curls = withPeer('pins, curl to membio', 'curl')

for (const [name, pem, code] of [['ours', () => serverIdentity().cert, 52], ["another's", () => strangeRoot().cert, 90]] as const) {
  curls(`--pinnedpubkey, ${name}: curl leaves with ${code}`, async (t) => {
    const server = await serveMembio(t)
    const program = curl(t, server.port, '/', { args: ['--pinnedpubkey', pinOf(pem()).replace('/', '//')] })
    const party = await server.accept()
    if (code === 52) void party.secure().then(() => party.poller.close())
    assert.is((await program.exit).code, code)
  })
}
