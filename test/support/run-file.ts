// Runs one compiled test file in a child process and collects what it reports. A crash, a hang or silence of the child is a problem of
// the file, and every problem is a failure.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Report } from './suite.ts'

export type CaseResult = Extract<Report, { ms: number }>

export interface FileResult {
  seconds: number
  cases: CaseResult[]
  /** What went wrong outside of the cases: each counts as a failure. */
  problems: string[]
  stdout: string
  stderr: string
}

/** Seconds for loading a file, and for what a child does between two reports beyond a case's own deadline. */
const LOADING = 600
const GRACE = 15

const running = new Set<ChildProcess>()

/** Each child leads a process group, so that what it started ends with it. */
function kill(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // It was faster.
  }
}

export const killAll = (): void => running.forEach(kill)

export interface RunOptions {
  /** For tests of the runner itself, which cannot wait. */
  grace?: number
  env?: NodeJS.ProcessEnv
}

export function runFile(path: string, { grace = GRACE, env = {} }: RunOptions = {}): Promise<FileResult> {
  const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [path], {
    detached: true,
    execArgv: ['--expose-gc', '--enable-source-maps'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...env },
  })
  running.add(child)
  return new FileRun(child, grace).done.finally(() => running.delete(child))
}

class FileRun {
  readonly done: Promise<FileResult>
  readonly #child: ChildProcess
  readonly #grace: number
  readonly #began = performance.now()
  readonly #result: FileResult = { seconds: 0, cases: [], problems: [], stdout: '', stderr: '' }
  #watchdog: NodeJS.Timeout | undefined
  #doing = 'loading'
  #registered: number | undefined

  constructor(child: ChildProcess, grace: number) {
    this.#child = child
    this.#grace = grace
    child.stdout!.on('data', (chunk) => (this.#result.stdout += chunk))
    child.stderr!.on('data', (chunk) => (this.#result.stderr += chunk))
    child.on('message', (report) => this.#hear(report as Report))
    this.#watch(LOADING)
    this.done = new Promise((resolve) => child.on('close', (code, signal) => resolve(this.#finish(code, signal))))
  }

  #watch(seconds: number): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => {
      this.#result.problems.push(`hung while ${this.#doing}, and was killed`)
      kill(this.#child)
    }, seconds * 1000)
  }

  #hear(report: Report): void {
    const { cases, problems } = this.#result
    switch (report.type) {
      case 'start':
        this.#doing = `running "${report.suite}: ${report.name}"`
        // The body, its cleanup and the check for leaks have the deadline each.
        return this.#watch(3 * report.deadline + this.#grace)
      case 'stray':
        problems.push(`an error that nobody caught: ${report.failure.stack}`)
        return
      case 'end':
        this.#registered = report.registered
        this.#doing = 'ending'
        return this.#watch(this.#grace)
      default:
        cases.push(report)
        this.#doing = 'between cases'
        return this.#watch(this.#grace)
    }
  }

  #finish(code: number | null, signal: NodeJS.Signals | null): FileResult {
    clearTimeout(this.#watchdog)
    kill(this.#child) // what is left of its group
    const { cases, problems } = this.#result
    const failed = cases.some((c) => c.type === 'failed')
    if (this.#registered === undefined) problems.push(`died while ${this.#doing} (${signal ?? `exit code ${code}`})`)
    else if (this.#registered === 0) problems.push('registered no case')
    else if (cases.length !== this.#registered) problems.push(`${this.#registered} cases registered, ${cases.length} reported`)
    else if (!failed && code !== 0) problems.push(`all cases passed, but the exit code is ${code}`)
    this.#result.seconds = (performance.now() - this.#began) / 1000
    return this.#result
  }
}
