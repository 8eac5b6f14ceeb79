// A WebSocket as a transport: through the proxy of the samples to a TCP peer, and what only a WebSocket can do. What it shares with every
// transport is in the conformance suite; `ws`, websockify and Wisp's server are in test/ecosystem.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { createContext } from '../../src/index.ts'
import {
  nodeSocket,
  webSocket,
  webSocketProxy,
  websockify,
  type ByteTransport,
  type TransportReceiver,
  type WebSocketLike,
  type WebSocketOptions,
} from '../../src/transport/index.ts'
import { transportSuite, type TransportPair } from '../conformance/transport.suite.ts'
import { HOST, root } from '../support/certs.ts'
import { concat } from '../support/chunk.ts'
import { pattern } from '../support/random.ts'
import { serveNode, sha256 } from '../support/sockets-node.ts'
import { listenTcp, Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'
import { dialWebSocket, frame, rawPair, serveProxy } from '../support/web-sockets.ts'

async function throughProxy(t: Case): Promise<TransportPair> {
  const accepted: Socket[] = []
  const { port, server } = await listenTcp(t, (socket) => accepted.push(socket))
  const arrived = once(server, 'connection')
  const { url } = webSocketProxy(`${await serveProxy(t)}/v1`, '127.0.0.1', port)
  const socket = dialWebSocket(t, url)
  const transport = webSocket(socket)
  await Promise.all([once(socket, 'open'), arrived])
  return [transport, nodeSocket(accepted[0]!)]
}

const RESET = /^(ECONNRESET|EPIPE)$/
transportSuite('WebSocket, to TCP', throughProxy, {
  backPressure: 50_000_000,
  pressure: 'by the second',
  halfClose: false,
  reset: RESET,
})
transportSuite('WebSocket, from TCP', async (t) => (await throughProxy(t)).reverse() as TransportPair, {
  backPressure: false, // this end of the WebSocket cannot be paused
  halfClose: false,
  reset: RESET,
})

class Listener implements TransportReceiver {
  readonly transport: ByteTransport
  readonly chunks: Uint8Array[] = []
  readonly log: string[] = []
  error: (Error & { code?: string }) | undefined
  #wake = (): void => {}

  constructor(socket: WebSocketLike, options?: WebSocketOptions) {
    this.transport = webSocket(socket, options)
    this.transport.attach(this)
  }

  onChunk(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.#wake()
  }
  onDrain(): void {
    this.#happened('drain')
  }
  onEof(): void {
    this.#happened('eof')
  }
  onError(error: Error): void {
    this.error = error
    this.#happened('error')
  }

  get bytes(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0)
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
  #happened(what: string): void {
    this.log.push(what)
    this.#wake()
  }
}

async function someTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await nextTurn()
}

const closeFrame = (code?: number, reason = ''): Buffer =>
  frame(8, code === undefined ? '' : Buffer.concat([Buffer.from([code >>> 8, code & 0xff]), Buffer.from(reason)]))

const test = suite('WebSocket transport')

test('one that is still connecting will do', async (t) => {
  const got: Buffer[] = []
  const { port } = await listenTcp(t, (socket) => socket.on('data', (chunk: Buffer) => got.push(chunk)))
  const socket = dialWebSocket(t, webSocketProxy(`${await serveProxy(t)}/v1`, '127.0.0.1', port).url)
  const { transport, log, until } = withMethods(new Listener(socket))
  assert.ok(transport.write(pattern(100)))
  assert.not(transport.write(pattern(2_000_000)))
  transport.end()
  transport.write(pattern(100))
  await until(() => log.includes('eof'))
  await someTurns()
  assert.is(Buffer.concat(got).length, 2_000_100)
})

function withMethods(listener: Listener) {
  return { transport: listener.transport, log: listener.log, until: listener.until.bind(listener) }
}

test('nobody at the other end: an error that says so', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const listener = new Listener(dialWebSocket(t, `ws://127.0.0.1:${port}/`))
  listener.transport.write(pattern(10))
  await listener.until(() => listener.log.length > 0)
  assert.equal(listener.log, ['error'])
  assert.is(typeof listener.error!.message, 'string')
})

test('a target that refuses, and one that is not allowed: the reason comes through', async (t) => {
  const proxy = await serveProxy(t, { targets: ['127.0.0.1:1'] })
  const answers = [/closed with code 4502: connect ECONNREFUSED 127\.0\.0\.1:1/, /4403: .* may not connect to 127\.0\.0\.1:2/]
  for (const [i, wanted] of answers.entries()) {
    const port = i + 1
    const listener = new Listener(dialWebSocket(t, webSocketProxy(`${proxy}/v1`, '127.0.0.1', port).url))
    listener.transport.write(pattern(10))
    await listener.until(() => listener.log.length > 0)
    assert.equal(listener.log, ['error'])
    assert.is(listener.error!.code, 'ECONNRESET')
    assert.match(listener.error!.message, wanted)
  }
})

const CLOSES: readonly { name: string; bytes: Buffer; told: string; message?: RegExp }[] = [
  { name: 'with code 1000', bytes: closeFrame(1000), told: 'eof' },
  { name: 'without a code', bytes: closeFrame(), told: 'eof' },
  { name: 'with code 1001', bytes: closeFrame(1001, 'bye'), told: 'error', message: /code 1001: bye/ },
  { name: 'with code 1011', bytes: closeFrame(1011), told: 'error', message: /code 1011$/ },
  { name: 'with code 4000', bytes: closeFrame(4000, 'out'), told: 'error', message: /code 4000: out/ },
  { name: 'with text', bytes: frame(1, 'hello'), told: 'error', message: /has brought text/ },
]

