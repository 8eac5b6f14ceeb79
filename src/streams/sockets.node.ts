// Node's sockets; Bun's too, whose node:net has all that is used here.
import { connect, createServer, type Socket } from 'node:net'
import { nodeSocket } from '../transport/node-socket.ts'
import { formatAddress, type SocketAddress } from './address.ts'
import type { RawListenOptions, RawListener, RawSocket } from './raw.ts'

/** See sockets.d.ts. */
export function dial({ hostname, port }: SocketAddress, signal: AbortSignal): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, noDelay: true, allowHalfOpen: true })
    const giveUp = () => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', giveUp)
    socket.on('error', reject) // stays: nobody hears errors until the transport is attached
    socket.on('connect', () => {
      signal.removeEventListener('abort', giveUp)
      resolve(rawSocket(socket))
    })
    if (signal.aborted) giveUp()
  })
}

/** See sockets.d.ts. */
export function listen({ hostname, port, backlog, onSocket, onError }: RawListenOptions): Promise<RawListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => onSocket(rawSocket(socket)))
    server.on('error', reject)
    server.listen({ host: hostname, port, backlog }, () => {
      server.on('error', onError)
      const { address, port } = server.address() as { address: string; port: number }
      resolve({ address: { hostname: address, port }, close: () => void server.close() })
    })
  })
}

function rawSocket(socket: Socket): RawSocket {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return { transport: nodeSocket(socket), remoteAddress: end(remoteAddress, remotePort), localAddress: end(localAddress, localPort) }
}

const end = (hostname: string | undefined, port: number | undefined): string | undefined =>
  hostname !== undefined && port !== undefined ? formatAddress({ hostname, port }) : undefined
