// The `onread` option: plaintext goes into the program's own buffer instead of through the stream.
import type { OnReadOpts } from 'node:net'

export class OnRead {
  readonly #options: OnReadOpts
  #buffer: Uint8Array
  /** What came before the program wanted a pause, and was not delivered yet. */
  #rest: Uint8Array = new Uint8Array(0)
  #paused = false

  constructor(options: OnReadOpts) {
    this.#options = options
    this.#buffer = this.#next()
  }

  pause(): void {
    this.#paused = true
  }

  /** Goes on with what is left. @returns false if the program wants no more for now */
  resume(): boolean {
    this.#paused = false
    return this.deliver(new Uint8Array(0))
  }

  /** Fills the buffer, again and again. @returns false once the program wants no more for now */
  deliver(chunk: Uint8Array): boolean {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk
    while (this.#rest.length && !this.#paused) {
      const count = Math.min(this.#buffer.length, this.#rest.length)
      this.#buffer.set(this.#rest.subarray(0, count))
      this.#rest = this.#rest.subarray(count)
      if (this.#options.callback(count, this.#buffer) === false) this.#paused = true
      this.#buffer = this.#next()
    }
    return !this.#paused
  }

  #next(): Uint8Array {
    const { buffer } = this.#options
    return typeof buffer === 'function' ? buffer() : buffer
  }
}
