// The server of HTTP/2 over TLS: membio's tls.Server in front; behind it a node:http2 server that never listens and, where HTTP/1 is
// allowed, an http.Server.
import { captureRejectionSymbol } from 'node:events'
import type { ServerOptions as HttpOptions } from 'node:http'
import type * as http2 from 'node:http2'
import { validateFunction, validateObject } from '../tls/errors.ts'
import { TlsServer } from '../tls/server.ts'
import type { TLSSocket } from '../tls/socket.ts'
import { host } from './host-http2.ts'
import { HttpSide, INTERNAL, share } from './http-side.ts'
import { describe } from './http2-session.ts'

type Options = http2.SecureServerOptions & { http1Options?: HttpOptions }
type Handler = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void
type Emit = (event: string | symbol, ...args: unknown[]) => boolean

export class Http2SecureServer extends TlsServer {
  readonly #http2: http2.Http2Server
  readonly #http1: HttpSide | undefined
  /** Whose session is about to begin. */
  #socket: TLSSocket | undefined

  constructor(given: Options | undefined, handler?: Handler) {
    if (given !== undefined) validateObject(given, 'options')
    const behind = host.createServer({ ...given, allowHTTP1: false } as http2.ServerOptions)
    const options: Options = { ...given }
    if (!options.ALPNCallback) options.ALPNProtocols = options.allowHTTP1 === true ? ['h2', 'http/1.1'] : ['h2']
    const http1 = options.allowHTTP1 === true ? new HttpSide(http1Options(options)) : undefined
    super(options)
    this.#http2 = behind
    this.#redirect(behind)
    share(this, behind)
    if (http1) {
      this.#http1 = http1
      http1.standBehind(this)
      this.on('listening', () => http1.begin())
    }
    this.on('newListener', this.#onNewListener)
    if (typeof handler === 'function') this.on('request', handler)
    this.on('secureConnection', (socket: TLSSocket) => this.#serve(socket))
    this.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      if (!this.emit('clientError', error, socket)) socket.destroy(error)
    })
  }

  get timeout(): number {
    return (this.#http2 as { timeout?: number }).timeout ?? 0
  }

  set timeout(milliseconds: number) {
    Object.assign(this.#http2, { timeout: milliseconds })
    if (this.#http1) this.#http1.timeout = milliseconds
  }

  setTimeout(milliseconds: number, callback?: () => void): this {
    this.timeout = milliseconds
    if (callback !== undefined) validateFunction(callback, 'callback')
    if (callback) this.on('timeout', callback)
    return this
  }

  /** For sessions to come. */
  updateSettings(settings: http2.Settings): void {
    this.#http2.updateSettings(settings)
  }

  closeIdleConnections(): void {
    this.#http1?.closeIdleConnections()
  }

  override close(callback?: (error?: Error) => void): this {
    super.close(callback)
    this.#http1?.close()
    this.#http2.close()
    return this
  }

  override [captureRejectionSymbol](error: Error, event: string, ...args: unknown[]): void {
    const answering = event === 'stream' || event === 'request'
    const whose = answering ? this.#http2[captureRejectionSymbol] : super[captureRejectionSymbol]
    Reflect.apply(whose!, answering ? this.#http2 : this, [error, event, ...args])
  }

  // ---- Behind. ----

  #serve(socket: TLSSocket): void {
    const isHttp1 = socket.alpnProtocol === false || socket.alpnProtocol === 'http/1.1'
    if (isHttp1 && this.#http1) return this.#http1.serve(socket)
    socket.setNoDelay(true) // node:http2 asks it of the socket that it wraps ours in
    this.#socket = socket
    this.#http2.emit('connection', socket)
    this.#socket = undefined
  }

  /** Its events are ours. */
  #redirect(behind: http2.Http2Server): void {
    const emit = behind.emit.bind(behind) as Emit
    const listenerCount = behind.listenerCount.bind(behind) as (event: string | symbol) => number
    const front: Emit = (event, ...args) => this.emit(event as never, ...(args as never[]))
    behind.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (INTERNAL.includes(event)) return emit(event, ...args)
      if (event === 'session' && this.#socket) this.#introduce(args[0] as http2.ServerHttp2Session, this.#socket)
      return front(event, ...args)
    }
    behind.listenerCount = (event: string | symbol) => (INTERNAL.includes(event) ? listenerCount(event) : this.listenerCount(event))
  }

  #introduce(session: http2.ServerHttp2Session, socket: TLSSocket): void {
    describe(session, socket)
    Object.defineProperty(session, 'server', { configurable: true, value: this })
  }

  /** Who listens for 'request' wants streams as requests: node:http2 has a listener for streams that makes them, and it becomes ours. */
  #onNewListener = (event: string | symbol): void => {
    if (event !== 'request') return
    this.removeListener('newListener', this.#onNewListener)
    this.#http2.on('request', () => {})
    for (const listener of this.#http2.listeners('stream')) this.on('stream', listener as () => void)
  }
}

function http1Options(options: Options): HttpOptions {
  const { Http1IncomingMessage: IncomingMessage, Http1ServerResponse: ServerResponse } = options
  return { IncomingMessage, ServerResponse, ...options, ...options.http1Options } as HttpOptions
}

/** As node:http2 has it. A `tls.Server` of membio/tls. */
export const createSecureServer = ((options?: Options, handler?: Handler) =>
  new Http2SecureServer(options, handler)) as unknown as typeof http2.createSecureServer
