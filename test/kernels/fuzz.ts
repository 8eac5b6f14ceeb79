// npm run fuzz:kernels [-- CASES [FAMILY [SEED]]]: random cases through both builds until CASES are done or one differs.
import { compare } from './compare.ts'
import { KernelModule } from './module.ts'

const ROUND = 100_000

const [cases = '5000000', pattern = '', seed = String(Date.now() * 1_000_000)] = process.argv.slice(2)
const kernels = new KernelModule('kernels')
const portable = new KernelModule('portable')
const chosen = [...kernels.families.keys()].filter((which) => kernels.families[which]!.includes(pattern))

if (chosen.length === 0) {
  console.error(`no family has "${pattern}" in its name; there are: ${kernels.families.join(', ')}`)
  process.exit(2)
}
console.log(`${cases} cases from seed ${seed}: ${chosen.map((which) => kernels.families[which]).join(', ')}`)
const began = performance.now()
let done = 0
for (let from = BigInt(seed); done < Number(cases); from += BigInt(ROUND)) {
  for (const which of chosen) {
    const count = Math.min(ROUND, Math.ceil((Number(cases) - done) / chosen.length))
    const difference = compare([kernels, portable], which, from, count)
    if (difference) {
      console.log(`${difference.family}: case ${difference.seed} differs`)
      process.exit(1)
    }
    done += count
    if (done >= Number(cases)) break
  }
}
console.log(`${done} cases, all equal, in ${Math.round((performance.now() - began) / 1000)} s`)
