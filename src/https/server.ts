// Server: membio's tls.Server in front, an http.Server behind it.
import { captureRejectionSymbol } from 'node:events'
import type * as http from 'node:http'
import type * as https from 'node:https'
import { TlsServer } from '../tls/server.ts'
import { validateObject } from '../tls/errors.ts'
import type { TLSSocket } from '../tls/socket.ts'
import { HttpSide } from './http-side.ts'

type Options = https.ServerOptions
type Listener = http.RequestListener
type Timeouts = 'timeout' | 'keepAliveTimeout' | 'keepAliveTimeoutBuffer' | 'headersTimeout' | 'requestTimeout'
type HttpProperties = Pick<http.Server, Timeouts | 'maxHeadersCount' | 'maxRequestsPerSocket'>
type Callback = (error?: Error) => void

/** At run time they are the http.Server's, see http-side.ts. */
export interface HttpsServer extends HttpProperties {}

export class HttpsServer extends TlsServer {
  readonly #http: HttpSide

  constructor(options?: Options | Listener | null, listener?: Listener) {
    if (typeof options === 'function') [options, listener] = [{}, options]
    options ??= {}
    validateObject(options, 'options')
    const behind = new HttpSide(options) // whatever it refuses, before there is anything to free
    const chosen = options.ALPNProtocols || options.ALPNCallback
    super({ noDelay: true, ...(!chosen && { ALPNProtocols: ['http/1.1'] }), ...options })
    this.#http = behind
    behind.standBehind(this)
    if (listener) this.on('request', listener)
    this.on('secureConnection', (socket: TLSSocket) => this.#http.serve(socket))
    this.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      if (!this.emit('clientError', error, socket)) socket.destroy(error)
    })
    this.on('listening', () => this.#http.begin())
  }

  setTimeout(milliseconds: number, callback?: (socket: TLSSocket) => void): this {
    this.timeout = milliseconds
    if (callback) this.on('timeout', callback)
    return this
  }

  closeAllConnections(): void {
    this.#http.closeAllConnections()
  }

  closeIdleConnections(): void {
    this.#http.closeIdleConnections()
  }

  /** No new connections; those that wait for a request are closed, the others when they have answered. */
  override close(callback?: Callback): this {
    this.#http.close()
    return super.close(callback)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve, reject) => void this.close((error) => (error ? reject(error) : resolve())))
  }

  /** A request handler that failed answers 500, if it has not answered yet. */
  override [captureRejectionSymbol](error: Error, event: string, ...args: unknown[]): void {
    if (event === 'request') this.#http[captureRejectionSymbol]!(error, event, ...args)
    else super[captureRejectionSymbol]!(error, event, ...args)
  }
}

type AnyRequest = typeof http.IncomingMessage
type AnyResponse<Request extends AnyRequest> = typeof http.ServerResponse<InstanceType<Request>>

/** As node:https has it, to be called with `new` or without. A `tls.Server` of membio/tls. */
export const Server = new Proxy(HttpsServer, {
  apply: (Class, _this, args) => new Class(...(args as [])),
}) as unknown as typeof https.Server & typeof https.createServer
export type Server<Request extends AnyRequest = AnyRequest, Response extends AnyResponse<Request> = AnyResponse<Request>> = https.Server<
  Request,
  Response
>

/** As node:https has it. */
export const createServer = ((...args: []) => new HttpsServer(...args)) as unknown as typeof https.createServer
