// What Node calls JSStreamSocket: a stream of any kind in the place of a raw socket. `_handle._parentWrap` is one where the raw stream is
// no socket, and some programs take the class from there, to make others.
import { Duplex } from 'node:stream'

export class JSStreamSocket extends Duplex {
  readonly stream: Duplex

  constructor(stream: Duplex) {
    super({ allowHalfOpen: true })
    this.stream = stream
    stream.on('error', (error) => this.destroy(error))
    stream.on('close', () => this.destroy())
  }

  /** Listens as soon as somebody reads: whoever only wants the class leaves the stream to others. */
  override _read(): void {
    if (!this.#listens) this.#listen()
    this.stream.resume()
  }

  #listens = false

  #listen(): void {
    this.#listens = true
    this.stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) this.stream.pause()
    })
    this.stream.on('end', () => this.push(null))
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.stream.write(chunk, encoding, callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.stream.end(callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.stream.destroy(error ?? undefined)
    callback(error)
  }
}
