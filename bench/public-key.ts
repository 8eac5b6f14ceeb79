// Keys: openssl.wasm against the same module without wasm/simd, in CPU time, in turns, by medians; single operations through EVP, and full
// TLS 1.3 handshakes of a client and a server in one thread, where each build has a process of its own.
//
//   ./build.sh kernels ts && node build/bench/public-key.js [part of a name] [rounds]
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createContext, init } from '../src/index.ts'
import { KernelModule, type Build } from '../test/kernels/module.ts'
import { HOST, root, server } from '../test/support/certs.ts'
import { repository } from '../test/support/paths.ts'

/** Seconds that one run should take: long against the clock's resolution. */
const RUN = 0.02
const BUILDS = ['kernels', 'portable'] as const satisfies readonly Build[]

const HANDSHAKES = [
  { name: 'handshake ECDSA P-256, X25519', key: 'P-256', group: 'X25519' },
  { name: 'handshake ECDSA P-256, P-256', key: 'P-256', group: 'P-256' },
  { name: 'handshake ECDSA P-256, X25519MLKEM768', key: 'P-256', group: 'X25519MLKEM768' },
  { name: 'handshake RSA-2048, X25519', key: 'RSA-2048', group: 'X25519' },
  { name: 'handshake Ed25519, X25519', key: 'Ed25519', group: 'X25519' },
] as const

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

/** The CPU seconds of a call: on a busy machine the clock on the wall counts the others' work too. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Runs an operation so many times, and answers with the CPU seconds. */
type Runner = (times: number) => number | Promise<number>

async function compare(name: string, runners: readonly Runner[], rounds: number): Promise<void> {
  const times = runners.map(() => 1)
  for (const [i, run] of runners.entries()) {
    while ((await run(times[i]!)) < RUN) times[i]! *= 2
  }
  const seconds: number[][] = runners.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runners.entries()) seconds[i]!.push((await run(times[i]!)) / times[i]!)
  }
  const [fast, slow] = seconds.map(median) as [number, number]
  const rate = (value: number) => `${Math.round(1 / value)} /s`.padStart(12)
  console.log(`${name.padEnd(40)}${rate(slow)}${rate(fast)}${(slow / fast).toFixed(2).padStart(8)}`)
}

// ---- Handshakes, in a process for each build. ----

const FILES: Record<Build, string> = { kernels: 'dist/openssl.wasm', portable: 'build/wasm/openssl-portable.wasm' }

function shake(key: (typeof HANDSHAKES)[number]['key'], group: string): () => void {
  const ca = root().cert
  const client = createContext({ ca, groups: [group] })
  const contexts = { client, server: createContext({ ...server(key), groups: [group] }) }
  return () => {
    const a = contexts.client.createEngine({ role: 'client', servername: HOST })
    const b = contexts.server.createEngine({ role: 'server' })
    while (!a.agreed || !b.agreed) {
      a.handshake()
      b.receiveCiphertext(a.takeCiphertext())
      b.handshake()
      a.receiveCiphertext(b.takeCiphertext())
    }
    a.free()
    b.free()
  }
}

async function serve(build: Build): Promise<void> {
  await init({ bytes: readFileSync(`${repository}${FILES[build]}`) })
  const shakes = HANDSHAKES.map(({ key, group }) => shake(key, group))
  process.on('message', ({ which, times }: { which: number; times: number }) => {
    process.send!(
      cpuSeconds(() => {
        for (let i = 0; i < times; i++) shakes[which]!()
      }),
    )
  })
}

async function ask(child: ChildProcess, which: number, times: number): Promise<number> {
  child.send({ which, times })
  const [seconds] = (await once(child, 'message')) as [number]
  return seconds
}

// ---- All. ----

async function main(pattern = '', rounds = '31'): Promise<void> {
  console.log(`Node ${process.versions.node}, V8 ${process.versions.v8}\n${''.padEnd(40)}${'C'.padStart(12)}${'kernels'.padStart(12)}${'ratio'.padStart(8)}`)
  const modules = BUILDS.map((build) => new KernelModule(build))
  for (const [which, name] of modules[0]!.measures.entries()) {
    if (!name.endsWith('/s') || !name.includes(pattern)) continue
    for (const module of modules) module.prepare(which, 0)
    const runners = modules.map((module) => (times: number) => cpuSeconds(() => module.measure(which, 0, times)))
    await compare(name.slice(0, -3), runners, Number(rounds))
  }
  if (!HANDSHAKES.some(({ name }) => name.includes(pattern))) return
  const children = BUILDS.map((build) => fork(fileURLToPath(import.meta.url), ['--serve', build]))
  for (const [which, { name }] of HANDSHAKES.entries()) {
    if (name.includes(pattern)) await compare(name, children.map((child) => (times: number) => ask(child, which, times)), Number(rounds))
  }
  for (const child of children) child.disconnect()
}

if (process.argv[2] === '--serve') await serve(process.argv[3] as Build)
else await main(...process.argv.slice(2))
