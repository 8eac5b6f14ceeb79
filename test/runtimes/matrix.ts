// The matrix as text: rows are groups or cases, columns runtimes.
import type { Result } from './runtime.ts'
import type { CaseReport, RuntimeName } from './world.ts'

/** Something that should be in a cell, and is not. */
export interface Cell {
  runtime: RuntimeName
  what: string
}

/** Of a runtime that has died, every case is missing. */
const SHOWN = 3

const COLUMN = 14

const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')

export function printResult({ runtime, version, seconds, cases, problems }: Result): void {
  const failures = cases.filter(({ outcome }) => outcome === 'failed')
  const mark = failures.length + problems.length ? 'FAIL' : 'ok  '
  console.log(`${mark} ${runtime.padEnd(9)} ${version.padEnd(20)} ${seconds.toFixed(1).padStart(6)} s`)
  for (const { group, name, reason } of failures) console.log(`\nFAIL ${runtime}: ${group}: ${name}\n${indent(reason ?? '')}`)
  for (const problem of problems) console.log(`\nFAIL ${runtime}\n${indent(problem)}`)
}

export function printMissing(results: readonly Result[], absent: readonly Cell[]): void {
  for (const { runtime } of results) {
    const gone = absent.filter((one) => one.runtime === runtime)
    for (const { what } of gone.slice(0, SHOWN)) console.log(`\nFAIL ${runtime}: ${what}`)
    if (gone.length > SHOWN) console.log(`\nFAIL ${runtime}: and ${gone.length - SHOWN} more`)
  }
}

/** "12", "11 1 failed"; "-" with a letter for what is not run, explained below. */
export function printMatrix(results: readonly Result[], rows: 'groups' | 'cases'): void {
  const footnotes = new Map<string, string>()
  const label = ({ group, name }: CaseReport) => (rows === 'groups' ? group : `${group}: ${name}`)
  const labels = [...new Set(results.flatMap(({ cases }) => cases.map(label)))]
  const width = Math.max(...labels.map((text) => text.length), 0)
  const cells = (text: string) => results.map(({ cases }) => cell(cases.filter((one) => label(one) === text), footnotes))
  console.log(`\n${''.padEnd(width)}${results.map(({ runtime }) => runtime.padStart(COLUMN)).join('')}`)
  for (const text of labels) console.log(`${text.padEnd(width)}${cells(text).map((one) => one.padStart(COLUMN)).join('')}`)
  for (const [reason, mark] of footnotes) console.log(`${mark}: ${reason}`)
  console.log('')
}

function cell(cases: readonly CaseReport[], footnotes: Map<string, string>): string {
  const count = (outcome: CaseReport['outcome']) => cases.filter((one) => one.outcome === outcome).length
  const reasons = new Set(cases.flatMap(({ outcome, reason }) => (outcome === 'not run' && reason ? [reason] : [])))
  for (const reason of reasons) if (!footnotes.has(reason)) footnotes.set(reason, String.fromCharCode(97 + footnotes.size))
  const marks = [...reasons].map((reason) => footnotes.get(reason)!).join('')
  const parts = [count('passed') || '', count('failed') && `${count('failed')} FAILED`, marks && `-${marks}`]
  return parts.filter(Boolean).join(' ') || 'MISSING'
}
