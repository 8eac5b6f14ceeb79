// Who shuttles ciphertext between a transport and an engine, and drives the handshake: the classic loop of non-blocking OpenSSL, on
// anything that moves bytes. WANT_READ waits for a chunk, WANT_WRITE for room in the transport.
//
// One pump, one scheduling field; chunks, drains, timers and calls only ask for a turn. The only file that owns deadlines and
// water marks.
import type { Agreed } from '../engine/agreed.ts'
import { BIO_CAPACITY } from '../engine/configurator.ts'
import type { Decision, Status } from '../engine/connection.ts'
import type { SecureContext } from '../engine/context.ts'
import type { TlsEngine } from '../engine/engine.ts'
import type { EngineEvent, ParkEvent } from '../engine/events.ts'
import { isParkEvent } from '../engine/events.ts'
import { closedInHandshake, ioError, TlsError, usageError } from '../errors.ts'
import { nextLoop } from './next-loop.ts'
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** What `onEvent` gets. */
export type PollerEvent =
  | EngineEvent
  /** The handshake waits: `want-read` for the peer, `want-write` for the transport, `want-callback` for `engine.resume`. */
  | { type: 'want'; want: Exclude<Status, 'done' | 'closed'> }

/** Who uses the connection. Called from the event loop, never from within a method of the poller. Each may call any method. */
export interface PollerHandlers {
  /** The handshake is done, on these terms. */
  onSecure?(agreed: Agreed): void
  /** Plaintext from the peer; yours to keep. `pause` stops it. */
  onPlaintext?(chunk: Uint8Array): void
  /** After a `write` that returned false: the queue is down to half the high water mark. */
  onDrain?(): void
  /**
   * The peer's close_notify: all that it sent has been delivered, nothing more will come. Writing may go on, until `close` or
   * `closeWrite`. Without this handler the poller closes.
   */
  onEnd?(): void
  /** Everything else: sessions, key log lines, alerts, traces, decisions to make. */
  onEvent?(event: PollerEvent): void
  /**
   * The last call, made once. Without an error both directions have ended in good order, or all was sent and the peer never answered
   * `close`. The transport may take a moment longer to flush, at most the shutdown deadline.
   */
  onClose?(error?: TlsError): void
}

/** Milliseconds; 0 switches a deadline off. */
export interface Deadlines {
  /** From the start to the end of the handshake. Default 30,000: two lost packets with their retransmissions, and a slow peer. */
  handshake?: number
  /** Without a byte in either direction. Default 0: how long silence is normal is the protocol's affair. */
  idle?: number
  /**
   * Without progress after `close`: for the peer to take what was written, and to answer; and for the transport's end. Default 5,000:
   * nobody waits for these bytes.
   */
  shutdown?: number
}

/**
 * Decisions that may take their time: the handshake waits, the event loop does not. Each stands for a point where the engine was told to
 * `park`. A promise that rejects refuses the handshake with internal_error; the reason is the `cause` of the error that `onClose` gets.
 */
export type Decisions = {
  [P in ParkEvent['type']]?: (event: Extract<ParkEvent, { type: P }>) => Decision<SecureContext> | Promise<Decision<SecureContext>>
}

/** How to drive a connection; all has defaults. */
export interface PollerOptions {
  /** Who answers where the engine parks. */
  decisions?: Decisions
  /** How long things may take. */
  deadlines?: Deadlines
  /** Bytes of plaintext queued before `write` returns false. Default 65,536: one full outgoing BIO. */
  highWaterMark?: number
  /**
   * Takes the transport's end for the peer's close_notify: `onEnd` is called, and writing may go on. For surfaces that promise so, as
   * node:tls does: whoever can cut the transport can then cut the plaintext short, and nobody notices. Default false: it is an error.
   */
  insecureTruncation?: boolean
}

const DEADLINES = {
  handshake: { milliseconds: 30_000, code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: 'the handshake was not done in time' },
  idle: { milliseconds: 0, code: 'ERR_TLS_IDLE_TIMEOUT', message: 'no byte passed in either direction for too long' },
  shutdown: { milliseconds: 5_000, code: 'ERR_TLS_SHUTDOWN_TIMEOUT', message: 'the peer did not take all that was written in time' },
} as const
type Deadline = keyof typeof DEADLINES

/** What one connection may move before others, and its own other direction, get their turn: four full BIOs. */
const TURN_BYTES = 262_144

/** The most plaintext that one record carries (RFC 8446, 5.1). */
const RECORD_BYTES = 16_384

const encoder = new TextEncoder()

interface QueuedWrite {
  chunk: Uint8Array
  accepted: (() => void) | undefined
}

