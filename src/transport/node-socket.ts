// net.Socket, or any stream.Duplex, as a ByteTransport. Names no Node module: the shape is enough, so Deno's and Bun's sockets,
// and Duplexes made in JavaScript (TLS in TLS, SSH channels), work alike.
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** The part of stream.Duplex used here; the last two are net.Socket's. */
export interface DuplexLike {
  on(event: 'data', listener: (chunk: Uint8Array | string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown
  write(chunk: Uint8Array): boolean
  end(): unknown
  pause(): unknown
  resume(): unknown
  destroy(): unknown
  readonly destroyed: boolean
  readonly readableEnded?: boolean
  readonly writableFinished?: boolean
  readonly writableLength?: number
  readonly errored?: Error | null
  allowHalfOpen?: boolean
  resetAndDestroy?(): unknown
}

/** Takes over the socket: nobody else may read or write it. A socket that is still connecting will do. */
export function nodeSocket(socket: DuplexLike): ByteTransport {
  return new NodeSocketTransport(socket)
}

class NodeSocketTransport implements ByteTransport {
  readonly #socket: DuplexLike
  #receiver: TransportReceiver | undefined
  #paused = false
  /** The peer has ended. */
  #ended = false
  /** We have. */
  #finished = false

  constructor(socket: DuplexLike) {
    this.#socket = socket
    // Otherwise the peer's FIN would end our direction, too, before our close_notify is out.
    socket.allowHalfOpen = true
    socket.on('error', this.#onError)
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    const socket = this.#socket
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    if (socket.readableEnded) queueMicrotask(this.#onEnd) // what happened before we came is told now
    else if (socket.destroyed) queueMicrotask(this.#onClose)
    else if (!this.#paused) socket.resume()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#finished) return true // the reason is on its way, by onError; or we have ended it
    return this.#socket.write(chunk)
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#receiver) this.#socket.resume()
  }

  end(): void {
    this.#finished = true
    if (!this.#socket.destroyed) this.#socket.end()
  }

  reset(): void {
    this.#receiver = undefined
    const socket = this.#socket
    if (socket.destroyed) return
    const kernelHasAll = this.#finished && !socket.writableLength // a reset would take it back
    if (kernelHasAll || !socket.resetAndDestroy) socket.destroy()
    else socket.resetAndDestroy()
  }

  #onData = (chunk: Uint8Array | string): void => {
    if (typeof chunk !== 'string') return this.#receiver?.onChunk(chunk)
    this.#onError(new TypeError('the socket delivers strings: do not call setEncoding on a socket that carries TLS'))
  }

  #onDrain = (): void => this.#receiver?.onDrain()

  #onEnd = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#receiver?.onEof()
  }

  /** On the socket from the beginning, and after reset: an unheard 'error' would end the process. Before attach it is kept for #onClose. */
  #onError = (error: Error): void => {
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.onError(error)
  }

  /** Where both directions have not ended, somebody has destroyed the socket under us. */
  #onClose = (): void => {
    if (this.#ended && this.#socket.writableFinished !== false) return this.#receiver?.onClosed?.()
    const what = this.#ended ? 'all was sent' : 'its stream ended'
    this.#onError(this.#socket.errored ?? Object.assign(new Error(`the socket was closed before ${what}`), { code: 'ECONNRESET' }))
  }
}
