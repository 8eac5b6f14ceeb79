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
  { name: 'the bytes of membio/inline', source: `await init({ bytes: (await import('membio/inline')).opensslWasm() })` },
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

init('options that are overtaken by the first use are an error, and not lost without a word', () => {
  const result = inFreshNode(`
    import { readFileSync } from 'node:fs'
    import { init, version } from 'membio'
    const late = init({ bytes: readFileSync(${WASM}) })
    version()
    const error = await late.catch((error) => error)
    await init()
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

init('the bytes of membio/inline are those of openssl.wasm, also where the runtime knows no fromBase64', () => {
  const result = inFreshNode(`
    import { readFileSync } from 'node:fs'
    import { opensslWasm } from 'membio/inline'
    const bytes = readFileSync(${WASM})
    const plain = opensslWasm()
    let native = 0
    Uint8Array.fromBase64 = (text) => (native++, new Uint8Array(Buffer.from(text, 'base64')))
    console.log(JSON.stringify([bytes.equals(plain), bytes.equals(opensslWasm()), native]))`)
  assert.equal(result, [true, true, 1])
})

init('a worker takes the compiled module of the main thread', () => {
  const result = inFreshNode(`
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    import { compiledModule } from 'membio'
    const source = \`
      import { parentPort, workerData } from 'node:worker_threads'
      import { compiledModule, createContext, init } from '\${import.meta.resolve('membio')}'
      WebAssembly.Module = class extends WebAssembly.Module { constructor() { throw new Error('compiled again') } }
      await init({ module: workerData })
      createContext().free()
      parentPort.postMessage(compiledModule() === workerData)\`
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { workerData: compiledModule() })
    console.log(JSON.stringify(await once(worker, 'message')))`)
  assert.equal(result, [true])
})

/** What a server may have at the address that `init` is given, and what comes of it. */
const SERVERS: { name: string; answer: string; expected: unknown[] }[] = [
  {
    name: 'openssl.wasm and says so: compiled while it arrives',
    answer: `200, { 'content-type': 'application/wasm' }, wasm`,
    expected: ['OpenSSL', 1],
  },
  { name: 'openssl.wasm of another type', answer: `200, { 'content-type': 'application/octet-stream' }, wasm`, expected: ['OpenSSL', 0] },
  { name: 'openssl.wasm of no type', answer: `200, {}, wasm`, expected: ['OpenSSL', 0] },
  { name: 'nothing', answer: `404, {}, ''`, expected: ['usage', 'ERR_TLS_MODULE_NOT_FOUND', 'URL answered 404'] },
  {
    name: 'a page for every address',
    answer: `200, { 'content-type': 'text/html' }, '<!doctype html>'`,
    expected: ['usage', 'ERR_TLS_MODULE_NOT_FOUND', 'what URL answered is not openssl.wasm'],
  },
  {
    name: 'half of it',
    answer: `200, { 'content-type': 'application/wasm', 'content-length': wasm.length }, wasm.subarray(0, wasm.length / 2)`,
    expected: ['io', 'ERR_TLS_MODULE_NOT_FOUND', 'URL broke off'],
  },
]

for (const { name, answer, expected } of SERVERS) {
  init(`a server has ${name}`, () => {
    const result = inFreshNode(`
      import { readFileSync } from 'node:fs'
      import { createServer } from 'node:http'
      import { init, version } from 'membio'
      const wasm = readFileSync(${WASM})
      const answer = [${answer}]
      const server = createServer((_, response) => response.writeHead(...answer.slice(0, 2)).end(answer[2], () => response.destroy()))
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      let streamed = 0
      const { compileStreaming } = WebAssembly
      WebAssembly.compileStreaming = (...args) => (streamed++, compileStreaming(...args))
      const url = 'http://127.0.0.1:' + server.address().port + '/openssl.wasm'
      const error = await init({ url }).catch((error) => error)
      const told = error?.message.replaceAll(url, 'URL').split(': ')[1]
      console.log(JSON.stringify(error ? [error.kind, error.code, told] : [version().split(' ')[0], streamed]))
      process.exit()`)
    assert.equal(result, expected)
  })
}

init('where nobody answers it fails, and can be called again', () => {
  const result = inFreshNode(`
    import { createServer } from 'node:net'
    import { init, version } from 'membio'
    const server = createServer()
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address()
    await new Promise((resolve) => server.close(resolve))
    const error = await init({ url: 'http://127.0.0.1:' + port }).catch((error) => error)
    await init()
    console.log(JSON.stringify([error.kind, error.code, error.cause instanceof TypeError, version().split(' ')[0]]))`)
  assert.equal(result, ['io', 'ERR_TLS_MODULE_NOT_FOUND', true, 'OpenSSL'])
})
