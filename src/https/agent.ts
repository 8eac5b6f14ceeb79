// Agent: an http.Agent whose connections are membio's. What connections may be shared by is in their name; whoever answers is checked
// when a connection is made, so nothing that decides about trust may be left out of it.
import * as http from 'node:http'
import type * as https from 'node:https'
import type { Duplex } from 'node:stream'
import { tls } from '../tls/module.ts'
import type { TLSSocket } from '../tls/socket.ts'
import { connectVia, type TargetOptions } from './proxy.ts'
import { routeOf, type ProxyOptions, type Route } from './route.ts'
import { SessionStore } from './session-store.ts'

/** Node's, and where the way leads through proxies. */
export interface AgentOptions extends Omit<https.AgentOptions, 'proxyEnv'>, ProxyOptions {}

type ConnectionOptions = TargetOptions & { _agentKey?: string }

/** Of http.Agent, what @types/node leaves out. */
type Pool = http.Agent & { defaultPort: number; protocol: string; keepAlive: boolean }
const HttpAgent = http.Agent as unknown as Omit<typeof http.Agent, 'prototype'> & (new (options?: http.AgentOptions) => Pool)

/** Node's default. */
const MAX_CACHED_SESSIONS = 100

export class HttpsAgent extends HttpAgent {
  declare options: AgentOptions
  maxCachedSessions: number
  readonly _sessionCache: SessionStore = new SessionStore()
  readonly #route: Route | undefined
  /** Sockets for one request, since that alone said how their peer is checked. */
  readonly #single = new WeakSet<Duplex>()

  constructor(options: AgentOptions = {}) {
    const { proxy, proxyEnv, ...rest } = options ?? {} // http.Agent knows proxyEnv too, but only for itself
    super(rest)
    this.defaultPort = rest.defaultPort ?? 443
    this.protocol = rest.protocol ?? 'https:'
    this.maxCachedSessions = rest.maxCachedSessions ?? MAX_CACHED_SESSIONS
    this.#route = routeOf({ proxy, proxyEnv })
  }

  /** `(options)`, `(port, options)`, `(port, host, options)`. http.Agent calls the first, and says the connection's name by `_agentKey`. */
  override createConnection(...args: unknown[]): TLSSocket {
    const options = connectionOptions(args)
    const single = this.#checksOnlyThisRequest(options)
    const key = single ? undefined : options._agentKey
    const session = key === undefined ? undefined : this._getSession(key)
    const all = session ? { session, ...options } : options
    const socket = connectVia(this.#route, all, { keepAlive: this.keepAlive || this.maxSockets !== Infinity })
    if (single) this.#single.add(socket)
    if (key !== undefined) this.#keepSessions(socket, key)
    return socket
  }

  override getName(options?: https.RequestOptions): string {
    return super.getName(options) + tlsName((options ?? {}) as Record<string, unknown>)
  }

  // ---- The pool. ----

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#single.has(socket) || !(super.keepSocketAlive(socket) as unknown)) return false
    socket.on('data', unasked)
    return true
  }

  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    socket.removeListener('data', unasked)
    super.reuseSocket(socket, request)
  }

  // ---- Sessions; Node's names, which some programs override. ----

  _getSession(key: string): Buffer | undefined {
    return this._sessionCache.get(key)
  }

  _cacheSession(key: string, session: Buffer): void {
    this._sessionCache.set(key, session, this.maxCachedSessions)
  }

  _evictSession(key: string): void {
    this._sessionCache.delete(key)
  }

  #keepSessions(socket: TLSSocket, key: string): void {
    socket.on('session', (session: Buffer) => this._cacheSession(key, session))
    socket.once('close', (failed: boolean) => {
      if (failed) this._evictSession(key)
    })
  }

  /**
   * A check of the peer that a request brings along: what another request's check has accepted must not do for it. A resumed session is not
   * checked again, nor is a connection that is kept; so it gets neither. The agent's own check is the same for all.
   */
  #checksOnlyThisRequest({ checkServerIdentity: check }: ConnectionOptions): boolean {
    return check !== undefined && this.options.checkServerIdentity === undefined && (check as unknown) !== tls.checkServerIdentity
  }
}

