// What pages come from, for contenders in Chromium: an HTTP server on loopback, and at its WebSocket a proxy (Wisp) that leads to the
// native server. Files are served as they are in dist/ and in the peers' packages; nothing is bundled.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from './peers/package.ts'
import { withRoot } from './root-swap.ts'

interface WispServer {
  server: {
    routeRequest(request: IncomingMessage, socket: Socket, head: Buffer): void
    options: { allow_loopback_ips: boolean; allow_private_ips: boolean; dns_result_order: string }
  }
  logging: { set_level(level: number): void; NONE: number }
}

const repository = fileURLToPath(new URL('../../', import.meta.url))
const FOLDERS: Record<string, string> = {
  dist: `${repository}dist/`,
  bench: `${repository}build/bench/`,
  packages: `${repository}build/bench/packages/node_modules/`,
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

/** As a bundler would resolve them for browsers. */
function importMap(): Record<string, string> {
  const { imports } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8')) as { imports: Record<string, { browser: string }> }
  const own = Object.entries(imports).map(([name, { browser }]) => [name, browser.slice(1)])
  return { 'membio': '/dist/index.js', 'membio/transport': '/dist/transport.js', ...Object.fromEntries(own) }
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: importMap() })}</script>
<script src="/packages/@mercuryworkshop/epoxy-tls/pkg/epoxy.js"></script>
<script type="module" src="/bench/page/main.js"></script>`

/** Threads, for whoever wants them; a page has them in isolation only. */
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/** @returns the port; 0 where the proxy is not installed */
export async function serveWeb(ca: string): Promise<number> {
  const proxy = await load<WispServer>('@mercuryworkshop/wisp-js/server').catch(() => undefined)
  if (!proxy) return 0
  Object.assign(proxy.server.options, { allow_loopback_ips: true, allow_private_ips: true, dns_result_order: 'ipv4first' })
  proxy.logging.set_level(proxy.logging.NONE)
  const server = createServer((request, response) => void answer(request, response, ca))
  server.on('upgrade', (request, socket, head) => proxy.server.routeRequest(request, socket as Socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function answer({ url = '/' }: IncomingMessage, response: ServerResponse, ca: string): Promise<void> {
  const send = (type: string, body: Uint8Array | string) => response.writeHead(200, { 'content-type': type, ...ISOLATION }).end(body)
  if (url === '/') return void send('text/html', PAGE)
  const [, folder = '', path = ''] = /^\/(\w+)\/([^?]*)/.exec(url) ?? []
  try {
    const bytes = await readFile(FOLDERS[folder]! + path)
    const swapped = folder === 'packages' && path.endsWith('.wasm') ? await withRoot(bytes, ca) : bytes
    send(TYPES[extname(path)] ?? 'application/octet-stream', swapped)
  } catch (error) {
    console.error(`${url}: ${(error as Error).message}`)
    response.writeHead(404).end()
  }
}
