// membio's WebSocket and Wisp transports with those of others: `ws` at either end, websockify, and wisp-js. Conformance first, then
// TLS through them.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { logging, server as wispServer } from '@mercuryworkshop/wisp-js/server'
import * as assert from 'uvu/assert'
import { WebSocket, WebSocketServer } from 'ws'
import { createContext } from '../../../src/index.ts'
import {
  nodeSocket,
  webSocket,
  websockify,
  wisp,
  WISP_PROTOCOLS,
  type ByteTransport,
  type WebSocketAddress,
  type WebSocketLike,
  type WispClient,
} from '../../../src/transport/index.ts'
import { transportSuite, type TransportPair } from '../../conformance/transport.suite.ts'
import { Program } from '../../samples/program.ts'
import { HOST, root } from '../../support/certs.ts'
import { pattern } from '../../support/random.ts'
import { serveNode, sha256 } from '../../support/sockets-node.ts'
import { listenTcp, Party } from '../../support/sockets-party.ts'
import { suite, type Case } from '../../support/suite.ts'
import { dialWebSocket, serveUpgrades } from '../../support/web-sockets.ts'

logging.set_level(logging.NONE)
Object.assign(wispServer.options, { allow_loopback_ips: true, allow_private_ips: true })

type Dial = (t: Case, address: WebSocketAddress) => WebSocketLike

const dialWs: Dial = (t, { url, protocols }) => {
  const socket = new WebSocket(url, protocols)
  t.defer(() => socket.terminate())
  return socket
}
const dialUndici: Dial = (t, { url, protocols }) => dialWebSocket(t, url, protocols)

// ---- Directly to a server on ws. ----

const directly = (dial: Dial) => async (t: Case): Promise<TransportPair> => {
  const accepted: WebSocket[] = []
  const sockets = new WebSocketServer({ noServer: true })
  const port = await serveUpgrades(t, (...upgrade) => sockets.handleUpgrade(...upgrade, (socket) => accepted.push(socket)))
  const socket = dial(t, { url: `ws://127.0.0.1:${port}/`, protocols: [] })
  const dialled = webSocket(socket)
  while (!accepted.length || socket.readyState === 0) await sleep(1)
  return [dialled, webSocket(accepted[0]!)]
}

const reversed = (pair: (t: Case) => Promise<TransportPair>) => async (t: Case) => (await pair(t)).reverse() as TransportPair

const FULL = 50_000_000 // more than the kernel holds
const RESET = /^(ECONNRESET|EPIPE)$/
transportSuite('ws to ws', directly(dialWs), { backPressure: FULL, halfClose: false, reset: RESET })
transportSuite("Node's WebSocket to ws", directly(dialUndici), { backPressure: FULL, pressure: 'by the second', halfClose: false, reset: RESET })
transportSuite("ws to Node's WebSocket", reversed(directly(dialUndici)), {
  backPressure: false, // a browser's interface: it cannot be paused
  halfClose: false,
  reset: RESET,
})

// ---- Through proxies, to TCP. ----

