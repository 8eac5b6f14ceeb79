// What a TLSSocket can be made with.
import type * as net from 'node:net'
import type { SecureContextOptions, TLSSocketOptions } from 'node:tls'
import type { TlsHandle } from './handle.ts'
import type { TraceMessage } from './trace-decode.ts'

/** Node's options, and what connect.ts and server.ts add. */
export type SocketOptions = Omit<TLSSocketOptions, 'server' | 'secureContext' | 'pskCallback'> &
  SecureContextOptions & {
    secureContext?: unknown
    server?: unknown
    pskCallback?: unknown
    pskIdentityHint?: string
    allowHalfOpen?: boolean
    pauseOnConnect?: boolean
    highWaterMark?: number
    earlyData?: Uint8Array
    postHandshakeAuth?: boolean
    handshakeTimeout?: number
    onread?: net.OnReadOpts | null
    signal?: AbortSignal
    /** Listens for 'trace' events: each message of the connection as data. Node has nothing like it. */
    trace?: (message: TraceMessage) => void
    /** connect.ts: looks at the server's certificate during the handshake. */
    verify?: TlsHandle['settings']['decisions']['verify']
  }
