// Known answers of P-256, Curve25519 and RSA (test/vectors/public-key.json), with the kernels of wasm/simd and without; and what Node's
// own crypto, another build of OpenSSL with another arithmetic, answers at the edges.
import { createECDH } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'
import { KernelModule, modulesAreBuilt } from './module.ts'

const test = suite('kernels: public keys')

interface Vectors {
  p256Multiples: { cases: { scalar: string; product: string }[] }
  p256Points: { cases: { point: string; verdict: string }[] }
  p256Signatures: { cases: Signature[] }
  p256Deterministic: { cases: Signature[] }
  p256Verdicts: { cases: { digest: string; public: string; r: string; s: string; verdict: string }[] }
  p256Agreements: { cases: { key: string; peer: string; x: string }[] }
  p256Exchange: Record<'i' | 'gi' | 'r' | 'gr' | 'gir', string>
  x25519: { cases: { scalar: string; u: string; product: string }[] }
  x25519Exchange: Record<'a' | 'publicA' | 'b' | 'publicB' | 'shared', string>
  x25519SmallOrder: { cases: string[] }
  ed25519: { cases: { name: string; key: string; public: string; message: string; variant: string; signature: string }[] }
  rsa: { cases: { bits: number; n: string; e: string; d: string; p: string; q: string; digest: string; signature: string }[] }
}

interface Signature {
  digest: string
  key: string
  public: string
  nonce: string
  r: string
  s: string
}

const vectors = JSON.parse(readFileSync(`${repository}test/vectors/public-key.json`, 'utf8')) as Vectors
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const INFINITY = '00'

const number = (value: bigint): string => value.toString(16).padStart(64, '0')
const flipped = (hex: string): string => (hex.endsWith('0') ? `${hex.slice(0, -1)}1` : `${hex.slice(0, -1)}0`)
const x = (point: string | undefined): string | undefined => point?.slice(2, 66)
const passes = (verdict: string): boolean => verdict.startsWith('P')

type Test = (name: string, body: () => void) => void
/** An operation of answers.c, in hexadecimal; undefined is a refusal. */
type Run = (operation: string, ...fields: string[]) => string | undefined

function p256(test: Test, run: Run): void {
  test('P-256: multiples of the generator', () => {
    for (const { scalar, product } of vectors.p256Multiples.cases) assert.is(run('p256-multiply', scalar, ''), product)
  })

  test('P-256: points that are not on the curve, or whose coordinates are too large, are refused', () => {
    for (const { point, verdict } of vectors.p256Points.cases) {
      assert.is(run('p256-multiply', number(1n), point), passes(verdict) ? point : undefined, verdict)
    }
  })

  test('P-256: signatures with given nonces', () => {
    for (const { key, nonce, digest, r, s, public: point } of [...vectors.p256Signatures.cases, ...vectors.p256Deterministic.cases]) {
      assert.is(run('p256-multiply', key, ''), point)
      assert.is(run('p256-sign', key, nonce, digest), r + s)
      assert.is(run('p256-verify', point, digest, r, s), '')
      assert.is(run('p256-verify', point, digest, r, flipped(s)), undefined)
      assert.is(run('p256-verify', point, flipped(digest), r, s), digest.length > 64 ? '' : undefined) // its last bits do not count
    }
  })

  test('P-256: right and wrong signatures', () => {
    for (const { public: point, digest, r, s, verdict } of vectors.p256Verdicts.cases) {
      assert.is(run('p256-verify', point, digest, r, s), passes(verdict) ? '' : undefined, verdict)
    }
  })

  test('P-256: r and s that are 0, the order or beyond are refused', () => {
    const { public: point, digest, r, s } = vectors.p256Signatures.cases[0]!
    for (const wrong of [0n, ORDER, ORDER + 1n, (1n << 256n) - 1n].map(number)) {
      assert.is(run('p256-verify', point, digest, wrong, s), undefined)
      assert.is(run('p256-verify', point, digest, r, wrong), undefined)
    }
    assert.is(run('p256-verify', point, digest, number(ORDER + BigInt(`0x${r}`)), s), undefined)
    assert.is(run('p256-verify', point, digest, r, number(ORDER - BigInt(`0x${s}`))), '') // the other signature with this r
  })

  test('P-256: shared secrets', () => {
    for (const { key, peer, x: shared } of vectors.p256Agreements.cases) assert.is(x(run('p256-multiply', key, peer)), shared)
    const { i, gi, r, gr, gir } = vectors.p256Exchange
    assert.is(run('p256-multiply', i, ''), gi)
    assert.is(run('p256-multiply', r, ''), gr)
    assert.is(x(run('p256-multiply', i, gr)), gir)
    assert.is(x(run('p256-multiply', r, gi)), gir)
  })

  test("P-256: scalars at the edges have Node's products, of the generator and of any point", () => {
    const powers = [1n, 5n, 31n, 32n, 33n, 64n, 128n, 254n, 255n].map((power) => 1n << power)
    const edges = [1n, 2n, 3n, 15n, 16n, 17n, 31n, 32n, 33n, ...powers, ...powers.map((power) => power - 1n), ...powers.map((power) => power + 1n)]
    const peer = vectors.p256Multiples.cases[0]!
    for (const scalar of [...edges, ...edges.map((edge) => ORDER - edge)].map(number)) {
      const node = createECDH('prime256v1')
      node.setPrivateKey(scalar, 'hex')
      assert.is(run('p256-multiply', scalar, ''), node.getPublicKey('hex'), scalar)
      assert.is(x(run('p256-multiply', scalar, peer.product)), node.computeSecret(peer.product, 'hex', 'hex'), scalar)
    }
  })

  test('P-256: the order and 0 times a point is infinity, and the order plus one the point', () => {
    const { product: point } = vectors.p256Multiples.cases[0]!
    const generator = run('p256-multiply', number(1n), '')!
    for (const operand of ['', point]) {
      assert.is(run('p256-multiply', number(ORDER), operand), INFINITY)
      assert.is(run('p256-multiply', number(0n), operand), INFINITY)
      assert.is(run('p256-multiply', number(ORDER + 1n), operand), operand || generator)
      assert.is(run('p256-multiply', `0${(2n * ORDER).toString(16)}`, operand), INFINITY)
    }
    assert.is(run('p256-multiply', number(3n), INFINITY), INFINITY)
  })
}

