// One of the two modules that test/kernels/*.c is linked into, with its exports by their names.
import { existsSync, readFileSync } from 'node:fs'
import { Library } from '../../src/abi/library.ts'
import { repository } from '../support/paths.ts'

interface Exports {
  kernels_family(which: number): number
  kernels_fuzz(which: number, seed: bigint, count: number): bigint
  kernels_measure(which: number): number
  kernels_prepare(which: number, size: number): void
  kernels_run(which: number, size: number, times: number): void
}

/** A build of the kernel tests: with wasm/simd, or with OpenSSL's C alone. */
export type Build = 'kernels' | 'portable'

const FILES: Record<Build, string> = {
  kernels: `${repository}build/wasm/primitives.wasm`,
  portable: `${repository}build/wasm/primitives-portable.wasm`,
}

export const modulesAreBuilt = (): boolean => Object.values(FILES).every(existsSync)

export class KernelModule {
  readonly families: readonly string[]
  readonly measures: readonly string[]
  readonly #exports: Exports

  constructor(build: Build) {
    const library = new Library(new WebAssembly.Module(readFileSync(FILES[build])))
    this.#exports = library.exports as unknown as Exports
    const names = (name: (which: number) => number) => {
      const all: string[] = []
      for (let at = name(0); at !== 0; at = name(all.length)) all.push(library.memory.text(at))
      return all
    }
    this.families = names((which) => this.#exports.kernels_family(which))
    this.measures = names((which) => this.#exports.kernels_measure(which))
  }

  /** A digest of the answers to `count` cases drawn from `seed` and the seeds after it. */
  fuzz(family: number, seed: bigint, count: number): bigint {
    return BigInt.asUintN(64, this.#exports.kernels_fuzz(family, seed, count))
  }

  /** Seconds for `times` operations, after `prepare`. */
  measure(which: number, size: number, times: number): number {
    const began = performance.now()
    this.#exports.kernels_run(which, size, times)
    return (performance.now() - began) / 1000
  }

  prepare(which: number, size: number): void {
    this.#exports.kernels_prepare(which, size)
  }
}
