// Where the package is as its users have it: a program's folder with the tarball installed by npm, and around it the bundlers and checkers,
// which `./build.sh packaging` has put there. Bundles stay in build/packaging/app/out when the run is over, to be looked at.
import { execFile, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repository } from '../support/paths.ts'

const home = join(repository, 'build/packaging')
const modules = join(home, 'node_modules')

/** The program's folder: `src` has the compiled test/packaging/programs, `out` what bundlers have made. */
export const app = join(home, 'app')
export const installed = join(app, 'node_modules/membio')
export const tarball = join(home, 'membio.tgz')

/** What package.json of the installed package says. */
export interface Manifest {
  name: string
  version: string
  exports: Record<string, string | Record<string, string>>
  imports: Record<string, Record<string, string>>
}

export const manifest = (): Manifest => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest

/** Everything that can be imported as JavaScript: `membio`, `membio/transport`... */
export const entries = (): string[] =>
  Object.keys(manifest().exports)
    .filter((path) => !/\.(wasm|json)$/.test(path))
    .map((path) => path.replace('.', 'membio'))

/** Once a run: packs the repository as `npm publish` would, and installs that as `npm install` does. */
export function install(): void {
  rmSync(app, { recursive: true, force: true })
  mkdirSync(app, { recursive: true })
  const name = must('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', home], repository).trim()
  cpSync(join(home, name), tarball)
  rmSync(join(home, name))
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n')
  writeFileSync(join(app, 'tsconfig.json'), '{}\n') // bundlers would find the repository's, which leads `membio` to src/
  must('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', tarball], app)
  mkdirSync(join(app, 'src'))
  const programs = fileURLToPath(new URL('./programs/', import.meta.url))
  for (const file of readdirSync(programs).filter((name) => name.endsWith('.js'))) {
    writeFileSync(join(app, 'src', file), readFileSync(join(programs, file), 'utf8').replace(/\n\/\/# sourceMappingURL=.*/, ''))
  }
}

function must(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

// ---- Programs ----

/** In node_modules; one that is missing is a failure, never a skip. */
export function tool(path: string): string {
  const found = join(modules, path)
  if (!existsSync(found)) throw new Error(`${found} is missing: ./build.sh packaging`)
  return found
}

/** For tools that want a newer Node than the one that tests run on. */
export const node22 = (): string => tool('node22/bin/node')
export const deno = (): string => tool('@deno/linux-x64-glibc/deno')
export const workerd = (): string => tool('@cloudflare/workerd-linux-64/bin/workerd')

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** No tool shall ask, phone home, write into the home folder, or colour what it prints. */
const ENVIRONMENT = {
  CI: 'true',
  NO_COLOR: '1',
  NO_UPDATE_NOTIFIER: '1',
  DENO_NO_UPDATE_CHECK: '1',
  DENO_DIR: join(home, 'deno'),
  WRANGLER_SEND_METRICS: 'false',
  XDG_CONFIG_HOME: join(home, 'config'),
}

/** Runs a program to its end, in the app's folder. */
export function execute(command: string, args: readonly string[], cwd = app): Promise<Ended> {
  const options = { cwd, env: { ...process.env, ...ENVIRONMENT }, timeout: 220_000, maxBuffer: 1 << 26 }
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}

/** As above; anything but success is thrown, with all that was printed. */
export async function succeed(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await execute(command, args, cwd)
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')}\nleft with ${code}:\n${stdout}${stderr}`)
  return stdout
}

export const runNode = (...args: string[]): Promise<string> => succeed(process.execPath, args)

// ---- Files ----

/** An empty folder below `out`. */
export function out(name: string): string {
  const path = join(app, 'out', name)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  return path
}

export const wasm = (): Buffer => readFileSync(join(installed, 'dist/openssl.wasm'))

/** The files of a folder that are openssl.wasm, by whatever name. */
export function copiesOfWasm(folder: string): string[] {
  const bytes = wasm()
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.wasm'))
  return modules.filter((path) => readFileSync(join(folder, path)).equals(bytes))
}

/** A bundler is done within seconds; several runs may share two cores. */
export const DEADLINE = { deadline: 240 }
