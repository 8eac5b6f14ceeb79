// membio/http2: sessions over membio's TLS as client and as server, with Node on the other side too.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import type * as http from 'node:http'
import * as nodeHttp2 from 'node:http2'
import * as net from 'node:net'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import tls from '../../src/tls/index.ts'
import { client as goodClient, strangeRoot } from '../support/certs.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { agentOf, ask, http2, https, httpsNames, identity, listen, MODULES, PAIRS } from './support.ts'
import { sha256, text, toLoopback, trust, type Side } from './support.ts'

type OnStream = (stream: nodeHttp2.ServerHttp2Stream, headers: nodeHttp2.IncomingHttpHeaders) => void

async function serve(t: Case, side: Side, options: nodeHttp2.SecureServerOptions, onStream?: OnStream) {
  const server = MODULES[side].http2.createSecureServer({ ...identity(), ...options })
  if (onStream) server.on('stream', onStream)
  return { server, port: await listen(t, server as unknown as net.Server) }
}

function connect(t: Case, side: Side, port: number, options: http2.ConnectOptions = {}): nodeHttp2.ClientHttp2Session {
  const module = MODULES[side].http2 as typeof http2
  const session = module.connect(`https://localhost:${port}`, { ...trust(), lookup: toLoopback, ...options } as http2.ConnectOptions)
  t.defer(() => session.destroy())
  return session
}

// ---- Both sides. ----

const both = suite('http2: membio and node')