/** Joins an engine and a transport for the life of one connection. */
export class Poller {
  /** For `agreed`, `resume` and the like; its ports are the poller's. */
  readonly engine: TlsEngine
  readonly #transport: ByteTransport
  readonly #handlers: PollerHandlers
  readonly #options: PollerOptions

  #turn: 'idle' | 'scheduled' | 'running' = 'idle'
  /**
   * Bytes that may still be moved until the event loop has gone round. A pipe that takes all at once tells of room before it does, again and
   * again: then a long answer would go out in one go, and what the peer sends meanwhile, or another peer, would have to wait for its end.
   */
  #budget = TURN_BYTES
  #waitsForLoop = false
  /** Something happened during a turn that a turn has to look at. */
  #again = false
  #closed = false
  /** What is to be closed: our direction, or both; because the program has said so, or the peer has ended. */
  #closing: 'no' | 'write' | 'both' = 'no'
  /** The program has said so: writing is its mistake from now on. */
  #ended = false
  #lastWant: Status | undefined
  /** The peer has sent something. */
  #heard = false

  /** Chunks the incoming BIO had no room for; the transport is paused while there are any. */
  readonly #inbox: Uint8Array[] = []
  #paused = false
  /** How the transport ended; told once everything that came before it was delivered. */
  #ending: 'eof' | TlsError | undefined

  readonly #outbox: QueuedWrite[] = []
  #outboxBytes = 0
  #drainOwed = false
  #transportFull = false
  #closeWritten: (() => void) | undefined

  readonly #timers: Partial<Record<Deadline, ReturnType<typeof setTimeout>>> = {}

