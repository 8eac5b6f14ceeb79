// A connector for undici: `new Agent({ connect: connector({ ca }) })`. It takes the options of undici's own buildConnector and connects as
// that does, with membio's TLS.
import * as net from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { TLSSocket } from '../tls/socket.ts'
import { connectVia } from './proxy.ts'
import { routeOf, type ProxyOptions, type Route } from './route.ts'
import { SessionStore } from './session-store.ts'

/** undici's, Node's for TLS, and proxies. */
export interface ConnectorOptions
  extends Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket'>,
    Omit<Partial<net.TcpSocketConnectOpts>, keyof ConnectionOptions>,
    ProxyOptions {
  /** Offer HTTP/2 first. undici's own `allowH2` has to be set, too. Default false */
  allowH2?: boolean | undefined
  /** How many servers' sessions to keep for resumption; 0 for none. Default 100 */
  maxCachedSessions?: number | null | undefined
  /** Of the TCP connection. Default true, after a minute */
  keepAlive?: boolean | undefined
  /** In milliseconds. Default 60000 */
  keepAliveInitialDelay?: number | undefined
  /** A Unix socket to connect to instead. */
  socketPath?: string | null | undefined
  /** For the connection, the handshake and all proxies together, in milliseconds; 0 for none. Default 10000 */
  timeout?: number | undefined
}

/** What undici asks for. */
export interface ConnectRequest {
  /** Where to connect. */
  hostname: string
  /** As in the Host header: who is meant, if there is no `servername`. */
  host?: string | undefined
  /** `https:`, or anything else for clear text. */
  protocol: string
  /** Default 443, or 80 */
  port: string | number
  /** Who is meant. */
  servername?: string | null | undefined
  /** Where from. */
  localAddress?: string | null | undefined
  /** Over this, for TLS in a tunnel that somebody else has opened. */
  httpSocket?: net.Socket | undefined
}

/** Called once. */
export type ConnectCallback = (...args: [error: null, socket: net.Socket] | [error: Error, socket: null]) => void
/** @returns the socket, which is still connecting */
export type Connector = (request: ConnectRequest, callback: ConnectCallback) => net.Socket

/** undici's. */
const TIMEOUT = 10_000
const KEEP_ALIVE_DELAY = 60_000
const MAX_CACHED_SESSIONS = 100

/** @throws TypeError, or an Error with the code ERR_PROXY_INVALID_CONFIG; what is wrong with options for TLS shows when they are used */
export function connector(options: ConnectorOptions = {}): Connector {
  const { allowH2, maxCachedSessions, socketPath, timeout = TIMEOUT, proxy, proxyEnv, session, ...rest } = options
  const capacity = maxCachedSessions ?? MAX_CACHED_SESSIONS
  if (!Number.isInteger(capacity) || capacity < 0) throw new TypeError('maxCachedSessions must be a positive integer or zero')
  const route = routeOf({ proxy, proxyEnv })
  const base = { ALPNProtocols: allowH2 ? ['h2', 'http/1.1'] : ['http/1.1'], ...rest, ...(socketPath && { path: socketPath }) }
  const tls = new TlsConnector(base, route, session, capacity)
  return (request, callback) => {
    const secure = request.protocol === 'https:'
    const socket: net.Socket = secure ? tls.connect(request) : connectPlainly(base, request)
    if (rest.keepAlive ?? true) socket.setKeepAlive(true, rest.keepAliveInitialDelay ?? KEEP_ALIVE_DELAY)
    socket.setNoDelay(true)
    tellOnce(socket, secure ? 'secureConnect' : 'connect', { timeout, request }, callback)
    return socket
  }
}

type Base = Omit<ConnectorOptions, 'session'> & { path?: string }

class TlsConnector {
  readonly #base: Base
  readonly #route: Route | undefined
  readonly #session: Buffer | undefined
  readonly #capacity: number
  readonly #sessions = new SessionStore()

  constructor(base: Base, route: Route | undefined, session: Buffer | undefined, capacity: number) {
    this.#base = base
    this.#route = route
    this.#session = session
    this.#capacity = capacity
  }

  connect({ hostname, host, port, servername: asked, localAddress, httpSocket }: ConnectRequest): TLSSocket {
    const servername = asked || this.#base.servername || serverName(host ?? hostname)
    const peer = { host: hostname, port: Number(port) || 443 }
    const key = `${servername || hostname}:${peer.port}`
    const session = this.#session ?? this.#sessions.get(key)
    const given = { ...(session && { session }), ...(localAddress && { localAddress }), ...(httpSocket && { socket: httpSocket }) }
    const socket = connectVia(this.#route, { ...this.#base, ...peer, servername, ...given }, { keepAlive: true })
    socket.on('session', (session: Buffer) => this.#sessions.set(key, session, this.#capacity))
    // undici itself ends every connection with an error: only a handshake that failed says something of the session.
    let secure = false
    socket.once('secureConnect', () => (secure = true))
    socket.once('close', (failed: boolean) => {
      if (failed && !secure) this.#sessions.delete(key)
    })
    return socket
  }
}

function connectPlainly(base: Base, { hostname, port, localAddress, httpSocket }: ConnectRequest): net.Socket {
  if (httpSocket) throw new TypeError('httpSocket can only be sent on TLS update')
  const where = { host: hostname, port: Number(port) || 80, ...(localAddress && { localAddress }) }
  return net.connect({ ...base, ...where } as net.NetConnectOpts)
}

interface Attempt {
  request: ConnectRequest
  timeout: number
}

function tellOnce(socket: net.Socket, ready: string, { request, timeout }: Attempt, callback: ConnectCallback): void {
  let told = false
  const tell: ConnectCallback = (...result) => {
    clearTimeout(timer)
    if (told) return
    told = true
    callback(...result)
  }
  const timer = timeout ? setTimeout(() => socket.destroy(timedOut(request, timeout)), timeout) : undefined
  socket.once(ready, () => tell(null, socket))
  socket.on('error', (error: Error) => tell(error, null)) // stays: undici has its own only once it got the socket
  socket.once('close', () => tell(closed(), null))
}

/** Somebody has destroyed it, and did not say why. */
const closed = (): Error => Object.assign(new Error('the socket was closed before it was connected'), { code: 'ECONNRESET' })

/** By the name and code that undici's errors have: programs look at them. */
function timedOut({ hostname, port }: ConnectRequest, timeout: number): Error {
  const error = new Error(`Connect Timeout Error (attempted address: ${hostname}:${port}, timeout: ${timeout}ms)`)
  return Object.assign(error, { name: 'ConnectTimeoutError', code: 'UND_ERR_CONNECT_TIMEOUT' })
}

/** The name in a Host header, if it is one. */
function serverName(host: string): string {
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '')
  return net.isIP(name) ? '' : name
}
