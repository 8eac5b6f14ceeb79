// Signatures that take time: the handshake parks at `sign` and goes on with the answer.
import { createPrivateKey, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type Role, type SignRequest, type Version } from '../../src/index.ts'
import { createKey, type KeyType } from '../../src/x509/index.ts'
import { client, keyOf, root, server } from '../support/certs.ts'
import { CUTS, type Cut } from '../support/chunk.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair, type Side } from '../support/pair.ts'
import { repository } from '../support/paths.ts'
import { nodeSign } from '../support/signers.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const ROLES: readonly Role[] = ['server', 'client']
const TYPES = ['RSA-2048', 'P-256', 'P-384', 'Ed25519'] as const satisfies readonly KeyType[]

interface Setting {
  role?: Role
  type?: KeyType
  version?: Version
  cut?: Cut
  options?: ContextOptions
}

class ParkedPair {
  readonly pair: Pair
  /** The side whose key is somewhere else. */
  readonly own: Side
  readonly peer: Side

  constructor(t: Case, { role = 'server', type = 'P-256', version, cut, options }: Setting = {}) {
    const { cert } = role === 'server' ? server(type) : client(type)
    const signing: ContextOptions = { cert, key: undefined, signer: 'event', maxVersion: version, ...options }
    this.pair = t.own(
      makePair({
        client: role === 'client' ? signing : { maxVersion: version },
        server: role === 'server' ? signing : { ca: root().cert },
        serverEngine: { clientCertificate: role === 'client' ? 'require' : 'none' },
        cut,
      }),
    )
    this.own = role === 'server' ? this.pair.server : this.pair.client
    this.peer = role === 'server' ? this.pair.client : this.pair.server
  }

  /** Runs until a signature is wanted. */
  park(): SignRequest {
    this.pair.run()
    assert.is(this.own.status, 'want-callback')
    const requests = this.own.eventsOf('sign')
    assert.is(requests.length, 1)
    return requests[0]!.request
  }

  answer(signature: Uint8Array): Pair {
    this.own.engine.resume({ signature })
    return this.pair.run()
  }
}

const sign = (type: KeyType, request: SignRequest) => nodeSign(createPrivateKey(keyOf(type)), request)

const parked = suite('signer: parked')

for (const version of VERSIONS) {
  for (const type of TYPES) {
    for (const role of ROLES) {
      parked(`${version}, ${type}, ${role}`, (t) => {
        const both = new ParkedPair(t, { version, type, role })
        const request = both.park()
        both.answer(sign(type, request)).establish()
        assert.is(both.own.engine.agreed!.version, version)
        assert.is(both.own.engine.agreed!.signatureScheme, request.scheme)
        assert.is(both.peer.engine.agreed!.peerSignatureScheme, request.scheme)
        assert.is(both.peer.engine.agreed!.authorized, true)
        both.pair.send(both.pair.client, 'ping').send(both.pair.server, 'pong')
        assert.is(both.pair.client.text, 'pong')
      })
    }
  }
}

for (const { name, cut } of CUTS) {
  for (const version of VERSIONS) {
    parked(`both sides park, ${version}, ${name}`, (t) => {
      const options = { ca: root().cert, signer: 'event', key: undefined, maxVersion: version } as const
      const pair = t.own(
        makePair({
          client: { cert: client().cert, ...options },
          server: { cert: server().cert, ...options },
          serverEngine: { clientCertificate: 'require' },
          cut: cut(),
        }),
      )
      for (const side of [pair.run().server, pair.client]) {
        side.engine.resume({ signature: sign('P-256', side.eventsOf('sign')[0]!.request) })
        pair.run()
      }
      pair.establish().send(pair.client, 'ping')
      assert.is(pair.server.text, 'ping')
    })
  }
}

parked('nothing is asked twice, however often the engine is driven', (t) => {
  const both = new ParkedPair(t)
  const request = both.park()
  for (let i = 0; i < 5; i++) assert.is(both.own.engine.handshake(), 'want-callback')
  assert.is(both.own.engine.nextEvent(), undefined)
  both.answer(sign('P-256', request)).establish()
})

parked('a key that cannot leave WebCrypto signs', async (t) => {
  const both = new ParkedPair(t, { type: 'RSA-2048' })
  const pkcs8 = createPrivateKey(keyOf('RSA-2048')).export({ type: 'pkcs8', format: 'der' }) as Uint8Array<ArrayBuffer>
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign'])
  const { scheme, message } = both.park()
  assert.is(scheme, 'rsa_pss_rsae_sha256')
  const signature = await webcrypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, key, message as Uint8Array<ArrayBuffer>)
  both.answer(new Uint8Array(signature)).establish()
})

/** The one that the document gives. */
function ecdsaToDer(raw: Uint8Array): Uint8Array {
  const [, code] = /^(function ecdsaToDer.*?^})/ms.exec(readFileSync(`${repository}docs/signer.md`, 'utf8'))!
  return new Function(`${code}; return ecdsaToDer`)()(raw)
}

