// Agent: which connections and sessions are used again, and for whom.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import * as http from 'node:http'
import type { RequestOptions } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext } from '../../src/tls/secure-context.ts'
import { client, root, strangeRoot } from '../support/certs.ts'
import { suite } from '../support/suite.ts'
import { agentOf, answered, ask, at, failure, https, MODULES, PAIRS, serve, trust, type Side } from './support.ts'

// ---- Connections that are kept. ----

const pool = suite('https: Agent keeps connections')

for (const [side, server] of PAIRS) {
  pool(`${side} with ${server}: requests one after the other share a connection`, async (t) => {
    const seen = new Set<unknown>()
    const { port } = await serve(t, server, (request, response) => (seen.add(request.socket), response.end(request.url)))
    const agent = agentOf(t, side, { keepAlive: true })
    const answers = []
    for (const path of ['/1', '/2', '/3']) answers.push(await ask(side, { port, agent, path }))
    assert.equal(answers.map(({ body }) => body), ['/1', '/2', '/3'])
    assert.equal(answers.map(({ request }) => request.reusedSocket), [false, true, true])
    assert.is(seen.size, 1)
  })
}

pool('maxSockets: those that are too many wait for their turn', async (t) => {
  const seen = new Set<unknown>()
  const { port } = await serve(t, 'membio', (request, response) => (seen.add(request.socket), response.end(request.url)))
  const agent = agentOf(t, 'membio', { keepAlive: true, maxSockets: 2 })
  const paths = Array.from({ length: 12 }, (_, index) => `/${index}`)
  const answers = await Promise.all(paths.map((path) => ask('membio', { port, agent, path })))
  assert.equal(answers.map(({ body }) => body), paths)
  assert.is(seen.size, 2)
})

pool('without keepAlive each request has its own', async (t) => {
  const seen = new Set<unknown>()
  const { port } = await serve(t, 'membio', (request, response) => (seen.add(request.socket), response.end(request.headers.connection)))
  const agent = agentOf(t, 'membio')
  for (let count = 0; count < 2; count++) assert.is((await ask('membio', { port, agent })).body, 'close')
  assert.is(seen.size, 2)
})

pool('one that the server has closed is not used again', async (t) => {
  const { port } = await serve(t, 'membio', (request, response) => response.end(request.url))
  const agent = agentOf(t, 'membio', { keepAlive: true })
  const { socket } = await ask('membio', { port, agent })
  const { server } = socket as unknown as { server?: unknown }
  assert.is(server, null)
  socket.end()
  await once(socket, 'close')
  const second = await ask('membio', { port, agent, path: '/again' })
  assert.is(second.request.reusedSocket, false)
  assert.is(second.body, '/again')
})

pool('bytes that nobody asked for end it, and are no answer to the next request', async (t) => {
  const sockets: Socket[] = []
  const { port } = await serve(t, 'membio', (request, response) => (sockets.push(request.socket), response.end(request.url)))
  const agent = agentOf(t, 'membio', { keepAlive: true })
  const { socket } = await ask('membio', { port, agent })
  sockets[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison')
  await once(socket, 'close')
  assert.is((await ask('membio', { port, agent, path: '/good' })).body, '/good')
})

pool('destroy closes those that wait', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = agentOf(t, 'membio', { keepAlive: true })
  const { socket } = await ask('membio', { port, agent })
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(Object.values(agent.freeSockets).flat().length, 1)
  agent.destroy()
  await once(socket, 'close')
  assert.equal(Object.keys(agent.freeSockets), [])
})

pool('timeout: one that waits for longer is closed', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = agentOf(t, 'membio', { keepAlive: true, timeout: 100 })
  const { socket } = await ask('membio', { port, agent })
  await once(socket, 'close')
  assert.is(socket.destroyed, true)
})

pool("'keylog' tells of all of them, the secrets of each", async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = agentOf(t, 'membio')
  const lines: string[] = []
  agent.on('keylog', (line: Buffer) => lines.push(String(line)))
  await ask('membio', { port, agent })
  assert.ok(lines.some((line) => /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+\n$/.test(line)), lines.join(''))
})

// ---- Sessions. ----

const sessions = suite('https: Agent resumes sessions')

const reused = async (side: Side, options: RequestOptions) => (await ask(side, options)).socket.isSessionReused()

for (const [side, server] of PAIRS) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    sessions(`${side} with ${server}, ${version}: the second connection resumes the first`, async (t) => {
      const { port } = await serve(t, server, (_request, response) => response.end(), { maxVersion: version })
      const agent = agentOf(t, side)
      assert.is(await reused(side, { port, agent }), false)
      assert.is(await reused(side, { port, agent }), true)
    })
  }
}

sessions('maxCachedSessions: 0 keeps none', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = agentOf(t, 'membio', { maxCachedSessions: 0 })
  assert.is(await reused('membio', { port, agent }), false)
  assert.is(await reused('membio', { port, agent }), false)
})

sessions('maxCachedSessions: the oldest goes first', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = agentOf(t, 'membio', { maxCachedSessions: 2 })
  for (const servername of ['localhost', 'server.test', '']) await ask('membio', { port, agent, servername })
  assert.is(await reused('membio', { port, agent, servername: 'server.test' }), true)
  assert.is(await reused('membio', { port, agent, servername: 'localhost' }), false)
})

