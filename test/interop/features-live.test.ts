// TLS 1.3 after the handshake, with peers: keyUpdate from either side, certificates asked for late.
import * as assert from 'uvu/assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContextOptions } from '../../src/index.ts'
import { client as clientIdentity, root, server as serverIdentity } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { file, gnutlsClient, gnutlsServer, opensslServer, type Program } from '../support/peers.ts'
import { answered, cannot, echoed, exchanged, GNUTLS_ONLY, sClient, withPeer } from '../support/peers-more.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, makeContext, serveMembio, type Party, type SideOptions } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const ONLY_13 = GNUTLS_ONLY['TLSv1.3']
const KEY_UPDATE = 24
const keyUpdates = (party: Party, direction: 'sent' | 'received') =>
  party.eventsOf('message').filter((event) => event.content === 'handshake' && event.direction === direction && event.bytes[0] === KEY_UPDATE).length

/** KeyUpdate messages: [sent, received]. */
const updates = (party: Party) => [keyUpdates(party, 'sent'), keyUpdates(party, 'received')]

// ---- keyUpdate that we start. ----

interface Joined {
  party: Party
  /** A line goes there and back. */
  talk: () => Promise<void>
}

interface Peer {
  name: string
  program?: string
  join: (t: Case) => Promise<Joined>
}

const TRACED: SideOptions = { engine: { trace: true } }

const served = async (t: Case, start: (port: number) => () => Promise<void>): Promise<Joined> => {
  const server = await serveMembio(t, TRACED, echo)
  const talk = start(server.port)
  const party = await server.accept()
  await party.secure()
  return { party, talk }
}
const dialled = async (t: Case, port: number): Promise<Joined> => {
  const party = dialMembio(t, port, TRACED)
  await party.secure()
  return { party, talk: () => answered(party) }
}

const PEERS: readonly Peer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    join: async (t) => {
      const program = await opensslServer(t, { version: 'TLSv1.3', identity: serverIdentity() })
      const { party } = await dialled(t, program.port)
      return { party, talk: () => exchanged(program, party) }
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    join: async (t) => dialled(t, (await gnutlsServer(t, { version: 'TLSv1.3', identity: serverIdentity() })).port),
  },
  { name: 'node:tls server', join: async (t) => dialled(t, (await serveNode(t, {}, ({ socket }) => socket.pipe(socket))).port) },
  { name: 'openssl s_client', program: 'openssl', join: (t) => served(t, (port) => talking(sClient(t, port, ['-tls1_3', '-brief']))) },
  { name: 'gnutls-cli', program: 'gnutls-cli', join: (t) => served(t, (port) => talking(gnutlsClient(t, port, { version: 'TLSv1.3' }))) },
  {
    name: 'node:tls client',
    join: (t) =>
      served(t, (port) => {
        const peer = dialNode(t, port)
        return async () => {
          const before = peer.text
          peer.socket.write('line\n')
          await peer.until(() => peer.text === `${before}line\n`)
        }
      }),
  },
]

/** A line of its own each time: the output has all of them. */
function talking(program: Program): () => Promise<void> {
  let lines = 0
  return () => echoed(program, `line ${++lines}`)
}

for (const { name, program, join } of PEERS) {
  const test = withPeer(`keyUpdate, membio and ${name}`, program)
  for (const [request, answers] of [['notRequested', 0], ['requested', 1]] as const) {
    test(`ours, ${request}`, async (t) => {
      const { party, talk } = await join(t)
      for (let round = 1; round <= 3; round++) {
        assert.is(party.engine.keyUpdate(request), 'done')
        party.poller.wake()
        await talk()
        await talk() // OpenSSL answers together with what it writes next, and the first line may have crossed our request
        assert.equal(updates(party), [round, round * answers])
      }
    })
  }
}

// ---- keyUpdate that they start: k and K on openssl's command line, ^rekey^ on gnutls-cli's. ----

const theirs = withPeer('keyUpdate, started by openssl', 'openssl')

for (const [letter, answers] of [['k', 0], ['K', 1]] as const) {
  theirs(`s_client: ${letter}`, async (t) => {
    const server = await serveMembio(t, TRACED, echo)
    const program = sClient(t, server.port, ['-tls1_3', '-brief'])
    const party = await server.accept()
    await party.secure()
    await echoed(program, 'before')
    await program.write(`${letter}\n`)
    await program.until(/KEYUPDATE/)
    await echoed(program, 'after')
    assert.equal(updates(party), [answers, 1])
  })

  theirs(`s_server: ${letter}`, async (t) => {
    const program = await opensslServer(t, { version: 'TLSv1.3', identity: serverIdentity() })
    const client = dialMembio(t, program.port, TRACED)
    await client.secure()
    await program.write(`${letter}\n`)
    await client.until(() => updates(client)[1] === 1)
    await exchanged(program, client)
    assert.equal(updates(client), [answers, 1])
  })
}

const rekey = withPeer('keyUpdate, started by gnutls-cli', 'gnutls-cli')

for (const [command, answers] of [['^rekey1^', 0], ['^rekey^', 1]] as const) {
  rekey(command, async (t) => {
    const server = await serveMembio(t, TRACED, echo)
    const program = gnutlsClient(t, server.port, { version: 'TLSv1.3', args: ['--inline-commands'] })
    const party = await server.accept()
    await party.secure()
    await echoed(program, 'before')
    await program.write(`${command}\n`)
    await party.until(() => updates(party)[1] === 1)
    await echoed(program, 'after')
    assert.equal(updates(party), [answers, 1])
  })
}

suite('interop: keyUpdate, started by node:tls').skip(cannot('node:tls has no call for it'), 'from client and server')

