// `npm run bench`: the command line. It picks cases, has them measured one after the other, and gives the results to the reports.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CASES } from './cases/index.ts'
import { repository, type Case, type Tools } from './cases/case.ts'
import { makeCertificates } from './certificates.ts'
import { Harness, type Settings } from './harness.ts'
import { machine, versions } from './machine.ts'
import { startServer } from './native-server.ts'
import { updated } from './report-markdown.ts'
import { plot } from './report-svg.ts'
import { digits, lines } from './report-text.ts'
import { isFigure, type Results, type Row } from './results.ts'
import { judge, MARGIN, TARGETS } from './targets.ts'

const HELP = `npm run bench [-- [options] [names...]]

Measures membio against its own C, the runtimes' TLS, and other TLS in JavaScript. A name picks the cases whose family or name has it in
it; without one all are run. Install what it compares with first: ./build.sh kernels bench

  --list             the cases' names, and nothing else
  --quick            fewer and shorter samples, less warm-up: enough to see a factor of two; membio looks slower than it is
  --rounds N         samples of each contender (default 15; quick 5)
  --milliseconds N   how long one sample takes (default 50; quick 20)
  --connections N    how many are idle (default 10000; quick 1000)
  --json FILE        writes the results there, too
  --write            writes performance.md, .svg and .json in docs/; what people have written around the figures stays
  --to FOLDER        writes them there instead
  --from FILE        measures nothing: takes the results from a file that --json has written
  --check            compares with the targets; exit code 1 if one is missed. Without names, only cases that have a target are run
  --help             this text

Figures are medians. "membio is" tells how many times better membio does than the contender of that line: the median of all rounds, and
the middle half of them. CPU time is that of the contender's process. MEMBIO_BENCH_NODE, _DENO, _BUN and _CHROMIUM name other programs.
`

class UsageError extends Error {}

interface Options {
  names: string[]
  list: boolean
  write: string | undefined
  check: boolean
  json: string | undefined
  from: string | undefined
  settings: Settings
}

/** Prints the help, and answers with nothing, where that is all that was wanted. */
function parseCommandLine(args: string[]): Options | undefined {
  const flag = { type: 'boolean', default: false } as const
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ list: flag, quick: flag, write: flag, check: flag, help: flag },
      ...{ json: text, from: text, to: text, rounds: text, milliseconds: text, connections: text },
    },
  })
  if (values.help) return void console.log(HELP)
  const { list, check, json, from, quick } = values
  const write = values.to ?? (values.write ? `${repository}docs` : undefined)
  const defaults = quick ? QUICK : FULL
  const number = (name: 'rounds' | 'milliseconds' | 'connections') => {
    const given = values[name] === undefined ? defaults[name] : Number(values[name])
    if (!(given > 0)) throw new UsageError(`--${name} ${values[name]}: it is a number above zero`)
    return given
  }
  const milliseconds = number('milliseconds')
  const warmUp = Math.min(defaults.warmUp, milliseconds * 10)
  const settings = { rounds: number('rounds'), milliseconds, warmUp, connections: number('connections') }
  return { names: positionals, list, write, check, json, from, settings }
}

const FULL: Settings = { rounds: 15, milliseconds: 50, warmUp: 500, connections: 10_000 }
const QUICK: Settings = { rounds: 5, milliseconds: 20, warmUp: 200, connections: 1_000 }

function pick({ names, check }: Options): Case[] {
  const all = check && !names.length ? CASES.filter(({ family, name }) => TARGETS.some(({ row }) => row === `${family}: ${name}`)) : CASES
  const cases = all.filter(({ family, name }) => !names.length || names.some((part) => `${family}: ${name}`.includes(part)))
  if (!cases.length) throw new UsageError(`no case has ${names.join(' or ')} in its name (--list shows all)`)
  return cases
}

async function measure(cases: readonly Case[], settings: Settings): Promise<Results> {
  const { rounds, milliseconds, connections } = settings
  const certificates = makeCertificates()
  const server = await startServer(certificates)
  const given = { certificates, server: server.address }
  const harness = new Harness(settings, given)
  const tools: Tools = { harness, settings, given }
  const rows: Row[] = []
  try {
    for (const [at, { family, name, run }] of cases.entries()) {
      if (cases[at - 1]?.family !== family) await harness.end()
      console.error(`[${at + 1}/${cases.length}] ${family}: ${name}`)
      const row = await run(tools)
      rows.push(row)
      console.log(lines(row).join('\n'))
    }
  } finally {
    await harness.end()
    await server.stop()
  }
  const date = new Date().toISOString().slice(0, 10)
  return { date, versions: versions(), machine: machine(), settings: { rounds, milliseconds, connections }, rows }
}

function write(folder: string, results: Results): void {
  const document = join(folder, 'performance.md')
  const present = existsSync(document) ? readFileSync(document, 'utf8') : undefined
  writeFileSync(document, updated(present, results))
  writeFileSync(join(folder, 'performance.svg'), plot(results))
  writeFileSync(join(folder, 'performance.json'), json(results))
}

/** Numbers are as long as they mean something. */
const json = (results: Results): string =>
  `${JSON.stringify(results, (_key, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value), 1)}\n`

/** @returns how many are missed */
function check(results: Results): number {
  const judged = TARGETS.map((target) => judge(target, results, MARGIN))
  console.log(`\nTargets, with a margin: ${MARGIN} of each is enough`)
  for (const { target, reached, verdict, why } of judged) {
    if (!results.rows.some(({ family, name }) => `${family}: ${name}` === target.row)) continue
    const wanted = target.atLeast ? `at least ${target.atLeast.times} × ${target.atLeast.against}` : `at most ${target.atMost}`
    console.log(`  ${verdict.padEnd(14)}${target.figure.padEnd(52)}${wanted.padEnd(36)}${reached ? digits(reached.median) : (why ?? '')}`)
  }
  return judged.filter(({ verdict }) => verdict === 'missed').length
}

async function main(): Promise<number> {
  const options = parseCommandLine(process.argv.slice(2))
  if (!options) return 0
  const cases = pick(options)
  if (options.list) {
    for (const { family, name } of cases) console.log(`${family}: ${name}`)
    return 0
  }
  const results = options.from ? (JSON.parse(readFileSync(options.from, 'utf8')) as Results) : await measure(cases, options.settings)
  if (options.json) writeFileSync(options.json, json(results))
  if (options.write) write(options.write, results)
  const missed = options.check ? check(results) : 0
  const failed = results.rows.flatMap(({ contenders }) => contenders.filter((one) => !isFigure(one) && one.failed))
  for (const one of failed) console.error(`failed: ${one.who}`)
  return missed || failed.length ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError) && !(error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) throw error
  console.error((error as Error).message)
  process.exitCode = 2
}
