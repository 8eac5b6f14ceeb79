// What moves datagrams, and who shuttles them between one peer and a DtlsEngine: Poller's counterpart for DTLS. There is no stream
// here, so no back-pressure and no half-close; instead a timer, because a flight of the handshake may be lost.
import type { DtlsEngine } from '../engine/dtls.ts'
import type { EngineEvent } from '../engine/events.ts'
import { ioError, TlsError, usageError } from '../errors.ts'
import type { Deadlines } from './poller.ts'

/** One peer's datagrams: three verbs, two callbacks. Loses, doubles and reorders as it likes; never cuts or joins. */
export interface DatagramTransport {
  /** Names the receiver of everything that arrives, once. */
  attach(receiver: DatagramReceiver): void
  /** Hands a datagram over; the transport owns it from now on. Never fails: what cannot be sent is lost, or reported by `onError`. */
  send(datagram: Uint8Array): void
  /** No callback comes afterwards. What was sent still goes out. */
  close(): void
}

/** The receiving end of a transport. */
export interface DatagramReceiver {
  /** A datagram arrived. Valid for the call. */
  onDatagram(datagram: Uint8Array): void
  /** Nothing will arrive any more. */
  onError(error: Error): void
}

/** Who uses the connection. Called from the event loop, never from within a method of the poller. Each may call any method. */
export interface DatagramHandlers {
  /** The handshake is done: `engine.agreed` tells on what. */
  onSecure?(): void
  /** The plaintext of one datagram; yours to keep. */
  onDatagram?(plaintext: Uint8Array): void
  /** What the engine tells beside plaintext. A park event waits for `engine.resume` and `wake`. */
  onEvent?(event: EngineEvent): void
  /** The last call, made once. Without an error one side has closed in good order. */
  onClose?(error?: TlsError): void
}

/** How patient a connection is. */
export interface DatagramPollerOptions {
  /**
   * Milliseconds; 0 switches a deadline off. `handshake` is 30,000 by default, long enough for a flight to be sent five times. `idle`
   * begins with the end of the handshake, and anew with each datagram that the peer could prove its own, or that was written; 300,000
   * by default, since a peer that is gone leaves no trace, and routers forget it by then (RFC 4787, REQ-5).
   */
  deadlines?: Pick<Deadlines, 'handshake' | 'idle'>
}

const DEADLINES = {
  handshake: { milliseconds: 30_000, code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: 'the handshake was not done in time' },
  idle: { milliseconds: 300_000, code: 'ERR_TLS_IDLE_TIMEOUT', message: 'no datagram passed in either direction for too long' },
} as const
type Deadline = keyof typeof DEADLINES
type Timer = ReturnType<typeof setTimeout>

const encoder = new TextEncoder()

/** Drives one DtlsEngine over one transport, until either side closes. */
export class DatagramPoller {
  /** Its own: to be read, and resumed; not to be fed. */
  readonly engine: DtlsEngine
  readonly #transport: DatagramTransport
  readonly #handlers: DatagramHandlers
  readonly #options: DatagramPollerOptions
  #running = false
  /** Something happened during a turn that a turn has to look at. */
  #again = false
  #closing = false
  #closed = false
  readonly #timers: Partial<Record<Deadline | 'retransmission', Timer>> = {}

  /** Starts at once: a client's ClientHello goes out in the next microtask. Engine and transport are the poller's from now on. */
  constructor(engine: DtlsEngine, transport: DatagramTransport, handlers: DatagramHandlers = {}, options: DatagramPollerOptions = {}) {
    this.engine = engine
    this.#transport = transport
    this.#handlers = handlers
    this.#options = options
    transport.attach({
      onDatagram: (datagram) => this.#onDatagram(datagram),
      onError: (error) => this.#finish(ioError(error, 'the transport')),
    })
    this.#armDeadline('handshake')
    this.wake()
  }

  // ---- What a program does with it. ----

