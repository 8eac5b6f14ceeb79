// Server: a tls.Server in front, an http.Server behind, and to programs one thing.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import * as http from 'node:http'
import * as nodeHttps from 'node:https'
import * as net from 'node:net'
import type { TLSSocket } from 'node:tls'
import tls from '../../src/tls/index.ts'
import { serverFor } from '../support/certs.ts'
import { suite, type Case } from '../support/suite.ts'
import { agentOf, answered, ask, failure, https, identity, listen, PAIRS, serve, text, trust, type Handler } from './support.ts'

const shape = suite('https: Server')

shape('is a tls.Server, made with new or without, and has the properties of an http.Server as Node sets them', (t) => {
  const made = [https.createServer(identity()), new https.Server(identity()), https.Server(identity())]
  t.defer(() => made.forEach((server) => server.emit('close')))
  const theirs = nodeHttps.createServer() as unknown as Record<string, unknown>
  const ours = made[0] as unknown as Record<string, unknown>
  for (const server of made) for (const Class of [https.Server, tls.Server, net.Server]) assert.instance(server, Class)
  const times = ['timeout', 'keepAliveTimeout', 'headersTimeout', 'requestTimeout']
  for (const name of [...times, 'maxHeadersCount', 'maxRequestsPerSocket', 'httpAllowHalfOpen'])
    assert.is(ours[name], name in theirs ? theirs[name] : 0, name)
})

const INVALID: [name: string, options: object, code: string][] = [
  ['a number for options', 1 as never, 'ERR_INVALID_ARG_TYPE'],
  ['keepAliveTimeout', { keepAliveTimeout: -1 }, 'ERR_OUT_OF_RANGE'],
  ['headersTimeout beyond requestTimeout', { headersTimeout: 2, requestTimeout: 1 }, 'ERR_OUT_OF_RANGE'],
  ['a handshakeTimeout in words', { handshakeTimeout: 'long' }, 'ERR_INVALID_ARG_TYPE'],
]
for (const [name, options, code] of INVALID) {
  shape(`refuses ${name}`, () => {
    try {
      https.createServer(options)
    } catch (error) {
      return assert.is((error as { code: string }).code, code)
    }
    assert.unreachable('nothing was thrown')
  })
}

shape('a listener sees this server, as `this` and at the socket', async (t) => {
  const seen: unknown[] = []
  const { server, port } = await serve(t, 'membio', function (this: unknown, request, response) {
    seen.push(this, (request.socket as unknown as { server: unknown }).server)
    response.end()
  } as Handler)
  await ask('membio', { port, agent: agentOf(t, 'membio') })
  assert.ok(seen.length === 2 && seen.every((one) => one === server))
})

shape('classes of one’s own for messages', async (t) => {
  class Request extends http.IncomingMessage {
    who = 'mine'
  }
  class Response<R extends http.IncomingMessage> extends http.ServerResponse<R> {
    say(words: string) {
      this.end(words)
    }
  }
  const options = { IncomingMessage: Request, ServerResponse: Response }
  const { port } = await serve(t, 'membio', (request, response) => (response as Response<Request>).say((request as Request).who), options)
  assert.is((await ask('membio', { port, agent: agentOf(t, 'membio') })).body, 'mine')
})

shape('TLS over any stream that is emitted as a connection', async (t) => {
  const server = https.createServer(identity(), (_request, response) => response.end('injected'))
  const port = await listen(t, net.createServer((socket) => server.emit('connection', socket)))
  t.defer(() => server.emit('close'))
  assert.is((await ask('node', { port, agent: agentOf(t, 'node') })).body, 'injected')
})

shape('setSecureContext and addContext: other certificates for connections to come', async (t) => {
  const { server, port } = await serve(t, 'membio', (_request, response) => response.end())
  server.addContext('other.test', serverFor('other.test'))
  const agent = agentOf(t, 'membio')
  const name = async (servername: string) => (await ask('membio', { port, agent, servername })).socket.getPeerCertificate().subject.CN
  assert.is(await name('other.test'), 'other.test')
  assert.is(await name('server.test'), 'server.test')
  server.setSecureContext(serverFor('third.test'))
  assert.is(await name('third.test'), 'third.test')
})

// ---- Events. ----

const events = suite('https: Server events')

