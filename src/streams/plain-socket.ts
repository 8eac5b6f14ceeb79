// PlainSocket: TCP as it is, for protocols that begin in clear and then turn to TLS (STARTTLS).
import { usageError, type TlsError } from '../errors.ts'
import { connectTimeout, Life, type Source } from './life.ts'
import { parseOptions, socketSettings, tlsErrorOf, type ConnectOptions, type SecureOptions, type SecureTransport } from './options.ts'
import { PlainPipe } from './plain-pipe.ts'
import type { RawSocket } from './raw.ts'
import { TlsSocket } from './tls-socket.ts'

/** What the `opened` of a plain socket resolves to. */
export interface PlainSocketInfo {
  /** "192.0.2.1:25", where the runtime tells. */
  remoteAddress?: string
  /** "192.0.2.2:50000", where the runtime tells. */
  localAddress?: string
}

/** A TCP connection without TLS, yet. Its streams and promises are those of TlsSocket, but for close_notify. */
export class PlainSocket {
  /** What the peer says. Nothing is read ahead. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /** What the peer is told. `close` ends our direction; `abort` resets the connection. */
  readonly writable: WritableStream<ArrayBufferView | ArrayBuffer>
  /** Resolves when it is connected. */
  readonly opened: Promise<PlainSocketInfo>
  /** Resolves when both directions have ended, or the socket was upgraded; rejects with whatever ended them otherwise. */
  readonly closed: Promise<void>
  /** As `connect` was told. */
  readonly secureTransport: Exclude<SecureTransport, 'on'>
  readonly #life: Life<PlainSocketInfo>
  readonly #options: ConnectOptions
  readonly #hostname: string
  #raw: RawSocket | undefined
  #pipe: PlainPipe | undefined
  #upgraded = false

  /** Use `connect`. */
  constructor(source: Source, secureTransport: Exclude<SecureTransport, 'on'>, hostname: string, options: ConnectOptions) {
    this.secureTransport = secureTransport
    this.#options = options
    this.#hostname = hostname
    this.#life = new Life(socketSettings(options))
    this.opened = this.#life.opened
    this.closed = this.#life.closed
    this.readable = this.#life.ends.readable
    this.writable = this.#life.ends.writable
    void this.#begin(source)
  }

  /** What `opened` resolves to; undefined before that. */
  get info(): PlainSocketInfo | undefined {
    return this.#life.info
  }

  /** Whether `startTls` was called. This socket is then over; the connection is the new one's. */
  get upgraded(): boolean {
    return this.#upgraded
  }

  /**
   * Goes on with TLS, once what was written so far has left. What the peer has sent and nobody has read belongs to the handshake already.
   * Give back the streams' locks first.
   * @param options beside those given to `connect`. `servername` is the host of `connect` if nothing else is said
   */
  startTls(options: SecureOptions = {}): TlsSocket {
    if (this.#upgraded) throw usageError('startTls: this socket was upgraded already')
    const isLocked = this.readable.locked || this.writable.locked
    if (isLocked) throw usageError('startTls: a reader or writer still holds a lock; call its releaseLock')
    const { role = 'client', ...rest } = options
    const settings = role === 'client' ? parseOptions(role, { ...this.#options, ...rest }, this.#hostname) : parseOptions(role, rest)
    this.#upgraded = true
    const reader = this.readable.getReader() // both stay locked
    this.writable.getWriter()
    const socket = new TlsSocket(settings, () => this.#handOver(reader))
    socket.opened.catch((error: TlsError) => this.#life.giveUp(error)) // nothing, if the connection was handed over
    return socket
  }

  /** Ends both directions: sends what was written so far, drops what still comes. @returns `closed` */
  close(): Promise<void> {
    return this.#life.close()
  }

  /** The same, for `await using`; what has gone wrong is in `closed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {})
  }

  async #begin(source: Source): Promise<void> {
    const life = this.#life
    try {
      const raw = await life.dial(source, connectTimeout)
      this.#raw = raw
      this.#pipe = new PlainPipe(raw.transport, life.ends, (error) => life.finish(error))
      life.attach(this.#pipe)
      const { remoteAddress, localAddress } = raw
      life.open({ ...(remoteAddress && { remoteAddress }), ...(localAddress && { localAddress }) })
    } catch (error) {
      life.finish(tlsErrorOf(error, 'connecting'))
    }
  }

  async #handOver(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<RawSocket> {
    const { ends } = this.#life
    await this.opened
    await ends.flushed()
    if (this.#life.isOver) await this.closed.then(() => Promise.reject(usageError('startTls: the connection has ended')))
    const transport = this.#pipe!.handOver()
    const rest = await ends.rest(reader)
    transport.before(rest)
    this.#life.finish()
    return { ...this.#raw!, transport }
  }
}
