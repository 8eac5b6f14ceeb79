// The library that the package's functions share: loaded at the first use where the runtime has the module at once (Node, Deno, Bun,
// workerd), by `init` elsewhere.
import hostCrypto from '#host-crypto'
import opensslModule from '#openssl-module'
import { usageError } from '../errors.ts'
import type { Acceleration, AccelerationSettings } from './acceleration.ts'
import { fetchModule } from './fetch-module.ts'
import { Library, webHost, type Host } from './library.ts'

/** Where `init` takes openssl.wasm from: at most one of `module`, `bytes` and `url`; without one, from beside this package's code. */
export interface InitOptions {
  /** A compiled module: what `compiledModule` gave another worker or thread, or an import of `membio/openssl.wasm` that is one. */
  module?: WebAssembly.Module
  /** The bytes of openssl.wasm, to be compiled: those of `membio/inline`, for one. */
  bytes?: BufferSource
  /** Where to fetch openssl.wasm from. A server that calls it application/wasm lets it be compiled while it arrives. */
  url?: string | URL
  /**
   * Who computes. 'auto': the runtime's own cryptography (node:crypto) where it was measured to be faster than WebAssembly, which is
   * for long AES-GCM records and RSA private keys on Node and Bun, and nowhere else; 'wasm': OpenSSL in WebAssembly alone, and no key
   * leaves it; 'host': the runtime's cryptography for all that it can do, even where that is slower. The results are the same, bit
   * for bit; the order of default suites is not (`cipherSuites`). Default 'auto': the runtime's code is OpenSSL or BoringSSL, with the
   * processor's AES instructions, and to the runtime the module's memory, with all of its keys, is open anyway.
   */
  acceleration?: Acceleration
  /** Replaces entropy and clock. For tests: a predictable `getrandom` makes every key predictable. */
  dangerousHost?: Partial<Host>
}

let shared: Library | undefined
let pending: Promise<Library> | undefined

/**
 * Loads openssl.wasm. Needed only in browsers and where options are given: elsewhere the first use does it. Calling it again is
 * free; options count in the first call only, and an `init` with options after the library was loaded is an error. One that has
 * failed can be called again.
 */
export function init(options: InitOptions = {}): Promise<void> {
  if (shared && Object.keys(options).length) return Promise.reject(loadedAlready())
  pending ??= shared ? Promise.resolve(shared) : load(options).catch(tryAgain)
  return pending.then(() => undefined)
}

/** A network that was away may come back. */
function tryAgain(error: unknown): never {
  pending = undefined
  throw error
}

const loadedAlready = () =>
  usageError('init: openssl.wasm is loaded already; call init with options before anything else', 'ERR_TLS_INITIALIZED')

/** Before `init` returns, where nothing has to be waited for: whoever does not await it gets what the options say. */
async function load(options: InitOptions): Promise<Library> {
  const acceleration = accelerationFor(options.acceleration)
  const found = moduleFrom(options)
  const module = found instanceof WebAssembly.Module ? found : await found
  if (shared && Object.keys(options).length) throw loadedAlready() // a first use came in between, and could not know the options
  shared ??= new Library(module, { ...webHost, ...options.dangerousHost }, acceleration)
  return shared
}

function accelerationFor(wanted: Acceleration = 'auto'): AccelerationSettings {
  if (!['auto', 'wasm', 'host'].includes(wanted)) {
    throw usageError(`acceleration is ${JSON.stringify(wanted)}; it must be one of auto, wasm, host`)
  }
  if (wanted === 'host' && !hostCrypto) {
    throw usageError("acceleration 'host': this runtime has no cryptography that answers at once; 'auto' does without")
  }
  return { wanted, crypto: hostCrypto }
}

function moduleFrom({ module, bytes, url }: InitOptions): WebAssembly.Module | Promise<WebAssembly.Module> {
  if (module) return module
  if (bytes) return WebAssembly.compile(bytes)
  const found = url ?? opensslModule()
  return found instanceof WebAssembly.Module ? found : fetchModule(found)
}

/** The shared library; loads it where that needs no waiting. */
export function library(): Library {
  if (shared) return shared
  const module = opensslModule()
  if (!(module instanceof WebAssembly.Module)) {
    throw usageError('openssl.wasm has to be fetched here: `await init()` once before anything else', 'ERR_TLS_NOT_INITIALIZED')
  }
  return (shared = new Library(module, webHost, accelerationFor()))
}
