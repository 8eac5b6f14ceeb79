// Single primitives: openssl.wasm against the same module without wasm/simd. Ratios are what counts, and they are taken in one run:
// short runs of both in turn, and the median of all pairs, so that a busy machine slows both alike.
//
//   ./build.sh kernels ts && node build/bench/primitives.js [part of a name] [rounds]
import { KernelModule } from '../test/kernels/module.ts'

/** Milliseconds that one run should take: long against the clock's resolution, short against a scheduler's turn. */
const RUN = 2
const SIZES = [16384, 4096, 1024, 256]

const [pattern = '', rounds = '61'] = process.argv.slice(2)
const kernels = new KernelModule('kernels')
const portable = new KernelModule('portable')

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

/** How often `which` has to run to fill RUN, warmed up on the way. */
function timesFor(module: KernelModule, which: number, size: number): number {
  module.measure(which, size, 1)
  let times = 1
  while (module.measure(which, size, times) * 1000 < RUN) times *= 2
  return times
}

/** Seconds for one operation, and how many times faster the kernels are. */
function compare(which: number, size: number): { fast: number; slow: number; ratio: number } {
  const modules = [kernels, portable] as const
  for (const module of modules) module.prepare(which, size)
  const times = modules.map((module) => timesFor(module, which, size))
  const fast: number[] = []
  const slow: number[] = []
  for (let round = 0; round < Number(rounds); round++) {
    fast.push(kernels.measure(which, size, times[0]!) / times[0]!)
    slow.push(portable.measure(which, size, times[1]!) / times[1]!)
  }
  const ratio = median(slow.map((seconds, i) => seconds / fast[i]!))
  return { fast: median(fast), slow: median(slow), ratio }
}

const cell = (value: string, width: number): string => value.padStart(width)
const rate = (seconds: number, size: number): string =>
  size === 0 ? `${Math.round(1 / seconds)} /s` : `${(size / seconds / 1e6).toFixed(0)} MB/s`

console.log(`Node ${process.versions.node}, V8 ${process.versions.v8}`)
console.log(`${'primitive'.padEnd(28)}${cell('bytes', 7)}${cell('C', 14)}${cell('kernels', 14)}${cell('ratio', 8)}`)
kernels.measures.forEach((name, which) => {
  if (!name.includes(pattern)) return
  for (const size of name.endsWith('/s') ? [0] : SIZES) {
    const { fast, slow, ratio } = compare(which, size)
    const cells = [cell(size ? String(size) : '', 7), cell(rate(slow, size), 14), cell(rate(fast, size), 14), cell(ratio.toFixed(2), 8)]
    console.log(name.padEnd(28) + cells.join(''))
  }
})
