// The `onread` option: plaintext goes into the program's own buffer instead of through the stream.
import type { OnReadOpts } from 'node:net'

export class OnRead {
  readonly #options: OnReadOpts
  #buffer: Uint8Array

  constructor(options: OnReadOpts) {
    this.#options = options
    this.#buffer = this.#next()
  }

  /** Fills the buffer, again and again. @returns false once the program wants no more for now */
  deliver(chunk: Uint8Array): boolean {
    let wantsMore = true
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(this.#buffer.length, chunk.length - at)
      this.#buffer.set(chunk.subarray(at, at + count))
      at += count
      wantsMore = this.#options.callback(count, this.#buffer) !== false && wantsMore
      this.#buffer = this.#next()
    }
    return wantsMore
  }

  #next(): Uint8Array {
    const { buffer } = this.#options
    return typeof buffer === 'function' ? buffer() : buffer
  }
}
