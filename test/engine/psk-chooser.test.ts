// A client that chooses its pre-shared key by a function: what the function is told, what it may answer, and what its mistakes come to.
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { createContext, type ContextOptions, type EngineOptions, type PreSharedKey, type PskChooser, type Version } from '../../src/index.ts'
import { bad, HOST, root, server } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type PairOptions } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: Version): ContextOptions => ({ minVersion: version, maxVersion: version })
const KEY: PreSharedKey = { identity: 'sensor-7', key: new Uint8Array(32).fill(7) }
const OTHER: PreSharedKey = { identity: 'sensor-8', key: new Uint8Array(32).fill(8) }

/** Neither side has a certificate. */
function pskPair(t: Case, version: Version, psk: PskChooser, options: PairOptions = {}) {
  const context = t.own(createContext(only(version)))
  return t.own(makePair({ serverEngine: { psks: [KEY] }, ...options, clientContext: context, serverContext: context, clientEngine: { servername: undefined, psk } }))
}

const asked = suite('psk function: what it is told')

for (const version of VERSIONS) {
  for (const pskHint of [undefined, 'sensors of the north wing, ü']) {
    asked(`${version}: ${pskHint ? 'the hint, where there are hints' : 'no hint'}`, (t) => {
      const hints: (string | undefined)[] = []
      const psk: PskChooser = (hint) => {
        hints.push(hint)
        return KEY
      }
      const pair = pskPair(t, version, psk, { serverEngine: { psks: [OTHER, KEY], pskHint } }).establish()
      assert.equal(hints, [version === 'TLSv1.2' ? pskHint : undefined])
      assert.is(pair.client.engine.agreed!.peerChain.length, 0)
      pair.send(pair.client, 'hello')
      assert.is(pair.server.text, 'hello')
    })
  }
}

asked('TLSv1.2: the hint decides which key, and a decision on the identity finds it', (t) => {
  const keys: Record<string, PreSharedKey> = { north: KEY, south: OTHER }
  for (const [hint, key] of Object.entries(keys)) {
    const pair = pskPair(t, 'TLSv1.2', (given) => keys[given!], { serverEngine: { park: ['psk'], pskHint: hint } })
    pair.run()
    assert.equal(pair.server.eventsOf('psk'), [{ type: 'psk', identity: key.identity }])
    pair.server.engine.resume({ psk: key.key })
    pair.establish()
  }
})

for (const version of VERSIONS) {
  asked(`${version}: keys brought by a decision on the ClientHello`, (t) => {
    const pair = pskPair(t, version, () => KEY, { serverEngine: { park: ['clientHello'], pskHint: 'a hint' } })
    pair.run()
    pair.server.engine.resume({ psks: [OTHER, KEY] })
    pair.establish()
  })
}

asked('TLSv1.3: again, when the server asks for another key share', (t) => {
  let calls = 0
  const psk: PskChooser = () => (calls++, KEY)
  const client = t.own(createContext({ ...only('TLSv1.3'), groups: ['*X25519', 'secp256r1'] }))
  const server_ = t.own(createContext({ groups: ['secp256r1'] }))
  t.own(makePair({ clientContext: client, serverContext: server_, clientEngine: { servername: undefined, psk }, serverEngine: { psks: [KEY] } }).establish())
  assert.is(calls, 2)
})

const certificates = suite('psk function: beside certificates')

