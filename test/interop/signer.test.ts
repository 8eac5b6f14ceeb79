// A private key somewhere else, against other TLS implementations over sockets: both roles, versions and ways to sign.
import { createPrivateKey } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { ContextOptions, TlsEngine, Version } from '../../src/index.ts'
import type { Poller, PollerHandlers } from '../../src/transport/index.ts'
import type { KeyType } from '../../src/x509/index.ts'
import { client as clientIdentity, keyOf, root, server as serverIdentity, type Identity } from '../support/certs.ts'
import { gnutlsClient, gnutlsServer, missing, opensslClient, opensslServer, type PeerOptions, type Program } from '../support/peers.ts'
import { nodeSign, nodeSigner } from '../support/signers.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const TYPES = ['RSA-2048', 'P-256', 'P-384', 'Ed25519'] as const satisfies readonly KeyType[]
const WAYS = ['function', 'event'] as const

interface Row {
  version: Version
  type: (typeof TYPES)[number]
  way: (typeof WAYS)[number]
}

const ROWS: Row[] = VERSIONS.flatMap((version) => TYPES.flatMap((type) => WAYS.map((way) => ({ version, type, way }))))
const nameOf = ({ version, type, way }: Row) => `${version}, ${type}, ${way}`

/** The certificate without its key. */
function withoutKey({ cert, key }: Identity, { way, version }: Row): ContextOptions {
  const signer = way === 'event' ? way : nodeSigner(key)
  return { cert, key: undefined, signer, ca: root().cert, minVersion: version, maxVersion: version }
}

/** Answers `sign` events, after a while. */
const answering = ({ type }: Row, party: () => { engine: TlsEngine; poller: Poller }): PollerHandlers => ({
  onEvent: (event) => {
    if (event.type !== 'sign') return
    setTimeout(() => {
      party().engine.resume({ signature: nodeSign(createPrivateKey(keyOf(type)), event.request) })
      party().poller.wake()
    }, 2)
  },
})

// ---- The client's key is somewhere else. ----

interface ServerPeer {
  name: string
  program?: string
  /** A server that asks for a certificate, and answers a line with something that ends in a newline. Returns its port. */
  start: (t: Case, options: PeerOptions) => Promise<number>
}

const SERVERS: ServerPeer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, options) => (await opensslServer(t, { ...options, args: ['-rev'] })).port,
  },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: async (t, options) => (await gnutlsServer(t, options)).port },
  {
    name: 'node:tls',
    start: async (t, { identity, ca }) => {
      const options = { ...identity, ca, requestCert: true, rejectUnauthorized: true }
      return (await serveNode(t, options, ({ socket }) => socket.pipe(socket))).port
    },
  },
]

for (const { name, program, start } of SERVERS) {
  const test = suite(`interop: signer, client of ${name}`).unless(program ? missing(program) : undefined)
  for (const row of ROWS) {
    test(nameOf(row), async (t) => {
      const port = await start(t, { identity: serverIdentity(), ca: root().cert })
      const settings = withoutKey(clientIdentity(row.type), row)
      const client: Party = dialMembio(t, port, { settings, handlers: answering(row, () => client) })
      client.poller.write('Hello\n')
      await client.until(() => client.text.endsWith('\n'))
      assert.is(client.agreed.version, row.version)
      assert.ok(client.agreed.signatureScheme) // who did not ask for a certificate gets no signature
      client.poller.close()
      assert.is(await client.closed, undefined)
    })
  }
}

// ---- The server's key is somewhere else. ----

interface ClientPeer {
  name: string
  program?: string
  /** Connects, says a line, gets it back, and leaves in good order. */
  talk: (t: Case, port: number) => Promise<void>
}

async function talkLine(program: Program): Promise<void> {
  await program.write('Hello, membio\n')
  await program.until(/^Hello, membio$/m)
  program.end()
  await program.succeeded()
}

const CLIENTS: ClientPeer[] = [
  { name: 'openssl s_client', program: 'openssl', talk: (t, port) => talkLine(opensslClient(t, port)) },
  { name: 'gnutls-cli', program: 'gnutls-cli', talk: (t, port) => talkLine(gnutlsClient(t, port)) },
  {
    name: 'node:tls',
    talk: async (t, port) => {
      const peer = dialNode(t, port)
      peer.socket.write('Hello, membio\n')
      await peer.until(() => peer.text === 'Hello, membio\n')
      peer.socket.end()
      assert.is(await peer.close(), undefined)
    },
  },
]

for (const { name, program, talk } of CLIENTS) {
  const test = suite(`interop: signer, server of ${name}`).unless(program ? missing(program) : undefined)
  for (const row of ROWS) {
    test(nameOf(row), async (t) => {
      const settings = withoutKey(serverIdentity(row.type), row)
      const server = await serveMembio(t, { settings }, (party) => ({ ...echo(party), ...answering(row, party) }))
      const [party] = await Promise.all([server.accept(), talk(t, server.port)])
      assert.is(await party.closed, undefined)
      assert.is(party.agreed.version, row.version)
    })
  }
}
