// What a server pays for a connection that is open and silent. Measured once: with thousands of them the average is steady.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Memory } from '../idle-server.ts'
import { missingFor } from '../harness.ts'
import { figures, type Missing, type Row, type Samples } from '../results.ts'
import { commandFor, environment } from '../runtimes.ts'
import type { Identity } from '../work.ts'
import type { Case, Tools } from './case.ts'

/** Milliseconds: for ten thousand handshakes on a slow machine. */
const PATIENCE = 240_000

/** A script of ours that is talked to by lines. */
class Script {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(name: string, args: readonly string[] = []) {
    const [program, ...rest] = commandFor('node', fileURLToPath(new URL(`../${name}.js`, import.meta.url)))!
    this.#process = spawn(program!, [...rest, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env: environment() })
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]()
  }

  async ask(question: unknown): Promise<unknown> {
    this.#process.stdin!.write(`${JSON.stringify(question)}\n`)
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE)
    const { value, done } = await this.#lines.next()
    clearTimeout(timer)
    if (done) throw new Error('the process has ended')
    return JSON.parse(value)
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.stdin!.end()
    await ended
  }
}

interface Cost {
  /** WebAssembly and JavaScript together, KB for each connection. */
  own: number
  resident: number
}

async function cost(module: string, identity: Identity, connections: number): Promise<Cost> {
  const server = new Script('idle-server')
  const clients: Script[] = []
  try {
    const port = (await server.ask({ module, identity })) as number
    const few = Math.max(1, Math.round(connections / 10))
    // The first connections grow what all share: caches, compiled code, the memory that is kept free.
    clients.push(new Script('idle-clients', [String(port), String(few)]))
    await clients[0]!.ask(identity.ca)
    const before = (await server.ask('memory')) as Memory
    clients.push(new Script('idle-clients', [String(port), String(connections)]))
    await clients[1]!.ask(identity.ca)
    const after = (await server.ask('memory')) as Memory
    const more = after.connections - before.connections
    if (more !== connections) throw new Error(`${more} of ${connections} connections are open`)
    const each = (of: (memory: Memory) => number) => (of(after) - of(before)) / more / 1000
    return { own: each(({ javascript, wasm }) => javascript + wasm), resident: each(({ resident }) => resident) }
  } finally {
    for (const client of clients) await client.end()
    await server.end()
  }
}

type Kind = 'own' | 'resident'

/** Both rows come of one measurement. */
const measured = new WeakMap<Tools, Map<string, Promise<Cost>>>()

function costOf(module: string, tools: Tools): Promise<Cost> {
  const known = measured.get(tools) ?? new Map<string, Promise<Cost>>()
  measured.set(tools, known)
  const found = known.get(module) ?? cost(module, tools.given.certificates['P-256'], tools.settings.connections)
  known.set(module, found)
  return found
}

const nameOf = (module: string): string => (module === 'membio/tls' ? 'membio' : module)

async function row(name: string, kind: Kind, modules: readonly string[], tools: Tools): Promise<Row> {
  const samples: Samples[] = []
  const missing: Missing[] = []
  for (const module of modules) {
    const who = nameOf(module)
    try {
      samples.push({ who, values: [(await costOf(module, tools))[kind]] })
    } catch (error) {
      missing.push(missingFor(who, error as Error))
    }
  }
  return { family: 'idle', name, unit: 'KB', contenders: [...figures('KB', samples, 'membio'), ...missing] }
}

const idle = (name: string, kind: Kind, modules: readonly string[]): Case => ({
  family: 'idle',
  name,
  who: modules.map(nameOf),
  run: (tools) => row(name, kind, modules, tools),
})

/** node:tls keeps its memory where nobody but the system sees it. */
export const idles: readonly Case[] = [
  idle('a server on Node', 'own', ['membio/tls']),
  idle('a server on Node, resident', 'resident', ['membio/tls', 'node:tls']),
]
