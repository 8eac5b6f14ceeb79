// Pre-shared keys instead of certificates (RFC 4279, RFC 8446 2.2), in both versions and both roles.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type PreSharedKey, type Version } from '../../src/index.ts'
import { root } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { byteByByte } from '../support/chunk.ts'
import { makePair, type PairOptions } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: Version): ContextOptions => ({ minVersion: version, maxVersion: version })
const KEY: PreSharedKey = { identity: 'sensor-7', key: new Uint8Array(32).fill(7) }
const OTHER: PreSharedKey = { identity: 'sensor-8', key: new Uint8Array(32).fill(8) }

const test = suite('engine: pre-shared keys')

/** Neither side has a certificate. */
function pskPair(t: Case, version: Version, options: PairOptions) {
  const context = t.own(createContext(only(version)))
  return t.own(makePair({ ...options, clientContext: context, serverContext: context, clientEngine: { servername: undefined, psk: KEY } }))
}

for (const version of VERSIONS) {
  test(`${version}: a key that both know is enough`, (t) => {
    const pair = pskPair(t, version, { serverEngine: { psks: [OTHER, KEY] } }).establish()
    assert.is(pair.client.engine.agreed!.peerChain.length, 0)
    pair.send(pair.client, 'hello')
    assert.is(pair.server.text, 'hello')
  })

  test(`${version}: an unknown identity is refused`, (t) => {
    const pair = pskPair(t, version, { serverEngine: { psks: [OTHER] } })
    pair.run()
    assert.ok(pair.server.error)
    assert.ok(pair.client.error)
  })

  test(`${version}: the same identity with another key is refused`, (t) => {
    const pair = pskPair(t, version, { serverEngine: { psks: [{ ...KEY, key: OTHER.key }] } })
    pair.run()
    expectError(pair.server.error, { kind: 'protocol' })
  })
}

for (const version of VERSIONS) {
  test(`${version}: a client with a key takes no certificate instead, not even a good one`, (t) => {
    const context = t.own(createContext({ ca: root().cert, ...only(version) }))
    for (const host of [{ servername: undefined }, {}]) {
      const pair = t.own(makePair({ clientContext: context, clientEngine: { ...host, psk: KEY } }))
      pair.run()
      if (version === 'TLSv1.3') expectError(pair.client.error, { kind: 'certificate', code: 'PSK_EXPECTED' })
      else expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_SHARED_CIPHER' })
    }
  })

  test(`${version}: a server with a certificate uses the key with a client that has it`, (t) => {
    const pair = t.own(makePair({ client: only(version), clientEngine: { psk: KEY }, serverEngine: { psks: [KEY] } }).establish())
    assert.is(pair.client.engine.agreed!.peerChain.length, 0)
  })
}

test('TLSv1.3: keys are brought by a decision on the ClientHello', (t) => {
  const pair = pskPair(t, 'TLSv1.3', { serverEngine: { park: ['clientHello'] } })
  pair.run()
  const [event] = pair.server.eventsOf('clientHello')
  assert.equal(event!.hello.pskIdentities.map((identity) => new TextDecoder().decode(identity)), [KEY.identity])
  pair.server.engine.resume({ psks: [KEY] })
  pair.establish()
})

for (const [name, cut] of [['whole', undefined], ['one byte at a time', byteByByte]] as const) {
  test(`TLSv1.2: the key is brought by a decision on the identity, ${name}`, (t) => {
    const pair = pskPair(t, 'TLSv1.2', { serverEngine: { park: ['psk'] }, ...(cut && { cut }) })
    pair.run()
    assert.is(pair.server.status, 'want-callback')
    assert.equal(pair.server.eventsOf('psk'), [{ type: 'psk', identity: KEY.identity }])
    pair.server.engine.resume({ psk: KEY.key })
    pair.establish()
    pair.send(pair.server, 'welcome')
    assert.is(pair.client.text, 'welcome')
  })
}

test('TLSv1.2: a decision without a key refuses the identity', (t) => {
  const pair = pskPair(t, 'TLSv1.2', { serverEngine: { park: ['psk'] } })
  pair.run()
  pair.server.engine.resume()
  pair.run()
  expectError(pair.server.error, { kind: 'protocol' })
})
