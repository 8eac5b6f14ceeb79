// Workers: bundled by wrangler as they would be deployed, and run in workerd, without the network that deploying takes.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Program } from '../samples/program.ts'
import type { Case } from '../support/suite.ts'
import { copiesOfWasm, node22, out, succeed, tool, workerd } from './site.ts'

export interface Compatibility {
  date: string
  flags?: string[]
}

/** From some months before on, node:* modules are there without being asked for. */
export const RECENT: Compatibility = { date: '2026-11-01' }

/** Bundles a module of the app; `--dry-run` is all of it but the upload. Returns the folder with what would be uploaded. */
export async function deploy(main: string, { date, flags = [] }: Compatibility): Promise<string> {
  const folder = out(`wrangler-${main.replace(/\W/g, '-')}`)
  const config = join(folder, 'wrangler.json')
  writeFileSync(config, JSON.stringify({ name: 'membio', main: `../../${main}`, compatibility_date: date, compatibility_flags: flags }))
  await dryRun(config, join(folder, 'upload'))
  return join(folder, 'upload')
}

/** Bundles as a configuration says. */
export const dryRun = (config: string, outdir: string): Promise<string> =>
  succeed(node22(), [tool('wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', outdir, '--config', config])

/** What a Worker sees as its `env`. */
type Bindings = Record<string, string>

const quoted = (text: string) => JSON.stringify(text) // Cap'n Proto's strings have C's escapes

/** Workers of several modules, for workerd: a main module and openssl.wasm by the name that the bundle gives it. "local" is the loopback. */
const configuration = (main: string, module: string | undefined, bindings: Bindings, { date, flags = [] }: Compatibility) =>
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker), (name = "internet", network = (allow = ["local"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]);
const worker :Workerd.Worker = (
  modules = [ (name = "main.js", esModule = embed "${main}")${module ? `, (name = "${module}", wasm = embed "${module}")` : ''} ],
  bindings = [ ${Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = ${quoted(text)})`).join(', ')} ],
  compatibilityDate = "${date}", compatibilityFlags = [ ${flags.map(quoted).join(', ')} ]);
`

/** Runs what `deploy` has made. Resolves with the address where it answers. */
export async function start(t: Case, folder: string, compatibility: Compatibility, bindings: Bindings = {}): Promise<string> {
  const main = readdirSync(folder).find((name) => name.endsWith('.js'))!
  const file = join(folder, 'worker.capnp')
  writeFileSync(file, configuration(main, copiesOfWasm(folder)[0], bindings, compatibility))
  const program = new Program(t, workerd(), ['serve', file, '--control-fd=1'])
  const [, port] = await program.printed(/"port":(\d+)/)
  return `http://127.0.0.1:${port}/`
}
