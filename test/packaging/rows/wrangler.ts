// wrangler's bundle of a Worker, as it would be deployed; and run in workerd, without the network that deploying takes.
import * as assert from 'uvu/assert'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Program } from '../../samples/program.ts'
import { suite, type Case } from '../../support/suite.ts'
import { copiesOfWasm, DEADLINE, entries, node22, out, succeed, tool, wasm, workerd } from '../site.ts'

const row = suite('wrangler')

/** From this date on node:* modules are there without being asked for. */
const RECENT = '2026-11-01'

/** Bundles a module of the app; `--dry-run` is all of it but the upload. Returns the folder with what would be uploaded. */
async function deploy(main: string, date = RECENT): Promise<string> {
  const folder = out(`wrangler-${main.replace(/\W/g, '-')}`)
  const config = join(folder, 'wrangler.json')
  writeFileSync(config, JSON.stringify({ name: 'membio', main: `../../${main}`, compatibility_date: date }))
  await succeed(node22(), [tool('wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', join(folder, 'upload'), '--config', config])
  return join(folder, 'upload')
}

/** Workers of several modules, for workerd: a main module and openssl.wasm by the name that the bundle gives it. */
const configuration = (main: string, module: string | undefined, date: string) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [ (name = "main", worker = .worker) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]);
const worker :Workerd.Worker = (
  modules = [ (name = "main.js", esModule = embed "${main}")${module ? `, (name = "${module}", wasm = embed "${module}")` : ''} ],
  compatibilityDate = "${date}");
`

/** Runs it, and returns what the Worker answers. */
async function ask(t: Case, folder: string, date = RECENT): Promise<unknown> {
  const main = readdirSync(folder).find((name) => name.endsWith('.js'))!
  const file = join(folder, 'worker.capnp')
  writeFileSync(file, configuration(main, copiesOfWasm(folder)[0], date))
  const program = new Program(t, workerd(), ['serve', file, '--control-fd=1'])
  const [, port] = await program.printed(/"port":(\d+)/)
  const response = await fetch(`http://127.0.0.1:${port}/`)
  if (!response.ok) throw new Error(`the Worker answered ${response.status}: ${await response.text()}`)
  return response.json()
}

const EXPECTED = {
  inGlobalScope: {
    version: 'OpenSSL',
    compiled: true,
    createContext: 'ERR_OSSL_PROVIDER_ERROR_RETRIEVING_ENTROPY',
    createKey: 'ERR_OSSL_PROVIDER_ERROR_RETRIEVING_ENTROPY',
  },
  hello: 'hello over TLSv1.3',
}

row('deploy --dry-run brings openssl.wasm as a module, and workerd runs it without init', async (t) => {
  const folder = await deploy('src/worker.js')
  assert.is(copiesOfWasm(folder).length, 1)
  assert.equal(await ask(t, folder), EXPECTED)
  t.note = `${Math.round((wasm().length + readFileSync(join(folder, 'worker.js')).length) / 1000)} kB`
}, DEADLINE)

row('so it does at the age of a compatibility date before FinalizationRegistry and node:*', async (t) => {
  const date = '2024-01-01'
  assert.equal(await ask(t, await deploy('src/worker.js', date), date), EXPECTED)
}, DEADLINE)

// Its only purpose is to patch modules of Node's, Deno's and Bun's: it says that workerd cannot.
const importable = entries().filter((entry) => entry !== 'membio/register')

row(`global scope may import every entry: ${importable.length} of them`, async (t) => {
  const source = importable.map((entry, at) => `import * as entry${at} from '${entry}'\n`).join('')
  const counts = importable.map((_, at) => `Object.keys(entry${at}).length > 0`)
  const name = 'everything'
  writeFileSync(join(out(name), 'worker.js'), `${source}export default { fetch: () => Response.json([${counts.join(', ')}]) }\n`)
  assert.equal(await ask(t, await deploy(`out/${name}/worker.js`)), importable.map(() => true))
}, DEADLINE)
