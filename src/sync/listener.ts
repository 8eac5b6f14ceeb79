// SyncListener: one client after the other.
import type { SecureContext } from '../engine/context.ts'
import type { EngineOptions } from '../engine/options.ts'
import { TlsError, usageError } from '../errors.ts'
import { BlockingSocket, Deadline, sleepUntilOpen } from './blocking-socket.ts'
import { Channel, RING_CAPACITY } from './channel.ts'
import { SyncConnection, type ConnectionSettings } from './connection.ts'
import { checkPort, contextOf, parseTimeout, type ListenSyncOptions } from './options.ts'
import { forgetOwner, newId, post, watchOwner } from './worker-thread.ts'

/**
 * Listens; returns when clients can connect.
 * @throws TlsError of kind `io` with the host's code (EADDRINUSE, EACCES), or of kind `usage`
 */
export function listenSync(options: ListenSyncOptions): SyncListener {
  return new SyncListener(options)
}

/**
 * A listening socket. Clients are accepted one by one with `accept`, or in a loop over the listener; meanwhile others wait in the queue
 * (`backlog`). It is the owner's to `close`.
 */
export class SyncListener implements Iterable<SyncConnection> {
  /** The IP address it listens at: `::` or `0.0.0.0` when no `host` was given. */
  readonly address: string
  /** The TCP port it listens at; where 0 was asked for, the one that the system chose. */
  readonly port: number
  readonly #id = newId()
  readonly #channel = Channel.allocate(0)
  readonly #context: SecureContext
  readonly #release: () => void
  readonly #engineOptions: EngineOptions
  readonly #settings: ConnectionSettings
  readonly #onClientError: ListenSyncOptions['onClientError']
  /** Where the worker will put the next client. Outlives an `accept` that ran out of time. */
  #next: { id: number; channel: Channel } | undefined
  #closed = false

  /** Use `listenSync`. */
  constructor(options: ListenSyncOptions) {
    const { port, host, backlog = 511, timeout, onEvent, onClientError, context: given, clientCertificate, ...rest } = options
    const { keylog, trace, dangerouslyAcceptAnyCertificate, ...contextOptions } = rest
    checkPort(port, 0)
    this.#settings = { timeout: parseTimeout(timeout), onEvent }
    this.#onClientError = onClientError
    this.#engineOptions = { role: 'server', clientCertificate, keylog, trace, dangerouslyAcceptAnyCertificate }
    const { context, release } = contextOf(given, contextOptions)
    this.#context = context
    this.#release = release
    try {
      context.createEngine(this.#engineOptions).free() // what is wrong with the options is told now, not to the first client
      post({ verb: 'listen', id: this.#id, shared: this.#channel.shared, host, port, backlog })
      const where = `listening at ${host ?? 'any address'} port ${port}`
      sleepUntilOpen(this.#channel, where, new Deadline(this.#settings.timeout, 'call').during(where, 'LISTEN'))
    } catch (error) {
      release()
      throw error
    }
    watchOwner(this, this.#id)
    this.address = this.#channel.address.address
    this.port = this.#channel.address.port
  }

  /**
   * Waits for a client and does the handshake with it. The connection is the caller's to close.
   * @param timeout how long to wait for a client, in milliseconds; 0 does not wait. Default Infinity. Counts for the client's arrival: for
   *   its handshake there is the listener's own `timeout`. A sleeping thread hears no signal handlers; where there are none, Ctrl-C works
   * @throws TlsError `ERR_TLS_ACCEPT_TIMEOUT`; or that client's failure. Either way the next call goes on with the next client
   */
  accept(timeout = Infinity): SyncConnection {
    return this.#secure(this.#nextSocket(timeout))
  }

  /**
   * Client after client until the listener is closed, by the loop's own body. One whose handshake fails is told to `onClientError` and
   * passed over: it must not end the loop.
   */
  *[Symbol.iterator](): Generator<SyncConnection, void, undefined> {
    while (!this.#closed) {
      const socket = this.#nextSocket(Infinity)
      let connection: SyncConnection
      try {
        connection = this.#secure(socket)
      } catch (error) {
        if (!(error instanceof TlsError)) throw error
        this.#onClientError?.(error, { remoteAddress: socket.remoteAddress, remotePort: socket.remotePort })
        continue
      }
      yield connection
    }
  }

  /** Stops listening and turns away who still waits. Accepted connections live on. A second call does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    forgetOwner(this)
    post({ verb: 'close', id: this.#id })
    if (this.#next) post({ verb: 'reset', id: this.#next.id })
    this.#release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #nextSocket(timeout: number): BlockingSocket {
    if (this.#closed) throw usageError('accept after close')
    const { id, channel } = (this.#next ??= this.#request())
    sleepUntilOpen(channel, 'accepting a client', new Deadline(timeout, 'call').during('waiting for a client', 'ACCEPT'))
    this.#next = undefined
    return new BlockingSocket(id, channel)
  }

  #request(): { id: number; channel: Channel } {
    const next = { id: newId(), channel: Channel.allocate(RING_CAPACITY) }
    post({ verb: 'accept', id: next.id, shared: next.channel.shared, listener: this.#id })
    return next
  }

  #secure(socket: BlockingSocket): SyncConnection {
    const engine = this.#context.createEngine(this.#engineOptions)
    return new SyncConnection(engine, socket, this.#settings, new Deadline(this.#settings.timeout, 'call'))
  }
}
