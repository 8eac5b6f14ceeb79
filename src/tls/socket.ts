// TLSSocket: a net.Socket whose bytes go through TLS over a raw stream, its own or one that it was given. Streams and events are here; what
// TLS does is handle.ts's, whom a client trusts is connect.ts's, and what a server decides is server-decisions.ts's.
import { AsyncResource } from 'node:async_hooks'
import * as net from 'node:net'
import { addAbortSignal, Duplex } from 'node:stream'
import type { PollerEvent } from '../transport/poller.ts'
import { convertALPNProtocols } from './alpn.ts'
import { connectArguments } from './arguments.ts'
import { clientPsk, type ClientPskCallback } from './client-psk.ts'
import { bufferOf, errors, validateBoolean, validateFunction } from './errors.ts'
import { TlsHandle, type HandleOwner } from './handle.ts'
import { attachKeylogFile } from './keylog.ts'
import { OnRead } from './onread.ts'
import { lostInHandshake } from './node-errors.ts'
import { forwardConnecting, holdListeners, isConnecting, takeOver, whenFinished, type RawStream } from './raw.ts'
import { HandshakeCounter, serverDecisions } from './server-decisions.ts'
import { createSecureContext, SecureContext } from './secure-context.ts'
import { SocketControls } from './socket-controls.ts'
import type { SocketOptions } from './socket-options.ts'
import { SessionTeller } from './session-teller.ts'
import { SocketTrace } from './trace.ts'
import { SocketTimer } from './timer.ts'

/** RFC 5246, 7.2.2. */
const NO_RENEGOTIATION = 100

/** OpenSSL's (PSK_MAX_IDENTITY_LEN). */
const MAX_HINT = 256

type Callback = (error?: Error | null) => void

export class TLSSocket extends SocketControls {
  readonly encrypted = true
  authorized = false
  authorizationError: Error | string | null = null
  alpnProtocol: string | false | null = null
  servername: string | false | null = null
  secureConnecting = true
  declare connecting: boolean
  declare server: net.Server | null
  ssl: TlsHandle | null
  declare _tlsOptions: SocketOptions
  _hadError = false
  _controlReleased = false

  protected declare readonly _connection: TlsHandle
  readonly #timer = new SocketTimer(this)
  readonly #sessions = new SessionTeller(this)
  readonly #renegotiations = new HandshakeCounter()
  readonly #trace: SocketTrace
  readonly #ownsContext: boolean
  readonly #onread: OnRead | undefined
  #handshakeTimer: NodeJS.Timeout | undefined
  #renegotiationDisabled = false
  /** The alert has still to arrive: the poller closes the raw stream. */
  #lingers = false
  readonly #untilStarted: (() => void)[] = []

  constructor(raw?: Duplex | null, options: SocketOptions = {}) {
    const { allowHalfOpen = false, highWaterMark, signal, pauseOnConnect } = options
    if (raw && !isDuplex(raw)) throw errors.invalidArgType('socket', 'Duplex', raw)
    super({ allowHalfOpen: raw ? Boolean(raw.allowHalfOpen) : allowHalfOpen, highWaterMark } as net.SocketConstructorOpts)
    const given = { ...options }
    if (given.enableTrace != null) validateBoolean(given.enableTrace, 'options.enableTrace')
    if (given.ALPNProtocols) convertALPNProtocols(given.ALPNProtocols, given as { ALPNProtocols?: unknown })
    this._tlsOptions = given
    this.server = (given.server as net.Server | undefined) ?? null
    this._requestCert = Boolean(given.requestCert) || !given.isServer
    this._rejectUnauthorized = Boolean(given.rejectUnauthorized)
    this._parent = (raw as RawStream | undefined) ?? null
    if (!raw && given.onread) this.#onread = new OnRead(given.onread)
    const context = contextOf(given)
    this.#ownsContext = !given.secureContext
    this.#trace = new SocketTrace(this, given.isServer ? 'server' : 'client', given.enableTrace)
    this._handle = this.ssl = this._connection = this.#createHandle(context)
    this.on('error', this._tlsError)
    this.on('newListener', this.#onNewListener)
    attachKeylogFile(this)
    if (given.trace) this.on('trace', given.trace)
    if (pauseOnConnect) this.pause()
    if (given.handshakeTimeout) this.#limitHandshake(given.handshakeTimeout)
    if (raw) this.#adopt(raw as RawStream)
    else this.connecting = true
    if (signal) addAbortSignal(signal, this) // last: one that is aborted already destroys the socket here
  }

  // ---- The raw stream. ----

  #createHandle(context: SecureContext): TlsHandle {
    const { isServer, ALPNProtocols, session, requestOCSP, trace, pskCallback, pskIdentityHint, earlyData, postHandshakeAuth, verify } = this._tlsOptions
    const decisions = isServer ? { ...serverDecisions(this), renegotiation: () => this.#onRenegotiation() } : { verify }
    if (!isServer && pskCallback) validateFunction(pskCallback, 'pskCallback')
    const psk = !isServer && pskCallback ? clientPsk(pskCallback as ClientPskCallback) : undefined
    return new TlsHandle(this.#owner, {
      isServer: Boolean(isServer),
      context,
      requestCert: this._requestCert,
      rejectUnauthorized: this._rejectUnauthorized,
      ALPNProtocols: ALPNProtocols as Uint8Array | undefined,
      session,
      requestOCSP: Boolean(requestOCSP),
      trace: this.#trace.prints || Boolean(trace),
      keylog: false,
      psk,
      pskIdentityHint,
      earlyData,
      postHandshakeAuth: Boolean(postHandshakeAuth),
      decisions,
    })
  }

