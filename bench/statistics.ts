// What samples come to. Medians and quartiles: one interrupted sample of a busy machine moves neither.

/** The middle of some samples, and where their middle half begins and ends. */
export interface Summary {
  median: number
  q1: number
  q3: number
}

/** Interpolated between the two nearest of the sorted values. */
export function quantile(values: readonly number[], at: number): number {
  if (!values.length) throw new RangeError('no values')
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * at
  const below = sorted[Math.floor(place)]!
  const above = sorted[Math.ceil(place)]!
  return below === above ? below : below + (above - below) * (place - Math.floor(place))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function summarize(values: readonly number[]): Summary {
  return { median: median(values), q1: quantile(values, 0.25), q3: quantile(values, 0.75) }
}

/**
 * How many times as large the first is, taken round by round: what slowed a whole round down is in both, and falls out. Where one has been
 * measured once only, that value stands for every round.
 */
export function ratios(of: readonly number[], to: readonly number[]): number[] {
  const rounds = Math.max(of.length, to.length)
  if (!of.length || !to.length) throw new RangeError('no values')
  return Array.from({ length: rounds }, (_, at) => of[at % of.length]! / to[at % to.length]!)
}
