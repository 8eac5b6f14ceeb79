// What TlsEngine and DtlsEngine share: one SSL, where it stands, how it ended, its events and decisions. How bytes travel - a stream, or
// datagrams - is theirs.
import {
  TLS_ALERT_OF_VERDICT,
  TLS_CLOSED,
  TLS_DONE,
  TLS_ERROR,
  TLS_EVENT_AGREED,
  TLS_EVENT_VERIFY,
  TLS_FLAG_DELIVER_OCSP,
  TLS_FLAG_EARLY_DATA,
  TLS_FLAG_KEYLOG,
  TLS_FLAG_PARK_CERTIFICATE_REQUEST,
  TLS_FLAG_PARK_CLIENT_HELLO,
  TLS_FLAG_PARK_PSK,
  TLS_FLAG_PARK_VERIFY,
  TLS_FLAG_POST_HANDSHAKE_AUTH,
  TLS_FLAG_REQUEST_OCSP,
  TLS_FLAG_REQUEST_SCTS,
  TLS_FLAG_REQUIRE_OCSP,
  TLS_FLAG_SESSIONS,
  TLS_FLAG_TRACE,
  TLS_ROLE_CLIENT,
  TLS_ROLE_SERVER,
  TLS_VERIFY_NONE,
  TLS_VERIFY_OPTIONAL,
  TLS_VERIFY_RECORD,
  TLS_VERIFY_REQUIRE,
  TLS_WANT_CALLBACK,
  TLS_WANT_READ,
  TLS_WANT_WRITE,
  type Pointer,
  type TlsConnectionPointer,
  type TlsContextPointer,
} from '../abi/generated.ts'
import { Handle } from '../abi/handle.ts'
import type { Library } from '../abi/library.ts'
import { closedInHandshake, connectionError, settingError, usageError, type TlsError } from '../errors.ts'
import { readAgreed, type Agreed } from './agreed.ts'
import { alpnWire, type AlpnProtocol } from './alpn.ts'
import { decodeEvent, isParkEvent, type EngineEvent, type ParkEvent } from './events.ts'
import type { EngineOptions, EngineSettings, PreSharedKey, Role } from './options.ts'
import { Progress, type Phase, type ReadSide, type WriteSide } from './phase.ts'
import { isIpAddress } from './settings.ts'

/**
 * What a call came to:
 * `done`; `want-read`: more ciphertext must be received; `want-write`: ciphertext must be taken first, the outgoing BIO is full;
 * `want-callback`: parked, an event tells on what, `resume` goes on; `closed`: this direction has ended in good order.
 */
export type Status = 'done' | 'want-read' | 'want-write' | 'want-callback' | 'closed'

