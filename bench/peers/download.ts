// What clients ask the native server for: some bytes, by HTTP/1.1, as that is what every peer can at least be made to speak.

const encoder = new TextEncoder()

export const request = (bytes: number): Uint8Array => encoder.encode(`GET /${bytes} HTTP/1.1\r\nHost: localhost\r\n\r\n`)

/** The head ends with an empty line. */
const HEAD_END = [13, 10, 13, 10]

/** Counts the bytes of a body; one request at a time. */
export class Download {
  #matched = 0
  #left = 0
  #done: (() => void) | undefined

  /** Resolves when the body of an answer has arrived. */
  of(bytes: number): Promise<void> {
    this.#matched = 0
    this.#left = bytes
    return new Promise((resolve) => (this.#done = resolve))
  }

  receive(chunk: Uint8Array): void {
    let at = 0
    while (this.#matched < HEAD_END.length && at < chunk.length) {
      const byte = chunk[at++]
      this.#matched = byte === HEAD_END[this.#matched] ? this.#matched + 1 : byte === HEAD_END[0] ? 1 : 0
    }
    this.#left -= chunk.length - at
    if (this.#matched === HEAD_END.length && this.#left === 0) this.#done?.()
  }
}
