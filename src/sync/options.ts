// What a blocking client and a blocking server may be told, and the checks that both share.
import { createContext, type SecureContext } from '../engine/context.ts'
import type { ContextOptions, EngineOptions } from '../engine/options.ts'
import { usageError, type TlsError } from '../errors.ts'
import type { PollerEvent } from '../transport/poller.ts'

/** The options of `createContext` can be given here; or, to be parsed once for many connections, a `context` made of them. */
export interface SyncOptions extends ContextOptions, Pick<EngineOptions, 'dangerouslyAcceptAnyCertificate' | 'keylog' | 'trace'> {
  /** Stays the caller's, who frees it. */
  context?: SecureContext
  /**
   * Milliseconds. Connecting and the handshake may take so long together, so that nobody holds the program up by being slow; after that,
   * each silence in a read or a write may: whatever moves starts it anew. Default 30,000: a lost packet is sent again several times in it,
   * and a thread that sleeps can do nothing else, not even be told to stop. Infinity: none.
   */
  timeout?: number
  /** Told of everything that happens beside bytes: sessions, key log, traces. Called from within the blocking calls. */
  onEvent?(event: PollerEvent): void
}

/** For `connectSync`: where to, and as whom; beside that what `createContext` takes, or a `context`. */
export interface ConnectSyncOptions extends SyncOptions, Pick<EngineOptions, 'servername' | 'identity' | 'session'> {
  /** A name, or an IPv4 or IPv6 address. Of a name's addresses all are tried, until one answers. Also the default of `servername`. */
  host: string
  /** TCP, 1 to 65,535. */
  port: number
}

/** For `listenSync`: where, and for whom; beside that what `createContext` takes, or a `context`. It needs a certificate. */
export interface ListenSyncOptions extends SyncOptions, Pick<EngineOptions, 'clientCertificate'> {
  /** TCP, 0 to 65,535. 0: any that is free, see `SyncListener.port`. */
  port: number
  /** The address of the interface to listen at. Default: all of them. */
  host?: string
  /** Clients that may wait for `accept`, in the kernel's queue and again in ours; others are turned away. Default 511, as in Node. */
  backlog?: number
  /** A client that a loop over the listener has passed over because its handshake failed. */
  onClientError?(error: TlsError, client: { remoteAddress: string; remotePort: number }): void
}

const DEFAULT_TIMEOUT = 30_000

/** @throws TlsError of kind `usage` */
export function parseTimeout(timeout = DEFAULT_TIMEOUT): number {
  if (typeof timeout === 'number' && timeout > 0) return timeout
  throw usageError(`timeout is ${timeout}; it must be milliseconds, more than 0, or Infinity`)
}

/** @throws TlsError of kind `usage` */
export function checkPort(port: number, lowest: 0 | 1): void {
  if (Number.isInteger(port) && port >= lowest && port <= 65_535) return
  throw usageError(`port is ${port}; it must be a number from ${lowest} to 65535`)
}

/** The context to use, and what to do when it is no longer needed: a caller's own stays. */
export function contextOf(given: SecureContext | undefined, options: ContextOptions): { context: SecureContext; release(): void } {
  if (!given) {
    const context = createContext(options)
    return { context, release: () => context.free() }
  }
  const [extra] = Object.entries(options).flatMap(([option, value]) => (value === undefined ? [] : [option]))
  if (extra) throw usageError(`\`${extra}\` is given beside \`context\`: pass it to createContext`)
  return { context: given, release: () => {} }
}
