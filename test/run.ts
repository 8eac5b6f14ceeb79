// `npm test`: runs the test files, each in a process of its own, at most two at a time, and ends with `N passed, N failed`.
//
//   node build/test/run.js [--list] [--reporter json] [--verbose] [--update-floor] [--with VARIANT] [SUBSTRING...]
//
// Only files whose path contains one of the substrings are run; without one all. No file may have fewer cases than test/floor.json
// says: one that quietly stopped registering some of them is noticed, and so is one that is gone. --with has every process of the tests begin
// with another openssl.wasm, or another `acceleration`: see support/variants.ts.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ALLOWED_SKIPS } from './skips.ts'
import { killAll, runFile, type CaseResult, type FileResult } from './support/run-file.ts'
import { nodeOptionsFor, VARIANTS, type Variant } from './support/variants.ts'

const PARALLEL = 2
const sources = new URL('../../test/', import.meta.url)
const compiled = new URL('./', import.meta.url)
const floorFile = new URL('floor.json', sources)

interface Options {
  list: boolean
  json: boolean
  verbose: boolean
  updateFloor: boolean
  variant: Variant | undefined
  wanted: string[]
}

type NamedResult = FileResult & { file: string }

function parseCommandLine(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      reporter: { type: 'string', default: 'lines' },
      verbose: { type: 'boolean', default: false },
      'update-floor': { type: 'boolean', default: false },
      with: { type: 'string' },
    },
  })
  const { list, reporter, verbose } = values
  if (reporter !== 'lines' && reporter !== 'json') throw new Error(`--reporter ${reporter}: it is lines or json`)
  if (values['update-floor'] && positionals.length) throw new Error('--update-floor is about all files: give no substring')
  const variant = VARIANTS.find((each) => each === values.with)
  if (values.with !== undefined && !variant) throw new Error(`--with ${values.with}: it is ${VARIANTS.join(', ')}`)
  return { list, json: reporter === 'json', verbose, updateFloor: values['update-floor'], variant, wanted: positionals }
}

/** Paths of *.test.ts below test/, without the extension: the sources decide, not what an older build has left behind. */
function findFiles(wanted: readonly string[]): string[] {
  const all = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.ts'))
  const files = all.map((path) => path.slice(0, -'.test.ts'.length)).sort()
  return wanted.length ? files.filter((file) => wanted.some((part) => file.includes(part))) : files
}

async function runAll(files: readonly string[], env: NodeJS.ProcessEnv, ended: (result: NamedResult) => void): Promise<NamedResult[]> {
  const queue = [...files]
  const results: NamedResult[] = []
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = { file, ...(await runFile(fileURLToPath(new URL(`${file}.test.js`, compiled)), { env })) }
      results.push(result)
      ended(result)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  return results
}

const count = (cases: readonly CaseResult[], type: CaseResult['type']) => cases.filter((c) => c.type === type).length

/** A skip that may not happen here is a problem of its file. */
function refuseSkips(result: NamedResult): void {
  if (process.env.CI !== 'true') return
  for (const { suite, name, skip } of result.cases) {
    if (skip && !(skip.kind in ALLOWED_SKIPS))
      result.problems.push(`in CI nothing may be skipped as "${skip.kind}": ${suite}: ${name} (${skip.reason})`)
  }
}

type Floor = Record<string, number>

const readFloor = () => JSON.parse(readFileSync(floorFile, 'utf8')) as Floor

function writeFloor(results: readonly NamedResult[]): void {
  const rows = results.map(({ file, cases }) => [file, cases.length] as const).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(floorFile, `${JSON.stringify(Object.fromEntries(rows), null, 2)}\n`)
}

/** A file that skips something may stand with one case for many. */
function checkFloor(floor: Floor, { file, cases, problems }: NamedResult): void {
  const least = floor[file] ?? 1
  if (cases.length >= least || cases.some((c) => c.skip)) return
  problems.push(`only ${cases.length} cases, ${least} were there before: they have gone missing (or run all with --update-floor)`)
}

const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')

function printFile({ file, cases, problems, seconds }: NamedResult): void {
  const failed = count(cases, 'failed') + problems.length
  const skipped = count(cases, 'skipped')
  const counts = [`${count(cases, 'passed')} passed`, failed && `${failed} failed`, skipped && `${skipped} skipped`].filter(Boolean)
  console.log(`${failed ? 'FAIL' : 'ok  '} ${file.padEnd(34)} ${seconds.toFixed(1).padStart(5)} s  ${counts.join(', ')}`)
}

function printFailures({ file, cases, problems, stdout, stderr }: NamedResult, verbose: boolean): void {
  const failures = cases.filter((c) => c.failure)
  for (const { suite, name, failure } of failures) {
    console.log(`\nFAIL ${file}: ${suite}: ${name}\n${indent(failure!.stack)}`)
    if (failure!.details) console.log(indent(failure!.details))
  }
  for (const problem of problems) console.log(`\nFAIL ${file}\n${indent(problem)}`)
  if ((failures.length || problems.length) && stderr) console.log(`\nstderr of ${file}:\n${indent(stderr)}`)
  if (verbose && stdout) console.log(`\nstdout of ${file}:\n${indent(stdout)}`)
}

function printSkips(results: readonly NamedResult[]): void {
  for (const { file, cases } of results) {
    for (const { suite, name, skip } of cases) if (skip) console.log(`skip ${file}: ${suite}: ${name}\n    ${skip.kind}: ${skip.reason}`)
  }
}

async function main(): Promise<number> {
  const options = parseCommandLine()
  const files = findFiles(options.wanted)
  if (options.list) {
    console.log(files.join('\n'))
    return 0
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (killAll(), process.exit(1)))
  const floor = options.updateFloor ? {} : readFloor()
  const env = options.variant ? { NODE_OPTIONS: nodeOptionsFor(options.variant) } : {}
  const results = await runAll(files, env, (result) => {
    refuseSkips(result)
    checkFloor(floor, result)
    if (!options.json) printFile(result)
  })
  if (options.updateFloor) writeFloor(results)
  const gone = options.wanted.length ? [] : Object.keys(floor).filter((file) => !files.includes(file))
  const missing = gone.map((file) => `${file} has gone missing (or run all with --update-floor)`)
  if (!files.length) missing.push(`no test file matches ${options.wanted.join(' ')}`)
  const cases = results.flatMap((result) => result.cases)
  const problems = [...results.flatMap((result) => result.problems), ...missing]
  const passed = count(cases, 'passed')
  const failed = count(cases, 'failed') + problems.length
  const skipped = count(cases, 'skipped')
  if (options.json) {
    console.log(JSON.stringify({ passed, failed, skipped, problems, files: results }))
  } else {
    results.forEach((result) => printFailures(result, options.verbose))
    for (const problem of missing) console.log(`\nFAIL ${problem}`)
    printSkips(results)
    console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`)
  }
  return failed || passed + skipped !== cases.length ? 1 : 0
}

process.exitCode = await main()
