// SyncConnection: the classic loop of blocking OpenSSL, over a TlsEngine and a BlockingSocket. Try; on want-read wait for readable,
// on want-write wait for writable; try again. The file to read first in this folder.
import type { Agreed } from '../engine/agreed.ts'
import type { Status, TlsEngine } from '../engine/engine.ts'
import { TlsError, usageError } from '../errors.ts'
import type { PollerEvent } from '../transport/poller.ts'
import { BlockingSocket, Deadline } from './blocking-socket.ts'
import { checkPort, contextOf, parseTimeout, type ConnectSyncOptions } from './options.ts'

/** How long `close` waits for the peer's close_notify, in milliseconds: a slow round trip and a retransmission. Nobody needs the answer. */
const CLOSE_WAIT = 2_000

const encoder = new TextEncoder()

/**
 * Connects and does the handshake; returns when plaintext may flow.
 * @throws TlsError of kind `io` (ECONNREFUSED, ENOTFOUND, ERR_TLS_CONNECT_TIMEOUT, ERR_TLS_HANDSHAKE_TIMEOUT...), or whatever the
 *   handshake met
 */
export function connectSync(options: ConnectSyncOptions): SyncConnection {
  const { host, port, timeout, onEvent, context: given, servername = host, identity, session, alpn, ...rest } = options
  const { keylog, trace, dangerouslyAcceptAnyCertificate, ...contextOptions } = rest
  if (typeof host !== 'string' || !host) throw usageError('connectSync needs a `host`: a name or an address')
  checkPort(port, 1)
  const settings = { timeout: parseTimeout(timeout), onEvent }
  const { context, release } = contextOf(given, contextOptions)
  let engine: TlsEngine
  try {
    engine = context.createEngine({ role: 'client', servername, identity, session, alpn, keylog, trace, dangerouslyAcceptAnyCertificate })
  } finally {
    release()
  }
  const deadline = new Deadline(settings.timeout, 'call')
  try {
    const socket = BlockingSocket.connect(host, port, deadline.during(`connecting to ${host} port ${port}`, 'CONNECT'))
    return new SyncConnection(engine, socket, settings, deadline)
  } catch (error) {
    engine.free()
    throw error
  }
}

/** What connections of one client or listener share. */
export interface ConnectionSettings {
  timeout: number
  onEvent: ((event: PollerEvent) => void) | undefined
}

/**
 * One connection, its handshake done: each call sleeps until it is through, or until `timeout`. It is the owner's to `close`; one that
 * is dropped instead is reset when the garbage collector finds it.
 */
export class SyncConnection {
  /** For its state, and for `exportKeyingMaterial`. Its bytes are moved by this class. */
  readonly engine: TlsEngine
  readonly #socket: BlockingSocket
  readonly #timeout: number
  readonly #onEvent: ((event: PollerEvent) => void) | undefined
  #writeError: unknown
  #closed = false

  /**
   * Use `connectSync`, or `accept` of a listener. Does the handshake, and owns engine and socket: it frees both if that fails.
   * @param deadline for the handshake
   */
  constructor(engine: TlsEngine, socket: BlockingSocket, { timeout, onEvent }: ConnectionSettings, deadline: Deadline) {
    this.engine = engine
    this.#socket = socket
    this.#timeout = timeout
    this.#onEvent = onEvent
    deadline.during(`the handshake with ${socket.remoteAddress} port ${socket.remotePort}`, 'HANDSHAKE')
    try {
      this.#until(() => this.engine.handshake(), deadline)
      this.#handOver(deadline)
    } catch (error) {
      this.close() // sends the alert
      throw error
    }
  }

  /** What the handshake agreed on. Stays after `close`. */
  get agreed(): Agreed {
    return this.engine.agreed!
  }
  /** The peer's IP address. An IPv4 client of a listener at all addresses appears as `::ffff:192.0.2.1`. Stays after `close`. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress
  }
  /** The peer's TCP port. Stays after `close`. */
  get remotePort(): number {
    return this.#socket.remotePort
  }

  /**
   * Waits until there is plaintext and returns it: what is there, at least one byte, at most `maximum`. The bytes are the caller's.
   * @returns undefined once the peer has ended its direction in good order (close_notify)
   * @throws TlsError `ERR_TLS_TRUNCATED` if the peer's bytes just stopped; `ECONNRESET` and its like; `ERR_TLS_READ_TIMEOUT`, after which
   *   another read may follow
   */
  read(maximum?: number): Uint8Array | undefined {
    this.#mustBeOpen('read')
    return this.#read(maximum, new Deadline(this.#timeout, 'silence').during('reading', 'READ'))
  }

  /**
   * Encrypts plaintext and waits until the kernel has taken all of it, as write(2) on a blocking socket does; whether the peer has got it
   * is another question.
   * @throws TlsError `EPIPE`, `ECONNRESET` and their like; `ERR_TLS_WRITE_TIMEOUT` if the peer takes nothing. How much was sent is unknown
   *   then, so every later write throws the same error. Reading what has arrived is still possible.
   */
  write(plaintext: Uint8Array | string): void {
    this.#mustBeOpen('write')
    this.#send(this.#writing(plaintext), new Deadline(this.#timeout, 'silence').during('writing', 'WRITE'))
  }

