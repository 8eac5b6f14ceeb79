// Server: a net.Server whose connections are TLS. 'secureConnection' hands a socket over when its handshake is done; what fails before that
// goes to 'tlsClientError'.
import { createHash } from 'node:crypto'
import * as net from 'node:net'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { deprecate } from 'node:util'
import { convertALPNProtocols } from './alpn.ts'
import type { ContextHandle } from './context-handle.ts'
import { defaults } from './defaults.ts'
import { errors, validateBuffer, validateFunction, validateNumber, validateObject, validateString } from './errors.ts'
import { createSecureContext, SecureContext } from './secure-context.ts'
import type { SocketOptions } from './socket-options.ts'
import { TLSSocket } from './socket.ts'
import type { TraceMessage } from './trace-decode.ts'

/** Enough for a slow client over a bad line; Node's value. */
const HANDSHAKE_TIMEOUT = 120_000

type ServerOptions = TlsOptions &
  net.ServerOpts & {
    /** Listens for 'trace' events: each message of each connection as data. Node has nothing like it. */
    trace?: (message: TraceMessage, socket: TLSSocket) => void
  }
type Listener = (socket: TLSSocket) => void

/** Of setSecureContext's options, those that are kept as properties, and how. */
const KEPT = [
  'pfx',
  'key',
  'passphrase',
  'cert',
  'clientCertEngine',
  'ca',
  'minVersion',
  'maxVersion',
  'secureProtocol',
  'crl',
  'sigalgs',
  'ciphers',
  'ecdhCurve',
  'dhparam',
  'secureOptions',
  'privateKeyIdentifier',
  'privateKeyEngine',
  'allowPartialTrustChain',
  'maxEarlyData',
] as const

export class TlsServer extends net.Server {
  requestCert: boolean
  rejectUnauthorized: boolean
  ALPNProtocols?: Buffer
  ALPNCallback: unknown
  sessionTimeout?: number
  ticketKeys?: Buffer
  sessionIdContext?: string
  honorCipherOrder = true
  declare _sharedCreds: SecureContext
  /** @deprecated changes properties, and no connection: use setSecureContext */
  declare setOptions: (options: ServerOptions) => void
  readonly _contexts: [pattern: RegExp, context: ContextHandle][] = []
  #options: SocketOptions = {}
  readonly #madeForNames: ContextHandle[] = []

