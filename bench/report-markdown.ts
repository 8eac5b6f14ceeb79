// docs/performance.md: the figures go between two marks, and whatever people have written around them stays.
import { FAMILIES, type FamilyName } from './cases/case.ts'
import { amount, digits, times } from './report-text.ts'
import { isFigure, type Figure, type Missing, type Results, type Row, type Unit } from './results.ts'
import { judge, TARGETS, type Judged } from './targets.ts'

const BEGIN = '<!-- figures: made by `npm run bench -- --write`, do not edit -->'
const END = '<!-- end of the figures -->'

/** What the document is before anybody has written anything. */
const EMPTY = `# Performance\n\n${BEGIN}\n${END}\n`

/** @param document as it is; what is between its marks is replaced */
export function updated(document: string | undefined, results: Results): string {
  const text = document ?? EMPTY
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`the document has lost its marks: ${BEGIN} and ${END}`)
  return `${text.slice(0, begin + BEGIN.length)}\n\n${figuresOf(results)}\n${text.slice(end)}`
}

function figuresOf(results: Results): string {
  const families = (Object.keys(FAMILIES) as FamilyName[]).map((family) => section(family, results.rows))
  return [about(results), targets(results), ...families].filter(Boolean).join('\n')
}

function about({ date, versions, machine, settings }: Results): string {
  const { cpu, cores, memory, system } = machine
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `Measured on ${date} on ${cpu}, ${cores} cores, ${memory}, ${system}.`,
    `With ${software.join(', ')}.`,
    `Medians of ${settings.rounds} samples of ${settings.milliseconds} ms each, taken in turns.`,
    '',
  ].join('\n')
}

// ---- Tables. ----

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [cells(head), cells(head.map(() => '---')), ...rows.map(cells)].join('\n')

/** A reason, in a cell. */
const plain = (reason: string): string => reason.split('\n')[0]!.replaceAll('|', '\\|')

function targets(results: Results): string {
  const rows = TARGETS.map((target) => judge(target, results)).map((judged) => [
    judged.target.figure,
    wanted(judged),
    reached(judged, results),
    judged.why ? `${judged.verdict}: ${plain(judged.why)}` : judged.verdict,
  ])
  return ['## Targets', '', '![Each target, and what was reached](performance.svg)', '', table(['figure', 'target', 'reached', ''], rows), ''].join('\n')
}

function wanted({ target: { atLeast, atMost, row } }: Judged): string {
  return atLeast ? `≥ ${atLeast.times} × ${atLeast.against}` : `≤ ${atMost} ${row.startsWith('start') ? 'ms' : 'KB'}`
}

function reached({ target, reached }: Judged, { rows }: Results): string {
  if (!reached) return ''
  if (target.atLeast) return times(reached)
  const row = rows.find(({ family, name }) => `${family}: ${name}` === target.row)!
  return amount(reached.median, row.unit)
}

function section(family: FamilyName, rows: readonly Row[]): string | undefined {
  const mine = rows.filter((row) => row.family === family)
  if (!mine.length) return undefined
  const head = ['', 'contender', 'by the clock', 'by CPU time', 'membio is', 'by CPU time']
  const body = mine.flatMap(({ name, unit, contenders }) => contenders.map((one, at) => [at ? '' : name, ...line(one, unit)]))
  const title = family[0]!.toUpperCase() + family.slice(1)
  return [`## ${title}`, '', FAMILIES[family], '', table(head, body), ''].join('\n')
}

function line(one: Figure | Missing, unit: Unit): string[] {
  if (!isFigure(one)) return [one.who, `${one.failed ? 'failed: ' : ''}${plain(one.cannot)}`, '', '', '']
  const who = one.note ? `${one.who} (${one.note})` : one.who
  const ratio = one.ratio ? times(one.ratio) : ''
  const cpu = one.cpu ? amount(one.cpu.median, unit) : ''
  return [who, amount(one.value.median, unit), cpu, ratio, one.cpuRatio ? `${digits(one.cpuRatio.median)} ×` : '']
}
