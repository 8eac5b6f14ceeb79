// wrangler's bundle of a Worker, run in workerd; and what global scope may do there.
import * as assert from 'uvu/assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type Case } from '../../support/suite.ts'
import { copiesOfWasm, DEADLINE, entries, out, wasm } from '../site.ts'
import { deploy, RECENT, start, type Compatibility } from '../workers.ts'

const row = suite('wrangler')

/** The first date of node:fs. */
const WITH_NODE = { date: '2025-09-15', flags: ['nodejs_compat'] }
/** No FinalizationRegistry, and nothing of Node's. */
const OLD = { date: '2024-01-01' }

/** Runs it, and returns what the Worker answers: to a second request the same as to the first. */
async function ask(t: Case, folder: string, compatibility: Compatibility): Promise<unknown> {
  const url = await start(t, folder, compatibility)
  const answers = [await answer(url), await answer(url)]
  assert.equal(answers[1], answers[0])
  return answers[0]
}

async function answer(url: string): Promise<unknown> {
  const response = await fetch(url)
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
  speaks: true,
  hello: 'hello over TLSv1.3',
}

row('deploy --dry-run brings openssl.wasm as a module, and workerd runs it without init', async (t) => {
  const folder = await deploy('src/worker.js', RECENT)
  assert.is(copiesOfWasm(folder).length, 1)
  assert.equal(await ask(t, folder, RECENT), EXPECTED)
  t.note = `${Math.round((wasm().length + readFileSync(join(folder, 'worker.js')).length) / 1000)} kB`
}, DEADLINE)

row('so it does with a compatibility date before FinalizationRegistry and node:*', async (t) => {
  assert.equal(await ask(t, await deploy('src/worker.js', OLD), OLD), EXPECTED)
}, DEADLINE)

// Its only purpose is to patch modules of Node's, Deno's and Bun's: it says that workerd cannot.
const importable = entries().filter((entry) => entry !== 'membio/register')
const OF_NODE = ['membio/tls', 'membio/https', 'membio/http2']
const IMPORTS: [string, Compatibility, string[]][] = [
  ['every entry', RECENT, importable],
  ['every entry with nodejs_compat', WITH_NODE, importable],
  ['what does not stand on Node with any date', OLD, importable.filter((entry) => !OF_NODE.includes(entry))],
]

for (const [what, compatibility, names] of IMPORTS) {
  row(`global scope may import ${what}`, async (t) => {
    const source = names.map((entry, at) => `import * as entry${at} from '${entry}'\n`).join('')
    const counts = names.map((_, at) => `Object.keys(entry${at}).length > 0`)
    const name = `imports-${compatibility.date}`
    writeFileSync(join(out(name), 'worker.js'), `${source}export default { fetch: () => Response.json([${counts.join(', ')}]) }\n`)
    assert.equal(await ask(t, await deploy(`out/${name}/worker.js`, compatibility), compatibility), names.map(() => true))
    t.note = `${names.length} entries`
  }, DEADLINE)
}
