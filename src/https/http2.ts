// The package's entry `membio/http2`: everything node:http2 exports, with `connect` and `createSecureServer` on membio's TLS.
import type * as http2 from 'node:http2'
import { promisify } from 'node:util'
import type { TLSSocket } from '../tls/socket.ts'
import { host } from './host-http2.ts'
import { http2Connection, type Authority, type Http2ConnectionOptions } from './http2-connection.ts'
import { createSecureServer } from './http2-server.ts'
import { describe, holdUntilSecure } from './http2-session.ts'
import type { ProxyOptions } from './route.ts'

/** node:http2's, and proxies. */
export type ConnectOptions = (http2.ClientSessionOptions | http2.SecureClientSessionOptions) & ProxyOptions
type Listener = (session: http2.ClientHttp2Session, socket: TLSSocket) => void

/** As node:http2 has it. A URL with `http:` is connected in clear text. */
export function connect(authority: string | URL, options?: ConnectOptions | Listener, listener?: Listener): http2.ClientHttp2Session {
  if (typeof options === 'function') [options, listener] = [undefined, options]
  const url = typeof authority === 'string' ? new URL(authority) : authority
  const protocol = url?.protocol || options?.protocol || 'https:'
  if (protocol !== 'https:' || options?.createConnection) return host.connect(url, options, listener as never)
  const open = http2Connection(options as Http2ConnectionOptions)
  let socket: TLSSocket | undefined
  const createConnection = (authority: Authority) => (socket = open(authority))
  const session = host.connect(url, { ...options, createConnection: createConnection as never })
  describe(session, socket!)
  holdUntilSecure(session, socket!)
  if (listener) session.once('connect', listener as never)
  return session
}

Object.defineProperty(connect, promisify.custom, {
  value: (authority: string | URL, options?: ConnectOptions) =>
    new Promise((resolve, reject) => {
      const session = connect(authority, options, () => {
        session.removeListener('error', reject)
        resolve(session)
      })
      session.once('error', reject)
    }),
})

const module = { ...host, connect, createSecureServer }

export default module
/** What `require` gives. */
export { module as 'module.exports' }
export { createSecureServer }

export type * from 'node:http2'
/** As node:http2 has them. */
export const constants: typeof http2.constants = host.constants
/** As node:http2 has it: in clear text. */
export const createServer: typeof http2.createServer = host.createServer
/** As node:http2 has it. */
export const getDefaultSettings: typeof http2.getDefaultSettings = host.getDefaultSettings
/** As node:http2 has it. */
export const getPackedSettings: typeof http2.getPackedSettings = host.getPackedSettings
/** As node:http2 has it. */
export const getUnpackedSettings: typeof http2.getUnpackedSettings = host.getUnpackedSettings
/** As node:http2 has it. */
export const performServerHandshake: typeof http2.performServerHandshake = host.performServerHandshake
/** As node:http2 has it. */
export const sensitiveHeaders: typeof http2.sensitiveHeaders = host.sensitiveHeaders
/** As node:http2 has it. */
export const Http2ServerRequest: typeof http2.Http2ServerRequest = host.Http2ServerRequest
/** As node:http2 has it. */
export type Http2ServerRequest = http2.Http2ServerRequest
/** As node:http2 has it. */
export const Http2ServerResponse: typeof http2.Http2ServerResponse = host.Http2ServerResponse
/** As node:http2 has it. */
export type Http2ServerResponse = http2.Http2ServerResponse
