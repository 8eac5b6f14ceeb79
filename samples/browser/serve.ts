// `npm run sample:browser`: serves the page, the proxy that its WebSockets need, and some servers to try it with. All on loopback.
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { tunnels } from '../proxy/tunnel.ts'
import { startExamples } from './examples.ts'

const HELP = `usage: npm run sample:browser [-- PORT] [options]

Serves a page that does TLS in the browser. Its proxy serves this page only, and connects to what is allowed.

  --allow HOST:PORT   the proxy may connect there; either may be *. Can be given more than once; default: *:443 localhost:* 127.0.0.1:*
  --help              print this`

const repository = new URL('../../../', import.meta.url)
const source = (name: string) => fileURLToPath(new URL(`samples/browser/${name}`, repository))

/** The page's code in one file, from our own package: what `membio` is for a browser, its conditional imports decide. */
async function bundle(): Promise<Buffer> {
  const { outputFiles } = await build({
    entryPoints: [source('page.ts')],
    absWorkingDir: fileURLToPath(repository),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    write: false,
    logLevel: 'warning',
    logOverride: { 'ignored-bare-import': 'silent' }, // a chunk that the page needs nothing of
    tsconfigRaw: {}, // ours leads to the sources
  })
  return Buffer.from(outputFiles[0]!.contents)
}

/** Nothing from anywhere else; WebAssembly needs to be allowed by name. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
]

const HEADERS = {
  'content-security-policy': POLICY.join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

async function start(port: number, targets: readonly string[]): Promise<void> {
  const { examples, stop } = await startExamples()
  const files: Record<string, readonly [type: string, content: Buffer | string]> = {
    '/': ['text/html; charset=utf-8', readFileSync(source('index.html'))],
    '/page.css': ['text/css; charset=utf-8', readFileSync(source('page.css'))],
    '/page.js': ['text/javascript; charset=utf-8', await bundle()],
    '/openssl.wasm': ['application/wasm', readFileSync(new URL('dist/openssl.wasm', repository))],
    '/examples.json': ['application/json', JSON.stringify(examples)],
  }
  const server = createServer(({ url = '/' }, response) => answer(response, files[new URL(url, 'http://page').pathname]))
  server.listen(port, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    const origins = [`http://localhost:${port}`, `http://127.0.0.1:${port}`]
    server.on('upgrade', tunnels({ origins, targets, log: console.log }))
    console.log(`open ${origins[0]}/\nthe proxy may connect to ${targets.join(' ')}`)
  })
  process.once('SIGINT', () => {
    stop()
    server.close()
    server.closeAllConnections()
  })
}

function answer(response: ServerResponse, file: readonly [type: string, content: Buffer | string] | undefined): void {
  if (file) response.writeHead(200, { ...HEADERS, 'content-type': file[0] }).end(file[1])
  else response.writeHead(404, HEADERS).end()
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      allow: { type: 'string', multiple: true, default: ['*:443', 'localhost:*', '127.0.0.1:*'] },
      help: { type: 'boolean', default: false },
    },
  })
  const port = Number(positionals[0] ?? 8080)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT is ${positionals[0]}, not a number from 0 to 65535`)
  if (values.help) console.log(HELP)
  else await start(port, values.allow)
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`)
  process.exitCode = 2
}
