// The life of a socket, plain or TLS: it is opened, given up or closed, and its promises tell of it; once each, and without being asked to.
import { closedInHandshake, TlsError } from '../errors.ts'
import { Ends, type Pipe } from './ends.ts'
import type { SocketSettings } from './options.ts'
import type { RawSocket } from './raw.ts'

/** Where a raw socket comes from. @param signal nobody waits for it any more */
export type Source = (signal: AbortSignal) => Promise<RawSocket>

export class Life<Info> {
  readonly ends: Ends
  readonly opened: Promise<Info>
  readonly closed: Promise<void>
  info: Info | undefined
  readonly #settings: SocketSettings
  readonly #opening = new AbortController()
  readonly #ready = deferred<void>()
  readonly #opened = deferred<Info>()
  readonly #closed = deferred<void>()
  #pipe: Pipe | undefined
  #over = false
  #closeAsked = false

  constructor(settings: SocketSettings) {
    this.#settings = settings
    this.opened = this.#opened.promise
    this.closed = this.#closed.promise
    const owner = { close: () => this.#closePipe(), giveUp: (error: TlsError) => this.giveUp(error) }
    this.ends = new Ends(owner, this.#ready.promise, settings)
    const { signal } = settings
    if (signal?.aborted) this.giveUp(aborted(signal))
    else signal?.addEventListener('abort', this.#onAbort)
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Waits for a raw socket, as long as that may take. Rejects when the socket is given up meanwhile: one that still comes is reset. */
  async dial(source: Source, deadlinePassed: () => TlsError): Promise<RawSocket> {
    const { signal } = this.#opening
    signal.throwIfAborted()
    const { connectDeadline } = this.#settings
    const timer = connectDeadline ? setTimeout(() => this.giveUp(deadlinePassed()), connectDeadline) : undefined
    const raw = source(signal)
    raw.then(
      ({ transport }) => signal.aborted && transport.reset(),
      () => {},
    )
    const givenUp = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    try {
      return await Promise.race([raw, givenUp])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The pipe is there. */
  attach(pipe: Pipe): void {
    this.#pipe = pipe
    this.ends.attach(pipe)
  }

  /** Writing may begin; before that, nobody shall believe that something was written. */
  open(info: Info): void {
    this.info = info
    this.#opened.resolve(info)
    this.#ready.resolve()
  }

  /** Closes in good order, where the socket is open; otherwise gives up. */
  close(): Promise<void> {
    this.#closeAsked = true
    if (!this.#over) this.#closePipe()
    return this.closed
  }

  #closePipe(): void {
    if (this.info) this.ends.close()
    else this.giveUp(closedInHandshake())
  }

  giveUp(error: TlsError): void {
    if (this.#over) return
    this.#pipe?.destroy(error)
    this.#opening.abort(error)
    this.finish(error)
  }

  /** Nothing more will come. Whoever has closed in the midst of opening gets no complaint about that from `closed`. */
  finish(error?: TlsError): void {
    if (this.#over) return
    this.#over = true
    this.#settings.signal?.removeEventListener('abort', this.#onAbort)
    this.#opened.reject(error ?? closedInHandshake())
    this.#ready.resolve()
    this.ends.over(error, this.#closeAsked)
    if (error && !(this.#closeAsked && error.code === 'ERR_TLS_CLOSED_IN_HANDSHAKE')) this.#closed.reject(error)
    else this.#closed.resolve()
  }

  #onAbort = (): void => this.giveUp(aborted(this.#settings.signal!))
}

const aborted = (signal: AbortSignal) =>
  new TlsError('closed', 'the connection was given up: its signal was aborted', { code: 'ERR_TLS_ABORTED', cause: signal.reason })

export const connectTimeout = (): TlsError => new TlsError('io', 'there was no connection in time', { code: 'ERR_TLS_CONNECT_TIMEOUT' })

interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: TlsError): void
}

/** A promise that nobody need look at. */
function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'>
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }))
  promise.catch(() => {})
  return { promise, ...settle! }
}
