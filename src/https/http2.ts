// The package's entry `membio/http2`: everything node:http2 exports, with `connect` and `createSecureServer` on membio's TLS.
import * as http2 from 'node:http2'
import { promisify } from 'node:util'
import type { TLSSocket } from '../tls/socket.ts'
import { http2Connection, type Authority, type Http2ConnectionOptions } from './http2-connection.ts'
import { createSecureServer } from './http2-server.ts'
import { describe, holdUntilSecure } from './http2-session.ts'
import type { ProxyOptions } from './route.ts'

/** The host's own, whatever becomes of its module later: see membio/register. */
const hostConnect = http2.connect

/** node:http2's, and proxies. */
export type ConnectOptions = (http2.ClientSessionOptions | http2.SecureClientSessionOptions) & ProxyOptions
type Listener = (session: http2.ClientHttp2Session, socket: TLSSocket) => void

/** As node:http2 has it. A URL with `http:` is connected in clear text. */
export function connect(authority: string | URL, options?: ConnectOptions | Listener, listener?: Listener): http2.ClientHttp2Session {
  if (typeof options === 'function') [options, listener] = [undefined, options]
  const url = typeof authority === 'string' ? new URL(authority) : authority
  const protocol = url?.protocol || options?.protocol || 'https:'
  if (protocol !== 'https:' || options?.createConnection) return hostConnect(url, options, listener as never)
  const open = http2Connection(options as Http2ConnectionOptions)
  let socket: TLSSocket | undefined
  const createConnection = (authority: Authority) => (socket = open(authority))
  const session = hostConnect(url, { ...options, createConnection: createConnection as never })
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

const host = (http2 as { default?: typeof http2 }).default ?? http2

const module = { ...host, connect, createSecureServer }

export default module
/** What `require` gives. */
export { module as 'module.exports' }
export * from 'node:http2'
export { createSecureServer }
