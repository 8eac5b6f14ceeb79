// Programs of a page's own in Chromium: TLS in a tab, through the proxy of the samples, without the page of the samples.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import * as assert from 'uvu/assert'
import { tunnels } from '../../../samples/proxy/tunnel.ts'
import { listen, nodeHttps } from '../../samples/program.ts'
import { root } from '../../support/certs.ts'
import { repository } from '../../support/paths.ts'
import { suite, type Case } from '../../support/suite.ts'
import { openPage } from '../browser.ts'

const suiteOf = suite('tab')
const test = (name: string, body: (t: Case) => Promise<void>): void => suiteOf(name, body, { deadline: 60 })

const ca = root().cert

/**
 * Bundles a program, runs it in a tab beside a proxy, and resolves with what it has logged when a line matches `last`.
 * @param stall what the program waits for when it fetches /stalled
 */
async function inTab(t: Case, program: string, last: RegExp, stall?: () => Promise<void>): Promise<string[]> {
  const options = { bundle: true, format: 'esm', platform: 'browser', write: false, tsconfigRaw: {}, logLevel: 'error' } as const
  const { outputFiles } = await build({ ...options, stdin: { contents: program, resolveDir: repository } })
  const files: Record<string, readonly [type: string, content: string | Buffer]> = {
    '/': ['text/html', '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>'],
    '/page.js': ['text/javascript', outputFiles[0]!.text],
    '/openssl.wasm': ['application/wasm', readFileSync(join(repository, 'dist/openssl.wasm'))],
  }
  const server = createServer(async ({ url = '/' }, response) => {
    if (url === '/stalled') await stall?.()
    const [type, content] = files[url] ?? ['text/plain', '']
    response.setHeader('content-type', type).end(content)
  })
  const port = await listen(t, server)
  const origin = `http://localhost:${port}`
  server.on('upgrade', tunnels({ origins: [origin], targets: ['localhost:*'] }))
  const page = await openPage(t)
  const lines: string[] = []
  page.on('pageerror', (error) => lines.push(String(error)))
  page.on('console', (message) => lines.push(message.text()))
  await page.goto(`${origin}/`)
  while (!lines.some((line) => last.test(line))) await sleep(20)
  return lines
}

test('the program of docs/browser.md', async (t) => {
  const port = await nodeHttps(t, ({ method, url }, response) => void response.end(`hello: ${method} ${url}`))
  const [, program] = /```js\n([^]*?)```/.exec(readFileSync(join(repository, 'docs/browser.md'), 'utf8'))!
  const changed = program!
    .replace('ca: mozillaRoots', `ca: ${JSON.stringify(ca)} + mozillaRoots`)
    .replace("'wss://proxy.example/v1', 'example.com', 443", `location.origin.replace('http', 'ws') + '/v1', 'localhost', ${port}`)
    .replace("servername: 'example.com'", "servername: 'localhost'")
  const lines = await inTab(t, changed, /^closed|Error/)
  assert.match(lines.join('\n'), /^HTTP\/1\.1 200 OK[^]*hello: GET \/[^]*closed in good order$/)
})

/** Sends 20 MB to a server that does not read for a while, and says how often it had to wait and how much the WebSocket held. */
const UPLOAD = `
import { createContext, init } from 'membio'
import { Poller, webSocket, webSocketProxy } from 'membio/transport'
await init()
const context = createContext({ ca: CA })
const { url } = webSocketProxy(location.origin.replace('http', 'ws') + '/v1', 'localhost', PORT)
const socket = new WebSocket(url)
let left = 20_000_000, waits = 0, most = 0
function send() {
  while (left > 0) {
    const size = Math.min(left, 100_000)
    left -= size
    const more = poller.write(new Uint8Array(size).fill(left % 251))
    most = Math.max(most, socket.bufferedAmount)
    if (!more) return void waits++
  }
}
const poller = new Poller(context.createEngine({ role: 'client', servername: 'localhost' }), webSocket(socket), {
  onSecure() {
    poller.write('POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 20000000\\r\\nConnection: close\\r\\n\\r\\n')
    send()
  },
  onDrain: send,
  onPlaintext: (chunk) => console.log(new TextDecoder().decode(chunk).split('\\r\\n\\r\\n')[1]),
  onClose: (error) => console.log('closed ' + JSON.stringify({ waits, most, error: error?.message })),
})`

