// PlainPipe: for bytes as they are what a Poller is for TLS, with the same back-pressure; and it can be taken off its transport again.
import type { TlsError } from '../errors.ts'
import type { ByteTransport, TransportReceiver } from '../transport/transport.ts'
import type { Ends, Pipe } from './ends.ts'
import { tlsErrorOf } from './options.ts'

/** Milliseconds a peer has to end its direction after `close`. */
const LINGER = 5_000

/** Bytes as they are, between a transport and two streams; until somebody else takes the transport over. */
export class PlainPipe implements Pipe, TransportReceiver {
  readonly #transport: ByteTransport
  readonly #ends: Ends
  readonly #onClose: (error?: TlsError) => void
  #heir: HandedOver | undefined
  /** Came while paused. */
  readonly #held: Uint8Array[] = []
  #paused = false
  #eof = false
  #ended = false
  #closed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(transport: ByteTransport, ends: Ends, onClose: (error?: TlsError) => void) {
    this.#transport = transport
    this.#ends = ends
    this.#onClose = onClose
    transport.attach(this)
  }

  /** From now on, everything is the new one's. */
  handOver(): HandedOver {
    this.#heir = new HandedOver(this.#transport, this.#held, this.#eof)
    return this.#heir
  }

  // ---- From the transport. ----

  onChunk(chunk: Uint8Array): void {
    if (this.#heir) return this.#heir.onChunk(chunk)
    this.#held.push(chunk)
    this.#deliver()
  }
  onDrain(): void {
    if (this.#heir) this.#heir.onDrain()
    else this.#ends.onDrain()
  }
  onEof(): void {
    if (this.#heir) return this.#heir.onEof()
    this.#eof = true
    this.#deliver()
  }
  onError(error: Error): void {
    if (this.#heir) this.#heir.onError(error)
    else this.#finish(tlsErrorOf(error, 'the transport'))
  }
  onClosed(): void {
    if (this.#heir) this.#heir.onClosed()
    else this.#finishWhenTold()
  }

  // ---- From the streams. ----

  write(chunk: Uint8Array): boolean {
    return this.#transport.write(chunk)
  }

  closeWrite(written: () => void): void {
    this.#end()
    queueMicrotask(written)
  }

  pause(): void {
    this.#paused = true
    this.#transport.pause()
  }

  resume(): void {
    this.#paused = false
    this.#transport.resume()
    queueMicrotask(() => this.#deliver())
  }

  close(): void {
    this.#closed = true
    this.#end()
    this.resume()
    this.#timer = setTimeout(() => {
      this.#transport.reset()
      this.#finish()
    }, LINGER)
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  destroy(error: TlsError): void {
    this.#transport.reset()
    this.#finish(error)
  }

  // ---- Inside. ----

  #deliver(): void {
    if (this.#heir) return
    while (this.#held.length && (!this.#paused || this.#closed)) this.#ends.onPlaintext(this.#held.shift()!)
    if (!this.#eof || this.#held.length || this.#told) return
    if (this.#paused && !this.#closed) return
    this.#told = true
    this.#ends.onEnd()
    if (this.#ended) this.#finish()
  }
  #told = false

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#transport.end()
    if (this.#told) queueMicrotask(() => this.#finish())
  }

  /** The streams may not have taken all of it yet. */
  #finishWhenTold(): void {
    if (this.#told || this.#closed) this.#finish()
  }

  #finish(error?: TlsError): void {
    clearTimeout(this.#timer)
    if (!this.#heir) this.#onClose(error)
  }
}

/** The transport as its next owner sees it: what has come already comes first. */
class HandedOver implements ByteTransport, TransportReceiver {
  readonly #transport: ByteTransport
  readonly #before: Uint8Array[]
  #eof: boolean
  #error: Error | undefined
  #wasClosed = false
  #receiver: TransportReceiver | undefined

  constructor(transport: ByteTransport, held: Uint8Array[], eof: boolean) {
    this.#transport = transport
    this.#before = held
    this.#eof = eof
  }

  /** What comes before everything else. */
  before(chunks: readonly Uint8Array[]): void {
    this.#before.unshift(...chunks)
  }

  attach(receiver: TransportReceiver): void {
    queueMicrotask(() => {
      this.#receiver = receiver
      for (const chunk of this.#before.splice(0)) receiver.onChunk(chunk)
      if (this.#eof) receiver.onEof()
      if (this.#error) receiver.onError(this.#error)
      else if (this.#wasClosed) receiver.onClosed?.()
      else this.#transport.resume()
    })
  }

  write(chunk: Uint8Array): boolean {
    return this.#transport.write(chunk)
  }
  pause(): void {
    this.#transport.pause()
  }
  resume(): void {
    this.#transport.resume()
  }
  end(): void {
    this.#transport.end()
  }
  reset(): void {
    this.#receiver = undefined
    this.#transport.reset()
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#receiver) this.#receiver.onChunk(chunk)
    else this.#before.push(chunk)
  }
  onDrain(): void {
    this.#receiver?.onDrain()
  }
  onEof(): void {
    if (this.#receiver) this.#receiver.onEof()
    else this.#eof = true
  }
  onError(error: Error): void {
    if (this.#receiver) this.#receiver.onError(error)
    else this.#error = error
  }
  onClosed(): void {
    if (this.#receiver) this.#receiver.onClosed?.()
    else this.#wasClosed = true
  }
}
