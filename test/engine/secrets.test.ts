// What is left in the module's memory when everything has been freed: no private key, no pre-shared key, no session, no plaintext. The
// whole memory is searched, so freed blocks count.
import { createPrivateKey } from 'node:crypto'
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { createContext } from '../../src/index.ts'
import { client, root, server } from '../support/certs.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const test = suite('engine: what is left of secrets')

/** How often the bytes stand anywhere in the module's memory. */
function occurrences(secret: Uint8Array): number {
  const memory = Buffer.from(library().memory.u8)
  let count = 0
  for (let at = memory.indexOf(secret); at >= 0; at = memory.indexOf(secret, at + 1)) count++
  return count
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** The number that is the secret of an EC or Ed25519 key; of an RSA key, one of its primes. */
function secretOf(pem: string): Uint8Array {
  const { d, p } = createPrivateKey(pem).export({ format: 'jwk' })
  return new Uint8Array(Buffer.from((p ?? d)!, 'base64url'))
}

for (const type of ['P-256', 'Ed25519', 'RSA-2048'] as const) {
  test(`no private key: ${type}`, () => {
    const { cert, key } = server(type)
    const secret = secretOf(key)
    const found = () => occurrences(secret) + occurrences(secret.slice().reverse()) // OpenSSL's big numbers begin at their low end
    const pair = makePair({ server: { cert, key }, client: client() }).establish()
    assert.ok(found() > 0, 'it must be there while it is used, or this test sees nothing')
    pair[Symbol.dispose]()
    assert.is(found(), 0)
    assert.is(occurrences(bytesOf(key.split('\n')[1]!)), 0, 'its PEM')
  })
}

test('no pre-shared key, no ticket key', () => {
  const secret = crypto.getRandomValues(new Uint8Array(32))
  const ticketKeys = crypto.getRandomValues(new Uint8Array(80))
  const serverContext = createContext({ ticketKeys })
  const clientContext = createContext()
  const psk = { identity: 'x', key: secret }
  const pair = makePair({ clientContext, serverContext, clientEngine: { servername: undefined, psk }, serverEngine: { psks: [psk] } }).establish()
  pair[Symbol.dispose]()
  serverContext.free()
  clientContext.free()
  assert.is(occurrences(secret), 0)
  assert.is(occurrences(ticketKeys.subarray(16, 48)), 0)
})

test('no plaintext, neither what was written nor what was read', () => {
  const pair = makePair({ server: server(), client: { ca: root().cert } }).establish()
  const secret = 'the eagle has landed in the field behind the house'
  pair.send(pair.client, secret)
  assert.is(pair.server.text, secret)
  pair[Symbol.dispose]()
  assert.is(occurrences(bytesOf(secret)), 0)
})

test('no session', () => {
  const first = makePair({ client: { maxVersion: 'TLSv1.2' } }).establish()
  const { session } = first.client.eventsOf('session')[0]!
  const resumed = makePair({ client: { maxVersion: 'TLSv1.2' }, clientEngine: { session } })
  resumed.run()
  resumed[Symbol.dispose]()
  first[Symbol.dispose]()
  // The master secret is 48 bytes somewhere in the DER; any 32 bytes of its second half will do to find a copy.
  for (const at of [40, 60, 80]) assert.is(occurrences(session.subarray(at, at + 24)), 0, `bytes from ${at}`)
})
