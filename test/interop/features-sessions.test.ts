// Sessions beyond one context: ticket keys shared and replaced, stores of the caller's, several tickets. What one context does by itself is
// in resumption.test.ts.
import * as assert from 'uvu/assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContextOptions, SecureContext, Version } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { folder, opensslServer } from '../support/peers.ts'
import { answered, echoed, nodeEcho, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode, type NodePeer } from '../support/sockets-node.ts'
import { dialMembio, echo, makeContext, serveMembio, type MembioServer, type SideOptions } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

const only = (version: Version) => ({ minVersion: version, maxVersion: version })

// ---- Clients that keep a session between connections. ----

interface Visitor {
  /** Connects, says a line, leaves; with the session of the visit before, if there was one. */
  visit: (port: number) => Promise<void>
}

interface VisitorKind {
  name: string
  program?: string
  make: (t: Case, version: Version) => Visitor
}

const VISITORS: readonly VisitorKind[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    make: (t, version) => {
      const session = `${folder(t)}/session.pem`
      let known = false
      return {
        visit: async (port) => {
          const program = sClient(t, port, ['-brief', OPENSSL_ONLY[version], '-sess_out', session, ...(known ? ['-sess_in', session] : [])])
          await echoed(program)
          program.end()
          await program.succeeded()
          known = true
        },
      }
    },
  },
  {
    name: 'node:tls client',
    make: (t, version) => {
      let session: Buffer | undefined
      return {
        visit: async (port) => {
          const peer = dialNode(t, port, { session, minVersion: version, maxVersion: version })
          peer.socket.write('line\n')
          await peer.until(() => peer.text === 'line\n' && (peer.sessions.length > 0 || peer.socket.isSessionReused()))
          session = peer.sessions.at(-1) ?? session
          peer.socket.end()
          await peer.close()
        },
      }
    },
  },
]

const serve = (t: Case, context: SecureContext, options: SideOptions = {}) => serveMembio(t, { ...options, context }, echo)
const resumed = async (server: MembioServer) => (await (await server.accept()).secure()).resumed

for (const { name, program, make } of VISITORS) {
  for (const version of VERSIONS) {
    const test = withPeer(`sessions, ${name} to membio, ${version}`, program)
    const context = (t: Case, options: ContextOptions = {}) => makeContext(t, 'server', { ...only(version), ...options })

    test('another process with the same ticket keys resumes', async (t) => {
      const here = context(t)
      const [one, other] = [await serve(t, here), await serve(t, context(t, { ticketKeys: here.ticketKeys }))]
      const { visit } = make(t, version)
      for (const [server, expected] of [[one, false], [other, true], [one, true], [other, true]] as const) {
        await visit(server.port)
        assert.is(await resumed(server), expected)
      }
    })

    test('the same ticket keys, but another sessionIdContext: a full handshake', async (t) => {
      const here = context(t)
      const there = context(t, { ticketKeys: here.ticketKeys, sessionIdContext: new TextEncoder().encode('other') })
      const { visit } = make(t, version)
      for (const server of [await serve(t, here), await serve(t, there)]) {
        await visit(server.port)
        assert.is(await resumed(server), false)
      }
    })

    test('keys are replaced: old ones open tickets as long as they are in the list', async (t) => {
      const here = context(t)
      const server = await serve(t, here)
      const [old, fresh] = [here.ticketKeys, context(t).ticketKeys]
      const { visit } = make(t, version)
      // In TLS 1.2 these clients keep the old ticket where the server has renewed it: OpenSSL tells of new sessions only.
      const renewed = version === 'TLSv1.3'
      for (const [keys, expected] of [[old, false], [new Uint8Array([...fresh, ...old]), true], [fresh, renewed], [old, false]] as const) {
        here.ticketKeys = keys
        await visit(server.port)
        assert.is(await resumed(server), expected)
      }
    })

    test("tickets: 'stateful', with a store of the caller's", async (t) => {
      const store = new Map<string, Uint8Array>()
      const key = (id: Uint8Array) => Buffer.from(id).toString('hex')
      const asked: number[] = []
      const server = await serve(t, context(t, { tickets: 'stateful' }), {
        engine: { park: ['clientHello'] },
        decisions: {
          clientHello: async ({ hello }) => {
            const ids = version === 'TLSv1.3' ? hello.pskIdentities : [hello.sessionId].filter((id) => id.length > 0)
            asked.push(ids.length)
            await sleep(2)
            return { session: ids.map((id) => store.get(key(id))).find((session) => session !== undefined) }
          },
        },
      })
      const { visit } = make(t, version)
      for (const expected of [false, true, true]) {
        await visit(server.port)
        const party = await server.accept()
        assert.equal([(await party.secure()).resumed, asked.at(-1)], [expected, expected ? 1 : 0])
        await party.closed
        for (const { id, session } of party.eventsOf('session')) store.set(key(id), session)
      }
      store.clear()
      await visit(server.port)
      assert.is(await resumed(server), false)
    })

    test("tickets: 'none': never", async (t) => {
      const server = await serve(t, context(t, { tickets: 'none' }))
      const first = dialNode(t, server.port, only(version))
      await said(first)
      const second = dialNode(t, server.port, { ...only(version), session: first.socket.getSession() })
      await said(second)
      assert.equal([second.socket.isSessionReused(), await resumed(server), await resumed(server)], [false, false, false])
      assert.equal([...first.sessions, ...second.sessions], [])
    })
  }
}