  constructor(options?: ServerOptions | Listener | null, listener?: Listener) {
    if (typeof options === 'function') [options, listener] = [{}, options]
    else if (options == null) options = {}
    else if (typeof options !== 'object') throw errors.invalidArgType('options', 'Object', options)
    super(options, (raw: net.Socket) => this.#onConnection(raw))
    const { ALPNProtocols, ALPNCallback, handshakeTimeout, SNICallback, pskCallback, pskIdentityHint, enableTrace } = options
    this.requestCert = options.requestCert === true
    this.rejectUnauthorized = options.rejectUnauthorized !== false
    this.ALPNCallback = ALPNCallback
    if (ALPNCallback && ALPNProtocols) throw errors.alpnCallbackWithProtocols()
    if (ALPNProtocols) convertALPNProtocols(ALPNProtocols, this)
    const timeout = handshakeTimeout || HANDSHAKE_TIMEOUT
    validateNumber(timeout, 'options.handshakeTimeout')
    if (SNICallback) validateFunction(SNICallback, 'options.SNICallback')
    if (pskCallback) validateFunction(pskCallback, 'options.pskCallback')
    if (pskIdentityHint) validateString(pskIdentityHint, 'options.pskIdentityHint')
    this.#options = { SNICallback, pskCallback, pskIdentityHint, enableTrace, handshakeTimeout: timeout }
    this.setSecureContext(options) // last of what may throw: nothing is left to be freed
    if (options.trace) this.on('trace', options.trace)
    if (listener) this.on('secureConnection', listener)
    this.on('close', () => [this._sharedCreds.context, ...this.#madeForNames].forEach((context) => context.close())) // made anew if it listens again
  }

  /** Certificates and settings for connections to come. */
  setSecureContext(options: SecureContextOptions): void {
    validateObject(options, 'options')
    const given = options as Record<string, unknown>
    for (const name of KEPT) (this as Record<string, unknown>)[name] = given[name] || undefined
    this.honorCipherOrder = options.honorCipherOrder === undefined ? true : Boolean(options.honorCipherOrder)
    this.sessionIdContext = options.sessionIdContext || programId()
    if (options.sessionTimeout) this.sessionTimeout = options.sessionTimeout
    if (options.ticketKeys) this.ticketKeys = options.ticketKeys
    const kept = Object.fromEntries(KEPT.map((name) => [name, (this as Record<string, unknown>)[name]]))
    const { honorCipherOrder, sessionIdContext, sessionTimeout, ticketKeys } = this
    const before = this._sharedCreds as SecureContext | undefined
    this._sharedCreds = (defaults.createSecureContext ?? createSecureContext)({ ...kept, honorCipherOrder, sessionIdContext, sessionTimeout, ticketKeys })
    before?.context.close()
  }

  /** node:cluster: the workers of one server share its ticket keys. */
  _getServerData(): { ticketKeys: string } {
    return { ticketKeys: this.getTicketKeys().toString('hex') }
  }

  _setServerData({ ticketKeys }: { ticketKeys: string }): void {
    this.setTicketKeys(Buffer.from(ticketKeys, 'hex'))
  }

  /** The key that session tickets are encrypted with, 48 bytes. */
  getTicketKeys(): Buffer {
    return this._sharedCreds.context.getTicketKeys()
  }

  setTicketKeys(keys: Buffer): void {
    validateBuffer(keys)
    if (keys.byteLength !== 48) throw errors.ticketKeysSize()
    this._sharedCreds.context.setTicketKeys(keys)
  }

  /** Another certificate for clients that name this host; `*` stands for one label or a part of it. The last that fits is taken. */
  addContext(servername: string, context: SecureContext | SecureContextOptions): void {
    if (!servername) throw errors.requiredServerName()
    const pattern = servername.replace(/[.^$+?\-\\[\]{}]/g, '\\$&').replaceAll('*', '[^.]*')
    const secure = context instanceof SecureContext ? context : createSecureContext(context)
    if (secure !== context) this.#madeForNames.push(secure.context)
    this._contexts.push([new RegExp(`^${pattern}$`, 'i'), secure.context])
  }

  /** For setOptions. */
  _setPsk({ pskCallback, pskIdentityHint }: ServerOptions): void {
    this.#options = { ...this.#options, ...(pskCallback && { pskCallback }), ...(pskIdentityHint && { pskIdentityHint }) }
  }

  /** For server-decisions.ts. */
  _contextFor(servername: string): ContextHandle | undefined {
    return this._contexts.findLast(([pattern]) => pattern.test(servername))?.[1]
  }

  #onConnection(raw: net.Socket): void {
    const socket = new TLSSocket(raw, {
      ...this.#options,
      secureContext: this._sharedCreds,
      isServer: true,
      server: this,
      requestCert: this.requestCert,
      rejectUnauthorized: this.rejectUnauthorized,
      ALPNProtocols: this.ALPNProtocols,
      ALPNCallback: this.ALPNCallback as SocketOptions['ALPNCallback'],
      pauseOnConnect: (this as { pauseOnConnect?: boolean }).pauseOnConnect,
    })
    if (this.listenerCount('trace')) socket.on('trace', (message: TraceMessage) => this.emit('trace', message, socket))
    if (this.listenerCount('earlyData')) socket.on('earlyData', (chunk: Buffer) => this.emit('earlyData', chunk, socket))
    if (this.listenerCount('keylog')) socket.on('keylog', (line: Buffer) => this.emit('keylog', line, socket))
    let told = false
    const tell = (error: Error) => {
      if (socket._controlReleased || told) return
      told = true
      this.emit('tlsClientError', error, socket)
    }
    socket.on('secure', () => this.#onSecure(socket))
    socket.on('_tlsError', tell)
    socket.on('close', (failed: boolean) => {
      if (!failed) tell(errors.connReset('socket hang up'))
    })
  }

  #onSecure(socket: TLSSocket): void {
    if (socket._requestCert) {
      const error = socket._handle!.verifyError() as (Error & { code?: string }) | null
      // A pre-shared key, or a session without a certificate, is nothing against a peer; but it is no certificate either.
      const verdict = error ? (error.code ?? error.message) : socket._handle!.agreed!.peerChain.length ? null : 'UNABLE_TO_GET_ISSUER_CERT'
      socket.authorized = !verdict
      socket.authorizationError = verdict
      if (verdict && socket._rejectUnauthorized) socket.destroy()
    }
    if (socket.destroyed || !socket._releaseControl()) return
    socket.secureConnecting = false
    this.emit('secureConnection', socket)
  }

  [Symbol.for('nodejs.rejection') as never](error: Error, event: string, socket: TLSSocket): void {
    if (event === 'secureConnection') socket.destroy(error)
    else this.emit('error', error)
  }
}

TlsServer.prototype.setOptions = deprecate(
  function (this: TlsServer, options: ServerOptions) {
    const given = options as Record<string, unknown>
    this.requestCert = options.requestCert === true
    this.rejectUnauthorized = options.rejectUnauthorized !== false
    this.honorCipherOrder = options.honorCipherOrder === undefined ? true : Boolean(options.honorCipherOrder)
    this.sessionIdContext = options.sessionIdContext || programId()
    for (const name of [...KEPT, 'sessionTimeout', 'ticketKeys']) if (given[name]) Reflect.set(this, name, given[name])
    if (options.ALPNProtocols) convertALPNProtocols(options.ALPNProtocols, this)
    this._setPsk(options)
  },
  'Server.prototype.setOptions() is deprecated',
  'DEP0122',
)

/** Sessions of one program are not another's. */
const programId = (): string => createHash('sha1').update(process.argv.join(' ')).digest('hex').slice(0, 32)

/** As in Node, to be called with `new` or without. */
export const Server = new Proxy(TlsServer, { apply: (Class, _this, args) => new Class(...(args as [])) }) as typeof TlsServer &
  ((options?: ServerOptions, listener?: Listener) => TlsServer)
export type Server = TlsServer

export const createServer = (options?: ServerOptions | Listener, listener?: Listener): TlsServer => new TlsServer(options, listener)
