// Two stream.Duplexes joined in JavaScript, as an SSH channel or a tunnel inside another protocol would be.
import { Duplex } from 'node:stream'

class Joined extends Duplex {
  other!: Joined
  #release: ((error?: Error | null) => void) | undefined

  override _read(): void {
    this.other.#released()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.other.push(chunk)) done()
    else this.#release = done // until the other side has room
  }

  override _final(done: () => void): void {
    this.other.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this
    const cutOff = !this.readableEnded || !this.writableFinished
    if (cutOff && !other.destroyed)
      setImmediate(() => other.destroy(Object.assign(new Error('the other side is gone'), { code: 'ECONNRESET' })))
    done(error)
  }

  #released(): void {
    const release = this.#release
    this.#release = undefined
    release?.()
  }
}

export function duplexPair(): [Duplex, Duplex] {
  const a = new Joined({ allowHalfOpen: true })
  const b = new Joined({ allowHalfOpen: true })
  a.other = b
  b.other = a
  return [a, b]
}
