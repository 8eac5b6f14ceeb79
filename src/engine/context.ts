// SecureContext: SSL_CTX, what many connections share. Certificates and lists are parsed once, here.
import { TLS_ERROR, TLS_PROTOCOL_DTLS, TLS_PROTOCOL_TLS, TLS_SIGNER_LATER, type TlsContextPointer } from '../abi/generated.ts'
import { Handle } from '../abi/handle.ts'
import { library } from '../abi/instance.ts'
import type { Library } from '../abi/library.ts'
import { settingError, usageError } from '../errors.ts'
import { identityOf } from './configurator.ts'
import { TlsEngine } from './engine.ts'
import type { HostRoots } from '../host-roots.ts'
import type { ContextOptions, EngineOptions, EngineSettings } from './options.ts'
import { sharedRoots } from './roots.ts'
import { rawSigner, type Signer } from './signer.ts'
import { checkOptions, parseContextOptions, type ContextSettings } from './settings.ts'

/** On the wire; DTLS counts downwards, to differ from TLS. */
const DTLS_1_2 = 0xfefd

/** SSL_CTX: settings that many connections share. Made by `createContext`, freed by `free`. */
export class SecureContext {
  readonly #library: Library
  readonly #handle: Handle<TlsContextPointer>
  #hasCa: boolean
  readonly #hasOwnCa: boolean
  readonly #hasIdentity: boolean
  readonly #extraCa: readonly Uint8Array[]
  readonly #hostRoots: HostRoots | undefined
  readonly #reports: { sessions: boolean; earlyData: boolean }

  /** Use `createContext`. @param protocol TLS_PROTOCOL_*: datagrams come by way of DtlsContext */
  constructor(library: Library, options: ContextOptions, protocol: number = TLS_PROTOCOL_TLS) {
    // Datagrams are too short for what a host could do.
    const preferred = protocol === TLS_PROTOCOL_DTLS ? 'ChaCha20-Poly1305' : library.accelerator.preferredCipher
    const settings = parseContextOptions(options, preferred)
    if (protocol === TLS_PROTOCOL_DTLS) settings.versions = [DTLS_1_2, DTLS_1_2]
    const { exports } = library
    const pointer = exports.tls_context_new(protocol)
    if (!pointer) throw settingError(library.memory.error(exports.tls_library_error()), 'createContext')
    this.#library = library
    this.#handle = new Handle(pointer, (context) => exports.tls_context_free(context))
    this.#hasCa = this.#hasOwnCa = options.ca !== undefined
    this.#hasIdentity = settings.identities.length > 0
    this.#extraCa = settings.extraCa
    this.#hostRoots = options.hostRoots
    this.#reports = { sessions: options.tickets === 'stateful' || options.tickets === 'both', earlyData: Boolean(options.maxEarlyData) }
    try {
      this.#apply(settings)
    } catch (error) {
      this.free()
      throw error
    }
  }

