// A pair of WHATWG streams as a ByteTransport: sockets of workerd, Deno's conn.readable and writable, Direct Sockets, WebTransport,
// WebSocketStream, Duplex.toWeb, TransformStreams. Names no runtime's types: the shape is enough.
import { nextLoop } from './next-loop.ts'
import type { ByteTransport, TransportReceiver } from './transport.ts'

type Read = { done: boolean; value?: Uint8Array }

/** The part of ReadableStreamDefaultReader used here. */
export interface ByteReaderLike {
  read(): Promise<Read>
  cancel(reason?: unknown): Promise<unknown>
}

/** The part of ReadableStreamBYOBReader used here: it fills a buffer that is brought along. */
export interface ByobReaderLike {
  read(view: Uint8Array): Promise<Read>
  cancel(reason?: unknown): Promise<unknown>
}

/** The part of WritableStreamDefaultWriter used here. */
export interface ByteWriterLike {
  write(chunk: Uint8Array): Promise<unknown>
  close(): Promise<unknown>
  abort(reason?: unknown): Promise<unknown>
  readonly desiredSize: number | null
  readonly closed: Promise<unknown>
}

/** What a socket with WHATWG streams looks like. Neither stream may be locked. */
export interface WebStreamsLike {
  /** What the peer says, in chunks of Uint8Array. */
  readonly readable: {
    getReader(options: { mode: 'byob' }): ByobReaderLike
    getReader(): ByteReaderLike
  }
  /** What the peer is told. It gets chunks of Uint8Array, and may keep or transfer them. */
  readonly writable: { getWriter(): ByteWriterLike }
}

/**
 * Takes over both streams: they are locked from now on. Reads into buffers of its own where the readable is a byte stream: in workerd
 * that takes a ninth of the time. Half-close needs streams that end one at a time: `allowHalfOpen: true` in workerd and Node.
 */
export function webStreams(streams: WebStreamsLike): ByteTransport {
  return new WebStreamsTransport(streams)
}

/** What one BYOB read may bring: four records. */
const READ_SIZE = 65_536
/** Written, and not yet taken by the sink: for streams whose desiredSize never says that they are full. */
const WRITE_AHEAD = 262_144

class WebStreamsTransport implements ByteTransport {
  readonly #reader: { read(): Promise<Read>; cancel(reason?: unknown): Promise<unknown> }
  readonly #writer: ByteWriterLike
  #receiver: TransportReceiver | undefined
  #read: 'idle' | 'pending' | 'done' = 'idle'
  #paused = false
  /** What a read brought after `pause`. */
  #held: Read | undefined
  #unwritten = 0
  #drainOwed = false
  #closing: Promise<unknown> | undefined
  #over = false

  constructor({ readable, writable }: WebStreamsLike) {
    this.#reader = byteReader(readable)
    this.#writer = writable.getWriter()
    this.#writer.closed.catch(ignore) // told by attach
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.#writer.closed.catch(this.#onWriteFailed)
    this.#next()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#closing) return true // the reason is on its way, by onError; or we have ended it
    const { length } = chunk // for good: the stream may transfer it
    this.#unwritten += length
    this.#writer.write(chunk).then(() => this.#onWritten(length), this.#onWriteFailed)
    this.#drainOwed = !this.#hasRoom
    return !this.#drainOwed
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const held = this.#held
    if (held) queueMicrotask(() => !this.#paused && this.#deliver(held))
    else this.#next()
  }

  end(): void {
    if (this.#over || this.#closing) return
    this.#closing = this.#writer.close()
    this.#closing.catch(this.#onWriteFailed)
  }

  reset(): void {
    if (this.#over) return
    this.#receiver = undefined
    this.#over = true
    const reason = new Error('the connection was reset')
    // An abort would take back what the sink has, and may still be sending.
    if (this.#closing && !this.#unwritten) this.#closing.then(() => this.#reader.cancel(reason)).catch(ignore)
    else this.#giveUp(reason)
  }

  // ---- Reading: one read at a time, and none while paused. ----

  #next(): void {
    if (this.#read !== 'idle' || this.#paused || this.#over || !this.#receiver) return
    this.#read = 'pending'
    this.#reader.read().then(this.#onRead, this.#fail)
  }

  #onRead = (read: Read): void => {
    this.#held = read
    if (!this.#paused) this.#deliver(read)
  }

  #deliver(read: Read): void {
    if (this.#held !== read) return
    this.#held = undefined
    const { done, value } = read
    this.#read = done ? 'done' : 'idle'
    try {
      if (done) this.#receiver?.onEof()
      else if (value?.length) this.#receiver?.onChunk(value)
    } finally {
      this.#next() // a receiver that throws loses nothing of what comes next
    }
  }

  // ---- Writing. ----

  #onWritten(length: number): void {
    this.#unwritten -= length
    if (!this.#drainOwed || !this.#hasRoom || this.#over || this.#closing) return
    this.#drainOwed = false
    this.#receiver?.onDrain()
  }

  /** A stream whose high water mark is 0 always says that it is full; one that has failed says null, and why elsewhere. */
  get #hasRoom(): boolean {
    return this.#unwritten === 0 || ((this.#writer.desiredSize ?? 1) > 0 && this.#unwritten < WRITE_AHEAD)
  }

  /** What the readable holds already comes first. */
  #onWriteFailed = (error: unknown): void => {
    nextLoop(() => this.#fail(error))
  }

  #fail = (reason: unknown): void => {
    if (this.#over) return
    const error = reason instanceof Error ? reason : new Error(`the stream failed: ${String(reason)}`, { cause: reason })
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#over = true
    this.#giveUp(error)
    receiver?.onError(error)
  }

  #giveUp(reason: Error): void {
    this.#writer.abort(reason).catch(ignore)
    this.#reader.cancel(reason).catch(ignore)
  }
}

const ignore = (): void => {}

/**
 * A reader of chunks that nobody else writes to. A buffer that was filled goes to the receiver; of one that was not, a copy goes, and the
 * buffer is used again.
 */
function byteReader(readable: WebStreamsLike['readable']): { read(): Promise<Read>; cancel(reason?: unknown): Promise<unknown> } {
  let reader: ByobReaderLike
  try {
    reader = readable.getReader({ mode: 'byob' })
  } catch {
    return readable.getReader() // not a byte stream
  }
  let spare: ArrayBufferLike | undefined
  const hand = (read: Read): Read => {
    if (!read.value || read.value.length > READ_SIZE / 2) return read
    const value = read.value.slice()
    spare = read.value.buffer // the one brought along, transferred
    return { done: read.done, value }
  }
  return {
    read() {
      const buffer = spare ?? new ArrayBuffer(READ_SIZE)
      spare = undefined
      return reader.read(new Uint8Array(buffer)).then(hand)
    },
    cancel: (reason) => reader.cancel(reason),
  }
}
