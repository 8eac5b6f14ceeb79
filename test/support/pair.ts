// Two engines joined in memory: no I/O, no timers, every byte visible. Most of the engine's tests stand on this.
import {
  createContext,
  TlsError,
  type ClientHello,
  type ContextOptions,
  type EngineEvent,
  type EngineOptions,
  type Role,
  type SecureContext,
  type Status,
  type TlsEngine,
} from '../../src/index.ts'
import { HOST, root, server } from './certs.ts'
import { concat, whole, type Cut } from './chunk.ts'

export interface PairOptions {
  /** Added to the defaults: a client that trusts the test root, a server with a P-256 certificate from it. */
  client?: ContextOptions
  server?: ContextOptions
  clientEngine?: Partial<EngineOptions>
  serverEngine?: Partial<EngineOptions>
  /** Contexts to use instead of new ones; they stay the caller's. */
  clientContext?: SecureContext
  serverContext?: SecureContext
  cut?: Cut
}

/** One engine, what is on its way to it, and what has come out of it. */
export class Side {
  readonly engine: TlsEngine
  /** Ciphertext on its way to this engine. Tests may change it. */
  wire: Uint8Array = new Uint8Array(0)
  readonly received: Uint8Array[] = []
  readonly events: EngineEvent[] = []
  /** What the handshake and then reading came to last. */
  status: Status | undefined
  /** The first error any call threw. */
  error: TlsError | undefined
  /** False: plaintext is left where it is. */
  reading = true
  /** Answers a parked ClientHello; without it the handshake stays parked. */
  onClientHello: ((hello: ClientHello, engine: TlsEngine) => void) | undefined

  constructor(engine: TlsEngine) {
    this.engine = engine
  }

  get plaintext(): Uint8Array {
    return concat(this.received)
  }

  get text(): string {
    return new TextDecoder().decode(this.plaintext)
  }

  /** Runs `call`; a TlsError is kept and not thrown. */
  attempt(call: () => void): void {
    try {
      call()
    } catch (error) {
      if (!(error instanceof TlsError)) throw error
      this.error ??= error
    }
    this.drainEvents()
  }

  /** As far as it goes: the handshake, then reading. */
  drive(): void {
    if (this.error) return
    this.attempt(() => {
      if (!this.engine.agreed) this.#shake()
      while (this.engine.agreed && this.reading) {
        const { status, plaintext } = this.engine.readPlaintext()
        this.status = status
        if (status !== 'done') return
        this.received.push(plaintext)
      }
    })
  }

  #shake(): void {
    this.status = this.engine.handshake()
    this.drainEvents()
    if (this.status !== 'want-callback' || !this.onClientHello) return
    const parked = this.events.find((event) => event.type === 'clientHello')
    this.onClientHello(parked!.hello, this.engine)
    this.onClientHello = undefined
    this.#shake()
  }

  drainEvents(): void {
    for (let event = this.engine.nextEvent(); event; event = this.engine.nextEvent()) this.events.push(event)
  }

  eventsOf<T extends EngineEvent['type']>(type: T): Extract<EngineEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<EngineEvent, { type: T }> => event.type === type)
  }
}

export class Pair {
  readonly client: Side
  readonly server: Side
  readonly #cut: Cut
  readonly #contexts: SecureContext[]
  /** May change what is on its way to this role. */
  tamper: ((to: Role, ciphertext: Uint8Array) => Uint8Array) | undefined

  constructor(client: TlsEngine, server: TlsEngine, cut: Cut, contexts: SecureContext[]) {
    this.client = new Side(client)
    this.server = new Side(server)
    this.#cut = cut
    this.#contexts = contexts
  }

  /** Drives both sides and moves their bytes until nothing moves any more. */
  run(): this {
    this.client.drive()
    while (this.transfer(this.client, this.server) + this.transfer(this.server, this.client) > 0);
    return this
  }

  /** Moves what `from` has to say to `to`, in pieces, and drives `to` after each. Returns how many bytes arrived. */
  transfer(from: Side, to: Side): number {
    from.drive()
    let taken = from.engine.takeCiphertext()
    if (taken.length && this.tamper) taken = this.tamper(to.engine.role, taken)
    to.wire = concat([to.wire, taken])
    return this.deliver(to)
  }

  /** Delivers what is on the wire to `to`; what its full BIO does not take stays there. */
  deliver(to: Side): number {
    const waiting = to.wire
    let delivered = 0
    for (const piece of this.#cut(waiting)) {
      for (let at = 0; at < piece.length;) {
        const accepted = this.#offer(to, piece.subarray(at))
        if (accepted === 0) {
          to.wire = waiting.slice(delivered)
          return delivered
        }
        at += accepted
        delivered += accepted
      }
    }
    to.wire = new Uint8Array(0)
    return delivered
  }

  /** A failed engine takes nothing any more: what comes then falls on the floor, as with a closed socket. */
  #offer(to: Side, piece: Uint8Array): number {
    let accepted = piece.length
    if (!to.error) to.attempt(() => void (accepted = to.engine.receiveCiphertext(piece)))
    to.drive()
    return accepted
  }

  /** The handshake; throws the first failure, so that a test that expects none needs no further assertion. */
  establish(): this {
    this.run()
    const error = this.client.error ?? this.server.error
    if (error) throw error
    if (!this.client.engine.agreed || !this.server.engine.agreed) {
      throw new Error(`the handshake stalled: client ${this.client.status}, server ${this.server.status}`)
    }
    return this
  }

  /** Writes all of `plaintext` on one side, moving ciphertext to the other as the outgoing BIO fills. */
  send(from: Side, plaintext: Uint8Array | string): this {
    const to = from === this.client ? this.server : this.client
    const bytes = typeof plaintext === 'string' ? new TextEncoder().encode(plaintext) : plaintext
    for (let at = 0; at < bytes.length;) {
      const { accepted } = from.engine.writePlaintext(bytes.subarray(at))
      if (this.transfer(from, to) + accepted === 0) throw new Error('writing stalled')
      at += accepted
    }
    return this.run()
  }

  [Symbol.dispose](): void {
    this.client.engine.free()
    this.server.engine.free()
    for (const context of this.#contexts) context.free()
  }
}

export function makePair(options: PairOptions = {}): Pair {
  const made: SecureContext[] = []
  const context = (given: SecureContext | undefined, settings: ContextOptions) => {
    if (given) return given
    made.push(createContext(settings))
    return made.at(-1)!
  }
  try {
    const { pkcs12 } = options.server ?? {}
    const clientContext = context(options.clientContext, { ca: root().cert, ...options.client })
    const serverContext = context(options.serverContext, { ...(!pkcs12 && server()), ...options.server })
    const client = clientContext.createEngine({ role: 'client', servername: HOST, ...options.clientEngine })
    try {
      return new Pair(client, serverContext.createEngine({ role: 'server', ...options.serverEngine }), options.cut ?? whole, made)
    } catch (error) {
      client.free()
      throw error
    }
  } catch (error) {
    for (const each of made) each.free()
    throw error
  }
}
