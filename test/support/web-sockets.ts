// WebSockets to real servers: the proxy among the samples, and a server whose frames are written by hand.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'undici'
import { tunnels, type Rules } from '../../samples/proxy/tunnel.ts'
import { accept } from '../../samples/proxy/web-socket.ts'
import type { Case } from './suite.ts'

type OnUpgrade = ReturnType<typeof tunnels>

/** @returns its port; it is gone after the case, with all its connections. */
export async function serveUpgrades(t: Case, onUpgrade: OnUpgrade): Promise<number> {
  const server = createServer()
  const sockets = new Set<Duplex>()
  server.on('connection', (socket: Duplex) => sockets.add(socket.once('close', () => sockets.delete(socket))))
  server.on('upgrade', onUpgrade)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.defer(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** The proxy of the samples. @returns its URL */
export async function serveProxy(t: Case, rules: Partial<Rules> = {}): Promise<string> {
  return `ws://127.0.0.1:${await serveUpgrades(t, tunnels({ origins: [], targets: ['127.0.0.1:*'], ...rules }))}`
}

/** Node's own WebSocket, which undici is where it is not built in. */
export function dialWebSocket(t: Case, url: string, protocols: readonly string[] = []): WebSocket {
  const socket = new WebSocket(url, [...protocols])
  socket.binaryType = 'arraybuffer'
  t.defer(() => socket.close())
  return socket
}

/** A WebSocket, and the server's raw socket under it once the handshake is done: what is written there are frames. */
export async function rawPair(t: Case): Promise<[WebSocket, Duplex]> {
  const raw: Duplex[] = []
  const port = await serveUpgrades(t, (request, socket, head) => {
    accept({ request, socket, head })?.on('error', () => {})
    raw.push(socket)
  })
  const socket = dialWebSocket(t, `ws://127.0.0.1:${port}/`)
  await once(socket, 'open')
  return [socket, raw[0]!]
}

/** A server's frame of less than 126 bytes. */
export const frame = (kind: number, payload: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(payload as string)
  return Buffer.concat([Buffer.from([0x80 | kind, bytes.length]), bytes])
}
