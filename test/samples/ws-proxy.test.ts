// samples/ws-proxy.ts as a program: whom it lets in, where it goes, and what passes. Its bytes under pressure are in the transports'
// tests.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import * as assert from 'uvu/assert'
import { accept } from '../../samples/proxy/web-socket.ts'
import { webSocket, webSocketProxy, websockify, type WebSocketAddress } from '../../src/transport/index.ts'
import { duplexPair } from '../support/sockets-duplex.ts'
import { listenTcp } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'
import { dialWebSocket } from '../support/web-sockets.ts'
import { runSample, startSample } from './program.ts'

const test = suite('sample: ws-proxy')

async function start(t: Case, ...args: string[]): Promise<string> {
  const program = startSample(t, 'ws-proxy', '0', ...args)
  const [, url] = await program.printed(/listening on (ws:\S+?),/)
  return url!
}

/** A server that answers each line with the line. */
async function lines(t: Case): Promise<number> {
  const { port } = await listenTcp(t, (socket) => socket.on('error', () => {}).pipe(socket)) // a broken client resets it
  return port
}

/** Says hello, and returns what comes back before the end; or how the pipe broke. */
async function hello(t: Case, { url, protocols }: WebSocketAddress): Promise<string> {
  const socket = dialWebSocket(t, url, protocols)
  const transport = webSocket(socket)
  let got = ''
  return new Promise((resolve) => {
    transport.attach({
      onChunk: (chunk) => {
        got += new TextDecoder().decode(chunk)
        if (got === 'hello') transport.end()
      },
      onDrain: () => {},
      onEof: () => resolve(`${got}, ${socket.protocol || 'no subprotocol'}`),
      onError: ({ message }) => resolve(message),
    })
    transport.write(new TextEncoder().encode('hello'))
  })
}

test('both conventions lead to the target', async (t) => {
  const port = await lines(t)
  const proxy = await start(t, '--target', `127.0.0.1:${port}`)
  assert.is(await hello(t, webSocketProxy(`${proxy}/v1`, '127.0.0.1', port)), 'hello, no subprotocol')
  assert.is(await hello(t, webSocketProxy(`${proxy}/v1`, 'LOCALHOST', port)), 'hello, no subprotocol')
  assert.is(await hello(t, websockify(`${proxy}/websockify`)), 'hello, binary')
})

test('what is not allowed is not connected to, and the client is told', async (t) => {
  const port = await lines(t)
  const proxy = await start(t, '--allow', `127.0.0.1:${port}`, '--allow', 'allowed.test:*', '--allow', '[::1]:443')
  const address = (host: string, port: number) => webSocketProxy(`${proxy}/v1`, host, port)
  assert.is(await hello(t, address('127.0.0.1', port)), 'hello, no subprotocol')
  assert.match(await hello(t, address('localhost', port)), /4403: this proxy may not connect to localhost/)
  assert.match(await hello(t, address('127.0.0.1', 1)), /4403: this proxy may not connect to 127\.0\.0\.1:1$/)
  assert.match(await hello(t, address('::1', 444)), /4403/)
  assert.match(await hello(t, { url: `${proxy}/v1?address=nonsense`, protocols: [] }), /4400: "nonsense" is no HOST:PORT/)
  assert.match(await hello(t, { url: `${proxy}/v1?address=user@127.0.0.1:${port}`, protocols: [] }), /4400/)
})

