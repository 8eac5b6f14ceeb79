// TlsListener: connections whose handshake is done, one after the other. Handshakes run at the same time; those that fail are passed over.
import { init } from '../abi/instance.ts'
import type { SecureContext } from '../engine/context.ts'
import type { TlsEngine } from '../engine/engine.ts'
import { TlsError, usageError } from '../errors.ts'
import { listen as listenRaw } from '#sockets'
import { checkPort, type SocketAddress } from './address.ts'
import { contextOf, parseOptions, tlsErrorOf, type ClientAddress, type ListenOptions, type Settings } from './options.ts'
import type { RawListener, RawSocket } from './raw.ts'
import { TlsSocket } from './tls-socket.ts'

const BACKLOG = 511

/**
 * Listens; resolves when clients can connect. Node, Deno and Bun.
 * @throws TlsError of kind `io` with the host's code (EADDRINUSE, EACCES), or of kind `usage`
 */
export async function listen(options: ListenOptions): Promise<TlsListener> {
  const { port, hostname, backlog = BACKLOG, onClientError, signal, ...rest } = options
  checkPort(port, 0)
  if (signal?.aborted) throw aborted(signal)
  const settings = parseOptions('server', rest)
  await init()
  const { context, release } = contextOf(settings)
  try {
    const lobby = new Lobby(settings, context, backlog, onClientError)
    context.createEngine(settings.engine).free() // what is wrong with the options is told now, not to the first client
    const handlers = { onSocket: (socket: RawSocket) => lobby.enter(socket), onError: (error: Error) => lobby.close(error) }
    const raw = await listenRaw({ hostname, port, backlog, ...handlers })
    return new TlsListener(raw, lobby, release, signal)
  } catch (error) {
    release()
    throw tlsErrorOf(error, `listening at ${hostname ?? 'any address'} port ${port}`)
  }
}

/**
 * A port that is listened at. Connections come by `accept`, or in a loop over the listener; leaving the loop closes it. Those that were
 * accepted live on, and are their owner's to close.
 */
export class TlsListener implements AsyncIterable<TlsSocket> {
  /** Where it listens; where port 0 was asked for, the one that the system chose. */
  readonly address: SocketAddress
  /** Resolves when it listens no more, and whoever waited has been turned away; rejects when that was not the program's wish. */
  readonly closed: Promise<void>
  readonly #raw: RawListener
  readonly #lobby: Lobby
  readonly #release: () => void
  readonly #signal: AbortSignal | undefined
  #ended = false

  /** Use `listen`. */
  constructor(raw: RawListener, lobby: Lobby, release: () => void, signal: AbortSignal | undefined) {
    this.address = raw.address
    this.#raw = raw
    this.#lobby = lobby
    this.#release = release
    this.#signal = signal
    this.closed = lobby.closed
    this.closed.catch(() => this.#end())
    if (signal?.aborted) this.close()
    else signal?.addEventListener('abort', this.#onAbort)
  }

  /**
   * The next connection whose handshake is done.
   * @throws TlsError ERR_TLS_LISTENER_CLOSED once the listener is closed
   */
  async accept(): Promise<TlsSocket> {
    const socket = await this.#lobby.next()
    if (!socket) throw new TlsError('closed', 'the listener has been closed', { code: 'ERR_TLS_LISTENER_CLOSED' })
    return socket
  }

  /** Connection after connection, until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TlsSocket, void, undefined> {
    try {
      for (let socket = await this.#lobby.next(); socket; socket = await this.#lobby.next()) yield socket
    } finally {
      this.close()
    }
  }

  /** Stops listening and turns away who was not accepted yet. A second call does nothing. */
  close(): void {
    this.#lobby.close()
    this.#end()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#raw.close()
    this.#release()
  }

  #onAbort = (): void => this.close()
}

/** Where clients wait: during their handshake, and then for somebody who accepts them. */
class Lobby {
  readonly closed: Promise<void>
  readonly #settings: Settings
  readonly #context: SecureContext
  readonly #backlog: number
  readonly #onClientError: ListenOptions['onClientError']
  readonly #shaking = new Set<TlsSocket>()
  readonly #ready: TlsSocket[] = []
  readonly #waiting: ((socket: TlsSocket | undefined) => void)[] = []
  #settle!: { resolve(): void; reject(error: unknown): void }
  #over = false

  constructor(settings: Settings, context: SecureContext, backlog: number, onClientError: ListenOptions['onClientError']) {
    if (!Number.isInteger(backlog) || backlog < 1) throw usageError(`backlog is ${backlog}; it must be a positive number`)
    this.#settings = settings
    this.#context = context
    this.#backlog = backlog
    this.#onClientError = onClientError
    this.closed = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
    this.closed.catch(() => {})
  }

  enter(raw: RawSocket): void {
    if (this.#over || this.#shaking.size + this.#ready.length >= this.#backlog) return raw.transport.reset()
    const engine = this.#newEngine()
    if (!engine) return raw.transport.reset()
    const socket = new TlsSocket(this.#settings, { raw, engine })
    const client: ClientAddress = { ...(raw.remoteAddress && { remoteAddress: raw.remoteAddress }) }
    this.#shaking.add(socket)
    socket.opened.then(
      () => this.#secure(socket),
      (error: TlsError) => this.#shaking.delete(socket) && !this.#over && this.#onClientError?.(error, client),
    )
  }

  /** A context that its owner has freed is the listener's end. */
  #newEngine(): TlsEngine | undefined {
    try {
      return this.#context.createEngine(this.#settings.engine)
    } catch (error) {
      return void this.close(error as Error)
    }
  }

  #secure(socket: TlsSocket): void {
    if (!this.#shaking.delete(socket) || this.#over) return void socket.close()
    const waiting = this.#waiting.shift()
    if (waiting) waiting(socket)
    else this.#ready.push(socket)
  }

  next(): Promise<TlsSocket | undefined> {
    const socket = this.#ready.shift()
    if (socket || this.#over) return Promise.resolve(socket)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(error?: Error): void {
    if (this.#over) return
    this.#over = true
    const turnedAway = [...this.#shaking, ...this.#ready.splice(0)].map((socket) => socket.close())
    this.#shaking.clear()
    for (const waiting of this.#waiting.splice(0)) waiting(undefined)
    if (error) this.#settle.reject(tlsErrorOf(error, 'listening'))
    else void Promise.allSettled(turnedAway).then(() => this.#settle.resolve())
  }
}

const aborted = ({ reason }: AbortSignal) =>
  new TlsError('closed', 'listen: the signal was aborted', { code: 'ERR_TLS_ABORTED', cause: reason })