  /** Starts at once: a client's ClientHello goes out in the next microtask. Engine and transport are the poller's from now on. */
  constructor(engine: TlsEngine, transport: ByteTransport, handlers: PollerHandlers = {}, options: PollerOptions = {}) {
    this.engine = engine
    this.#transport = transport
    this.#handlers = handlers
    this.#options = options
    transport.attach(new Poller.#Receiver(this))
    this.#arm('handshake')
    this.#touch()
    this.#request()
  }

  // ---- What a program does with it. ----

  /**
   * Queues plaintext; before the handshake is done, too. The chunk must not be changed until it was accepted.
   * @param accepted called once all its bytes are encrypted
   * @returns false when the queue has reached the high water mark: wait for `onDrain`
   */
  write(plaintext: Uint8Array | string, accepted?: () => void): boolean {
    if (this.#ended) throw usageError('write after closeWrite or close')
    if (this.#closed || this.#closing !== 'no') return true // onClose has told why, or will
    const chunk = typeof plaintext === 'string' ? encoder.encode(plaintext) : plaintext
    this.#outbox.push({ chunk, accepted })
    this.#outboxBytes += chunk.length
    this.#request()
    if (this.#outboxBytes < this.#highWaterMark) return true
    this.#drainOwed = true
    return false
  }

  /** Plaintext that is queued and not yet encrypted, in bytes. */
  get queuedBytes(): number {
    return this.#outboxBytes
  }

  /** Stops `onPlaintext`; the peer feels it once BIO and pipe are full. */
  pause(): void {
    this.#paused = true
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#paused = false
    this.#request()
  }

  /**
   * Ends our direction once the queue is written: close_notify. Receiving goes on until the peer ends its own (half-close).
   * @param written called once the transport has got all of it
   */
  closeWrite(written?: () => void): void {
    this.#ended = true
    this.#closeWritten = written
    if (this.#closing === 'no') this.#closing = 'write'
    this.#request()
  }

  /**
   * Ends both directions: writes the queue and close_notify, drops what still comes, waits for the peer's close_notify or the deadline.
   * Before the handshake is done there is nothing to end in good order: then `onClose` gets the error ERR_TLS_CLOSED_IN_HANDSHAKE, at once
   * where the peer has not said a word yet.
   */
  close(): void {
    this.#ended = true
    this.#closeBoth()
  }

  /** Encrypts and hands to the transport, here and now, what both have room for; otherwise a turn does it. For whoever gives up next. */
  flush(): void {
    if (this.#closed || this.engine.error) return
    try {
      this.#acceptPlaintext()
      this.#takeOutgoing()
    } catch (error) {
      if (error !== this.engine.error) throw error // else the next turn meets it
    }
  }

  /** Gives up at once, without a word to the peer. @param error what `onClose` shall tell */
  destroy(error?: TlsError): void {
    if (this.#closed) return
    this.#transport.reset()
    this.#finish(error)
  }

  /** Asks for a turn: call it after `engine.resume`. */
  wake(): void {
    this.#request()
  }

  // ---- What the transport tells. ----

  /** Methods of a class cost an idle connection no memory, as closures would. */
  static readonly #Receiver = class implements TransportReceiver {
    readonly #poller: Poller

    constructor(poller: Poller) {
      this.#poller = poller
    }
    onChunk(chunk: Uint8Array): void {
      this.#poller.#onChunk(chunk)
    }
    onDrain(): void {
      this.#poller.#onDrain()
    }
    onEof(): void {
      this.#poller.#onEnding('eof')
    }
    onError(error: Error): void {
      this.#poller.#onEnding(ioError(error, 'the transport'))
    }
    onClosed(): void {
      this.#poller.#onClosed()
    }
  }

  #onChunk(chunk: Uint8Array): void {
    if (this.#closed) return this.#discard(chunk)
    this.#touch()
    this.#lastWant = undefined // a new flight: what the handshake wants after it is news
    this.#heard = true
    this.#budget = TURN_BYTES // the event loop has brought it
    this.#inbox.push(chunk)
    this.#run()
  }

  /** A peer that goes on talking after the end does not listen either. */
  #discard(chunk: Uint8Array): void {
    this.#discarded += chunk.length
    if (this.#discarded > BIO_CAPACITY) this.#transport.reset()
  }
  #discarded = 0

  #onDrain(): void {
    this.#transportFull = false
    this.#run()
  }

  #onEnding(how: 'eof' | TlsError): void {
    if (how !== 'eof' || !this.#ending) this.#ending = how // a pipe can end, and break while we still write
    if (!this.#closed) this.#run()
    else if (how !== 'eof') this.#disarm('shutdown') // at the end of the stream we may not have flushed yet
  }

  #onClosed(): void {
    this.#transportClosed = true
    if (this.#closed) this.#disarm('shutdown')
  }
  #transportClosed = false

  // ---- Turns. ----

  #request(): void {
    if (this.#turn === 'running') this.#again = true
    if (this.#turn !== 'idle' || this.#closed) return
    this.#turn = 'scheduled'
    queueMicrotask(() => this.#run()) // all writes of one tick share a turn
  }

  #run(): void {
    if (this.#turn === 'running') this.#again = true
    if (this.#turn === 'running' || this.#closed) return
    if (this.#budget <= 0) return this.#runInNextLoop()
    this.#turn = 'running'
    let workLeft = true
    try {
      workLeft = this.#pump()
    } catch (error) {
      // Anything else is a handler's own mistake, and not ours to swallow.
      if (error !== this.engine.error && error !== this.#ending) throw error
      this.#fail(error as TlsError)
    } finally {
      this.#turn = 'idle'
      if (workLeft && !this.#closed) this.#runInNextLoop()
    }
  }

  #runInNextLoop(): void {
    this.#turn = 'scheduled'
    if (this.#waitsForLoop) return
    this.#waitsForLoop = true
    nextLoop(() => {
      this.#waitsForLoop = false
      this.#budget = TURN_BYTES
      this.#run()
    })
  }

  /** Moves bytes until nothing moves. @returns true if the budget was used up before the work */
  #pump(): boolean {
    while (this.#budget > 0) {
      this.#again = false
      let moved = 0
      for (const step of Poller.#steps) {
        moved += step(this)
        if (this.#closed) return false
      }
      if (moved === 0 && !this.#again) return false
      this.#budget -= moved
    }
    return true
  }

  /** In this order: an answer goes out before the next question is read; each returns how many bytes it moved. */
  static readonly #steps: readonly ((poller: Poller) => number)[] = [
    (poller) => poller.#feedIncoming(),
    (poller) => poller.#driveHandshake(),
    (poller) => poller.#takeOutgoing(),
    (poller) => poller.#deliverPlaintext(),
    (poller) => poller.#acceptPlaintext(),
    (poller) => poller.#closeOurSide(),
    (poller) => poller.#takeOutgoing(),
    (poller) => poller.#drainEvents(),
    (poller) => poller.#tellWritten(),
    (poller) => poller.#meetEnding(),
  ]

  #feedIncoming(): number {
    let fed = 0
    for (let chunk = this.#inbox[0]; chunk; chunk = this.#inbox[0]) {
      const accepted = this.engine.receiveCiphertext(chunk)
      fed += accepted
      if (accepted < chunk.length) {
        this.#inbox[0] = chunk.subarray(accepted)
        this.#transport.pause()
        return fed
      }
      this.#inbox.shift()
      if (this.#inbox.length) continue
      this.#inbox.length = 0 // an array that was emptied one by one keeps its memory
      this.#transport.resume()
    }
    return fed
  }

  /** The classic loop: SSL_do_handshake until it returns 1; what it wants meanwhile is what the other steps wait for. */
  #driveHandshake(): number {
    if (this.engine.agreed) return 0
    const status = this.engine.handshake()
    this.#drainEvents()
    if (this.#closed) return 0
    if (status === 'done') {
      this.#disarm('handshake')
      this.#handlers.onSecure?.(this.engine.agreed!)
    } else if (status !== 'closed' && status !== this.#lastWant) {
      this.#handlers.onEvent?.({ type: 'want', want: status })
    }
    this.#lastWant = status
    return status === 'done' ? 1 : 0
  }

  #takeOutgoing(): number {
    let taken = 0
    while (!this.#transportFull && !(this.#ending instanceof TlsError)) {
      const chunk = this.engine.takeCiphertext()
      if (!chunk.length) break
      taken += chunk.length
      this.#touch()
      if (this.#closing === 'both') this.#arm('shutdown') // a slow peer is not a dead one
      this.#transportFull = !this.#transport.write(chunk)
    }
    return taken
  }

  #deliverPlaintext(): number {
    const dropping = this.#closing === 'both'
    if (!this.engine.agreed || this.engine.readSide !== 'open' || (this.#paused && !dropping)) return 0
    const { status, plaintext } = this.engine.readPlaintext()
    this.#drainEvents() // what was told before these bytes
    if (this.#closed) return 0
    if (plaintext.length && !dropping) this.#handlers.onPlaintext?.(plaintext)
    if (status !== 'closed') return plaintext.length
    if (this.#handlers.onEnd && !dropping) this.#handlers.onEnd()
    else this.#closeBoth()
    return 1
  }

  #acceptPlaintext(): number {
    let total = 0
    if (!this.engine.agreed) return 0
    while (this.#outbox.length) {
      const plaintext = this.#nextPlaintext()
      const { accepted } = this.engine.writePlaintext(plaintext)
      total += accepted
      this.#outboxBytes -= accepted
      this.#forgetAccepted(accepted)
      if (this.#closed) return total
      if (accepted < plaintext.length) break
    }
    if (this.#drainOwed && this.#outboxBytes <= this.#highWaterMark / 2) {
      this.#drainOwed = false
      this.#handlers.onDrain?.()
    }
    return total
  }

  /** The next write; several short ones share a record, which costs more than copying them. */
  #nextPlaintext(): Uint8Array {
    const [{ chunk }, second] = this.#outbox as [QueuedWrite, QueuedWrite?]
    if (!second || chunk.length + second.chunk.length > RECORD_BYTES) return chunk
    const record = new Uint8Array(Math.min(this.#outboxBytes, RECORD_BYTES))
    let filled = 0
    for (const { chunk } of this.#outbox) {
      if (filled + chunk.length > record.length) break
      record.set(chunk, filled)
      filled += chunk.length
    }
    return record.subarray(0, filled)
  }

  #forgetAccepted(bytes: number): void {
    for (let write = this.#outbox[0]; write && bytes >= write.chunk.length; write = this.#outbox[0]) {
      bytes -= write.chunk.length
      this.#outbox.shift()
      write.accepted?.()
      if (this.#closed) return
    }
    const write = this.#outbox[0]
    if (!write) this.#outbox.length = 0 // as the inbox
    else if (bytes) write.chunk = write.chunk.subarray(bytes)
  }

  #closeOurSide(): number {
    if (this.#closing === 'no' || this.#outbox.length) return 0
    if (this.#closing === 'both' && !this.#heard) throw (this.#ending = closedInHandshake())
    if (!this.engine.agreed || this.engine.writeSide !== 'open') return 0
    const status = this.engine.closeWrite()
    if (status === 'want-read' && this.#truncated) this.destroy() // a new handshake is under way, that nobody will answer
    return status === 'done' ? 1 : 0
  }

  #drainEvents(): number {
    for (let event = this.engine.nextEvent(); event; event = this.engine.nextEvent()) {
      this.#handlers.onEvent?.(event)
      if (this.#closed) break
      if (isParkEvent(event)) void this.#decide(event)
    }
    return 0
  }

  /** Asks whoever decides, and goes on with the answer; by then the connection may be over. */
  async #decide(event: ParkEvent): Promise<void> {
    const decide = this.#options.decisions?.[event.type] as ((event: ParkEvent) => Decision<SecureContext> | Promise<Decision<SecureContext>>) | undefined
    if (!decide) return // somebody else calls engine.resume
    let decision: Decision<SecureContext>
    try {
      decision = await decide(event)
    } catch (cause) {
      decision = { cause: cause ?? new Error('a decision was rejected without a reason') }
    }
    if (this.#closed || this.engine.error) return
    try {
      this.engine.resume(decision)
    } catch (cause) {
      this.engine.resume({ cause }) // a decision that cannot be followed refuses the handshake
    }
    this.#request()
  }

  #tellWritten(): number {
    if (this.#closeWritten && this.engine.writeSide !== 'open' && !this.engine.wants().takeCiphertext) {
      this.#closeWritten()
      this.#closeWritten = undefined
    }
    return 0
  }

  /** The transport's end counts once everything that came before it has been read; and both directions' end is ours. */
  #meetEnding(): number {
    const { engine } = this
    const sent = !engine.wants().takeCiphertext
    const ended = engine.phase === 'closed' || (this.#truncated && engine.writeSide === 'closeNotify')
    if (ended && sent) {
      this.#linger()
      this.#finish()
    } else if (this.#ending && !this.#inbox.length && !engine.wants().readPlaintext) {
      if (this.#ending === 'eof') return this.#tellEof()
      throw this.#ending
    }
    return 0
  }

  #tellEof(): number {
    if (this.#eofTold) return 0
    this.#eofTold = true
    if (!this.#options.insecureTruncation || !this.engine.agreed || this.engine.readSide !== 'open') this.engine.receiveEof()
    else this.#endTruncated()
    return 1
  }
  #eofTold = false

  #endTruncated(): void {
    this.#truncated = true
    if (this.#handlers.onEnd && this.#closing !== 'both') this.#handlers.onEnd()
    else this.#closeBoth()
  }
  #truncated = false

  // ---- The end. ----

  #closeBoth(): void {
    if (this.#closed || this.#closing === 'both') return
    this.#closing = 'both'
    this.#arm('shutdown')
    this.#request()
  }

  /** The peer gets its alert; the program gets the error, unless it had already said that it wants nothing more. */
  #fail(error: TlsError): void {
    const unwanted = this.#closing === 'both' && !this.#outbox.length && (error.kind === 'closed' || error.kind === 'io')
    const isGone = error === this.#ending || error.code === 'ERR_TLS_TRUNCATED' // who has left needs no alert, and might answer it with a reset
    for (let alert = this.engine.takeCiphertext(); alert.length && !isGone; alert = this.engine.takeCiphertext()) {
      this.#transport.write(alert)
    }
    this.#drainEvents()
    if (this.#closed) return
    this.#linger()
    this.#finish(unwanted && this.engine.agreed ? undefined : error)
  }

  /** Lets the transport flush, and waits for its end in the background: closing with unread bytes would reset it, and lose the alert. */
  #linger(): void {
    this.#transport.end()
    this.#transport.resume()
    if (!this.#transportClosed) this.#arm('shutdown')
  }

  #finish(error?: TlsError): void {
    this.#closed = true
    this.#disarm('handshake')
    this.#disarm('idle')
    this.#inbox.length = 0
    this.#outbox.length = 0
    this.engine.free()
    queueMicrotask(() => this.#handlers.onClose?.(error))
  }

  // ---- Deadlines. ----

  #arm(deadline: Deadline): void {
    const milliseconds = this.#options.deadlines?.[deadline] ?? DEADLINES[deadline].milliseconds
    this.#disarm(deadline)
    if (!milliseconds) return
    const timer = setTimeout(() => this.#expire(deadline), milliseconds)
    this.#timers[deadline] = timer
    ;(timer as { unref?: () => void }).unref?.() // the transport keeps the program alive, not its deadline
  }

  #disarm(deadline: Deadline): void {
    clearTimeout(this.#timers[deadline])
    this.#timers[deadline] = undefined
  }

  #touch(): void {
    if (this.#options.deadlines?.idle) this.#arm('idle')
  }

  #expire(deadline: Deadline): void {
    if (this.#closed) return this.#transport.reset()
    const error = this.#verdict(deadline)
    if (!error) this.#transport.end() // all was handed over: what the pipe still holds may yet arrive
    this.destroy(error)
  }

  /** Nobody is to blame for a peer that does not answer `close`, once it has got everything. */
  #verdict(deadline: Deadline): TlsError | undefined {
    const { code, message } = DEADLINES[deadline]
    const unsent = this.#outbox.length > 0 || this.#transportFull || this.engine.wants().takeCiphertext
    if (deadline !== 'shutdown' || unsent) return new TlsError('io', message, { code })
    return this.engine.agreed ? undefined : closedInHandshake()
  }

  get #highWaterMark(): number {
    return this.#options.highWaterMark ?? 65_536
  }
}
