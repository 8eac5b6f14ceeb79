// Node, Deno and Bun: a process that finds the package in node_modules, by the conditions of its own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleEntry, stage } from '../bundle.ts'
import { installed } from '../installed.ts'
import { runToEnd, start, type Run } from '../runtime.ts'
import type { RuntimeName } from '../world.ts'

const COMMANDS = {
  node20: { entry: 'node', args: [] },
  node22: { entry: 'node', args: [] },
  node24: { entry: 'node', args: [] },
  node26: { entry: 'node', args: [] },
  deno: { entry: 'deno', args: ['run', '--allow-all', '--node-modules-dir=manual', '--no-lock', '--quiet'] },
  bun: { entry: 'bun', args: ['run', '--no-install'] },
} satisfies Partial<Record<RuntimeName, { entry: string; args: string[] }>>

export const runProcess =
  (name: keyof typeof COMMANDS): Run =>
  async (briefing, listen, t) => {
    const { entry, args } = COMMANDS[name]
    const file = await bundleEntry(`entries/${entry}`)
    const told = join(stage, `briefing-${name}.json`)
    writeFileSync(told, JSON.stringify(briefing))
    const child = start(t, installed(name), [...args, file, told], { DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' })
    await runToEnd(t, child, listen)
  }
