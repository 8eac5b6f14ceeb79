// Node, Deno and Bun: the briefing is a file that the command line names, reports are lines of JSON on stdout.
import '../suites/memory.ts'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import process from 'node:process'
import { nodeSocket } from 'membio/transport'
import { enter, runAll } from '../suites/kit.ts'
import type { Briefing, Pipe, Report } from '../world.ts'

const node: Pipe = { dial: (port) => nodeSocket(connect(port, '127.0.0.1')), ordinary: true, reset: /^(ECONNRESET|EPIPE)$/ }

export async function main(version: string, native = node): Promise<void> {
  const briefing = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Briefing
  const report = (report: Report) => console.log(JSON.stringify(report))
  enter({ ...briefing, pipes: { native, node } })
  await import('../suites/all.ts')
  await runAll(report)
  report({ type: 'end', version })
  process.exit(0)
}
