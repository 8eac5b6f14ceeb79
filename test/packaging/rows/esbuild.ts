// esbuild, which brings no file by itself: openssl.wasm is put beside the bundle, or is in it.
import * as assert from 'uvu/assert'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, type Case } from '../../support/suite.ts'
import { entries, execute, installed, out, runNode, succeed, tool, wasm } from '../site.ts'

const row = suite('esbuild')

const esbuild = (...args: string[]) => succeed(tool('esbuild/bin/esbuild'), ['--bundle', '--log-level=error', ...args])

/** Bundles src/NAME.js. Returns the bundle's path. */
async function bundle(folder: string, name: string, ...args: string[]): Promise<string> {
  const path = join(out(folder), args.includes('--format=cjs') ? `${name}.cjs` : `${name}.js`)
  await esbuild(`src/${name}.js`, `--outfile=${path}`, ...args)
  return path
}

const putWasmBeside = (path: string) => copyFileSync(join(installed, 'dist/openssl.wasm'), join(path, '../openssl.wasm'))

/** A server that has openssl.wasm. Resolves with its address. */
async function serve(t: Case, type: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': type }).end(wasm()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.defer(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/openssl.wasm`
}

/** Modules that a bundle still asks its runtime for. */
const imported = (path: string) => [...readFileSync(path, 'utf8').matchAll(/^(?:import\b.*?|\} from )"([^"]+)";$/gm)].map(([, name]) => name)

row('for Node: runs with openssl.wasm beside it', async () => {
  const path = await bundle('node', 'main', '--platform=node', '--format=esm')
  const from = [...readFileSync(path, 'utf8').matchAll(/^\/\/ (.*)\/[\w.-]+\.js$/gm)].map(([, folder]) => folder)
  assert.equal([...new Set(from)].sort(), ['node_modules/membio/dist', 'src']) // the program's own, which has no other
  assert.ok(imported(path).every((name) => name!.startsWith('node:')))
  putWasmBeside(path)
  assert.is(await runNode(path), 'hello over TLSv1.3\n')
})

row('for Node: runs with packages left out', async () => {
  const path = await bundle('node-external', 'main', '--platform=node', '--format=esm', '--packages=external')
  assert.equal(imported(path), ['membio', 'membio/x509'])
  assert.is(await runNode(path), 'hello over TLSv1.3\n')
})

row('for Node: without openssl.wasm the error says what to do', async () => {
  const path = await bundle('node-alone', 'main', '--platform=node', '--format=esm')
  const { code, stderr } = await execute(process.execPath, [path])
  assert.is(code, 1)
  assert.match(stderr, /TlsError: openssl\.wasm is not beside this code: put it there \(it is membio\/openssl\.wasm\), or call `init`/)
  assert.match(stderr, /code: 'ERR_TLS_MODULE_NOT_FOUND'/)
})

for (const [format, platform] of [
  ['esm', 'node'],
  ['cjs', 'node'],
  ['esm', 'neutral'],
  ['iife', 'neutral'],
] as const) {
  row(`one file for all: ${platform}, ${format}, with membio/inline`, async (t) => {
    const path = await bundle(`inline-${platform}-${format}`, 'inline', `--platform=${platform}`, `--format=${format}`, '--minify')
    assert.is(await runNode(path), 'hello over TLSv1.3\n')
    t.note = `${Math.round(readFileSync(path).length / 1000)} kB`
  })
}

for (const type of ['application/wasm', 'application/octet-stream']) {
  row(`for browsers: imports nothing, and runs with openssl.wasm from elsewhere as ${type}`, async (t) => {
    const path = await bundle('browser-located', 'located', '--platform=browser', '--format=esm')
    assert.equal(imported(path), [])
    assert.is(await runNode(path, await serve(t, type)), 'hello over TLSv1.3\n')
  })
}

row('for browsers: a page, with openssl.wasm beside its script', async () => {
  const path = await bundle('browser', 'page', '--platform=browser', '--format=esm')
  putWasmBeside(path)
  writeFileSync(join(path, '../index.html'), '<!doctype html><title>membio</title><script type="module" src="page.js"></script>\n')
  assert.match(readFileSync(path, 'utf8'), /new URL\("\.\/openssl\.wasm", import\.meta\.url\)/)
})

row('for browsers: what is used before init says so, and fetches nothing', async () => {
  const folder = out('early')
  const check = `globalThis.fetch = () => console.log('fetched')\ntry { version() } catch ({ kind, code }) { console.log(kind, code) }\n`
  writeFileSync(join(folder, 'program.js'), `import { version } from 'membio'\n${check}`)
  await esbuild(join(folder, 'program.js'), '--platform=browser', '--format=esm', `--outfile=${join(folder, 'bundle.js')}`)
  assert.is(await runNode(join(folder, 'bundle.js')), 'usage ERR_TLS_NOT_INITIALIZED\n')
})

row('neutral: a bundle that does not know where it is says so', async () => {
  const path = await bundle('neutral', 'main', '--platform=neutral', '--format=iife')
  const { stderr } = await execute(process.execPath, [path])
  assert.match(stderr, /this bundle does not know its own address: call `init` with the `url`, `bytes` or `module` of openssl\.wasm/)
})

// ---- What unused code costs ----

const shaken = async (source: string, ...args: string[]) => {
  const file = join(out('shaken'), 'program.js')
  writeFileSync(file, source)
  const external = ['--external:node:*', '--external:cloudflare:*']
  return (await esbuild(file, '--format=esm', '--platform=neutral', ...external, '--minify', ...args)).length
}

row('importing an entry and using nothing of it leaves nothing', async () => {
  const unused = entries().filter((entry) => entry !== 'membio/register')
  const sizes = await shaken(unused.map((entry, at) => `import * as entry${at} from '${entry}'`).join('\n'))
  assert.ok(sizes < 100, `${sizes} bytes`)
})

row('nor does it when nobody told the bundler of side effects, but for a few tables', async (t) => {
  const pure = ['membio', 'membio/transport', 'membio/x509', 'membio/inline', 'membio/roots']
  const size = await shaken(pure.map((entry, at) => `import * as entry${at} from '${entry}'`).join('\n'), '--ignore-annotations')
  t.note = `${size} bytes`
  assert.ok(size < 20_000, `${size} bytes`)
})

/** What is asked for, and how many bytes it may bring. */
const SIZES: [string, number][] = [
  [`export { TlsError } from 'membio'`, 5_000],
  [`export { Poller, memoryPair } from 'membio/transport'`, 20_000],
  [`export { createKey } from 'membio/x509'`, 25_000],
  [`export { createContext } from 'membio'`, 80_000],
  [`export { opensslWasm } from 'membio/inline'`, Math.ceil(wasm().length / 3) * 4 + 1000],
]

for (const [source, most] of SIZES) {
  row(`brings no more than it needs: ${source}`, async (t) => {
    const size = await shaken(source)
    t.note = `${size} bytes`
    assert.ok(size <= most, `${size} bytes, at most ${most} were expected`)
    assert.ok(size > 100)
  })
}

row('membio/register stays, since importing it is using it', async () => {
  assert.ok((await shaken(`import 'membio/register'`)) > 50_000)
})
