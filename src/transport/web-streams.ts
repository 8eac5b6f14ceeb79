// A pair of WHATWG streams as a ByteTransport: sockets of workerd, Deno's conn.readable and writable, Direct Sockets, WebTransport,
// WebSocketStream, Duplex.toWeb, TransformStreams. Names no runtime's types: the shape is enough.
import { nextLoop } from './next-loop.ts'
import { ReadBuffer, ReadLoop, type Read } from './read-loop.ts'
import type { ByteTransport, TransportReceiver } from './transport.ts'

type ReadResult = { done: boolean; value?: Uint8Array }

/** The part of ReadableStreamDefaultReader used here. */
export interface ByteReaderLike {
  read(): Promise<ReadResult>
  cancel(reason?: unknown): Promise<unknown>
}

/** The part of ReadableStreamBYOBReader used here: it fills a buffer that is brought along. */
export interface ByobReaderLike {
  read(view: Uint8Array): Promise<ReadResult>
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
  /** Called after a failure or `reset`, where there is one: in workerd, streams that have failed leave the connection open. */
  close?(): unknown
}

/**
 * Takes over both streams: they are locked from now on. Reads into buffers of its own where the readable is a byte stream: in workerd
 * that takes a third of the CPU time. Half-close needs streams that end one at a time: `allowHalfOpen: true` in workerd and Node.
 */
export function webStreams(streams: WebStreamsLike): ByteTransport {
  return new WebStreamsTransport(streams)
}

/** Written, and not yet taken by the sink: for streams whose desiredSize never says that they are full. */
const WRITE_AHEAD = 262_144

class WebStreamsTransport implements ByteTransport {
  readonly #reader: ByteReader
  readonly #reads: ReadLoop
  readonly #writer: ByteWriterLike
  readonly #streams: WebStreamsLike
  #receiver: TransportReceiver | undefined
  #unwritten = 0
  #drainOwed = false
  #closing: Promise<unknown> | undefined
  /** Our direction has ended, and theirs. */
  #finished = false
  #eof = false
  #over = false

  constructor(streams: WebStreamsLike) {
    this.#streams = streams
    this.#reader = byteReader(streams.readable)
    this.#reads = new ReadLoop(this.#reader.read)
    this.#writer = streams.writable.getWriter()
    this.#writer.closed.catch(ignore) // told by attach
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.#writer.closed.catch(this.#onWriteFailed)
    this.#reads.start({
      onChunk: (chunk) => receiver.onChunk(chunk),
      onEof: () => this.#onEof(),
      onFailure: this.#fail,
    })
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
    this.#reads.pause()
  }

  resume(): void {
    this.#reads.resume()
  }

  end(): void {
    if (this.#over || this.#closing) return
    this.#closing = this.#writer.close()
    this.#closing.then(() => this.#onFinished(), this.#onWriteFailed)
  }

  reset(): void {
    if (this.#over) return
    this.#stop()
    const reason = new Error('the connection was reset')
    // An abort would take back what the sink has, and may still be sending.
    if (this.#closing && !this.#unwritten) void this.#closing.catch(ignore).then(() => this.#giveUp(reason))
    else this.#giveUp(reason)
  }

  #onEof(): void {
    this.#eof = true
    this.#receiver?.onEof()
    this.#closeIfDone()
  }

  #onFinished(): void {
    this.#finished = true
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (!this.#eof || !this.#finished || this.#over) return
    const receiver = this.#receiver
    this.#stop()
    receiver?.onClosed?.()
  }

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
  #onWriteFailed = (reason: unknown): void => {
    nextLoop(() => this.#fail(reason))
  }

  #fail = (reason: unknown): void => {
    if (this.#over) return
    const error = toError(reason)
    const receiver = this.#receiver
    this.#stop()
    this.#giveUp(error)
    receiver?.onError(error)
  }

  #stop(): void {
    this.#over = true
    this.#receiver = undefined
    this.#reads.stop()
  }

  /** `close` comes without an abort where it can: workerd tells the peer at once then, and otherwise when the request is over. */
  #giveUp(reason: Error): void {
    const streams = this.#streams
    if (this.#unwritten || !streams.close) this.#writer.abort(reason).catch(ignore)
    this.#reader.cancel(reason).catch(ignore)
    Promise.resolve()
      .then(() => streams.close?.())
      .catch(ignore)
  }
}

const ignore = (): void => {}

const toError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(`the stream failed: ${String(reason)}`, { cause: reason })

interface ByteReader {
  read: Read
  cancel(reason: unknown): Promise<unknown>
}

function byteReader(readable: WebStreamsLike['readable']): ByteReader {
  let byob: ByobReaderLike
  try {
    byob = readable.getReader({ mode: 'byob' })
  } catch {
    const reader = readable.getReader() // not a byte stream
    return { read: () => reader.read().then(({ done, value }) => (done ? null : value!)), cancel: (reason) => reader.cancel(reason) }
  }
  const buffer = new ReadBuffer()
  return {
    read: () => byob.read(buffer.take()).then(({ done, value }) => (done ? null : buffer.chunk(value!))),
    cancel: (reason) => byob.cancel(reason),
  }
}
