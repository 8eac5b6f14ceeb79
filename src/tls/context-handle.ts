// Settings for many connections, and the engine's SecureContext made of them: when it is first needed, and anew after a change.
// native-context.ts gives it the names of Node's native one.
import { createContext, type SecureContext } from '../engine/context.ts'
import type { ContextOptions, LegacyVersion, Version } from '../engine/options.ts'
import { TlsError } from '../errors.ts'
import { bufferOf } from './errors.ts'
import { nodeError } from './node-errors.ts'

const LEGACY = ['TLSv1', 'TLSv1.1']

export class ContextHandle {
  /** Our first certificate and those above it, in DER. */
  ownChain: readonly Uint8Array[] = []
  #options: ContextOptions
  #built: SecureContext | undefined

  constructor(options: ContextOptions) {
    this.#options = options
  }

  get options(): Readonly<ContextOptions> {
    return this.#options
  }

  /** Changes settings for connections to come; `build` finds out whether OpenSSL takes them. */
  configure(more: ContextOptions): void {
    this.#options = { ...this.#options, ...more }
    this.close()
  }

  /** The engine's context. @throws as Node does where OpenSSL refuses a setting */
  build(): SecureContext {
    try {
      this.#built ??= createContext(withLegacy(this.#options))
      return this.#built
    } catch (error) {
      throw error instanceof TlsError ? nodeError(error) : error
    }
  }

  /** As `configure`, for what OpenSSL may refuse. @throws as Node does, and then nothing has changed */
  change(more: ContextOptions): void {
    const before = this.#options
    this.configure(more)
    try {
      this.build()
    } catch (error) {
      this.#options = before
      throw error
    }
  }

  /** A variant of it, for one connection: freed with that. */
  buildWith(more: ContextOptions): SecureContext {
    return createContext(withLegacy({ ...this.#options, ...more }))
  }

  /** Frees OpenSSL's context; connections that use it keep what they need. */
  close(): void {
    this.#built?.free()
    this.#built = undefined
  }

  /** 48 bytes in Node: the newest key, of those that rotate. */
  getTicketKeys(): Buffer {
    const { ticketKeys } = this.#options
    if (ticketKeys) return Buffer.from(ticketKeys)
    const keys = Buffer.alloc(48)
    globalThis.crypto.getRandomValues(keys)
    this.setTicketKeys(keys)
    return keys
  }

  setTicketKeys(keys: NodeJS.ArrayBufferView): boolean {
    const copy = Buffer.from(bufferOf(keys))
    this.#options = { ...this.#options, ticketKeys: copy }
    if (this.#built) this.#built.ticketKeys = copy
    return true
  }

  /** Node's, undocumented: a program would choose a key for each ticket. Here the engine does, see `ticketKeys`. */
  enableTicketKeyCallback(): void {}

  /** Our own certificate in DER. */
  getCertificate(): Buffer | null {
    return this.#certificate(0)
  }

  /** Who issued it, as far as it was given with it or is among `ca`. */
  getIssuer(): Buffer | null {
    return this.#certificate(1)
  }

  #certificate(index: number): Buffer | null {
    const der = this.ownChain[index]
    return der ? bufferOf(der) : null
  }
}

/** SSL_OP_NO_TLSv1 and its younger sisters (openssl/ssl.h), by version. */
const WITHOUT: [LegacyVersion | Version, bigint][] = [
  ['TLSv1', 1n << 26n],
  ['TLSv1.1', 1n << 28n],
  ['TLSv1.2', 1n << 27n],
  ['TLSv1.3', 1n << 29n],
]

/** A range with nothing in it fails in the handshake in Node, in OpenSSL's words; the engine would refuse it at once. */
function withEmptyRange(options: ContextOptions): ContextOptions {
  const at = (version: string | undefined, unset: number) => (version ? WITHOUT.findIndex(([name]) => name === version) : unset)
  const [oldest, newest] = [at(options.minVersion, 0), at(options.maxVersion, 3)]
  if (oldest <= newest) return options
  const none = WITHOUT.slice(newest + 1).reduce((bits, [, bit]) => bits | bit, 0n)
  return { ...options, maxVersion: 'TLSv1.3', dangerousOpensslOptions: BigInt(options.dangerousOpensslOptions ?? 0) | none }
}

/** Node lets old versions and low security levels be asked for by name; the engine wants it said that this is insecure. */
function withLegacy(given: ContextOptions): ContextOptions {
  const options = withEmptyRange(given)
  const { minVersion, securityLevel = 2 } = options
  const legacy = LEGACY.includes(minVersion ?? '') || securityLevel < 2
  return legacy ? { ...options, insecureLegacyPeers: true, insecureRenegotiation: false, securityLevel } : options
}
