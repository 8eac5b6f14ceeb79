// What the runtime's cryptography does for openssl.wasm, from which size on: the figures behind src/abi/host-crypto.*.ts. TLS 1.3
// records from an engine to another in memory, and handshakes with RSA keys, with `acceleration` 'wasm' and 'host' in turn, in CPU
// time, by medians of pairs.
//
//   ./build.sh ts && node build/bench/acceleration.js [aes|order|rsa|chacha] [rounds]        (or bun, or deno run -A)
import hostCrypto from '#host-crypto'
import * as crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { HostCrypto } from '../src/abi/acceleration.ts'
import { Library, webHost } from '../src/abi/library.ts'
import { nodeCrypto } from '../src/abi/node-crypto.ts'
import { SecureContext } from '../src/engine/context.ts'
import type { ContextOptions, TlsEngine } from '../src/index.ts'
import { createCertificate, createKey } from '../src/x509/index.ts'
import { repository } from '../test/support/paths.ts'

const RUN = 8000 // microseconds of one run
const SIZES = [256, 512, 1024, 1536, 2048, 3072, 4096, 8192, 16384]
const HOST = 'bench.test'
const CHACHA = 'TLS_CHACHA20_POLY1305_SHA256'
const SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384']

/** As the tests of a table: everything goes to the host. */
const host: HostCrypto = nodeCrypto({ aesGcmFrom: 1, rsaIsFaster: true, aesBeatsChaCha: true })
const module = new WebAssembly.Module(readFileSync(`${repository}dist/openssl.wasm`))
const libraries = {
  wasm: new Library(module),
  host: new Library(module, webHost, { wanted: 'host', crypto: host }),
  auto: new Library(module, webHost, { wanted: 'auto', crypto: hostCrypto }),
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

/** A client and a server, and how they shake hands. */
function makePair(library: Library, server: { cert: string; key: string }, suite: string, fragment: number) {
  const options = { cipherSuites: [suite], maxSendFragment: Math.max(512, fragment), groups: ['X25519'] }
  const make = (more: ContextOptions) => new SecureContext(library, { ...options, ...more })
  const contexts = [make({ ca: server.cert }), make(server)] as const
  const shake = (): [TlsEngine, TlsEngine] => {
    const a = contexts[0].createEngine({ role: 'client', servername: HOST })
    const b = contexts[1].createEngine({ role: 'server' })
    while (!a.agreed || !b.agreed) {
      a.handshake()
      b.receiveCiphertext(a.takeCiphertext())
      b.handshake()
      a.receiveCiphertext(b.takeCiphertext())
    }
    return [a, b]
  }
  return { shake, contexts }
}

/** Sends as many records as the BIOs hold; returns their bytes. */
function burst(from: TlsEngine, to: TlsEngine, text: Uint8Array): number {
  let sent = 0
  while (sent + text.length < 45_000) sent += from.writePlaintext(text).accepted
  to.receiveCiphertext(from.takeCiphertext())
  for (let read = 0; read < sent;) read += to.readPlaintext().plaintext.length
  return sent
}

/** Of all threads, garbage collection included; on a busy machine the clock on the wall would count the others' work. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Units for each microsecond, of both, and how many times faster the second is. */
function compare(runners: readonly [() => number, () => number], rounds: number): [first: number, second: number, ratio: number] {
  const speeds: [number[], number[]] = [[], []]
  for (let round = -2; round < rounds; round++) {
    runners.forEach((run, i) => {
      const began = cpuMicroseconds()
      let done = 0
      do done += run()
      while (cpuMicroseconds() - began < RUN)
      if (round >= 0) speeds[i]!.push(done / (cpuMicroseconds() - began))
    })
  }
  const ratio = median(speeds[1].map((speed, i) => speed / speeds[0][i]!))
  return [median(speeds[0]), median(speeds[1]), ratio]
}

type Side = readonly [library: Library, suite: string]

/** Two ways to send records, for each size. */
function compareRecords(name: string, sides: readonly [Side, Side], rounds: number): void {
  const key = createKey()
  const server = { key, cert: createCertificate({ key, hosts: [HOST] }) }
  for (const size of SIZES) {
    const text = new Uint8Array(size).fill(1)
    const pairs = sides.map(([library, suite]) => makePair(library, server, suite, size))
    const engines = pairs.map(({ shake }) => shake())
    const [a, b, ratio] = compare(engines.map(([from, to]) => () => burst(from, to, text)) as [() => number, () => number], rounds)
    print(name, size, `${a.toFixed(0)} MB/s`, `${b.toFixed(0)} MB/s`, ratio)
    engines.flat().forEach((engine) => engine.free())
    pairs.flatMap(({ contexts }) => [...contexts]).forEach((context) => context.free())
  }
}

function records(rounds: number): void {
  for (const suite of SUITES) compareRecords(suite, [[libraries.wasm, suite], [libraries.host, suite]], rounds)
}

/** Which suite should come first: ChaCha20-Poly1305, which is WebAssembly's, or AES-128-GCM as 'auto' does it. */
const order = (rounds: number): void =>
  compareRecords('ChaCha20 here, AES-128-GCM auto', [[libraries.wasm, CHACHA], [libraries.auto, SUITES[0]!]], rounds)

function handshakes(rounds: number): void {
  for (const bits of [2048, 3072, 4096] as const) {
    const key = createKey(`RSA-${bits}`)
    const server = { key, cert: createCertificate({ key, hosts: [HOST] }) }
    const pairs = [libraries.wasm, libraries.host].map((library) => makePair(library, server, SUITES[0]!, 0))
    const runs = pairs.map(({ shake }) => () => {
      for (const engine of shake()) engine.free()
      return 1
    }) as [() => number, () => number]
    const [a, b, ratio] = compare(runs, Math.ceil(rounds / 4))
    print(`handshake RSA-${bits}, X25519`, '', `${(a * 1e6).toFixed(0)} /s`, `${(b * 1e6).toFixed(0)} /s`, ratio)
    pairs.flatMap(({ contexts }) => [...contexts]).forEach((context) => context.free())
  }
}

/** The host's alone, for comparison with bench/primitives.ts: nothing goes there. */
function chacha(rounds: number): void {
  const [key, nonce, aad] = [32, 12, 5].map((length) => crypto.randomBytes(length)) as [Buffer, Buffer, Buffer]
  const secret = crypto.createSecretKey(key)
  for (const size of [256, 1024, 4096, 16384]) {
    const text = new Uint8Array(size)
    const seal = () => {
      const cipher = crypto.createCipheriv('chacha20-poly1305', secret, nonce, { authTagLength: 16 })
      cipher.setAAD(aad, { plaintextLength: size })
      text.set(cipher.update(text))
      cipher.final()
      cipher.getAuthTag()
      return size
    }
    const [speed] = compare([seal, seal], rounds)
    print('ChaCha20-Poly1305 seal', size, '', `${speed.toFixed(0)} MB/s`, NaN)
  }
}

function print(name: string, size: number | string, wasm: string, accelerated: string, ratio: number): void {
  console.log(`${name.padEnd(34)}${String(size).padStart(6)}${wasm.padStart(12)}${accelerated.padStart(12)}${ratio.toFixed(2).padStart(8)}`)
}

const { versions } = process
const runtime = versions.bun ? `Bun ${versions.bun}` : versions.deno ? `Deno ${versions.deno}` : `Node ${versions.node}`
const [what = '', rounds = '41'] = process.argv.slice(2)
console.log(`${runtime}\n${'bytes'.padStart(40)}${'wasm'.padStart(12)}${'host'.padStart(12)}${'ratio'.padStart(8)}`)
const PARTS: Record<string, (rounds: number) => void> = { aes: records, order, rsa: handshakes, chacha }
for (const [name, run] of Object.entries(PARTS)) {
  if (!name.includes(what)) continue
  try {
    run(Number(rounds))
  } catch (error) {
    console.log(`${name}: ${String(error)}`)
  }
}
