// The programs of docs/transports.md that Node can run, as they stand there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { Program } from '../samples/program.ts'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'

const text = readFileSync(join(repository, 'docs/transports.md'), 'utf8')
const programs = new Map([...text.matchAll(/^```js\n\/\/ (\w+\.mjs)\n([^]*?)^```$/gm)].map(([, name, code]) => [name!, code!]))

const test = suite('docs/transports.md')

for (const [name, stdout] of [
  ['streams.mjs', 'you said: hello\n'],
  ['threads.mjs', 'hello\n'],
] as const) {
  test(`${name} runs, and ends by itself`, async (t) => {
    const folder = mkdtempSync(join(repository, 'build', 'transports-')) // where `membio` is the package itself
    t.defer(() => rmSync(folder, { recursive: true }))
    const path = join(folder, name)
    writeFileSync(path, programs.get(name)!)
    assert.equal(await new Program(t, process.execPath, [path]).end(), { code: 0, stdout, stderr: '' })
  })
}
