// workerd's sockets: a pair of WHATWG streams. It listens at no port.
import { connect } from 'cloudflare:sockets'
import { usageError } from '../errors.ts'
import { webStreams } from '../transport/web-streams.ts'
import type { SocketAddress } from './address.ts'
import type { RawSocket } from './raw.ts'

/** See sockets.d.ts. */
export async function dial(address: SocketAddress, signal: AbortSignal): Promise<RawSocket> {
  const socket = connect(address, { allowHalfOpen: true, secureTransport: 'off' })
  socket.closed.catch(() => {}) // its streams tell
  const close = () => void socket.close().catch(() => {})
  signal.addEventListener('abort', close)
  try {
    const { remoteAddress, localAddress } = await socket.opened
    signal.throwIfAborted()
    return { transport: webStreams(socket), ...(remoteAddress && { remoteAddress }), ...(localAddress && { localAddress }) }
  } finally {
    signal.removeEventListener('abort', close)
  }
}

/** See sockets.d.ts. */
export const listen = (): Promise<never> => Promise.reject(usageError('workerd does not listen for TCP connections', 'ERR_TLS_NO_TCP'))