for (const [client, server] of PAIRS) {
  both(`${client} asks ${server}: streams side by side`, async (t) => {
    const { port } = await serve(t, server, {}, (stream, headers) => {
      stream.respond({ ':status': 200, 'x-path': headers[':path'] })
      stream.end(`${headers[':scheme']} ${headers[':authority']}`)
    })
    const session = connect(t, client, port)
    const one = async (path: string) => {
      const stream = session.request({ ':path': path })
      const [headers] = (await once(stream, 'response')) as [nodeHttp2.IncomingHttpHeaders]
      return [headers['x-path'], await text(stream)]
    }
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`)
    assert.equal(await Promise.all(paths.map(one)), paths.map((path) => [path, `https localhost:${port}`]))
  })

  both(`${client} sends ${server} a megabyte, and gets it back`, async (t) => {
    const { port } = await serve(t, server, {}, (stream) => {
      stream.respond()
      stream.pipe(stream)
    })
    const sent = pattern(1 << 20)
    const stream = connect(t, client, port).request({ ':method': 'POST' })
    stream.end(sent)
    const { bytes, hash } = await sha256(stream)
    const { createHash } = await import('node:crypto')
    assert.is(bytes, sent.length)
    assert.is(hash, createHash('sha256').update(sent).digest('hex'))
  })

  both(`${client} and ${server}: each knows that it is encrypted, and with whom`, async (t) => {
    const seen = new Promise<unknown[]>((resolve) => {
      void serve(t, server, { requestCert: true, ...trust() }, (stream) => {
        const { session } = stream
        const socket = session!.socket as TLSSocket
        const { subject } = socket.getPeerCertificate()
        resolve([session!.encrypted, session!.alpnProtocol, socket.encrypted, socket.authorized, subject.CN, socket.remoteAddress])
        stream.respond({}, { endStream: true })
      }).then(({ port }) => {
        const session = connect(t, client, port, goodClient())
        session.request().resume()
      })
    })
    assert.equal(await seen, [true, 'h2', true, true, 'client.test', '127.0.0.1'])
  })

  both(`${client} closes its session with ${server}, and the connection ends`, async (t) => {
    const { server: listening, port } = await serve(t, server, {}, (stream) => stream.respond({}, { endStream: true }))
    const ended = once(listening, 'session').then(([session]: nodeHttp2.ServerHttp2Session[]) => once(session!, 'close'))
    const session = connect(t, client, port)
    await text(session.request())
    session.close()
    await Promise.all([once(session, 'close'), ended])
  })
}

// ---- The client. ----

const asking = suite('http2: connect')

asking('a session is connecting until the server is known; what is asked before waits', async (t) => {
  const { port } = await serve(t, 'membio', {}, (stream) => stream.end('x'))
  const session = connect(t, 'membio', port)
  const stream = session.request()
  assert.equal([session.connecting, session.encrypted, session.alpnProtocol], [true, undefined, undefined])
  const [told, socket] = (await once(session, 'connect')) as [unknown, TLSSocket]
  assert.is(told, session)
  assert.instance(socket, tls.TLSSocket)
  assert.equal([session.connecting, session.encrypted, session.alpnProtocol], [false, true, 'h2'])
  assert.equal(session.originSet, [`https://localhost:${port}`])
  assert.is(await text(stream), 'x')
})

const REFUSED = [
  { name: 'an unknown authority', options: { ca: strangeRoot().cert }, code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  { name: 'another name', options: { servername: 'other.test' }, code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
]
for (const { name, options, code } of REFUSED) {
  asking(`a server refused for ${name}: neither 'connect' nor a stream`, async (t) => {
    const { port } = await serve(t, 'membio', {}, () => assert.unreachable())
    const session = connect(t, 'membio', port, options)
    session.on('connect', () => assert.unreachable())
    const stream = session.request()
    const failed = once(stream, 'error')
    const [error] = (await once(session, 'error')) as [Error & { code: string }]
    assert.is(error.code, code)
    assert.is(((await failed) as [Error & { code: string }])[0].code, 'ERR_HTTP2_STREAM_CANCEL')
  })
}

asking('by promisify, by URL, by options; in clear text for http:', async (t) => {
  const { port } = await serve(t, 'membio', {}, (stream) => stream.end('x'))
  const promised = await (promisify(http2.connect) as unknown as (url: string, options: object) => Promise<nodeHttp2.ClientHttp2Session>)(
    `https://localhost:${port}`,
    { ...trust(), lookup: toLoopback },
  )
  t.defer(() => promised.destroy())
  assert.is(await text(promised.request()), 'x')
  const plain = nodeHttp2.createServer((_request, response) => response.end('plain'))
  const session = http2.connect(new URL(`http://127.0.0.1:${await listen(t, plain)}`))
  t.defer(() => session.destroy())
  assert.is(await text(session.request()), 'plain')
  assert.is(session.encrypted, false)
})

asking('http2Connection for those who call node:http2 themselves', async (t) => {
  const { port } = await serve(t, 'node', {}, (stream) => stream.end('x'))
  const createConnection = httpsNames.http2Connection({ ...trust(), lookup: toLoopback }) as never
  const session = nodeHttp2.connect(`https://localhost:${port}`, { createConnection })
  t.defer(() => session.destroy())
  assert.is(await text(session.request()), 'x')
})

asking('everything else is node:http2’s', () => {
  const names = Object.keys(nodeHttp2).filter((name) => name !== 'default')
  for (const name of names.filter((name) => name !== 'connect' && name !== 'createSecureServer')) {
    assert.is(http2[name as 'constants'], nodeHttp2[name as 'constants'], name)
    assert.is(http2.default[name as 'constants'], nodeHttp2[name as 'constants'], name)
  }
})

// ---- The server. ----

const serving = suite('http2: createSecureServer')

serving("is a tls.Server; requests come by 'request' as well as by 'stream', each once, and say who asks", async (t) => {
  const streams: unknown[] = []
  const server = http2.createSecureServer({ ...identity() }, (request, response) => {
    const { encrypted } = request.socket as TLSSocket
    response.end(`${request.httpVersion} ${request.method} ${request.url} ${encrypted}`)
  })
  server.on('stream', (stream) => streams.push(stream))
  const port = await listen(t, server as unknown as net.Server)
  assert.instance(server, tls.Server)
  const session = connect(t, 'node', port)
  assert.is(await text(session.request({ ':path': '/a' })), '2.0 GET /a true')
  assert.is(streams.length, 1)
})

serving("'session' is told with a session that knows this server", async (t) => {
  const { server, port } = await serve(t, 'membio', {}, (stream) => stream.end())
  connect(t, 'node', port)
  const [session] = (await once(server, 'session')) as [nodeHttp2.ServerHttp2Session & { server: unknown }]
  assert.ok(session.server === server)
  assert.equal([session.encrypted, session.alpnProtocol], [true, 'h2'])
})

for (const side of ['membio', 'node'] as const) {
  serving(`allowHTTP1: ${side} asks over HTTP/1.1, and is answered by the same listener`, async (t) => {
    const answer = (request: http.IncomingMessage, response: http.ServerResponse) => response.end(`${request.httpVersion} ${request.url}`)
    const server = http2.createSecureServer({ ...identity(), allowHTTP1: true }, answer as never)
    const port = await listen(t, server as unknown as net.Server)
    const agent = agentOf(t, side, { keepAlive: true })
    assert.is((await ask(side, { port, agent, path: '/1' })).body, '1.1 /1')
    assert.is((await ask(side, { port, agent, path: '/2' })).request.reusedSocket, true)
    assert.is(await text(connect(t, side, port).request({ ':path': '/3' })), '2.0 /3')
  })
}

serving("without it, 'unknownProtocol', or 403 where nobody listens", async (t) => {
  const { server, port } = await serve(t, 'membio', {}, () => assert.unreachable())
  const talk = () => text(tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ...trust() }))
  assert.match(await talk(), /^HTTP\/1\.0 403 Forbidden/)
  server.on('unknownProtocol', (socket: TLSSocket) => socket.end(String(socket.alpnProtocol)))
  assert.is(await talk(), 'false')
})

serving('updateSettings: for sessions to come', async (t) => {
  const { server, port } = await serve(t, 'membio', { settings: { maxConcurrentStreams: 3 } })
  const limit = async () => ((await once(connect(t, 'node', port), 'remoteSettings')) as [nodeHttp2.Settings])[0].maxConcurrentStreams
  assert.is(await limit(), 3)
  server.updateSettings({ maxConcurrentStreams: 5 })
  assert.is(await limit(), 5)
})

serving("setTimeout: 'timeout' with the session on which nothing happens", async (t) => {
  const { server, port } = await serve(t, 'membio', {}, () => {})
  const told = new Promise((resolve) => void server.setTimeout(20, resolve as never))
  const opened = once(server, 'session')
  connect(t, 'node', port).request()
  const [session] = await opened
  assert.is(await told, session)
})

serving('a handshake that fails is told; connections after it are served', async (t) => {
  const { server, port } = await serve(t, 'membio', {}, (stream) => stream.end('x'))
  const told = once(server, 'clientError')
  net.connect(port, '127.0.0.1').on('error', () => {}).end('GET / HTTP/1.1\r\n\r\n')
  assert.is(((await told) as [Error & { code: string }])[0].code, 'ERR_SSL_HTTP_REQUEST')
  assert.is(await text(connect(t, 'node', port).request()), 'x')
})

serving('https and http2 in one program, a proxy of one to the other', async (t) => {
  const { port } = await serve(t, 'membio', {}, (stream, headers) => stream.end(`behind ${headers[':path']}`))
  const session = connect(t, 'membio', port)
  const front = https.createServer(identity(), (request, response) => session.request({ ':path': request.url! }).pipe(response))
  assert.is((await ask('membio', { port: await listen(t, front), agent: agentOf(t, 'membio'), path: '/there' })).body, 'behind /there')
})
