// A transport whose pipe is still being opened: connections that come by a promise can be used at once.
import type { ByteTransport, TransportReceiver } from './transport.ts'
import { webStreams, type WebStreamsLike } from './web-streams.ts'

/** The part of Direct Sockets' TCPSocket used here. */
export interface DirectSocketLike {
  /** Resolves to the streams. */
  readonly opened: Promise<WebStreamsLike>
}

/**
 * Takes what is written until the pipe is there, and hands it on then. A promise that rejects is an `onError`; after `reset`, a pipe that
 * opens all the same is reset.
 */
export function opening(pipe: Promise<ByteTransport>): ByteTransport {
  return new OpeningTransport(pipe)
}

/** Takes over a TCPSocket of Direct Sockets, and does not wait for it. */
export function directSocket(socket: DirectSocketLike): ByteTransport {
  return opening(socket.opened.then(webStreams))
}

class OpeningTransport implements ByteTransport {
  #pipe: ByteTransport | undefined
  #receiver: TransportReceiver | undefined
  readonly #queue: Uint8Array[] = []
  #paused = false
  #ended = false
  #failure: { reason: unknown } | undefined
  #reset = false

  constructor(pipe: Promise<ByteTransport>) {
    pipe.then(
      (pipe) => this.#onOpen(pipe),
      (reason: unknown) => this.#onFailure(reason),
    )
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    const failure = this.#failure
    if (this.#pipe) this.#pipe.attach(receiver)
    else if (failure) queueMicrotask(() => this.#onFailure(failure.reason))
  }

  write(chunk: Uint8Array): boolean {
    if (this.#pipe) return this.#pipe.write(chunk)
    if (this.#failure || this.#ended || this.#reset) return true
    this.#queue.push(chunk)
    return false
  }

  pause(): void {
    this.#paused = true
    this.#pipe?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#pipe?.resume()
  }

  end(): void {
    this.#ended = true
    this.#pipe?.end()
  }

  reset(): void {
    this.#reset = true
    this.#receiver = undefined
    this.#queue.length = 0
    this.#pipe?.reset()
  }

  #onOpen(pipe: ByteTransport): void {
    if (this.#reset) return pipe.reset()
    this.#pipe = pipe
    if (this.#paused) pipe.pause()
    if (this.#receiver) pipe.attach(this.#receiver)
    let full: boolean | undefined
    for (const chunk of this.#queue.splice(0)) full = !pipe.write(chunk)
    if (this.#ended) pipe.end()
    else if (full === false) this.#receiver?.onDrain() // otherwise the pipe will tell
  }

  #onFailure(reason: unknown): void {
    this.#failure = { reason }
    this.#queue.length = 0
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.onError(reason instanceof Error ? reason : new Error(`the connection was not opened: ${String(reason)}`, { cause: reason }))
  }
}
