// 0-RTT (RFC 8446, 2.3) with peers that send it and peers that take it: accepted, rejected, replayed, too much. Node's tls and Java's JSSE
// have no 0-RTT at all.
import * as assert from 'uvu/assert'
import type { SecureContext } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { file, folder, gnutlsClient, gnutlsServer, opensslServer, type Program } from '../support/peers.ts'
import { cannot, echoed, GNUTLS_ONLY, sClient, withPeer } from '../support/peers-more.ts'
import { dialMembio, echo, makeContext, serveMembio, type Party } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

const EARLY = 'early bird\n'
const bytes = new TextEncoder().encode(EARLY)

// ---- membio is the client. ----

interface ServerPeer {
  name: string
  program: string
  start: (t: Case, accepts: 'early data' | 'none') => Promise<Program>
  /** Waits until a line has come after early data, and that, too, where the server tells. */
  heard: (program: Program, client: Party, line: string) => Promise<unknown>
}

const SERVERS: readonly ServerPeer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: (t, accepts) => {
      const args = accepts === 'none' ? ['-tls1_3'] : ['-tls1_3', '-early_data', '-max_early_data', '1000']
      return opensslServer(t, { identity: serverIdentity(), args })
    },
    heard: async (program, { agreed }, line) => {
      await program.until(new RegExp(`^${line}$`, 'm'))
      await program.until(agreed.earlyData === 'accepted' ? /early bird[^]*End of early data/ : /Early data was rejected/)
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: (t, accepts) => {
      const args = ['--echo', '--priority', GNUTLS_ONLY['TLSv1.3'], ...(accepts === 'none' ? [] : ['--earlydata', '--maxearlydata', '1000'])]
      return gnutlsServer(t, { identity: serverIdentity(), args })
    },
    heard: (_, client, line) => client.until(() => client.text === `${line}\n`), // early data it neither prints nor returns
  },
]

/** A session of a first visit. s_server does not answer: the session comes anyway. */
async function firstVisit(t: Case, port: number, context: SecureContext): Promise<Uint8Array> {
  const party = dialMembio(t, port, { context })
  await party.until(() => party.eventsOf('session').length > 0)
  const { session } = party.eventsOf('session').at(-1)!
  party.poller.close()
  assert.is(await party.closed, undefined)
  return session
}

/** Starts with early data, before the poller has sent the ClientHello. */
function dialEarly(t: Case, port: number, context: SecureContext, session: Uint8Array): Party {
  const party = dialMembio(t, port, { context, engine: { session } })
  assert.equal(party.engine.writeEarlyData(bytes), { status: 'done', accepted: bytes.length })
  return party
}

for (const { name, program, start, heard } of SERVERS) {
  const test = withPeer(`0-RTT, membio to ${name}`, program)

  test('is accepted, and the connection goes on', async (t) => {
    const peer = await start(t, 'early data')
    const context = makeContext(t, 'client')
    const client = dialEarly(t, peer.port, context, await firstVisit(t, peer.port, context))
    const { earlyData, resumed } = await client.secure()
    assert.equal([earlyData, resumed], ['accepted', true])
    client.poller.write('later\n')
    await heard(peer, client, 'later')
    client.poller.close()
    assert.is(await client.closed, undefined)
  })

  test('is rejected by another server, after a full handshake, and the connection goes on', async (t) => {
    const peers = [await start(t, 'early data'), await start(t, 'early data')] as const
    const context = makeContext(t, 'client')
    const client = dialEarly(t, peers[1].port, context, await firstVisit(t, peers[0].port, context))
    const { earlyData, resumed } = await client.secure()
    assert.equal([earlyData, resumed], ['rejected', false])
    client.poller.write('later\n')
    await heard(peers[1], client, 'later')
    client.poller.close()
    assert.is(await client.closed, undefined)
  })

  test('is refused by ourselves with a session that does not allow it', async (t) => {
    const peer = await start(t, 'none')
    const context = makeContext(t, 'client')
    const session = await firstVisit(t, peer.port, context)
    const client = dialMembio(t, peer.port, { context, engine: { session } })
    assert.throws(() => client.engine.writeEarlyData(bytes))
    assert.ok(await client.closed)
  })

  const replay = 'a replay is rejected, and the connection goes on'
  if (name === 'gnutls-serv') test.skip(cannot('gnutls-serv 3.7 sets up no anti-replay: it accepts the same ticket again'), replay)
  else {
    test(replay, async (t) => {
      const peer = await start(t, 'early data')
      const context = makeContext(t, 'client')
      const session = await firstVisit(t, peer.port, context)
      for (const [expected, line] of [['accepted', 'first'], ['rejected', 'second']] as const) {
        const client = dialEarly(t, peer.port, context, session)
        assert.is((await client.secure()).earlyData, expected)
        client.poller.write(`${line}\n`)
        await heard(peer, client, line)
        client.poller.close()
        assert.is(await client.closed, undefined)
      }
    })
  }
}

