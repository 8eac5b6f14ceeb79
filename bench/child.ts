// A contender as the harness sees it: a process that is told what to do and measures itself (worker.ts).
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Side } from './peers/index.ts'
import type { Given } from './peers/peer.ts'
import { commandFor, environment, type Runtime } from './runtimes.ts'
import { Cannot, type Run, type Work } from './work.ts'
import type { Answer, Command } from './worker.ts'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
/** Longer than the slowest preparation: a browser that starts on a busy machine. */
const PATIENCE = 30_000

type Told = Command extends infer One ? (One extends { id: number } ? Omit<One, 'id'> : never) : never

export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer | Error) => void>()
  #last = 0
  #over: Error | undefined

  /** @throws Cannot where the runtime is not there */
  constructor(side: Side, runtime: Runtime) {
    const command = commandFor(runtime, WORKER)
    if (!command) throw new Cannot(`${runtime} is not installed`)
    const [program, ...rest] = command
    this.#process = spawn(program!, [...rest, JSON.stringify(side)], { stdio: ['pipe', 'pipe', 'pipe'], env: environment() })
    let complaints = ''
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-2000)))
    this.#process.stdin!.on('error', () => {}) // its end is told below
    this.#process.once('error', (error) => this.#end(error))
    this.#process.once('close', (code, signal) => this.#end(new Error(`its process ended: ${signal ?? code}\n${complaints}`)))
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#answered(JSON.parse(line) as Answer))
  }

  get alive(): boolean {
    return !this.#over
  }

  /** @returns what was agreed, where that is not what was asked for */
  async prepare(work: Work, given: Given): Promise<string | undefined> {
    return ((await this.#ask({ do: 'prepare', work, given })) as { note?: string }).note
  }

  async run(times: number): Promise<Run> {
    return (await this.#ask({ do: 'run', times })) as Run
  }

  async close(): Promise<void> {
    await this.#ask({ do: 'close' })
  }

  /** Ends the process. */
  async end(): Promise<void> {
    if (this.#over) return
    const closed = new Promise((resolve) => this.#process.once('close', resolve))
    this.#process.stdin!.end()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000)
    await closed
    clearTimeout(timer)
  }

  async #ask(command: Told): Promise<object> {
    const id = ++this.#last
    const answer = await new Promise<Answer>((resolve, reject) => {
      if (this.#over) return reject(this.#over)
      const timer = setTimeout(() => {
        this.#process.kill('SIGKILL')
        this.#end(new Error(`no answer to "${command.do}" within ${PATIENCE / 1000} s`))
      }, PATIENCE)
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      })
      this.#process.stdin!.write(`${JSON.stringify({ id, ...command })}\n`)
    })
    if ('cannot' in answer) throw new Cannot(answer.cannot)
    if ('failed' in answer) throw Object.assign(new Error(answer.failed.split('\n')[0]), { stack: answer.failed })
    return answer.ok
  }

  #answered(answer: Answer): void {
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }

  #end(error: Error): void {
    this.#over ??= error
    for (const answer of this.#waiting.values()) answer(this.#over)
    this.#waiting.clear()
  }
}
