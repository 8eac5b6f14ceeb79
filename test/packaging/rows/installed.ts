// The package as npm installs it: what is in it, what can be imported, and what checkers of packages say.
import * as assert from 'uvu/assert'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../support/paths.ts'
import { suite } from '../../support/suite.ts'
import { DEADLINE, entries, installed, manifest, node22, out, runNode, succeed, tarball, tool } from '../site.ts'

const row = suite('installed')

const files = () => readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(installed, path)).isFile())

row('has what package.json names, and nothing else', (t) => {
  const { exports, imports } = manifest()
  const paths = (target: string | Record<string, string>) => (typeof target === 'string' ? target : Object.values(target))
  const targets = [exports, imports].flatMap((map) => Object.values(map).flatMap(paths))
  assert.equal(targets.filter((path) => !existsSync(join(installed, path))), [])
  assert.ok(targets.length > 20)
  const documents = /^(package\.json|LICENSE|(README|CHANGELOG|SECURITY)\.md)$/
  const known = [documents, /^dist\/([\w.-]+\.js(\.map)?|openssl\.wasm|types\/.*\.d\.(wasm\.)?ts)$/]
  assert.equal(files().filter((path) => !known.some((pattern) => pattern.test(path))), [])
  t.note = `${Math.round(statSync(tarball).size / 1000)} kB`
})

row('names no path of the machine that built it', () => {
  const place = repository.replace(/\/$/, '')
  assert.equal(files().filter((path) => readFileSync(join(installed, path)).includes(place)), [])
})

for (const entry of entries()) {
  row(`import '${entry}'`, async (t) => {
    const names = await runNode('-e', `import('${entry}').then((module) => console.log(Object.keys(module).length))`)
    assert.ok(Number(names) > 0)
    t.note = `${names.trim()} names`
  })
  row(`require('${entry}')`, async () => {
    assert.ok(Number(await runNode('--no-warnings', '-e', `console.log(Object.keys(require('${entry}')).length)`)) > 0)
  })
}

row('membio/openssl.wasm and membio/package.json are files', async () => {
  const size = `(name) => require('fs').statSync(require.resolve(name)).size`
  const program = `console.log(['membio/openssl.wasm', 'membio/package.json'].map(${size}).join())`
  const sizes = ['dist/openssl.wasm', 'package.json'].map((path) => statSync(join(installed, path)).size)
  assert.is((await runNode('-e', program)).trim(), sizes.join())
})

row('what is no entry cannot be imported', async () => {
  const program = `import('membio/dist/index.js').catch((error) => console.log(error.code))`
  assert.is((await runNode('-e', program)).trim(), 'ERR_PACKAGE_PATH_NOT_EXPORTED')
})

for (const [name, node] of [['this Node', () => process.execPath], ['Node 22', node22]] as const) {
  row(`a program runs on ${name}`, async () => assert.is(await succeed(node(), ['src/main.js']), 'hello over TLSv1.3\n'))
}

// ---- Types ----

const LIBRARIES = 'es2023,esnext.disposable,dom'
const TYPES = {
  'on Node': ['--module', 'nodenext', '--types', 'node', '--typeRoots', join(repository, 'node_modules/@types')],
  'for a bundler, without those of Node': ['--module', 'esnext', '--moduleResolution', 'bundler', '--types', '', '--lib', LIBRARIES],
}
/** They stand on Node's, as what they stand in for does. */
const OF_NODE = /\/(tls|https|http2|register)$/

for (const [where, options] of Object.entries(TYPES)) {
  row(`types check strictly ${where}`, async () => {
    const names = where === 'on Node' ? entries() : entries().filter((entry) => !OF_NODE.test(entry))
    const uses = names.map((entry, at) => `import * as entry${at} from '${entry}'\nexport const name${at} = Object.keys(entry${at})\n`)
    const wasm = `import wasm from 'membio/openssl.wasm'\nexport const imports = WebAssembly.Module.imports(wasm)\n`
    const file = join(out(`types-${options[1]}`), 'program.ts')
    writeFileSync(file, uses.join('') + wasm)
    const tsc = join(repository, 'node_modules/typescript/bin/tsc')
    await runNode(tsc, file, '--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', ...options)
  }, DEADLINE)
}

// ---- Checkers ----

row('publint has nothing to say', async () => {
  const said = await runNode(tool('publint/src/cli.js'), 'run', tarball, '--strict')
  assert.match(said, /All good!/)
}, DEADLINE)

row('are the types wrong? No', async () => {
  const json = await runNode(tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only', '--format', 'json')
  const { analysis } = JSON.parse(json) as { analysis: { entrypoints: object; problems: { kind: string; resolutionKind?: string }[] } }
  assert.equal(Object.keys(analysis.entrypoints).sort(), Object.keys(manifest().exports).sort())
  assert.equal(analysis.problems.filter(({ resolutionKind }) => resolutionKind !== 'node10' && resolutionKind !== 'node16-cjs'), [])
}, DEADLINE)

// ---- What docs/packaging.md shows ----

const DOCUMENTED: [string, RegExp][] = [
  ['inline.mjs', /^OpenSSL 3\.\d+\.\d+ .*\n$/],
  ['threads.mjs', /^a thread has OpenSSL 3\.\d+\.\d+ .*\n$/],
]

for (const [name, printed] of DOCUMENTED) {
  row(`docs/packaging.md: ${name}`, async () => {
    const text = readFileSync(join(repository, 'docs/packaging.md'), 'utf8')
    const [, program] = new RegExp(`\`\`\`js\n(// ${name}\n[^]*?)\`\`\``).exec(text)!
    const file = join(out('documented'), name)
    writeFileSync(file, program!)
    assert.match(await runNode(file), printed)
  })
}
