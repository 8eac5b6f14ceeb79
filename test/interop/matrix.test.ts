// The matrix: every peer in both roles, TLS 1.2 and 1.3, RSA, ECDSA and Ed25519, with and without client certificates. Each case is a
// handshake on kernel sockets, bytes in both directions, and a close in good order.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { client as clientIdentity, KEY_TYPES, root, server as serverIdentity } from '../support/certs.ts'
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
import { dialMembio, echo, serveMembio, type MembioServer } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

interface Row {
  version: Version
  type: (typeof KEY_TYPES)[number]
  mutual: boolean
}

const ROWS: Row[] = VERSIONS.flatMap((version) => KEY_TYPES.flatMap((type) => [false, true].map((mutual) => ({ version, type, mutual }))))
const nameOf = ({ version, type, mutual }: Row) => `${version}, ${type}${mutual ? ', client certificate' : ''}`

// ---- membio is the client. ----

interface ServerPeer {
  port: number
  /** What comes back for a line. */
  answer: (line: string) => string
}

const reversed = (line: string) => [...line.trimEnd()].reverse().join('') + '\n'

const SERVERS: { name: string; program?: string; start: (t: Case, options: PeerOptions) => Promise<ServerPeer> }[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, options) => ({ port: (await opensslServer(t, { ...options, args: ['-rev'] })).port, answer: reversed }),
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t, options) => ({ port: (await gnutlsServer(t, options)).port, answer: (line) => line }),
  },
  {
    name: 'node:tls server',
    start: async (t, { version, identity, ca }) => {
      const asks = ca ? { ca, requestCert: true, rejectUnauthorized: true } : {}
      const { port } = await serveNode(t, { ...identity, ...asks, minVersion: version, maxVersion: version }, ({ socket }) =>
        socket.pipe(socket),
      )
      return { port, answer: (line) => line }
    },
  },
]

for (const { name, program, start } of SERVERS) {
  const test = suite(`interop: membio to ${name}`).unless(program ? missing(program) : undefined)
  for (const row of ROWS) {
    const { version, type, mutual } = row
    test(nameOf(row), async (t) => {
      const peer = await start(t, { version, identity: serverIdentity(type), ca: mutual ? root().cert : undefined })
      const client = dialMembio(t, peer.port, { settings: mutual ? clientIdentity(type) : {} })
      client.poller.write('Hello, world\n')
      const answer = peer.answer('Hello, world\n')
      await client.until(() => client.text.length >= answer.length)
      assert.is(client.text, answer)
      const { authorized, peerChain } = client.agreed
      assert.equal([client.agreed.version, authorized, peerChain.length > 0], [version, true, true])
      client.poller.close()
      assert.is(await client.closed, undefined)
    })
  }
}

// ---- membio is the server. ----

interface ClientPeer {
  name: string
  program?: string
  /** Connects, says a line, gets it back, and leaves in good order. */
  talk: (t: Case, port: number, options: PeerOptions) => Promise<void>
}

async function talkLine(program: Program): Promise<void> {
  await program.write('Hello, membio\n')
  await program.until(/^Hello, membio$/m)
  program.end()
  await program.succeeded()
}

const CLIENTS: ClientPeer[] = [
  { name: 'openssl s_client', program: 'openssl', talk: (t, port, options) => talkLine(opensslClient(t, port, options)) },
  { name: 'gnutls-cli', program: 'gnutls-cli', talk: (t, port, options) => talkLine(gnutlsClient(t, port, options)) },
  {
    name: 'node:tls client',
    talk: async (t, port, { version, identity }) => {
      const peer = dialNode(t, port, { ...identity, minVersion: version, maxVersion: version })
      peer.socket.write('Hello, membio\n')
      await peer.until(() => peer.text === 'Hello, membio\n')
      peer.socket.end()
      assert.is(await peer.close(), undefined)
      assert.ok(peer.ended)
    },
  },
]

for (const { name, program, talk } of CLIENTS) {
  const test = suite(`interop: ${name} to membio`).unless(program ? missing(program) : undefined)
  for (const row of ROWS) {
    const { version, type, mutual } = row
    test(nameOf(row), async (t) => {
      const server = await serveMembio(t, requiring(row), echo)
      const [party] = await Promise.all([
        server.accept(),
        talk(t, server.port, { version, identity: mutual ? clientIdentity(type) : undefined }),
      ])
      assert.is(await party.closed, undefined)
      const { agreed } = party
      assert.equal([agreed.version, agreed.servername, agreed.authorized], [version, 'server.test', mutual])
    })
  }
}

const requiring = ({ type, mutual }: Row) => ({
  settings: { ...serverIdentity(type), ...(mutual && { ca: root().cert }) },
  engine: { clientCertificate: mutual ? ('require' as const) : ('none' as const) },
})

// ---- curl asks a membio server over HTTP. ----

const http = suite('interop: curl to membio').unless(missing('curl'))

/** One answer, then the end. */
function serveHttp(t: Case, row: Row, alpn?: string[]): Promise<MembioServer> {
  const { settings, engine } = requiring(row)
  return serveMembio(t, { settings: { ...settings, alpn }, engine }, (party) => ({
    onPlaintext() {
      const { text, poller } = party()
      if (!text.endsWith('\r\n\r\n')) return
      const [line] = text.split('\r\n')
      poller.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nyou asked: ${line}\n`)
      poller.close()
    },
  }))
}

for (const row of ROWS) {
  const { version, type, mutual } = row
  http(nameOf(row), async (t) => {
    const server = await serveHttp(t, row, ['h2', 'http/1.1'])
    const program = curl(t, server.port, '/hello', { version, identity: mutual ? clientIdentity(type) : undefined, args: ['--http1.1'] })
    await program.succeeded()
    assert.is(program.output, 'you asked: GET /hello HTTP/1.1\n')
    const party = await server.accept()
    assert.is(await party.closed, undefined)
    assert.equal([party.agreed.version, party.agreed.alpn, party.agreed.authorized], [version, 'http/1.1', mutual])
  })
}