  #adopt(raw: RawStream): void {
    this._setParent(raw)
    raw.on('error', (error: Error) => this.#onRawError(error))
    raw.on('close', () => this.#onRawClose())
    this.connecting = isConnecting(raw)
    if (this.connecting) raw.once('connect', () => this.#connected())
    if (this._tlsOptions.isServer) process.nextTick(() => this._start()) // the caller has its turn to set listeners and more
  }

  /** A peer that is gone does not take our end either: it is over, but nothing was lost. */
  #onRawError(error: Error & { syscall?: string }): void {
    this.destroy(this.writableEnded && error.syscall === 'write' ? undefined : error)
  }

  /** In good order: then the handle tells of the end, once all that came before it is delivered. */
  #onRawClose(): void {
    const raw = this._parent!
    const inOrder = this._handle?.started && raw.readableEnded && raw.writableFinished
    if (!inOrder) this.destroy()
  }

  #connected(): void {
    this.connecting = false
    this.emit('connect')
    if (!this.destroyed) this.emit('ready')
  }

  override connect(...args: unknown[]): this {
    if (this.destroyed) return this
    const { options, callback } = connectArguments(args)
    if (callback) this.once('connect', callback)
    const { noDelay, keepAlive, keepAliveInitialDelay, blockList } = options as net.TcpNetConnectOpts
    const raw = new net.Socket({ allowHalfOpen: true, noDelay, keepAlive, keepAliveInitialDelay, blockList } as net.SocketConstructorOpts)
    forwardConnecting(raw, this)
    this.#adopt(raw)
    this.connecting = true
    raw.connect(options)
    if (this.#untilStarted.length) this._start()
    return this
  }

  /** Begins the handshake as soon as there is a connection. */
  _start(): void {
    const handle = this._handle
    if (!handle || handle.started || !this._parent) return
    if (this.connecting) {
      if (!this.#startAwaited) this.once('connect', () => this._start())
      this.#startAwaited = true
      return
    }
    try {
      if (Buffer.byteLength(this._tlsOptions.pskIdentityHint ?? '') > MAX_HINT) throw errors.pskHintTooLong()
      const raw = this._parent
      takeOver(raw)
      holdListeners(raw, () => handle.start(raw))
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    for (const late of this.#untilStarted.splice(0)) late()
  }

  #startAwaited = false

  // ---- What the handle tells. ----

  readonly #owner: HandleOwner = {
    raw: () => this._parent,
    onSecure: () => this._finishInit(),
    onPlaintext: (chunk) => this.#onPlaintext(bufferOf(chunk)),
    onEnd: () => this.#onEnd(),
    onEvent: (event) => this.#onEvent(event),
    onOver: (error) => this.#onOver(error),
    onLost: (cause) => this.#onOver(this.#lost(cause)),
  }

  _finishInit(): void {
    const handle = this._handle
    if (!handle) return
    if (this.#sessions.holds(() => this._finishInit())) return
    this.alpnProtocol = handle.getALPNNegotiatedProtocol()
    this.servername ??= handle.getServername()
    if (!this._secureEstablished && this._tlsOptions.requestOCSP && !this._tlsOptions.isServer) {
      this.emit('OCSPResponse', handle.ocspResponse)
      if (this.destroyed) return
    }
    this._secureEstablished = true
    clearTimeout(this.#handshakeTimer)
    this.#handshakeTimer = undefined
    this.emit('secure')
    this.#sessions.tellTickets()
  }

  #onPlaintext(chunk: Buffer): void {
    this._unrefTimer()
    const wantsMore = this.#onread ? this.#onread.deliver(chunk) : this.push(chunk)
    if (!wantsMore) this._handle?.readStop()
  }

  #onEnd(): void {
    if (this.destroyed) return
    this.push(null)
    this.read(0) // so that 'end' comes to those who have read everything
  }

  #onEvent(event: PollerEvent): void {
    if (event.type === 'keylog') this.emit('keylog', Buffer.from(`${event.line}\n`))
    else if (event.type === 'session') this.#sessions.onSession(event.session, event.id)
    else if (event.type === 'agreed') this._finishInit()
    else if (event.type === 'earlyData') this.emit('earlyData', bufferOf(event.plaintext))
    else if (event.type === 'message') this.#trace.tell(event)
  }

  /** connect.ts: the peer is who it should be. */
  _trust(): void {
    this.#sessions.trust()
  }

  /** A client asks for a new handshake: so many are allowed in a while, unless the program wants none. */
  #onRenegotiation(): { alert?: number } {
    if (this._handle) this._handle.handshakes++
    const attack = this.#renegotiations.exceedsLimit() ? errors.sessionAttack() : undefined
    const error = attack ?? (this.#renegotiationDisabled ? errors.renegotiationDisabled() : undefined)
    if (!error) return {}
    this._hadError = true // told here: the end that follows tells no other
    this._emitTLSError(error)
    return { alert: NO_RENEGOTIATION }
  }

  #onOver(error: Error | undefined): void {
    if (this.destroyed || !error) return
    const raw = this._parent
    if (raw?.destroyed && !raw.errored) return void this.destroy() // somebody has closed it under us: no error in Node
    const told = this._hadError
    this._hadError = true
    this.#lingers = true
    this.destroy(told ? undefined : this.#asWriteError(error))
  }

  /** A write that waits for the handshake is who hears of its failure, in Node. */
  #asWriteError(error: Error): Error {
    const writes = this.#writing && !this._secureEstablished && !this._tlsOptions.isServer
    return writes && 'library' in error ? errors.protocol('write', error) : error
  }

  #lost(cause: Error): Error {
    return this._tlsOptions.isServer ? errors.connReset('socket hang up', { cause }) : lostInHandshake(this._connectOptions ?? {})
  }
  /** connect.ts: where to, for error messages. */
  _connectOptions: object | undefined

  // ---- Streams. ----

  override _read(): void {
    this._handle?.readStart()
  }

  // Duplex's, not net.Socket's: those know of `onread`, which is ours here, and in workerd of what a handle of its own looks like.

  override pause(): this {
    this.#onread?.pause()
    if (this.#onread) this._handle?.readStop()
    return Duplex.prototype.pause.call(this) as this
  }

  override resume(): this {
    if (this.#onread?.resume()) this._handle?.readStart()
    return Duplex.prototype.resume.call(this) as this
  }

  override read(size?: number): unknown {
    return Duplex.prototype.read.call(this, size)
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: Callback): void {
    this._unrefTimer()
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    const called = inContext('WRITEWRAP', callback)
    this.#writing = called
    this.#unsent = bytes.length
    this.#whenStarted(called, (handle) => {
      this.#unsent = 0
      handle.write(bytes, () => {
        this.#writing = undefined
        called()
      })
    })
  }
  #writing: Callback | undefined
  /** Bytes of a write that waits for the start. */
  #unsent = 0

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], callback: Callback): void {
    const all = chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk))
    this._write(Buffer.concat(all), 'buffer' as BufferEncoding, callback)
  }

  /** close_notify, and the end of the raw stream: done once the raw stream has sent all of it. */
  override _final(callback: Callback): void {
    const called = inContext('SHUTDOWNWRAP', callback)
    this.#whenStarted(called, (handle) => handle.shutdown(() => whenFinished(this._parent!, called)))
  }

  #whenStarted(callback: Callback, act: (handle: TlsHandle) => void): void {
    const handle = this._handle
    if (!handle) callback(errors.socketClosed())
    else if (handle.started) act(handle)
    else this.#untilStarted.push(() => act(handle))
    this._start() // a client that nobody has started begins with its first write
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.connecting = false
    this.#timer.stop()
    clearTimeout(this.#handshakeTimer)
    const handle = this._handle
    handle?.flush()
    this._handle = null
    this.#closeRaw(() => {
      this.ssl = null
      this.emit('close', Boolean(error))
    })
    handle?.destroySSL()
    this.#writing?.(handle?.started ? errors.canceled('write') : errors.closedBeforeConnection())
    if (this.#ownsContext) handle?.settings.context.context.close()
    callback(error)
  }

  #closeRaw(closed: () => void): void {
    const raw = this._parent
    const waits = raw instanceof net.Socket && !raw.closed && !this.#lingers
    if (waits) raw.once('close', () => process.nextTick(closed))
    else setImmediate(closed)
    if (!this.#lingers) raw?.destroy()
  }

  // ---- Errors, in Node's two steps: a server's go to 'tlsClientError' until 'secureConnection' has handed the socket over. ----

  _tlsError(error: Error): Error | null {
    this.emit('_tlsError', error)
    return this._controlReleased ? error : null
  }

  _emitTLSError(error: Error): void {
    const told = this._tlsError(error)
    if (told) this.emit('error', told)
  }

  _releaseControl(): boolean {
    if (this._controlReleased) return false
    this._controlReleased = true
    this.removeListener('error', this._tlsError)
    return true
  }

  #onNewListener = (event: string | symbol): void => {
    if (event === 'keylog') this._handle?.enableKeylogCallback()
    if (event === 'trace') this._handle?.enableTrace()
  }

  #limitHandshake(milliseconds: number): void {
    this.#handshakeTimer = setTimeout(() => this._emitTLSError(errors.handshakeTimeout()), milliseconds)
    this.#handshakeTimer.unref()
  }

  // ---- Node's odds and ends. ----

  disableRenegotiation(): void {
    this.#renegotiationDisabled = true
  }

  _destroySSL(): void {
    this._connection.destroySSL()
    this.ssl = null
  }

  override setTimeout(milliseconds: number, callback?: () => void): this {
    this.#timer.set(milliseconds, callback)
    return this
  }

  /** Something moved: idle time counts from now. */
  _unrefTimer(): void {
    this.#timer.touch()
  }

  enableTrace(): void {
    this.#trace.prints = true
    this._ask((handle) => handle.enableTrace())
  }

  /** Plaintext, in bytes: also what still waits to be encrypted. */
  get _plaintextBytes(): { read: number; written: number } {
    const queued = (this as unknown as { writableBuffer?: { chunk: Buffer | string; encoding: BufferEncoding }[] }).writableBuffer ?? []
    const waiting = queued.reduce((sum, { chunk, encoding }) => sum + Buffer.byteLength(chunk, encoding), 0)
    return { read: this._connection.bytesRead, written: this._connection.bytesWritten + this.#unsent + waiting }
  }
}

