// Loading, which happens once a process: each case has a process of its own.
import * as assert from 'uvu/assert'
import { inFreshNode } from '../support/node.ts'
import { suite } from '../support/suite.ts'

const init = suite('abi: init')

const WASM = `new URL('./openssl.wasm', import.meta.resolve('membio'))`

/** Ways to load the library; the program goes on to make a context and tells how many handles live. */
const WAYS: { name: string; source: string }[] = [
  { name: 'the first use', source: '' },
  { name: 'init()', source: 'await init()' },
  { name: 'init() called many times at once', source: 'await Promise.all([init(), init(), init()]); await init()' },
  { name: 'bytes', source: `await init({ bytes: readFileSync(${WASM}) })` },
  { name: 'a compiled module', source: `await init({ module: await WebAssembly.compile(readFileSync(${WASM})) })` },
  { name: 'a URL', source: `await init({ url: 'data:application/wasm;base64,' + readFileSync(${WASM}).toString('base64') })` },
]

for (const { name, source } of WAYS) {
  init(`loads by ${name}`, () => {
    const result = inFreshNode(`
      import { readFileSync } from 'node:fs'
      import { createContext, init, liveHandles, version } from 'membio'
      ${source}
      const context = createContext()
      console.log(JSON.stringify([liveHandles(), version().split(' ')[0]]))
      context.free()`)
    assert.equal(result, [1, 'OpenSSL'])
  })
}

init('options after the first use are an error, and no options are not', () => {
  const result = inFreshNode(`
    import { init, version } from 'membio'
    version()
    await init()
    const error = await init({ dangerousHost: {} }).catch((error) => error)
    console.log(JSON.stringify([error.kind, error.code]))`)
  assert.equal(result, ['usage', 'ERR_TLS_INITIALIZED'])
})

init('a host of the caller provides entropy and time', () => {
  const result = inFreshNode(`
    import { init, createContext } from 'membio'
    import { createCertificate, createKey, parseCertificate } from 'membio/x509'
    const asked = { getrandom: 0 }
    await init({ dangerousHost: { getrandom(bytes) { asked.getrandom++; bytes.fill(1) }, now: () => Date.UTC(2040, 0, 1) } })
    const key = createKey('P-256')
    const notAfter = new Date(Date.UTC(2039, 0, 1))
    const cert = createCertificate({ key, subject: { CN: 'old' }, hosts: ['old.test'], notAfter })
    const client = createContext({ ca: cert }).createEngine({ role: 'client', servername: 'old.test' })
    const server = createContext({ cert, key }).createEngine({ role: 'server' })
    client.handshake()
    server.receiveCiphertext(client.takeCiphertext())
    server.handshake()
    client.receiveCiphertext(server.takeCiphertext())
    let code
    try { client.handshake() } catch (error) { code = error.code }
    console.log(JSON.stringify([asked.getrandom > 0, code]))`)
  assert.equal(result, [true, 'CERT_HAS_EXPIRED'])
})

init('a server that has no wasm for us is told about', () => {
  const result = inFreshNode(`
    import { createServer } from 'node:http'
    import { init } from 'membio'
    const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.on('listening', resolve))
    const error = await init({ url: 'http://127.0.0.1:' + server.address().port + '/openssl.wasm' }).catch((error) => error)
    console.log(JSON.stringify([error.kind, error.code]))
    server.close()
    process.exit()`)
  assert.equal(result, ['usage', 'ERR_TLS_MODULE_NOT_FOUND'])
})