  /**
   * Ends our direction with close_notify; reading goes on until the peer ends its own (half-close). A second call does nothing.
   * @param last to be written before it. Both leave together: a peer that closes as soon as it has its answer has got the goodbye with it,
   *   and its kernel has no reason to reset the connection for bytes that nobody read
   */
  closeWrite(last: Uint8Array | string = ''): void {
    this.#mustBeOpen('closeWrite')
    this.#closeWrite(last, new Deadline(this.#timeout, 'silence').during('writing', 'WRITE'))
  }

  /**
   * Ends both directions: sends close_notify, drops what still arrives, waits for the peer's. Does not throw because of the peer; a second
   * call does nothing. Frees the engine.
   * @param wait how long to wait, in milliseconds
   */
  close(wait = CLOSE_WAIT): void {
    if (this.#closed) return
    this.#closed = true
    const deadline = new Deadline(wait, 'call').during('closing', 'CLOSE')
    try {
      ignoringTlsErrors(() => {
        this.#closeWrite('', deadline)
        while (deadline.left > 0 && this.#read(undefined, deadline));
      })
      ignoringTlsErrors(() => this.#handOver(deadline)) // an alert, where the connection has failed
    } finally {
      this.#socket.close()
      this.engine.free()
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }

  // ---- The loop. ----

  /** Repeats an attempt until it is done, and waits in between for what it wants. */
  #until(attempt: () => Status, deadline: Deadline): 'done' | 'closed' {
    for (;;) {
      const status = this.#attempt(attempt)
      if (status === 'done' || status === 'closed') return status
      if (!this.engine.agreed) this.#onEvent?.({ type: 'want', want: status })
      if (deadline.left === 0) throw deadline.error() // a peer that never lets us sleep must not hold us for ever
      if (status === 'want-read') this.#waitReadable(deadline)
      else this.#waitWritable(deadline)
    }
  }

  /** Whatever came of it, OpenSSL may have something to send and to tell; after a failure, an alert. */
  #attempt(attempt: () => Status): Status {
    try {
      return attempt()
    } finally {
      this.#flush()
      for (let event; (event = this.engine.nextEvent()); ) this.#onEvent?.(event)
    }
  }

  /** Ciphertext of the peer's, its end, or the error that broke the connection; whichever comes first. */
  #waitReadable(deadline: Deadline): void {
    this.#socket.sleepUntil(() => {
      this.#flush() // a peer that waits for the rest of ours will send nothing
      const { ending } = this.#socket // asked first: it is set after the last bytes
      const chunk = this.#socket.arrived
      if (chunk.length) this.#socket.consume(this.engine.receiveCiphertext(chunk))
      else if (ending === 'eof') this.engine.receiveEof()
      else if (ending) throw ending
      return chunk.length > 0 || ending
    }, deadline)
  }

  /** Until the engine got rid of some ciphertext, and so has room for more. */
  #waitWritable(deadline: Deadline): void {
    this.#socket.sleepUntil(() => this.#mustSend() > 0 || !this.engine.wants().takeCiphertext || undefined, deadline)
  }

  /** Waits until the kernel has every byte. */
  #handOver(deadline: Deadline): void {
    this.#socket.sleepUntil(() => {
      this.#mustSend()
      return (this.#socket.unsent === 0 && !this.engine.wants().takeCiphertext) || undefined
    }, deadline)
  }

  #mustSend(): number {
    const { failure } = this.#socket
    if (failure) throw failure
    return this.#flush()
  }

  /** Moves as much ciphertext as there is room for. @returns how many bytes. Not an error on a broken socket: reading will meet that. */
  #flush(): number {
    let moved = 0
    for (let room; (room = this.#socket.room) > 0; ) {
      const chunk = this.engine.takeCiphertext(room)
      if (chunk.length === 0) break
      moved += this.#socket.send(chunk)
    }
    return moved
  }

  // ---- What is tried. ----

  #read(maximum: number | undefined, deadline: Deadline): Uint8Array | undefined {
    let plaintext: Uint8Array | undefined
    const status = this.#until(() => {
      const read = this.engine.readPlaintext(maximum)
      plaintext = read.plaintext
      return read.status
    }, deadline)
    return status === 'closed' ? undefined : plaintext
  }

  /** Encrypts a part of it each time, until all is done. */
  #writing(plaintext: Uint8Array | string): () => Status {
    let rest = typeof plaintext === 'string' ? encoder.encode(plaintext) : plaintext
    return () => {
      const { status, accepted } = this.engine.writePlaintext(rest)
      rest = rest.subarray(accepted)
      return status
    }
  }

  #closeWrite(last: Uint8Array | string, deadline: Deadline): void {
    if (this.engine.writeSide !== 'open' && !last.length) return
    const writing = this.#writing(last)
    this.#send(() => {
      const status = writing()
      return status === 'done' ? this.engine.closeWrite() : status
    }, deadline)
  }

  /** A failure on the way leaves a record cut in the middle: nothing can follow it. */
  #send(attempt: () => Status, deadline: Deadline): void {
    if (this.#writeError) throw this.#writeError
    try {
      this.#until(attempt, deadline)
      this.#handOver(deadline)
    } catch (error) {
      if (!(error instanceof TlsError && error.kind === 'usage')) this.#writeError = error
      throw error
    }
  }

  #mustBeOpen(call: string): void {
    if (this.#closed) throw usageError(`${call} after close`)
  }
}

function ignoringTlsErrors(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof TlsError)) throw error
  }
}
