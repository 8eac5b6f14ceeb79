// How long a process takes until it has TLS: whole processes, from start to end, less what a process takes that does nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missingFor } from '../harness.ts'
import { figures, type Missing, type Row, type Samples } from '../results.ts'
import { commandFor, environment, type Runtime } from '../runtimes.ts'
import { Cannot } from '../work.ts'
import { NAMES, type Case, type Tools } from './case.ts'

const SCRIPT = fileURLToPath(new URL('../start-up.js', import.meta.url))

/** Milliseconds. A process that takes longer never ends. */
const PATIENCE = 60_000

type What = 'load' | 'handshake'
const LABELS: Record<What, string> = { load: 'load, and make a context', handshake: 'first handshake' }

const sidesOn = (runtime: Runtime): readonly { who: string; module: string }[] => [
  { who: 'membio', module: 'membio/tls' },
  { who: runtime === 'node' ? 'node:tls' : `node:tls of ${NAMES[runtime]}`, module: 'node:tls' },
]

/** Milliseconds of one process. */
interface Taken {
  clock: number
  cpu: number
}

async function processTime(runtime: Runtime, args: readonly string[]): Promise<Taken> {
  const [program, ...rest] = commandFor(runtime, SCRIPT)!
  const began = performance.now()
  const child = spawn(program!, [...rest, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: environment(), timeout: PATIENCE })
  let printed = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const exit = once(child, 'exit').then(([code]) => ({ code: code as number, clock: performance.now() - began }))
  await once(child, 'close') // all that it printed is there
  const { code, clock } = await exit
  if (code !== 0) throw new Error(`${args.join(' ')}: exit code ${code}`)
  const { user, system } = JSON.parse(printed) as NodeJS.CpuUsage
  return { clock, cpu: (user + system) / 1000 }
}

async function run(runtime: Runtime, what: What, { given, settings }: Tools): Promise<Row> {
  const row = { family: 'start', name: `${LABELS[what]}, on ${NAMES[runtime]}`, unit: 'ms' } as const
  const sides = sidesOn(runtime)
  if (!commandFor(runtime, SCRIPT)) {
    const missing = new Cannot(`${NAMES[runtime]} is not installed`)
    return { ...row, contenders: sides.map(({ who }): Missing => missingFor(who, missing)) }
  }
  const folder = mkdtempSync(join(tmpdir(), 'membio-bench-'))
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, given.certificates['P-256'].ca)
  const samples: Samples[] = sides.map(({ who }) => ({ who, values: [], cpuValues: [] }))
  try {
    // One more than counts: the first ones read files from disk.
    for (let round = -1; round < settings.rounds; round++) {
      const nothing = await processTime(runtime, ['nothing'])
      for (const [at, { module }] of sides.entries()) {
        const whole = await processTime(runtime, [what, module, String(given.server.ports['P-256']), caFile])
        if (round < 0) continue
        samples[at]!.values.push(Math.max(whole.clock - nothing.clock, MEASURABLE))
        samples[at]!.cpuValues!.push(Math.max(whole.cpu - nothing.cpu, MEASURABLE))
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return { ...row, contenders: figures(row.unit, samples, 'membio') }
}

/** A difference of two times can come out as nothing, or less. */
const MEASURABLE = 0.1

export const starts: readonly Case[] = (['node', 'deno', 'bun'] as const).flatMap((runtime) =>
  (['load', 'handshake'] as const).map((what) => ({
    family: 'start' as const,
    name: `${LABELS[what]}, on ${NAMES[runtime]}`,
    who: sidesOn(runtime).map(({ who }) => who),
    run: (tools: Tools) => run(runtime, what, tools),
  })),
)