sessions('a session that failed is not tried again', async (t) => {
  const { port, server } = await serve(t, 'membio', (_request, response) => response.end(), { maxVersion: 'TLSv1.2' })
  const agent = agentOf(t, 'membio') as InstanceType<typeof https.Agent> & { _sessionCache: { list: string[] } }
  await ask('membio', { port, agent })
  assert.is(agent._sessionCache.list.length, 1)
  server.on('secureConnection', (socket) => socket.resetAndDestroy())
  const request = https.get({ host: '127.0.0.1', servername: 'localhost', port, agent })
  const closed = new Promise((resolve) => request.on('socket', (socket) => socket.on('close', resolve)))
  assert.is((await failure(request)).code, 'ECONNRESET')
  await closed
  assert.is(agent._sessionCache.list.length, 0)
})

// ---- Who may share. ----

const apart = suite('https: Agent keeps apart')

const withKey = (pem: string): RequestOptions => ({ ...trust(), cert: client().cert, key: [{ pem }] })

const DIFFERENT: { name: string; one: RequestOptions; other: RequestOptions }[] = [
  { name: 'those who trust others', one: trust(), other: { ca: [root().cert, strangeRoot().cert] } },
  { name: 'those who check and those who do not', one: trust(), other: { ...trust(), rejectUnauthorized: false } },
  { name: 'other names', one: { ...trust(), servername: 'localhost' }, other: { ...trust(), servername: 'server.test' } },
  { name: 'those who show a certificate', one: trust(), other: { ...trust(), ...client() } },
  { name: 'other versions', one: trust(), other: { ...trust(), maxVersion: 'TLSv1.2' } },
  { name: 'keys in objects', one: withKey(client().key), other: withKey(`${client().key}\n`) },
]
for (const { name, one, other } of DIFFERENT) {
  apart(name, async (t) => {
    const { port } = await serve(t, 'membio', (_request, response) => response.end(), { requestCert: true, rejectUnauthorized: false })
    const agent = new https.Agent({ keepAlive: true })
    t.defer(() => agent.destroy())
    const first = await ask('membio', { port, agent, ...one })
    const second = await ask('membio', { port, agent, ...other })
    const third = await ask('membio', { port, agent, ...one })
    assert.equal([first, second, third].map(({ request }) => request.reusedSocket), [false, false, true])
    assert.is(second.socket.isSessionReused(), false)
  })
}

apart('contexts, by which they are', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = new https.Agent({ keepAlive: true })
  t.defer(() => agent.destroy())
  const trusting = createSecureContext(trust())
  const strange = createSecureContext({ ca: strangeRoot().cert })
  t.defer(() => [trusting, strange].forEach(({ context }) => context.close()))
  const asking = (secureContext: unknown) => ({ host: '127.0.0.1', servername: 'localhost', port, agent, secureContext }) as RequestOptions
  await answered(https.get(asking(trusting)))
  const error = await failure(https.get(asking(strange)))
  assert.is(error.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

apart("what one request's check accepts is not taken for another's", async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = agentOf(t, 'membio', { keepAlive: true })
  const accepted = await ask('membio', { port, agent, checkServerIdentity: () => undefined })
  const refused = await failure(
    https.get({ host: '127.0.0.1', servername: 'localhost', port, agent, checkServerIdentity: () => new Error('not this one') }),
  )
  assert.is(accepted.status, 200)
  assert.is(refused.message, 'not this one')
})

apart("the agent's own check is made once for a session", async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  let checks = 0
  const agent = agentOf(t, 'membio', { checkServerIdentity: () => void checks++ })
  assert.is(await reused('membio', { port, agent }), false)
  assert.is(await reused('membio', { port, agent }), true)
  assert.is(checks, 1)
})

// ---- The module. ----

const module = suite('https: globalAgent')

module('another globalAgent is taken for requests to come', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end('x'))
  const mine = agentOf(t, 'membio')
  const before = https.globalAgent
  t.defer(() => void (https.globalAgent = before))
  https.globalAgent = mine as typeof before
  const request = https.get({ host: '127.0.0.1', servername: 'localhost', port })
  assert.is((request as unknown as { agent: unknown }).agent, mine)
  assert.is((await answered(request)).body, 'x')
})

module('agent: false takes one for this request', async (t) => {
  const { port } = await serve(t, 'membio', (request, response) => response.end(request.headers.connection))
  const request = https.get({ host: '127.0.0.1', servername: 'localhost', port, agent: false, ...trust() })
  assert.instance((request as unknown as { agent: unknown }).agent, https.Agent)
  assert.is((await answered(request)).body, 'close')
})

module('without new, and as a base class', () => {
  class Mine extends https.Agent {}
  const agent = (https.Agent as unknown as (options: object) => unknown)({ keepAlive: true })
  for (const one of [agent, new Mine()]) assert.instance(one, https.Agent)
  assert.instance(agent, http.Agent)
})

module('it asks what was asked of it in Node, over a plain http.request', async (t) => {
  const { port } = await serve(t, 'node', (request, response) => response.end(request.url))
  const agent = agentOf(t, 'membio')
  const request = http.get({ protocol: 'https:', ...at(port), path: '/plain', agent })
  assert.is((await answered(request)).body, '/plain')
})

module("node:https takes our agent, and got's kind of use: an agent with createConnection of its own", async (t) => {
  const { port } = await serve(t, 'membio', (request, response) => response.end(request.url))
  const agent = agentOf(t, 'membio')
  const { body } = await answered(MODULES.node.https.get({ host: '127.0.0.1', servername: 'localhost', port, path: '/theirs', agent }))
  assert.is(body, '/theirs')
})
