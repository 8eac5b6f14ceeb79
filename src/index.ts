// The package's entry `membio`: contexts and engines, TLS without I/O.
import { library } from './abi/instance.ts'

export { init, type InitOptions } from './abi/instance.ts'
export type { Host } from './abi/library.ts'
export type { Agreed } from './engine/agreed.ts'
export type { ClientHello } from './engine/client-hello.ts'
export { createContext, type SecureContext } from './engine/context.ts'
export type { Status, TlsEngine, Wants } from './engine/engine.ts'
export type { Direction, EngineEvent, MessageContent } from './engine/events.ts'
export type { ContextOptions, Encoded, EngineOptions, Role, Version } from './engine/options.ts'
export type { Phase, ReadSide, WriteSide } from './engine/phase.ts'
export type { Signer, SigningScheme, SignRequest } from './engine/signer.ts'
export { TlsError, alertName, type TlsErrorFields, type TlsErrorKind } from './errors.ts'

/** What is inside: "OpenSSL 3.5.7 9 Jun 2026". Loads the module. */
export const version = (): string => library().version

/** Contexts and engines that nobody has freed, for leak tests. Loads the module. */
export const liveHandles = (): number => library().liveHandles
