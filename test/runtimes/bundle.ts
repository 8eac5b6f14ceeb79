// Puts the package, as users get it, and the suites where a runtime finds them: the unpacked tarball in node_modules, and one file for each
// entry. Where a runtime cannot resolve packages itself, the package is bundled too, with the conditions that a user's bundler would take.
import { build, type BuildOptions, type Plugin } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/paths.ts'

export const stage = join(repository, 'build/runtimes/stage')
const sources = join(repository, 'test/runtimes')

/** The tarball that `npm publish` would send, unpacked. */
export function installPackage(): void {
  const packed = join(stage, 'node_modules/membio')
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(packed, { recursive: true })
  // Of its own, so that `membio` is what node_modules has, and not the repository around it.
  writeFileSync(join(stage, 'package.json'), '{ "name": "stage", "private": true, "type": "module" }')
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', stage])
  const tarball = readdirSync(stage).find((name) => name.endsWith('.tgz'))
  if (!tarball) throw new Error('npm pack made no tarball')
  run('tar', ['-xzf', join(stage, tarball), '-C', packed, '--strip-components=1'])
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { cwd: repository, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

/** test/runtimes/NAME.ts to a file in the stage that imports `membio` at run time. Returns its path. */
export async function bundleEntry(name: string, options: BuildOptions = {}): Promise<string> {
  const outfile = join(stage, `${name.replaceAll('/', '-')}.mjs`)
  await build({
    entryPoints: [join(sources, `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    mainFields: ['module', 'main'],
    external: ['membio', 'membio/*', 'node:*', 'cloudflare:*', '*.wasm'],
    tsconfigRaw: {}, // the repository's own leads to src/
    plugins: [asUsersImportIt],
    sourcemap: 'inline',
    ignoreAnnotations: true, // the repository's package.json says that importing a test file does nothing
    logLevel: 'silent', // what is wrong is thrown
    ...options,
  })
  return outfile
}

/** One file of the stage and the package, for runtimes that have no node_modules. Returns its path. */
export async function bundlePackage(file: string, conditions: string[], options: BuildOptions = {}): Promise<string> {
  const outfile = file.replace(/\.mjs$/, '.bundle.mjs')
  const external = ['node:*', 'cloudflare:*', '*.wasm', ...(options.external ?? [])]
  const common: BuildOptions = { bundle: true, format: 'esm', platform: 'browser', target: 'es2022', tsconfigRaw: {}, logLevel: 'silent' }
  await build({ ...common, ...options, entryPoints: [file], outfile, conditions, external })
  return outfile
}

const ENTRIES: Record<string, string> = {
  'src/index.ts': 'membio',
  'src/streams/index.ts': 'membio/streams',
  'src/transport/index.ts': 'membio/transport',
  'src/x509/index.ts': 'membio/x509',
}

/** Test files of other folders import src/ and register with test/support/suite.ts: here they get the package and the kit. */
const asUsersImportIt: Plugin = {
  name: 'as users import it',
  setup({ onResolve }) {
    onResolve({ filter: /\/src\// }, ({ path, resolveDir, importer }) => {
      const file = join(resolveDir, path).slice(repository.length)
      const entry = ENTRIES[file]
      if (!entry) return { errors: [{ text: `${importer} imports ${file}, which is none of the package's entries` }] }
      return { path: entry, external: true }
    })
    onResolve({ filter: /\/support\/suite\.ts$/ }, () => ({ path: join(sources, 'suites/shared-suite.ts') }))
  },
}