/** Where TCP connections arrive. */
async function target(t: Case): Promise<{ port: number; arrived: Promise<Socket> }> {
  const { port, server } = await listenTcp(t, () => {})
  return { port, arrived: once(server, 'connection').then(([socket]) => socket as Socket) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function startWebsockify(t: Case, to: number): Promise<WebSocketAddress> {
  const port = await freePort()
  const program = new Program(t, 'websockify', [`127.0.0.1:${port}`, `127.0.0.1:${to}`])
  await program.printed(/proxying from/)
  for (let listens = false; !listens; await sleep(10)) {
    const probe = connect(port, '127.0.0.1')
    listens = await once(probe, 'connect').then(() => true, () => false)
    probe.destroy()
  }
  return websockify(`ws://127.0.0.1:${port}/websockify`)
}

const throughWebsockify = (dial: Dial) => async (t: Case): Promise<TransportPair> => {
  const { port, arrived } = await target(t)
  const transport = webSocket(dial(t, await startWebsockify(t, port)))
  return [transport, nodeSocket(await arrived)]
}

// Both servers end a TCP connection in the same way whatever a WebSocket's end was, and with the close frame they forget what they hold.
const PROXY = { halfClose: false, reset: 'eof', losesAtEnd: true } as const
/** It reads from a client as fast as it can, and keeps what the target does not take. */
const WEBSOCKIFY = { ...PROXY, backPressure: false } as const
transportSuite('ws to websockify', throughWebsockify(dialWs), WEBSOCKIFY)
transportSuite("Node's WebSocket to websockify", throughWebsockify(dialUndici), WEBSOCKIFY)

const VERSIONS = { 'Wisp, version 1': [], 'Wisp, version 2': WISP_PROTOCOLS } as const

async function dialWisp(t: Case, protocols: readonly string[]): Promise<WispClient> {
  const port = await serveUpgrades(t, (request, socket, head) => wispServer.routeRequest(request, socket, head))
  return wisp(dialWs(t, { url: `ws://127.0.0.1:${port}/`, protocols: [...protocols] }))
}

for (const [name, protocols] of Object.entries(VERSIONS)) {
  const pair = async (t: Case): Promise<TransportPair> => {
    const { port, arrived } = await target(t)
    const transport = (await dialWisp(t, protocols)).connect('127.0.0.1', port)
    return [transport, nodeSocket(await arrived)]
  }
  transportSuite(name, pair, { ...PROXY, backPressure: FULL, pressure: 'by the second' })
}

// ---- What only Wisp has. ----

const test = suite('Wisp')

/** Resolves with how it ended. */
const endOf = (transport: ByteTransport): Promise<string> =>
  new Promise((resolve) => {
    const onError = (error: Error & { code?: string }) => resolve(`${error.code}: ${error.message}`)
    transport.attach({ onChunk: () => {}, onDrain: () => {}, onEof: () => resolve('eof'), onError })
  })

for (const [name, protocols] of Object.entries(VERSIONS)) {
  test(`${name}: ten TLS connections at once through one WebSocket, 1 MB each way`, async (t) => {
    const server = await serveNode(t, {}, (peer) => peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk)))
    const client = await dialWisp(t, protocols)
    const context = t.own(createContext({ ca: root().cert }))
    const bytes = pattern(1_000_000)
    await Promise.all(Array.from({ length: 10 }, async () => {
      const engine = t.own(context.createEngine({ role: 'client', servername: HOST }))
      const party = new Party(engine, client.connect('127.0.0.1', server.port))
      await party.send(bytes)
      await party.until(() => party.bytesReceived === bytes.length)
      assert.is(sha256(party.received), sha256(bytes))
      party.poller.close()
      assert.is(await party.closed, undefined)
    }))
  })

  test(`${name}: a port where nobody listens, a port that is forbidden`, async (t) => {
    const client = await dialWisp(t, protocols)
    assert.match(await endOf(client.connect('127.0.0.1', await freePort())), /^ECONN(RESET|REFUSED): .* \(Wisp, reason 0x/)
    wispServer.options.port_blacklist = [7]
    t.defer(() => (wispServer.options.port_blacklist = null))
    assert.match(await endOf(client.connect('127.0.0.1', 7)), /^EACCES: .* forbids \(Wisp, reason 0x48\)/)
  })
}

test('one stream that is paused holds back no other', async (t) => {
  const { port, arrived } = await target(t)
  const other = await target(t)
  const client = await dialWisp(t, [])
  const slow = client.connect('127.0.0.1', port)
  let slowBytes = 0
  slow.attach({ onChunk: ({ length }) => (slowBytes += length), onDrain: () => {}, onEof: () => {}, onError: () => {} })
  slow.pause()
  ;(await arrived).write(pattern(1_000_000))
  const quick = client.connect('127.0.0.1', other.port)
  const ended = endOf(quick)
  ;(await other.arrived).end()
  assert.is(await ended, 'eof')
  assert.is(slowBytes, 0)
})

test('when the WebSocket goes, all streams fail, and those that come after', async (t) => {
  const { port, arrived } = await target(t)
  const client = await dialWisp(t, [])
  const ended = endOf(client.connect('127.0.0.1', port))
  await arrived
  client.close()
  assert.match(await ended, /^ECONNABORTED/)
  assert.match(await endOf(client.connect('127.0.0.1', port)), /^ECONNABORTED/)
})
