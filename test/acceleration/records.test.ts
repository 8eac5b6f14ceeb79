// Records by the host and by WebAssembly: the same bytes, in both directions, for all lengths; and what the host does not do,
// WebAssembly does.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import type { Pair } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { sameBytes } from '../support/expect.ts'
import { suite } from '../support/suite.ts'
import { makeLibrary, pairOf, recorded, type Accelerated } from './support.ts'

const test = suite('acceleration: records')

interface Spoken {
  name: string
  options: ContextOptions
  /** Whether the host has a part in it. */
  hosts: boolean
}

const tls12 = (cipherList: string): ContextOptions => ({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', cipherList })
const tls13 = (suite: string): ContextOptions => ({ minVersion: 'TLSv1.3', cipherSuites: [suite] })

const SPOKEN: readonly Spoken[] = [
  { name: 'TLS 1.3, AES-128-GCM', options: tls13('TLS_AES_128_GCM_SHA256'), hosts: true },
  { name: 'TLS 1.3, AES-256-GCM', options: tls13('TLS_AES_256_GCM_SHA384'), hosts: true },
  { name: 'TLS 1.3, ChaCha20-Poly1305', options: tls13('TLS_CHACHA20_POLY1305_SHA256'), hosts: false },
  { name: 'TLS 1.2, AES-128-GCM', options: tls12('ECDHE-ECDSA-AES128-GCM-SHA256'), hosts: true },
  { name: 'TLS 1.2, AES-256-GCM', options: tls12('ECDHE-ECDSA-AES256-GCM-SHA384'), hosts: true },
  { name: 'TLS 1.2, ChaCha20-Poly1305', options: tls12('ECDHE-ECDSA-CHACHA20-POLY1305'), hosts: false },
]

/** Around blocks, groups of eight blocks, `auto`'s threshold and the largest record; then more than one record. */
const LENGTHS = [1, 15, 16, 17, 127, 128, 129, 1000, 2030, 2031, 2032, 2047, 2048, 2049, 4095, 4096, 16383, 16384, 16385, 40_000]

/** What two sides say to each other, with every length in both directions. */
function converse(pair: Pair): void {
  for (const length of LENGTHS) {
    for (const [from, to] of [[pair.client, pair.server], [pair.server, pair.client]] as const) {
      const sent = pattern(length, length)
      const before = to.plaintext.length
      pair.send(from, sent)
      sameBytes(to.plaintext.subarray(before), sent)
      to.received.length = 0
    }
  }
}

function transcript(a: Accelerated, b: Accelerated, options: ContextOptions): string[] {
  const pair = pairOf(a.library, b.library, { client: options, server: options })
  try {
    const pieces = recorded(pair)
    pair.establish()
    converse(pair)
    return pieces
  } finally {
    pair[Symbol.dispose]()
  }
}

for (const { name, options, hosts } of SPOKEN) {
  test(`${name}: every byte on the wire is the same`, () => {
    const [wasm, host, auto] = [makeLibrary('wasm'), makeLibrary('host'), makeLibrary('auto')]
    const expected = transcript(wasm, wasm, options)
    assert.ok(expected.length > 2 * LENGTHS.length)
    assert.equal(transcript(host, host, options), expected)
    assert.equal(transcript(auto, auto, options), expected)
    assert.equal(wasm.counted.calls, { aesKey: 0, rsaKey: 0, seal: 0, open: 0, power: 0 })
    for (const { calls } of [host.counted, auto.counted]) {
      assert.is(calls.seal > 0, hosts)
      assert.is(calls.open, calls.seal)
    }
    assert.is(auto.counted.lengths.every((length) => length >= 2048), true, 'short ones stay')
    if (hosts) assert.ok(host.counted.lengths.some((length) => length < 64), 'here nothing stays')
  })

  test(`${name}: the two understand each other`, (t) => {
    const [wasm, host] = [makeLibrary('wasm'), makeLibrary('host')]
    for (const [a, b] of [[wasm, host], [host, wasm]] as const) {
      converse(t.own(pairOf(a.library, b.library, { client: options, server: options })).establish())
    }
  })
}

const FAILING = ['aesKey', 'seal', 'open'] as const

for (const failing of FAILING) {
  test(`a host that fails at ${failing}: WebAssembly does it, and nobody sees a difference`, () => {
    for (const { options } of SPOKEN.filter(({ hosts }) => hosts)) {
      const [wasm, host] = [makeLibrary('wasm'), makeLibrary('host')]
      host.counted.fails = (operation) => operation === failing
      assert.equal(transcript(host, host, options), transcript(wasm, wasm, options))
      assert.ok(host.counted.calls[failing] > 0)
      if (failing === 'aesKey') assert.is(host.counted.calls.aesKey <= 8, true, 'asked once for each key')
    }
  })
}

test('a host that fails now and then, in the midst of a connection', () => {
  const [wasm, host] = [makeLibrary('wasm'), makeLibrary('host')]
  let count = 0
  host.counted.fails = () => count++ % 3 === 1
  const { options } = SPOKEN[0]!
  assert.equal(transcript(host, host, options), transcript(wasm, wasm, options))
})

test('key updates: each key is given to the host once, and taken back when it is replaced', (t) => {
  const host = makeLibrary('host')
  const pair = t.own(pairOf(host.library, host.library, { client: SPOKEN[0]!.options, server: SPOKEN[0]!.options })).establish()
  pair.send(pair.client, pattern(20_000)).send(pair.server, pattern(20_000))
  const { aesKey } = host.counted.calls
  const held = host.library.accelerator.size
  for (let i = 0; i < 5; i++) {
    pair.client.engine.keyUpdate('requested')
    pair.run().send(pair.client, pattern(20_000)).send(pair.server, pattern(20_000))
  }
  assert.is(host.counted.calls.aesKey - aesKey, 20, 'two directions, two sides')
  assert.is(host.library.accelerator.size, held)
})

test('no key is left when the engines are gone', (t) => {
  const host = makeLibrary('host')
  const pair = pairOf(host.library, host.library, { client: SPOKEN[0]!.options, server: SPOKEN[0]!.options }).establish()
  pair.send(pair.client, pattern(20_000))
  assert.ok(host.library.accelerator.size > 0)
  pair[Symbol.dispose]()
  assert.is(host.library.accelerator.size, 0)
  assert.ok(host.counted.keys.length > 0)
  t.note = `${host.counted.keys.length} keys`
})