  /**
   * An engine for one connection. It keeps what it needs of the context: freeing the context first is allowed.
   * @throws TlsError of kind `usage`
   */
  createEngine(options: EngineOptions): TlsEngine {
    const settings = this.checkEngineOptions(options)
    return new TlsEngine(this.#library, this.#handle.pointer, settings)
  }

  /** For engines: the options, checked against what this context has. */
  checkEngineOptions(options: EngineOptions): EngineSettings {
    if (this.#handle.isFree) throw usageError('createEngine: this SecureContext has been freed')
    checkOptions(options)
    const { role, psk, psks, park, expectedKeys, clientCertificate = 'none', dangerouslyAcceptAnyCertificate } = options
    const verifies = !dangerouslyAcceptAnyCertificate && !expectedKeys
    // A key that is given says that no certificate will do; a function may find none.
    const wantsNone = psk && (typeof psk !== 'function' || !identityOf(options))
    const asks = role === 'client' || clientCertificate !== 'none'
    if ((role === 'client' && verifies && !wantsNone) || (asks && this.#hostRoots)) this.#needCa()
    if (role === 'server') {
      if (!this.#hasIdentity && !psks && !park) throw usageError('a server needs a certificate: pass `cert` and `key` or `signer`, or `pkcs12`, to createContext')
      const decidesElsewhere = park?.includes('verify')
      if (clientCertificate !== 'none' && verifies && !this.#hasOwnCa && !this.#hostRoots && !decidesElsewhere) {
        throw usageError('`clientCertificate` needs `ca` in the context: whose client certificates are valid?')
      }
    }
    return { ...options, ...this.#reports }
  }

  /**
   * Server: the keys that open tickets, the newest first, 80 bytes each: for other processes of the same service, or to be set again after a
   * restart. A secret: whoever has them can read the connections resumed with them (and, in TLS 1.2, those they come from).
   */
  get ticketKeys(): Uint8Array {
    const { exports, memory } = this.#library
    const taken = memory.take(exports.tls_context_get_ticket_keys(this.pointer))
    if (!taken) throw settingError(memory.error(exports.tls_library_error()), 'ticketKeys')
    return taken.bytes
  }

  /** Replaces them: one to four of 80 bytes each, or of 48 as node:tls has them. Tickets made with others are no longer opened. */
  set ticketKeys(keys: Uint8Array) {
    const { exports, memory } = this.#library
    this.#check('`ticketKeys` were refused', memory.lend([keys], (at) => exports.tls_context_set_ticket_keys(this.pointer, at, keys.length)))
  }

  /** For the engine: where a parked handshake goes on with this context. */
  get pointer(): TlsContextPointer {
    if (this.#handle.isFree) throw usageError('this SecureContext has been freed')
    return this.#handle.pointer
  }

  /** Frees the context, and wipes its keys once no engine uses it. */
  free(): void {
    this.#handle.free()
  }

  [Symbol.dispose](): void {
    this.free()
  }

  /** Roots are read at the first client that needs them: a list of them takes its time to parse. */
  #needCa(): void {
    if (this.#hasCa) return
    for (const ca of this.#extraCa) this.#addCa(ca)
    const roots = sharedRoots(this.#library, this.#hostRoots)
    this.#check('`hostRoots` were refused', this.#library.exports.tls_context_trust_roots(this.pointer, roots))
    this.#hasCa = true
  }

  #addCa(ca: Uint8Array): void {
    const { exports } = this.#library
    const call = (at: number) => exports.tls_context_add_ca(this.#handle.pointer, at, ca.length)
    this.#check('`ca` was refused', this.#library.memory.lend([ca], call))
  }

  #apply(settings: ContextSettings): void {
    const { exports, memory } = this.#library
    const { pointer } = this.#handle
    const set = (option: string, value: string | undefined, setter: (pointer: TlsContextPointer, at: number) => number) => {
      if (value !== undefined) this.#check(`\`${option}\` was refused ("${value}")`, memory.lend([value], (at) => setter(pointer, at)))
    }
    type Loader = (at: number, length: number, passphrase: number) => number
    const load = (option: string, bytes: Uint8Array | undefined, loader: Loader, passphrase?: string) => {
      if (!bytes) return
      const status = memory.lend([bytes, passphrase], (at, text) => loader(at, bytes.length, text))
      this.#check(`\`${option}\` was refused`, status)
    }
    this.#check('versions', exports.tls_context_set_versions(pointer, ...settings.versions))
    set('cipherList', settings.cipherList, exports.tls_context_set_cipher_list)
    set('cipherSuites', settings.cipherSuites, exports.tls_context_set_cipher_suites)
    set('groups', settings.groups, exports.tls_context_set_groups)
    set('signatureSchemes', settings.signatureSchemes, exports.tls_context_set_signature_schemes)
    for (const [option, value] of settings.numbers) this.#check('a number', exports.tls_context_set_option(pointer, option, value))
    if (settings.opensslOptions) exports.tls_context_set_openssl_options(pointer, ...settings.opensslOptions)
    for (const { cert, key, signer, pkcs12, passphrase } of settings.identities) {
      load('cert', cert, (at, length) => exports.tls_context_use_certificate(pointer, at, length))
      if (signer) this.#useSigner(signer)
      load('key', key, (at, length, text) => exports.tls_context_use_key(pointer, at, length, text), passphrase)
      load('pkcs12', pkcs12, (at, length, text) => exports.tls_context_use_pkcs12(pointer, at, length, text), passphrase)
    }
    this.#check('`identities` were refused', exports.tls_context_check_keys(pointer))
    load('alpn', settings.alpn, (at, length) => exports.tls_context_set_alpn(pointer, at, length))
    load('sessionIdContext', settings.sessionIdContext, (at, length) => exports.tls_context_set_session_id_context(pointer, at, length))
    if (settings.verifyTime !== undefined) exports.tls_context_set_verify_time(pointer, settings.verifyTime)
    for (const ca of settings.ca) this.#addCa(ca)
    for (const crl of settings.crls) load('crls', crl, (at, length) => exports.tls_context_add_crl(pointer, at, length))
    for (const policy of settings.policies) set('policies', policy, exports.tls_context_require_policy)
    load('pins', settings.pins, (at, length) => exports.tls_context_set_pins(pointer, at, length))
    load('dhParameters', settings.dhParameters, (at, length) => exports.tls_context_set_dh_parameters(pointer, at, length))
    load('ocspResponse', settings.ocspResponse, (at, length) => exports.tls_context_set_ocsp_response(pointer, at, length))
    if (settings.ticketKeys) this.ticketKeys = settings.ticketKeys
  }

  #useSigner(signer: Signer | 'event'): void {
    const { exports, signers } = this.#library
    const id = signer === 'event' ? TLS_SIGNER_LATER : signers.add(rawSigner(signer))
    this.#check('`signer` was refused', exports.tls_context_use_signer(this.#handle.pointer, id))
  }

  #check(what: string, status: number): void {
    if (status === TLS_ERROR) throw settingError(this.#library.memory.error(this.#library.exports.tls_library_error()), what)
  }
}

/**
 * What many connections share: our certificate, whom to trust, which versions and algorithms. Free of I/O; can be used by any
 * number of engines, in both roles.
 * @throws TlsError of kind `usage`, which names the option
 */
export function createContext(options: ContextOptions = {}): SecureContext {
  return new SecureContext(library(), options)
}
