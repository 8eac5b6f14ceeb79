// The package's entry `membio`: contexts and engines, TLS without I/O.
import { library } from './abi/instance.ts'

export type { Acceleration } from './abi/acceleration.ts'
export { init, type InitOptions } from './abi/instance.ts'
export type { Host } from './abi/library.ts'
export type { Agreed, TemporaryKey } from './engine/agreed.ts'
export type { AlpnProtocol } from './engine/alpn.ts'
export type { ClientHello } from './engine/client-hello.ts'
export type { Decision, Status } from './engine/connection.ts'
export { createContext, type SecureContext } from './engine/context.ts'
export { createDtlsContext, type DtlsContext, type DtlsListener, type Heard } from './engine/dtls-context.ts'
export type {
  DtlsClientOptions,
  DtlsContextOptions,
  DtlsEngineOptions,
  DtlsListenerOptions,
  DtlsPeer,
  DtlsServerOptions,
} from './engine/dtls-options.ts'
export type { DtlsEngine } from './engine/dtls.ts'
export type { TlsEngine, Wants } from './engine/engine.ts'
export type { Direction, EngineEvent, MessageContent, ParkEvent } from './engine/events.ts'
export { ja3, ja4 } from './engine/fingerprint.ts'
export type {
  ContextOptions,
  Encoded,
  EngineOptions,
  Identity,
  LegacyVersion,
  ParkPoint,
  PreSharedKey,
  PskChooser,
  Role,
  Version,
} from './engine/options.ts'
export type { ChannelBinding } from './engine/live.ts'
export { SessionCache } from './engine/session-cache.ts'
export type { Phase, ReadSide, WriteSide } from './engine/phase.ts'
export type { HostRoots } from './host-roots.ts'
export type { Signer, SigningScheme, SignRequest } from './engine/signer.ts'
export { TlsError, alertName, type TlsErrorFields, type TlsErrorKind } from './errors.ts'

/** What is inside: "OpenSSL 3.5.7 9 Jun 2026". Loads the module. */
export const version = (): string => library().version

/**
 * openssl.wasm as it was compiled here. Post it to workers, where `init({ module })` takes it: they share its code and need not compile it
 * again. Loads the module.
 */
export const compiledModule = (): WebAssembly.Module => library().module

/** Contexts and engines that nobody has freed, for leak tests. Loads the module. */
export const liveHandles = (): number => library().liveHandles
