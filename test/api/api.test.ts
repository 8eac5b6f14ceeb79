// The public API is written down, a symbol a line, in api.txt: a change to it shows in review. `UPDATE_API=1 npm test -- api` rewrites it.
import { readFileSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'
import { surfaceOf } from './surface.ts'
import { join } from 'node:path'

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { exports: Record<string, string | { types: string }> }
const snapshot = join(repository, 'test/api/api.txt')

const entries = Object.entries(packageJson.exports).flatMap(([path, target]) =>
  typeof target === 'string' ? [] : [{ name: path.replace('.', 'membio'), types: join(repository, target.types) }],
)
const surface = entries.flatMap(({ name, types }) => surfaceOf(name, types))

const test = suite('the public API')

test('is the one written down', () => {
  const text = `${surface.map(({ line }) => line).join('\n')}\n`
  if (process.env.UPDATE_API) writeFileSync(snapshot, text)
  assert.fixture(text, readFileSync(snapshot, 'utf8'))
})

test('has a docstring for every symbol', () => {
  // A constructor's class, and what frees a thing, say it already; the members of DuplexLike and its likes are a runtime's.
  const missing = surface.filter(({ line, documented }) => !documented && !/\.(constructor\(|\[Symbol\.dispose\])|: \w+Like\./.test(line))
  assert.equal(missing.map(({ line }) => line), [])
})