for (const { name, bytes, told, message } of CLOSES) {
  test(`a close ${name} is told as ${told}, once, after what came before it`, async (t) => {
    const [socket, peer] = await rawPair(t)
    const listener = new Listener(socket)
    peer.write(Buffer.concat([frame(2, pattern(50)), frame(2, ''), bytes]))
    await listener.until(() => listener.log.length > 0)
    await someTurns()
    assert.equal(listener.log, [told])
    assert.is(listener.bytes, 50)
    if (message) assert.match(listener.error!.message, message)
    listener.transport.write(pattern(10))
    listener.transport.end()
    listener.transport.reset()
  })
}

test('a connection cut off without a close frame is an error', async (t) => {
  const [socket, peer] = await rawPair(t)
  const listener = new Listener(socket)
  peer.end(frame(2, pattern(20)))
  await listener.until(() => listener.log.length > 0)
  assert.equal(listener.log, ['error'])
  assert.is(listener.bytes, 20)
})

test('what comes while paused is held, and told in order; pause holds the end, too', async (t) => {
  const [socket, peer] = await rawPair(t)
  const listener = new Listener(socket)
  listener.transport.pause()
  for (let i = 0; i < 10; i++) peer.write(frame(2, pattern(100, i)))
  peer.write(closeFrame(1000))
  await once(socket, 'close')
  await someTurns()
  assert.equal([listener.bytes, listener.log], [0, []])
  listener.transport.resume()
  assert.is(listener.bytes, 0)
  await listener.until(() => listener.log.length > 0)
  assert.equal(concat(listener.chunks), concat(Array.from({ length: 10 }, (_, i) => pattern(100, i))))
  assert.equal(listener.log, ['eof'])
})

test('more than may be held is an error', async (t) => {
  const [socket, peer] = await rawPair(t)
  const listener = new Listener(socket, { maxHeld: 250 })
  listener.transport.pause()
  for (let i = 0; i < 3; i++) peer.write(frame(2, pattern(100)))
  await listener.until(() => listener.log.length > 0)
  assert.equal(listener.log, ['error'])
  assert.is(listener.error!.code, 'ENOBUFS')
})

test('a socket that was closed before is an error', async (t) => {
  const [socket, peer] = await rawPair(t)
  peer.write(closeFrame(1000))
  await once(socket, 'close')
  const listener = new Listener(socket)
  assert.equal(listener.log, [])
  await listener.until(() => listener.log.length > 0)
  assert.equal(listener.log, ['error'])
})

test('reset while connecting', async (t) => {
  const proxy = await serveProxy(t)
  const socket = dialWebSocket(t, webSocketProxy(`${proxy}/v1`, '127.0.0.1', 1).url)
  const listener = new Listener(socket)
  listener.transport.write(pattern(10))
  listener.transport.reset()
  await someTurns()
  assert.equal(listener.log, [])
})

test('TLS through it: 2 MB each way, and each side ends in its turn', async (t) => {
  const there = pattern(2_000_000, 3)
  const back = pattern(2_000_000, 4)
  const server = await serveNode(t)
  const context = t.own(createContext({ ca: root().cert }))
  const engine = t.own(context.createEngine({ role: 'client', servername: HOST }))
  const socket = dialWebSocket(t, webSocketProxy(`${await serveProxy(t)}/v1`, '127.0.0.1', server.port).url)
  const client = new Party(engine, webSocket(socket), { handlers: { onEnd: () => {} } })
  await client.secure()
  const peer = await server.accept()
  await Promise.all([client.send(there), peer.send(back), client.until(() => client.bytesReceived === back.length)])
  client.poller.closeWrite()
  await peer.until(() => peer.ended)
  assert.is(sha256(peer.received), sha256(there))
  assert.is(sha256(client.received), sha256(back))
  peer.socket.end('the last word')
  await client.until(() => client.bytesReceived > back.length)
  assert.is(await client.closed, undefined)
  assert.is(new TextDecoder().decode(client.plaintext.slice(back.length)), 'the last word')
})

const ADDRESSES: readonly [unknown, string][] = [
  [webSocketProxy('ws://proxy/v1', 'example.com', 443), 'ws://proxy/v1?address=example.com%3A443'],
  [webSocketProxy('wss://proxy:8443/v1?key=a', '::1', 5432), 'wss://proxy:8443/v1?key=a&address=%5B%3A%3A1%5D%3A5432'],
  [webSocketProxy(new URL('ws://proxy/v1'), '[::1]', 1), 'ws://proxy/v1?address=%5B%3A%3A1%5D%3A1'],
]

test('addresses', () => {
  for (const [address, url] of ADDRESSES) assert.equal(address, { url, protocols: [] })
  assert.equal(websockify('ws://proxy/websockify'), { url: 'ws://proxy/websockify', protocols: ['binary'] })
  assert.equal(websockify('ws://proxy/websockify', 'a b'), { url: 'ws://proxy/websockify?token=a+b', protocols: ['binary'] })
})
