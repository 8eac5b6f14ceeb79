// DtlsEngine: DTLS 1.2 (RFC 6347) without I/O. Datagrams in, datagrams out.
//
//          the peer                                                the program
//     receiveDatagram  ──▶  incoming BIO ─┐           ┌──▶  readPlaintext
//                                         │  OpenSSL  │
//     takeDatagram     ◀──  outgoing BIO ─┘           └◀──  writePlaintext
//
// One call, one datagram, on each of the four ports. A datagram may be lost, doubled or late, here as on the network: full BIOs drop,
// and what the handshake loses is sent again when `nextTimeout` is over and `handleTimeout` is called. What the program writes is not.
//
// The driver is transport/datagram.ts.
import { TLS_DONE, TLS_ERROR, type TlsContextPointer } from '../abi/generated.ts'
import type { Library } from '../abi/library.ts'
import { settingError, usageError } from '../errors.ts'
import type { Status } from './connection.ts'
import type { DtlsContext } from './dtls-context.ts'
import type { DatagramSettings, DtlsPeer } from './dtls-options.ts'
import { LiveConnection } from './live.ts'
import type { EngineSettings } from './options.ts'

/** SSL on datagrams. Its events, decisions and exporters are those of TlsEngine. */
export class DtlsEngine extends LiveConnection<DtlsContext> {
  readonly #mtu: number
  /** A server has to know whom the cookie is bound to, or that it shall go without. */
  #ready: boolean

  /** Use `DtlsContext.createEngine`. */
  constructor(library: Library, context: TlsContextPointer, options: EngineSettings, { mtu, peer, skipCookie }: DatagramSettings) {
    super(library, context, options)
    this.#mtu = mtu
    this.#ready = options.role === 'client' || skipCookie || peer !== undefined
    try {
      this.#applyMtu()
      if (peer !== undefined) this.#setPeer(peer)
    } catch (error) {
      this.free()
      throw error
    }
  }

  // ---- Ciphertext side. ----

  /**
   * Hands over the payload of one UDP datagram. The bytes are copied. Garbage is dropped later, without a word (RFC 6347, 4.1.2.7).
   * Then call `handshake` until it is done, and `readPlaintext` from then on: also where no plaintext is expected, because a peer
   * that repeats the last flight of its handshake is answered there.
   * @returns false when it was dropped: the incoming BIO is full, the datagram is empty, or the peer has closed
   */
  receiveDatagram(datagram: Uint8Array): boolean {
    const connection = this.alive('receiveDatagram')
    const { exports, memory, scratch, scratchSize } = this.library
    if (this.progress.readSide !== 'open' || datagram.length > scratchSize) return false
    memory.u8.set(datagram, scratch)
    if (exports.dtls_receive(connection, scratch, datagram.length) !== TLS_DONE) return false
    this.mayRead = true
    return true
  }

  /**
   * The next datagram for the peer, a copy that the caller owns; undefined when there is none. Works after an error too: the alert that
   * tells the peer may still be waiting.
   */
  takeDatagram(): Uint8Array | undefined {
    if (this.handle.isFree) return undefined
    const { exports, memory, scratch, scratchSize } = this.library
    const length = exports.dtls_take(this.handle.pointer, scratch, scratchSize)
    return length ? memory.slice(scratch, length) : undefined
  }

  // ---- Progress. ----

