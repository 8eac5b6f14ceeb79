// The host's side of wasm/acceleration.c: AES-GCM records and RSA private operations that the runtime's own cryptography does faster.
// Whatever it declines, or fails at, OpenSSL does itself: the result is the same, and only slower.
import type { Exports, Pointer } from './generated.ts'
import type { Memory } from './memory.ts'

/** Who computes: see `InitOptions.acceleration`. */
export type Acceleration = 'auto' | 'wasm' | 'host'

export type PreferredCipher = 'ChaCha20-Poly1305' | 'AES-128-GCM'

/**
 * Cryptography of the runtime's that answers at once; `#host-crypto` is the runtime's own. Bytes are views of WebAssembly's memory, to
 * be used during the call only. Each function may throw: then nothing may have been written.
 */
export interface HostCrypto<Key = unknown> {
  /** From how many bytes on the text of an AES-GCM record is done faster than in WebAssembly; 0: never. */
  readonly aesGcmFrom: number
  /** Whether RSA private operations are. */
  readonly rsaIsFaster: boolean
  /** Whether AES-128-GCM, with long records here and short ones in WebAssembly, beats WebAssembly's ChaCha20-Poly1305 at most sizes. */
  readonly aesBeatsChaCha: boolean
  /** A key of AES, raw. */
  aesKey(bytes: Uint8Array): Key
  /** A private key of RSA: PKCS#1's RSAPrivateKey in DER. */
  rsaKey(der: Uint8Array): Key
  /** Writes the ciphertext, then the tag. */
  seal(key: Key, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array, out: Uint8Array, tag: Uint8Array): void
  /** False: the tag is wrong, and nothing is written. */
  open(key: Key, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array, out: Uint8Array, tag: Uint8Array): boolean
  /** number^d modulo n, in place. */
  power(key: Key, number: Uint8Array): void
}

/** As membio_aead declares them. */
type AeadArguments = [
  key: number,
  direction: number,
  nonce: Pointer,
  aad: Pointer,
  aadLength: number,
  text: Pointer,
  length: number,
  out: Pointer,
  tag: Pointer,
]

/** As wasm/acceleration.h has them. */
const KEY_AES = 0
const DECLINED = 0
const DONE = 1
const WRONG_TAG = 2
const OPEN = 0
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What a library is made with. */
export interface AccelerationSettings {
  wanted: Acceleration
  /** undefined: the runtime has none that would do. */
  crypto: HostCrypto | undefined
}

export class Accelerator {
  readonly wanted: Acceleration
  readonly #host: HostCrypto | undefined
  readonly #memory: () => Memory
  readonly #keys = new Map<number, unknown>()
  #last = 0

  constructor({ wanted, crypto }: AccelerationSettings, memory: () => Memory) {
    this.wanted = wanted
    this.#host = wanted === 'wasm' ? undefined : crypto
    this.#memory = memory
  }

  /** How many keys the host has copies of; for leak tests. */
  get size(): number {
    return this.#keys.size
  }

  /** Which suites should come first where nobody says. */
  get preferredCipher(): PreferredCipher {
    const isHosts = this.#host && (this.wanted === 'host' || this.#host.aesBeatsChaCha)
    return isHosts ? 'AES-128-GCM' : 'ChaCha20-Poly1305'
  }

  /** Tells the module what to ask for: everything, whatever it costs, or what pays. */
  start(exports: Exports): void {
    if (!this.#host) return
    if (this.wanted === 'host') exports.tls_library_accelerate(1, 1)
    else exports.tls_library_accelerate(this.#host.aesGcmFrom, Number(this.#host.rsaIsFaster))
  }

  /** What the module imports. Nothing may be thrown through its frames. */
  imports(): Record<string, CallableFunction> {
    return {
      import_key: (kind: number, bytes: Pointer, length: number) => this.#importKey(kind, this.#view(bytes, length)),
      drop_key: (id: number) => void this.#keys.delete(id),
      aead: (...args: AeadArguments) => this.#aead(args),
      rsa: (id: number, number: Pointer, length: number) => this.#rsa(id, this.#view(number, length)),
    }
  }

  /** A number for the key, or 0. */
  #importKey(kind: number, bytes: Uint8Array): number {
    try {
      const key = kind === KEY_AES ? this.#host!.aesKey(bytes) : this.#host!.rsaKey(bytes)
      do this.#last = (this.#last + 1) % 0x7fffffff || 1
      while (this.#keys.has(this.#last))
      this.#keys.set(this.#last, key)
      return this.#last
    } catch {
      return 0
    }
  }

  #aead([id, direction, nonce, aad, aadLength, text, length, out, tag]: AeadArguments): number {
    const { u8 } = this.#memory()
    const view = (at: Pointer, size: number) => u8.subarray(at, at + size)
    const bytes = [view(nonce, NONCE_BYTES), view(aad, aadLength), view(text, length), view(out, length), view(tag, TAG_BYTES)] as const
    try {
      if (direction === OPEN) return this.#host!.open(this.#keys.get(id), ...bytes) ? DONE : WRONG_TAG
      this.#host!.seal(this.#keys.get(id), ...bytes)
      return DONE
    } catch {
      return DECLINED
    }
  }

  #rsa(id: number, number: Uint8Array): number {
    try {
      this.#host!.power(this.#keys.get(id), number)
      return DONE
    } catch {
      return DECLINED
    }
  }

  #view(at: Pointer, length: number): Uint8Array {
    return this.#memory().u8.subarray(at, at + length)
  }
}