/** Capacity of each of the two BIOs, in bytes: the fixed price of a peer that sends and never reads, or the other way round. */
export const BIO_CAPACITY = 65536

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
  /** On `clientHello`: the stored session that the client's id or ticket names. */
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
  protected readonly handle: Handle<TlsConnectionPointer>
  protected readonly progress = new Progress()
  /** Something came since reading last said that nothing is there. */
  protected mayRead = false
  readonly #identity: string | undefined
  readonly #events: EngineEvent[] = []
  #error: TlsError | undefined
  #agreed: Agreed | undefined
  #waiting = false
  #parked: ParkEvent | undefined
  #refusal: unknown

  /** Use the context's `createEngine`. */
  constructor(library: Library, context: TlsContextPointer, options: EngineSettings) {
    const { exports } = library
    const role = options.role === 'client' ? TLS_ROLE_CLIENT : TLS_ROLE_SERVER
    const pointer = exports.tls_connection_new(context, role, flagsOf(options), BIO_CAPACITY)
    if (!pointer) throw settingError(library.memory.error(exports.tls_library_error()), 'createEngine')
    this.role = options.role
    this.library = library
    this.#identity = options.identity
    this.handle = new Handle(pointer, (connection) => exports.tls_connection_free(connection))
    try {
      this.#configure(options)
    } catch (error) {
      this.free()
      throw error
    }
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
   * ciphertext was taken.
   */
  closeWrite(): Status {
    const connection = this.established('closeWrite')
    const status = this.statusOf(this.library.exports.tls_close_write(connection), 'closing')
    if (status === 'done') this.progress.endWriting()
    return status
  }

  // ---- Decisions and events. ----

  /** The next event, oldest first; undefined when there is none. */
  nextEvent(): EngineEvent | undefined {
    if (this.handle.isFree) return this.#events.shift()
    const taken = this.library.memory.take(this.library.exports.tls_event_take(this.handle.pointer))
    if (!taken) return this.#events.shift()
    if (taken.kind === TLS_EVENT_AGREED) this.#agreed = readAgreed(this.library, this.handle.pointer)
    const event = taken.kind === TLS_EVENT_VERIFY ? this.#verifyEvent() : decodeEvent(taken)
    if (isParkEvent(event)) this.#parked = event
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
    this.#parked = undefined
    this.#refusal = decision.cause
    if (decision.context) this.#set('context', exports.tls_connection_set_context(connection, decision.context.pointer))
    if (decision.alpn) this.#setAlpn(decision.alpn)
    if (session) this.#lend('session', [session], (at) => exports.tls_connection_find_session(connection, at, session.length))
    if (ocspResponse) this.#lend('ocspResponse', [ocspResponse], (at) => exports.tls_connection_set_ocsp_response(connection, at, ocspResponse.length))
    for (const psk of decision.psks ?? []) this.#addPsk(psk)
    if (decision.psk && parked?.type === 'psk') this.#addPsk({ identity: parked.identity, key: decision.psk })
    if (signature) this.#lend('signature', [signature], (at) => exports.tls_resume_signature(connection, at, signature.length))
    else this.#set('resume', exports.tls_resume(connection, alertOf(decision, parked)))
    this.#waiting = false
    this.mayRead = true
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

  #configure(options: EngineSettings): void {
    const { exports } = this.library
    const { pointer } = this.handle
    const { servername, identity, session, psk, psks = psk ? [psk] : [], pskHint } = options
    if (servername && !isIpAddress(servername)) {
      this.#lend('servername', [servername], (at) => exports.tls_connection_set_servername(pointer, at))
    }
    this.#lend('identity', [identity], (at) => exports.tls_connection_set_verify(pointer, verifyMode(options), at))
    if (options.alpn) this.#setAlpn(options.alpn)
    for (const one of psks) this.#addPsk(one)
    if (pskHint) this.#lend('pskHint', [pskHint], (at) => exports.tls_connection_set_psk_hint(pointer, at))
    for (const key of options.expectedKeys ?? []) {
      this.#lend('expectedKeys', [key], (at) => exports.tls_connection_expect_key(pointer, at, key.length))
    }
    if (session) this.#lend('session', [session], (at) => exports.tls_connection_set_session(pointer, at, session.length))
  }

  #addPsk({ identity, key }: PreSharedKey): void {
    const { exports } = this.library
    this.#lend('psk', [identity, key], (name, at) => exports.tls_connection_add_psk(this.handle.pointer, name, at, key.length))
  }

  #setAlpn(protocols: readonly AlpnProtocol[]): void {
    const { exports } = this.library
    const wire = alpnWire(protocols)
    this.#lend('alpn', [wire], (at) => exports.tls_connection_set_alpn(this.handle.pointer, at, wire.length))
  }

  #lend(what: string, args: readonly (Uint8Array | string | undefined)[], call: (a: Pointer, b: Pointer) => number): void {
    this.#set(what, this.library.memory.lend(args, (a, b = 0) => call(a!, b)))
  }

  #set(what: string, status: number): void {
    const { exports, memory } = this.library
    if (status === TLS_ERROR) throw settingError(memory.error(exports.tls_library_error()), `\`${what}\` was refused`)
  }

  /** The connection, if it may still be used. */
  protected alive(call: string): TlsConnectionPointer {
    if (this.#error) throw this.#error
    if (this.handle.isFree) throw usageError(`${call}: this engine has been freed`)
    return this.handle.pointer
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
    this.#waiting = status === TLS_WANT_CALLBACK
    if (status !== TLS_ERROR) return STATUS[status]!
    const { exports, memory } = this.library
    const signerThrew = this.library.signers.takeThrown() ?? (this.#refusal === undefined ? undefined : { error: this.#refusal })
    const scene = { during, identity: this.#identity, cause: this.#refusal, signerThrew }
    const error = connectionError(memory.error(exports.tls_connection_error(this.handle.pointer)), scene)
    if (error.code === 'ERR_TLS_TRUNCATED') this.progress.endReading('truncated')
    this.#fail(error)
  }

  #fail(error: TlsError): never {
    this.#error = error
    this.progress.enter('failed')
    throw error
  }
}

function flagsOf(options: EngineSettings): number {
  const { role, trace, keylog, sessions, postHandshakeAuth, ocsp, scts, earlyData, park = [] } = options
  const flag = (set: boolean | undefined, bit: number) => (set ? bit : 0)
  return (
    flag(trace, TLS_FLAG_TRACE) |
    flag(keylog, TLS_FLAG_KEYLOG) |
    flag(role === 'client' || sessions, TLS_FLAG_SESSIONS) |
    flag(role === 'server' && earlyData, TLS_FLAG_EARLY_DATA) |
    flag(postHandshakeAuth, TLS_FLAG_POST_HANDSHAKE_AUTH) |
    flag(ocsp === 'request', TLS_FLAG_REQUEST_OCSP) |
    flag(ocsp === 'require', TLS_FLAG_REQUIRE_OCSP) |
    flag(ocsp === 'deliver', TLS_FLAG_DELIVER_OCSP) |
    flag(scts === 'request', TLS_FLAG_REQUEST_SCTS) |
    flag(park.includes('clientHello'), TLS_FLAG_PARK_CLIENT_HELLO) |
    flag(park.includes('certificateRequest'), TLS_FLAG_PARK_CERTIFICATE_REQUEST) |
    flag(park.includes('verify'), TLS_FLAG_PARK_VERIFY) |
    flag(park.includes('psk'), TLS_FLAG_PARK_PSK)
  )
}

/** What a server can ask of its client. */
export const VERIFY_MODES = { none: TLS_VERIFY_NONE, request: TLS_VERIFY_OPTIONAL, require: TLS_VERIFY_REQUIRE } as const

function verifyMode({ role, clientCertificate = 'none', dangerouslyAcceptAnyCertificate }: EngineOptions): number {
  const asks = role === 'client' || clientCertificate !== 'none'
  if (asks && dangerouslyAcceptAnyCertificate) return TLS_VERIFY_RECORD
  return role === 'client' ? TLS_VERIFY_REQUIRE : VERIFY_MODES[clientCertificate]
}

/** The AlertDescription to refuse with, or -1 to go on. */
function alertOf({ alert, verdict = 'keep', cause }: Decision<unknown>, parked: ParkEvent | undefined): number {
  if (alert !== undefined) return alert
  if (parked?.type === 'verify' && verdict === 'refuse') return BAD_CERTIFICATE
  if (parked?.type === 'verify' && verdict === 'keep' && !parked.ok) return TLS_ALERT_OF_VERDICT
  return cause === undefined ? -1 : INTERNAL_ERROR
}
const BAD_CERTIFICATE = 42
const INTERNAL_ERROR = 80
