// Our side of a connection: an engine, a poller and a transport, with everything that happens written down. Most tests of the
// transport layer and all of interoperation stand on it.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import {
  createContext,
  type Agreed,
  type ContextOptions,
  type EngineEvent,
  type EngineOptions,
  type Role,
  type SecureContext,
  type TlsEngine,
  type TlsError,
} from '../../src/index.ts'
import {
  memoryPair,
  nodeSocket,
  Poller,
  type ByteTransport,
  type MemoryPairOptions,
  type MemoryTransport,
  type PollerEvent,
  type PollerHandlers,
  type PollerOptions,
  type TransportReceiver,
} from '../../src/transport/index.ts'
import { HOST, root, server as goodServer } from './certs.ts'
import { concat } from './chunk.ts'
import type { Case } from './suite.ts'

export interface PartyOptions extends PollerOptions {
  /** Called after the party has written the call down. `onEnd` changes what the poller does, so it is there only if given here. */
  handlers?: PollerHandlers
}

/** What one side of a test may say: settings for a context of its own, or a context shared with others. */
export interface SideOptions extends PartyOptions {
  context?: SecureContext
  settings?: ContextOptions
  engine?: Partial<EngineOptions>
  /** Stands between poller and transport. */
  wrap?: (transport: ByteTransport) => ByteTransport
}

interface Waiter {
  condition: () => boolean
  resolve: () => void
  reject: (reason: Error) => void
}

export class Party {
  readonly poller: Poller
  readonly engine: TlsEngine
  readonly received: Uint8Array[] = []
  bytesReceived = 0
  readonly events: PollerEvent[] = []
  /** The handlers in the order they were called. */
  readonly calls: (keyof PollerHandlers)[] = []
  readonly closed: Promise<TlsError | undefined>
  readonly #waiters = new Set<Waiter>()

  constructor(engine: TlsEngine, transport: ByteTransport, { handlers = {}, ...options }: PartyOptions = {}) {
    this.engine = engine
    let tellClosed: (error?: TlsError) => void
    this.closed = new Promise((resolve) => (tellClosed = resolve))
    const recorded: PollerHandlers = {
      onSecure: (agreed) => this.#record('onSecure', () => handlers.onSecure?.(agreed)),
      onPlaintext: (chunk) => {
        this.received.push(chunk)
        this.bytesReceived += chunk.length
        this.#record('onPlaintext', () => handlers.onPlaintext?.(chunk))
      },
      onDrain: () => this.#record('onDrain', () => handlers.onDrain?.()),
      onEvent: (event) => {
        this.events.push(event)
        this.#record('onEvent', () => handlers.onEvent?.(event))
      },
      onClose: (error) => {
        tellClosed(error)
        this.#record('onClose', () => handlers.onClose?.(error))
        this.#giveUp(error)
      },
    }
    if (handlers.onEnd) recorded.onEnd = () => this.#record('onEnd', () => handlers.onEnd!())
    this.poller = new Poller(engine, transport, recorded, options)
  }

  get plaintext(): Uint8Array<ArrayBuffer> {
    return concat(this.received)
  }

  get text(): string {
    return new TextDecoder().decode(this.plaintext)
  }

  get agreed(): Agreed {
    if (!this.engine.agreed) throw new Error('the handshake is not done')
    return this.engine.agreed
  }

  eventsOf<T extends EngineEvent['type']>(type: T): Extract<EngineEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<EngineEvent, { type: T }> => event.type === type)
  }

  /** Waits until the condition holds; it is looked at after each handler call. Rejects when the connection closes before. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    if (this.calls.at(-1) === 'onClose') return Promise.reject(new Error('the connection has closed already'))
    return new Promise((resolve, reject) => this.#waiters.add({ condition, resolve, reject }))
  }

  /** Waits for the end of the handshake. */
  async secure(): Promise<Agreed> {
    await this.until(() => this.calls.includes('onSecure'))
    return this.agreed
  }

  /** Writes all of it, as fast as the poller takes it. */
  async send(plaintext: Uint8Array, pieceSize = 50_000): Promise<void> {
    for (let at = 0; at < plaintext.length; at += pieceSize) {
      const drained = this.calls.filter((call) => call === 'onDrain').length
      const more = this.poller.write(plaintext.subarray(at, at + pieceSize))
      if (!more) await this.until(() => this.calls.filter((call) => call === 'onDrain').length > drained)
    }
  }

  #record(call: keyof PollerHandlers, also: () => void): void {
    this.calls.push(call)
    try {
      also()
    } finally {
      for (const waiter of this.#waiters) {
        if (!waiter.condition()) continue
        this.#waiters.delete(waiter)
        waiter.resolve()
      }
    }
  }

  #giveUp(error: TlsError | undefined): void {
    const cause = error && { cause: error }
    for (const { reject } of this.#waiters) reject(new Error(`the connection closed first: ${error?.message ?? 'in good order'}`, cause))
    this.#waiters.clear()
  }
}

