// Two transports joined in memory, with the weather of a network: chunk sizes, delay, a window, and the ways a pipe can break. For
// tests of everything above; deterministic given its options.
import { nextLoop } from './next-loop.ts'
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** The weather. */
export interface MemoryPairOptions {
  /** Cuts what is written into chunks of this many bytes; a function is asked for each chunk. Default: as written. */
  chunkSize?: number | (() => number)
  /** Milliseconds each chunk is under way. Default 0: the next macrotask. */
  delay?: number | (() => number)
  /** Bytes that may be under way in one direction before `write` returns false. Default 65536. */
  window?: number
}

/** One end of a memory pair. */
export interface MemoryTransport extends ByteTransport {
  /** Breaks the pipe as a network would: both ends get `onError`. What is under way is lost. */
  fail(error: Error): void
}

/** Two ends of one pipe: what one writes, the other receives. */
export function memoryPair(options: MemoryPairOptions = {}): [MemoryTransport, MemoryTransport] {
  const a = new MemoryEnd(options)
  const b = new MemoryEnd(options)
  a.peer = b
  b.peer = a
  return [a, b]
}

const valueOf = (option: number | (() => number) | undefined, otherwise: number): number =>
  typeof option === 'function' ? option() : (option ?? otherwise)

class MemoryEnd implements MemoryTransport {
  peer!: MemoryEnd
  readonly #options: MemoryPairOptions
  #receiver: TransportReceiver | undefined
  /** Arrived or under way to us; an EOF is a null. */
  readonly #queue: (Uint8Array | null)[] = []
  #queued = 0
  #paused = false
  #scheduled = false
  #writerWaits = false
  #ended = false
  #closed = false
  /** Told by attach. */
  #failure: Error | undefined

  constructor(options: MemoryPairOptions) {
    this.#options = options
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    const failure = this.#failure
    if (failure) nextLoop(() => this.#break(failure))
    else this.#schedule()
  }

  write(chunk: Uint8Array): boolean {
    return this.#closed || this.#ended || this.peer.#arrive(chunk)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  end(): void {
    if (this.#closed || this.#ended) return
    this.#ended = true
    this.peer.#arrive(null)
    nextLoop(() => this.#tellClosed())
  }

  reset(): void {
    if (this.#closed) return
    this.#close()
    const { peer } = this
    if (this.#ended) return
    nextLoop(() => peer.#break(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })))
  }

  fail(error: Error): void {
    this.#break(error)
    this.peer.#break(error)
  }

  #arrive(chunk: Uint8Array | null): boolean {
    if (this.#closed) return true
    if (chunk === null) {
      this.#queue.push(null)
    } else {
      for (let at = 0; at < chunk.length; ) {
        const size = Math.max(1, valueOf(this.#options.chunkSize, chunk.length))
        this.#queue.push(chunk.subarray(at, (at += size)))
      }
      this.#queued += chunk.length
    }
    this.#schedule()
    if (!this.#hasRoom) this.#writerWaits = true
    return this.#hasRoom
  }

  /** One chunk a turn: whoever receives meets every state in between. */
  #schedule(): void {
    if (this.#scheduled || this.#paused || !this.#receiver || !this.#queue.length) return
    this.#scheduled = true
    const delay = valueOf(this.#options.delay, 0)
    const turn = () => {
      this.#scheduled = false
      try {
        this.#deliver()
      } finally {
        this.#schedule() // a receiver that throws loses nothing of what comes next
      }
    }
    if (delay > 0) setTimeout(turn, delay)
    else nextLoop(turn)
  }

  #deliver(): void {
    if (this.#paused || this.#closed) return
    const chunk = this.#queue.shift()
    if (chunk === null) return this.#deliverEof()
    if (!chunk) return
    this.#queued -= chunk.length
    if (this.#writerWaits && this.#hasRoom) nextLoop(() => this.#tellDrain())
    this.#receiver?.onChunk(chunk)
  }

  #deliverEof(): void {
    this.#eofDelivered = true
    this.#receiver?.onEof()
    nextLoop(() => this.#tellClosed())
  }
  #eofDelivered = false

  #tellClosed(): void {
    const receiver = this.#receiver
    if (!this.#ended || !this.#eofDelivered) return
    this.#receiver = undefined
    receiver?.onClosed?.()
  }

  /** Unless the writer has filled it up again meanwhile. */
  #tellDrain(): void {
    if (!this.#writerWaits || !this.#hasRoom) return
    this.#writerWaits = false
    this.peer.#receiver?.onDrain()
  }

  get #hasRoom(): boolean {
    return this.#queued < (this.#options.window ?? 65536)
  }

  #break(error: Error): void {
    const receiver = this.#receiver
    if (this.#closed) return
    if (!receiver) {
      this.#failure = error
      return
    }
    this.#close()
    receiver.onError(error)
  }

  #close(): void {
    this.#closed = true
    this.#receiver = undefined
    this.#queue.length = 0
  }
}
