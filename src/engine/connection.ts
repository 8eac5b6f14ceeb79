// What TlsEngine and DtlsEngine share: one SSL, where it stands, how it ended, its events and decisions. How bytes travel - a stream, or
// datagrams - is theirs.
import {
  TLS_ALERT_OF_VERDICT,
  TLS_CLOSED,
  TLS_DONE,
  TLS_ERROR,
  TLS_EVENT_AGREED,
  TLS_EVENT_VERIFY,
  TLS_FLAG_KEYLOG,
  TLS_FLAG_TRACE,
  TLS_WANT_CALLBACK,
  TLS_WANT_READ,
  TLS_WANT_WRITE,
  type TlsConnectionPointer,
  type TlsContextPointer,
} from '../abi/generated.ts'
import type { Handle } from '../abi/handle.ts'
import type { Library } from '../abi/library.ts'
import { closedInHandshake, connectionError, usageError, type TlsError } from '../errors.ts'
import { readAgreed, type Agreed } from './agreed.ts'
import type { AlpnProtocol } from './alpn.ts'
import { Configurator, identityOf, newConnection } from './configurator.ts'
import { decodeEvent, isParkEvent, type EngineEvent, type ParkEvent } from './events.ts'
import type { EngineSettings, PreSharedKey, Role } from './options.ts'
import { Progress, type Phase, type ReadSide, type WriteSide } from './phase.ts'

/**
 * What a call came to:
 * `done`; `want-read`: more ciphertext must be received; `want-write`: ciphertext must be taken first, the outgoing BIO is full;
 * `want-callback`: parked, an event tells on what, `resume` goes on; `closed`: this direction has ended in good order.
 */
export type Status = 'done' | 'want-read' | 'want-write' | 'want-callback' | 'closed'

const STATUS: Record<number, Status> = {
  [TLS_DONE]: 'done',
  [TLS_WANT_READ]: 'want-read',
  [TLS_WANT_WRITE]: 'want-write',
  [TLS_WANT_CALLBACK]: 'want-callback',
  [TLS_CLOSED]: 'closed',
}

/** The answer to a park event. What it leaves out stays as configured. */
export interface Decision<Context> {
  /** On `clientHello` and `certificateRequest`: go on with this context's certificate and settings. */
  context?: Context
  /** On `clientHello`: the protocols to choose from, best first. */
  alpn?: readonly AlpnProtocol[]
  /** On `clientHello`: the stored session that the client's id or ticket names. One that cannot be read is as good as none. */
  session?: Uint8Array
  /**
   * On `clientHello`: the OCSP response (DER) to staple in this connection, where the client asks for one; it is not looked at. Empty:
   * none, whatever the context has.
   */
  ocspResponse?: Uint8Array
  /** On `clientHello`: keys for the identities it offers. */
  psks?: readonly PreSharedKey[]
  /** On `psk`: the key for the identity asked for. Left out, the identity is unknown. */
  psk?: Uint8Array
  /** On `sign`: the signature. */
  signature?: Uint8Array
  /** On `verify`. Default 'keep': OpenSSL's verdict holds. */
  verdict?: 'keep' | 'refuse' | 'dangerouslyAccept'
  /** Refuses the handshake with this AlertDescription (112 is unrecognized_name, 42 bad_certificate). */
  alert?: number
  /** Why it is refused: the `cause` of the error that follows. */
  cause?: unknown
}

/** What a connection needs of the context it may be moved to. */
export interface ContextLike {
  readonly pointer: TlsContextPointer
}

/** @typeParam Context what `resume` may move the connection to: the context of a stream is not one of datagrams */
export abstract class Connection<Context extends ContextLike> {
  readonly role: Role
  protected readonly library: Library
  protected handle: Handle<TlsConnectionPointer>
  protected readonly progress: Progress = new Progress()
  /** Something came since reading last said that nothing is there. */
  protected mayRead = false
  #settings: EngineSettings
  readonly #events: EngineEvent[] = []
  #error: TlsError | undefined
  #agreed: Agreed | undefined
  #waiting = false
  #parked: ParkEvent | undefined
  #refusal: unknown

  /** Use the context's `createEngine`. */
  constructor(library: Library, context: TlsContextPointer, settings: EngineSettings) {
    this.role = settings.role
    this.library = library
    this.#settings = settings
    this.handle = newConnection(library, context, settings)
  }

  // ---- Where it stands. ----

  get phase(): Phase {
    return this.progress.phase
  }
  get readSide(): ReadSide {
    return this.progress.readSide
  }
  get writeSide(): WriteSide {
    return this.progress.writeSide
  }
  /** The first fatal error, once there is one. Every later call throws this same object. */
  get error(): TlsError | undefined {
    return this.#error
  }
  /** What the handshake agreed on; undefined before it is done. */
  get agreed(): Agreed | undefined {
    return this.#agreed
  }

  // ---- Before the first call of `handshake`. ----

