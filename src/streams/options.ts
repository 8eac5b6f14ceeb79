// What a socket may be told, and how that is told apart: what is the context's, the engine's, the poller's, and our own.
import { createContext, type SecureContext } from '../engine/context.ts'
import type { TlsEngine } from '../engine/engine.ts'
import type { ContextOptions, EngineOptions, ParkPoint, Role } from '../engine/options.ts'
import { ioError, TlsError, usageError } from '../errors.ts'
import type { Deadlines, Decisions, PollerEvent, PollerOptions } from '../transport/poller.ts'

/** Milliseconds; 0 switches a deadline off. */
export interface StreamDeadlines extends Deadlines {
  /** For the TCP connection. Default 30,000, as for the handshake after it. */
  connect?: number
}

/** What every socket takes beside what `createContext` takes. That can be given here, too; or, parsed once for many, as a `context`. */
export interface SocketOptions
  extends ContextOptions, Pick<EngineOptions, 'dangerouslyAcceptAnyCertificate' | 'expectedKeys' | 'keylog' | 'trace'> {
  /** Instead of the options of `createContext`. Stays the caller's, who may free it once the sockets are open, and the listener closed. */
  context?: SecureContext
  /**
   * Decisions that may take their time: of a server by `clientHello` (SNI, ALPN, keys, sessions), of both on `verify`, of a client on
   * `certificateRequest`. Each named here stops the handshake until it is answered.
   */
  decisions?: Decisions
  /** Told of everything that happens beside plaintext: sessions, key log, alerts, 0-RTT data, traces. */
  onEvent?(event: PollerEvent): void
  /** How long things may take. */
  deadlines?: StreamDeadlines
  /** Bytes that `writable` takes before its `desiredSize` is 0, and bytes that wait to be encrypted behind it. Default 65,536. */
  highWaterMark?: number
  /**
   * Whether `writable` goes on when the peer has ended its direction, and that end has been read. Default false, as in the Sockets API:
   * then what was written by that time is sent, and the connection is closed.
   */
  allowHalfOpen?: boolean
  /** Gives up, at whatever stage: everything fails with ERR_TLS_ABORTED, whose `cause` is the signal's reason. */
  signal?: AbortSignal
  /** Takes the transport's end for the peer's close_notify: whoever can cut the one can then cut the plaintext short. Default false. */
  insecureTruncation?: boolean
}

type ClientEngineOptions = Pick<EngineOptions, 'servername' | 'identity' | 'session' | 'psk' | 'ocsp' | 'scts' | 'postHandshakeAuth'>

/** A client's. */
export interface ClientOptions extends SocketOptions, ClientEngineOptions {
  /** The Sockets API's word for `servername`. */
  sni?: string
  /**
   * 0-RTT data, with a `session` that allows it (RFC 8446, 2.3): sent with the first flight, not forward secret, and it can be replayed.
   * What the server does not take is sent again after the handshake, before everything written.
   */
  earlyData?: Uint8Array
}

/** A server's. It needs a certificate, or pre-shared keys. */
export interface ServerOptions extends SocketOptions, Pick<EngineOptions, 'clientCertificate' | 'psks' | 'pskHint'> {}

/** For `connect`. */
export interface ConnectOptions extends ClientOptions {
  /** 'on', the default here: TLS from the first byte. 'off' and 'starttls': plain TCP, until `startTls`. */
  secureTransport?: SecureTransport
}

/** For `secure` and `startTls`: either end of the handshake. A client needs a `servername`, unless the socket was connected by name. */
export type SecureOptions = (ClientOptions & { role?: 'client' }) | (ServerOptions & { role: 'server' })

/** The Sockets API's SecureTransportKind. */
export type SecureTransport = 'on' | 'off' | 'starttls'

/** Where a client of a listener comes from. */
export interface ClientAddress {
  /** "192.0.2.1:50000" */
  remoteAddress?: string
}

/** For `listen`. */
export interface ListenOptions extends ServerOptions {
  /** TCP, 0 to 65,535. 0: any that is free, see `TlsListener.address`. */
  port: number
  /** The address of the interface to listen at. Default: all of them. */
  hostname?: string
  /** Clients that may wait in the kernel's queue, and again in ours until accepted; others are turned away. Default 511, as in Node. */
  backlog?: number
  /** A client that was passed over because its handshake failed. */
  onClientError?(error: TlsError, client: ClientAddress): void
}

