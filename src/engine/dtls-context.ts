// DtlsContext: what many DTLS connections share, and the secret their cookies are made with. Of another type than SecureContext: a
// stream's engine on datagrams, or the other way round, does not compile.
import { TLS_ERROR, TLS_PROTOCOL_DTLS, type TlsContextPointer } from '../abi/generated.ts'
import { library } from '../abi/instance.ts'
import type { Library } from '../abi/library.ts'
import { settingError } from '../errors.ts'
import { SecureContext } from './context.ts'
import {
  parseDatagramOptions,
  refuseStreamOptions,
  type DtlsContextOptions,
  type DtlsEngineOptions,
  type DtlsListenerOptions,
  type DtlsPeer,
} from './dtls-options.ts'
import { DtlsEngine } from './dtls.ts'

/** SSL_CTX for DTLS 1.2. */
export class DtlsContext {
  readonly #library: Library
  readonly #secure: SecureContext

  /** Use `createDtlsContext`. */
  constructor(library: Library, options: DtlsContextOptions) {
    refuseStreamOptions(options)
    this.#library = library
    this.#secure = new SecureContext(library, options, TLS_PROTOCOL_DTLS)
  }

  /**
   * An engine for one connection. It keeps what it needs of the context: freeing the context first is allowed.
   * @throws TlsError of kind `usage`
   */
  createEngine(options: DtlsEngineOptions): DtlsEngine {
    const datagrams = parseDatagramOptions(options)
    const settings = this.#secure.checkEngineOptions(options)
    return new DtlsEngine(this.#library, this.pointer, settings, datagrams)
  }

  /** Finds new clients among the datagrams of strangers. Each engine it makes has these options. */
  createListener(options: DtlsListenerOptions = {}): DtlsListener {
    return new DtlsListener(() => this.createEngine({ ...options, role: 'server' }))
  }

  /**
   * Replaces the secret that cookies are made with; those on their way are no longer accepted. Not needed as a routine: it is replaced
   * every minute, and the one before stays good for another.
   */
  replaceCookieSecret(): void {
    const { exports, memory } = this.#library
    if (exports.dtls_replace_cookie_secret(this.pointer) === TLS_ERROR) {
      throw settingError(memory.error(exports.tls_library_error()), 'replaceCookieSecret')
    }
  }

  /** For the engine: where a parked handshake goes on with this context. */
  get pointer(): TlsContextPointer {
    return this.#secure.pointer
  }

  /** Frees the context, and wipes its keys once no engine uses it. */
  free(): void {
    this.#secure.free()
  }

  [Symbol.dispose](): void {
    this.free()
  }
}

/** What a listener made of a datagram: an engine for a new client, an answer to send, or neither. */
export interface Heard {
  /** A client that has shown its cookie. The engine is yours; it has the ClientHello already: call `handshake`. */
  engine?: DtlsEngine
  /** A HelloVerifyRequest for the sender. */
  reply?: Uint8Array
}

/**
 * Decides about datagrams of peers without an engine. Holds one engine in reserve and nothing of the peers: a flood of ClientHellos
 * with forged addresses costs time and no memory.
 */
export class DtlsListener {
  readonly #create: () => DtlsEngine
  #reserve: DtlsEngine | undefined

  /** Use `DtlsContext.createListener`. */
  constructor(create: () => DtlsEngine) {
    this.#create = create
    this.#reserve = create() // wrong options shall be told now, not at the first client
  }

  /** @param peer the sender, as the cookie is bound to it */
  receiveDatagram(datagram: Uint8Array, peer: DtlsPeer): Heard {
    const engine = (this.#reserve ??= this.#create())
    if (engine.listen(datagram, peer) !== 'done') return { reply: engine.takeDatagram() }
    this.#reserve = undefined
    return { engine }
  }

  /** Frees the engine in reserve, not those it gave away. */
  free(): void {
    this.#reserve?.free()
    this.#reserve = undefined
  }

  [Symbol.dispose](): void {
    this.free()
  }
}

/**
 * What many DTLS 1.2 connections share: our certificate, whom to trust, which algorithms, and the secret of the cookies. Free of I/O;
 * can be used by any number of engines, in both roles.
 * @throws TlsError of kind `usage`, which names the option
 */
export function createDtlsContext(options: DtlsContextOptions = {}): DtlsContext {
  return new DtlsContext(library(), options)
}
