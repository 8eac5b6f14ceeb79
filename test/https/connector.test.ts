// connector: undici with membio's TLS, as undici's own buildConnector has it with Node's.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import * as http from 'node:http'
import * as net from 'node:net'
import type { TLSSocket } from 'node:tls'
import { join } from 'node:path'
import { Agent, Client, fetch, request, type buildConnector } from 'undici'
import { pattern } from '../support/random.ts'
import { strangeRoot } from '../support/certs.ts'
import { folder } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { https, http2, httpsNames, identity, listen, MODULES, serve, toLoopback, trust, type Handler } from './support.ts'
import { connectProxy } from './proxies.ts'

const { connector } = httpsNames

function dispatcher(t: Case, options: httpsNames.ConnectorOptions = {}, more: Agent.Options = {}): Agent {
  const agent = new Agent({ connect: connector({ ...trust(), ...options }), ...more })
  t.defer(() => agent.destroy())
  return agent
}

const echo: Handler = (request, response) => {
  response.setHeader('x-method', request.method!)
  request.pipe(response)
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

const h1 = suite('https: connector, HTTP/1.1')

for (const server of ['membio', 'node'] as const) {
  h1(`undici asks ${server}: by request and by fetch`, async (t) => {
    const { port } = await serve(t, server, echo)
    const agent = dispatcher(t)
    const { statusCode, headers, body } = await request(`https://127.0.0.1:${port}/`, { dispatcher: agent, method: 'POST', body: 'over' })
    assert.equal([statusCode, headers['x-method'], await body.text()], [200, 'POST', 'over'])
    const response = await fetch(`https://127.0.0.1:${port}/`, { dispatcher: agent, method: 'PUT', body: 'fetched' })
    assert.equal([response.status, await response.text()], [200, 'fetched'])
  })
}

h1('a megabyte there and back, over one connection', async (t) => {
  const { server, port } = await serve(t, 'membio', echo)
  let connections = 0
  server.on('secureConnection', () => connections++)
  const agent = dispatcher(t, {}, { connections: 1 })
  const sent = pattern(1 << 20)
  for (let round = 0; round < 2; round++) {
    const { body } = await request(`https://127.0.0.1:${port}/`, { dispatcher: agent, method: 'POST', body: sent })
    assert.ok(Buffer.from(await body.arrayBuffer()).equals(sent))
  }
  assert.is(connections, 1)
})

h1('http: is connected in clear text', async (t) => {
  const port = await listen(t, http.createServer((_request, response) => response.end('plain')))
  const { body } = await request(`http://127.0.0.1:${port}/`, { dispatcher: dispatcher(t) })
  assert.is(await body.text(), 'plain')
})

h1('socketPath', async (t) => {
  const path = join(folder(t), 'socket')
  await listen(t, https.createServer(identity(), (request, response) => response.end(request.headers.host)), path)
  const { body } = await request('https://localhost/', { dispatcher: dispatcher(t, { socketPath: path }) })
  assert.is(await body.text(), 'localhost')
})

// ---- By itself. ----

const alone = suite('https: connector, by itself')

type Asked = Partial<httpsNames.ConnectRequest>

/** @returns the socket, which is gone after the case */
function open(t: Case, options: httpsNames.ConnectorOptions, port: number, more: Asked = {}): Promise<TLSSocket> {
  return using(t, connector({ ...trust(), ...options }), port, more)
}

function using(t: Case, connect: httpsNames.Connector, port: number, more: Asked = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const asked = { hostname: '127.0.0.1', host: `localhost:${port}`, protocol: 'https:', port: String(port), ...more }
    const socket = connect(asked, (error, socket) => (error ? reject(error) : resolve(socket as TLSSocket)))
    t.defer(() => socket.destroy())
  })
}

alone('the name comes from the request, the options, or the host', async (t) => {
  const { server, port } = await serve(t, 'membio', () => {})
  const ROWS: [options: httpsNames.ConnectorOptions, asked: Asked, name: string | false][] = [
    [{}, {}, 'localhost'],
    [{ servername: 'server.test' }, {}, 'server.test'],
    [{ servername: 'other.test' }, { servername: 'server.test' }, 'server.test'],
    [{}, { host: '127.0.0.1:1' }, false],
  ]
  for (const [options, asked, name] of ROWS) {
    const [[socket]] = await Promise.all([once(server, 'secureConnection'), open(t, options, port, asked)])
    assert.is((socket as TLSSocket).servername, name)
  }
})

alone('sessions are resumed, unless none are kept', async (t) => {
  const { port } = await serve(t, 'membio', () => {}, { maxVersion: 'TLSv1.2' })
  const connect = connector(trust())
  const none = connector({ ...trust(), maxCachedSessions: 0 })
  assert.is((await using(t, connect, port)).isSessionReused(), false)
  assert.is((await using(t, connect, port)).isSessionReused(), true)
  await using(t, none, port)
  assert.is((await using(t, none, port)).isSessionReused(), false)
})