  /**
   * Sends one datagram, encrypted. It may be lost on the way; whoever needs an answer asks again.
   * @returns false when it was lost already here, for want of room
   * @throws TlsError of kind `usage` before `onSecure`, after `close`, and when it is longer than `engine.maxPlaintext`
   */
  write(plaintext: Uint8Array | string): boolean {
    if (this.#closing) throw usageError('write after close')
    if (this.#closed) return false // onClose has told why
    let written = false
    try {
      written = this.engine.writePlaintext(typeof plaintext === 'string' ? encoder.encode(plaintext) : plaintext) === 'done'
      this.#armDeadline('idle')
      this.#sendAll()
    } catch (error) {
      if (error !== this.engine.error) throw error
      this.wake() // the next turn meets it again, and tells
    }
    return written
  }

  /** Ends the connection: sends close_notify, and waits for no answer, which could be lost like it. */
  close(): void {
    this.#closing = true
    this.wake()
  }

  /** Gives up at once, without a word to the peer. @param error what `onClose` shall tell */
  destroy(error?: TlsError): void {
    this.#finish(error)
  }

  /** Asks for a turn: call it after `engine.resume`. */
  wake(): void {
    queueMicrotask(() => this.#run())
  }

  // ---- Turns. ----

  #onDatagram(datagram: Uint8Array): void {
    if (this.#closed) return
    this.engine.receiveDatagram(datagram)
    this.#run()
  }

  #run(): void {
    if (this.#running) this.#again = true
    if (this.#running || this.#closed) return
    this.#running = true
    this.#again = false
    try {
      this.#turn()
    } catch (error) {
      // Anything else is a handler's own mistake, and not ours to swallow.
      if (error !== this.engine.error) throw error
      this.#fail(error as TlsError)
    } finally {
      this.#running = false
      if (!this.#closed) this.#armRetransmission()
      if (this.#again) this.wake()
    }
  }

  /** Bounded by what the incoming BIO holds. */
  #turn(): void {
    if (this.engine.nextTimeout() === 0) this.engine.handleTimeout()
    if (!this.engine.agreed) this.#driveHandshake()
    while (!this.#closed && this.engine.agreed && this.#deliver());
    if (this.#closed) return
    this.#drainEvents()
    if (this.#closing) this.#sayGoodbye()
    else this.#sendAll()
  }

  #driveHandshake(): void {
    const status = this.engine.handshake()
    this.#sendAll()
    this.#drainEvents()
    if (status !== 'done' || this.#closed) return
    this.#disarm('handshake')
    this.#armDeadline('idle')
    this.#handlers.onSecure?.()
  }

  /** @returns true if there may be more */
  #deliver(): boolean {
    const { status, plaintext } = this.engine.readPlaintext()
    if (status === 'done') {
      this.#armDeadline('idle')
      if (!this.#closing) this.#handlers.onDatagram?.(plaintext)
    } else if (status === 'closed') {
      this.#drainEvents()
      this.#sayGoodbye() // RFC 5246, 7.2.1: answered at once
    }
    return status === 'done'
  }

  #sayGoodbye(): void {
    if (this.#closed) return
    if (this.engine.agreed && !this.engine.error) this.engine.closeWrite()
    this.#sendAll()
    this.#finish()
  }

  #sendAll(): void {
    for (let datagram = this.engine.takeDatagram(); datagram; datagram = this.engine.takeDatagram()) this.#transport.send(datagram)
  }

  #drainEvents(): void {
    for (let event = this.engine.nextEvent(); event && !this.#closed; event = this.engine.nextEvent()) this.#handlers.onEvent?.(event)
  }

  // ---- The end. ----

  /** The peer gets its alert, the program the error. */
  #fail(error: TlsError): void {
    this.#sendAll()
    this.#drainEvents()
    this.#finish(error)
  }

  #finish(error?: TlsError): void {
    if (this.#closed) return
    this.#closed = true
    for (const timer of Object.values(this.#timers)) clearTimeout(timer)
    this.engine.free()
    this.#transport.close()
    queueMicrotask(() => this.#handlers.onClose?.(error))
  }

  // ---- Timers. ----

  #armRetransmission(): void {
    const milliseconds = this.engine.nextTimeout()
    if (milliseconds === undefined) this.#disarm('retransmission')
    else this.#arm('retransmission', milliseconds, () => this.#run())
  }

  #armDeadline(deadline: Deadline): void {
    const milliseconds = this.#options.deadlines?.[deadline] ?? DEADLINES[deadline].milliseconds
    if (milliseconds) this.#arm(deadline, milliseconds, () => this.#expire(deadline))
  }

  #arm(name: Deadline | 'retransmission', milliseconds: number, expired: () => void): void {
    this.#disarm(name)
    const timer = setTimeout(expired, milliseconds)
    this.#timers[name] = timer
    ;(timer as { unref?: () => void }).unref?.() // the transport keeps the program alive, not its deadline
  }

  #disarm(name: Deadline | 'retransmission'): void {
    clearTimeout(this.#timers[name])
  }

  #expire(deadline: Deadline): void {
    const { code, message } = DEADLINES[deadline]
    if (deadline === 'idle' && this.engine.agreed && !this.engine.error) {
      this.engine.closeWrite() // it may be there all the same
      this.#sendAll()
    }
    this.#finish(new TlsError('io', message, { code }))
  }
}
