// Cases drawn from the same seeds in both builds; where the digests of their answers part, the first case that does it.
import type { KernelModule } from './module.ts'

const BATCH = 500

export interface Difference {
  family: string
  /** Draws the case again: `npm run fuzz:kernels -- 1 FAMILY SEED`. */
  seed: bigint
}

/** Runs `count` cases of a family; undefined when all answers were equal. */
export function compare(
  [kernels, portable]: readonly [KernelModule, KernelModule],
  family: number,
  seed: bigint,
  count: number,
): Difference | undefined {
  for (let done = 0; done < count; done += BATCH) {
    const size = Math.min(BATCH, count - done)
    const from = seed + BigInt(done)
    if (kernels.fuzz(family, from, size) === portable.fuzz(family, from, size)) continue
    for (let i = 0n; i < size; i++) {
      if (kernels.fuzz(family, from + i, 1) !== portable.fuzz(family, from + i, 1)) {
        return { family: kernels.families[family]!, seed: from + i }
      }
    }
    throw new Error('a batch differs, but none of its cases alone: a case leaves something behind')
  }
  return undefined
}