test('20 MB from the tab to a server that reads late: back-pressure, and every byte', async (t) => {
  const hash = createHash('sha256')
  const port = await nodeHttps(t, (request, response) => {
    setTimeout(() => request.on('data', (chunk: Buffer) => hash.update(chunk)).on('end', () => response.end(`hash ${hash.digest('hex')}`)), 500)
  })
  const lines = await inTab(t, UPLOAD.replace('CA }', `${JSON.stringify(ca)} }`).replace('PORT', String(port)), /^closed/)
  const wanted = createHash('sha256')
  for (let left = 20_000_000 - 100_000; left >= 0; left -= 100_000) wanted.update(new Uint8Array(100_000).fill(left % 251))
  assert.match(lines.join('\n'), new RegExp(`hash ${wanted.digest('hex')}`))
  const { waits, most, error } = JSON.parse(lines.at(-1)!.slice('closed '.length)) as { waits: number; most: number; error?: string }
  assert.is(error, undefined)
  assert.ok(waits > 10, `it had to wait ${waits} times`)
  assert.ok(most < 2_000_000, `the WebSocket held ${most} bytes`)
})

/** Chromium's WebSocketStream holds its peer back: what is not read stays where it is. Reads nothing for a second, and then everything. */
const DOWNLOAD = `
import { createContext, init, liveHandles } from 'membio'
import { Poller, webSocketProxy, webStreams } from 'membio/transport'
await init()
const context = createContext({ ca: CA })
const { url } = webSocketProxy(location.origin.replace('http', 'ws') + '/v1', 'localhost', PORT)
const { readable, writable } = await new WebSocketStream(url).opened
const bytes = new TransformStream({ transform: (message, stream) => stream.enqueue(new Uint8Array(message)) })
let got = 0, paused = false
const engine = context.createEngine({ role: 'client', servername: 'localhost' })
const poller = new Poller(engine, webStreams({ readable: readable.pipeThrough(bytes), writable }), {
  onSecure: () => poller.write('GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'),
  onPlaintext(chunk) {
    got += chunk.length
    if (paused) return
    paused = true
    poller.pause()
    fetch('/stalled').then(() => poller.resume())
  },
  onClose(error) {
    context.free()
    console.log('closed ' + JSON.stringify({ got, error: error?.message, live: liveHandles() }))
  },
})`

test('WebSocketStream and webStreams: a tab that does not read holds the server back', async (t) => {
  const LENGTH = 60_000_000
  let written = 0
  let stalledAt = 0
  const port = await nodeHttps(t, (_, response) => {
    const send = (): void => {
      while (written < LENGTH) {
        written += 100_000
        if (!response.write(Buffer.alloc(100_000))) return
      }
      response.end()
    }
    response.on('drain', send)
    send()
  })
  const lines = await inTab(t, DOWNLOAD.replace('CA }', `${JSON.stringify(ca)} }`).replace('PORT', String(port)), /^closed|Error/, async () => {
    for (let before = -1; before !== written; await sleep(300)) before = written // until nothing moves
    stalledAt = written
  })
  const { got, error, live } = JSON.parse(lines.at(-1)!.slice('closed '.length)) as { got: number; error?: string; live: number }
  assert.equal([error, live], [undefined, 0])
  assert.ok(got > LENGTH)
  assert.ok(stalledAt > 0 && stalledAt < LENGTH / 2, `${stalledAt} bytes had left the server while nobody read`)
  t.note = `${stalledAt} bytes`
})
