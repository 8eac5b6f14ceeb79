// TlsEngine: TLS without I/O. Bytes in, bytes out.
//
//          the peer                                                the program
//     receiveCiphertext  ──▶  incoming BIO ─┐           ┌──▶  readPlaintext
//                                           │  OpenSSL  │
//     takeCiphertext     ◀──  outgoing BIO ─┘           └◀──  writePlaintext
//
// No sockets, no promises, no clock of its own. Every call returns at once; "not ready" is a status, never an exception. The
// class to read first; its driver is transport/poller.ts.
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
import { closedInHandshake, connectionError, settingError, usageError, type TlsError } from '../errors.ts'
import { readAgreed, type Agreed } from './agreed.ts'
import type { SecureContext } from './context.ts'
import { decodeEvent, type EngineEvent } from './events.ts'
import { alpnWire, isIpAddress, type EngineOptions, type Role } from './options.ts'
import { Progress, type Phase, type ReadSide, type WriteSide } from './phase.ts'

/**
 * What a call came to:
 * `done`; `want-read`: more ciphertext must be received; `want-write`: ciphertext must be taken first, the outgoing BIO is full;
 * `want-callback`: parked, an event tells on what, `resume` goes on; `closed`: this direction has ended in good order.
 */
export type Status = 'done' | 'want-read' | 'want-write' | 'want-callback' | 'closed'

/** What the engine can use right now; a poller's interest follows it, as EPOLLIN and EPOLLOUT do. */
export interface Wants {
  /** The incoming BIO has room, and the peer may still say something. */
  receiveCiphertext: boolean
  /** The outgoing BIO holds bytes for the peer. */
  takeCiphertext: boolean
  /** Plaintext would be accepted. */
  writePlaintext: boolean
  /** Plaintext may be there: a read could bring something. */
  readPlaintext: boolean
}

/** Capacity of each of the two BIOs, in bytes: the fixed price of a peer that sends and never reads, or the other way round. */
const BIO_CAPACITY = 65536
/** Below this, tls_write might not accept a full record (wasm/connection.c). */
const WRITE_ROOM = 16384 + 1024

const STATUS: Record<number, Status> = {
  [TLS_DONE]: 'done',
  [TLS_WANT_READ]: 'want-read',
  [TLS_WANT_WRITE]: 'want-write',
  [TLS_WANT_CALLBACK]: 'want-callback',
  [TLS_CLOSED]: 'closed',
}

export class TlsEngine {
  readonly role: Role
  readonly #library: Library
  readonly #handle: Handle<TlsConnectionPointer>
  readonly #identity: string | undefined
  readonly #progress = new Progress()
  readonly #events: EngineEvent[] = []
  #error: TlsError | undefined
  #agreed: Agreed | undefined
  #mayRead = false
  #parked = false
  #eof = false

