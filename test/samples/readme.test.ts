// The README's programs, run as they stand there.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { repository } from '../support/paths.ts'
import { missing } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { nodeHttps, Program, runTool, startSample } from './program.ts'

const text = readFileSync(join(repository, 'README.md'), 'utf8')
const blocks = [...text.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code!)
/** The one with these words in it. */
const block = (words: string): string => blocks.find((code) => code.includes(words))!
const [client, server] = [block('// client.mjs'), block('// server.mjs')]
const [dropIn, engines] = [block("import tls from 'membio/tls'"), block('while (!client.agreed || !server.agreed)')]

/** In a folder of the repository, where `membio` is the package itself; with another port than the README's. */
function saved(t: Case, code: string, port = 0): string {
  const folder = mkdtempSync(join(repository, 'build', 'readme-'))
  t.defer(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'program.mjs')
  writeFileSync(path, code.replace('4433', String(port)))
  return path
}

const start = (t: Case, code: string, port?: number) => new Program(t, process.execPath, [saved(t, code, port)])

/** What `npm start` leaves behind: the development certificate. */
async function makeCertificate(t: Case): Promise<string> {
  const sample = startSample(t, 'async-server', '0')
  await sample.printed(/listening on/)
  await sample.kill('SIGINT')
  return join(repository, 'build/dev-ca')
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0)
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  await new Promise((resolve) => listener.close(resolve))
  return port
}

/** It says nothing when it listens, so it is asked until it does. */
async function answered(ask: () => Promise<{ code: number | null; stdout: string }>): Promise<string> {
  for (;;) {
    const { code, stdout } = await ask()
    if (code === 0 && stdout) return stdout
  }
}

const readme = suite('README')

readme('its client and server have ten lines', () => {
  for (const program of [client, server]) {
    assert.is(program.split('\n').filter((line) => line && !line.startsWith('//')).length, 10)
  }
})

readme('the client reads from Node', async (t) => {
  const folder = await makeCertificate(t)
  const read = (name: string) => readFileSync(join(folder, name))
  const port = await nodeHttps(t, (_, response) => response.end('hello client'), { cert: read('cert.pem'), key: read('key.pem') })
  const { code, stdout, stderr } = await start(t, client, port).end()
  assert.is(code, 0)
  assert.is(stderr, '')
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*hello client/)
})

readme.unless(missing('curl'))('the server answers curl', async (t) => {
  const folder = await makeCertificate(t)
  const port = await freePort()
  start(t, server, port)
  const curl = ['-sS', '--cacert', join(folder, 'ca.pem'), `https://localhost:${port}/`]
  assert.is(await answered(() => runTool(t, 'curl', curl)), 'hello\n')
})

readme('the client and the server understand each other', async (t) => {
  await makeCertificate(t)
  const port = await freePort()
  start(t, server, port)
  assert.match(await answered(() => start(t, client, port).end()), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello\n$/)
})

readme('two engines without I/O', async (t) => {
  const { code, stdout, stderr } = await start(t, engines).end()
  assert.is(code, 0, stderr)
  assert.is(stdout, 'hello TLSv1.3 X25519MLKEM768\n')
})

readme('the drop-in prints what was agreed on, and the greeting', async (t) => {
  const program = start(t, dropIn)
  await program.printed(/TLSv1\.3 TLS_AES_256_GCM_SHA384\n/)
  await program.printed(/hello from OpenSSL in WebAssembly\n/)
  assert.is((await program.ended).code, 0)
})

readme('the files it names are there', () => {
  const named = [...text.matchAll(/`((?:src|wasm|samples|test|openssl-build)\/[\w./-]*)`/g)].map(([, path]) => path!)
  assert.ok(named.length > 15)
  assert.equal(named.filter((path) => !existsSync(join(repository, path))), [])
})