  /**
   * Client: another host than the engine was made for, as the option says; whom to verify goes with it, unless `identity` was given. A session
   * that does not fit it is dropped.
   * @throws TlsError of kind `usage` once the handshake has begun
   */
  setServername(servername: string): void {
    this.#reconfigure('setServername', { servername })
  }

  /** Client: the session to resume, as the option says. @throws TlsError of kind `usage` once the handshake has begun */
  setSession(session: Uint8Array): void {
    this.#reconfigure('setSession', { session })
  }

  /** Server: what the next handshake on this connection asks of the client (see `renegotiate`), as the options of these names say. */
  setClientCertificate(changes: Pick<EngineSettings, 'clientCertificate' | 'dangerouslyAcceptAnyCertificate'>): void {
    if (this.role === 'client') throw usageError('setClientCertificate is for servers')
    this.#configurator(this.alive('setClientCertificate')).verification((this.#settings = { ...this.#settings, ...changes }))
  }

  #reconfigure(call: string, changes: Pick<EngineSettings, 'servername' | 'session'>): void {
    if (this.role === 'server') throw usageError(`${call} is for clients`)
    this.#configurator(this.idle(call)).peer((this.#settings = { ...this.#settings, ...changes }))
  }

  /** As if it had been made with these, and had received what it has. */
  protected replace(context: TlsContextPointer, settings: EngineSettings): void {
    const fresh = newConnection(this.library, context, settings)
    this.library.exports.tls_connection_take_over(fresh.pointer, this.handle.pointer)
    this.handle.free()
    this.handle = fresh
    this.#settings = settings
  }

  protected get settings(): EngineSettings {
    return this.#settings
  }

  // ---- Progress. ----

  /** Drives the handshake as far as it goes (SSL_do_handshake(3)). `done` when it is complete, and from then on. */
  handshake(): Status {
    const connection = this.alive('handshake')
    if (this.#agreed) return 'done'
    this.progress.enter('handshaking')
    const status = this.statusOf(this.library.exports.tls_handshake(connection), 'the handshake')
    if (status === 'closed') this.#fail(closedInHandshake())
    if (status === 'done') this.#opened()
    return status
  }

  /**
   * Ends our direction with close_notify; the peer may go on sending, and reading goes on (half-close). `want-write`: call again once
   * ciphertext was taken; `want-read` and `want-callback`: once another handshake on this connection is done, which cannot be left half way.
   */
  closeWrite(): Status {
    const connection = this.established('closeWrite')
    const status = this.statusOf(this.library.exports.tls_close_write(connection), 'closing')
    if (status === 'done') this.progress.endWriting()
    return status
  }

  // ---- Decisions and events. ----

  /** Reports these events from now on, as the options of these names do from the start. */
  report(events: 'trace' | 'keylog'): void {
    const flag = events === 'trace' ? TLS_FLAG_TRACE : TLS_FLAG_KEYLOG
    this.library.exports.tls_connection_report(this.alive('report'), flag)
    this.#settings = { ...this.#settings, [events]: true }
  }

  /** The next event, oldest first; undefined when there is none. */
  nextEvent(): EngineEvent | undefined {
    if (this.handle.isFree) return this.#nextOfOurs()
    const taken = this.library.memory.take(this.library.exports.tls_event_take(this.handle.pointer))
    if (!taken) return this.#nextOfOurs()
    if (taken.kind === TLS_EVENT_AGREED) this.#agreed = readAgreed(this.library, this.handle.pointer)
    const event = taken.kind === TLS_EVENT_VERIFY ? this.#verifyEvent() : decodeEvent(taken)
    if (isParkEvent(event)) this.#parked = event
    return event
  }

  #nextOfOurs(): EngineEvent | undefined {
    const event = this.#events.shift()
    if (!this.#events.length) this.#events.length = 0 // gives the memory back
    return event
  }

  #verifyEvent(): ParkEvent {
    const { exports, memory } = this.library
    const { verifyResult, verifyDepth, verifyName } = memory.agreed(exports.tls_peer_agreed(this.handle.pointer))
    const { peerChain, verifiedChain } = readAgreed(this.library, this.handle.pointer)
    const ok = verifyResult === 0
    return { type: 'verify', ok, ...(!ok && { code: verifyName }), depth: ok ? 0 : verifyDepth, peerChain, verifiedChain }
  }

  /**
   * Answers a park event: the handshake goes on with the next `handshake` or `readPlaintext`.
   * @throws TlsError of kind `usage` when nothing waits for an answer
   */
  resume(decision: Decision<Context> = {}): void {
    const connection = this.alive('resume')
    if (!this.#waiting) throw usageError('resume: the handshake is not waiting for an answer')
    const { exports } = this.library
    const { session, ocspResponse, signature } = decision
    const parked = this.#parked
    const configure = this.#configurator(connection)
    this.#refusal = decision.cause
    if (decision.context) configure.set('context', exports.tls_connection_set_context(connection, decision.context.pointer))
    if (decision.alpn) configure.alpn(decision.alpn)
    if (session) this.library.memory.lend([session], (at) => exports.tls_connection_find_session(connection, at, session.length))
    if (ocspResponse) configure.lend('ocspResponse', [ocspResponse], (at) => exports.tls_connection_set_ocsp_response(connection, at, ocspResponse.length))
    for (const psk of decision.psks ?? []) configure.psk(psk)
    if (decision.psk && parked?.type === 'psk') configure.psk({ identity: parked.identity, key: decision.psk })
    if (signature) configure.lend('signature', [signature], (at) => exports.tls_resume_signature(connection, at, signature.length))
    else configure.set('resume', exports.tls_resume(connection, alertOf(decision, parked)))
    this.#parked = undefined
    this.#waiting = false
    this.mayRead = true
  }

  /**
   * TLS 1.2: no new handshake on this connection from now on, whatever the context's `renegotiations` say, neither the peer's nor ours. The
   * peer is told with the warning no_renegotiation and may go on. One that waits for a decision is past that: it ends the connection.
   */
  refuseRenegotiation(): void {
    this.library.exports.tls_refuse_renegotiation(this.alive('refuseRenegotiation'))
    if (this.#waiting && this.#parked?.type === 'renegotiation') this.resume({ alert: NO_RENEGOTIATION })
  }

  /** Ends the connection with a fatal alert of our choice (49 is access_denied), and throws the error that stands from now on. */
  abort(alert: number): never {
    this.statusOf(this.library.exports.tls_abort(this.alive('abort'), alert), 'the connection')
    throw new Error('internal: an abort that does not fail')
  }

  /** Frees the connection and wipes its secrets. Every later call but `free` is a usage error. */
  free(): void {
    if (this.handle.isFree) return
    this.handle.free()
    this.progress.enter('closed')
  }

  [Symbol.dispose](): void {
    this.free()
  }

  // ---- Inside; what is protected is for the two engines. ----

  /** The connection, if it may still be used. */
  protected alive(call: string): TlsConnectionPointer {
    if (this.#error) throw this.#error
    if (this.handle.isFree) throw usageError(`${call}: this engine has been freed`)
    return this.handle.pointer
  }

  /** The connection, if nothing has happened to it yet. */
  protected idle(call: string): TlsConnectionPointer {
    const connection = this.alive(call)
    if (this.phase !== 'idle') throw usageError(`${call} is too late (phase: ${this.phase}): call it before the first handshake()`)
    return connection
  }

  #configurator(connection: TlsConnectionPointer): Configurator {
    return new Configurator(this.library, connection)
  }

  protected established(call: string): TlsConnectionPointer {
    const connection = this.alive(call)
    if (!this.#agreed) throw usageError(`${call} before the handshake is done (phase: ${this.phase}): call handshake() until it says 'done'`)
    return connection
  }

  #opened(): void {
    this.progress.enter('open')
    this.#agreed = readAgreed(this.library, this.handle.pointer)
    this.mayRead = true // the peer's first bytes may have come with its Finished
    this.#events.push({ type: 'secureConnect' })
  }

  /** The peer's close_notify was read. */
  protected readingEnded(): void {
    this.progress.endReading('closeNotify')
    this.#events.push({ type: 'closeNotify' })
  }

  /** Turns a C status into ours; a failure is kept, and thrown now and ever after. */
  protected statusOf(status: number, during: string): Status {
    if (status === TLS_WANT_CALLBACK) this.#waiting = true // until `resume`, whatever else is called meanwhile
    if (status !== TLS_ERROR) return STATUS[status]!
    const { exports, memory } = this.library
    const signerThrew = this.library.signers.takeThrown() ?? (this.#refusal === undefined ? undefined : { error: this.#refusal })
    const pskThrew = this.library.pskChoosers.takeThrown()
    const scene = { during, identity: identityOf(this.#settings), cause: this.#refusal, signerThrew, pskThrew }
    const error = connectionError(memory.error(exports.tls_connection_error(this.handle.pointer)), scene)
    if (error.code === 'ERR_TLS_TRUNCATED') this.progress.endReading('truncated')
    this.#fail(error)
  }

  #fail(error: TlsError): never {
    this.#error = error
    this.#waiting = false
    this.progress.enter('failed')
    throw error
  }
}

/** The AlertDescription to refuse with, or -1 to go on. */
function alertOf({ alert, verdict = 'keep', cause }: Decision<unknown>, parked: ParkEvent | undefined): number {
  if (alert !== undefined) return alert
  if (parked?.type === 'verify' && verdict === 'refuse') return BAD_CERTIFICATE
  if (parked?.type === 'verify' && verdict === 'keep' && !parked.ok) return TLS_ALERT_OF_VERDICT
  return cause === undefined ? -1 : INTERNAL_ERROR
}
const BAD_CERTIFICATE = 42
const NO_RENEGOTIATION = 100
const INTERNAL_ERROR = 80
