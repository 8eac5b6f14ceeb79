// The kernels of wasm/simd against OpenSSL's C: two modules, the same random cases, equal answers. `npm run fuzz:kernels` runs millions.
import * as assert from 'uvu/assert'
import { suite } from '../support/suite.ts'
import { compare } from './compare.ts'
import { KernelModule, modulesAreBuilt } from './module.ts'

const test = suite('kernels')

const SEED = 20_000_000n
const CASES = 4000
/** Milliseconds a case, not microseconds. */
const SLOW = ['P-256: the group', 'P-256: ECDSA', 'Ed25519', 'Powers', 'RSA']
const SLOW_CASES = 300

if (modulesAreBuilt()) {
  const kernels = new KernelModule('kernels')
  const portable = new KernelModule('portable')

  kernels.families.forEach((family, which) => {
    const cases = SLOW.includes(family) ? SLOW_CASES : CASES
    test(`${family}: ${cases} random cases have the answers of OpenSSL's C`, () => {
      const difference = compare([kernels, portable], which, SEED, cases)
      assert.is(difference, undefined, difference && `case ${difference.seed} differs`)
    })

    test(`${family}: other cases have other answers`, () => {
      assert.is.not(kernels.fuzz(which, SEED, 10), portable.fuzz(which, SEED + 10n, 10))
    })
  })

  test('both builds have the same families', () => {
    assert.equal(kernels.families, portable.families)
    assert.ok(kernels.families.length > 0)
  })
} else {
  test('build/wasm/primitives.wasm is there', () => {
    throw new Error('run ./build.sh kernels')
  })
}
