// Forged records: with the host as without it the same error and the same alert; and the plaintext of a record whose tag is wrong stands
// nowhere in the module's memory.
import * as assert from 'uvu/assert'
import type { Library } from '../../src/abi/library.ts'
import type { ContextOptions, TlsError } from '../../src/index.ts'
import { expectError } from '../support/expect.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'
import { makeLibrary, pairOf } from './support.ts'

const test = suite('acceleration: forged records')

const SPOKEN: readonly { version: string; options: ContextOptions }[] = [
  { version: 'TLS 1.3', options: { minVersion: 'TLSv1.3', cipherSuites: ['TLS_AES_128_GCM_SHA256'] } },
  { version: 'TLS 1.2', options: { maxVersion: 'TLSv1.2', cipherList: 'ECDHE-ECDSA-AES128-GCM-SHA256' } },
]

const FORGED: readonly { name: string; at: (record: Uint8Array) => number }[] = [
  { name: 'the tag', at: (record) => record.length - 1 },
  { name: 'the first byte of the tag', at: (record) => record.length - 16 },
  { name: 'the text', at: () => 100 },
  { name: 'the last byte of the text', at: (record) => record.length - 17 },
]

const SECRET = new TextEncoder().encode('the eagle has landed in the field behind the house')

/** Zeros, and a secret in their midst. */
function withSecret(length: number): Uint8Array {
  const text = pattern(length)
  text.set(SECRET, 1000)
  return text
}

const isInMemory = ({ memory }: Library): boolean => Buffer.from(memory.u8).includes(SECRET)

/** A server receives a record that was tampered with. The client is of another library: its memory has the plaintext, after all. */
function forge(
  receiver: Library,
  options: ContextOptions,
  at: (record: Uint8Array) => number,
  see?: (library: Library) => void,
): [TlsError, TlsError] {
  const sender = makeLibrary('wasm').library
  const pair = pairOf(sender, receiver, { client: options, server: options })
  try {
    pair.establish()
    pair.client.engine.writePlaintext(withSecret(8000))
    const record = pair.client.engine.takeCiphertext()
    record[at(record)]! ^= 1
    pair.server.attempt(() => void pair.server.engine.receiveCiphertext(record))
    pair.server.drive()
    assert.is(pair.server.plaintext.length, 0)
    see?.(receiver)
    pair.run()
    return [pair.server.error!, pair.client.error!]
  } finally {
    pair[Symbol.dispose]()
  }
}

/** All that an error tells. */
const told = (error: TlsError) => ({ ...error, message: error.message, name: error.name, cause: String(error.cause) })

for (const { version, options } of SPOKEN) {
  for (const { name, at } of FORGED) {
    test(`${version}, a bit of ${name}: bad_record_mac, as without the host`, () => {
      const host = makeLibrary('host')
      const before = host.counted.calls.open
      const [error, peer] = forge(host.library, options, at)
      assert.ok(host.counted.calls.open > before, 'the host was asked')
      const alert = { direction: 'sent', description: 20, name: 'bad_record_mac' } as const
      expectError(error, { kind: 'protocol', code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', alert })
      expectError(peer, { kind: 'alert', alert: { ...alert, direction: 'received' } })
      const [expected, expectedPeer] = forge(makeLibrary('wasm').library, options, at)
      assert.equal(told(error), told(expected))
      assert.equal(told(peer), told(expectedPeer))
    })
  }

  test(`${version}: no plaintext before the tag is right, nowhere in memory`, () => {
    const { library, counted } = makeLibrary('host')
    forge(library, options, FORGED[0]!.at, (receiver) => assert.is(isInMemory(receiver), false))
    assert.is(isInMemory(library), false)
    assert.ok(counted.calls.open > 0)
  })

  test(`${version}: but when it is right, it is there, or the test above sees nothing`, (t) => {
    const [sender, receiver] = [makeLibrary('wasm').library, makeLibrary('host').library]
    const pair = t.own(pairOf(sender, receiver, { client: options, server: options })).establish()
    pair.server.reading = false
    pair.client.engine.writePlaintext(withSecret(8000))
    pair.server.engine.receiveCiphertext(pair.client.engine.takeCiphertext())
    pair.server.engine.readPlaintext(100)
    assert.is(isInMemory(receiver), true)
  })
}