const DEFAULTS: Record<Role, () => ContextOptions> = {
  client: () => ({ ca: root().cert }),
  server: () => goodServer(),
}

/** A context that is freed after the case: a client that trusts the test root, a server with a P-256 certificate from it. */
export const makeContext = (t: Case, role: Role, settings: ContextOptions = {}): SecureContext =>
  t.own(createContext({ ...(!settings.pkcs12 && DEFAULTS[role]()), ...settings }))

/** A party on this transport; it is destroyed after the case. */
export function makeParty(
  t: Case,
  role: Role,
  transport: ByteTransport,
  { context, settings, engine, wrap, ...options }: SideOptions = {},
): Party {
  const owner = context ?? makeContext(t, role, settings)
  const made = owner.createEngine({ role, ...(role === 'client' && { servername: HOST }), ...engine })
  const party = new Party(made, wrap ? wrap(transport) : transport, options)
  t.defer(() => party.poller.destroy())
  return party
}

// ---- In memory. ----

export interface MemoryPairSetting {
  client?: SideOptions
  server?: SideOptions
  pipe?: MemoryPairOptions
}

export interface MemoryParties {
  client: Party
  server: Party
  /** The ends of the pipe: the client's, the server's. */
  pipe: [MemoryTransport, MemoryTransport]
}

/** Two parties joined in memory; both have started. */
export function memoryParties(t: Case, setting: MemoryPairSetting = {}): MemoryParties {
  const pipe = memoryPair(setting.pipe)
  const server = makeParty(t, 'server', pipe[1], setting.server)
  return { client: makeParty(t, 'client', pipe[0], setting.client), server, pipe }
}

// ---- On kernel sockets. ----

/** A TCP server on a free port of the loopback; it and its connections are gone after the case. */
export async function listenTcp(
  t: Case,
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  t.defer(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve, reject) => server.listen(0, '127.0.0.1', resolve).on('error', reject))
  return { port: (server.address() as AddressInfo).port, server, sockets }
}

/** A connected or connecting TCP socket; it is gone after the case. */
export function dialTcp(t: Case, port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  t.defer(() => socket.destroy())
  return socket
}

export interface MembioServer {
  port: number
  parties: Party[]
  /** The next party that nobody has asked for yet. */
  accept(): Promise<Party>
}

/** A membio server. `serve` may give each connection other handlers. */
export async function serveMembio(
  t: Case,
  options: SideOptions = {},
  handlersFor?: (party: () => Party) => PollerHandlers,
): Promise<MembioServer> {
  const context = options.context ?? makeContext(t, 'server', options.settings)
  const parties: Party[] = []
  const asked: ((party: Party) => void)[] = []
  let handedOut = 0
  const { port } = await listenTcp(t, (socket) => {
    const handlers = handlersFor?.(() => party)
    const party: Party = makeParty(t, 'server', nodeSocket(socket), { ...options, context, ...(handlers && { handlers }) })
    parties.push(party)
    const waiting = asked.shift()
    if (waiting) waiting(parties[handedOut++]!)
  })
  const accept = (): Promise<Party> => {
    if (handedOut < parties.length) return Promise.resolve(parties[handedOut++]!)
    return new Promise((resolve) => asked.push(resolve))
  }
  return { port, parties, accept }
}

/** A membio client on a TCP socket of its own. */
export const dialMembio = (t: Case, port: number, options: SideOptions = {}): Party =>
  makeParty(t, 'client', nodeSocket(dialTcp(t, port)), options)

/** Sends back what it receives, with back-pressure, and ends when the peer ends. */
export function echo(party: () => Party): PollerHandlers {
  return {
    onPlaintext: (chunk) => {
      if (!party().poller.write(chunk)) party().poller.pause()
    },
    onDrain: () => party().poller.resume(),
    onEnd: () => party().poller.close(),
  }
}

// ---- Somebody in the middle. ----

/** Passes on what `from` receives to `to`, and its end; `change` may replace a chunk, or leave it out. */
export function relay(
  from: ByteTransport,
  to: ByteTransport,
  change: (chunk: Uint8Array) => Uint8Array | undefined = (chunk) => chunk,
): TransportReceiver {
  return {
    onChunk: (chunk) => {
      const changed = change(chunk)
      if (changed?.length && !to.write(changed)) from.pause()
    },
    onDrain: () => to.resume(),
    onEof: () => to.end(),
    onError: () => to.reset(),
  }
}

/** Two parties with a middleman between them, who may change what passes. */
export function relayedParties(
  t: Case,
  setting: MemoryPairSetting,
  toServer?: (chunk: Uint8Array) => Uint8Array | undefined,
): Omit<MemoryParties, 'pipe'> {
  const [near, left] = memoryPair(setting.pipe)
  const [right, far] = memoryPair(setting.pipe)
  left.attach(relay(left, right, toServer))
  right.attach(relay(right, left))
  const server = makeParty(t, 'server', far, setting.server)
  return { client: makeParty(t, 'client', near, setting.client), server }
}