h1('the next connection resumes, though undici ends each with an error', async (t) => {
  const { server, port } = await serve(t, 'membio', echo, { maxVersion: 'TLSv1.2' })
  const resumed: boolean[] = []
  server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()))
  const connect = connector(trust())
  for (let round = 0; round < 2; round++) {
    const agent = new Agent({ connect: connect as buildConnector.connector })
    const { body } = await request(`https://127.0.0.1:${port}/`, { dispatcher: agent, method: 'POST', body: 'x' })
    assert.is(await body.text(), 'x')
    await agent.close()
  }
  assert.equal(resumed, [false, true])
})

alone('allowH2 offers both', async (t) => {
  const server = http2.createSecureServer({ ...identity(), allowHTTP1: true })
  const port = await listen(t, server as unknown as net.Server)
  assert.is((await open(t, {}, port)).alpnProtocol, 'http/1.1')
  assert.is((await open(t, { allowH2: true }, port)).alpnProtocol, 'h2')
})

alone('a server that is not trusted', async (t) => {
  const { port } = await serve(t, 'membio', () => {})
  assert.is((await failureOf(open(t, { ca: strangeRoot().cert }, port))).code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.is((await failureOf(open(t, {}, port, { servername: 'other.test' }))).code, 'ERR_TLS_CERT_ALTNAME_INVALID')
})

alone('timeout: a server that says nothing', async (t) => {
  const port = await listen(t, net.createServer((socket) => socket.on('error', () => {}).resume()))
  const error = await failureOf(open(t, { timeout: 50 }, port))
  assert.equal([error.name, error.code], ['ConnectTimeoutError', 'UND_ERR_CONNECT_TIMEOUT'])
})

alone('a socket that is destroyed meanwhile', async (t) => {
  const port = await listen(t, net.createServer((socket) => socket.on('error', () => {}).resume()))
  const asked = { hostname: '127.0.0.1', protocol: 'https:', port }
  const failed = new Promise<NodeJS.ErrnoException | null>((resolve) => {
    connector(trust())(asked, (...[error]) => resolve(error)).destroy()
  })
  assert.is((await failed)?.code, 'ECONNRESET')
})

alone('httpSocket: over a connection that is there already', async (t) => {
  const { port } = await serve(t, 'membio', () => {})
  const httpSocket = net.connect(port, '127.0.0.1')
  await once(httpSocket, 'connect')
  assert.is((await open(t, {}, 1, { httpSocket })).authorized, true)
})

for (const maxCachedSessions of [-1, 1.5]) {
  alone(`maxCachedSessions: ${maxCachedSessions} is refused`, () => {
    assert.throws(() => connector({ maxCachedSessions }), /maxCachedSessions/)
  })
}

// ---- HTTP/2, proxies. ----

const more = suite('https: connector, HTTP/2 and proxies')

for (const side of ['membio', 'node'] as const) {
  more(`undici speaks h2 to ${side}`, async (t) => {
    const { createSecureServer } = MODULES[side].http2
    const server = createSecureServer(identity(), (request, response) => response.end(`${request.httpVersion} ${request.url}`))
    const port = await listen(t, server as unknown as net.Server)
    const agent = dispatcher(t, { allowH2: true }, { allowH2: true })
    const one = async (path: string) => (await request(`https://127.0.0.1:${port}${path}`, { dispatcher: agent })).body.text()
    const bodies = await Promise.all(['/1', '/2', '/3'].map(one))
    assert.equal(bodies, ['2.0 /1', '2.0 /2', '2.0 /3'])
  })
}

for (const kind of ['plain', 'membio', 'node'] as const) {
  more(`the proxy option: through a proxy (${kind})`, async (t) => {
    const proxy = await connectProxy(t, kind)
    const { port } = await serve(t, 'membio', (request, response) => response.end(request.url))
    const agent = dispatcher(t, { proxy: { url: proxy.url, lookup: toLoopback, ...trust() } })
    const { body } = await request(`https://127.0.0.1:${port}/through`, { dispatcher: agent })
    assert.is(await body.text(), '/through')
    assert.equal(proxy.asked, [`127.0.0.1:${port}`])
  })

  more(`httpSocket: in a tunnel that undici opened (${kind})`, async (t) => {
    const proxy = await connectProxy(t, kind)
    const { port } = await serve(t, 'membio', (request, response) => response.end(request.url))
    const toProxy = new Client(proxy.url, { connect: connector({ ...trust(), lookup: toLoopback }) })
    t.defer(() => toProxy.destroy())
    const toTarget = connector(trust())
    const connect: buildConnector.connector = async (asked, callback) => {
      const { socket, statusCode } = await toProxy.connect({ path: asked.host! })
      assert.is(statusCode, 200)
      toTarget({ ...asked, httpSocket: socket as net.Socket } as httpsNames.ConnectRequest, callback as httpsNames.ConnectCallback)
    }
    const agent = new Agent({ connect })
    t.defer(() => agent.destroy())
    const { body } = await request(`https://127.0.0.1:${port}/in-tunnel`, { dispatcher: agent })
    assert.is(await body.text(), '/in-tunnel')
  })
}
