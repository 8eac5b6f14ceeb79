// From an engine's options to the connection on the C side. A refusal names the option.
import {
  TLS_ERROR,
  TLS_FLAG_DELIVER_OCSP,
  TLS_FLAG_EARLY_DATA,
  TLS_FLAG_KEYLOG,
  TLS_FLAG_PARK_CERTIFICATE_REQUEST,
  TLS_FLAG_PARK_CLIENT_HELLO,
  TLS_FLAG_PARK_PSK,
  TLS_FLAG_PARK_RENEGOTIATION,
  TLS_FLAG_PARK_VERIFY,
  TLS_FLAG_POST_HANDSHAKE_AUTH,
  TLS_FLAG_REQUEST_OCSP,
  TLS_FLAG_REQUEST_SCTS,
  TLS_FLAG_REQUIRE_OCSP,
  TLS_FLAG_SESSIONS,
  TLS_FLAG_TRACE,
  TLS_ROLE_CLIENT,
  TLS_ROLE_SERVER,
  TLS_VERIFY_NONE,
  TLS_VERIFY_OPTIONAL,
  TLS_VERIFY_RECORD,
  TLS_VERIFY_REQUIRE,
  type Pointer,
  type TlsConnectionPointer,
  type TlsContextPointer,
} from '../abi/generated.ts'
import { Handle } from '../abi/handle.ts'
import type { Library } from '../abi/library.ts'
import { settingError } from '../errors.ts'
import { alpnWire, type AlpnProtocol } from './alpn.ts'
import type { EngineOptions, EngineSettings, PreSharedKey } from './options.ts'
import { isIpAddress } from './settings.ts'

/** Capacity of each of the two BIOs, in bytes: the fixed price of a peer that sends and never reads, or the other way round. */
export const BIO_CAPACITY = 65536

/** A connection of that context, configured; it belongs to the caller. */
export function newConnection(library: Library, context: TlsContextPointer, settings: EngineSettings): Handle<TlsConnectionPointer> {
  const { exports, memory } = library
  const role = settings.role === 'client' ? TLS_ROLE_CLIENT : TLS_ROLE_SERVER
  const pointer = exports.tls_connection_new(context, role, flagsOf(settings), BIO_CAPACITY)
  if (!pointer) throw settingError(memory.error(exports.tls_library_error()), 'createEngine')
  const handle = new Handle(pointer, (connection) => exports.tls_connection_free(connection))
  try {
    new Configurator(library, pointer).all(settings)
    return handle
  } catch (error) {
    handle.free()
    throw error
  }
}

/** Whom the peer's certificate must be for. */
export const identityOf = ({ servername, identity = servername }: EngineOptions): string | undefined => identity ?? undefined

/** What a server can ask of its client. */
export const VERIFY_MODES = { none: TLS_VERIFY_NONE, request: TLS_VERIFY_OPTIONAL, require: TLS_VERIFY_REQUIRE } as const

export class Configurator {
  readonly #library: Library
  readonly #pointer: TlsConnectionPointer

  constructor(library: Library, pointer: TlsConnectionPointer) {
    this.#library = library
    this.#pointer = pointer
  }

  all(settings: EngineSettings): void {
    const { exports, pskChoosers } = this.#library
    const { alpn, psk, psks = [], pskHint, expectedKeys = [] } = settings
    this.peer(settings)
    if (alpn) this.alpn(alpn)
    if (typeof psk === 'function') this.set('psk', exports.tls_connection_set_psk_chooser(this.#pointer, pskChoosers.add(psk)))
    else if (psk) this.psk(psk)
    for (const one of psks) this.psk(one)
    if (pskHint) this.lend('pskHint', [pskHint], (at) => exports.tls_connection_set_psk_hint(this.#pointer, at))
    for (const key of expectedKeys) this.lend('expectedKeys', [key], (at) => exports.tls_connection_expect_key(this.#pointer, at, key.length))
  }

  /** Whom to talk to: name, verification, and the session that depends on both. */
  peer(settings: EngineSettings): void {
    const { exports } = this.#library
    const { servername, session } = settings
    const name = servername && !isIpAddress(servername) ? servername : undefined
    if (settings.role === 'client') this.lend('servername', [name], (at) => exports.tls_connection_set_servername(this.#pointer, at))
    this.verification(settings)
    if (session) this.lend('session', [session], (at) => exports.tls_connection_set_session(this.#pointer, at, session.length))
  }

  /** Whether and how the peer's certificate is looked at. */
  verification(settings: EngineSettings): void {
    const { exports } = this.#library
    this.lend('identity', [identityOf(settings)], (at) => exports.tls_connection_set_verify(this.#pointer, verifyMode(settings), at))
  }

  psk({ identity, key }: PreSharedKey): void {
    const { exports } = this.#library
    this.lend('psk', [identity, key], (name, at) => exports.tls_connection_add_psk(this.#pointer, name, at, key.length))
  }

  alpn(protocols: readonly AlpnProtocol[]): void {
    const { exports } = this.#library
    const wire = alpnWire(protocols)
    this.lend('alpn', [wire], (at) => exports.tls_connection_set_alpn(this.#pointer, at, wire.length))
  }

  lend(what: string, args: readonly (Uint8Array | string | undefined)[], call: (a: Pointer, b: Pointer) => number): void {
    this.set(what, this.#library.memory.lend(args, (a, b = 0) => call(a!, b)))
  }

  set(what: string, status: number): void {
    const { exports, memory } = this.#library
    if (status === TLS_ERROR) throw settingError(memory.error(exports.tls_library_error()), `\`${what}\` was refused`)
  }
}

function flagsOf(settings: EngineSettings): number {
  const { role, trace, keylog, sessions, postHandshakeAuth, ocsp, scts, earlyData, park = [] } = settings
  const flag = (set: boolean | undefined, bit: number) => (set ? bit : 0)
  return (
    flag(trace, TLS_FLAG_TRACE) |
    flag(keylog, TLS_FLAG_KEYLOG) |
    flag(role === 'client' || sessions, TLS_FLAG_SESSIONS) |
    flag(role === 'server' && earlyData, TLS_FLAG_EARLY_DATA) |
    flag(postHandshakeAuth, TLS_FLAG_POST_HANDSHAKE_AUTH) |
    flag(ocsp === 'request', TLS_FLAG_REQUEST_OCSP) |
    flag(ocsp === 'require', TLS_FLAG_REQUIRE_OCSP) |
    flag(ocsp === 'deliver', TLS_FLAG_DELIVER_OCSP) |
    flag(scts === 'request', TLS_FLAG_REQUEST_SCTS) |
    flag(park.includes('clientHello'), TLS_FLAG_PARK_CLIENT_HELLO) |
    flag(park.includes('certificateRequest'), TLS_FLAG_PARK_CERTIFICATE_REQUEST) |
    flag(park.includes('verify'), TLS_FLAG_PARK_VERIFY) |
    flag(park.includes('psk'), TLS_FLAG_PARK_PSK) |
    flag(park.includes('renegotiation'), TLS_FLAG_PARK_RENEGOTIATION)
  )
}

function verifyMode({ role, clientCertificate = 'none', dangerouslyAcceptAnyCertificate }: EngineOptions): number {
  const asks = role === 'client' || clientCertificate !== 'none'
  if (asks && dangerouslyAcceptAnyCertificate) return TLS_VERIFY_RECORD
  return role === 'client' ? TLS_VERIFY_REQUIRE : VERIFY_MODES[clientCertificate]
}
