// What TlsEngine and DtlsEngine share: one SSL, where it stands, how it ended, its events and decisions. How bytes travel - a stream, or
// datagrams - is theirs.
import {
  TLS_CLOSED,
  TLS_DONE,
  TLS_ERROR,
  TLS_FLAG_KEYLOG,
  TLS_FLAG_PARK_CLIENT_HELLO,
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
  type TlsConnectionPointer,
  type TlsContextPointer,
} from '../abi/generated.ts'
import { Handle } from '../abi/handle.ts'
import type { Library } from '../abi/library.ts'
import { connectionError, settingError, usageError, type TlsError } from '../errors.ts'
import { readAgreed, type Agreed } from './agreed.ts'
import { decodeEvent, type EngineEvent } from './events.ts'
import { alpnWire, isIpAddress, type EngineOptions, type Role } from './options.ts'
import { Progress, type Phase, type ReadSide, type WriteSide } from './phase.ts'

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

  /** Use the context's `createEngine`. */
  constructor(library: Library, context: TlsContextPointer, options: EngineOptions) {
    const { exports } = library
    const flags =
      (options.trace ? TLS_FLAG_TRACE : 0) |
      (options.keylog ? TLS_FLAG_KEYLOG : 0) |
      (options.role === 'client' ? TLS_FLAG_SESSIONS : 0) |
      (options.park?.includes('clientHello') ? TLS_FLAG_PARK_CLIENT_HELLO : 0)
    const role = options.role === 'client' ? TLS_ROLE_CLIENT : TLS_ROLE_SERVER
    const pointer = exports.tls_connection_new(context, role, flags, BIO_CAPACITY)
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
    if (!this.handle.isFree) {
      const taken = this.library.memory.take(this.library.exports.tls_event_take(this.handle.pointer))
      if (taken) return decodeEvent(taken)
    }
    return this.#events.shift()
  }

  /**
   * Goes on after `want-callback`. Call `handshake` next.
   * @param decision.context the certificate and settings to go on with, as chosen by servername
   * @param decision.alpn the protocols to choose from, best first
   * @param decision.alert refuses the handshake with this AlertDescription instead (112 is unrecognized_name)
   */
  resume(decision: { context?: Context; alpn?: readonly string[]; alert?: number } = {}): void {
    const connection = this.alive('resume')
    const { exports } = this.library
    if (decision.context) this.#set('context', exports.tls_connection_set_context(connection, decision.context.pointer))
    if (decision.alpn) this.#setAlpn(decision.alpn)
    this.#set('resume', exports.tls_resume(connection, decision.alert ?? -1))
  }

  /**
   * Keying material bound to this connection (RFC 8446, 7.5; RFC 5705).
   * @param context distinguishes uses of one label; leaving it out and passing none differ before TLS 1.3
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    const connection = this.established('exportKeyingMaterial')
    const { exports, memory } = this.library
    const exported = memory.lend([label, context], (name, at) =>
      memory.take(exports.tls_peer_exporter(connection, name, at, context?.length ?? 0, length)),
    )
    if (!exported) throw settingError(memory.error(exports.tls_library_error()), 'exportKeyingMaterial')
    return exported.bytes
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

  #configure(options: EngineOptions): void {
    const { exports, memory } = this.library
    const { pointer } = this.handle
    const { servername, identity, session } = options
    if (servername && !isIpAddress(servername)) {
      this.#set('servername', memory.lend([servername], (at) => exports.tls_connection_set_servername(pointer, at)))
    }
    this.#set('identity', memory.lend([identity], (at) => exports.tls_connection_set_verify(pointer, verifyMode(options), at)))
    if (options.alpn) this.#setAlpn(options.alpn)
    if (session) this.#set('session', memory.lend([session], (at) => exports.tls_connection_set_session(pointer, at, session.length)))
  }

  #setAlpn(protocols: readonly string[]): void {
    const { exports, memory } = this.library
    const wire = alpnWire(protocols)
    this.#set('alpn', memory.lend([wire], (at) => exports.tls_connection_set_alpn(this.handle.pointer, at, wire.length)))
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
    if (status !== TLS_ERROR) return STATUS[status]!
    const { exports, memory } = this.library
    this.#error = connectionError(memory.error(exports.tls_connection_error(this.handle.pointer)), { during, identity: this.#identity })
    if (this.#error.code === 'ERR_TLS_TRUNCATED') this.progress.endReading('truncated')
    this.progress.enter('failed')
    throw this.#error
  }
}

function verifyMode({ role, clientCertificate = 'none', dangerouslyAcceptAnyCertificate }: EngineOptions): number {
  if (role === 'client') return dangerouslyAcceptAnyCertificate ? TLS_VERIFY_RECORD : TLS_VERIFY_REQUIRE
  if (clientCertificate === 'none') return TLS_VERIFY_NONE
  if (dangerouslyAcceptAnyCertificate) return TLS_VERIFY_RECORD
  return clientCertificate === 'require' ? TLS_VERIFY_REQUIRE : TLS_VERIFY_OPTIONAL
}
