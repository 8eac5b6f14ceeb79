// A kind of runtime, as the driver sees it, and processes that report by lines of JSON.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { stage } from './bundle.ts'
import type { Briefing, CaseReport, Report, RuntimeName } from './world.ts'

/** Starts one, lets it run all suites, and resolves when it has ended. */
export type Run = (briefing: Briefing, listen: (report: Report) => void, t: Cleanups) => Promise<void>

export interface Result {
  runtime: RuntimeName
  /** As it says itself. */
  version: string
  seconds: number
  cases: CaseReport[]
  /** What went wrong outside of the cases: each counts as a failure. */
  problems: string[]
}

/** What is stopped or removed at the end, in reverse order. */
export class Cleanups {
  readonly #cleanups: (() => unknown)[] = []
  /** What the runtime has printed beside its reports. */
  output = ''

  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  async cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup()
  }
}

const running = new Set<ChildProcess>()

/** Each leads a process group, so that what it started ends with it. */
function kill(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

export const killAll = (): void => running.forEach(kill)

/** A process that lives until the cleanup at the latest; descriptor 3 is a pipe from it. What it prints on stderr is kept for failures. */
export function start(t: Cleanups, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = stage): ChildProcess {
  const child = spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], cwd, env: { ...process.env, ...env } })
  running.add(child)
  child.on('close', () => running.delete(child))
  child.on('error', (error) => (t.output += `${command}: ${error.message}\n`))
  child.stderr!.on('data', (chunk) => (t.output += chunk))
  t.defer(async () => {
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined
    const closed = ended || new Promise((resolve) => child.once('close', resolve))
    kill(child)
    await closed
  })
  return child
}

/** Runs to its end; each line of its stdout that is a report is handed on. */
export async function runToEnd(t: Cleanups, child: ChildProcess, listen: (report: Report) => void): Promise<void> {
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('close', (code, signal) => resolve([code, signal]))
    child.on('error', reject)
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    const report = reportIn(line)
    if (report) listen(report)
    else t.output += `${line}\n`
  }
  const [code, signal] = await ended
  if (code !== 0) throw new Error(`it ended with ${signal ?? `exit code ${code}`}`)
}

export function reportIn(line: string): Report | undefined {
  if (!line.startsWith('{"type":')) return undefined
  return JSON.parse(line) as Report
}
