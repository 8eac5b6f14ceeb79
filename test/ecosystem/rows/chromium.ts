// Chromium: a page with images, from membio's servers of HTTP/1.1 and HTTP/2. It trusts what is in its home's certificate store.
import { certificates, expectHash, noteAgreed, rows } from '../rows.ts'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { chromium, type Page } from 'playwright-core'
import { LARGE, listen, run, SERVERS } from '../served.ts'
import { file, folder } from '../../support/peers.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('chromium')
const { ca, wrongCa } = certificates

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const IMAGES = Array.from({ length: 20 }, (_, at) => `/image${at}.svg`)
const PAGE = `<!doctype html><title>images</title>${IMAGES.map((path) => `<img src="${path}">`).join('')}`

async function open(t: Case, trusted: string): Promise<Page> {
  const home = folder(t)
  const store = join(home, '.pki/nssdb')
  mkdirSync(store, { recursive: true })
  for (const args of [['-N', '--empty-password'], ['-A', '-t', 'C,,', '-n', 'ca', '-i', file(t, 'ca.pem', trusted)]]) {
    assert.is((await run(t, 'certutil', ['-d', `sql:${store}`, ...args])).code, 0)
  }
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS, env: { ...process.env, HOME: home } })
  t.defer(() => browser.close())
  return browser.newPage()
}

/** Resolves with the address. */
async function serve(t: Case, http: keyof typeof SERVERS): Promise<string> {
  const server = SERVERS[http](({ url = '/' }, response) => {
    const width = 1 + IMAGES.indexOf(url)
    if (width) response.setHeader('content-type', 'image/svg+xml')
    else if (url === '/') response.setHeader('content-type', 'text/html')
    if (url === '/large') response.end(LARGE)
    else response.end(width ? `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="9"/>` : PAGE)
  })
  return `https://localhost:${await listen(t, server)}/`
}

const HASH = `fetch('/large').then((answer) => answer.arrayBuffer()).then((bytes) => crypto.subtle.digest('SHA-256', bytes))
  .then((hash) => Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join(''))`

for (const http of ['HTTP/1.1', 'HTTP/2'] as const) {
  row(`${http}: a page with 20 images, and 5 MB`, async (t) => {
    const page = await open(t, ca)
    await page.goto(await serve(t, http))
    const widths = await page.evaluate<number[]>('Array.from(document.images, (image) => image.naturalWidth)')
    assert.equal(widths, IMAGES.map((_, at) => at + 1))
    const protocols = await page.evaluate<string[]>(`performance.getEntriesByType('resource').map((one) => one.nextHopProtocol)`)
    assert.equal([...new Set(protocols)], [http === 'HTTP/2' ? 'h2' : 'http/1.1'])
    expectHash(LARGE, await page.evaluate<string>(HASH))
    noteAgreed(t)
  })

  row(`${http}: a server of another CA: refused`, async (t) => {
    const page = await open(t, wrongCa)
    const refused = await page.goto(await serve(t, http)).then(String, (error: Error) => error.message)
    assert.match(refused, /ERR_CERT_AUTHORITY_INVALID/)
  })
}
