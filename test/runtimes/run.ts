// `npm run test:runtimes`: one suite on every runtime that membio is for, as its users get it.
//
//   node build/test/runtimes/run.js [--list] [--packages] [--reporter json] [--only RUNTIME,...] [--verbose] [GROUP...]
//
// A row is a group of cases, a column a runtime; GROUP is a part of a group's title. Each cell has to be there: a case that a runtime has
// not reported is a failure, and so is a runtime that is not installed. lacks.ts has the reasons for what is not run. `./build.sh runtimes`
// installs them; --packages prints Debian's packages that are needed.
import { parseArgs } from 'node:util'
import { installPackage } from './bundle.ts'
import { PACKAGES } from './installed.ts'
import { EXCEPTIONS, LACKS } from './lacks.ts'
import { printMatrix, printMissing, printResult, type Cell } from './matrix.ts'
import { certificates } from './certificates.ts'
import { startPeers } from './peers.ts'
import { Cleanups, killAll, type Result, type Run } from './runtime.ts'
import { runChromium } from './runtimes/chromium.ts'
import { runProcess } from './runtimes/process.ts'
import { runWorkerd } from './runtimes/workerd.ts'
import { RUNTIMES, type Briefing, type CaseReport, type Report, type RuntimeName } from './world.ts'

const RUN: Record<RuntimeName, Run> = {
  node20: runProcess('node20'),
  node22: runProcess('node22'),
  node24: runProcess('node24'),
  node26: runProcess('node26'),
  deno: runProcess('deno'),
  bun: runProcess('bun'),
  workerd: runWorkerd,
  chromium: runChromium,
}

const PARALLEL = 2

/** Seconds without a report until a runtime is given up. */
const SILENCE = 120

interface Options {
  mode: 'packages' | 'list' | 'run'
  json: boolean
  verbose: boolean
  runtimes: readonly RuntimeName[]
  wanted: string[]
}

function parseCommandLine(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      packages: { type: 'boolean', default: false },
      reporter: { type: 'string', default: 'lines' },
      only: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  })
  const { list, packages, reporter, only, verbose } = values
  if (reporter !== 'lines' && reporter !== 'json') throw new Error(`--reporter ${reporter}: it is lines or json`)
  const runtimes = only?.split(',').map((name) => {
    const known = RUNTIMES.find((runtime) => runtime === name)
    if (!known) throw new Error(`--only ${name}: there are ${RUNTIMES.join(', ')}`)
    return known
  })
  const mode = packages ? 'packages' : list ? 'list' : 'run'
  return { mode, json: reporter === 'json', verbose, runtimes: runtimes ?? RUNTIMES, wanted: positionals }
}

async function runOne(briefing: Briefing): Promise<Result> {
  const { runtime } = briefing
  const result: Result = { runtime, version: '', seconds: 0, cases: [], problems: [] }
  const t = new Cleanups()
  const began = performance.now()
  let doing = 'starting'
  let give: (error: Error) => void
  const silence = new Promise<never>((_, reject) => (give = reject))
  let watchdog: NodeJS.Timeout | undefined
  const watch = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => give(new Error(`no report for ${SILENCE} s`)), SILENCE * 1000)
  }
  const listen = (report: Report): void => {
    watch()
    if (report.type === 'start') doing = `running "${report.group}: ${report.name}"`
    if (report.type === 'case') result.cases.push(report)
    if (report.type === 'end') result.version = report.version
  }
  try {
    watch()
    await Promise.race([RUN[runtime](briefing, listen, t), silence])
    if (!result.version) result.problems.push(`it ended too early, while ${doing}`)
  } catch (error) {
    result.problems.push(`while ${doing}: ${error instanceof Error ? error.stack : String(error)}`)
  }
  clearTimeout(watchdog)
  await t.cleanUp()
  if (result.problems.length && t.output) result.problems.push(t.output.slice(-4000))
  result.seconds = (performance.now() - began) / 1000
  return result
}

async function runAll(briefings: readonly Briefing[], ended: (result: Result) => void): Promise<Result[]> {
  const queue = [...briefings]
  const results: Result[] = []
  const worker = async () => {
    for (let briefing = queue.shift(); briefing; briefing = queue.shift()) {
      const result = await runOne(briefing)
      results.push(result)
      ended(result)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  return RUNTIMES.flatMap((name) => results.filter(({ runtime }) => runtime === name))
}

/** Every case that any runtime knows has to be there on each of them. */
function missing(results: readonly Result[]): Cell[] {
  const key = ({ group, name }: CaseReport) => `${group}: ${name}`
  const all = new Set(results.flatMap(({ cases }) => cases.map(key)))
  return results.flatMap(({ runtime, cases }) => {
    const there = new Set(cases.map(key))
    const twice = cases.length - there.size
    const gone = [...all].filter((name) => !there.has(name)).map((name) => ({ runtime, what: `${name}: not reported` }))
    return twice ? [...gone, { runtime, what: `${twice} cases were reported twice` }] : gone
  })
}

/** An exception that names no case any more would hide nothing, and look as if it did. */
function staleExceptions(results: readonly Result[]): Cell[] {
  return results.flatMap(({ runtime, cases }) => {
    const isThere = (group: string, name: string) => cases.some((one) => one.group === group && one.name === name)
    const stale = (EXCEPTIONS[runtime] ?? []).filter(({ group, name }) => !isThere(group, name))
    return stale.map(({ group, name }) => ({ runtime, what: `lacks.ts names a case that is not there: ${group}: ${name}` }))
  })
}

async function main(): Promise<number> {
  const { mode, json, verbose, runtimes, wanted } = parseCommandLine()
  if (mode === 'packages') console.log(PACKAGES.join('\n'))
  if (mode === 'list') console.log(runtimes.join('\n'))
  if (mode !== 'run') return 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => (killAll(), process.exit(1)))
  process.on('exit', killAll)
  installPackage()
  const t = new Cleanups()
  const known = certificates()
  try {
    const peers = await startPeers(t, known)
    const common = { certificates: known, peers, wanted }
    const briefings = runtimes.map((runtime) => ({ ...common, runtime, lacks: LACKS[runtime], exceptions: EXCEPTIONS[runtime] ?? [] }))
    const results = await runAll(briefings, (result) => json || printResult(result))
    const absent = [...missing(results), ...(wanted.length ? [] : staleExceptions(results))]
    const cases = results.flatMap((result) => result.cases)
    const passed = cases.filter(({ outcome }) => outcome === 'passed').length
    const failures = cases.filter(({ outcome }) => outcome === 'failed').length
    const failed = failures + absent.length + results.reduce((sum, { problems }) => sum + problems.length, 0)
    if (json) {
      console.log(JSON.stringify({ passed, failed, missing: absent, runtimes: results }))
    } else {
      printMissing(results, absent)
      printMatrix(results, verbose ? 'cases' : 'groups')
      console.log(`${passed} passed, ${failed} failed`)
    }
    return failed || !passed ? 1 : 0
  } finally {
    await t.cleanUp()
  }
}

process.exitCode = await main()
