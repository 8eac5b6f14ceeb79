// A clock of the test's own, for the library that all of a process shares: with a variant (variants.ts), preload.ts has loaded that before.
import { init } from '../../src/index.ts'

/** What preload.ts left for us: the clock it has given to the library. */
export interface PreloadedClock {
  now: () => number
}
export const PRELOADED = Symbol.for('membio.test.clock')

/** Before anything else is done with the library. */
export async function replaceClock(now: () => number): Promise<void> {
  const preloaded = (globalThis as { [PRELOADED]?: PreloadedClock })[PRELOADED]
  if (preloaded) preloaded.now = now
  else await init({ dangerousHost: { now } })
}
