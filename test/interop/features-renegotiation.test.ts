// Renegotiation (TLS 1.2 only, RFC 5746) with peers, started by either side: refused by default, done where allowed, bounded by a count.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { client as clientIdentity, root, server as serverIdentity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { file, gnutlsClient, gnutlsServer, opensslServer, type Program } from '../support/peers.ts'
import { answered, echoed, exchanged, failureOf, sClient, withPeer } from '../support/peers-more.ts'
import { dialNode, serveNode, type NodePeer } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

const TLS12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const satisfies ContextOptions
const only12 = (renegotiations: number): ContextOptions => ({ ...TLS12, renegotiations })

/** Handshakes that were completed after the first one. */
const again = (party: Party) => party.eventsOf('agreed').length
const alerts = (party: Party) => party.eventsOf('alert').map(({ name, direction }) => `${direction} ${name}`)

async function served(t: Case, renegotiations: number): Promise<{ port: number; party: () => Promise<Party> }> {
  const server = await serveMembio(t, { settings: only12(renegotiations) }, echo)
  const party = async () => {
    const next = await server.accept()
    await next.secure()
    return next
  }
  return { port: server.port, party }
}

// ---- The peer is a client and starts it. ----

const openssl = withPeer('renegotiation, openssl s_client to membio', 'openssl')

/** The letter must come in a chunk of its own. */
async function typeR(program: Program, round = 1): Promise<void> {
  await echoed(program, `before ${round}`)
  await program.write('R\n')
  await program.until(new RegExp(`(RENEGOTIATING[^]*){${round}}`))
}

openssl('R is refused by default: s_client gives up', async (t) => {
  const server = await served(t, 0)
  const program = sClient(t, server.port, ['-brief'])
  const party = await server.party()
  await typeR(program)
  await program.until(/no renegotiation/)
  expectError(await party.closed, { kind: 'alert' })
  assert.equal([again(party), alerts(party).includes('sent no_renegotiation')], [0, true])
})

openssl('R is done as often as allowed, and then ends the connection', async (t) => {
  const server = await served(t, 2)
  const program = sClient(t, server.port, ['-brief'])
  const party = await server.party()
  for (let round = 1; round <= 2; round++) {
    await typeR(program, round)
    await echoed(program, `after ${round}`)
    assert.is(again(party), round)
  }
  await typeR(program, 3)
  const { alert } = expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_NO_RENEGOTIATION' })
  assert.is(alert!.name, 'no_renegotiation')
  await program.until(/no renegotiation/)
})

const gnutls = withPeer('renegotiation, gnutls-cli to membio', 'gnutls-cli')

for (const [renegotiations, said] of [[0, /ReHandshake has failed/], [1, /ReHandshake was completed/]] as const) {
  gnutls(`--rehandshake is ${renegotiations ? 'done where allowed' : 'refused by default'}`, async (t) => {
    const server = await served(t, renegotiations)
    const program = gnutlsClient(t, server.port, { version: 'TLSv1.2', args: ['--rehandshake'] })
    const party = await server.party()
    await program.until(said)
    if (renegotiations) await echoed(program)
    else await program.exit
    assert.is(again(party), renegotiations)
  })
}

const node = withPeer('renegotiation, node:tls client to membio')

const nodeRenegotiates = (peer: NodePeer) =>
  new Promise<Error | null>((resolve) => peer.socket.renegotiate({ rejectUnauthorized: true }, resolve))

async function nodeTalks(peer: NodePeer, line: string): Promise<void> {
  const before = peer.text
  peer.socket.write(`${line}\n`)
  await peer.until(() => peer.text === `${before}${line}\n`)
}

node('is refused by default', async (t) => {
  const server = await served(t, 0)
  const peer = dialNode(t, server.port)
  const party = await server.party()
  await nodeTalks(peer, 'before')
  void nodeRenegotiates(peer)
  assert.match((await failureOf(peer)).message, /no renegotiation/)
  assert.equal([again(party), alerts(party).includes('sent no_renegotiation')], [0, true])
})

node('is done where allowed', async (t) => {
  const server = await served(t, 2)
  const peer = dialNode(t, server.port)
  const party = await server.party()
  await nodeTalks(peer, 'before')
  for (let round = 1; round <= 2; round++) {
    assert.is(await nodeRenegotiates(peer), null)
    await nodeTalks(peer, `round ${round}`)
    assert.is(again(party), round)
  }
})

// ---- The same, and a decision is made about each. ----

/** Allows two, and takes its time over it. */
async function deciding(t: Case): Promise<{ port: number; asked: () => number; party: () => Promise<Party> }> {
  let asked = 0
  const renegotiation = async () => {
    await new Promise(setImmediate)
    return asked++ < 2 ? {} : { alert: 100 }
  }
  const server = await serveMembio(t, { settings: only12(99), engine: { park: ['renegotiation'] }, decisions: { renegotiation } }, echo)
  return { port: server.port, asked: () => asked, party: () => server.accept() }
}

openssl('R waits for a decision: two are allowed, the third ends the connection', async (t) => {
  const server = await deciding(t)
  const program = sClient(t, server.port, ['-brief'])
  const party = await server.party()
  for (let round = 1; round <= 2; round++) {
    await typeR(program, round)
    await echoed(program, `after ${round}`)
    assert.equal([again(party), server.asked()], [round, round])
  }
  await typeR(program, 3)
  expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_NO_RENEGOTIATION' })
  await program.until(/no renegotiation/)
})

