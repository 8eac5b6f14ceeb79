// The public types of `membio/tls`: Node's, and what membio adds to them.
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type * as node from 'node:tls'
import type { TraceMessage } from './trace-decode.ts'

/** Node's TLSSocket, and what TLS can do beyond it. */
export interface TLSSocket extends node.TLSSocket {
  /** 0-RTT data of this connection: none sent, or whether the server took it. What was rejected must be written again. */
  readonly earlyData: 'none' | 'rejected' | 'accepted'
  /** TLS 1.3: new keys for our direction; `requestPeer` asks the peer for the same (RFC 8446, 4.6.3). @throws ERR_TLS_INVALID_STATE before the handshake is done */
  keyUpdate(options?: { requestPeer?: boolean }): void
  /**
   * Server, TLS 1.3: asks a client that was made with `postHandshakeAuth` for its certificate (RFC 8446, 4.6.2). The callback tells when it has
   * come. A client without one, where it is `required` (the default), is refused.
   */
  requestCertificate(options?: { required?: boolean }, callback?: () => void): void
}

/** What both `connect` and `createServer` take beyond Node's options. */
interface Beyond {
  /** Server: bytes of 0-RTT data taken in a connection; they come by the server's 'earlyData' event (chunk, socket), may be a replay. Default 0. */
  maxEarlyData?: number
}

/** Node's options, and membio's. */
export interface ConnectionOptions extends Omit<node.ConnectionOptions, 'checkServerIdentity'> {
  /** Listens for 'trace' events: each message of the connection as data, as `enableTrace` prints them. */
  trace?: (message: TraceMessage) => void
  /** As Node's; it may also take its time, and a promise that rejects refuses the server. No byte is sent before. */
  checkServerIdentity?: (hostname: string, cert: node.PeerCertificate) => Error | undefined | Promise<Error | undefined>
  /** Whether our direction stays open when the peer ends its own. Default false. */
  allowHalfOpen?: boolean
  /** 0-RTT data, with a `session` that allows it (RFC 8446, 2.3): not forward secret, and can be replayed. See `TLSSocket.earlyData`. */
  earlyData?: Uint8Array
  /** Offers to show a certificate after the handshake (RFC 8446, 4.6.2). Default false: HTTP/2 forbids it. */
  postHandshakeAuth?: boolean
}

/** Node's options, and membio's. Callbacks may return promises instead of calling back. */
export interface TlsOptions extends Omit<node.TlsOptions, 'ALPNCallback' | 'SNICallback' | 'pskCallback'>, Beyond {
  /** Listens for the server's 'trace' events: each message of each connection as data. */
  trace?: (message: TraceMessage, socket: TLSSocket) => void
  /** As Node's; goes together with SNICallback. */
  ALPNCallback?: (offer: { servername: string; protocols: string[] }) => string | undefined | Promise<string | undefined>
  /** As Node's; the context may also be returned by promise. */
  SNICallback?: (servername: string, callback: (error: Error | null, context?: node.SecureContext) => void) => void | Promise<node.SecureContext | undefined>
  /** As Node's; the key may also be returned by promise. */
  pskCallback?: (socket: node.TLSSocket, identity: string) => PskAnswer | Promise<PskAnswer>
}
type PskAnswer = NodeJS.ArrayBufferView | { psk: NodeJS.ArrayBufferView } | null

/** The forms of `tls.connect`. */
export interface Connect {
  /** @throws TypeError and Error with Node's codes where an option is wrong */
  (options: ConnectionOptions, secureConnectListener?: () => void): TLSSocket
  /** The same by port. */
  (port: number, host?: string, options?: ConnectionOptions, secureConnectListener?: () => void): TLSSocket
  /** The same by port. */
  (port: number, options?: ConnectionOptions, secureConnectListener?: () => void): TLSSocket
}

/** The forms of `tls.createServer`. */
export interface CreateServer {
  /** With the defaults. */
  (secureConnectionListener?: (socket: TLSSocket) => void): node.Server
  /** With options. */
  (options: TlsOptions, secureConnectionListener?: (socket: TLSSocket) => void): node.Server
}

/** `Server`: with `new`, or without as in Node. */
export interface ServerConstructor extends CreateServer, Omit<typeof node.Server, 'prototype'> {
  /** As `createServer`. */
  new (secureConnectionListener?: (socket: TLSSocket) => void): node.Server
  /** As `createServer`. */
  new (options: TlsOptions, secureConnectionListener?: (socket: TLSSocket) => void): node.Server
  /** Of all of them. */
  prototype: node.Server
}

/** `TLSSocket`: TLS over a stream that is there already. */
export interface TLSSocketConstructor extends Omit<typeof node.TLSSocket, 'prototype'> {
  /** @param socket any Duplex; without one, `connect` makes it */
  new (socket?: Duplex | null, options?: node.TLSSocketOptions & node.ConnectionOptions): TLSSocket
  /** Of all of them. */
  prototype: node.TLSSocket
}

/** TLS between two streams, as Node had it before TLSSocket took any Duplex. Emits 'secure' when the handshake is done. */
export interface SecurePair extends EventEmitter {
  /** What it was made with. */
  readonly credentials: node.SecureContext
  /** The network's end. */
  readonly encrypted: Duplex
  /** The program's end. */
  readonly cleartext: TLSSocket
  /** Both ends. */
  destroy(): void
}

/** Everything node:tls has, with these in the place of Node's. */
export interface TlsModule extends Omit<typeof node, 'connect' | 'createServer' | 'Server' | 'TLSSocket' | 'default'> {
  /** A client's connection. */
  connect: Connect
  /** A server. */
  createServer: CreateServer
  /** A net.Server whose connections are TLS. */
  Server: ServerConstructor
  /** A net.Socket that speaks TLS. */
  TLSSocket: TLSSocketConstructor
  /** What `createSecureContext` makes. */
  SecureContext: new () => node.SecureContext
  /** @deprecated `new TLSSocket` takes any Duplex; warns with DEP0064. */
  createSecurePair(
    context?: node.SecureContext,
    isServer?: boolean,
    requestCert?: boolean,
    rejectUnauthorized?: boolean,
    options?: node.TLSSocketOptions,
  ): SecurePair
  /** ALPN names in wire format, put into `out.ALPNProtocols`. */
  convertALPNProtocols(protocols: unknown, out: { ALPNProtocols?: unknown }): void
}
