// A socket of Bun.connect or Bun.listen as a ByteTransport. Bun asks for handlers before there is a socket, and for one set of them for
// all sockets of a listener; the ones from here make a transport of each socket that opens. Names no type of Bun's.
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** The part of Bun's Socket used here. */
export interface BunSocketLike {
  write(bytes: Uint8Array): number
  pause(): unknown
  resume(): unknown
  shutdown(): unknown
  end(): unknown
  terminate(): unknown
}

/** What Bun.connect and Bun.listen take as `socket`; Bun calls it, nobody else. */
export interface BunHandlers<Socket> {
  /** Chunks need not be Buffers. */
  binaryType: 'uint8array'
  /** Makes the transport. */
  open(socket: Socket): void
  /** Becomes `onChunk`. */
  data(socket: Socket, chunk: Uint8Array): void
  /** There is room for what waits to be written. */
  drain(socket: Socket): void
  /** The peer's FIN. */
  end(socket: Socket): void
  /** The socket is gone; or, where our direction had ended before, the peer's FIN. */
  close(socket: Socket, error?: Error): void
}

/**
 * For `Bun.connect({ ..., allowHalfOpen: true, socket: bunHandlers((transport) => ...) })`, and the same with Bun.listen. Without
 * `allowHalfOpen`, Bun closes the socket at the peer's FIN, and our last words are lost.
 * @param onOpen called for each connection. Its socket is the transport's from then on, paused until the transport is attached
 */
export function bunHandlers<Socket extends BunSocketLike>(
  onOpen: (transport: ByteTransport, socket: Socket) => void,
): BunHandlers<Socket> {
  const transports = new WeakMap<Socket, BunTransport>() // socket.data is the program's
  return {
    binaryType: 'uint8array',
    open(socket) {
      const transport = new BunTransport(socket)
      transports.set(socket, transport)
      onOpen(transport, socket)
    },
    data: (socket, chunk) => transports.get(socket)?.onData(chunk),
    drain: (socket) => transports.get(socket)?.onDrain(),
    end: (socket) => transports.get(socket)?.onEnd(),
    close: (socket, error) => transports.get(socket)?.onClose(error),
  }
}

class BunTransport implements ByteTransport {
  readonly #socket: BunSocketLike
  #receiver: TransportReceiver | undefined
  #paused = false
  /** What the kernel had no room for. */
  readonly #queue: Uint8Array[] = []
  #drainOwed = false
  /** Our direction: `ending` while the queue is being written. */
  #sending: 'open' | 'ending' | 'ended' = 'open'
  #eof = false
  /** How it was closed, where that was before `attach`. */
  #closed: { error: Error | undefined } | undefined

  constructor(socket: BunSocketLike) {
    this.#socket = socket
    socket.pause()
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    const closed = this.#closed
    if (closed) this.onClose(closed.error)
    else if (!this.#paused) this.#socket.resume()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#closed || this.#sending !== 'open') return true // the reason is on its way, by onError; or we have ended it
    this.#queue.push(chunk)
    if (this.#queue.length === 1) this.#flush()
    this.#drainOwed = this.#queue.length > 0
    return !this.#drainOwed
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
    if (this.#sending !== 'open') return
    this.#sending = 'ending'
    this.#flush()
  }

  reset(): void {
    this.#receiver = undefined
    if (this.#closed) return
    if (this.#sending === 'ended') this.#socket.end() // a RST would take back what the kernel is still sending
    else this.#socket.terminate()
  }

  // ---- What Bun tells. ----

  onData(chunk: Uint8Array): void {
    this.#receiver?.onChunk(chunk)
  }

  onDrain(): void {
    this.#flush()
    if (!this.#drainOwed || this.#queue.length) return
    this.#drainOwed = false
    this.#receiver?.onDrain()
  }

  onEnd(): void {
    if (this.#eof) return
    this.#eof = true
    this.#receiver?.onEof()
  }

  /** Comes from within Bun's own verbs, too. */
  onClose(error: Error | undefined): void {
    this.#closed = { error }
    this.#queue.length = 0
    queueMicrotask(() => {
      if (!error && this.#sending === 'ended') this.onEnd() // what Bun calls a close where our direction has ended before
      const receiver = this.#receiver
      this.#receiver = undefined
      if (!error && this.#eof && this.#sending === 'ended') return receiver?.onClosed?.()
      const what = this.#eof ? 'all was sent' : 'its stream ended'
      receiver?.onError(error ?? Object.assign(new Error(`the socket was closed before ${what}`), { code: 'ECONNRESET' }))
    })
  }

  #flush(): void {
    for (let chunk = this.#queue[0]; chunk && !this.#closed; chunk = this.#queue[0]) {
      const written = this.#socket.write(chunk)
      if (written < chunk.length) {
        if (written > 0) this.#queue[0] = chunk.subarray(written)
        return // to onDrain, or onClose
      }
      this.#queue.shift()
    }
    if (this.#sending !== 'ending' || this.#closed) return
    this.#sending = 'ended'
    this.#socket.shutdown()
  }
}
