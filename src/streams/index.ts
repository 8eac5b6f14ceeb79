// The package's entry `membio/streams`: TLS on WHATWG streams, in the words of the Sockets API (WinterTC), for every runtime.
//
//   const socket = connect('example.test:443', { alpn: ['http/1.1'] })
//   const writer = socket.writable.getWriter()
//   await writer.write(new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n'))
//   for await (const chunk of socket.readable) ...
//   await socket.close()
//
// tls-socket.ts joins an engine, a transport and a poller; ends.ts has the two streams; sockets.*.ts are the runtimes' TCP.
import { usageError } from '../errors.ts'
import type { ByteTransport } from '../transport/transport.ts'
import { webStreams, type WebStreamsLike } from '../transport/web-streams.ts'
import { dial } from '#sockets'
import { formatAddress, parseAddress, type SocketAddress } from './address.ts'
import { parseOptions, tlsErrorOf, type ConnectOptions, type SecureOptions } from './options.ts'
import { PlainSocket } from './plain-socket.ts'
import { TlsSocket } from './tls-socket.ts'

export type { SocketAddress } from './address.ts'
export { listen, type TlsListener } from './listener.ts'
export type {
  ClientAddress,
  ClientOptions,
  ConnectOptions,
  ListenOptions,
  SecureOptions,
  SecureTransport,
  ServerOptions,
  SocketOptions,
  StreamDeadlines,
} from './options.ts'
export type { PlainSocket, PlainSocketInfo } from './plain-socket.ts'
export type { TlsSocket, TlsSocketInfo } from './tls-socket.ts'

/**
 * Connects by TCP and, unless `secureTransport` says otherwise, does the handshake. Returns at once: `opened` tells what came of it, and
 * writing may begin before. The server's certificate is checked for `servername`, by default the host of the address.
 * @param address "example.test:443", or host and port apart
 * @throws TlsError of kind `usage`; everything else is told by the socket
 */
export function connect(address: SocketAddress | string, options?: ConnectOptions & { secureTransport?: 'on' }): TlsSocket
/** Without TLS, yet: see `startTls`. */
export function connect(address: SocketAddress | string, options: ConnectOptions & { secureTransport: 'off' | 'starttls' }): PlainSocket
/** One or the other, as the options say. */
export function connect(address: SocketAddress | string, options: ConnectOptions): TlsSocket | PlainSocket
export function connect(address: SocketAddress | string, options: ConnectOptions = {}): TlsSocket | PlainSocket {
  const { secureTransport = 'on', ...rest } = options
  const where = parseAddress(address)
  const source = (signal: AbortSignal) =>
    dial(where, signal).catch((error: unknown) => Promise.reject(tlsErrorOf(error, `connecting to ${formatAddress(where)}`)))
  if (secureTransport === 'on') return new TlsSocket(parseOptions('client', rest, where.hostname), source)
  if (secureTransport === 'off' || secureTransport === 'starttls') return new PlainSocket(source, secureTransport, where.hostname, rest)
  throw usageError(`secureTransport is ${JSON.stringify(secureTransport)}; it must be 'on', 'off' or 'starttls'`)
}

/**
 * Turns a connection that has spoken in clear to TLS (STARTTLS): a socket of `connect` with `secureTransport: 'starttls'` or 'off', or any
 * pair of WHATWG streams of bytes, as a Direct Socket or a socket of the runtime's. No reader or writer may hold a lock.
 * @throws TlsError of kind `usage`; everything else is told by the socket
 */
export function startTls(pair: PlainSocket | WebStreamsLike, options: SecureOptions = {}): TlsSocket {
  return secure(pair, options)
}

/**
 * TLS over anything that moves bytes: a pair of WHATWG streams, or a ByteTransport of membio/transport. It is the socket's from now on, and
 * is ended with it.
 * @throws TlsError of kind `usage`; everything else is told by the socket
 */
export function secure(bytes: WebStreamsLike | ByteTransport, options: SecureOptions = {}): TlsSocket {
  if (bytes instanceof PlainSocket) return bytes.startTls(options)
  const { role = 'client', ...rest } = options
  const settings = parseOptions(role, rest)
  const transport = 'attach' in bytes ? bytes : transportOf(bytes)
  return new TlsSocket(settings, { transport })
}

function transportOf(pair: WebStreamsLike): ByteTransport {
  try {
    return webStreams(pair)
  } catch (error) {
    throw usageError(`these streams cannot carry TLS: ${(error as Error).message}`, 'ERR_TLS_USAGE', error)
  }
}