/** Accessors of the prototype, as they are in Node. */
const ACCESSORS: Record<string, (socket: TLSSocket) => unknown> = {
  bytesRead: (socket) => socket._plaintextBytes.read,
  bytesWritten: (socket) => socket._plaintextBytes.written,
  pending: (socket) => !socket._handle || socket.connecting,
}
for (const [name, value] of Object.entries(ACCESSORS)) {
  Object.defineProperty(TLSSocket.prototype, name, {
    configurable: true,
    get(this: TLSSocket) {
      return value(this)
    },
    set() {}, // Deno's and Bun's net.Socket set some of them in their constructors
  })
}

const isDuplex = (raw: Partial<Duplex>): boolean => [raw.write, raw.read, raw.pause].every((method) => typeof method === 'function')

/** The callback, in the asynchronous context of now. AsyncResource.bind does the same, a hundred times slower. */
function inContext(what: string, callback: Callback): Callback {
  const resource = new AsyncResource(what)
  return (error) => resource.runInAsyncScope(callback, undefined, error)
}

function contextOf(options: SocketOptions & { credentials?: unknown }): SecureContext {
  const context = options.secureContext ?? options.credentials ?? createSecureContext(options)
  if (!(context instanceof SecureContext)) throw errors.invalidContext('context')
  return context
}
