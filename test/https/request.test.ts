// request and get in all their forms; who is checked; aborts and timeouts.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import * as net from 'node:net'
import { join } from 'node:path'
import { issue, root, strangeRoot } from '../support/certs.ts'
import { folder } from '../support/peers.ts'
import { suite } from '../support/suite.ts'
import { agentOf, answered, ask, failure, https, httpsNames, identity } from './support.ts'
import { listen, MODULES, PAIRS, serve, toLoopback, trust } from './support.ts'

const test = suite('https: request')

test('the module has the names of node:https, each also by itself', () => {
  assert.equal(Object.keys(https).sort(), Object.keys(MODULES.node.https).filter((name) => name !== 'default').sort())
  for (const name of Object.keys(https)) assert.is(httpsNames[name as 'get'], https[name as 'get'], name)
})

for (const [client, server] of PAIRS) {
  test(`${client} asks ${server}: headers, body and trailers arrive, both ways`, async (t) => {
    const { port } = await serve(t, server, (request, response) => {
      response.writeHead(207, { 'X-Method': request.method, 'X-Path': request.url, Trailer: 'X-Last' })
      request.on('data', (chunk) => response.write(`[${String(chunk)}]`))
      request.on('end', () => {
        response.addTrailers({ 'X-Last': 'yes' })
        response.end()
      })
    })
    const agent = agentOf(t, client)
    const answer = await ask(client, { port, agent, method: 'PUT', path: '/a?b=c', headers: { 'content-type': 'text/plain' } }, 'grüße')
    assert.is(answer.status, 207)
    assert.is(answer.headers['x-method'], 'PUT')
    assert.is(answer.headers['x-path'], '/a?b=c')
    assert.is(answer.body, '[grüße]')
  })
}

const where = (url: string) => ({ port: new URL(url).port, path: '/path?q' })

const FORMS: { name: string; call: (url: string, options: object) => ReturnType<typeof https.get> }[] = [
  { name: 'a string', call: (url, options) => https.get(url, options) },
  { name: 'a URL', call: (url, options) => https.get(new URL(url), options) },
  { name: 'options', call: (url, options) => https.get({ host: 'localhost', ...where(url), ...options }) },
  { name: 'hostname', call: (url, options) => https.get({ hostname: 'localhost', host: 'no.test', ...where(url), ...options }) },
  { name: 'options that override the URL', call: (url, options) => https.get(url.replace('path?q', ''), { path: '/path?q', ...options }) },
]
for (const { name, call } of FORMS) {
  test(`get takes ${name}, with and without a callback`, async (t) => {
    const { port } = await serve(t, 'membio', (request, response) => response.end(`${request.headers.host} ${request.url}`))
    const agent = agentOf(t, 'membio')
    const { body } = await answered(call(`https://localhost:${port}/path?q`, { agent, lookup: toLoopback }))
    assert.is(body, `localhost:${port} /path?q`)
  })
}

test('the callback gets the response', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end('x'))
  const agent = agentOf(t, 'membio')
  const status = await new Promise((resolve) =>
    https.get({ host: '127.0.0.1', port, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    }),
  )
  assert.is(status, 200)
})