for (const [side, server] of PAIRS) {
  events(`${side} upgrades at ${server}: from then on it is a stream, and half-closed in its time`, async (t) => {
    const { server: listening, port } = await serve(t, server, (_request, response) => response.end('no upgrade'))
    listening.on('upgrade', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
      socket.write(`HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`)
      socket.write(head)
      socket.pipe(socket)
    })
    const request = requestTo(side, { port, headers: { Connection: 'Upgrade', Upgrade: 'echo' }, agent: agentOf(t, side) })
    request.end()
    const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, net.Socket]
    assert.is(response.headers.upgrade, 'echo')
    socket.end('and back')
    assert.is(await text(socket), 'and back')
  })

  events(`${side} asks ${server} for a tunnel by CONNECT`, async (t) => {
    const { server: listening, port } = await serve(t, server, () => {})
    listening.on('connect', (request: http.IncomingMessage, socket: net.Socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\nto ${request.url}`))
    const request = requestTo(side, { port, method: 'CONNECT', path: 'there:1', agent: agentOf(t, side) })
    request.end()
    const [response, socket, head] = (await once(request, 'connect')) as [http.IncomingMessage, net.Socket, Buffer]
    assert.is(response.statusCode, 200)
    assert.is(String(head) + (await text(socket)), 'to there:1')
  })

  events(`${side} expects ${server} to say when to go on`, async (t) => {
    const { server: listening, port } = await serve(t, server, () => assert.unreachable())
    listening.on('checkContinue', async (request: http.IncomingMessage, response: http.ServerResponse) => {
      response.writeContinue()
      response.end((await text(request)).toUpperCase())
    })
    const request = requestTo(side, { port, method: 'POST', headers: { Expect: '100-continue' }, agent: agentOf(t, side) })
    request.flushHeaders()
    await once(request, 'continue')
    request.end('go on')
    assert.is((await answered(request)).body, 'GO ON')
  })
}

events("what is no HTTP is told by 'clientError', and answered with 400 where nobody listens", async (t) => {
  const { server, port } = await serve(t, 'membio', () => assert.unreachable())
  const talk = async () => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ...trust() })
    socket.end('nonsense\r\n\r\n')
    return text(socket)
  }
  assert.match(await talk(), /^HTTP\/1\.1 400 Bad Request\r\n/)
  const codes: unknown[] = []
  server.on('clientError', (error: Error & { code: string }, socket) => (codes.push(error.code), socket.end('mine')))
  assert.is(await talk(), 'mine')
  assert.equal(codes, ['HPE_INVALID_METHOD'])
})

events("a handshake that fails is told by 'tlsClientError' and 'clientError'", async (t) => {
  const { server, port } = await serve(t, 'membio', () => assert.unreachable())
  const told = Promise.all([once(server, 'tlsClientError'), once(server, 'clientError')])
  net.connect(port, '127.0.0.1').on('error', () => {}).end('GET / HTTP/1.1\r\n\r\n')
  const [[first], [second]] = (await told) as [[Error & { code: string }], [Error]]
  assert.is(first.code, 'ERR_SSL_HTTP_REQUEST')
  assert.is(second, first)
})

events("maxRequestsPerSocket: 'dropRequest' for what is too much", async (t) => {
  const { server, port } = await serve(t, 'membio', (_request, response) => response.end('x'))
  server.maxRequestsPerSocket = 1
  let dropped = 0
  server.on('dropRequest', () => dropped++)
  const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ...trust() })
  const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n'
  socket.end(`${get}\r\n${get}Connection: close\r\n\r\n`)
  assert.equal((await text(socket)).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'])
  assert.is(dropped, 1)
})

events('captureRejections: a handler that fails answers 500', async (t) => {
  const { EventEmitter } = await import('node:events')
  EventEmitter.captureRejections = true
  t.defer(() => void (EventEmitter.captureRejections = false))
  const { port } = await serve(t, 'membio', () => Promise.reject(new Error('oops')) as never)
  EventEmitter.captureRejections = false
  assert.is((await ask('membio', { port, agent: agentOf(t, 'membio') })).status, 500)
})

// ---- Limits. ----

const limits = suite('https: Server limits')

limits('keepAliveTimeout closes a connection that waits', async (t) => {
  const { server, port } = await serve(t, 'membio', (_request, response) => response.end())
  server.keepAliveTimeout = 1
  if ('keepAliveTimeoutBuffer' in server) server.keepAliveTimeoutBuffer = 0
  const { socket } = await ask('membio', { port, agent: agentOf(t, 'membio', { keepAlive: true }) })
  await once(socket, 'close')
})

limits("setTimeout: 'timeout' for a connection on which nothing happens; without a listener it is closed", async (t) => {
  const { server, port } = await serve(t, 'membio', () => {})
  const heard = new Promise<TLSSocket>((resolve) => void server.setTimeout(20, resolve as never))
  const agent = agentOf(t, 'membio')
  const request = https.get({ host: '127.0.0.1', port, agent })
  const socket = await heard
  assert.is(socket.encrypted, true)
  server.removeAllListeners('timeout')
  socket.destroy()
  assert.is((await failure(request)).code, 'ECONNRESET')
  assert.is((await failure(https.get({ host: '127.0.0.1', port, agent }))).code, 'ECONNRESET')
})

for (const name of ['headersTimeout', 'requestTimeout'] as const) {
  limits(`${name}: 408 for a request that does not come to its end`, async (t) => {
    const options = { [name]: 50, connectionsCheckingInterval: 20 }
    const { port } = await serve(t, 'membio', (request) => request.resume().on('error', () => {}), options)
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ...trust() })
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n')
    if (name === 'requestTimeout') socket.write('\r\n')
    assert.match(await text(socket), /^HTTP\/1\.1 408 Request Timeout\r\n/)
  })
}

limits('maxHeaderSize: 431', async (t) => {
  const { port } = await serve(t, 'membio', () => assert.unreachable(), { maxHeaderSize: 100 })
  const { status } = await ask('membio', { port, agent: agentOf(t, 'membio'), headers: { long: 'x'.repeat(200) } })
  assert.is(status, 431)
})

limits('maxHeadersCount', async (t) => {
  const { server, port } = await serve(t, 'membio', (request, response) => response.end(String(Object.keys(request.headers).length)))
  server.maxHeadersCount = 3
  const { body } = await ask('membio', { port, agent: agentOf(t, 'membio'), headers: { Host: 'localhost', a: 1, b: 2, c: 3, d: 4 } })
  assert.is(body, '3')
})

// ---- The end. ----

const closing = suite('https: Server closes')

/** One connection that waits for a request, and one whose request waits for an answer. */
async function withTwo(t: Case) {
  let answer = () => {}
  const { server, port } = await serve(t, 'membio', (request, response) => {
    if (request.url === '/now') response.end()
    else answer = () => response.end('late')
  })
  const agent = agentOf(t, 'membio', { keepAlive: true })
  const idle = (await ask('membio', { port, agent, path: '/now' })).socket
  const busy = https.get({ host: '127.0.0.1', servername: 'localhost', port, agent: agentOf(t, 'membio'), path: '/later' })
  await once(server, 'request')
  return { server, idle, busy, answer: () => answer() }
}

closing('close: those that wait at once, those that are busy when they are done; then it calls back', async (t) => {
  const { server, idle, busy, answer } = await withTwo(t)
  let called = false
  const closed = new Promise<void>((resolve, reject) => server.close((error) => ((called = true), error ? reject(error) : resolve())))
  await once(idle, 'close')
  assert.is(called, false)
  answer()
  assert.is((await answered(busy)).body, 'late')
  await closed
})

closing('closeIdleConnections leaves the busy ones alone', async (t) => {
  const { server, idle, busy, answer } = await withTwo(t)
  server.closeIdleConnections()
  await once(idle, 'close')
  answer()
  assert.is((await answered(busy)).body, 'late')
})

closing('closeAllConnections ends all', async (t) => {
  const { server, idle, busy } = await withTwo(t)
  const ended = once(idle, 'close')
  server.closeAllConnections()
  assert.is((await failure(busy)).code, 'ECONNRESET')
  await ended
})

closing('asyncDispose', async (t) => {
  const { server, idle, busy, answer } = await withTwo(t)
  const disposed = server[Symbol.asyncDispose]()
  answer()
  await Promise.all([answered(busy), disposed, once(idle, 'close')])
  assert.is(server.listening, false)
})

closing('close of a server that does not listen says so; after close it can listen again', async (t) => {
  const server = https.createServer(identity(), (_request, response) => response.end('again'))
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => server.close(resolve))
  assert.is(error?.code, 'ERR_SERVER_NOT_RUNNING')
  for (let round = 0; round < 2; round++) {
    const port = await listen(t, server)
    assert.is((await ask('membio', { port, agent: agentOf(t, 'membio') })).body, 'again')
    server.close()
    await once(server, 'close')
  }
})

function requestTo(side: 'membio' | 'node', options: nodeHttps.RequestOptions): http.ClientRequest {
  const module = side === 'membio' ? https : nodeHttps
  return module.request({ host: '127.0.0.1', servername: 'localhost', ...options })
}
