// AES-GCM and RSA through EVP, with the host and without: what is a record of TLS goes to the host, nothing else does, and all have the
// answers of OpenSSL's C.
import * as assert from 'uvu/assert'
import { compare } from '../kernels/compare.ts'
import { KernelModule, modulesAreBuilt, type CipherInput } from '../kernels/module.ts'
import { sameBytes } from '../support/expect.ts'
import { Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'
import { CountedCrypto } from './support.ts'

const test = suite('acceleration: messages')

const KEYS = { 'AES-128-GCM': 16, 'AES-192-GCM': 24, 'AES-256-GCM': 32 } as const

/** RFC 8446, 5.2. */
const headerFor = (length: number): Uint8Array => Uint8Array.of(23, 3, 3, (length + 16) >> 8, (length + 16) & 0xff)

type Changes = Partial<CipherInput> & { length?: number }

function draw(random: Random, cipher: keyof typeof KEYS, changes: Changes = {}): [CipherInput, Uint8Array] {
  const text = random.bytes(changes.length ?? 1 + random.below(random.below(2) ? 200 : 16_640))
  const [key, iv, tag] = [random.bytes(KEYS[cipher]), random.bytes(12), new Uint8Array(16)]
  const input = { cipher, key, iv, aad: headerFor(text.length), tag, ...changes }
  return [input, text]
}

/** Both directions, with the tag and with others, are the same in both modules. */
function check(modules: readonly [KernelModule, KernelModule], input: CipherInput, text: Uint8Array): void {
  const [sealed, expected] = modules.map((module) => module.encrypt(input, text))
  sameBytes(sealed!.ciphertext, expected!.ciphertext)
  sameBytes(sealed!.tag, expected!.tag)
  for (const module of modules) {
    sameBytes(module.decrypt({ ...input, tag: sealed!.tag }, sealed!.ciphertext)!, text)
    const wrong = sealed!.tag.slice()
    wrong[wrong.length - 1]! ^= 0x80
    assert.is(module.decrypt({ ...input, tag: wrong }, sealed!.ciphertext), undefined)
  }
}

/** What is no record of TLS 1.3. */
const OTHERS: readonly { name: string; changes: (random: Random) => Changes }[] = [
  { name: 'another AAD', changes: (random) => ({ aad: random.bytes(random.below(40)) }) },
  { name: 'a header of another length', changes: () => ({ aad: headerFor(1001), length: 1000 }) },
  { name: 'another type', changes: () => ({ aad: headerFor(1000).fill(22, 0, 1), length: 1000 }) },
  { name: 'a nonce of another length', changes: (random) => ({ iv: random.bytes(13 + random.below(20)) }) },
  { name: 'a shorter tag', changes: () => ({ tag: new Uint8Array(12), length: 3000 }) },
]

if (modulesAreBuilt()) {
  const counted = new CountedCrypto()
  const portable = new KernelModule('portable')
  const hosted = new KernelModule('kernels', { wanted: 'host', crypto: counted.crypto })

  for (const cipher of Object.keys(KEYS) as (keyof typeof KEYS)[]) {
    test(`${cipher}: 200 random records`, () => {
      const random = new Random(KEYS[cipher])
      const before = { ...counted.calls }
      for (let i = 0; i < 200; i++) check([hosted, portable], ...draw(random, cipher))
      assert.is(counted.calls.seal - before.seal, 200)
      assert.is(counted.calls.open - before.open, 400)
    })
  }

  for (const { name, changes } of OTHERS) {
    test(`no record: ${name}`, () => {
      const random = new Random(1)
      const before = { ...counted.calls }
      for (let i = 0; i < 50; i++) {
        const [input, text] = draw(random, 'AES-128-GCM', changes(random))
        if (name === 'another AAD' && input.aad.length === 5) continue
        // A shorter tag is only checked so; EVP makes it of the whole one.
        check([hosted, portable], input, text)
      }
      assert.is(counted.calls.open, before.open)
      if (name !== 'a shorter tag') assert.is(counted.calls.seal, before.seal)
    })
  }

  test("node:crypto alone, with any AAD: what OpenSSL's C makes", () => {
    const random = new Random(3)
    const { crypto } = counted
    for (let i = 0; i < 200; i++) {
      const [input, text] = draw(random, random.pick(Object.keys(KEYS) as (keyof typeof KEYS)[]), { aad: random.bytes(random.below(100)) })
      const [key, out, tag] = [crypto.aesKey(input.key), new Uint8Array(text.length), new Uint8Array(16)]
      crypto.seal(key, input.iv, input.aad, text, out, tag)
      const expected = portable.encrypt(input, text)
      sameBytes(out, expected.ciphertext)
      sameBytes(tag, expected.tag)
      const opened = new Uint8Array(text.length)
      assert.is(crypto.open(key, input.iv, input.aad, out, opened, tag), true)
      sameBytes(opened, text)
      tag[0]! ^= 1
      opened.fill(0)
      assert.is(crypto.open(key, input.iv, input.aad, out, opened, tag), false)
      assert.is(opened.every((byte) => byte === 0), true, 'nothing is written before the tag is right')
    }
  })

  const FAMILIES = [
    { family: 'AES-GCM', asked: 'seal', cases: 4000 },
    { family: 'RSA', asked: 'power', cases: 60 },
  ] as const
  for (const { family, asked, cases } of FAMILIES) {
    test(`${family}: ${cases} random sequences of calls`, () => {
      const which = hosted.families.indexOf(family)
      assert.ok(which >= 0, hosted.families.join(', '))
      const before = counted.calls[asked]
      const difference = compare([hosted, portable], which, 50_000_000n, cases)
      assert.is(difference, undefined, difference && `case ${difference.seed} differs`)
      assert.ok(counted.calls[asked] > before)
    })
  }
} else {
  test('build/wasm/primitives.wasm is there', () => {
    throw new Error('run ./build.sh kernels')
  })
}