for (const type of ['P-256', 'P-384'] as const) {
  parked(`WebCrypto's ECDSA, as docs/signer.md turns it into DER: ${type}`, async (t) => {
    const both = new ParkedPair(t, { type })
    const pkcs8 = createPrivateKey(keyOf(type)).export({ type: 'pkcs8', format: 'der' }) as Uint8Array<ArrayBuffer>
    const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: type }, false, ['sign'])
    const { message } = both.park()
    const algorithm = { name: 'ECDSA', hash: type === 'P-256' ? 'SHA-256' : 'SHA-384' }
    const raw = await webcrypto.subtle.sign(algorithm, key, message as Uint8Array<ArrayBuffer>)
    both.answer(ecdsaToDer(new Uint8Array(raw))).establish()
  })
}

// ---- What may happen meanwhile. ----

parked('meanwhile the peer ends the stream', (t) => {
  for (const role of ROLES) {
    const both = new ParkedPair(t, { role })
    const request = both.park()
    both.own.engine.receiveEof()
    assert.is(both.own.engine.handshake(), 'want-callback')
    both.own.engine.resume({ signature: sign('P-256', request) })
    both.own.drive() // the server misses the client's Finished, the client what would have been said
    expectError(both.own.error, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
  }
})

parked('meanwhile the peer sends more', (t) => {
  const both = new ParkedPair(t)
  const request = both.park()
  assert.is(both.own.engine.receiveCiphertext(new Uint8Array(100)), 100)
  assert.is(both.own.engine.handshake(), 'want-callback')
  both.own.engine.resume({ signature: sign('P-256', request) })
  both.own.drive()
  expectError(both.own.error, { kind: 'protocol' })
})

parked('meanwhile the engine is freed, or the context, or both', (t) => {
  for (const contextToo of [false, true]) {
    const serverContext = t.own(createContext({ cert: server().cert, signer: 'event' }))
    const pair = t.own(makePair({ serverContext })).run()
    assert.is(pair.server.status, 'want-callback')
    if (contextToo) serverContext.free()
    pair.server.engine.free()
    expectThrow(() => pair.server.engine.resume({ signature: new Uint8Array(64) }), { kind: 'usage', message: /freed/ })
  }
  const serverContext = createContext({ cert: server().cert, signer: 'event' })
  const pair = t.own(makePair({ serverContext })).run()
  serverContext.free()
  pair.server.engine.resume({ signature: sign('P-256', pair.server.eventsOf('sign')[0]!.request) })
  pair.establish()
})

// ---- Answers that are none. ----

for (const version of VERSIONS) {
  for (const role of ROLES) {
    parked(`refused with an alert: ${version}, ${role}`, (t) => {
      const both = new ParkedPair(t, { version, role })
      both.park()
      both.own.engine.resume({ alert: 80 })
      both.pair.run()
      const alert = { description: 80, name: 'internal_error' }
      const refused = { kind: 'usage', code: 'ERR_TLS_SIGNER', message: /refused to sign/ } as const
      expectError(both.own.error, { ...refused, alert: { direction: 'sent', ...alert } })
      expectError(both.peer.error, { kind: 'alert', alert: { direction: 'received', ...alert } })
    })

    parked(`a signature of another key: ${version}, ${role}`, (t) => {
      const both = new ParkedPair(t, { version, role })
      both.answer(nodeSign(createPrivateKey(createKey('P-256')), both.park()))
      expectError(both.own.error, { kind: 'usage', code: 'ERR_TLS_SIGNER', message: /does not verify with the certificate's key/ })
      expectError(both.peer.error, { kind: 'alert' })
    })
  }
}

parked('a signature that is too long', (t) => {
  const both = new ParkedPair(t)
  both.park()
  both.answer(new Uint8Array(1000))
  expectError(both.own.error, { kind: 'usage', code: 'ERR_TLS_SIGNER', message: /has 1000 bytes/ })
})

parked('a wrong answer is a usage error, and the right one may follow', (t) => {
  const both = new ParkedPair(t)
  const { engine } = both.own
  expectThrow(() => engine.resume({ signature: new Uint8Array(64) }), { kind: 'usage', message: /not waiting for an answer/ })
  const request = both.park()
  const other = t.own(createContext(server()))
  expectThrow(() => engine.resume(), { kind: 'usage', message: /a signature is awaited/ })
  expectThrow(() => engine.resume({ context: other }), { kind: 'usage', message: /too late for another context/ })
  expectThrow(() => engine.resume({ signature: new Uint8Array(0) }), { kind: 'usage', message: /empty/ })
  both.answer(sign('P-256', request)).establish()
  expectThrow(() => engine.resume({ signature: new Uint8Array(64) }), { kind: 'usage', message: /not waiting for an answer/ })
})

parked('a signature is no answer to a ClientHello', (t) => {
  const pair = t.own(makePair({ serverEngine: { park: ['clientHello'] } })).run()
  const resume = () => pair.server.engine.resume({ signature: new Uint8Array(64) })
  expectThrow(resume, { kind: 'usage', message: /no signature was asked for/ })
  pair.server.engine.resume()
  pair.establish()
})

parked('a key that is there never parks', (t) => {
  const pair = t.own(makePair()).establish()
  assert.equal(pair.server.eventsOf('sign'), [])
})
