// Turns reads that answer by promises into calls: one read at a time, none while paused. Pipes that are pulled stand on it; those that
// push (net.Socket, Bun's sockets, ports) do not.

/** Who gets what was read. None is called from within a method of the loop. */
export interface ReadHandlers {
  onChunk(chunk: Uint8Array): void
  /** The last call, unless it is `onFailure`. */
  onEof(): void
  onFailure(reason: unknown): void
}

/** A chunk that nobody else writes to, or null at the end of the stream. */
export type Read = () => Promise<Uint8Array | null>

export class ReadLoop {
  readonly #read: Read
  #handlers: ReadHandlers | undefined
  #reading = false
  #paused = false
  /** What a read brought after `pause`. */
  #held: Uint8Array | null | undefined

  constructor(read: Read) {
    this.#read = read
  }

  get paused(): boolean {
    return this.#paused
  }

  start(handlers: ReadHandlers): void {
    this.#handlers = handlers
    this.#next()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    if (this.#held === undefined) this.#next()
    else queueMicrotask(() => this.#deliver())
  }

  /** No call comes afterwards. A read that is pending stays so: whoever reads cancels it. */
  stop(): void {
    this.#handlers = undefined
  }

  #next(): void {
    if (this.#reading || this.#paused || !this.#handlers) return
    this.#reading = true
    this.#read().then(this.#onRead, this.#onFailure)
  }

  #onRead = (chunk: Uint8Array | null): void => {
    this.#held = chunk
    this.#deliver()
  }

  #onFailure = (reason: unknown): void => {
    const handlers = this.#handlers
    this.stop()
    handlers?.onFailure(reason)
  }

  #deliver(): void {
    const held = this.#held
    if (held === undefined || this.#paused) return
    this.#held = undefined
    const handlers = this.#handlers
    if (held === null) {
      this.stop()
      return handlers?.onEof()
    }
    this.#reading = false
    try {
      if (held.length) handlers?.onChunk(held)
    } finally {
      this.#next() // a receiver that throws loses nothing of what comes next
    }
  }
}

/** What one read may bring: four records. */
const READ_SIZE = 65_536

/**
 * A buffer that reads fill. One that was filled goes to the receiver, who may keep it; of one that was not, a copy goes, and the buffer is
 * used again: whoever keeps ten bytes keeps ten bytes.
 */
export class ReadBuffer {
  #spare: ArrayBufferLike | undefined

  /** To be filled. It may be transferred. */
  take(): Uint8Array {
    const buffer = this.#spare ?? new ArrayBuffer(READ_SIZE)
    this.#spare = undefined
    return new Uint8Array(buffer)
  }

  /** @param filled the part of what `take` gave that was filled, wherever its buffer has moved to */
  chunk(filled: Uint8Array): Uint8Array {
    if (filled.length > READ_SIZE / 2) return filled
    this.#spare = filled.buffer
    return filled.slice()
  }
}
