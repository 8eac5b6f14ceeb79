// `npm run test:variants`: the tests of what membio does, with each of the variants in support/variants.ts. Ends with `N passed, N
// failed`, of all.
//
//   node build/test/variants.js [--reduced] [SUBSTRING...]
//
// What is tested of loading, of the module and of its parts is left out: there a variant makes no sense. --reduced is what continuous
// integration runs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { VARIANTS, type Variant } from './support/variants.ts'

const ALL = ['engine/', 'https/', 'interop/', 'samples/', 'streams/', 'sync/', 'tls/', 'transport/', 'x509/']
const REDUCED = ['engine/', 'interop/', 'https/bulk', 'tls/pressure']

/** Runs the tests, passes their words on, and reads the counts from the last line. */
async function runWith(variant: Variant, wanted: readonly string[]): Promise<{ passed: number; failed: number }> {
  console.log(`== with ${variant}`)
  const child = spawn(process.execPath, [fileURLToPath(new URL('./run.js', import.meta.url)), '--with', variant, ...wanted], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let last = ''
  for await (const line of createInterface(child.stdout)) console.log((last = line))
  if (child.exitCode === null) await once(child, 'exit')
  const counts = /^(\d+) passed, (\d+) failed/.exec(last)
  const [passed, failed] = [Number(counts?.[1] ?? 0), Number(counts?.[2] ?? 1)]
  return { passed, failed: child.exitCode === 0 ? failed : Math.max(1, failed) }
}

const [first, ...rest] = process.argv.slice(2)
const given = first === '--reduced' ? rest : process.argv.slice(2)
const wanted = given.length ? given : first === '--reduced' ? REDUCED : ALL
let [passed, failed] = [0, 0]
for (const variant of VARIANTS) {
  const counts = await runWith(variant, wanted)
  passed += counts.passed
  failed += counts.failed
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
