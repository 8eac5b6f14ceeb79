// Measures one row: all contenders warmed up, then in turns, so that what slows the machine down slows all of them alike.
import { Child } from './child.ts'
import type { Side } from './peers/index.ts'
import type { Given } from './peers/peer.ts'
import { figures, type Missing, type Row, type Samples, type Unit } from './results.ts'
import type { Runtime } from './runtimes.ts'
import { Cannot, type Run, type Work } from './work.ts'

/** How thoroughly. */
export interface Settings {
  rounds: number
  /** What one sample should take: long against the clock's resolution. */
  milliseconds: number
  /** Milliseconds before the first sample, at least: a connection has to be past its slow start. */
  warmUp: number
  /** For the case that holds many. */
  connections: number
}

export interface Contender extends Side {
  /** As the reports call it. */
  who: string
  runtime: Runtime
}

/** A row that is measured by work of so much a time. The first contender is compared with the others. */
export interface Measurement {
  family: string
  name: string
  unit: Unit
  work: Work
  contenders: readonly Contender[]
}

/** Seconds for a number of times, as the row has it. */
function valueOf({ work, unit }: Measurement, times: number, seconds: number): number {
  if (unit === 'MB/s') return (times * (work as { size: number }).size) / seconds / 1e6
  return unit === '/s' ? times / seconds : (seconds / times) * (unit === 'ms' ? 1e3 : 1e6)
}

/** A contender that is ready, and how often it has to do the work for one sample. */
interface Ready {
  child: Child
  times: number
  samples: Samples
}

/** Processes are kept for the rows of a family: they are the same contenders. */
export class Harness {
  readonly #settings: Settings
  readonly #given: Given
  readonly #children = new Map<string, Child>()

  constructor(settings: Settings, given: Given) {
    this.#settings = settings
    this.#given = given
  }

  async measure(measurement: Measurement): Promise<Row> {
    const { family, name, unit, contenders } = measurement
    const ready: Ready[] = []
    const missing: Missing[] = []
    for (const contender of contenders) {
      try {
        ready.push(await this.#ready(contender, measurement))
      } catch (error) {
        missing.push(missingFor(contender.who, error as Error))
      }
    }
    for (let round = 0; round < this.#settings.rounds; round++) {
      for (let turn = 0; turn < ready.length; turn++) {
        const one = ready[(round + turn) % ready.length]! // nobody is always the first
        keep(measurement, one, await one.child.run(one.times))
      }
    }
    for (const { child, samples } of ready) await child.close().catch((error: Error) => void missingFor(samples.who, error))
    const order = contenders.map(({ who }) => who)
    const measured = figures(unit, ready.map(({ samples }) => samples), order[0]!)
    return { family, name, unit, contenders: [...measured, ...missing].sort((a, b) => order.indexOf(a.who) - order.indexOf(b.who)) }
  }

  /** Ends all contenders' processes. */
  async end(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.end()))
    this.#children.clear()
  }

  async #ready(contender: Contender, { work }: Measurement): Promise<Ready> {
    const child = this.#child(contender)
    const note = await child.prepare(work, this.#given)
    const times = await this.#warmUp(child)
    return { child, times, samples: { who: contender.who, values: [], note } }
  }

  #child({ peer, wasm, acceleration, runtime }: Contender): Child {
    const side: Side = { peer, wasm, acceleration }
    const key = JSON.stringify([side, runtime])
    const present = this.#children.get(key)
    if (present?.alive) return present
    const child = new Child(side, runtime)
    this.#children.set(key, child)
    return child
  }

  /** Until code is compiled and it gets no faster. @returns how often fills a sample */
  async #warmUp(child: Child): Promise<number> {
    const { milliseconds, warmUp } = this.#settings
    const enough = milliseconds / 1000
    let times = 1
    let rate = 0
    let steady = 0
    for (let spent = 0; ; ) {
      const run = await child.run(times)
      const seconds = effort(run)
      spent += seconds * 1000
      if (seconds < enough / 2) {
        times = Math.ceil(times * Math.min(8, enough / Math.max(seconds, enough / 8)))
        continue
      }
      steady = times / seconds > rate * STILL_WARMING ? 0 : steady + 1
      rate = Math.max(rate, times / seconds)
      if (spent >= warmUp * LONGEST || (spent >= warmUp && steady >= STEADY)) return Math.max(1, Math.round((times * enough) / seconds))
    }
  }
}

/** Of the time that has passed, what the contender has had: while others have the processor, no code is compiled. */
const effort = ({ seconds, cpuSeconds }: Run): number => Math.min(seconds, cpuSeconds || seconds)

/** What was faster by less than that may have been chance. */
const STILL_WARMING = 1.03
/** So many runs in a row. */
const STEADY = 3
/** So many times the warm-up, at most. */
const LONGEST = 8

function keep(measurement: Measurement, { samples, times }: Ready, { seconds, cpuSeconds }: Run): void {
  samples.values.push(valueOf(measurement, times, seconds))
  if (cpuSeconds) (samples.cpuValues ??= []).push(valueOf(measurement, times, cpuSeconds))
}

export function missingFor(who: string, error: Error): Missing {
  if (error instanceof Cannot) return { who, cannot: error.message }
  console.error(`${who}: ${error.stack ?? error.message}`)
  return { who, cannot: error.message.split('\n')[0]!, failed: true }
}
