// TLS through HTTP proxies (RFC 9110, 9.3.6), any number of them, each reached in clear text or by TLS of its own: TLS in TLS. A target's
// socket is there at once; its handshake begins when the tunnel is open.
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import { tls } from '../tls/module.ts'
import type { TLSSocket } from '../tls/socket.ts'
import type { ConnectionOptions } from '../tls/types.ts'
import type { Hop, Route } from './route.ts'

/** Why there is no tunnel. `code` is the cause's, or ERR_PROXY_TUNNEL if the proxy said no. */
export class ProxyError extends Error {
  /** Such as ECONNREFUSED, or what TLS has against the proxy. */
  declare readonly code: string
  /** Which of the proxies it was, counted from 1. */
  declare readonly hop: number
  /** Its address, without credentials. */
  declare readonly proxy: string
  /** What it answered to CONNECT, if it did. */
  declare readonly statusCode?: number
  /** Set if it took longer than this: `timeout` of the request or the agent. http.Agent asks for it by this name. */
  declare readonly proxyTunnelTimeout?: number

  constructor(message: string, fields: Pick<ProxyError, 'code' | 'hop' | 'proxy'> & Partial<ProxyError>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    Object.assign(this, fields)
    this.name = `ProxyError [${this.code}]` // for the first line of the stack, as Node's errors have it
    Error.captureStackTrace?.(this, new.target)
    void this.stack // made when it is first looked at
    this.name = 'ProxyError'
  }
}

export interface TunnelSettings {
  /** The proxy may be told that the connection will be used more than once. */
  keepAlive: boolean
}

export type TargetOptions = ConnectionOptions & { socketPath?: string | null | undefined; defaultPort?: number; noDelay?: boolean }

/** `tls.connect`, by the route if there is one for this host. */
export function connectVia(route: Route | undefined, options: TargetOptions, settings: TunnelSettings): TLSSocket {
  const { host = 'localhost', port = options.defaultPort ?? 443, timeout, socket: given, socketPath } = options
  if (!route || given || socketPath || route.bypasses(host, port)) return connectDirectly(options)
  const tunnel = new Tunnel(route.hops, { host, port }, settings)
  const socket = connectDirectly({ ...options, socket: tunnel })
  if (timeout) limit(socket, tunnel, timeout)
  return socket
}

const connectDirectly = (options: TargetOptions): TLSSocket => tls.connect(options as ConnectionOptions) as unknown as TLSSocket

/** As http.Agent has it: a request hears both, 'timeout' and what took so long. */
function limit(socket: TLSSocket, tunnel: Tunnel, timeout: number): void {
  socket.setTimeout(timeout)
  const timer = setTimeout(() => {
    socket.destroy(tunnel.timedOut(timeout))
    socket.emit('timeout')
  }, timeout)
  for (const event of ['connect', 'close']) tunnel.once(event, () => clearTimeout(timer))
}

type Callback = (error?: Error | null) => void

interface Target {
  host: string
  port: number | string
}

/** The bytes between us and the target. 'connect' is when the last proxy has let us through; what is written before waits. */
export class Tunnel extends net.Socket {
  readonly #hops: readonly Hop[]
  readonly #target: Target
  readonly #settings: TunnelSettings
  /** The connection to the proxy that is being asked, and when all are done, to the target. */
  #pipe: net.Socket | undefined
  #at = 0
  readonly #untilReached: ((pipe: net.Socket) => void)[] = []
  declare connecting: boolean

