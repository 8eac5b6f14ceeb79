// Two DTLS engines joined by a network that may lose, double and delay datagrams; and the clock that both go by, which stands still
// until a test moves it. Everything follows from the seed.
import {
  createDtlsContext,
  TlsError,
  type DtlsClientOptions,
  type DtlsContext,
  type DtlsContextOptions,
  type DtlsEngine,
  type DtlsServerOptions,
  type EngineEvent,
  type Role,
  type Status,
} from '../../src/index.ts'
import { HOST, root, server } from './certs.ts'
import { replaceClock } from './clock.ts'
import { Random } from './random.ts'

/** The host's clock, in milliseconds. It begins with the real time, because certificates are valid from today. */
export const clock = { now: Date.now() }

await replaceClock(() => clock.now)

/** What happens to a datagram on its way: how many copies arrive, and each after how many ticks. None: it is lost. */
export type Weather = (datagram: Uint8Array, to: Role) => readonly number[]

export const fair: Weather = () => [0]

/** Probabilities in percent. */
export function storm(seed: number, { loss = 0, doubling = 0, delay = 0 }: { loss?: number; doubling?: number; delay?: number }): Weather {
  const random = new Random(seed)
  const happens = (percent: number) => random.below(100) < percent
  const ticks = () => (happens(delay) ? 1 + random.below(4) : 0)
  return () => {
    if (happens(loss)) return []
    return happens(doubling) ? [ticks(), ticks()] : [ticks()]
  }
}

export interface DtlsPairOptions {
  /** Added to the defaults: a client that trusts the test root, a server with a P-256 certificate from it. */
  client?: DtlsContextOptions
  server?: DtlsContextOptions
  clientEngine?: Partial<DtlsClientOptions>
  serverEngine?: Partial<DtlsServerOptions>
  weather?: Weather
}

interface Travelling {
  datagram: Uint8Array
  due: number
}

/** One engine, what is on its way to it, and what has come out of it. */
export class DtlsSide {
  readonly engine: DtlsEngine
  readonly wire: Travelling[] = []
  readonly received: Uint8Array[] = []
  readonly events: EngineEvent[] = []
  /** Everything it ever sent. */
  readonly sent: Uint8Array[] = []
  status: Status | undefined
  error: TlsError | undefined
  /** Answers a parked handshake. */
  onPark: ((event: EngineEvent, engine: DtlsEngine) => void) | undefined

  constructor(engine: DtlsEngine) {
    this.engine = engine
  }

  get texts(): string[] {
    return this.received.map((plaintext) => new TextDecoder().decode(plaintext))
  }

  attempt(call: () => void): void {
    if (this.error) return
    try {
      call()
    } catch (error) {
      if (!(error instanceof TlsError)) throw error
      this.error = error
    }
    for (let event = this.engine.nextEvent(); event; event = this.engine.nextEvent()) this.events.push(event)
  }

  /** As far as it goes: the handshake, then reading. */
  drive(): void {
    this.attempt(() => {
      if (!this.engine.agreed) this.status = this.engine.handshake()
    })
    if (this.status === 'want-callback' && this.onPark) {
      const parked = this.events.findLast(({ type }) => PARKS.includes(type))!
      this.attempt(() => this.onPark!(parked, this.engine))
      this.attempt(() => void (this.status = this.engine.handshake()))
    }
    while (this.engine.agreed && !this.error) {
      this.attempt(() => {
        const { status, plaintext } = this.engine.readPlaintext()
        this.status = status
        if (status === 'done') this.received.push(plaintext)
      })
      if (this.status !== 'done') return
    }
  }

  eventsOf<T extends EngineEvent['type']>(type: T): Extract<EngineEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<EngineEvent, { type: T }> => event.type === type)
  }
}

const PARKS: readonly string[] = ['clientHello', 'verify', 'certificateRequest', 'sign']

export class DtlsPair {
  readonly client: DtlsSide
  readonly server: DtlsSide
  weather: Weather
  #tick = 0
  readonly #contexts: readonly DtlsContext[]

  constructor(client: DtlsEngine, server: DtlsEngine, contexts: readonly DtlsContext[], weather: Weather = fair) {
    this.client = new DtlsSide(client)
    this.server = new DtlsSide(server)
    this.#contexts = contexts
    this.weather = weather
  }

  /** Moves datagrams until none is on its way. Time stands still. */
  run(): this {
    do {
      this.client.drive()
      this.server.drive()
    } while (this.#send(this.client, this.server) + this.#send(this.server, this.client) + this.#deliver() > 0)
    return this
  }

  #send(from: DtlsSide, to: DtlsSide): number {
    let count = 0
    for (let datagram = from.engine.takeDatagram(); datagram; datagram = from.engine.takeDatagram()) {
      count++
      from.sent.push(datagram)
      for (const ticks of this.weather(datagram, to.engine.role)) to.wire.push({ datagram, due: this.#tick + ticks })
    }
    return count
  }

  /** What is due arrives; one tick goes by. Returns how many are still under way, or have arrived. */
  #deliver(): number {
    let count = 0
    for (const side of [this.client, this.server]) {
      count += side.wire.length
      const due = side.wire.filter((one) => one.due <= this.#tick)
      side.wire.splice(0, Infinity, ...side.wire.filter((one) => one.due > this.#tick))
      for (const { datagram } of due) {
        side.attempt(() => void side.engine.receiveDatagram(datagram))
        side.drive()
      }
    }
    this.#tick++
    return count
  }

  /** Moves the clock to the next timeout of either side, and lets it happen. Returns false when nobody waits for one. */
  waitForTimeout(): boolean {
    const waits = [this.client, this.server].map(({ engine, error }) => (error ? undefined : engine.nextTimeout()))
    const next = Math.min(...waits.map((wait) => wait ?? Infinity))
    if (next === Infinity) return false
    clock.now += next
    for (const side of [this.client, this.server]) if (side.engine.nextTimeout() === 0) side.attempt(() => side.engine.handleTimeout())
    return true
  }

  /** The handshake, with as many timeouts as it needs; throws the first failure. */
  establish(): this {
    for (let timeouts = 0; timeouts < 60; timeouts++) {
      this.run()
      const error = this.client.error ?? this.server.error
      if (error) throw error
      if (this.client.engine.agreed && this.server.engine.agreed) return this
      if (!this.waitForTimeout()) break
    }
    throw new Error(`the handshake stalled: client ${this.client.status}, server ${this.server.status}`)
  }

  /** One datagram from one side to the other. */
  send(from: DtlsSide, plaintext: Uint8Array | string): this {
    const status = from.engine.writePlaintext(typeof plaintext === 'string' ? new TextEncoder().encode(plaintext) : plaintext)
    if (status !== 'done') throw new Error(`writing came to ${status}`)
    return this.run()
  }

  [Symbol.dispose](): void {
    this.client.engine.free()
    this.server.engine.free()
    for (const context of this.#contexts) context.free()
  }
}

/** Where the client is, as its server sees it. */
export const PEER = '192.0.2.7 5684'

export function makeDtlsPair(options: DtlsPairOptions = {}): DtlsPair {
  const clientContext = createDtlsContext({ ca: root().cert, ...options.client })
  const serverContext = createDtlsContext({ ...server(), ...options.server })
  const client = clientContext.createEngine({ role: 'client', servername: HOST, ...options.clientEngine })
  const cookie = options.serverEngine?.dangerouslySkipCookie ? {} : { peer: PEER }
  const engine = serverContext.createEngine({ role: 'server', ...cookie, ...options.serverEngine })
  return new DtlsPair(client, engine, [clientContext, serverContext], options.weather)
}
