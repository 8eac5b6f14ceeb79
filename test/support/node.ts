// Programs run by tests: membio in a fresh process, and tools of the machine.
import { spawnSync } from 'node:child_process'
import { repository } from './paths.ts'

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program to its end, for half a minute at most. */
export function run(command: string, args: readonly string[], input?: string | Uint8Array, env: NodeJS.ProcessEnv = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input,
    cwd: repository,
    timeout: 30_000,
    env: { ...process.env, ...env },
  })
  if (error) throw error
  return { code: status, stdout: stdout.toString(), stderr: stderr.toString() }
}

/**
 * Runs an ES module's text in a fresh Node, with the package's entries at hand as `membio` and so on; what it prints as JSON comes
 * back. For everything that happens once a process: loading, a runtime that lacks something.
 */
export function inFreshNode(source: string, env?: NodeJS.ProcessEnv): unknown {
  const { code, stdout, stderr } = run(process.execPath, ['--input-type=module', '-'], source, env)
  if (code !== 0) throw new Error(`the program left with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}
