// Deno's sockets: reads that bring their own buffer, and nothing read while paused. (Its WHATWG streams close both directions with one.)
import type { ByteTransport, TransportReceiver } from '../transport/transport.ts'
import { formatAddress, type SocketAddress } from './address.ts'
import type { RawListenOptions, RawListener, RawSocket } from './raw.ts'

interface DenoConn {
  readonly remoteAddr: SocketAddress
  readonly localAddr: SocketAddress
  read(buffer: Uint8Array): Promise<number | null>
  write(bytes: Uint8Array): Promise<number>
  closeWrite(): Promise<void>
  close(): void
  setNoDelay(noDelay: boolean): void
}
interface DenoListener extends AsyncIterable<DenoConn> {
  readonly addr: SocketAddress
  close(): void
}
declare const Deno: {
  connect(options: SocketAddress & { signal?: AbortSignal }): Promise<DenoConn>
  listen(options: { hostname?: string; port: number; tcpBacklog?: number }): DenoListener
}

/** See sockets.d.ts. */
export async function dial({ hostname, port }: SocketAddress, signal: AbortSignal): Promise<RawSocket> {
  const conn = await Deno.connect({ hostname, port, signal })
  if (!signal.aborted) return rawSocket(conn)
  conn.close()
  throw signal.reason
}

/** See sockets.d.ts. */
export async function listen({ hostname, port, backlog, onSocket, onError }: RawListenOptions): Promise<RawListener> {
  const listener = Deno.listen({ ...(hostname !== undefined && { hostname }), port, tcpBacklog: backlog })
  const accept = async () => {
    for await (const conn of listener) onSocket(rawSocket(conn))
  }
  accept().catch(onError)
  const { hostname: address, port: chosen } = listener.addr
  return { address: { hostname: address, port: chosen }, close: () => listener.close() }
}

function rawSocket(conn: DenoConn): RawSocket {
  conn.setNoDelay(true)
  return { transport: new DenoTransport(conn), remoteAddress: formatAddress(conn.remoteAddr), localAddress: formatAddress(conn.localAddr) }
}

const READ_SIZE = 65_536
/** Bytes that wait to be written before `write` says that the pipe is full. */
const WRITE_AHEAD = 65_536

class DenoTransport implements ByteTransport {
  readonly #conn: DenoConn
  #receiver: TransportReceiver | undefined
  #reading = false
  #readEnded = false
  #paused = false
  /** Came after `pause`. */
  #held: Uint8Array | 'eof' | undefined
  readonly #queue: Uint8Array[] = []
  #queued = 0
  #writing = false
  #drainOwed = false
  #ending = false
  #ended = false
  #over = false

  constructor(conn: DenoConn) {
    this.#conn = conn
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    void this.#read()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ending) return true // the reason is on its way, by onError; or we have ended it
    this.#queue.push(chunk)
    this.#queued += chunk.length
    void this.#flush()
    if (this.#queued < WRITE_AHEAD) return true
    this.#drainOwed = true
    return false
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    queueMicrotask(() => {
      const held = this.#held
      if (held === undefined || this.#paused) return void this.#read()
      this.#held = undefined
      this.#deliver(held)
    })
  }

  end(): void {
    if (this.#over || this.#ending) return
    this.#ending = true
    void this.#flush()
  }

  /** Deno has no way to send an RST: the connection is closed, and what the kernel has may still arrive. */
  reset(): void {
    this.#receiver = undefined
    this.#close()
  }

  // ---- One read at a time, and none while paused. ----

  async #read(): Promise<void> {
    while (this.#receiver && !this.#reading && !this.#readEnded && !this.#paused && this.#held === undefined) {
      this.#reading = true
      const buffer = new Uint8Array(READ_SIZE)
      let count: number | null
      try {
        count = await this.#conn.read(buffer)
      } catch (error) {
        return this.#fail(error)
      } finally {
        this.#reading = false
      }
      this.#deliver(count === null ? 'eof' : count > READ_SIZE / 2 ? buffer.subarray(0, count) : buffer.slice(0, count))
    }
  }

  #deliver(what: Uint8Array | 'eof'): void {
    if (this.#paused) return void (this.#held = what)
    try {
      if (what !== 'eof') this.#receiver?.onChunk(what)
      else this.#endReading()
    } finally {
      void this.#read() // a receiver that throws loses nothing of what comes next
    }
  }

  #endReading(): void {
    this.#readEnded = true
    this.#receiver?.onEof()
    if (this.#ended) this.#close()
  }

  // ---- One write at a time. ----

  async #flush(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    try {
      for (let chunk = this.#queue[0]; chunk; chunk = this.#queue[0]) {
        const count = await this.#conn.write(chunk)
        if (count < chunk.length) this.#queue[0] = chunk.subarray(count)
        else this.#queue.shift()
        this.#queued -= count
        if (this.#drainOwed && this.#queued < WRITE_AHEAD && !this.#over) {
          this.#drainOwed = false
          this.#receiver?.onDrain()
        }
      }
      if (this.#ending && !this.#over) await this.#finish()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#writing = false
    }
  }

  async #finish(): Promise<void> {
    await this.#conn.closeWrite()
    this.#ended = true
    if (this.#readEnded) this.#close()
  }

  // ---- The end. ----

  #fail(reason: unknown): void {
    if (this.#over) return
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#close()
    receiver?.onError(withCode(reason))
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    this.#queue.length = 0
    this.#conn.close()
  }
}

/** Deno's errors have names where Node's have codes. */
function withCode(reason: unknown): Error {
  const error = reason instanceof Error ? reason : new Error(String(reason))
  const code = CODES[error.name]
  return code && !('code' in error) ? Object.assign(error, { code }) : error
}
const CODES: Record<string, string> = { ConnectionRefused: 'ECONNREFUSED', ConnectionReset: 'ECONNRESET', BrokenPipe: 'EPIPE', TimedOut: 'ETIMEDOUT', AddrInUse: 'EADDRINUSE' }