test('basic authorization from the URL', async (t) => {
  const { port } = await serve(t, 'membio', (request, response) => response.end(request.headers.authorization))
  const { body } = await answered(https.get(`https://user:p%40ss@127.0.0.1:${port}/`, { agent: agentOf(t, 'membio') }))
  assert.is(body, `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
})

const REFUSED: { name: string; call: () => unknown; code: string }[] = [
  { name: 'a URL that is none', call: () => https.get('no url'), code: 'ERR_INVALID_URL' },
  { name: 'http:', call: () => https.get('http://localhost/'), code: 'ERR_INVALID_PROTOCOL' },
  { name: 'a header with a line break', call: () => https.request({ headers: { a: 'b\r\nc: d' } }), code: 'ERR_INVALID_CHAR' },
  { name: 'an agent that is none', call: () => https.get({ agent: {} as never }), code: 'ERR_INVALID_ARG_TYPE' },
]
for (const { name, call, code } of REFUSED) {
  test(`${name} is refused`, () => {
    try {
      call()
    } catch (error) {
      return assert.is((error as { code?: string }).code, code)
    }
    assert.unreachable('nothing was thrown')
  })
}

// ---- Whom we talk to. ----

const check = suite('https: whom a request talks to')

const mine = () => Object.assign(new Error('no'), { code: 'MINE' })

const UNTRUSTED = [
  { name: 'an unknown authority', options: { ca: strangeRoot().cert }, code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  { name: 'another name', options: { ...trust(), servername: 'other.test' }, code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  { name: 'a check of its own', options: { ...trust(), checkServerIdentity: mine }, code: 'MINE' },
]
for (const { name, options, code } of UNTRUSTED) {
  check(`a server refused for ${name} gets no request`, async (t) => {
    let requests = 0
    const { port } = await serve(t, 'membio', (_request, response) => (requests++, response.end()))
    const error = await failure(https.get({ host: '127.0.0.1', servername: 'localhost', port, agent: false, ...options }))
    assert.is(error.code, code, error.message)
    assert.is(requests, 0)
  })
}

check('rejectUnauthorized: false takes it, and says so on the socket', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end('x'))
  const { socket } = await ask('membio', { port, agent: false, ca: strangeRoot().cert, rejectUnauthorized: false })
  assert.is(socket.authorized, false)
  assert.is(String(socket.authorizationError), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

for (const [client, server] of PAIRS) {
  check(`${client} shows ${server} its certificate`, async (t) => {
    const shown = (request: { socket: unknown }) => (request.socket as import('node:tls').TLSSocket).getPeerCertificate().subject.CN
    const { port } = await serve(t, server, (request, response) => response.end(String(shown(request))), { requestCert: true, ...trust() })
    const own = issue({ subject: { CN: 'me' }, usage: ['client'] }, root())
    const { body } = await ask(client, { port, agent: agentOf(t, client), ...own })
    assert.is(body, 'me')
  })
}

// ---- Sockets of one's own, and other addresses. ----

const socket = suite('https: connections')

socket('createConnection brings the socket, and the request is still one for https', async (t) => {
  const { port } = await serve(t, 'membio', (request, response) => response.end(request.headers.host))
  const createConnection = () => MODULES.membio.tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ...trust() })
  const request = https.get('https://localhost/', { createConnection })
  assert.is(request.protocol, 'https:')
  assert.is((await answered(request)).body, 'localhost')
})

socket('a Unix socket', async (t) => {
  const path = join(folder(t), 'socket')
  const server = https.createServer(identity(), (_request, response) => response.end('local'))
  await listen(t, server, path)
  const { body } = await answered(https.get({ socketPath: path, servername: 'localhost', agent: agentOf(t, 'membio') }))
  assert.is(body, 'local')
})

socket('nobody listens: ECONNREFUSED', async (t) => {
  const closed = net.createServer()
  const port = await listen(t, closed)
  closed.close()
  await once(closed, 'close')
  const error = await failure(https.get({ host: '127.0.0.1', port, agent: false }))
  assert.is(error.code, 'ECONNREFUSED')
})

socket('a server that speaks no TLS: an error, not a hang', async (t) => {
  const port = await listen(t, net.createServer((plain) => plain.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const error = await failure(https.get({ host: '127.0.0.1', port, agent: false }))
  assert.match(String(error.code), /^ERR_SSL_|EPROTO/)
})

socket('a server that hangs up in the handshake: ECONNRESET', async (t) => {
  const port = await listen(t, net.createServer((plain) => plain.on('error', () => {}).once('data', () => plain.end())))
  const error = await failure(https.get({ host: '127.0.0.1', port, agent: false }))
  assert.is(error.code, 'ECONNRESET', error.message)
})

// ---- Abort and timeout. ----

const ending = suite('https: aborts and timeouts')

ending('a signal aborts a request that waits for an answer; its connection is closed', async (t) => {
  const controller = new AbortController()
  const { server, port } = await serve(t, 'membio', () => controller.abort())
  const closed = new Promise((resolve) => server.once('secureConnection', (socket) => socket.on('close', resolve)))
  const request = https.get({ host: '127.0.0.1', port, agent: agentOf(t, 'membio'), signal: controller.signal })
  assert.is((await failure(request)).name, 'AbortError')
  await closed
})

ending('a request that is destroyed during the handshake leaves nothing', async (t) => {
  const port = await listen(t, net.createServer((plain) => plain.on('error', () => {}).resume()))
  const agent = agentOf(t, 'membio')
  const request = https.get({ host: '127.0.0.1', port, agent })
  const [connection] = (await once(request, 'socket')) as [net.Socket]
  await once(connection, 'connect')
  request.destroy()
  assert.is((await failure(request)).message, 'socket hang up')
  assert.equal(Object.keys(agent.sockets), [])
})

ending('timeout: the request hears it, and decides', async (t) => {
  const { port } = await serve(t, 'membio', () => {})
  const request = https.get({ host: '127.0.0.1', port, agent: agentOf(t, 'membio'), timeout: 50 })
  request.on('timeout', () => request.destroy(new Error('too slow')))
  assert.is((await failure(request)).message, 'too slow')
})

ending('the server hangs up in the middle of an answer: the response is aborted', async (t) => {
  const { port } = await serve(t, 'membio', (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('some', () => request.socket.destroy())
  })
  const request = https.get({ host: '127.0.0.1', port, agent: agentOf(t, 'membio') })
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  response.resume()
  const [error] = (await once(response, 'error')) as [Error & { code: string }]
  assert.is(error.code, 'ECONNRESET')
  assert.is(response.complete, false)
})