// ---- membio is the server. ----

const eager = (t: Case) => makeContext(t, 'server', { maxEarlyData: 1000 })
const earlyText = (party: Party) => party.eventsOf('earlyData').map(({ plaintext }) => new TextDecoder().decode(plaintext)).join('')

const openssl = withPeer('0-RTT, openssl s_client to membio', 'openssl')

/** A session of s_client, in a file. */
async function clientSession(t: Case, port: number): Promise<string> {
  const session = `${folder(t)}/session.pem`
  const program = sClient(t, port, ['-tls1_3', '-sess_out', session])
  await echoed(program)
  program.end()
  await program.succeeded()
  assert.match(program.output, /Max Early Data: 1000/)
  return session
}

const sendEarly = (t: Case, port: number, session: string, text = EARLY) =>
  sClient(t, port, ['-tls1_3', '-sess_in', session, '-early_data', file(t, 'early.txt', text)])

openssl('is accepted once: the replay is rejected, and the connection goes on', async (t) => {
  const server = await serveMembio(t, { context: eager(t) }, echo)
  const session = await clientSession(t, server.port)
  await server.accept()
  for (const [outcome, text] of [['accepted', EARLY], ['rejected', '']] as const) {
    const program = sendEarly(t, server.port, session)
    await program.until(new RegExp(`Early data was ${outcome}`))
    await echoed(program)
    const party = await server.accept()
    assert.equal([party.agreed.earlyData, earlyText(party)], [outcome, text])
    program.end()
    await program.succeeded()
  }
})

// Sessions that open 0-RTT stay in the process that made them, so that each is used once (options.ts: maxEarlyData).
for (const [name, settings] of [['that wants none', {}], ['that takes early data, too', { maxEarlyData: 1000 }]] as const) {
  openssl(`is rejected by another process with the same ticket keys ${name}, after a full handshake`, async (t) => {
    const context = eager(t)
    const session = await clientSession(t, (await serveMembio(t, { context }, echo)).port)
    const other = await serveMembio(t, { settings: { ...settings, ticketKeys: context.ticketKeys } }, echo)
    const program = sendEarly(t, other.port, session)
    await program.until(/Early data was rejected/)
    await echoed(program)
    const party = await other.accept()
    assert.equal([party.agreed.earlyData, party.agreed.resumed, earlyText(party)], ['rejected', false, ''])
  })
}

openssl('more than the session allows is not sent by their side', async (t) => {
  const server = await serveMembio(t, { context: eager(t) }, echo)
  const session = await clientSession(t, server.port)
  await server.accept()
  const program = sendEarly(t, server.port, session, '1234567\n'.repeat(200))
  await program.until(/too much early data/i)
  await program.exit
  expectError(await (await server.accept()).closed, { kind: 'alert' })
})

const gnutls = withPeer('0-RTT, gnutls-cli to membio', 'gnutls-cli')

gnutls('is accepted in the connection that resumes', async (t) => {
  const server = await serveMembio(t, { context: eager(t) }, echo)
  const words = ['--resume', '--waitresumption', '--earlydata', file(t, 'early.txt', EARLY), '--priority', GNUTLS_ONLY['TLSv1.3']]
  const program = gnutlsClient(t, server.port, { args: words })
  await program.until(/This is a resumed session/)
  await echoed(program)
  await server.accept()
  const party = await server.accept()
  assert.equal([party.agreed.earlyData, party.agreed.resumed, earlyText(party)], ['accepted', true, EARLY])
  program.end()
  await program.succeeded()
})
