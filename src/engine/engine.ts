// TlsEngine: TLS without I/O. Bytes in, bytes out.
//
//          the peer                                                the program
//     receiveCiphertext  ──▶  incoming BIO ─┐           ┌──▶  readPlaintext
//                                           │  OpenSSL  │
//     takeCiphertext     ◀──  outgoing BIO ─┘           └◀──  writePlaintext
//
// No sockets, no promises, no clock of its own. Every call returns at once; "not ready" is a status, never an exception. The
// class to read first; its driver is transport/poller.ts.
import type { Pointer } from '../abi/generated.ts'
import { usageError } from '../errors.ts'
import { BIO_CAPACITY } from './configurator.ts'
import type { Status } from './connection.ts'
import type { SecureContext } from './context.ts'
import { LiveConnection } from './live.ts'

export type { Status } from './connection.ts'

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

/** Below this, tls_write might not accept a full record (wasm/connection.c). */
const WRITE_ROOM = 16384 + 1024

/** One TLS connection without I/O; see the picture above. Made by `SecureContext.createEngine`, freed by `free`. */
export class TlsEngine extends LiveConnection<SecureContext> {
  #eof = false

  /** What it can use right now. Cheap: asks two lengths. */
  wants(): Wants {
    if (this.handle.isFree) return { receiveCiphertext: false, takeCiphertext: false, writePlaintext: false, readPlaintext: false }
    const { exports } = this.library
    const { phase, readSide, writeSide } = this.progress
    const alive = phase !== 'failed' && phase !== 'closed'
    const incoming = exports.tls_incoming_pending(this.handle.pointer)
    const outgoing = exports.tls_outgoing_pending(this.handle.pointer)
    return {
      receiveCiphertext: alive && readSide === 'open' && !this.#eof && incoming < BIO_CAPACITY,
      takeCiphertext: outgoing > 0,
      writePlaintext: (phase === 'open' || phase === 'closing') && writeSide === 'open' && BIO_CAPACITY - outgoing >= WRITE_ROOM,
      readPlaintext: (phase === 'open' || phase === 'closing') && readSide === 'open' && this.mayRead,
    }
  }

  /**
   * Before the first call of `handshake`: another context, as if the engine had been made with it and the same options. What it has received is
   * kept. Later, a server changes its context by a decision on `clientHello`.
   * @throws TlsError of kind `usage` once the handshake has begun, or where the options do not go with that context
   */
  useContext(context: SecureContext): void {
    this.idle('useContext')
    this.replace(context.pointer, context.checkEngineOptions(this.settings))
  }

  // ---- Ciphertext side. ----

  /**
   * Hands over what the transport delivered. The bytes are copied.
   * @returns how many were accepted: fewer than given when the incoming BIO is full. Read plaintext, then give the rest.
   *   After the peer's close_notify everything is accepted and dropped (RFC 8446, 6.1).
   */
  receiveCiphertext(chunk: Uint8Array): number {
    const connection = this.alive('receiveCiphertext')
    if (this.#eof) throw usageError('receiveCiphertext after receiveEof')
    if (this.progress.readSide !== 'open') return chunk.length
    const { exports, memory } = this.library
    const length = this.library.scratchWord
    let accepted = 0
    while (accepted < chunk.length) {
      const at = exports.tls_incoming_space(connection, length)
      const room = Math.min(memory.u32(length), chunk.length - accepted)
      if (!at || room === 0) break
      memory.u8.set(chunk.subarray(accepted, accepted + room), at)
      exports.tls_incoming_commit(connection, room)
      accepted += room
    }
    if (accepted) this.mayRead = true
    return accepted
  }

  /** The transport has ended. Without a close_notify before it, that is truncation: the next handshake or read throws. */
  receiveEof(): void {
    const connection = this.alive('receiveEof')
    this.#eof = true
    this.mayRead = true
    this.library.exports.tls_incoming_eof(connection)
  }

  /**
   * Takes ciphertext for the peer: at most `maximum` bytes, a copy that the caller owns. Empty when there is none. Works after an error
   * too: the alert that tells the peer may still be waiting.
   */
  takeCiphertext(maximum = Infinity): Uint8Array {
    if (this.handle.isFree) return new Uint8Array(0)
    const { exports, memory } = this.library
    const connection = this.handle.pointer
    const length = this.library.scratchWord
    const pending = exports.tls_outgoing_pending(connection)
    if (pending === 0) return NOTHING
    const taken = new Uint8Array(Math.min(pending, maximum))
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

  /**
   * Reads plaintext, as much as is there and fits into `maximum` bytes. `closed` is the peer's close_notify: nothing will come any more.
   * @returns the bytes are a copy that the caller owns; they are there only with `done`
   * @throws TlsError `ERR_TLS_TRUNCATED` when the transport ended without close_notify; all that came before it was delivered
   */
  readPlaintext(maximum = BIO_CAPACITY): { status: Status; plaintext: Uint8Array } {
    const connection = this.established('readPlaintext')
    if (this.progress.readSide === 'closeNotify') return { status: 'closed', plaintext: NOTHING }
    const { exports, memory, scratch, scratchSize } = this.library
    const count = exports.tls_read(connection, scratch, Math.min(maximum, scratchSize))
    if (count > 0) return { status: 'done', plaintext: memory.takeOut(scratch, count) }
    const status = this.statusOf(count, 'reading')
    this.mayRead = status !== 'want-read' && status !== 'closed'
    if (status === 'closed') this.readingEnded()
    return { status, plaintext: NOTHING }
  }

  /**
   * Client, before the first `handshake`: sends 0-RTT data with a session that allows it (RFC 8446, 2.3). It is not forward secret and
   * can be replayed; `agreed.earlyData` tells whether the server took it.
   * @returns how many bytes were accepted
   */
  writeEarlyData(chunk: Uint8Array): { status: Status; accepted: number } {
    const connection = this.alive('writeEarlyData')
    if (this.role !== 'client' || this.agreed) throw usageError('writeEarlyData is for clients, before the handshake is done')
    this.progress.enter('handshaking')
    const { exports } = this.library
    return this.#encrypt(chunk, 'writing early data', (at, length) => exports.tls_write_early(connection, at, length))
  }

  /**
   * Encrypts plaintext into the outgoing BIO. The bytes are copied.
   * @returns how many bytes were accepted; with fewer than given, `status` says what must happen before the rest
   */
  writePlaintext(chunk: Uint8Array): { status: Status; accepted: number } {
    const connection = this.established('writePlaintext')
    if (this.progress.writeSide !== 'open') throw usageError('writePlaintext after closeWrite')
    const { exports } = this.library
    return this.#encrypt(chunk, 'writing', (at, length) => exports.tls_write(connection, at, length))
  }

  /** Piece by piece through the scratch memory, until all is written or something is wanted first. */
  #encrypt(chunk: Uint8Array, during: string, write: (at: Pointer, length: number) => number): { status: Status; accepted: number } {
    const { memory, scratch, scratchSize } = this.library
    let accepted = 0
    while (accepted < chunk.length) {
      const piece = chunk.subarray(accepted, accepted + scratchSize)
      memory.u8.set(piece, scratch)
      const count = write(scratch, piece.length)
      memory.wipe(scratch, piece.length)
      if (count <= 0) return { status: this.statusOf(count, during), accepted }
      accepted += count
    }
    return { status: 'done', accepted }
  }
}

const NOTHING = new Uint8Array(0)
