// Sessions: a second connection to the same peer resumes the first one, by ticket or by id, in both roles; and a session that does not
// fit any more leads to a full handshake, not to a failure.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { client as clientIdentity, root, server as serverIdentity } from '../support/certs.ts'
import { folder, gnutlsClient, gnutlsServer, missing, opensslClient, opensslServer, type PeerOptions } from '../support/peers.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, makeContext, serveMembio, type Party, type SideOptions } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

/** Connects, gets a line back and a session, and closes in good order. */
async function visit(t: Case, port: number, options: SideOptions): Promise<{ party: Party; session: Uint8Array }> {
  const party = dialMembio(t, port, options)
  party.poller.write('line\n')
  await party.until(() => party.text.length >= 5 && (party.agreed.resumed || party.eventsOf('session').length > 0))
  party.poller.close()
  assert.is(await party.closed, undefined)
  return { party, session: party.eventsOf('session').at(-1)?.session ?? new Uint8Array() }
}

// ---- membio is the client. ----

const SERVERS: {
  name: string
  program?: string
  versions?: readonly Version[]
  start: (t: Case, options: PeerOptions) => Promise<number>
}[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, options) => (await opensslServer(t, { ...options, args: ['-rev'] })).port,
  },
  {
    name: 'openssl s_server without tickets', // TLS 1.2: by session id; TLS 1.3: tickets that only point to its cache
    program: 'openssl',
    start: async (t, options) => (await opensslServer(t, { ...options, args: ['-rev', '-no_ticket'] })).port,
  },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: async (t, options) => (await gnutlsServer(t, options)).port },
  {
    name: 'node:tls server',
    start: async (t, { version, identity, ca }) => {
      const asks = ca ? { ca, requestCert: true, rejectUnauthorized: true } : {}
      return (await serveNode(t, { ...identity, ...asks, minVersion: version, maxVersion: version }, ({ socket }) => socket.pipe(socket)))
        .port
    },
  },
]

for (const { name, program, start } of SERVERS) {
  const test = suite(`interop: resumption, membio to ${name}`).unless(program ? missing(program) : undefined)
  for (const version of VERSIONS) {
    test(version, async (t) => {
      const port = await start(t, { version, identity: serverIdentity() })
      const first = await visit(t, port, {})
      assert.is(first.party.agreed.resumed, false)
      const second = await visit(t, port, { engine: { session: first.session } })
      assert.is(second.party.agreed.resumed, true)
      assert.is(second.party.agreed.authorized, true)
      assert.is(second.party.agreed.version, version)
    })
  }

  test('a session of another server: a full handshake', async (t) => {
    const { session } = await visit(t, await start(t, { identity: serverIdentity() }), {})
    const { party } = await visit(t, await start(t, { identity: serverIdentity() }), { engine: { session } })
    assert.is(party.agreed.resumed, false)
  })

  test('a session of another version: a full handshake', async (t) => {
    const { session } = await visit(t, await start(t, { version: 'TLSv1.3', identity: serverIdentity() }), {})
    const { party } = await visit(t, await start(t, { version: 'TLSv1.2', identity: serverIdentity() }), { engine: { session } })
    assert.equal([party.agreed.resumed, party.agreed.version], [false, 'TLSv1.2'])
  })
}

const limits = suite('interop: resumption with node:tls, what a session is good for')

limits('it is used for the hosts its certificate is good for, and for no other', async (t) => {
  const { port } = await serveNode(t, {}, ({ socket }) => socket.pipe(socket))
  const { session } = await visit(t, port, {})
  const { party } = await visit(t, port, { engine: { session, servername: 'localhost' } })
  assert.is(party.agreed.resumed, true)
  const stranger = dialMembio(t, port, { engine: { session, servername: 'other.test' } })
  const error = await stranger.closed
  assert.is(error?.code, 'HOSTNAME_MISMATCH')
})

limits('a client certificate counts in the resumed connection', async (t) => {
  const asks = { ca: root().cert, requestCert: true, rejectUnauthorized: true }
  const seen: boolean[][] = []
  const { port } = await serveNode(t, asks, ({ socket }) => {
    seen.push([socket.isSessionReused(), socket.authorized])
    socket.pipe(socket)
  })
  const { session } = await visit(t, port, { settings: clientIdentity() })
  const { party } = await visit(t, port, { engine: { session } })
  assert.is(party.agreed.resumed, true)
  assert.equal(seen, [
    [false, true],
    [true, true],
  ])
})

