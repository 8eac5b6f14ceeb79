// Deno's sockets, by their own read and write.
import { denoConn, type DenoConnLike } from '../transport/deno-conn.ts'
import { formatAddress, type SocketAddress } from './address.ts'
import type { RawListenOptions, RawListener, RawSocket } from './raw.ts'

interface DenoConn extends DenoConnLike {
  readonly remoteAddr: SocketAddress
  readonly localAddr: SocketAddress
  setNoDelay(noDelay: boolean): void
}
interface DenoListener extends AsyncIterable<DenoConn> {
  readonly addr: SocketAddress
  close(): void
}
declare const Deno: {
  connect(options: SocketAddress & { signal?: AbortSignal }): Promise<DenoConn>
  listen(options: { hostname?: string; port: number; tcpBacklog?: number }): DenoListener
}

/** See sockets.d.ts. */
export async function dial({ hostname, port }: SocketAddress, signal: AbortSignal): Promise<RawSocket> {
  const conn = await Deno.connect({ hostname, port, signal }).catch(withCode)
  if (!signal.aborted) return rawSocket(conn)
  conn.close()
  throw signal.reason
}

/** See sockets.d.ts. */
export async function listen({ hostname, port, backlog, onSocket, onError }: RawListenOptions): Promise<RawListener> {
  const listener = Deno.listen({ ...(hostname !== undefined && { hostname }), port, tcpBacklog: backlog })
  const accept = async () => {
    for await (const conn of listener) onSocket(rawSocket(conn))
  }
  accept().catch(onError)
  const { hostname: address, port: chosen } = listener.addr
  return { address: { hostname: address, port: chosen }, close: () => listener.close() }
}

/** Names that nobody knows have no code in Deno. */
function withCode(error: Error & { code?: string }): never {
  if (!error.code && /failed to lookup address/.test(error.message)) error.code = 'ENOTFOUND'
  throw error
}

function rawSocket(conn: DenoConn): RawSocket {
  conn.setNoDelay(true)
  return { transport: denoConn(conn), remoteAddress: formatAddress(conn.remoteAddr), localAddress: formatAddress(conn.localAddr) }
}
