// The package's entry `membio/neon`: TLS for Neon's serverless driver of PostgreSQL (@neondatabase/serverless), which reaches a database by
// a WebSocket proxy and has a slot for a TLS of others, `neonConfig.subtls`. The proxy then sees ciphertext only.
//
//   import { neonConfig, Pool } from '@neondatabase/serverless'
//   secureNeon(neonConfig, { ca })
//   const pool = new Pool({ connectionString: 'postgres://user:password@db.example/main?sslmode=verify-full' })
import type { ByteTransport, TransportReceiver } from '../transport/transport.ts'
import { usageError } from '../errors.ts'
import { secure } from './index.ts'
import type { ClientOptions } from './options.ts'

/** The part of `neonConfig` that is set here; a Client's own settings will do, too. */
export interface NeonConfigLike {
  subtls: unknown
  forceDisablePgSSL: boolean
}

/**
 * Puts OpenSSL into the driver's slot, and lets the driver ask databases for TLS. Certificates are verified, for the host of the connection
 * string: by `ca`, by the driver's `rootCerts` where there is no `ca`, or else by the host's roots. What goes wrong is the error of the
 * driver's `connect`.
 */
export function secureNeon(config: NeonConfigLike, options: ClientOptions = {}): void {
  config.subtls = {
    TrustedCert: { databaseFromPEM: async (pem: string) => pem },
    WebSocketReadQueue,
    startTls: (...args: StartTlsArguments) => startTls(options, ...args),
  }
  config.forceDisablePgSSL = false
}

type NetworkRead = (bytes: number) => Promise<Uint8Array | undefined>
type NetworkWrite = (bytes: Uint8Array) => void
interface StartTlsSettings {
  useSNI?: boolean
  writePreData?: Uint8Array
  expectPreData?: Uint8Array
}
type StartTlsArguments = [host: string | undefined, roots: string, read: NetworkRead, write: NetworkWrite, settings?: StartTlsSettings]

/**
 * Does not wait for the handshake: the driver hears of a failure where it reads, and nobody hears of it here. What it writes meanwhile is
 * held back until the server's certificate was verified.
 */
async function startTls(options: ClientOptions, ...[host, roots, read, write, settings = {}]: StartTlsArguments) {
  const { servername, sni = servername, identity, ...rest } = options
  const name = sni ?? host
  const names = settings.useSNI === false ? { identity: identity ?? name } : { servername: name, identity }
  const trust = options.ca === undefined && !options.context && roots ? { ca: roots } : {}
  const socket = secure(new ReadWriteTransport(read, write, settings), { ...rest, ...names, ...trust })
  const reader = socket.readable.getReader()
  const writer = socket.writable.getWriter()
  return {
    read: async () => (await reader.read()).value,
    write: async (plaintext: Uint8Array) => void writer.write(plaintext).catch(() => {}), // reading tells why
  }
}

/** What a WebSocket has brought, in the pieces that are asked for. */
class WebSocketReadQueue {
  readonly #socket: WebSocketLike
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #wake: () => void = () => {}

  constructor(socket: WebSocketLike) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }: { data: ArrayBuffer }) => {
      this.#chunks.push(new Uint8Array(data))
      this.#length += data.byteLength
      this.#wake()
    })
    socket.addEventListener('close', () => this.#wake())
  }

  /** Exactly so many bytes; undefined when the socket has closed before. */
  async read(bytes: number): Promise<Uint8Array | undefined> {
    while (this.#length < bytes) {
      if (this.#socket.readyState > OPEN) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const taken = new Uint8Array(bytes)
    for (let at = 0; at < bytes; ) {
      const chunk = this.#chunks[0]!
      const part = chunk.subarray(0, bytes - at)
      taken.set(part, at)
      at += part.length
      if (part.length === chunk.length) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(part.length)
    }
    this.#length -= bytes
    return taken
  }
}

interface WebSocketLike {
  readonly readyState: number
  addEventListener(type: 'message', listener: (event: { data: ArrayBuffer }) => void): void
  addEventListener(type: 'close', listener: () => void): void
}
const OPEN = 1

/** RFC 8446, 5.1: type, version and length. */
const HEADER_LENGTH = 5

/** A function that reads so many bytes, and one that writes: records are read one by one, for their headers tell how long they are. */
class ReadWriteTransport implements ByteTransport {
  readonly #networkRead: NetworkRead
  readonly #networkWrite: NetworkWrite
  readonly #expected: Uint8Array
  #first: Uint8Array
  #receiver: TransportReceiver | undefined
  #reading = false
  #paused = false
  #over = false

  constructor(read: NetworkRead, write: NetworkWrite, { expectPreData, writePreData }: StartTlsSettings) {
    this.#networkRead = read
    this.#networkWrite = write
    this.#expected = expectPreData ?? new Uint8Array(0)
    this.#first = writePreData ?? new Uint8Array(0)
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.#begin().then(() => this.#read(), this.#fail)
  }

  /** There is nobody who could say that he is full. */
  write(chunk: Uint8Array): boolean {
    if (this.#over) return true
    const bytes = new Uint8Array(this.#first.length + chunk.length)
    bytes.set(this.#first)
    bytes.set(chunk, this.#first.length)
    this.#first = new Uint8Array(0)
    this.#networkWrite(bytes)
    return true
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    queueMicrotask(() => void this.#read())
  }

  /** The WebSocket is the driver's to close. */
  end(): void {}

  reset(): void {
    this.#over = true
    this.#receiver = undefined
  }

  /** PostgreSQL's answer to a wish for TLS that was sent along with the ClientHello. */
  async #begin(): Promise<void> {
    this.#reading = true
    const { length } = this.#expected
    const got = length ? await this.#networkRead(length) : this.#expected
    if (!got || got.some((byte, at) => byte !== this.#expected[at])) throw usageError('the server does not want TLS', 'ERR_TLS_REFUSED')
    this.#reading = false
  }

  async #read(): Promise<void> {
    while (this.#receiver && !this.#reading && !this.#paused) {
      this.#reading = true
      const header = await this.#networkRead(HEADER_LENGTH)
      const body = header && (await this.#networkRead((header[3]! << 8) | header[4]!))
      this.#reading = false
      if (header) this.#receiver?.onChunk(header)
      if (body?.length) this.#receiver?.onChunk(body)
      if (header && body) continue
      this.#reading = true // and never again
      return this.#receiver?.onEof()
    }
  }

  #fail = (error: Error): void => {
    const receiver = this.#receiver
    this.reset()
    receiver?.onError(error)
  }
}
