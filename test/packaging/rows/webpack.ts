// webpack: brings openssl.wasm with the bundle, for pages and for Node.
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from '../../support/suite.ts'
import { copiesOfWasm, DEADLINE, out, runNode, tool } from '../site.ts'

const row = suite('webpack')

async function bundle(name: string, target: string): Promise<string> {
  const folder = out(`webpack-${target}`)
  const entry = ['--entry', `./src/${name}.js`, '--output-path', folder, '--output-filename', `${name}.cjs`]
  await runNode(tool('webpack/bin/webpack.js'), 'build', ...entry, '--mode', 'production', '--target', target, '--stats', 'errors-only')
  return folder
}

row('for browsers: openssl.wasm is an asset that the script names', async () => {
  const folder = await bundle('page', 'web')
  const [name, ...more] = copiesOfWasm(folder)
  assert.ok(name && !more.length)
  const script = readFileSync(join(folder, 'page.cjs'), 'utf8')
  assert.ok(script.includes(name))
  assert.not.match(script, /require\("node:/)
}, DEADLINE)

row('for Node: runs', async () => {
  const folder = await bundle('main', 'node20')
  assert.is(copiesOfWasm(folder).length, 1)
  assert.is(await runNode(join(folder, 'main.cjs')), 'hello over TLSv1.3\n')
}, DEADLINE)
