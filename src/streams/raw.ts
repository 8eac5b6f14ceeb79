// What a runtime's sockets look like from here: the contract of #sockets.
import type { ByteTransport } from '../transport/transport.ts'
import type { SocketAddress } from './address.ts'

/** A TCP connection that is open, and not attached to anybody yet. */
export interface RawSocket {
  transport: ByteTransport
  /** "192.0.2.1:443", where the runtime tells. */
  remoteAddress?: string
  localAddress?: string
}

/** Where to listen. */
export interface RawListenOptions {
  hostname: string | undefined
  port: number
  backlog: number
  /** A client has connected. Attach the transport before returning to the event loop, or reset it. */
  onSocket(socket: RawSocket): void
  /** It listens no more, and not because of `close`. */
  onError(error: Error): void
}

/** A port that is listened at. */
export interface RawListener {
  address: SocketAddress
  /** Clients that are connected already stay so. */
  close(): void
}
