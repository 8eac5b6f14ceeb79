// Node, Deno and Bun: the briefing is a file that the command line names, reports are lines of JSON on stdout.
import '../suites/memory.ts'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { runAll } from '../suites/kit.ts'
import type { Briefing, Report, World } from '../world.ts'

export async function main(version: string, dials: World['dials']): Promise<void> {
  const briefing = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Briefing
  const report = (report: Report) => console.log(JSON.stringify(report))
  await import('../suites/all.ts')
  await runAll({ ...briefing, dials }, report)
  report({ type: 'end', version })
  process.exit(0)
}
