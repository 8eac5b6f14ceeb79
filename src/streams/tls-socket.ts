// TlsSocket: an engine, a transport and a poller behind two WHATWG streams.
import { init } from '../abi/instance.ts'
import type { Agreed } from '../engine/agreed.ts'
import type { TlsEngine } from '../engine/engine.ts'
import { Poller } from '../transport/poller.ts'
import { connectTimeout, Life, type Source } from './life.ts'
import { createEngine, tlsErrorOf, type Settings } from './options.ts'
import type { RawSocket } from './raw.ts'

/** What was agreed on, and between whom: what `opened` resolves to. */
export interface TlsSocketInfo extends Agreed {
  /** "192.0.2.1:443", where the runtime tells. */
  remoteAddress?: string
  /** "192.0.2.2:50000", where the runtime tells. */
  localAddress?: string
}

/**
 * A TLS connection as the Sockets API has it. `readable` is a byte stream and ends with the peer's close_notify; without one, it fails with
 * ERR_TLS_TRUNCATED. It is the owner's to close: by `close`, or by both streams (`writable.close()`, and `readable` read to its end or
 * cancelled), or by `signal`. Nobody has to look at the promises.
 */
export class TlsSocket {
  /** Plaintext from the peer. Nothing is read ahead: a peer whose plaintext nobody reads can write no more. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * Plaintext for the peer. A chunk is the writer's again when its write is done. `close` ends our direction with close_notify, reading
   * goes on; `abort` gives up the connection: the peer must not take what it got for all.
   */
  readonly writable: WritableStream<ArrayBufferView | ArrayBuffer>
  /** Resolves when the handshake is done. */
  readonly opened: Promise<TlsSocketInfo>
  /** Resolves when both directions have ended in good order; rejects with whatever ended them otherwise. */
  readonly closed: Promise<void>
  /** The Sockets API's. */
  readonly secureTransport = 'on'
  /** The Sockets API's: this is what a socket was upgraded to. */
  readonly upgraded = false
  readonly #life: Life<TlsSocketInfo>
  readonly #settings: Settings
  #poller: Poller | undefined

  /** Use `connect`, `listen`, `startTls` or `secure`. @param source where a raw socket comes from; or the socket itself, also with its engine */
  constructor(settings: Settings, source: Source | RawSocket | { raw: RawSocket; engine: TlsEngine }) {
    this.#settings = settings
    this.#life = new Life(settings.socket)
    this.opened = this.#life.opened
    this.closed = this.#life.closed
    this.readable = this.#life.ends.readable
    this.writable = this.#life.ends.writable
    if ('engine' in source) this.#join(source.raw, source.engine)
    else void this.#begin(source)
  }

  /** What `opened` resolves to; undefined before that. */
  get info(): TlsSocketInfo | undefined {
    return this.#life.info
  }

  /**
   * For what streams have no words for: `poller.engine.exportKeyingMaterial(...)`, or `poller.engine.keyUpdate()` and then `poller.wake()`.
   * Bytes are moved by the socket. Undefined before there is a connection.
   */
  get poller(): Poller | undefined {
    return this.#poller
  }

  /**
   * Ends both directions: sends what was written so far and close_notify, drops what still comes, waits for the peer's close_notify or the
   * `shutdown` deadline. Before `opened`, gives up. @returns `closed`
   */
  close(): Promise<void> {
    return this.#life.close()
  }

  /** The same, for `await using`; what has gone wrong is in `closed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {})
  }

  /** Options are looked at before anybody is called. */
  async #begin(source: Source | RawSocket): Promise<void> {
    let raw = typeof source === 'function' ? undefined : source
    let engine: TlsEngine | undefined
    try {
      await init()
      engine = createEngine(this.#settings)
      raw ??= await this.#life.dial(source as Source, connectTimeout)
      this.#join(raw, engine)
    } catch (error) {
      engine?.free()
      raw?.transport.reset()
      this.#life.finish(tlsErrorOf(error, 'connecting'))
    }
  }

  #join(raw: RawSocket, engine: TlsEngine): void {
    const life = this.#life
    const { poller: options, onEvent, earlyData } = this.#settings
    if (life.isOver) {
      engine.free()
      return raw.transport.reset()
    }
    const sentEarly = earlyData?.length ? this.#writeEarly(engine, earlyData) : 0
    const { ends } = life
    const poller = new Poller(
      engine,
      raw.transport,
      {
        onSecure: (agreed) => {
          const { remoteAddress, localAddress } = raw
          if (earlyData) poller.write(earlyData.slice(agreed.earlyData === 'accepted' ? sentEarly : 0))
          life.open({ ...agreed, ...(remoteAddress && { remoteAddress }), ...(localAddress && { localAddress }) })
        },
        onPlaintext: (chunk) => ends.onPlaintext(chunk),
        onDrain: () => ends.onDrain(),
        onEnd: () => ends.onEnd(),
        onEvent,
        onClose: (error) => life.finish(error),
      },
      options,
    )
    this.#poller = poller
    life.attach(poller)
  }

  /** @returns how many bytes the session allows, and the outgoing BIO has room for */
  #writeEarly(engine: TlsEngine, earlyData: Uint8Array): number {
    if (!this.#settings.engine.session) return 0
    return engine.writeEarlyData(earlyData).accepted
  }
}
