// Deno.Conn as a ByteTransport: by its own read and write, because its streams end both directions with one. Names no type of Deno's.
import { nextLoop } from './next-loop.ts'
import { ReadBuffer, ReadLoop } from './read-loop.ts'
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** The part of Deno.Conn used here. */
export interface DenoConnLike {
  read(buffer: Uint8Array): Promise<number | null>
  write(bytes: Uint8Array): Promise<number>
  closeWrite(): Promise<void>
  close(): void
}

/**
 * Takes over a connection of Deno.connect or Deno.listen, and closes it once both directions have ended. Deno cannot send a RST: after
 * `reset` the peer sees the end of the stream, or the kernel resets because bytes were left unread.
 */
export function denoConn(conn: DenoConnLike): ByteTransport {
  return new DenoConnTransport(conn)
}

/** Bytes queued before `write` returns false. */
const WRITE_AHEAD = 131_072

class DenoConnTransport implements ByteTransport {
  readonly #conn: DenoConnLike
  readonly #reads: ReadLoop
  #receiver: TransportReceiver | undefined
  readonly #queue: Uint8Array[] = []
  #queued = 0
  #writing = false
  #drainOwed = false
  /** Our direction: `ending` while the queue is being written. */
  #sending: 'open' | 'ending' | 'ended' = 'open'
  #eof = false
  /** Why nothing can be written any more; told after what can still be read. */
  #writeFailure: { reason: unknown } | undefined
  #over = false

  constructor(conn: DenoConnLike) {
    this.#conn = conn
    const buffer = new ReadBuffer()
    this.#reads = new ReadLoop(async () => {
      const space = buffer.take()
      const length = await conn.read(space)
      return length === null ? null : buffer.chunk(space.subarray(0, length))
    })
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.#reads.start({
      onChunk: (chunk) => receiver.onChunk(chunk),
      onEof: () => this.#onEof(),
      onFailure: (reason) => this.#fail(reason),
    })
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#writeFailure || this.#sending !== 'open') return true // the reason is on its way, by onError; or we have ended it
    this.#queue.push(chunk)
    this.#queued += chunk.length
    void this.#send()
    this.#drainOwed = this.#queued >= WRITE_AHEAD
    return !this.#drainOwed
  }

  pause(): void {
    this.#reads.pause()
    this.#tellWriteFailure()
  }

  resume(): void {
    this.#reads.resume()
  }

  end(): void {
    if (this.#sending !== 'open') return
    this.#sending = 'ending'
    void this.#send()
  }

  reset(): void {
    this.#receiver = undefined
    this.#reads.stop()
    if (this.#sending !== 'open' && !this.#queue.length) this.#eof = true // the end that is on its way takes nothing with it
    else this.#close()
    this.#closeIfDone()
  }

  /** Writes until the queue is empty, then ends if it is time: one write is under way at a time. */
  async #send(): Promise<void> {
    if (this.#writing || this.#over) return
    this.#writing = true
    try {
      for (let chunk = this.#queue[0]; chunk && !this.#over; chunk = this.#queue[0]) {
        const written = await this.#conn.write(chunk)
        this.#queued -= written
        if (written < chunk.length) this.#queue[0] = chunk.subarray(written)
        else this.#queue.shift()
        this.#drain()
      }
      if (this.#sending === 'ending' && !this.#over) {
        await this.#conn.closeWrite()
        this.#sending = 'ended'
        this.#closeIfDone()
      }
    } catch (reason) {
      this.#writeFailure ??= { reason }
      this.#queue.length = 0
      if (this.#reads.paused || this.#eof) this.#tellWriteFailure()
    } finally {
      this.#writing = false
    }
  }

  #drain(): void {
    if (!this.#drainOwed || this.#queued >= WRITE_AHEAD || this.#sending !== 'open') return
    this.#drainOwed = false
    this.#receiver?.onDrain()
  }

  #onEof(): void {
    if (this.#writeFailure) return this.#fail(this.#writeFailure.reason)
    this.#eof = true
    this.#receiver?.onEof()
    this.#closeIfDone()
  }

  /** A broken connection is read to its end, because the kernel may hold the peer's last words; but nobody waits for a pause to end. */
  #tellWriteFailure(): void {
    const failure = this.#writeFailure
    if (failure) nextLoop(() => this.#fail(failure.reason))
  }

  #fail(reason: unknown): void {
    if (this.#over) return
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#reads.stop()
    this.#close()
    receiver?.onError(reason instanceof Error ? reason : new Error(String(reason), { cause: reason }))
  }

  #closeIfDone(): void {
    if (!this.#eof || this.#sending !== 'ended' || this.#over) return
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#close()
    receiver?.onClosed?.()
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    this.#queue.length = 0
    try {
      this.#conn.close()
    } catch {
      // somebody has closed it under us, and the reads have told
    }
  }
}