  constructor(hops: readonly Hop[], target: Target, settings: TunnelSettings) {
    super()
    this.connecting = true
    this.#hops = hops
    this.#target = target
    this.#settings = settings
    this.#build().then(
      (pipe) => this.#join(pipe),
      (error: unknown) => this.destroy(error as Error),
    )
  }

  timedOut(milliseconds: number): ProxyError {
    return this.#error(`Connection to establish proxy tunnel timed out after ${milliseconds}ms`, { proxyTunnelTimeout: milliseconds })
  }

  // ---- From proxy to proxy. ----

  async #build(): Promise<net.Socket> {
    for (const [at, hop] of this.#hops.entries()) {
      this.#at = at
      await this.#told(() => this.#reach(hop))
      await this.#askFor(endpoint(this.#hops[at + 1] ?? this.#target), hop)
    }
    return this.#pipe!
  }

  /** The connection to a proxy: through those before it, if there are any. */
  async #reach(hop: Hop): Promise<void> {
    const { host, port, options, secure } = hop
    const tcp = { ...options, host, port, allowHalfOpen: true, noDelay: true } as net.NetConnectOpts
    if (!this.#pipe) await this.#ready(net.connect(tcp), 'connect')
    if (secure) await this.#ready(secured(hop, this.#pipe!), 'secureConnect')
  }

  async #ready(pipe: net.Socket, event: string): Promise<void> {
    this.#pipe = pipe
    for (const act of this.#untilReached.splice(0)) act(pipe)
    if (this.destroyed) pipe.destroy()
    pipe.on('error', () => {}) // told by `happens` and `#join`, and between them nobody asks
    await happens(pipe, event)
  }

  async #askFor(endpoint: string, hop: Hop): Promise<void> {
    const headers = [...hop.headers, ...(this.#settings.keepAlive ? [['proxy-connection', 'keep-alive']] : []), ['host', endpoint]]
    this.#pipe!.write(`CONNECT ${endpoint} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    const statusLine = await this.#told(() => finalStatus(this.#pipe!))
    const statusCode = Number(/^HTTP\/1\.\d (\d{3})/.exec(statusLine)?.[1])
    if (statusCode >= 200 && statusCode < 300) return
    throw this.#error(`Failed to establish tunnel to ${endpoint} via ${hop.url}: ${statusLine}`, { ...(statusCode && { statusCode }) })
  }

  /** Says of an error which proxy it was. */
  async #told<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (cause) {
      const { message, code } = cause as NodeJS.ErrnoException
      throw this.#error(message, { ...(code && { code }) }, cause)
    }
  }

  #error(message: string, fields: Partial<ProxyError>, cause?: unknown): ProxyError {
    const { url } = this.#hops[this.#at]!
    const which = this.#hops.length > 1 ? `proxy ${this.#at + 1} of ${this.#hops.length}, ${url}: ` : ''
    return new ProxyError(which + message, { code: 'ERR_PROXY_TUNNEL', ...fields, hop: this.#at + 1, proxy: url }, cause)
  }

  // ---- The stream. ----

  #join(pipe: net.Socket): void {
    if (this.destroyed) return
    pipe.allowHalfOpen = true // TLS has its own end, and says it before this one
    pipe.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) pipe.pause()
    })
    pipe.on('end', () => this.push(null))
    pipe.on('error', (error: Error) => this.destroy(error))
    pipe.on('close', () => this.destroy())
    if (pipe.destroyed) return void this.destroy(pipe.errored ?? undefined)
    this.connecting = false
    pipe.resume()
    this.emit('connect')
    this.emit('ready')
  }

  override _read(): void {
    if (!this.connecting) this.#pipe?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#whenOpen((pipe) => pipe.write(chunk, callback))
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer' as BufferEncoding, callback)
  }

  override _final(callback: Callback): void {
    this.#whenOpen((pipe) => pipe.end(callback))
  }

  #whenOpen(act: (pipe: net.Socket) => void): void {
    if (this.connecting) this.once('connect', () => act(this.#pipe!))
    else act(this.#pipe!)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.connecting = false
    this.#pipe?.destroy()
    callback(error)
    process.nextTick(() => this.emit('close', Boolean(error))) // net.Socket leaves that to its handle
  }

  // ---- What is the first connection's to do. ----

  override resetAndDestroy(): this {
    this.#pipe?.resetAndDestroy()
    return this.destroy()
  }
  override ref(): this {
    return this.#tell((pipe) => pipe.ref())
  }
  override unref(): this {
    return this.#tell((pipe) => pipe.unref())
  }
  override setNoDelay(noDelay?: boolean): this {
    return this.#tell((pipe) => pipe.setNoDelay(noDelay))
  }
  override setKeepAlive(...args: never[]): this {
    return this.#tell((pipe) => Reflect.apply(pipe.setKeepAlive, pipe, args))
  }

  #tell(act: (pipe: net.Socket) => void): this {
    if (this.#pipe) act(this.#pipe)
    else this.#untilReached.push(act)
    return this
  }
}

Object.defineProperty(Tunnel.prototype, 'pending', {
  configurable: true,
  get(this: Tunnel) {
    return this.connecting
  },
  set() {}, // some runtimes' net.Socket sets it in its constructor
})

/** TLS to the proxy itself. */
function secured(hop: Hop, pipe: Duplex): TLSSocket {
  const { host, port, options, session } = hop
  const defaults = { servername: net.isIP(host) ? '' : host, ALPNProtocols: ['http/1.1'], ...(session && { session }) }
  const socket = connectDirectly({ ...defaults, ...options, host, port, socket: pipe })
  socket.on('session', (session: Buffer) => (hop.session = session))
  socket.once('close', (failed: boolean) => {
    if (failed) delete hop.session
  })
  return socket
}

const endpoint = ({ host, port }: Target): string => `${net.isIPv6(host) ? `[${host}]` : host}:${port}`

function happens(pipe: Duplex, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    pipe.once(event, () => resolve())
    pipe.once('error', reject)
    pipe.once('close', () => reject(ended()))
  })
}

// ---- The proxy's answer. ----

/** Node's limit for the headers of a message. */
const MAX_HEAD = 16384

const ended = (): Error => new Error('Connection to establish proxy tunnel ended unexpectedly')

/** The first line of what it says in the end: interim answers may come before (RFC 9110, 15.2). */
async function finalStatus(pipe: Duplex): Promise<string> {
  for (;;) {
    const [statusLine = ''] = (await readHead(pipe)).split('\r\n', 1)
    if (!/^HTTP\/1\.\d 1/.test(statusLine)) return statusLine
  }
}

/** What comes before the empty line. What comes after it stays in the stream: it is the target's. */
function readHead(pipe: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    const stop = () => void pipe.off('readable', read).off('error', fail).off('end', end).off('close', end)
    const fail = (error: Error) => (stop(), reject(error))
    const end = () => fail(ended())
    const found = (length: number) => {
      stop()
      if (head.length > length + 4) pipe.unshift(head.subarray(length + 4))
      resolve(head.toString('latin1', 0, length))
    }
    const read = () => {
      for (let chunk: Buffer | null; (chunk = pipe.read() as Buffer | null); ) {
        head = Buffer.concat([head, chunk])
        const length = head.indexOf('\r\n\r\n')
        if (length >= 0) return found(length)
        if (head.length > MAX_HEAD) return fail(new Error(`Proxy response headers exceeded ${MAX_HEAD} bytes`))
      }
    }
    pipe.on('readable', read).on('error', fail).on('end', end).on('close', end)
    if (pipe.destroyed || pipe.readableEnded) end()
  })
}
