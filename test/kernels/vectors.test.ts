// Known answers from standards (test/vectors/symmetric.json), with the kernels of wasm/simd and without.
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
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
} else {
  test('build/wasm/primitives.wasm is there', () => {
    throw new Error('run ./build.sh kernels')
  })
}