/** Speaks HTTP by hand: what a browser would send, and what it would not. @returns the answer's first line */
async function handshake(t: Case, proxy: string, headers: Record<string, string>, path = '/v1?address=127.0.0.1:1'): Promise<string> {
  const { hostname, port, host } = new URL(proxy)
  const socket: Socket = connect(Number(port), hostname)
  t.defer(() => socket.destroy())
  const all = { Host: host, Connection: 'Upgrade', Upgrade: 'websocket', ...headers }
  socket.write(`GET ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString().split('\r\n')[0]!
}

const KEY = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13' }

test('pages of other origins are refused, whatever they call the proxy', async (t) => {
  const proxy = await start(t, '--origin', 'https://app.test/')
  const own = proxy.replace('ws:', 'http:')
  const asks = (Origin: string, Host = new URL(proxy).host) => handshake(t, proxy, { ...KEY, Origin, Host })
  assert.match(await asks(own), /101/)
  assert.match(await asks(own.replace('127.0.0.1', 'localhost')), /101/)
  assert.match(await asks('https://app.test'), /101/)
  assert.match(await asks('https://evil.test'), /403/)
  assert.match(await asks('null'), /403/)
  assert.match(await asks('http://localhost:1'), /403/)
  assert.match(await asks('http://evil.test:8080', 'evil.test:8080'), /403/) // a name of an attacker's that leads here
})

test('what is no WebSocket handshake is refused', async (t) => {
  const proxy = await start(t)
  assert.match(await handshake(t, proxy, {}), /400/)
  assert.match(await handshake(t, proxy, { ...KEY, 'Sec-WebSocket-Version': '8' }), /400/)
  assert.match(await handshake(t, proxy, { ...KEY, 'Sec-WebSocket-Key': 'short' }), /400/)
  assert.match(await handshake(t, proxy, KEY, '/elsewhere'), /404/)
  assert.match(await handshake(t, proxy, KEY, '/websockify'), /404/)
  assert.match(await handshake(t, proxy, KEY), /101 Switching Protocols/)
})

/** A client's frame; the mask is zero, so that the payload stands there as it is. */
const frame = (first: number, length: number, payload: Uint8Array = new Uint8Array()): Buffer =>
  Buffer.concat([Buffer.from([first, 0x80 | length, 0, 0, 0, 0]), payload])

const HOSTILE: readonly { name: string; bytes: Buffer; code: number }[] = [
  { name: 'a frame without a mask', bytes: Buffer.from([0x82, 1, 65]), code: 1002 },
  { name: 'an extension that was not agreed', bytes: frame(0xc2, 0), code: 1002 },
  { name: 'text', bytes: frame(0x81, 1, Buffer.from('a')), code: 1003 },
  { name: 'a continuation of nothing', bytes: frame(0x80, 0), code: 1003 },
  { name: 'a message within a message', bytes: Buffer.concat([frame(0x02, 0), frame(0x82, 0)]), code: 1003 },
  { name: 'a long ping', bytes: frame(0x89, 126), code: 1002 },
  { name: 'a ping in pieces', bytes: frame(0x09, 1, Buffer.from('a')), code: 1002 },
  { name: 'an unknown kind of control frame', bytes: frame(0x8b, 0), code: 1002 },
]

for (const { name, bytes, code } of HOSTILE) {
  test(`${name} closes the WebSocket with code ${code}`, async (t) => {
    const got = await raw(t, [bytes])
    assert.equal([got[0], got.readUInt16BE(2)], [0x88, code])
  })
}

test('frames in pieces of any size, pings between them', async (t) => {
  const bytes = Buffer.concat([
    frame(0x02, 3, Buffer.from('one')),
    frame(0x89, 2, Buffer.from('hi')),
    frame(0x00, 0),
    frame(0x80, 4, Buffer.from(' two')),
    frame(0x88, 2, Buffer.from([3, 232])),
  ])
  const whole = await raw(t, [bytes])
  const cut = await raw(t, [...bytes].map((byte) => Buffer.from([byte])))
  for (const got of [whole, cut]) {
    assert.ok(got.includes(Buffer.from([0x8a, 2, 104, 105])), 'a pong')
    assert.ok(got.subarray(-4).equals(Buffer.from([0x88, 2, 3, 232])), 'a close frame')
  }
})

test('what came before the close frame can be read after the connection is gone', async () => {
  const [client, socket] = duplexPair()
  const headers = { upgrade: 'websocket', 'sec-websocket-key': KEY['Sec-WebSocket-Key'], 'sec-websocket-version': '13' }
  const stream = accept({ request: { method: 'GET', headers } as unknown as IncomingMessage, socket, head: Buffer.alloc(0) })!
  client.resume()
  client.end(Buffer.concat([frame(0x82, 5, Buffer.from('hello')), frame(0x88, 2, Buffer.from([3, 232]))]))
  await once(client, 'close')
  let got = ''
  for await (const chunk of stream) got += chunk
  assert.is(got, 'hello')
  assert.is(stream.closeCode, 1000)
})

/** Sends these after a handshake. @returns all that comes until the end */
async function raw(t: Case, pieces: readonly Buffer[]): Promise<Buffer> {
  const port = await lines(t)
  const { hostname, port: proxyPort, host } = new URL(await start(t))
  const socket = connect({ port: Number(proxyPort), host: hostname, noDelay: true })
  t.defer(() => socket.destroy())
  const headers = Object.entries({ Host: host, Connection: 'Upgrade', Upgrade: 'websocket', ...KEY }).map((pair) => pair.join(': '))
  socket.write(`GET /v1?address=127.0.0.1:${port} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  await once(socket, 'data')
  const got: Buffer[] = []
  socket.on('data', (chunk: Buffer) => got.push(chunk))
  socket.on('error', () => {})
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve))
  await once(socket, 'close')
  return Buffer.concat(got)
}

test('the command line', async (t) => {
  const help = await runSample(t, 'ws-proxy', '--help')
  assert.is(help.code, 0)
  assert.match(help.stdout, /^usage: ws-proxy/)
  for (const [args, wanted] of [
    [['--allow', 'nonsense'], /--allow nonsense: it is HOST:PORT/],
    [['--target', 'host:0'], /--target host:0/],
    [['66000'], /PORT is 66000/],
    [['1', '2'], /unexpected argument: 2/],
  ] as const) {
    const { code, stderr } = await runSample(t, 'ws-proxy', ...args)
    assert.is(code, 2)
    assert.match(stderr, wanted)
  }
})