// ---- Post-handshake authentication: the server is ours. ----

const mutual = (t: Case) => serveMembio(t, { context: makeContext(t, 'server', { ca: root().cert }) }, echo)

interface LateClient {
  name: string
  program: string
  start: (t: Case, port: number, certificate: readonly string[]) => Program
  words: (cert: string, key: string) => string[]
}

const LATE_CLIENTS: readonly LateClient[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port, certificate) => sClient(t, port, ['-tls1_3', '-brief', '-enable_pha', ...certificate]),
    words: (cert, key) => ['-cert', cert, '-key', key],
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port, certificate) => gnutlsClient(t, port, { args: ['--post-handshake-auth', '--priority', ONLY_13, ...certificate] }),
    words: (cert, key) => ['--x509certfile', cert, '--x509keyfile', key],
  },
]

for (const { name, program, start, words } of LATE_CLIENTS) {
  const late = withPeer(`post-handshake authentication, ${name} to membio`, program)

  for (const mode of ['request', 'require'] as const) {
    late(`a client with a certificate, ${mode}`, async (t) => {
      const server = await mutual(t)
      const { cert, key } = clientIdentity()
      const peer = start(t, server.port, words(file(t, 'cert.pem', cert), file(t, 'key.pem', key)))
      const party = await server.accept()
      await echoed(peer, 'before')
      assert.is(party.agreed.authorized, false)
      assert.is(party.engine.requestCertificate(mode), 'done')
      party.poller.wake()
      await echoed(peer, 'after')
      await party.until(() => party.eventsOf('agreed').length === 1)
      assert.equal([party.agreed.authorized, party.agreed.peerChain.length > 0], [true, true])
    })
  }

  late('a client without a certificate stays where it is only asked', async (t) => {
    const server = await mutual(t)
    const peer = start(t, server.port, [])
    const party = await server.accept()
    await echoed(peer, 'before')
    party.engine.requestCertificate('request')
    party.poller.wake()
    await echoed(peer, 'after')
    assert.is(party.agreed.authorized, false)
  })

  late('a client without a certificate is refused where one is required', async (t) => {
    const server = await mutual(t)
    const peer = start(t, server.port, [])
    const party = await server.accept()
    await echoed(peer, 'before')
    party.engine.requestCertificate('require')
    party.poller.wake()
    await peer.write('after\n')
    expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
    await peer.until(/certificate required|Certificate is required/i)
  })
}

withPeer('post-handshake authentication, openssl s_client to membio', 'openssl')('a client that did not offer it cannot be asked', async (t) => {
  const server = await mutual(t)
  const peer = sClient(t, server.port, ['-tls1_3', '-brief'])
  const party = await server.accept()
  await echoed(peer, 'before')
  expectThrow(() => party.engine.requestCertificate(), { kind: 'usage' })
  await echoed(peer, 'after')
})

// ---- Post-handshake authentication: the client is ours. ----

const asked = withPeer('post-handshake authentication, membio to openssl s_server', 'openssl')

async function dialLate(t: Case, options: SideOptions): Promise<{ program: Program; client: Party }> {
  const words = ['-CAfile', file(t, 'ca.pem', root().cert)]
  const program = await opensslServer(t, { version: 'TLSv1.3', identity: serverIdentity(), args: words })
  const client = dialMembio(t, program.port, { ...options, engine: { ...options.engine, postHandshakeAuth: true } })
  await client.secure()
  return { program, client }
}

/** `c` asks for a certificate. It is there when a line has come after it. */
async function ask(program: Program, client: Party): Promise<void> {
  await program.write('c\n')
  await program.until(/SSL_verify_client_post_handshake|SSL_do_handshake -> 1/)
  await exchanged(program, client)
}

asked('shows its certificate', async (t) => {
  const { program, client } = await dialLate(t, { settings: clientIdentity() })
  await ask(program, client)
  await program.until(/CN = client\.test/)
})

asked('has none to show, and goes on', async (t) => {
  const { program, client } = await dialLate(t, {})
  await ask(program, client)
  assert.not.match(program.output, /client\.test/)
})

asked('shows the one that a decision brings', async (t) => {
  const context = makeContext(t, 'client', clientIdentity('Ed25519'))
  const asks: number[] = []
  const { program, client } = await dialLate(t, {
    engine: { park: ['certificateRequest'] },
    decisions: {
      certificateRequest: async ({ caNames }) => {
        asks.push(caNames.length)
        await sleep(5)
        return { context }
      },
    },
  })
  await ask(program, client)
  await program.until(/CN = client\.test/)
  assert.is(asks.length, 1)
})

const reauth = withPeer('post-handshake authentication, membio to gnutls-serv', 'gnutls-serv')

async function dialReauth(t: Case, settings: ContextOptions): Promise<Party> {
  const words = ['--echo', '--priority', ONLY_13, '--x509cafile', file(t, 'ca.pem', root().cert), '--verify-client-cert']
  const { port } = await gnutlsServer(t, { identity: serverIdentity(), args: words })
  const client = dialMembio(t, port, { settings, engine: { postHandshakeAuth: true } })
  await answered(client)
  client.poller.write('**REAUTH**\n')
  return client
}

reauth('shows its certificate', async (t) => {
  const client = await dialReauth(t, clientIdentity())
  await client.until(() => client.text.endsWith('Successfully executed command\n'))
  await answered(client)
})

reauth('has none to show, where one is required', async (t) => {
  const client = await dialReauth(t, {})
  const { alert } = expectError(await client.closed, { kind: 'alert' })
  assert.is(alert!.name, 'certificate_required')
})

suite('interop: post-handshake authentication, node:tls').skip(cannot('node:tls neither offers it nor asks for it'), 'both roles')
