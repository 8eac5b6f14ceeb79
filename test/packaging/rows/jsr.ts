// jsr.json: the sources as JSR would have them. Deno checks them as it does before publishing, and runs them.
import * as assert from 'uvu/assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../support/paths.ts'
import { suite } from '../../support/suite.ts'
import { DEADLINE, deno, execute, manifest, out, succeed } from '../site.ts'

const row = suite('jsr')

const config = join(repository, 'jsr.json')
const { version, exports, imports } = JSON.parse(readFileSync(config, 'utf8')) as ReturnType<typeof manifest>

/** What stands on files and threads beside it, or is one. */
const NOT_THERE = ['./sync', './register', './openssl.wasm', './package.json']

row('has the entries, the imports and the version of package.json', () => {
  const npm = manifest()
  assert.is(version, npm.version)
  assert.equal(Object.keys(exports).sort(), Object.keys(npm.exports).filter((entry) => !NOT_THERE.includes(entry)).sort())
  assert.equal(Object.keys(npm.imports).filter((name) => !(name in imports)), [])
})

row('deno publish --dry-run has nothing against it', async (t) => {
  const { code, stdout, stderr } = await execute(deno(), ['publish', '--dry-run', '--allow-dirty', '--no-lock'], repository)
  const said = stdout + stderr
  assert.is(code, 0, said)
  assert.match(said, /Dry run complete/)
  assert.not.match(said, /(warning|error)\[/)
  t.note = `${said.match(/^ +file:/gm)!.length} files`
}, DEADLINE)

row('the sources run in Deno, without any permission', async () => {
  const file = join(out('jsr'), 'main.ts')
  const source = readFileSync(join(repository, 'test/packaging/programs/handshake.ts'), 'utf8')
  const here = (entry: string) => join(repository, exports[entry.replace('membio', '.')] as string)
  writeFileSync(file, `${source.replace(/'(membio[^']*)'/g, (_, entry: string) => `'${here(entry)}'`)}\nconsole.log(await hello())\n`)
  assert.is(await succeed(deno(), ['run', '--no-prompt', '--no-lock', '--config', config, file]), 'hello over TLSv1.3\n')
}, DEADLINE)
