// Known answers from standards (test/vectors/symmetric.json), with the kernels of wasm/simd and without.
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'
import { KernelModule, modulesAreBuilt } from './module.ts'

const test = suite('kernels: known answers')

interface Vectors {
  ciphers: { source: string; cipher: string; key: string; iv: string; aad: string; plaintext: string; ciphertext: string; tag: string }[]
  poly1305: { source: string; key: string; message: string; tag: string }[]
}

const { ciphers, poly1305 } = JSON.parse(readFileSync(`${repository}test/vectors/symmetric.json`, 'utf8')) as Vectors
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

if (modulesAreBuilt()) {
  for (const build of ['kernels', 'portable'] as const) {
    const module = new KernelModule(build)

    for (const { source, cipher, key, iv, aad, plaintext, ciphertext, tag } of ciphers) {
      test(`${build}: ${cipher}, ${source}`, () => {
        const input = { cipher, key: bytes(key), iv: bytes(iv), aad: bytes(aad), tag: bytes(tag) }
        const sealed = module.encrypt(input, bytes(plaintext))
        assert.is(hex(sealed.ciphertext), ciphertext)
        assert.is(hex(sealed.tag), tag)
        assert.is(hex(module.decrypt(input, bytes(ciphertext))), plaintext)
        for (let bit = 0; bit < 8 * input.tag.length; bit++) {
          const wrong = input.tag.slice()
          wrong[bit >> 3]! ^= 1 << (bit & 7)
          assert.is(module.decrypt({ ...input, tag: wrong }, bytes(ciphertext)), undefined)
        }
      })
    }

    for (const { source, key, message, tag } of poly1305) {
      test(`${build}: Poly1305, ${source}`, () => {
        assert.is(hex(module.poly1305(bytes(key), bytes(message))), tag)
      })
    }
  }

  for (const cipher of ['AES-128-GCM', 'AES-256-GCM', 'ChaCha20-Poly1305', 'AES-128-CBC']) {
    test(`${cipher}: more than 65,536 blocks are what OpenSSL's C makes of them`, () => {
      const text = pattern(65_536 * 64 + 4096)
      const isAead = cipher !== 'AES-128-CBC'
      const lengths = isAead ? { iv: 12, aad: 13, tag: 16 } : { iv: 16, aad: 0, tag: 0 }
      const input = { cipher, key: pattern(32), iv: pattern(lengths.iv), aad: pattern(lengths.aad), tag: pattern(lengths.tag) }
      const [sealed, expected] = (['kernels', 'portable'] as const).map((build) => new KernelModule(build).encrypt(input, text))
      assert.is(Buffer.compare(sealed!.ciphertext, expected!.ciphertext), 0)
      assert.is(hex(sealed!.tag), hex(expected!.tag))
      const opened = new KernelModule('kernels').decrypt({ ...input, tag: sealed!.tag }, sealed!.ciphertext)
      assert.is(opened && Buffer.compare(opened, text), 0)
    })
  }
} else {
  test('build/wasm/primitives.wasm is there', () => {
    throw new Error('run ./build.sh kernels')
  })
}
