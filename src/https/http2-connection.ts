// A connection for HTTP/2: TLS that offers h2, to the host of a URL.
import * as net from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { TLSSocket } from '../tls/socket.ts'
import { connectVia } from './proxy.ts'
import { routeOf, type ProxyOptions } from './route.ts'

/** As `tls.connect` takes them, and proxies. */
export interface Http2ConnectionOptions
  extends Omit<ConnectionOptions, 'path' | 'socket'>, Omit<Partial<net.TcpSocketConnectOpts>, keyof ConnectionOptions>, ProxyOptions {}

/** What http2.connect hands over. */
export interface Authority {
  /** Goes before `host`. */
  hostname?: string
  /** The same, if there is no `hostname`. */
  host?: string
  /** Default 443 */
  port?: string | number
}

/**
 * For libraries that call node:http2 themselves: `http2.connect(url, { createConnection: http2Connection({ ca }) })`. The session then
 * knows nothing of TLS; `connect` of membio/http2 gives one that does.
 */
export function http2Connection(options: Http2ConnectionOptions = {}): (authority: Authority) => TLSSocket {
  const { proxy, proxyEnv, ...rest } = options
  const route = routeOf({ proxy, proxyEnv })
  return ({ hostname, host, port }) => {
    const name = hostname?.replace(/^\[(.*)\]$/, '$1') || host || 'localhost'
    const servername = rest.servername || (net.isIP(name) ? '' : name)
    const where = { host: name, port: Number(port) || 443 }
    return connectVia(route, { ALPNProtocols: ['h2'], noDelay: true, ...where, ...rest, servername }, { keepAlive: true })
  }
}
