// RSA with a private key, by the host: the same signatures and the same decrypted secrets, so the same bytes on the wire. What is
// random in them comes from OpenSSL, which has the same entropy here.
import * as assert from 'uvu/assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContextOptions } from '../../src/index.ts'
import { root, server } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import type { Pair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'
import { makeLibrary, pairOf, recorded, type Accelerated, type Sides } from './support.ts'

const test = suite('acceleration: RSA')

const TYPES = ['RSA-2048', 'RSA-3072', 'RSA-4096'] as const
const TLS12: ContextOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }
const KEY_EXCHANGE: ContextOptions = { ...TLS12, insecureLegacyPeers: true, cipherList: 'AES128-GCM-SHA256' }

const USES: readonly { name: string; options: ContextOptions; scheme?: string }[] = [
  { name: 'TLS 1.3, RSA-PSS', options: { minVersion: 'TLSv1.3' }, scheme: 'rsa_pss_rsae_sha256' },
  { name: 'TLS 1.2, RSA-PSS', options: { ...TLS12, signatureSchemes: ['rsa_pss_rsae_sha384'] }, scheme: 'rsa_pss_rsae_sha384' },
  { name: 'TLS 1.2, PKCS#1', options: { ...TLS12, signatureSchemes: ['rsa_pkcs1_sha256'] }, scheme: 'rsa_pkcs1_sha256' },
  { name: 'TLS 1.2, RSA key exchange', options: KEY_EXCHANGE },
]

/** A handshake, and a word; client and server show certificates. Same suites for all, whatever is fast. */
function sides(type: (typeof TYPES)[number], options: ContextOptions): Sides {
  const both: ContextOptions = { cipherSuites: ['TLS_AES_128_GCM_SHA256'], cipherList: 'ECDHE-RSA-AES128-GCM-SHA256', ...options }
  return {
    client: both,
    server: { ...both, ...server(type), ca: root().cert },
  }
}

function shake(accelerated: Accelerated, given: Sides, see: (pair: Pair) => void = () => {}): string[] {
  const pair = pairOf(accelerated.library, accelerated.library, given)
  try {
    const pieces = recorded(pair)
    pair.establish()
    pair.send(pair.client, 'one word')
    assert.is(pair.server.text, 'one word')
    see(pair)
    return pieces
  } finally {
    pair[Symbol.dispose]()
  }
}

for (const type of TYPES) {
  for (const { name, options, scheme } of USES) {
    test(`${type}, ${name}: every byte on the wire is the same`, () => {
      const [wasm, host] = [makeLibrary('wasm'), makeLibrary('host')]
      const given = sides(type, options)
      const expected = shake(wasm, given)
      const actual = shake(host, given, (pair) => {
        if (scheme) assert.is(pair.client.engine.agreed!.peerSignatureScheme, scheme)
      })
      assert.equal(actual, expected)
      assert.is(host.counted.calls.power, 1)
      assert.is(host.counted.calls.rsaKey, 1)
      assert.is(wasm.counted.calls.power, 0)
    })
  }
}

test('a client certificate, too', () => {
  const [wasm, host] = [makeLibrary('wasm'), makeLibrary('host')]
  const given = sides('RSA-2048', {})
  const mutual: Sides = {
    ...given,
    client: { ...given.client, ...server('RSA-2048') },
    serverEngine: { clientCertificate: 'request', dangerouslyAcceptAnyCertificate: true },
  }
  assert.equal(shake(host, mutual), shake(wasm, mutual))
  assert.is(host.counted.calls.power, 2)
})

test('a context gives its key to the host once, for all of its connections', () => {
  const host = makeLibrary('host')
  const given = sides('RSA-2048', {})
  const pair = pairOf(host.library, host.library, given).establish()
  const { rsaKey, power } = host.counted.calls
  for (let i = 0; i < 3; i++) {
    const more = pairOf(host.library, host.library, given).establish()
    more[Symbol.dispose]()
  }
  assert.is(host.counted.calls.power - power, 3)
  assert.is(host.counted.calls.rsaKey - rsaKey, 3, 'each context parses its own')
  pair[Symbol.dispose]()
  assert.is(host.library.accelerator.size, 0)
})

for (const failing of ['rsaKey', 'power'] as const) {
  test(`a host that fails at ${failing}: WebAssembly signs, and nobody sees a difference`, () => {
    const [wasm, host] = [makeLibrary('wasm'), makeLibrary('host')]
    host.counted.fails = (operation) => operation === failing
    const given = sides('RSA-2048', {})
    assert.equal(shake(host, given), shake(wasm, given))
    assert.is(host.counted.calls[failing], 1)
    assert.is(host.library.accelerator.size, 0)
  })
}

test('a broken encrypted premaster secret fails late and in the same way (RFC 5246, 7.4.7.1)', () => {
  const outcomes = (['wasm', 'host'] as const).map((wanted) => {
    const { library, counted } = makeLibrary(wanted)
    const pair = pairOf(library, library, sides('RSA-2048', KEY_EXCHANGE))
    let flights = 0
    pair.tamper = (to, ciphertext) => {
      if (to === 'server' && ++flights === 2) ciphertext[60]! ^= 1 // within ClientKeyExchange
      return ciphertext
    }
    pair.run()
    pair[Symbol.dispose]()
    assert.is(counted.calls.power, wanted === 'host' ? 1 : 0)
    const alert = { direction: 'sent', description: 20, name: 'bad_record_mac' } as const
    const error = expectError(pair.server.error, { kind: 'protocol', alert })
    return `${error.code} ${error.message}`
  })
  assert.is(outcomes[1], outcomes[0])
})

test('no key is left: neither its number nor, after a collection, the KeyObject', async () => {
  const host = makeLibrary('host')
  shake(host, sides('RSA-2048', {}))
  assert.is(host.library.accelerator.size, 0)
  const left = () => host.counted.keys.filter((key) => key.deref())
  assert.ok(host.counted.keys.length > 1)
  for (let i = 0; i < 20 && left().length > 0; i++) {
    await sleep(1) // a WeakRef lives until the end of the turn in which it was looked at
    globalThis.gc!()
  }
  assert.is(left().length, 0)
})

test("nor is the key in the module's memory", () => {
  const host = makeLibrary('host')
  const { key } = server('RSA-2048')
  shake(host, sides('RSA-2048', {}))
  const memory = Buffer.from(host.library.memory.u8)
  const der = Buffer.from(key.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  for (const at of [600, 700, 800, 1000]) assert.is(memory.indexOf(der.subarray(at, at + 24)), -1, `bytes of its DER from ${at}`)
})
