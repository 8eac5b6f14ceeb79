// The two WHATWG streams of a socket, over whatever moves its bytes. Back-pressure is the pipe's own: a read asks for one chunk and then
// pauses it, and a write waits until it has room. Nothing is queued here beyond what the writable's own queue holds.
import { TlsError, usageError } from '../errors.ts'

/** What a Poller is for plaintext, and a PlainPipe for bytes as they are. */
export interface Pipe {
  /** The chunk is the pipe's. @returns false when it is full: `onDrain` tells of room */
  write(chunk: Uint8Array): boolean
  /** @param written called once all has left */
  closeWrite(written: () => void): void
  pause(): void
  resume(): void
  close(): void
  destroy(error: TlsError): void
}

/** Whose ends they are. */
export interface Owner {
  /** Closes in good order: both directions are done with. */
  close(): void
  /** The program has given up in the middle. */
  giveUp(error: TlsError): void
}

/** What is copied and handed to the pipe at once: a program has its buffer back when `write` is done. */
const PIECE = 65_536

export class Ends {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly writable: WritableStream<ArrayBufferView | ArrayBuffer>
  readonly #owner: Owner
  readonly #allowHalfOpen: boolean
  #pipe: Pipe | undefined
  #over = false
  #error: TlsError | undefined

  #reader!: ReadableByteStreamController
  #readState: 'open' | 'ended' | 'cancelled' = 'open'
  /** A read waits. */
  #wanted = false

  #writer!: WritableStreamDefaultController
  #writeEnded = false
  /** Chunks that were written to `writable`, and those that the pipe has got. */
  #written = 0
  #taken = 0
  #closing: 'no' | 'flushing' | 'closed' = 'no'
  /** How many chunks must have been taken first. */
  #closeAfter = 0
  /** Goes on with a write that waits for room. */
  #wake: () => void = () => {}
  /** Our direction has left, or nothing will any more. */
  #endSent: () => void = () => {}
  readonly #whenFlushed: (() => void)[] = []