/** Bytes on a connection that has no request: whatever they are, they must not become the answer to the next one. */
function unasked(this: Duplex): void {
  this.destroy()
}

function connectionOptions(args: readonly unknown[]): ConnectionOptions {
  const given = args.slice(0, 3).find((arg) => typeof arg === 'object' && arg !== null) as ConnectionOptions | undefined
  const [port, host] = args
  if (given && given === port) return given
  return { ...given, ...(typeof port === 'number' && { port }), ...(typeof host === 'string' && { host }) }
}

// ---- Names. ----

/** In Node's order, as text: programs look into agent.sockets by such names. */
const NAMED: readonly (readonly [option: string, text: (value: never, options: Record<string, unknown>) => unknown])[] = [
  ['ca', ifTrue],
  ['cert', ifTrue],
  ['clientCertEngine', ifTrue],
  ['ciphers', ifTrue],
  ['key', ifTrue],
  ['pfx', pfxText],
  ['rejectUnauthorized', ifGiven],
  ['servername', (servername: unknown, { host }) => (servername && servername !== host ? servername : '')],
  ['minVersion', ifTrue],
  ['maxVersion', ifTrue],
  ['secureProtocol', ifTrue],
  ['crl', ifTrue],
  ['honorCipherOrder', ifGiven],
  ['ecdhCurve', ifTrue],
  ['dhparam', ifTrue],
  ['secureOptions', ifGiven],
  ['sessionIdContext', ifTrue],
  ['sigalgs', (value: unknown) => (value ? JSON.stringify(value) : '')],
  ['privateKeyIdentifier', ifTrue],
  ['privateKeyEngine', ifTrue],
]

/** What Node's names leave out: added only where it is given. */
const BEYOND_NODE = ['checkServerIdentity', 'secureContext', 'pskCallback', 'allowPartialTrustChain', 'ALPNProtocols', 'socket'] as const

function tlsName(options: Record<string, unknown>): string {
  const name = NAMED.map(([option, text]) => `:${String(text(options[option] as never, options))}`).join('')
  const given = BEYOND_NODE.filter((option) => options[option] != null && options[option] !== tls.checkServerIdentity)
  return name + given.map((option) => `:${option}=${identityOf(options[option])}`).join('')
}

function ifTrue(value: unknown): unknown {
  return value ? textOf(value) : ''
}

function ifGiven(value: unknown): unknown {
  return value === undefined ? '' : value
}

/** Each with its passphrase: the same file opened with another one is another identity. */
function pfxText(pfx: unknown, { passphrase }: Record<string, unknown>): unknown {
  return Array.isArray(pfx) ? pfx.map((one) => textOf(one, passphrase)).join() : ifTrue(pfx)
}

/** As String has it, and `{ pem, passphrase }`, `{ buf, passphrase }` by what is in them. */
function textOf(value: unknown, passphrase?: unknown): string {
  if (Array.isArray(value)) return value.map((one) => textOf(one)).join()
  const { pem, buf, passphrase: own = passphrase } = (value ?? {}) as Record<string, unknown>
  return pem === undefined && buf === undefined ? String(value) : `${String(pem ?? buf)}:${String(own)}`
}

const identities = new WeakMap<object, number>()
let lastIdentity = 0

/** Texts by what they say, all else by which it is. */
function identityOf(value: unknown): string {
  if (typeof value !== 'object' && typeof value !== 'function') return String(value)
  if (Array.isArray(value)) return value.map(identityOf).join()
  let identity = identities.get(value!)
  if (identity === undefined) identities.set(value!, (identity = ++lastIdentity))
  return `#${identity}`
}

/** As in Node, to be called with `new` or without. */
export const Agent = new Proxy(HttpsAgent, { apply: (Class, _this, args) => new Class(...(args as [])) }) as typeof HttpsAgent &
  ((options?: AgentOptions) => HttpsAgent)
export type Agent = HttpsAgent