function curve25519(test: Test, run: Run): void {
  test('X25519: products and a key exchange', () => {
    for (const { scalar, u, product } of vectors.x25519.cases) assert.is(run('x25519', scalar, u), product)
    const { a, b, publicA, publicB, shared } = vectors.x25519Exchange
    assert.is(run('x25519-public', a), publicA)
    assert.is(run('x25519-public', b), publicB)
    assert.is(run('x25519', a, publicB), shared)
    assert.is(run('x25519', b, publicA), shared)
  })

  // RFC 7748, 5.2. The millionth value there is 7c3911e0ab2586fd864497297e575e6f3bc601c0883c30df5f4dd2d24f665424; it takes a minute.
  test('X25519: a thousand products, each of the last two', () => {
    let [scalar, u] = ['09'.padEnd(64, '0'), '09'.padEnd(64, '0')]
    const values = Array.from({ length: 1000 }, () => {
      const product = run('x25519', scalar, u)!
      ;[scalar, u] = [product, scalar]
      return product
    })
    assert.is(values[0], '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
    assert.is(values[999], '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
  })

  test('X25519: points of small order are refused', () => {
    const { a } = vectors.x25519Exchange
    for (const u of vectors.x25519SmallOrder.cases) assert.is(run('x25519', a, u), undefined, u)
  })

  test('Ed25519: signatures', () => {
    for (const { key, public: point, message, variant, signature, name } of vectors.ed25519.cases) {
      assert.is(run('ed25519-sign', key, message, variant), point + signature, name)
      assert.is(run('ed25519-verify', point, message, variant, signature), '')
      assert.is(run('ed25519-verify', point, `${message}00`, variant, signature), undefined)
      assert.is(run('ed25519-verify', point, message, `${variant}01`, signature), undefined)
      assert.is(run('ed25519-verify', point, message, variant, flipped(signature)), undefined)
    }
  })

  test('Ed25519: a signature plus the order of the base point is refused', () => {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n
    const { public: point, message, variant, signature } = vectors.ed25519.cases[0]!
    const s = BigInt(`0x${Buffer.from(signature.slice(64), 'hex').reverse().toString('hex')}`)
    const more = Buffer.from(number(s + order), 'hex').reverse().toString('hex')
    assert.is(run('ed25519-verify', point, message, variant, signature.slice(0, 64) + more), undefined)
  })
}

function rsa(test: Test, run: Run): void {
  for (const { bits, n, e, d, p, q, digest, signature } of vectors.rsa.cases) {
    test(`RSA-${bits}: a signature`, () => {
      assert.is(run('rsa-sign', n, e, d, p, q, digest), signature)
    })
  }
}

if (modulesAreBuilt()) {
  for (const build of ['kernels', 'portable'] as const) {
    const module = new KernelModule(build)
    const named: Test = (name, body) => test(`${build}: ${name}`, body)
    const run: Run = (operation, ...fields) => {
      const answer = module.answer(operation, ...fields.map((field) => Uint8Array.from(Buffer.from(field, 'hex'))))
      return answer && Buffer.from(answer).toString('hex')
    }
    p256(named, run)
    curve25519(named, run)
    rsa(named, run)
  }
} else {
  test('build/wasm/primitives.wasm is there', () => {
    throw new Error('run ./build.sh kernels')
  })
}