  /** @param ready writes wait for it */
  constructor(owner: Owner, ready: Promise<void>, options: { allowHalfOpen: boolean; highWaterMark: number }) {
    this.#owner = owner
    this.#allowHalfOpen = options.allowHalfOpen
    this.readable = new ReadableStream({
      type: 'bytes',
      start: (controller) => void (this.#reader = controller),
      pull: () => this.#pull(),
      cancel: () => this.#cancel(),
    }) as ReadableStream<Uint8Array<ArrayBuffer>>
    const sink: UnderlyingSink<ArrayBufferView | ArrayBuffer> = {
      start: (controller) => this.#start(controller, ready),
      write: (chunk) => this.#write(chunk),
      close: () => this.#closeWrite(),
      abort: (reason) => this.#abort(reason),
    }
    this.writable = new WritableStream(sink, { highWaterMark: options.highWaterMark, size: (chunk) => this.#count(chunk) })
  }

  /** The pipe is there. */
  attach(pipe: Pipe): void {
    this.#pipe = pipe
    if (!this.#wanted && this.#readState === 'open') pipe.pause()
  }

  // ---- Reading. ----

  onPlaintext(chunk: Uint8Array): void {
    if (this.#readState !== 'open') return
    this.#wanted = false
    this.#pipe!.pause() // first: `enqueue` may call #pull
    this.#reader.enqueue(ownBuffer(chunk))
  }

  onEnd(): void {
    this.#endReading()
    if (!this.#allowHalfOpen) this.#owner.close()
  }

  #pull(): void {
    this.#wanted = true
    this.#pipe?.resume()
  }

  /** What still comes is dropped, so that the peer can get rid of it and be heard when it ends. */
  #cancel(): void {
    this.#readState = 'cancelled'
    this.#pipe?.resume()
    if (this.#writeEnded) this.#owner.close()
  }

  #endReading(): void {
    if (this.#readState !== 'open') return
    this.#readState = 'ended'
    this.#reader.close()
    this.#reader.byobRequest?.respond(0) // a buffer that was brought along goes back empty
  }

  // ---- Writing. ----

  onDrain(): void {
    this.#wake()
  }

  #start(controller: WritableStreamDefaultController, ready: Promise<void>): Promise<void> {
    this.#writer = controller
    // `abort` below waits for the write that is under way, which may wait for the peer. A turn later, because Node does not bear a stream
    // that fails while its signal is told.
    controller.signal?.addEventListener('abort', () => queueMicrotask(() => this.#abort(controller.signal.reason)))
    return ready
  }

  /** The strategy's `size`: the only one who hears of a chunk as soon as it is written. */
  #count(chunk: ArrayBufferView | ArrayBuffer): number {
    this.#written++
    return chunk?.byteLength ?? 1
  }

  async #write(chunk: ArrayBufferView | ArrayBuffer): Promise<void> {
    const bytes = this.#bytesOf(chunk)
    for (let at = 0; at < bytes.length; at += PIECE) {
      if (this.#over || this.#closing === 'closed') throw this.#error ?? closed()
      const hasRoom = this.#pipe!.write(bytes.slice(at, at + PIECE))
      if (!hasRoom && this.#closing === 'no') await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#error) throw this.#error
    this.#taken++
    this.#afterTaking()
  }

  #bytesOf(chunk: ArrayBufferView | ArrayBuffer): Uint8Array {
    if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
    const error = usageError(`writable takes bytes (Uint8Array, ArrayBuffer), not ${typeof chunk}; for text there is TextEncoderStream`)
    this.#owner.giveUp(error) // the stream is errored by that, and what was sent is not all
    throw error
  }

  async #closeWrite(): Promise<void> {
    this.#writeEnded = true
    this.#taken = Infinity
    if (!this.#over) {
      const sent = new Promise<void>((resolve) => (this.#endSent = resolve))
      this.#pipe!.closeWrite(() => this.#endSent())
      this.#afterTaking()
      if (this.#readState === 'cancelled') this.#owner.close()
      await sent
    }
    if (this.#error) throw this.#error
  }

  #abort(reason: unknown): void {
    const fields = { code: 'ERR_TLS_ABORTED', cause: reason }
    this.#owner.giveUp(new TlsError('closed', 'the connection was given up: its writable was aborted', fields))
  }

  #afterTaking(): void {
    if (this.#closing === 'flushing' && this.#taken >= this.#closeAfter) {
      this.#closing = 'closed'
      this.#pipe!.close()
    }
    if (this.#taken >= this.#written) this.#tellFlushed()
  }

  // ---- The end. ----

  /** Sends what was written so far, then closes the pipe. What the peer still says is dropped. */
  close(): void {
    if (this.#closing !== 'no' || this.#over) return
    this.#closing = 'flushing'
    this.#closeAfter = this.#written
    this.#endReading()
    this.#wake()
    this.#afterTaking()
  }

  /** The pipe is gone. @param error why, if not in good order; @param refuse what is written from now on fails at once */
  over(error: TlsError | undefined, refuse: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    if (error && this.#readState === 'open') this.#reader.error(error)
    else this.#endReading()
    if (!this.#writeEnded && (error || refuse)) this.#writer.error(error ?? closed())
    this.#wake()
    this.#endSent()
    this.#tellFlushed()
  }

  // ---- For a socket that becomes another. ----

  /** Resolves when the pipe has got what was written so far, or is gone. */
  flushed(): Promise<void> {
    const isFlushed = this.#over || this.#taken >= this.#written
    return isFlushed ? Promise.resolve() : new Promise((resolve) => this.#whenFlushed.push(resolve))
  }

  #tellFlushed(): void {
    for (const flushed of this.#whenFlushed.splice(0)) flushed()
  }

  /** What `readable` holds and nobody has read: the rest of a chunk that was larger than the buffer brought along. */
  async rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = []
    while ((this.#reader.desiredSize ?? 0) < 0) chunks.push((await reader.read()).value!)
    return chunks
  }
}

const closed = () => new TlsError('closed', 'the connection has been closed', { code: 'ERR_TLS_CLOSED' })

/** A byte stream transfers the whole buffer that it is given a view on. */
function ownBuffer(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const isWhole = chunk.byteLength === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer
  return (isWhole ? chunk : chunk.slice()) as Uint8Array<ArrayBuffer>
}
