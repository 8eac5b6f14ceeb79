// What a run comes to: what docs/performance.json holds, and what the reports are made from.
import { ratios, summarize, type Summary } from './statistics.ts'

/** What is counted, and whether more of it is better. */
export type Unit = 'MB/s' | '/s' | 'ms' | 'µs' | 'KB'

export const MORE_IS_BETTER: Record<Unit, boolean> = { 'MB/s': true, '/s': true, ms: false, µs: false, KB: false }

export interface Figure {
  who: string
  /** By the clock on the wall. */
  value: Summary
  /** By the CPU time of the contender's process; rates only. */
  cpu?: Summary
  samples: number
  /** How many times better the row's first contender is, round by round; by CPU time too. */
  ratio?: Summary
  cpuRatio?: Summary
  /** What it did differently from the others. */
  note?: string
}

/** It is not able to, or it has failed; instead of a figure. */
export interface Missing {
  who: string
  cannot: string
  /** What can do the work, and did not. */
  failed?: true
}

export interface Row {
  family: string
  name: string
  unit: Unit
  contenders: (Figure | Missing)[]
}

export interface Results {
  date: string
  versions: Record<string, string>
  machine: { cpu: string; cores: number; memory: string; system: string }
  settings: { rounds: number; milliseconds: number; connections: number }
  rows: Row[]
}

/** One contender's samples. */
export interface Samples {
  who: string
  values: number[]
  cpuValues?: number[]
  note?: string
}

export const isFigure = (one: Figure | Missing): one is Figure => 'value' in one

/** @param subject whom the others are compared with; nobody, where it has no samples */
export function figures(unit: Unit, all: readonly Samples[], subject: string): Figure[] {
  const better = (mine: readonly number[], theirs: readonly number[]) =>
    summarize(MORE_IS_BETTER[unit] ? ratios(mine, theirs) : ratios(theirs, mine))
  const first = all.find(({ who }) => who === subject)
  return all.map((one) => {
    const { who, values, cpuValues, note } = one
    const figure: Figure = { who, value: summarize(values), samples: values.length, ...(note && { note }) }
    if (cpuValues) figure.cpu = summarize(cpuValues)
    if (!first || one === first) return figure
    figure.ratio = better(first.values, values)
    if (cpuValues && first.cpuValues) figure.cpuRatio = better(first.cpuValues, cpuValues)
    return figure
  })
}