node('waits for a decision: two are allowed, the third ends the connection', async (t) => {
  const server = await deciding(t)
  const peer = dialNode(t, server.port)
  const party = await server.party()
  await nodeTalks(peer, 'before')
  for (let round = 1; round <= 2; round++) {
    assert.is(await nodeRenegotiates(peer), null)
    await nodeTalks(peer, `round ${round}`)
    assert.equal([again(party), server.asked()], [round, round])
  }
  void nodeRenegotiates(peer)
  assert.match((await failureOf(peer)).message, /no renegotiation/)
  expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_NO_RENEGOTIATION' })
})

gnutls('--rehandshake is refused from the moment on where we say so', async (t) => {
  const server = await serveMembio(t, { settings: only12(99) }, echo)
  const program = gnutlsClient(t, server.port, { version: 'TLSv1.2', args: ['--rehandshake'] })
  const party = await server.accept()
  await party.secure()
  party.engine.refuseRenegotiation()
  await program.until(/ReHandshake has failed/)
  assert.equal([again(party), alerts(party)[0]], [0, 'sent no_renegotiation'])
})

// ---- The peer is a server and starts it. ----

const helloRequest = withPeer('renegotiation, openssl s_server asks membio', 'openssl')

for (const [renegotiations, what] of [[0, 'is refused by default'], [1, 'is done where allowed']] as const) {
  helloRequest(`r ${what}`, async (t) => {
    const program = await opensslServer(t, { version: 'TLSv1.2', identity: serverIdentity() })
    const client = dialMembio(t, program.port, { settings: only12(renegotiations) })
    await exchanged(program, client)
    await program.write('r\n')
    if (renegotiations) {
      await client.until(() => again(client) === 1)
      await exchanged(program, client)
    } else {
      await client.until(() => alerts(client).includes('sent no_renegotiation'))
      assert.is(again(client), 0)
    }
  })
}

helloRequest('R: the client certificate that the first handshake did not ask for', async (t) => {
  const args = ['-no_resumption_on_reneg', '-CAfile', file(t, 'ca.pem', root().cert)]
  const program = await opensslServer(t, { version: 'TLSv1.2', identity: serverIdentity(), args })
  const client = dialMembio(t, program.port, { settings: { ...only12(1), ...clientIdentity() } })
  await exchanged(program, client)
  await program.write('R\n')
  await client.until(() => again(client) === 1)
  await exchanged(program, client)
  await program.until(/CN = client\.test/)
})

const rehandshake = withPeer('renegotiation, gnutls-serv asks membio', 'gnutls-serv')

for (const [renegotiations, what] of [[0, 'is refused by default'], [1, 'is done where allowed']] as const) {
  rehandshake(`**REHANDSHAKE** ${what}`, async (t) => {
    const { port } = await gnutlsServer(t, { version: 'TLSv1.2', identity: serverIdentity() })
    const client = dialMembio(t, port, { settings: only12(renegotiations) })
    await answered(client)
    client.poller.write('**REHANDSHAKE**\n')
    if (renegotiations) await client.until(() => again(client) === 1)
    else await client.until(() => alerts(client).includes('sent no_renegotiation'))
  })
}

// ---- We start it. ----

interface ServerPeer {
  name: string
  program?: string
  start: (t: Case) => Promise<{ port: number; talk: (client: Party) => Promise<void> }>
}

const SERVERS: readonly ServerPeer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t) => {
      const program = await opensslServer(t, { version: 'TLSv1.2', identity: serverIdentity(), args: ['-client_renegotiation'] })
      return { port: program.port, talk: (client) => exchanged(program, client) }
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t) => ({ port: (await gnutlsServer(t, { version: 'TLSv1.2', identity: serverIdentity() })).port, talk: answered }),
  },
  {
    name: 'node:tls server',
    start: async (t) => ({ port: (await serveNode(t, { maxVersion: 'TLSv1.2' }, ({ socket }) => socket.pipe(socket))).port, talk: answered }),
  },
]

for (const { name, program, start } of SERVERS) {
  withPeer(`renegotiation, membio to ${name}`, program)('twice', async (t) => {
    const { port, talk } = await start(t)
    const client = dialMembio(t, port, { settings: only12(1) })
    await talk(client)
    for (let round = 1; round <= 2; round++) {
      assert.is(client.engine.renegotiate(), 'done')
      client.poller.wake()
      await client.until(() => again(client) === round)
      await talk(client)
    }
    assert.is(client.agreed.authorized, true)
  })
}

withPeer('renegotiation, membio to openssl s_server', 'openssl')('a server that does not want it', async (t) => {
  const program = await opensslServer(t, { version: 'TLSv1.2', identity: serverIdentity() })
  const client = dialMembio(t, program.port, { settings: only12(1) })
  await exchanged(program, client)
  client.engine.renegotiate()
  client.poller.wake()
  expectError(await client.closed, { code: 'ERR_SSL_NO_RENEGOTIATION' })
})

interface ClientPeer {
  name: string
  program?: string
  start: (t: Case, port: number) => (line: string) => Promise<void>
}

const CLIENTS: readonly ClientPeer[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port) => {
      const program = sClient(t, port, ['-brief'])
      return (line) => echoed(program, line)
    },
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port) => {
      const program = gnutlsClient(t, port, { version: 'TLSv1.2' })
      return (line) => echoed(program, line)
    },
  },
  {
    name: 'node:tls client',
    start: (t, port) => {
      const peer = dialNode(t, port)
      return (line) => nodeTalks(peer, line)
    },
  },
]

for (const { name, program, start } of CLIENTS) {
  withPeer(`renegotiation, membio asks ${name}`, program)('twice', async (t) => {
    const server = await served(t, 1)
    const talk = start(t, server.port)
    const party = await server.party()
    await talk('before')
    for (let round = 1; round <= 2; round++) {
      assert.is(party.engine.renegotiate(), 'done')
      party.poller.wake()
      await party.until(() => again(party) === round)
      await talk(`round ${round}`)
    }
  })
}