for (const version of VERSIONS) {
  certificates(`${version}: with a name, the server's certificate will do where the function knows no key`, (t) => {
    const pair = t.own(makePair({ client: only(version), clientEngine: { psk: () => undefined } }).establish())
    assert.is(pair.client.engine.agreed!.authorized, true)
  })

  certificates(`${version}: with a name, a bad certificate is refused as always`, (t) => {
    for (const [kind, code] of [['unknownCa', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'], ['wrongHost', 'HOSTNAME_MISMATCH']] as const) {
      const pair = t.own(makePair({ client: only(version), server: bad(kind), clientEngine: { psk: () => KEY } }))
      pair.run()
      assert.ok(pair.client.error!.code === code || pair.client.error!.code.startsWith('UNABLE'), pair.client.error!.code)
    }
  })

  certificates(`${version}: without a name, no certificate will do`, (t) => {
    const pair = t.own(makePair({ client: only(version), clientEngine: { servername: undefined, psk: () => OTHER } }))
    pair.run()
    if (version === 'TLSv1.3') expectError(pair.client.error, { kind: 'certificate', code: 'PSK_EXPECTED' })
    else expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_SHARED_CIPHER' })
  })

  certificates(`${version}: where the verdict is only recorded, it is that of the certificate`, (t) => {
    const engine: Partial<EngineOptions> = { servername: undefined, identity: 'other.test', psk: () => undefined, dangerouslyAcceptAnyCertificate: true }
    const pair = t.own(makePair({ client: only(version), clientEngine: engine }).establish())
    assert.is(pair.client.engine.agreed!.authorizationError, 'HOSTNAME_MISMATCH')
  })
}

certificates('with a name, whom to trust must be known; without one, there is no need', (t) => {
  const context = t.own(createContext({ ca: root().cert }))
  t.own(context.createEngine({ role: 'client', servername: HOST, psk: () => KEY }))
  t.own(t.own(createContext()).createEngine({ role: 'client', psk: () => KEY }))
  expectThrow(() => context.createEngine({ role: 'server', psk: () => KEY }), { kind: 'usage', message: '`psk` is for clients' })
})

const mistakes = suite('psk function: mistakes')

/** What TypeScript would not let through. */
const untyped = (value: unknown): PreSharedKey => value as PreSharedKey

for (const version of VERSIONS) {
  mistakes(`${version}: what it throws is the cause${version === 'TLSv1.2' ? ', and internal_error for the peer' : ''}`, (t) => {
    const cause = new Error('the vault is closed')
    const pair = pskPair(t, version, () => {
      throw cause
    })
    pair.run()
    const error = expectError(pair.client.error, { kind: 'usage', code: 'ERR_TLS_PSK', message: 'the vault is closed' })
    assert.is(error.cause, cause)
    if (version === 'TLSv1.2') assert.is(expectError(pair.server.error, { kind: 'alert' }).alert!.name, 'internal_error')
    else assert.ok(pair.server.error) // there was no ClientHello before the alert
  })

  mistakes(`${version}: it knows no key, and there are no certificates`, (t) => {
    const pair = pskPair(t, version, () => undefined)
    pair.run()
    if (version === 'TLSv1.2') expectError(pair.client.error, { kind: 'protocol', code: 'ERR_SSL_PSK_IDENTITY_NOT_FOUND' })
    else expectError(pair.server.error, { kind: 'protocol' })
  })

  for (const [name, given, message] of [
    ['a promise', Promise.resolve(KEY), 'not a promise'],
    ['no identity', { key: KEY.key }, 'an `identity`'],
    ['an identity of 256 bytes', { ...KEY, identity: 'x'.repeat(256) }, 'has 256 bytes, at most 255 fit'],
    ['an identity with a NUL', { ...KEY, identity: 'a\0b' }, 'without a NUL'],
    ['a key as text', { ...KEY, key: '0707' }, 'must be a Uint8Array, not string'],
    ['an empty key', { ...KEY, key: new Uint8Array(0) }, 'has 0 bytes, it must have 1 to 512'],
    ['a key of 513 bytes', { ...KEY, key: new Uint8Array(513) }, 'has 513 bytes, it must have 1 to 512'],
  ] as const) {
    mistakes(`${version}: it returns ${name}`, (t) => {
      const pair = pskPair(t, version, () => untyped(given))
      pair.run()
      const { cause } = expectError(pair.client.error, { kind: 'usage', code: 'ERR_TLS_PSK' })
      expectError(cause, { kind: 'usage', message })
    })
  }

  mistakes(`${version}: the longest identity and key`, (t) => {
    const longest = { identity: 'x'.repeat(255), key: new Uint8Array(512).fill(1) }
    pskPair(t, version, () => longest, { serverEngine: { psks: [longest] } }).establish()
  })

  mistakes(`${version}: it uses membio`, (t) => {
    const pair = pskPair(t, version, () => {
      try {
        createContext()
      } catch {
        // swallowed, and met again
      }
      return KEY
    })
    pair.run()
    expectError(expectError(pair.client.error, { code: 'ERR_TLS_PSK' }).cause, { kind: 'usage', code: 'ERR_TLS_REENTERED', message: 'a `psk` function' })
  })
}

const lifetime = suite('psk function: lifetime')

lifetime('it goes with its engine', () => {
  const context = createContext()
  const engines = Array.from({ length: 100 }, () => context.createEngine({ role: 'client', psk: () => KEY }))
  assert.is(library().pskChoosers.size, 100)
  for (const engine of engines) engine.free()
  context.free()
  assert.is(library().pskChoosers.size, 0)
})

lifetime('an engine that could not be made leaves none behind', (t) => {
  const context = t.own(createContext({ ca: server().cert }))
  expectThrow(() => context.createEngine({ role: 'client', servername: HOST, psk: () => KEY, session: new Uint8Array(3) }), { kind: 'usage' })
  assert.is(library().pskChoosers.size, 0)
})
