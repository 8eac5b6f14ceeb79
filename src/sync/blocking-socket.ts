// A TCP socket for a thread that may sleep: the caller's end of a channel, whose other end the worker serves. Knows no TLS.
// Moving bytes never waits; `sleepUntil` is the only place where the thread sleeps.
import { TlsError } from '../errors.ts'
import {
  BROKEN,
  Channel,
  EOF,
  INCOMING_END,
  INCOMING_WAITS,
  OPEN,
  OUTGOING_END,
  OUTGOING_WAITS,
  RING_CAPACITY,
  SIGNAL,
  STATE,
  type Failure,
} from './channel.ts'
import { forgetOwner, newId, post, watchOwner } from './worker-thread.ts'

/** How long one blocking call may take, and what to say when it took longer. */
export class Deadline {
  readonly #milliseconds: number
  readonly #of: 'call' | 'silence'
  #end: number
  #what = ''
  #code = ''

  /** @param of the call as a whole; or each silence in it: then whatever moves starts the time anew */
  constructor(milliseconds: number, of: 'call' | 'silence') {
    this.#milliseconds = milliseconds
    this.#of = of
    this.#end = performance.now() + milliseconds
  }

  /** Names what is being done: "connecting to example.test port 443". The error's code is `ERR_TLS_${step}_TIMEOUT`. */
  during(what: string, step: 'CONNECT' | 'HANDSHAKE' | 'READ' | 'WRITE' | 'LISTEN' | 'ACCEPT' | 'CLOSE'): this {
    this.#what = what
    this.#code = `ERR_TLS_${step}_TIMEOUT`
    return this
  }

  /** Milliseconds; not less than 0. */
  get left(): number {
    return Math.max(0, this.#end - performance.now())
  }

  /** Something has moved. */
  moved(): void {
    if (this.#of === 'silence') this.#end = performance.now() + this.#milliseconds
  }

  error(): TlsError {
    const tooLong = this.#of === 'silence' ? 'met a silence longer than' : 'took longer than'
    return new TlsError('io', `${this.#what} ${tooLong} ${this.#milliseconds} ms`, { code: this.#code })
  }
}

/**
 * Sleeps until `look` finds something. It is asked first, and then whenever the worker has changed the channel.
 * @throws TlsError when the deadline has passed before
 */
export function sleepUntil<T>({ words }: Channel, look: () => T | undefined, deadline: Deadline): T {
  for (;;) {
    const seen = Atomics.load(words, SIGNAL) // before looking, so that a change in between ends the sleep at once
    const found = look()
    if (found !== undefined) {
      deadline.moved()
      return found
    }
    if (deadline.left === 0) throw deadline.error()
    if (Atomics.wait(words, SIGNAL, seen, deadline.left) !== 'timed-out') deadline.moved()
  }
}

/** Sleeps until a channel is open. @throws TlsError of kind `io` with the host's code, such as ECONNREFUSED or EADDRINUSE */
export function sleepUntilOpen(channel: Channel, what: string, deadline: Deadline): void {
  const state = sleepUntil(channel, () => channel.read(STATE) || undefined, deadline)
  if (state !== OPEN) throw ioError(what, channel.failure)
}

export class BlockingSocket {
  readonly #id: number
  readonly #channel: Channel
  readonly remoteAddress: string
  readonly remotePort: number
  #failure: TlsError | undefined

  /** @param channel open, served by the worker under `id` */
  constructor(id: number, channel: Channel) {
    this.#id = id
    this.#channel = channel
    this.remoteAddress = channel.address.address
    this.remotePort = channel.address.port
    watchOwner(this, id)
  }

  /** Resolves the host and connects, by the first of its addresses that answers. */
  static connect(host: string, port: number, deadline: Deadline): BlockingSocket {
    const id = newId()
    const channel = Channel.allocate(RING_CAPACITY)
    post({ verb: 'connect', id, shared: channel.shared, host, port })
    try {
      sleepUntilOpen(channel, `connecting to ${host} port ${port}`, deadline)
    } catch (error) {
      post({ verb: 'reset', id })
      throw error
    }
    return new BlockingSocket(id, channel)
  }

  /** Bytes that `send` would take. */
  get room(): number {
    return this.#channel.outgoing.room
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#channel.outgoing.used
  }

  /** Why nothing can be sent any more. What has arrived before can still be received. */
  get failure(): TlsError | undefined {
    if (this.#channel.read(OUTGOING_END) !== BROKEN) return undefined
    return (this.#failure ??= ioError('the connection', this.#channel.failure))
  }

  /** Nothing more will arrive: the peer's FIN, or the failure that broke the socket. Look at `arrived` after it. */
  get ending(): 'eof' | TlsError | undefined {
    const end = this.#channel.read(INCOMING_END)
    return end === EOF ? 'eof' : end === BROKEN ? this.failure : undefined
  }

  /** Takes as many bytes as there is `room`. @returns how many */
  send(chunk: Uint8Array): number {
    const count = this.#channel.outgoing.write(chunk)
    if (count && this.#claim(OUTGOING_WAITS)) post({ verb: 'wake', id: this.#id })
    return count
  }

  /** What has arrived, or the first part of it: a view, good until `consume`. Empty if there is nothing. */
  get arrived(): Uint8Array {
    return this.#channel.incoming.peek()
  }

  consume(count: number): void {
    this.#channel.incoming.consume(count)
    if (count && this.#claim(INCOMING_WAITS)) post({ verb: 'wake', id: this.#id })
  }

  sleepUntil<T>(look: () => T | undefined, deadline: Deadline): T {
    return sleepUntil(this.#channel, look, deadline)
  }

  /** Leaves the rest to the worker: it sends what is unsent, FIN, and waits a moment for the peer's. */
  close(): void {
    forgetOwner(this)
    post({ verb: 'close', id: this.#id })
  }

  /** Lowers a flag. @returns true if it was raised: the worker waits for word of us */
  #claim(flag: number): boolean {
    return Atomics.exchange(this.#channel.words, flag, 0) === 1
  }
}

function ioError(what: string, { message, code = 'ERR_TLS_TRANSPORT', syscall }: Failure): TlsError {
  const cause = Object.assign(new Error(message), { code, syscall })
  return new TlsError('io', `${what} failed: ${message}`, { code, cause })
}
