// What membio costs a worker: time, CPU time and memory of workerd, from its start over the first request to later ones. Each request makes
// a TLS 1.3 connection of its own to Node's TLS on the same machine. Medians over fresh processes.
//
//   ./build.sh runtimes && node build/bench/workerd.js [--runs N] [--update]
//
// --update writes the table into docs/runtimes.md.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { installPackage } from '../test/runtimes/bundle.ts'
import { certificates } from '../test/runtimes/certificates.ts'
import { startPeers } from '../test/runtimes/peers.ts'
import { Cleanups, killAll } from '../test/runtimes/runtime.ts'
import { startWorker } from '../test/runtimes/runtimes/workerd.ts'
import { repository } from '../test/support/paths.ts'

/** After the first one. */
const LATER = 50

interface Cost {
  milliseconds: number
  cpuMilliseconds: number
  /** Resident, afterwards. */
  mebibytes: number
}

type Phases = Record<'started' | 'first request' | 'a later request', Cost>

/** Nanoseconds on a CPU, by all threads that still live. */
function cpuTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0)
}

const resident = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

async function measure(entry: string, body: string): Promise<Phases> {
  const t = new Cleanups()
  try {
    const began = performance.now()
    const { url, pid } = await startWorker(t, entry)
    const started = { milliseconds: performance.now() - began, cpuMilliseconds: cpuTime(pid) / 1e6, mebibytes: resident(pid) }
    const during = async (requests: number): Promise<Cost> => {
      const [clock, cpu] = [performance.now(), cpuTime(pid)]
      for (let at = 0; at < requests; at++) {
        const response = await fetch(url, { method: 'POST', body })
        if (!response.ok) throw new Error(await response.text())
        await response.text()
      }
      const milliseconds = (performance.now() - clock) / requests
      return { milliseconds, cpuMilliseconds: (cpuTime(pid) - cpu) / 1e6 / requests, mebibytes: resident(pid) }
    }
    return { started, 'first request': await during(1), 'a later request': await during(LATER) }
  } finally {
    await t.cleanUp()
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

function medians(runs: readonly Phases[]): Phases {
  const of = (phase: keyof Phases): Cost => {
    const each = (field: keyof Cost) => median(runs.map((run) => run[phase][field]))
    return { milliseconds: each('milliseconds'), cpuMilliseconds: each('cpuMilliseconds'), mebibytes: each('mebibytes') }
  }
  return { started: of('started'), 'first request': of('first request'), 'a later request': of('a later request') }
}

function table(results: Record<string, Phases>): string {
  const rows = Object.entries(results).flatMap(([name, phases]) =>
    Object.entries(phases).map(([phase, { milliseconds, cpuMilliseconds, mebibytes }]) => {
      const numbers = [milliseconds.toFixed(1), cpuMilliseconds.toFixed(1), mebibytes.toFixed(0)]
      return `| ${[name, phase, ...numbers].join(' | ')} |`
    }),
  )
  return ['| worker | | ms | ms of CPU | MiB resident |', '| --- | --- | ---: | ---: | ---: |', ...rows].join('\n')
}

const BEGIN = '<!-- node build/bench/workerd.js --update -->'
const END = '<!-- end -->'

function update(text: string): void {
  const file = `${repository}docs/runtimes.md`
  const before = readFileSync(file, 'utf8')
  const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${file} has no place for the table`)
  writeFileSync(file, `${before.slice(0, from + BEGIN.length)}\n${text}\n${before.slice(to)}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '7' }, update: { type: 'boolean', default: false } } })
  process.on('exit', killAll)
  installPackage()
  const known = certificates()
  const t = new Cleanups()
  try {
    const { node24 } = await startPeers(t, known)
    const body = JSON.stringify({ port: node24.good, ca: known.ca })
    const workers = { 'does nothing': 'entries/workerd-empty', 'a TLS connection for each request': 'entries/workerd-cost' }
    const results: Record<string, Phases> = {}
    for (const [name, entry] of Object.entries(workers)) {
      const runs: Phases[] = []
      for (let run = 0; run < Number(values.runs); run++) runs.push(await measure(entry, body))
      results[name] = medians(runs)
    }
    const how = `Medians of ${values.runs} processes; a later request is the mean of ${LATER}.`
    const where = `${cpus()[0]!.model.trim()}, ${cpus().length} CPUs, load ${loadavg()[0]!.toFixed(1)}`
    const text = `${table(results)}\n\n${how} ${where}:\nwhere others are at work, the time on the CPU is what counts.`
    console.log(text)
    if (values.update) update(text)
  } finally {
    await t.cleanUp()
  }
}

await main()