  /** Use `SecureContext.createEngine`. */
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
    this.#library = library
    this.#identity = options.identity
    this.#handle = new Handle(pointer, (connection) => exports.tls_connection_free(connection))
    try {
      this.#configure(options)
    } catch (error) {
      this.free()
      throw error
    }
  }

  // ---- Where it stands. ----

  get phase(): Phase {
    return this.#progress.phase
  }
  get readSide(): ReadSide {
    return this.#progress.readSide
  }
  get writeSide(): WriteSide {
    return this.#progress.writeSide
  }
  /** The first fatal error, once there is one. Every later call throws this same object. */
  get error(): TlsError | undefined {
    return this.#error
  }
  /** What the handshake agreed on; undefined before it is done. */
  get agreed(): Agreed | undefined {
    return this.#agreed
  }

  wants(): Wants {
    if (this.#handle.isFree) return { receiveCiphertext: false, takeCiphertext: false, writePlaintext: false, readPlaintext: false }
    const { exports } = this.#library
    const { phase, readSide, writeSide } = this.#progress
    const alive = phase !== 'failed' && phase !== 'closed'
    const incoming = exports.tls_incoming_pending(this.#handle.pointer)
    const outgoing = exports.tls_outgoing_pending(this.#handle.pointer)
    return {
      receiveCiphertext: alive && readSide === 'open' && !this.#eof && incoming < BIO_CAPACITY,
      takeCiphertext: outgoing > 0,
      writePlaintext: (phase === 'open' || phase === 'closing') && writeSide === 'open' && BIO_CAPACITY - outgoing >= WRITE_ROOM,
      readPlaintext: (phase === 'open' || phase === 'closing') && readSide === 'open' && this.#mayRead,
    }
  }

  // ---- Ciphertext side. ----

  /**
   * Hands over what the transport delivered. The bytes are copied.
   * @returns how many were accepted: fewer than given when the incoming BIO is full. Read plaintext, then give the rest.
   *   After the peer's close_notify everything is accepted and dropped (RFC 8446, 6.1).
   */
  receiveCiphertext(chunk: Uint8Array): number {
    const connection = this.#alive('receiveCiphertext')
    if (this.#eof) throw usageError('receiveCiphertext after receiveEof')
    if (this.#progress.readSide !== 'open') return chunk.length
    const { exports, memory } = this.#library
    const length = this.#library.scratchWord
    let accepted = 0
    while (accepted < chunk.length) {
      const at = exports.tls_incoming_space(connection, length)
      const room = Math.min(memory.u32(length), chunk.length - accepted)
      if (!at || room === 0) break
      memory.u8.set(chunk.subarray(accepted, accepted + room), at)
      exports.tls_incoming_commit(connection, room)
      accepted += room
    }
    if (accepted) this.#mayRead = true
    return accepted
  }

  /** The transport has ended. Without a close_notify before it, that is truncation: the next handshake or read throws. */
  receiveEof(): void {
    const connection = this.#alive('receiveEof')
    this.#eof = true
    this.#mayRead = true
    this.#library.exports.tls_incoming_eof(connection)
  }

  /**
   * Takes ciphertext for the peer: at most `maximum` bytes, a copy that the caller owns. Empty when there is none. Works after an error
   * too: the alert that tells the peer may still be waiting.
   */
  takeCiphertext(maximum = Infinity): Uint8Array {
    if (this.#handle.isFree) return new Uint8Array(0)
    const { exports, memory } = this.#library
    const connection = this.#handle.pointer
    const length = this.#library.scratchWord
    const taken = new Uint8Array(Math.min(exports.tls_outgoing_pending(connection), maximum))
    for (let filled = 0; filled < taken.length; ) {
      const at = exports.tls_outgoing_peek(connection, length)
      const count = Math.min(memory.u32(length), taken.length - filled)
      taken.set(memory.u8.subarray(at, at + count), filled)
      exports.tls_outgoing_consume(connection, count)
      filled += count
    }
    return taken
  }

  // ---- Plaintext side. ----

  /** Drives the handshake as far as it goes (SSL_do_handshake(3)). `done` when it is complete, and from then on. */
  handshake(): Status {
    const connection = this.#alive('handshake')
    if (this.#agreed) return 'done'
    this.#progress.enter('handshaking')
    const status = this.#status(this.#library.exports.tls_handshake(connection), 'the handshake')
    if (status === 'closed') this.#fail(closedInHandshake())
    this.#parked = status === 'want-callback'
    if (status === 'done') this.#opened()
    return status
  }

  /**
   * Reads plaintext, as much as is there and fits into `maximum` bytes. `closed` is the peer's close_notify: nothing will come any more.
   * @returns the bytes are a copy that the caller owns; they are there only with `done`
   * @throws TlsError `ERR_TLS_TRUNCATED` when the transport ended without close_notify; all that came before it was delivered
   */
  readPlaintext(maximum = BIO_CAPACITY): { status: Status; plaintext: Uint8Array } {
    const connection = this.#established('readPlaintext')
    if (this.#progress.readSide === 'closeNotify') return { status: 'closed', plaintext: NOTHING }
    const { exports, memory, scratch, scratchSize } = this.#library
    const count = exports.tls_read(connection, scratch, Math.min(maximum, scratchSize))
    if (count > 0) return { status: 'done', plaintext: memory.slice(scratch, count) }
    const status = this.#status(count, 'reading')
    this.#mayRead = status !== 'want-read' && status !== 'closed'
    if (status === 'closed') {
      this.#progress.endReading('closeNotify')
      this.#events.push({ type: 'closeNotify' })
    }
    return { status, plaintext: NOTHING }
  }

  /**
   * Encrypts plaintext into the outgoing BIO. The bytes are copied.
   * @returns how many bytes were accepted; with fewer than given, `status` says what must happen before the rest
   */
  writePlaintext(chunk: Uint8Array): { status: Status; accepted: number } {
    const connection = this.#established('writePlaintext')
    if (this.#progress.writeSide !== 'open') throw usageError('writePlaintext after closeWrite')
    const { exports, memory, scratch, scratchSize } = this.#library
    let accepted = 0
    while (accepted < chunk.length) {
      const piece = chunk.subarray(accepted, accepted + scratchSize)
      memory.u8.set(piece, scratch)
      const count = exports.tls_write(connection, scratch, piece.length)
      if (count <= 0) return { status: this.#status(count, 'writing'), accepted }
      accepted += count
      if (count < piece.length) return { status: 'want-write', accepted }
    }
    return { status: 'done', accepted }
  }

  /**
   * Ends our direction with close_notify; the peer may go on sending, and reading goes on (half-close). `want-write`: call again once
   * ciphertext was taken.
   */
  closeWrite(): Status {
    const connection = this.#established('closeWrite')
    const status = this.#status(this.#library.exports.tls_close_write(connection), 'closing')
    if (status === 'done') this.#progress.endWriting()
    return status
  }

  // ---- Decisions and events. ----

  /** The next event, oldest first; undefined when there is none. */
  nextEvent(): EngineEvent | undefined {
    if (!this.#handle.isFree) {
      const taken = this.#library.memory.take(this.#library.exports.tls_event_take(this.#handle.pointer))
      if (taken) return decodeEvent(taken)
    }
    return this.#events.shift()
  }

  /**
   * Goes on after `want-callback`. Call `handshake` next.
   * @param decision.context the certificate and settings to go on with, as chosen by servername
   * @param decision.alpn the protocols to choose from, best first
   * @param decision.alert refuses the handshake with this AlertDescription instead (112 is unrecognized_name)
   * @param decision.signature answers a `sign` event
   */
  resume(decision: { context?: SecureContext; alpn?: readonly string[]; alert?: number; signature?: Uint8Array } = {}): void {
    const connection = this.#alive('resume')
    if (!this.#parked) throw usageError('resume: the handshake is not waiting for an answer')
    const { exports } = this.#library
    if (decision.context) this.#set('context', exports.tls_connection_set_context(connection, decision.context.pointer))
    if (decision.alpn) this.#setAlpn(decision.alpn)
    const { signature } = decision
    if (signature) {
      const resume = (at: number) => exports.tls_resume_signature(connection, at, signature.length)
      this.#set('signature', this.#library.memory.lend([signature], resume))
    } else {
      this.#set('resume', exports.tls_resume(connection, decision.alert ?? -1))
    }
    this.#parked = false
  }

  /**
   * Keying material bound to this connection (RFC 8446, 7.5; RFC 5705).
   * @param context distinguishes uses of one label; leaving it out and passing none differ before TLS 1.3
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    const connection = this.#established('exportKeyingMaterial')
    const { exports, memory } = this.#library
    const exported = memory.lend([label, context], (name, at) =>
      memory.take(exports.tls_peer_exporter(connection, name, at, context?.length ?? 0, length)),
    )
    if (!exported) throw settingError(memory.error(exports.tls_library_error()), 'exportKeyingMaterial')
    return exported.bytes
  }

  /** Frees the connection and wipes its secrets. Every later call but `free` is a usage error. */
  free(): void {
    if (this.#handle.isFree) return
    this.#handle.free()
    this.#progress.enter('closed')
  }

  [Symbol.dispose](): void {
    this.free()
  }

  // ---- Inside. ----

  #configure(options: EngineOptions): void {
    const { exports, memory } = this.#library
    const { pointer } = this.#handle
    const { servername, identity, session } = options
    if (servername && !isIpAddress(servername)) {
      this.#set('servername', memory.lend([servername], (at) => exports.tls_connection_set_servername(pointer, at)))
    }
    this.#set('identity', memory.lend([identity], (at) => exports.tls_connection_set_verify(pointer, verifyMode(options), at)))
    if (options.alpn) this.#setAlpn(options.alpn)
    if (session) this.#set('session', memory.lend([session], (at) => exports.tls_connection_set_session(pointer, at, session.length)))
  }

  #setAlpn(protocols: readonly string[]): void {
    const { exports, memory } = this.#library
    const wire = alpnWire(protocols)
    this.#set('alpn', memory.lend([wire], (at) => exports.tls_connection_set_alpn(this.#handle.pointer, at, wire.length)))
  }

  #set(what: string, status: number): void {
    const { exports, memory } = this.#library
    if (status === TLS_ERROR) throw settingError(memory.error(exports.tls_library_error()), `\`${what}\` was refused`)
  }

  /** The connection, if it may still be used. */
  #alive(call: string): TlsConnectionPointer {
    if (this.#error) throw this.#error
    if (this.#handle.isFree) throw usageError(`${call}: this TlsEngine has been freed`)
    return this.#handle.pointer
  }

  #established(call: string): TlsConnectionPointer {
    const connection = this.#alive(call)
    if (!this.#agreed) throw usageError(`${call} before the handshake is done (phase: ${this.phase}): call handshake() until it says 'done'`)
    return connection
  }

  #opened(): void {
    this.#progress.enter('open')
    this.#agreed = readAgreed(this.#library, this.#handle.pointer)
    this.#mayRead = true // the peer's first bytes may have come with its Finished
    this.#events.push({ type: 'secureConnect' })
  }

  /** Turns a C status into ours; a failure is kept, and thrown now and ever after. */
  #status(status: number, during: string): Status {
    if (status !== TLS_ERROR) return STATUS[status]!
    const { exports, memory } = this.#library
    const scene = { during, identity: this.#identity, signerThrew: this.#library.signers.takeThrown() }
    const error = connectionError(memory.error(exports.tls_connection_error(this.#handle.pointer)), scene)
    if (error.code === 'ERR_TLS_TRUNCATED') this.#progress.endReading('truncated')
    this.#fail(error)
  }

  #fail(error: TlsError): never {
    this.#error = error
    this.#progress.enter('failed')
    throw error
  }
}

const NOTHING = new Uint8Array(0)

function verifyMode({ role, clientCertificate = 'none', dangerouslyAcceptAnyCertificate }: EngineOptions): number {
  if (role === 'client') return dangerouslyAcceptAnyCertificate ? TLS_VERIFY_RECORD : TLS_VERIFY_REQUIRE
  if (clientCertificate === 'none') return TLS_VERIFY_NONE
  if (dangerouslyAcceptAnyCertificate) return TLS_VERIFY_RECORD
  return clientCertificate === 'require' ? TLS_VERIFY_REQUIRE : TLS_VERIFY_OPTIONAL
}
