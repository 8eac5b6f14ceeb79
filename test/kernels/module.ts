// One of the two modules that test/kernels/*.c is linked into, with its exports by their names.
import { existsSync, readFileSync } from 'node:fs'
import type { AccelerationSettings } from '../../src/abi/acceleration.ts'
import { Library, webHost } from '../../src/abi/library.ts'
import { repository } from '../support/paths.ts'

interface Exports {
  kernels_family(which: number): number
  kernels_fuzz(which: number, seed: bigint, count: number): bigint
  kernels_measure(which: number): number
  kernels_prepare(which: number, size: number): void
  kernels_run(which: number, size: number, times: number): void
  kernels_cipher(...args: number[]): number
  kernels_poly1305(key: number, message: number, length: number, tag: number): void
  kernels_answer(name: number, fields: number, out: number): number
}

/** Of what answers.c takes and gives. */
const FIELDS = 6
const MOST_BYTES = 512

/** A build of the kernel tests: with wasm/simd, or with OpenSSL's C alone. */
export type Build = 'kernels' | 'portable'

const FILES: Record<Build, string> = {
  kernels: `${repository}build/wasm/primitives.wasm`,
  portable: `${repository}build/wasm/primitives-portable.wasm`,
}

export const modulesAreBuilt = (): boolean => Object.values(FILES).every(existsSync)

/** What a cipher takes besides the text. Without a tag the cipher is not an AEAD. */
export interface CipherInput {
  cipher: string
  key: Uint8Array
  iv: Uint8Array
  aad: Uint8Array
  tag: Uint8Array
}

export class KernelModule {
  readonly families: readonly string[]
  readonly measures: readonly string[]
  readonly #library: Library
  readonly #exports: Exports

  /** @param acceleration undefined: none */
  constructor(build: Build, acceleration?: AccelerationSettings) {
    this.#library = new Library(new WebAssembly.Module(readFileSync(FILES[build])), webHost, acceleration)
    this.#exports = this.#library.exports as unknown as Exports
    this.families = this.#names((which) => this.#exports.kernels_family(which))
    this.measures = this.#names((which) => this.#exports.kernels_measure(which))
  }

  /** A digest of the answers to `count` cases drawn from `seed` and the seeds after it. */
  fuzz(family: number, seed: bigint, count: number): bigint {
    return BigInt.asUintN(64, this.#exports.kernels_fuzz(family, seed, count))
  }

  /** Before `measure`, for each size. */
  prepare(which: number, size: number): void {
    this.#exports.kernels_prepare(which, size)
  }

  /** Seconds for `times` operations. */
  measure(which: number, size: number, times: number): number {
    const began = performance.now()
    this.#exports.kernels_run(which, size, times)
    return (performance.now() - began) / 1000
  }

  /** Ciphertext and tag. */
  encrypt(input: CipherInput, plaintext: Uint8Array): { ciphertext: Uint8Array; tag: Uint8Array } {
    const result = this.#cipher(input, plaintext, 1)
    if (!result) throw new Error(`${input.cipher} does not encrypt`)
    return { ciphertext: result.text, tag: result.tag }
  }

  /** The plaintext; undefined if the tag is wrong. */
  decrypt(input: CipherInput, ciphertext: Uint8Array): Uint8Array | undefined {
    return this.#cipher(input, ciphertext, 0)?.text
  }

  poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
    return this.#lend([key, message, new Uint8Array(16)], ([atKey, atMessage, atTag]) => {
      this.#exports.kernels_poly1305(atKey!, atMessage!, message.length, atTag!)
      return this.#read(atTag!, 16)
    })
  }

  /** One of the operations of answers.c; undefined when it refuses. */
  answer(operation: string, ...fields: Uint8Array[]): Uint8Array | undefined {
    const all = [...fields, ...Array.from({ length: FIELDS - fields.length }, () => new Uint8Array(0))]
    const packed = all.map((field) => [...new Uint8Array(Uint32Array.of(field.length).buffer), ...field])
    const name = new TextEncoder().encode(`${operation}\0`)
    return this.#lend([name, Uint8Array.from(packed.flat()), new Uint8Array(MOST_BYTES)], ([atName, atFields, atOut]) => {
      const length = this.#exports.kernels_answer(atName!, atFields!, atOut!)
      return length < 0 ? undefined : this.#read(atOut!, length)
    })
  }

  #cipher(input: CipherInput, text: Uint8Array, encrypt: number): { text: Uint8Array; tag: Uint8Array } | undefined {
    const { cipher, key, iv, aad, tag } = input
    const name = new TextEncoder().encode(`${cipher}\0`)
    const room = new Uint8Array(text.length + 16)
    const givenTag = encrypt ? new Uint8Array(tag.length) : tag
    return this.#lend([name, key, iv, aad, text, room, givenTag], ([atName, atKey, atIv, atAad, atText, atOut, atTag]) => {
      const ok = this.#exports.kernels_cipher(
        ...[atName!, encrypt, atKey!, atIv!, iv.length, atAad!, aad.length, atText!, text.length, atOut!, atTag!, tag.length],
      )
      return ok ? { text: this.#read(atOut!, text.length), tag: this.#read(atTag!, tag.length) } : undefined
    })
  }

  /** Copies bytes into the module for the time of a call. */
  #lend<Result>(parts: Uint8Array[], call: (at: number[]) => Result): Result {
    const { exports, memory } = this.#library
    const pointers = parts.map((bytes) => {
      const at = exports.tls_memory_alloc(bytes.length)
      memory.u8.set(bytes, at)
      return at
    })
    try {
      return call(pointers)
    } finally {
      pointers.forEach((at, i) => exports.tls_memory_free(at, parts[i]!.length))
    }
  }

  #read = (at: number, length: number): Uint8Array => this.#library.memory.u8.slice(at, at + length)

  #names(name: (which: number) => number): string[] {
    const all: string[] = []
    for (let at = name(0); at !== 0; at = name(all.length)) all.push(this.#library.memory.text(at as never))
    return all
  }
}
