// A contender in a process of its own: reads commands from stdin, one JSON object a line, and answers on stdout in the same way. Runs on
// Node, Deno and Bun. The harness's side of it is child.ts.
import { createInterface } from 'node:readline'
import { load, type Side } from './peers/index.ts'
import { prepare, type Given } from './peers/peer.ts'
import { Cannot, type Run, type Task, type Work } from './work.ts'

export type Command = { id: number } & (
  | { do: 'prepare'; work: Work; given: Given }
  | { do: 'run'; times: number }
  | { do: 'close' }
)

export type Answer = { id: number } & ({ ok: { note?: string } | Run } | { cannot: string } | { failed: string })

const side = JSON.parse(process.argv[2]!) as Side
// stdout is for answers, whatever a peer likes to print. Not every runtime's console writes by way of process.stdout.
const stdout = process.stdout.write.bind(process.stdout)
process.stdout.write = process.stderr.write.bind(process.stderr)
console.log = console.info = console.debug = console.error
const write = (answer: Answer): void => void stdout(`${JSON.stringify(answer)}\n`)

const peer = load(side)
let task: Task | undefined

async function measure(times: number): Promise<Run> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  const elsewhere = await task!.run(times)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return elsewhere ?? { seconds, cpuSeconds: (user + system) / 1e6 }
}

async function carryOut(command: Command): Promise<{ note?: string } | Run> {
  switch (command.do) {
    case 'prepare':
      task = await prepare(await peer, command.work, command.given)
      return { note: task.note }
    case 'run':
      return measure(command.times)
    case 'close':
      await task?.close()
      task = undefined
      return {}
  }
}

async function answer(command: Command): Promise<Answer> {
  const { id } = command
  try {
    return { id, ok: await carryOut(command) }
  } catch (error) {
    if (error instanceof Cannot) return { id, cannot: error.message }
    return { id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

peer.catch(() => {}) // told with the first answer
process.on('uncaughtException', (error) => {
  console.error(error)
  process.exit(1)
})
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => void answer(JSON.parse(line) as Command).then(write))
lines.on('close', () => process.exit())