/** Parsed: what a socket needs to begin. */
export interface Settings {
  role: Role
  engine: EngineOptions
  context: ContextSource
  poller: PollerOptions
  onEvent: ((event: PollerEvent) => void) | undefined
  earlyData: Uint8Array | undefined
  socket: SocketSettings
}

/** What a plain socket needs, too. */
export interface SocketSettings {
  signal: AbortSignal | undefined
  allowHalfOpen: boolean
  highWaterMark: number
  connectDeadline: number
}

type ContextSource = { given: SecureContext } | { options: ContextOptions }

const CONNECT_DEADLINE = 30_000
const HIGH_WATER_MARK = 65_536

/** The engine's own; `alpn` is the context's as well, and goes to the engine. */
const ENGINE_OPTIONS = [
  'identity',
  'session',
  'alpn',
  'clientCertificate',
  'dangerouslyAcceptAnyCertificate',
  'expectedKeys',
  'psk',
  'psks',
  'pskHint',
  'ocsp',
  'scts',
  'postHandshakeAuth',
  'keylog',
  'trace',
] as const satisfies readonly (keyof EngineOptions)[]

/** @throws TlsError of kind `usage` */
export function parseOptions(role: Role, options: ClientOptions | ServerOptions, hostname?: string): Settings {
  const { context, decisions, onEvent, deadlines, insecureTruncation, highWaterMark, allowHalfOpen, signal, ...most } = options
  const { servername: given, sni, earlyData, ...rest } = most as ClientOptions
  if ((given ?? sni) !== (sni ?? given)) throw usageError('`sni` and `servername` are two words for one name, and differ')
  const servername = given ?? sni ?? hostname
  const entries = Object.entries(rest).filter(([name]) => !OURS.has(name))
  const split = (isEngine: boolean) => Object.fromEntries(entries.filter(([name]) => ENGINES.has(name) === isEngine))
  const park = Object.keys(decisions ?? {}).filter((point) => point !== 'sign') as ParkPoint[]
  return {
    role,
    engine: { role, ...split(true), ...(servername !== undefined && { servername }), ...(park.length > 0 && { park }) },
    context: contextSource(context, split(false)),
    poller: { decisions, deadlines, insecureTruncation, highWaterMark },
    onEvent,
    earlyData,
    socket: socketSettings(options),
  }
}

const ENGINES: ReadonlySet<string> = new Set(ENGINE_OPTIONS)
/** Those of ours that are taken out elsewhere. */
const OURS: ReadonlySet<string> = new Set(['role', 'secureTransport', 'hostname', 'port', 'backlog', 'onClientError'])

export function socketSettings(options: SocketOptions): SocketSettings {
  const { signal, allowHalfOpen = false, highWaterMark = HIGH_WATER_MARK, deadlines } = options
  return { signal, allowHalfOpen, highWaterMark, connectDeadline: deadlines?.connect ?? CONNECT_DEADLINE }
}

function contextSource(given: SecureContext | undefined, options: ContextOptions): ContextSource {
  if (!given) return { options }
  const [extra] = Object.entries(options).flatMap(([option, value]) => (value === undefined ? [] : [option]))
  if (extra) throw usageError(`\`${extra}\` is given beside \`context\`: pass it to createContext`)
  return { given }
}

/** The context, and whether it is ours to free. */
export function contextOf({ context }: Settings): { context: SecureContext; release(): void } {
  if ('given' in context) return { context: context.given, release: () => {} }
  const made = createContext(context.options)
  return { context: made, release: () => made.free() }
}

/** An engine of its own context, which it outlives. */
export function createEngine(settings: Settings): TlsEngine {
  const { context, release } = contextOf(settings)
  try {
    return context.createEngine(settings.engine)
  } finally {
    release()
  }
}

/** Whatever went wrong, as a TlsError. */
export const tlsErrorOf = (error: unknown, what: string): TlsError => (error instanceof TlsError ? error : ioError(error, what))
