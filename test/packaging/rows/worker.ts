// samples/worker: bundled by wrangler as its own configuration says, run in workerd, and sent to servers of Node's on loopback.
import * as assert from 'uvu/assert'
import { cpSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { listen } from '../../samples/program.ts'
import { client, root, server, serverFor, strangeRoot, issue, type Identity } from '../../support/certs.ts'
import { repository } from '../../support/paths.ts'
import { suite, type Case } from '../../support/suite.ts'
import { app, DEADLINE, out } from '../site.ts'
import { dryRun, RECENT, start } from '../workers.ts'

const row = suite('the sample Worker')

let bundle: Promise<string> | undefined

/** Once for all rows. */
async function bundled(): Promise<string> {
  cpSync(join(repository, 'samples/worker'), join(app, 'sample'), { recursive: true })
  const folder = out('sample')
  await dryRun(join(app, 'sample/wrangler.jsonc'), folder)
  return folder
}

/** The Worker, with a client certificate. Resolves with its address. */
async function startWorker(t: Case, port: number, { cert, key }: Identity = client()): Promise<string> {
  const bindings = { SERVER: `localhost:${port}`, CA: root().cert, CERT: cert, KEY: key }
  return start(t, await (bundle ??= bundled()), RECENT, bindings)
}

/** A server of Node's that wants a certificate of root's. */
const startServer = (t: Case, answer: RequestListener, options: ServerOptions = {}) =>
  listen(t, createServer({ ...server(), ca: root().cert, requestCert: true, rejectUnauthorized: true, ...options }, answer))

const greet: RequestListener = ({ url, socket }, response) => {
  const { authorized, getPeerCertificate, alpnProtocol } = socket as TLSSocket
  response.end(`${url} for ${getPeerCertificate.call(socket).subject.CN}, ${authorized}, ${alpnProtocol}`)
}

row('reaches a server with a private CA, and is known by its certificate', async (t) => {
  const url = await startWorker(t, await startServer(t, greet))
  for (const path of ['hello', 'again']) {
    const response = await fetch(url + path)
    const text = await response.text()
    assert.is(response.status, 200, text)
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(text.includes(`/${path} for client.test, true, http/1.1`), text)
  }
}, DEADLINE)

row('many requests at once have connections of their own', async (t) => {
  const url = await startWorker(t, await startServer(t, greet))
  const texts = await Promise.all(Array.from({ length: 8 }, async (_, at) => (await fetch(`${url}${at}`)).text()))
  texts.forEach((text, at) => assert.ok(text.includes(`/${at} for client.test, true`), text))
}, DEADLINE)

row('a long answer arrives whole', async (t) => {
  const url = await startWorker(t, await startServer(t, (_, response) => response.end('x'.repeat(1 << 20))))
  const text = await (await fetch(url)).text()
  assert.is(text.match(/x/g)!.length, 1 << 20)
}, DEADLINE)

const REFUSED: { name: string; options: ServerOptions; who?: () => Identity; says: RegExp }[] = [
  { name: 'a server of another CA', options: issue({ hosts: ['localhost'] }, strangeRoot()), says: /^UNABLE_TO_GET_ISSUER_CERT_LOCALLY: / },
  { name: 'a server for another host', options: serverFor('other.test'), says: /^HOSTNAME_MISMATCH: .*localhost/ },
  {
    name: 'a certificate that the server does not know',
    options: {},
    who: () => issue({ subject: { CN: 'stranger' }, usage: ['client'] }, strangeRoot()),
    says: /^ERR_TLS_(TRUNCATED|TRANSPORT): /, // Node hangs up without an alert; by a reset, where it has not read everything
  },
]

for (const { name, options, who, says } of REFUSED) {
  row(`${name} is told in a 502`, async (t) => {
    const url = await startWorker(t, await startServer(t, greet, options), who?.())
    const response = await fetch(url)
    assert.is(response.status, 502)
    assert.match(await response.text(), says)
  }, DEADLINE)
}

row('an answer that is cut off is told in a 502', async (t) => {
  const url = await startWorker(t, await startServer(t, ({ socket }, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half', () => cutOff(socket as TLSSocket))
  }))
  const response = await fetch(url)
  assert.is(response.status, 502)
  assert.match(await response.text(), /^ERR_TLS_TRUNCATED: /)
}, DEADLINE)

row('nobody at the address is told in a 502', async (t) => {
  const response = await fetch(await startWorker(t, 1))
  assert.is(response.status, 502)
  assert.match(await response.text(), /^ERR_TLS_TRANSPORT: connecting to localhost:1 failed/)
}, DEADLINE)

/** Ends TCP without close_notify: what is under a TLSSocket is the socket that the server accepted. */
function cutOff(socket: TLSSocket): void {
  ;(socket as TLSSocket & { _parent?: { destroySoon(): void } })._parent?.destroySoon()
}
