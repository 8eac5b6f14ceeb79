// SecureContext: SSL_CTX, what many connections share. Certificates and lists are parsed once, here.
import { TLS_ERROR, TLS_SIGNER_LATER, type TlsContextPointer } from '../abi/generated.ts'
import { Handle } from '../abi/handle.ts'
import { library } from '../abi/instance.ts'
import type { Library } from '../abi/library.ts'
import { settingError, usageError } from '../errors.ts'
import { TlsEngine } from './engine.ts'
import { hostRoots } from './host-roots.ts'
import { parseContextOptions, parseEngineOptions, type ContextOptions, type ContextSettings, type EngineOptions } from './options.ts'
import { rawSigner } from './signer.ts'

export class SecureContext {
  readonly #library: Library
  readonly #handle: Handle<TlsContextPointer>
  #hasCa: boolean
  readonly #hasOwnCa: boolean
  readonly #hasCertificate: boolean

  /** Use `createContext`. */
  constructor(library: Library, options: ContextOptions) {
    const settings = parseContextOptions(options)
    const { exports } = library
    const pointer = exports.tls_context_new()
    if (!pointer) throw settingError(library.memory.error(exports.tls_library_error()), 'createContext')
    this.#library = library
    this.#handle = new Handle(pointer, (context) => exports.tls_context_free(context))
    this.#hasCa = this.#hasOwnCa = settings.ca.length > 0
    this.#hasCertificate = Boolean(settings.cert ?? settings.pkcs12)
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
    if (this.#handle.isFree) throw usageError('createEngine: this SecureContext has been freed')
    const checked = parseEngineOptions(options)
    const verifies = !checked.dangerouslyAcceptAnyCertificate
    if (checked.role === 'client' && verifies) this.#needCa()
    if (checked.role === 'server') {
      if (!this.#hasCertificate) throw usageError('a server needs a certificate: pass `cert` and `key`, or `pkcs12`, to createContext')
      const asks = (checked.clientCertificate ?? 'none') !== 'none'
      if (asks && verifies && !this.#hasOwnCa) throw usageError('`clientCertificate` needs `ca` in the context: whose client certificates are valid?')
    }
    return new TlsEngine(this.#library, this.#handle.pointer, checked)
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

  /** Roots are read at the first client that needs them: 150 certificates take some milliseconds to parse. */
  #needCa(): void {
    if (this.#hasCa) return
    this.#addCa(new TextEncoder().encode(hostRoots()))
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
    const { passphrase } = settings
    const set = (option: string, value: string | undefined, setter: (pointer: TlsContextPointer, at: number) => number) => {
      if (value !== undefined) this.#check(`\`${option}\` was refused ("${value}")`, memory.lend([value], (at) => setter(pointer, at)))
    }
    const load = (option: string, bytes: Uint8Array | undefined, loader: (at: number, length: number, passphrase: number) => number) => {
      if (!bytes) return
      const status = memory.lend([bytes, passphrase], (at, text) => loader(at, bytes.length, text))
      this.#check(`\`${option}\` was refused`, status)
    }
    this.#check('versions', exports.tls_context_set_versions(pointer, ...settings.versions))
    set('cipherList', settings.cipherList, exports.tls_context_set_cipher_list)
    set('cipherSuites', settings.cipherSuites, exports.tls_context_set_cipher_suites)
    set('groups', settings.groups, exports.tls_context_set_groups)
    set('signatureSchemes', settings.signatureSchemes, exports.tls_context_set_signature_schemes)
    load('cert', settings.cert, (at, length) => exports.tls_context_use_certificate(pointer, at, length))
    load('key', settings.key, (at, length, text) => exports.tls_context_use_key(pointer, at, length, text))
    if (settings.signer) {
      const signer = settings.signer === 'event' ? TLS_SIGNER_LATER : this.#library.signers.add(rawSigner(settings.signer))
      this.#check('`signer` was refused', exports.tls_context_use_signer(pointer, signer))
    }
    load('pkcs12', settings.pkcs12, (at, length, text) => exports.tls_context_use_pkcs12(pointer, at, length, text))
    load('alpn', settings.alpn, (at, length) => exports.tls_context_set_alpn(pointer, at, length))
    load('sessionIdContext', settings.sessionIdContext, (at, length) => exports.tls_context_set_session_id_context(pointer, at, length))
    if (settings.verifyTime !== undefined) exports.tls_context_set_verify_time(pointer, settings.verifyTime)
    for (const ca of settings.ca) this.#addCa(ca)
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
