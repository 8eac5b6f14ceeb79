// One instantiated openssl.wasm: checks that it is the module these bindings were made for, gives it its imports, and holds
// its memory. Knows nothing of TLS.
import { Accelerator, type AccelerationSettings } from './acceleration.ts'
import { ABI_VERSION, EXPORT_NAMES, TLS_DONE, type Exports, type Pointer } from './generated.ts'
import { Memory } from './memory.ts'
import { PskChoosers, type PskArguments } from './psk-choosers.ts'
import { Signers, type SignArguments } from './signers.ts'

/** What the module asks of its host. Both can be replaced, for deterministic tests. */
export interface Host {
  /** Fills bytes with cryptographically strong randomness, or throws: then every random operation fails. */
  getrandom(bytes: Uint8Array<ArrayBuffer>): void
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** The Web platform's entropy and clock, which every runtime has. Nothing is touched before OpenSSL asks. */
export const webHost: Host = {
  getrandom(bytes) {
    // 65,536 bytes is the Web Crypto API's limit for one call; OpenSSL asks for some 50.
    crypto.getRandomValues(bytes)
  },
  now: () => Date.now(),
}

const IMPORTS = ['aead', 'drop_key', 'getrandom', 'import_key', 'now', 'psk', 'rsa', 'sign'].map((name) => `membio.${name}`)

const UNACCELERATED: AccelerationSettings = { wanted: 'wasm', crypto: undefined }

export class Library {
  readonly exports: Exports
  readonly memory: Memory
  /** Private keys that are somewhere else. */
  readonly signers: Signers = new Signers()
  /** Clients that choose a pre-shared key by the server's hint. */
  readonly pskChoosers: PskChoosers = new PskChoosers()
  /** What the host computes. */
  readonly accelerator: Accelerator
  /** The module, to be shared with workers: compiling it again would cost them time and memory. */
  readonly module: WebAssembly.Module
  /** "OpenSSL 3.5.7 9 Jun 2026" */
  readonly version: string
  /** Where plaintext passes on its way between JavaScript and OpenSSL. Its content lasts for one call. */
  readonly scratch: Pointer
  readonly scratchSize = 65536
  /** Room for one uint32_t that a call writes. */
  readonly scratchWord: Pointer

  constructor(module: WebAssembly.Module, host: Host = webHost, acceleration: AccelerationSettings = UNACCELERATED) {
    assertContract(module)
    this.accelerator = new Accelerator(acceleration, () => this.memory)
    const instance = new WebAssembly.Instance(module, { membio: this.#imports(host) })
    const { memory, _initialize, ...exports } = instance.exports as Record<string, unknown>
    this.module = module
    this.exports = exports as unknown as Exports
    this.memory = new Memory(memory as WebAssembly.Memory, this.exports)
    ;(_initialize as () => void)()
    if (this.exports.tls_library_abi() !== ABI_VERSION) {
      throw new Error(`openssl.wasm has ABI version ${this.exports.tls_library_abi()}, this package needs ${ABI_VERSION}: update both together`)
    }
    if (this.exports.tls_library_init() !== TLS_DONE) {
      throw new Error(`OpenSSL did not start: ${this.memory.error(this.exports.tls_library_error()).stack}`)
    }
    this.accelerator.start(this.exports)
    this.version = this.memory.text(this.exports.tls_library_version())
    this.scratch = this.exports.tls_memory_alloc(this.scratchSize)
    this.scratchWord = this.exports.tls_memory_alloc(4)
  }

  /** Contexts and connections that nobody has freed. */
  get liveHandles(): number {
    return this.exports.tls_library_live()
  }

  #imports(host: Host): Record<string, CallableFunction> {
    return {
      now: () => host.now(),
      // Fails closed: OpenSSL is told of the failure and gives out no random byte.
      getrandom: (out: number, length: number): number => {
        const bytes = new Uint8Array(length) // of its own: some runtimes refuse views on a WebAssembly memory
        try {
          host.getrandom(bytes)
        } catch {
          return -1
        }
        this.memory.u8.set(bytes, out)
        bytes.fill(0)
        return 0
      },
      sign: (...args: SignArguments) => this.signers.sign(this.exports, this.memory, args),
      psk: (...args: PskArguments) => this.pskChoosers.choose(this.exports, this.memory, args),
      ...this.accelerator.imports(),
    }
  }
}

/** The import list is asserted: no file system, no sockets, nothing that a newer build might slip in. */
function assertContract(module: WebAssembly.Module): void {
  const imports = WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`)
  const unknown = imports.filter((name) => !IMPORTS.includes(name))
  if (unknown.length) throw new Error(`openssl.wasm asks for imports it must not have: ${unknown.join(', ')}`)
  const present = new Set(WebAssembly.Module.exports(module).map((e) => e.name))
  const missing = EXPORT_NAMES.filter((name) => !present.has(name))
  if (missing.length) throw new Error(`openssl.wasm lacks ${missing.join(', ')}: it does not belong to this version of membio`)
}
