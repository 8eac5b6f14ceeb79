// Vite: brings openssl.wasm with the page, and serves it while a page is being made.
import * as assert from 'uvu/assert'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Program } from '../../samples/program.ts'
import { suite, type Case } from '../../support/suite.ts'
import { app, copiesOfWasm, DEADLINE, out, runNode, tool, wasm } from '../site.ts'

const row = suite('vite')

const vite = () => tool('vite/bin/vite.js')

/** A page of its own folder in the app, which is Vite's root. */
function page(name: string): string {
  const root = out(name)
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>membio</title><script type="module" src="./page.js"></script>\n')
  for (const file of ['page.js', 'handshake.js']) writeFileSync(join(root, file), readFileSync(join(app, 'src', file)))
  return root
}

row('build: openssl.wasm is an asset that the script names', async (t) => {
  const root = page('vite')
  await runNode(vite(), 'build', root, '--logLevel', 'warn')
  const assets = join(root, 'dist/assets')
  const [name, ...more] = copiesOfWasm(assets)
  assert.ok(name && !more.length, readdirSync(assets).join())
  const script = readFileSync(join(assets, readdirSync(assets).find((file) => file.endsWith('.js'))!), 'utf8')
  assert.ok(script.includes(`/assets/${name}`))
  assert.not.match(script, /from\s*["']node:|__vite-browser-external/)
  t.note = name
}, DEADLINE)

/** What `import` and `new URL` of a script lead to, as addresses. */
async function follow(url: string, seen = new Map<string, string>()): Promise<Map<string, string>> {
  if (seen.has(url)) return seen
  const response = await fetch(url)
  const text = await response.text()
  seen.set(url, text)
  const [, wasmPath] = /new URL\("([^"]*openssl\.wasm)", (?:'' \+ )?import\.meta\.url\)/.exec(text) ?? []
  if (wasmPath) seen.set('wasm', new URL(wasmPath, url).href)
  for (const [, path] of text.matchAll(/(?:from|import) "([^"]+\.js[^"]*)"/g)) await follow(new URL(path!, url).href, seen)
  return seen
}

async function startVite(t: Case, root: string): Promise<string> {
  const program = new Program(t, process.execPath, [vite(), root, '--host', '127.0.0.1', '--port', '0'], { NO_COLOR: '1', CI: 'true' })
  const [, url] = await program.printed(/Local:\s+(http:\/\/127\.0\.0\.1:\d+\/)/)
  return url!
}

row('the development server: the address in the script is where openssl.wasm is', async (t) => {
  const url = await startVite(t, page('vite-dev'))
  const found = (await follow(`${url}page.js`)).get('wasm')
  assert.ok(found, 'no script that the page leads to names openssl.wasm')
  const response = await fetch(found)
  assert.is(response.headers.get('content-type'), 'application/wasm')
  assert.ok(wasm().equals(Buffer.from(await response.arrayBuffer())))
}, DEADLINE)