async function said(peer: NodePeer): Promise<void> {
  peer.socket.write('line\n')
  await peer.until(() => peer.text.endsWith('line\n'))
}

// ---- How many tickets. ----

const openssl = withPeer('tickets, openssl s_client to membio', 'openssl')
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0

for (const ticketCount of [0, 1, 4]) {
  openssl(`ticketCount ${ticketCount}, and one more by sendTicket`, async (t) => {
    const server = await serveMembio(t, { settings: { ticketCount, sessionLifetime: 1234 } }, echo)
    const program = sClient(t, server.port)
    await echoed(program, 'before')
    const party = await server.accept()
    assert.is(party.engine.sendTicket(), 'done')
    party.poller.wake()
    await echoed(program, 'after')
    program.end()
    await program.succeeded()
    assert.is(count(program.output, /New Session Ticket arrived/g), ticketCount + 1)
    assert.is(count(program.output, /ticket lifetime hint: 1234 /g), ticketCount + 1)
  })
}

const node = withPeer('tickets, node:tls client to membio')

node('a session event for each, and one more by sendTicket', async (t) => {
  const server = await serveMembio(t, { settings: { ticketCount: 3 } }, echo)
  const peer = dialNode(t, server.port)
  await peer.until(() => peer.sessions.length === 3)
  const party = await server.accept()
  party.engine.sendTicket()
  party.poller.wake()
  await peer.until(() => peer.sessions.length === 4)
  for (const session of peer.sessions) {
    const again = dialNode(t, server.port, { session })
    await said(again)
    assert.is(again.socket.isSessionReused(), true)
  }
})

const several = withPeer('tickets, membio to openssl s_server', 'openssl')

several('-num_tickets 4: each resumes a connection, in any order', async (t) => {
  const { port } = await opensslServer(t, { version: 'TLSv1.3', identity: serverIdentity(), args: ['-num_tickets', '4', '-rev'] })
  const context = makeContext(t, 'client')
  const first = dialMembio(t, port, { context })
  await answered(first)
  await first.until(() => first.eventsOf('session').length === 4)
  const sessions = first.eventsOf('session').map(({ session }) => session)
  first.poller.close()
  await first.closed
  for (const session of sessions.reverse()) {
    const client = dialMembio(t, port, { context, engine: { session } })
    await answered(client)
    assert.equal([client.agreed.resumed, client.agreed.authorized], [true, true])
    client.poller.close()
    assert.is(await client.closed, undefined)
  }
})

for (const version of VERSIONS) {
  several(`${version}: the lifetime is what the server said`, async (t) => {
    const { port } = await opensslServer(t, { version, identity: serverIdentity(), args: ['-rev'] })
    const client = dialMembio(t, port)
    await answered(client)
    await client.until(() => client.eventsOf('session').length > 0)
    assert.is(client.eventsOf('session')[0]!.lifetime, 7200)
  })
}

// ---- Ticket keys of 48 bytes, as Node has them: their tickets are opened, but the sessions in them are another service's. ----

const foreign = withPeer('ticket keys shared with node:tls')

for (const version of VERSIONS) {
  foreign(`${version}: a ticket of the other's leads to a full handshake, not to a failure`, async (t) => {
    const ticketKeys = new Uint8Array(48).fill(5)
    const theirs = await nodeEcho(t, { ...only(version), ticketKeys: Buffer.from(ticketKeys) })
    const ours = (await serveMembio(t, { settings: { ...only(version), ticketKeys } }, echo)).port
    for (const [port, other] of [[theirs, ours], [ours, theirs]] as const) {
      const first = dialNode(t, port)
      await said(first)
      await first.until(() => first.sessions.length > 0)
      const second = dialNode(t, other, { session: first.sessions.at(-1) })
      await said(second)
      assert.equal([second.socket.isSessionReused(), second.socket.authorized], [false, true])
    }
  })
}
