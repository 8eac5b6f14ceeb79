// Results for people: figures with as many digits as they are worth, and a row as lines for a terminal.
import type { Summary } from './statistics.ts'
import { isFigure, type Figure, type Missing, type Row, type Unit } from './results.ts'

/** Three digits that count; more would be noise. */
export function digits(value: number): string {
  if (value >= 1000) return String(Math.round(Number(value.toPrecision(3)))).replace(/\B(?=(\d{3})+$)/g, ',')
  if (value >= 100) return value.toFixed(0)
  if (value >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

export const amount = (value: number, unit: Unit): string => `${digits(value)} ${unit}`

/** "2.31 × (2.25 to 2.40)" */
export const times = ({ median, q1, q3 }: Summary): string => `${digits(median)} × (${digits(q1)} to ${digits(q3)})`

function line(one: Figure | Missing, unit: Unit): string {
  const who = one.who.padEnd(26)
  if (!isFigure(one)) return `  ${who}${one.failed ? 'failed: ' : ''}${one.cannot.split('\n')[0]}`
  const cpu = one.cpu ? amount(one.cpu.median, unit) : ''
  const byCpu = one.cpuRatio ? `, by CPU time ${digits(one.cpuRatio.median)} ×` : ''
  const ratio = one.ratio ? `membio is ${times(one.ratio)}${byCpu}` : ''
  const note = one.note ? ` [${one.note}]` : ''
  return `  ${who}${amount(one.value.median, unit).padStart(14)}${cpu.padStart(14)}  ${ratio}${note}`.trimEnd()
}

export const lines = ({ family, name, unit, contenders }: Row): string[] => [`${family}: ${name}`, ...contenders.map((one) => line(one, unit))]