  /** Drives the handshake as far as it goes. A server that does not know its peer must `listen` first. */
  override handshake(): Status {
    if (!this.#ready) throw usageError('handshake: this server knows no peer: pass `peer` to createEngine, or call `listen` first')
    const begins = !this.agreed
    const status = super.handshake()
    if (begins && status === 'done') this.#applyMtu()
    return status
  }

  /**
   * Server: looks at the datagram of a stranger, and keeps nothing of it before the stranger has shown a cookie (DTLSv1_listen(3); RFC
   * 6347, 4.2.1). `done`: a ClientHello with the right cookie; from now on the engine is this peer's, call `handshake` next.
   * `want-read`: dropped, or answered with the HelloVerifyRequest that `takeDatagram` gives; the engine is free for the next stranger.
   */
  listen(datagram: Uint8Array, peer: DtlsPeer): Status {
    const connection = this.alive('listen')
    if (this.#ready || this.role === 'client') throw usageError('listen is for a server without `peer`, until it has found one')
    const { exports, memory, scratch, scratchSize } = this.library
    if (datagram.length > scratchSize) return 'want-read'
    this.#setPeer(peer)
    memory.u8.set(datagram, scratch)
    const status = exports.dtls_listen(connection, scratch, datagram.length)
    if (status === TLS_ERROR) throw settingError(memory.error(exports.tls_library_error()), 'listen')
    this.#ready = status === TLS_DONE
    return this.#ready ? 'done' : 'want-read'
  }

  /**
   * Milliseconds until `handleTimeout` is due, 0 when it is overdue; undefined when nothing is waited for. Ask again after each call.
   * The wait begins with a second and doubles up to a minute (RFC 6347, 4.2.4.1).
   */
  nextTimeout(): number | undefined {
    if (this.handle.isFree) return undefined
    const milliseconds = this.library.exports.dtls_timeout(this.handle.pointer)
    return milliseconds < 0 ? undefined : Math.ceil(milliseconds)
  }

  /**
   * Sends our last flight again, if that is due by the host's clock; else it does nothing.
   * @throws TlsError `ERR_SSL_READ_TIMEOUT_EXPIRED` of kind `io` once a flight was repeated twelve times in vain
   */
  handleTimeout(): void {
    const connection = this.alive('handleTimeout')
    this.statusOf(this.library.exports.dtls_handle_timeout(connection), 'waiting for the peer')
  }

  // ---- Plaintext side. ----

  /** The longest plaintext that fits into a datagram, in bytes: the MTU without what a record adds. 0 before the handshake is done. */
  get maxPlaintext(): number {
    return this.agreed && !this.handle.isFree ? this.library.exports.dtls_room(this.handle.pointer) : 0
  }

  /**
   * Reads the plaintext of one datagram (of one record: peers may put several into a datagram). `closed` is the peer's close_notify.
   * @returns the bytes are a copy that the caller owns; they are there only with `done`
   */
  readPlaintext(): { status: Status; plaintext: Uint8Array } {
    const connection = this.established('readPlaintext')
    if (this.progress.readSide === 'closeNotify') return { status: 'closed', plaintext: NOTHING }
    const { exports, memory, scratch, scratchSize } = this.library
    const count = exports.dtls_read(connection, scratch, scratchSize)
    if (count > 0) return { status: 'done', plaintext: memory.takeOut(scratch, count) }
    const status = this.statusOf(count, 'reading')
    this.mayRead = false
    if (status === 'closed') this.readingEnded()
    return { status, plaintext: NOTHING }
  }

  /**
   * Encrypts one datagram. It is all written, or with `want-write` not at all: the outgoing BIO is full.
   * @throws TlsError `ERR_DTLS_MESSAGE_SIZE` of kind `usage` when it is empty, or longer than `maxPlaintext`; the engine lives on
   */
  writePlaintext(datagram: Uint8Array): Status {
    const connection = this.established('writePlaintext')
    if (this.progress.writeSide !== 'open') throw usageError('writePlaintext after closeWrite')
    const { maxPlaintext } = this
    if (datagram.length === 0) throw usageError('writePlaintext: an empty record cannot be sent', 'ERR_DTLS_MESSAGE_SIZE')
    if (datagram.length > maxPlaintext) {
      const message = `writePlaintext: ${datagram.length} bytes do not fit into a datagram: ${maxPlaintext} do, with an MTU of ${this.#mtu}`
      throw usageError(message, 'ERR_DTLS_MESSAGE_SIZE')
    }
    const { exports, memory, scratch } = this.library
    memory.u8.set(datagram, scratch)
    const status = exports.dtls_write(connection, scratch, datagram.length)
    memory.wipe(scratch, datagram.length)
    return this.statusOf(status, 'writing')
  }

  // ---- Inside. ----

  #applyMtu(): void {
    const { exports, memory } = this.library
    if (exports.dtls_set_mtu(this.handle.pointer, this.#mtu) === TLS_DONE) return
    throw settingError(memory.error(exports.tls_library_error()), `\`mtu\` was refused (${this.#mtu})`)
  }

  #setPeer(peer: DtlsPeer): void {
    const { exports, memory } = this.library
    const address = typeof peer === 'string' ? encoder.encode(peer) : peer
    const status = memory.lend([address], (at) => exports.dtls_set_peer(this.handle.pointer, at, address.length))
    if (status !== TLS_DONE) throw settingError(memory.error(exports.tls_library_error()), '`peer` was refused')
  }
}

const NOTHING = new Uint8Array(0)
const encoder = new TextEncoder()
