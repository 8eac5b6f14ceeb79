// `npm run test:package`: the packed package, as its users install, bundle and check it.
//
//   node build/test/packaging/run.js [ROWS...]
//
// Each file of rows/ has a process of its own. `./build.sh packaging` installs the tools. A row that cannot run has failed.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { killAll, runFile, type CaseResult, type FileResult } from '../support/run-file.ts'
import { install } from './site.ts'

const sources = new URL('../../../test/packaging/rows/', import.meta.url)
const compiled = new URL('./rows/', import.meta.url)

function find(wanted: readonly string[]): string[] {
  const all = readdirSync(sources).map((file) => file.replace('.ts', '')).sort()
  const unknown = wanted.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new Error(`no rows ${unknown}: there are ${all.join(', ')}`)
  return wanted.length ? [...wanted] : all
}

const count = (cases: readonly CaseResult[], type: CaseResult['type']) => cases.filter((one) => one.type === type).length

const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')

function print(file: string, { cases, problems, stderr }: FileResult): void {
  for (const { type, name, ms, note = '' } of cases) {
    const seconds = (ms / 1000).toFixed(1).padStart(5)
    console.log(`${type === 'passed' ? 'ok  ' : 'FAIL'} ${file.padEnd(9)} ${name.padEnd(72)} ${seconds} s  ${note}`.trimEnd())
  }
  for (const { failure, skip, name } of cases) {
    if (skip) console.log(`\nFAIL ${file}: ${name}\n${indent(`a row may not be skipped: ${skip.reason}`)}`)
    if (failure) console.log(`\nFAIL ${file}: ${name}\n${indent(`${failure.stack}\n${failure.details ?? ''}`)}`)
  }
  for (const problem of problems) console.log(`\nFAIL ${file}\n${indent(problem)}${stderr && `\n${indent(stderr)}`}`)
}

async function main(): Promise<number> {
  const files = find(process.argv.slice(2))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => (killAll(), process.exit(1)))
  install()
  let passed = 0
  let failed = 0
  for (const file of files) {
    const result = await runFile(fileURLToPath(new URL(`${file}.js`, compiled)))
    print(file, result)
    passed += count(result.cases, 'passed')
    failed += result.cases.length - count(result.cases, 'passed') + result.problems.length
  }
  console.log(`${passed} passed, ${failed} failed`)
  return failed ? 1 : 0
}

process.exitCode = await main()
