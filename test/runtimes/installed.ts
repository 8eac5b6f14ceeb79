// Where `./build.sh runtimes` has put the programs.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/paths.ts'
import type { RuntimeName } from './world.ts'

const modules = join(repository, 'build/runtimes/node_modules')

const PROGRAMS: Record<RuntimeName, string> = {
  node20: join(modules, 'node20/bin/node'),
  node22: join(modules, 'node22/bin/node'),
  node24: join(modules, 'node24/bin/node'),
  node26: join(modules, 'node26/bin/node'),
  deno: join(modules, '@deno/linux-x64-glibc/deno'),
  bun: join(modules, '@oven/bun-linux-x64/bin/bun'),
  workerd: join(modules, '@cloudflare/workerd-linux-64/bin/workerd'),
  chromium: '/usr/bin/chromium',
}

/** Debian's packages that the runtimes come from or need; the others come from npm. */
export const PACKAGES = ['chromium']

/** The program's path. A runtime that is missing is a failure, never a skip. */
export function installed(runtime: RuntimeName): string {
  const path = PROGRAMS[runtime]
  if (!existsSync(path)) throw new Error(`${runtime} is not installed: ${path} is missing; ./build.sh runtimes`)
  return path
}
