// The option `acceleration` of `init`, each in a process of its own: what it chooses, and what it says where it cannot.
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { run } from '../support/node.ts'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'

const test = suite('acceleration: init')

/** The suite two sides agree on by default; and with AES-128-GCM, how often node:crypto made a cipher for a record. */
const PROGRAM = `
  import crypto from 'node:crypto'
  import { syncBuiltinESMExports } from 'node:module'
  let asked = 0
  for (const name of ['createCipheriv', 'createDecipheriv', 'privateDecrypt']) {
    const real = crypto[name]
    crypto[name] = (...args) => (asked++, real(...args))
  }
  syncBuiltinESMExports()
  const { createContext, init } = await import('membio')
  const { createCertificate, createKey } = await import('membio/x509')
  try {
    INIT
    const key = createKey('RSA-2048')
    const cert = createCertificate({ key, hosts: ['a.test'] })
    const established = (options) => {
      const client = createContext({ ca: cert, ...options }).createEngine({ role: 'client', servername: 'a.test' })
      const server = createContext({ cert, key }).createEngine({ role: 'server' })
      while (!client.agreed || !server.agreed) {
        client.handshake()
        server.receiveCiphertext(client.takeCiphertext())
        server.handshake()
        client.receiveCiphertext(server.takeCiphertext())
      }
      return [client, server]
    }
    const { name } = established({})[0].agreed.cipherSuite
    const [client, server] = established({ cipherSuites: ['TLS_AES_128_GCM_SHA256'] })
    asked = 0
    client.writePlaintext(new Uint8Array(LENGTH))
    server.receiveCiphertext(client.takeCiphertext())
    server.readPlaintext()
    console.log(JSON.stringify([name, asked]))
  } catch (error) {
    console.log(JSON.stringify([error.kind, error.message]))
  }`

interface Way {
  name: string
  init: string
  length: number
  conditions?: string[]
  expected: [string, unknown]
}

const AES = 'TLS_AES_128_GCM_SHA256'
const CHACHA = 'TLS_CHACHA20_POLY1305_SHA256'
const UNKNOWN = 'acceleration is "fast"; it must be one of auto, wasm, host'
const NONE = "acceleration 'host': this runtime has no cryptography that answers at once; 'auto' does without"

const WAYS: readonly Way[] = [
  { name: 'the first use, long records', init: '', length: 4000, expected: [CHACHA, 2] },
  { name: 'the first use, short records', init: '', length: 3000, expected: [CHACHA, 0] },
  { name: 'auto, long records', init: "await init({ acceleration: 'auto' })", length: 4000, expected: [CHACHA, 2] },
  { name: 'host, short records', init: "await init({ acceleration: 'host' })", length: 10, expected: [AES, 2] },
  { name: 'wasm, long records', init: "await init({ acceleration: 'wasm' })", length: 16000, expected: [CHACHA, 0] },
  { name: 'wasm, and nobody waits for init', init: "init({ acceleration: 'wasm' })", length: 16000, expected: [CHACHA, 0] },
  { name: 'something else', init: "await init({ acceleration: 'fast' })", length: 1, expected: ['usage', UNKNOWN] },
  { name: 'in Deno: auto', init: '', length: 4000, conditions: ['deno'], expected: [CHACHA, 0] },
  { name: 'in Deno: host', init: "await init({ acceleration: 'host' })", length: 1, conditions: ['deno'], expected: ['usage', NONE] },
  { name: 'in Bun: its own threshold', init: '', length: 1000, conditions: ['bun'], expected: [AES, 2] },
]

for (const { name, init, length, conditions = [], expected } of WAYS) {
  test(name, () => {
    const source = PROGRAM.replace('INIT', init).replace('LENGTH', String(length))
    const options = conditions.map((condition) => `--conditions=${condition}`)
    const { code, stdout, stderr } = run(process.execPath, [...options, '--input-type=module', '-'], source)
    assert.is(code, 0, stderr)
    assert.equal(JSON.parse(stdout), expected)
  })
}

test('browsers, workerd and runtimes nobody knows have none', () => {
  const { imports } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8')) as { imports: Record<string, Record<string, string>> }
  for (const condition of ['browser', 'workerd', 'default']) assert.is(imports['#host-crypto']![condition], './dist/host-crypto.none.js')
  assert.equal(Object.keys(imports['#host-crypto']!), Object.keys(imports['#openssl-module']!), 'in the same order')
})
