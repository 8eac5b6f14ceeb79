// Headless Chromium, with a page that loads the bundle and openssl.wasm from a server of ours, and a proxy for its sockets.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { tunnels } from '../../../samples/proxy/tunnel.ts'
import { bundleEntry, bundlePackage, stage } from '../bundle.ts'
import { installed } from '../installed.ts'
import type { Cleanups, Run } from '../runtime.ts'
import type { Briefing, Report } from '../world.ts'

const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync']
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...QUIET]

/** playwright-core, as far as it is used here. */
interface Playwright {
  chromium: { launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser> }
}
interface Browser {
  newPage(): Promise<Page>
  version(): string
  close(): Promise<void>
}
interface Page {
  on(event: 'pageerror', listener: (error: Error) => void): void
  on(event: 'crash', listener: () => void): void
  on(event: 'console', listener: (message: { text(): string }) => void): void
  exposeFunction(name: string, callback: (report: Report) => void): Promise<void>
  goto(url: string): Promise<unknown>
  evaluate<T, A>(run: (argument: A) => Promise<T>, argument: A): Promise<T>
}

export const runChromium: Run = async (briefing, listen, t) => {
  const { chromium } = createRequire(join(stage, '../package.json'))('playwright-core') as Playwright
  const origin = await serve(t)
  const browser = await chromium.launch({ executablePath: installed('chromium'), args: FLAGS })
  t.defer(() => browser.close())
  const page = await browser.newPage()
  const broken = new Promise<never>((_, reject) => {
    page.on('pageerror', reject)
    page.on('crash', () => reject(new Error('the page has crashed')))
  })
  page.on('console', (message) => (t.output += `${message.text()}\n`))
  const version = browser.version() // pages are told a part of it
  await page.exposeFunction('report', (report) => listen(report.type === 'end' ? { ...report, version } : report))
  await page.goto(origin)
  const told: Briefing = { ...briefing, webSocketProxy: `${origin.replace('http', 'ws')}/v1` }
  await Promise.race([broken, page.evaluate((told) => (globalThis as unknown as { run(told: Briefing): Promise<void> }).run(told), told)])
}

/** The page, what it loads, and the proxy, all of one origin. Resolves with it. */
async function serve(t: Cleanups): Promise<string> {
  // They stand on node:* modules; the cases about them do not run in a page.
  const external = ['membio/tls', 'membio/https', 'membio/http2', 'membio/sync']
  const bundle = await bundlePackage(await bundleEntry('entries/chromium'), ['browser'], { external })
  const files: Record<string, { type: string; content: string | Buffer }> = {
    '/': { type: 'text/html', content: '<!doctype html><title>membio</title><script type="module" src="/page.mjs"></script>' },
    '/page.mjs': { type: 'text/javascript', content: readFileSync(bundle) },
    '/openssl.wasm': { type: 'application/wasm', content: readFileSync(join(stage, 'node_modules/membio/dist/openssl.wasm')) },
  }
  const server = createServer(({ url = '' }, response) => {
    const file = files[url]
    response.writeHead(file ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' }).end(file?.content)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('upgrade', tunnels({ origins: [origin], targets: ['127.0.0.1:*'] }))
  t.defer(() => close(server))
  return origin
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}
