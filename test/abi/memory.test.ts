// Bytes in and out of a memory that grows under them, and secrets that do not stay in it.
import * as assert from 'uvu/assert'
import { Library } from '../../src/abi/library.ts'
import { SecureContext } from '../../src/engine/context.ts'
import type { TlsEngine } from '../../src/engine/engine.ts'
import { HOST, root, server } from '../support/certs.ts'
import { sameBytes } from '../support/expect.ts'
import { wasmModule } from '../support/paths.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const memory = suite('abi: memory')

const encoder = new TextEncoder()

/** More than the pool of BIO storage holds (wasm/bio.c), so that BIOs are made of new memory. */
const PAIRS = 12

/** Open pairs in a library of their own, whose memory has no room left. */
function pairsInFullMemory(): { library: Library; pairs: [TlsEngine, TlsEngine][]; free: () => void } {
  const library = new Library(wasmModule())
  const contexts = [new SecureContext(library, { ca: root().cert }), new SecureContext(library, server())] as const
  const pairs = Array.from({ length: PAIRS }, (): [TlsEngine, TlsEngine] => [
    contexts[0].createEngine({ role: 'client', servername: HOST }),
    contexts[1].createEngine({ role: 'server' }),
  ])
  pairs.forEach(shake)
  fill(library)
  return { library, pairs, free: () => [...pairs.flat(), ...contexts].forEach((each) => each.free()) }
}

function shake([client, server]: [TlsEngine, TlsEngine]): void {
  while (client.handshake() !== 'done' || server.handshake() !== 'done') {
    server.receiveCiphertext(client.takeCiphertext())
    server.handshake()
    client.receiveCiphertext(server.takeCiphertext())
  }
}

/** Allocates all of the free memory in blocks of a BIO's size, up to where the next one would make it grow. */
function fill({ exports, memory }: Library): void {
  const block = 65536
  for (let at = 0; at + 2 * block + 4096 < memory.size;) at = exports.tls_memory_alloc(block)
}

memory('a memory that grows while it receives loses nothing', (t) => {
  const { library, pairs, free } = pairsInFullMemory()
  t.defer(free)
  const sent = pairs.map((_, i) => pattern(9_000, i + 1))
  const ciphertexts = pairs.map(([client], i) => {
    client.writePlaintext(sent[i]!)
    return client.takeCiphertext()
  })
  const before = library.memory.size
  pairs.forEach(([, server], i) => assert.is(server.receiveCiphertext(ciphertexts[i]!), ciphertexts[i]!.length))
  assert.ok(library.memory.size > before, 'memory has not grown: the test shows nothing')
  pairs.forEach(([, server], i) => sameBytes(server.readPlaintext().plaintext, sent[i]!))
})

memory('a memory that grows while it writes and takes loses nothing', (t) => {
  const { library, pairs, free } = pairsInFullMemory()
  t.defer(free)
  const before = library.memory.size
  const sent = pairs.map((_, i) => pattern(40_000, i + 100))
  pairs.forEach(([client], i) => assert.is(client.writePlaintext(sent[i]!).accepted, 40_000))
  assert.ok(library.memory.size > before, 'memory has not grown: the test shows nothing')
  pairs.forEach(([client, server], i) => {
    server.receiveCiphertext(client.takeCiphertext())
    sameBytes(server.readPlaintext().plaintext, sent[i]!)
  })
})

memory('what was taken stays what it was: no view on live memory is handed out', (t) => {
  const { library, pairs, free } = pairsInFullMemory()
  t.defer(free)
  const [[client, server], [other]] = pairs as [[TlsEngine, TlsEngine], [TlsEngine, TlsEngine]]
  client.writePlaintext(pattern(1000))
  const ciphertext = client.takeCiphertext()
  server.receiveCiphertext(ciphertext)
  const { plaintext } = server.readPlaintext()
  const copies = [ciphertext.slice(), plaintext.slice()]
  other.writePlaintext(pattern(1000, 2))
  other.takeCiphertext()
  assert.equal([ciphertext, plaintext], copies)
  for (const bytes of [ciphertext, plaintext]) assert.is.not(bytes.buffer, library.memory.u8.buffer)
})

memory('a string with a NUL is refused and not cut off', () => {
  const library = new Library(wasmModule())
  assert.throws(() => library.memory.lend(['good.test\0.evil.test'], () => 0), /NUL/)
})

memory('more than there is memory for is an error in words', () => {
  const library = new Library(wasmModule())
  const huge = { length: 2 ** 32 - 1024 } as Uint8Array
  assert.throws(() => library.memory.lend([huge], () => 0), /out of memory/)
})

/** Where `secret` stands in all of the module's memory; -1: nowhere. */
const find = (library: Library, secret: string | Uint8Array): number =>
  Buffer.from(library.memory.u8.buffer).indexOf(typeof secret === 'string' ? encoder.encode(secret) : secret)

memory('a lent passphrase is wiped', () => {
  const library = new Library(wasmModule())
  const passphrase = 'correct horse battery staple'
  library.memory.lend([passphrase], () => assert.ok(find(library, passphrase) > 0))
  assert.is(find(library, passphrase), -1)
})