// ---- membio is the server. ----

async function serveTwice(
  t: Case,
  version: Version,
  mutual = false,
): Promise<{ port: number; resumed: () => Promise<boolean>; next: () => Promise<Party> }> {
  const context = makeContext(t, 'server', { minVersion: version, maxVersion: version, ...(mutual && { ca: root().cert }) })
  const server = await serveMembio(t, { context, engine: { clientCertificate: mutual ? 'require' : 'none' } }, echo)
  const next = async () => {
    const party = await server.accept()
    await party.secure()
    return party
  }
  return { port: server.port, next, resumed: async () => (await next()).agreed.resumed }
}

for (const version of VERSIONS) {
  const openssl = suite(`interop: resumption, openssl s_client to membio, ${version}`).unless(missing('openssl'))

  openssl('a session saved by one process is resumed by another', async (t) => {
    const { port, resumed } = await serveTwice(t, version)
    const session = `${folder(t)}/session.pem`
    for (const [args, expected] of [
      [['-sess_out', session], false],
      [['-sess_in', session], true],
    ] as const) {
      const program = opensslClient(t, port, { version, args })
      await program.write('line\n')
      await program.until(/^line$/m)
      program.end()
      await program.succeeded()
      assert.is(await resumed(), expected)
    }
  })

  openssl('a session that is not ours: a full handshake', async (t) => {
    const session = `${folder(t)}/session.pem`
    const one = await serveTwice(t, version)
    const other = await serveTwice(t, version)
    for (const [{ port, resumed }, args] of [
      [one, ['-sess_out', session]],
      [other, ['-sess_in', session]],
    ] as const) {
      const program = opensslClient(t, port, { version, args })
      await program.write('line\n')
      await program.until(/^line$/m)
      program.end()
      await program.succeeded()
      assert.is(await resumed(), false)
    }
  })

  const gnutls = suite(`interop: resumption, gnutls-cli to membio, ${version}`).unless(missing('gnutls-cli'))

  gnutls('it connects and resumes by itself', async (t) => {
    const { port, resumed } = await serveTwice(t, version)
    const program = gnutlsClient(t, port, { version, args: ['--resume', ...(version === 'TLSv1.3' ? ['--waitresumption'] : [])] })
    await program.until(/This is a resumed session/)
    await program.write('line\n')
    await program.until(/^line$/m)
    program.end()
    await program.succeeded()
    assert.equal([await resumed(), await resumed()], [false, true])
  })

  const node = suite(`interop: resumption, node:tls client to membio, ${version}`)

  for (const mutual of [false, true]) {
    node(`by ticket${mutual ? ', with a client certificate' : ''}`, async (t) => {
      const { port, next } = await serveTwice(t, version, mutual)
      const identity = mutual ? clientIdentity() : {}
      const first = dialNode(t, port, identity)
      first.socket.write('line\n')
      await first.until(() => first.text === 'line\n' && first.sessions.length > 0)
      first.socket.end()
      await first.close()
      assert.is((await next()).agreed.resumed, false)
      const second = dialNode(t, port, { session: first.sessions.at(-1) })
      second.socket.write('line\n')
      await second.until(() => second.text === 'line\n')
      assert.is(second.socket.isSessionReused(), true)
      second.socket.end()
      await second.close()
      const party = await next()
      assert.equal([party.agreed.resumed, party.agreed.authorized], [true, mutual])
    })
  }

  node('a session that is garbage: a full handshake', async (t) => {
    const { port, next } = await serveTwice(t, version)
    const first = dialNode(t, port)
    first.socket.write('line\n')
    await first.until(() => first.text === 'line\n' && first.sessions.length > 0)
    first.socket.destroy()
    await next()
    const spoiled = Buffer.from(first.sessions[0]!)
    spoiled[spoiled.length - 20]! ^= 1
    const second = dialNode(t, port, { session: spoiled })
    second.socket.write('line\n')
    await second.until(() => second.text === 'line\n')
    assert.is(second.socket.authorized, true)
  })
}
