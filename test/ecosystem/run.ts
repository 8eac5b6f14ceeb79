// `npm run test:ecosystem`: well-known clients on membio's TLS, against well-known servers on loopback.
//
//   node build/test/ecosystem/run.js [--list] [--packages] [--reporter json] [--tls membio|native] [CLIENT...]
//
// Each client has a process of its own, in which membio's TLS stands in the place of node:tls; with --tls native it is left there, which
// tells whether a row itself is right. A server is started before its first client and stopped after its last one. A row that cannot run
// has failed. `./build.sh ecosystem` installs the servers and the clients; --packages prints Debian's packages that are needed.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { killAll, runFile, type CaseResult, type FileResult } from '../support/run-file.ts'
import { CLIENTS } from './clients.ts'
import { certificates, VARIABLE, type Briefing, type Server } from './server.ts'
import { Stage } from './stage.ts'

interface Options {
  mode: 'list' | 'packages' | 'run'
  json: boolean
  tls: Briefing['tls']
  wanted: string[]
}

interface ClientResult extends Pick<FileResult, 'cases' | 'problems' | 'stderr'> {
  client: string
  /** The last lines of its servers, where something has failed. */
  logs: string[]
}

function parseCommandLine(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      packages: { type: 'boolean', default: false },
      reporter: { type: 'string', default: 'lines' },
      tls: { type: 'string', default: 'membio' },
    },
  })
  const { tls, reporter, list, packages } = values
  if (tls !== 'membio' && tls !== 'native') throw new Error(`--tls ${tls}: it is membio or native`)
  if (reporter !== 'lines' && reporter !== 'json') throw new Error(`--reporter ${reporter}: it is lines or json`)
  const unknown = positionals.find((name) => !(name in CLIENTS))
  if (unknown !== undefined) throw new Error(`no client ${unknown}: there are ${Object.keys(CLIENTS).join(', ')}`)
  const mode = list ? 'list' : packages ? 'packages' : 'run'
  return { mode, json: reporter === 'json', tls, wanted: positionals.length ? positionals : Object.keys(CLIENTS) }
}

// ---- Servers ----

/** The running servers, by name. */
class Servers {
  readonly #stages = new Map<string, Stage>()
  readonly #facts = new Map<string, unknown>()

  /** Throws if one of them does not start; it is not tried again. */
  async start(servers: readonly Server<unknown>[]): Promise<Record<string, unknown>> {
    for (const server of servers) {
      if (this.#stages.has(server.name)) continue
      const stage = new Stage(server.name)
      this.#stages.set(server.name, stage)
      this.#facts.set(server.name, await server.start(stage))
    }
    const dead = servers.find(({ name }) => !this.#facts.has(name))
    if (dead) throw new Error(`${dead.name} has not started`)
    return Object.fromEntries(servers.map(({ name }) => [name, this.#facts.get(name)]))
  }

  log({ name }: Server<unknown>): string {
    return `${name}:\n${this.#stages.get(name)?.lastWords() ?? 'not started'}`
  }

  async stop({ name }: Server<unknown>): Promise<void> {
    const stage = this.#stages.get(name)
    this.#stages.delete(name)
    this.#facts.delete(name)
    await stage?.stop()
  }
}

// ---- One client after the other ----

async function runClient(client: string, tls: Briefing['tls'], servers: Servers, last: readonly Server<unknown>[]): Promise<ClientResult> {
  const needed = CLIENTS[client]!.servers
  const result: ClientResult = { client, cases: [], problems: [], stderr: '', logs: [] }
  try {
    const briefing: Briefing = { tls, certificates: certificates(), servers: await servers.start(needed) }
    const file = fileURLToPath(new URL(`./rows/${client}.js`, import.meta.url))
    Object.assign(result, await runFile(file, { env: { [VARIABLE]: JSON.stringify(briefing) } }))
  } catch (error) {
    result.problems.push(String(error))
  }
  if (failures(result)) result.logs = needed.map((server) => servers.log(server))
  for (const server of last) await servers.stop(server).catch((error) => result.problems.push(String(error)))
  return result
}

/** Servers that nobody after the client at `index` needs. */
function lastNeeded(clients: readonly string[], index: number): Server<unknown>[] {
  const later = clients.slice(index + 1).flatMap((client) => CLIENTS[client]!.servers)
  return CLIENTS[clients[index]!]!.servers.filter((server) => !later.includes(server))
}

// ---- What is printed ----

const count = (cases: readonly CaseResult[], type: CaseResult['type']) => cases.filter((one) => one.type === type).length

/** A row that is skipped is a row that did not run. */
const failures = ({ cases, problems }: Pick<ClientResult, 'cases' | 'problems'>) => cases.length - count(cases, 'passed') + problems.length

const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')

function printResult({ client, cases, problems, stderr, logs }: ClientResult): void {
  for (const { type, name, ms, note = '' } of cases) {
    const seconds = (ms / 1000).toFixed(1).padStart(5)
    console.log(`${type === 'passed' ? 'ok  ' : 'FAIL'} ${client.padEnd(10)} ${name.padEnd(58)} ${seconds} s  ${note}`.trimEnd())
  }
  for (const { failure, skip, name } of cases) {
    if (skip) console.log(`\nFAIL ${client}: ${name}\n${indent(`a row may not be skipped: ${skip.reason}`)}`)
    if (failure) console.log(`\nFAIL ${client}: ${name}\n${indent(`${failure.stack}\n${failure.details ?? ''}`)}`)
  }
  for (const problem of problems) console.log(`\nFAIL ${client}\n${indent(problem)}`)
  if (!logs.length) return
  if (stderr) console.log(`\nstderr of ${client}:\n${indent(stderr)}`)
  for (const log of logs) console.log(`\nlog of ${indent(log).trimStart()}\n`)
}

const packages = (clients: readonly string[]) =>
  new Set(clients.flatMap((name) => [...CLIENTS[name]!.servers.flatMap((server) => server.packages), ...(CLIENTS[name]!.packages ?? [])]))

async function main(): Promise<number> {
  const { mode, json, tls, wanted } = parseCommandLine()
  if (mode === 'list') for (const client of wanted) console.log(`${client}: ${CLIENTS[client]!.servers.map(({ name }) => name).join(', ')}`)
  if (mode === 'packages') console.log([...packages(wanted)].join('\n'))
  if (mode !== 'run') return 0
  // Ending runs the stages' own handler of 'exit', which stops every server.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => (killAll(), process.exit(1)))
  const servers = new Servers()
  const results: ClientResult[] = []
  for (const [index, client] of wanted.entries()) {
    const result = await runClient(client, tls, servers, lastNeeded(wanted, index))
    results.push(result)
    if (!json) printResult(result)
  }
  const passed = results.reduce((sum, { cases }) => sum + count(cases, 'passed'), 0)
  const failed = results.reduce((sum, result) => sum + failures(result), 0)
  console.log(json ? JSON.stringify({ passed, failed, tls, clients: results }) : `${passed} passed, ${failed} failed`)
  return failed ? 1 : 0
}

process.exitCode = await main()
