// DTLS handshakes between two engines: every kind of identity, every single loss, bad weather, small datagrams.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as assert from 'uvu/assert'
import { createDtlsContext, type Signer } from '../../src/index.ts'
import { bad, client as clientIdentity, HOST, issue, root, server, serverFor, type Identity } from '../support/certs.ts'
import { DtlsPair, fair, makeDtlsPair, storm, type DtlsPairOptions } from '../support/datagrams.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { nodeSign, nodeSigner } from '../support/signers.ts'
import { suite } from '../support/suite.ts'

const matrix = suite('dtls: handshake')

function pingPong(pair: DtlsPair): void {
  pair.weather = fair
  pair.send(pair.client, 'ping').send(pair.server, 'pong')
  assert.equal(pair.server.texts, ['ping'])
  assert.equal(pair.client.texts, ['pong'])
}

for (const type of ['RSA-2048', 'P-256', 'P-384'] as const) {
  for (const mutual of [undefined, 'RSA-2048', 'P-256', 'Ed25519'] as const) {
    for (const cookie of [true, false]) {
      matrix([type, mutual && `client with ${mutual}`, cookie ? 'cookie' : 'no cookie'].filter(Boolean).join(', '), (t) => {
        const pair = t.own(
          makeDtlsPair({
            client: { alpn: ['coap'], ...(mutual && clientIdentity(mutual)) },
            server: { ...server(type), ca: root().cert, alpn: ['coap'] },
            serverEngine: { clientCertificate: mutual ? 'require' : 'none', ...(!cookie && { dangerouslySkipCookie: true }) },
          }),
        ).establish()
        for (const { engine } of [pair.client, pair.server]) {
          const { version, alpn, servername, group, resumed } = engine.agreed!
          assert.equal([version, alpn, servername, group, resumed], ['DTLSv1.2', 'coap', HOST, 'x25519', false])
          assert.is(engine.phase, 'open')
        }
        assert.is(pair.client.engine.agreed!.authorized, true)
        assert.is(pair.server.engine.agreed!.authorized, mutual !== undefined)
        assert.is(pair.server.sent.length > 0 && pair.server.sent[0]![13] === 3, cookie, 'a HelloVerifyRequest comes first')
        pingPong(pair)
      })
    }
  }
}

/** OpenSSL looks for Ed25519 in TLS 1.2 only (ssl_set_masks in ssl_lib.c): if this case fails, the docstring has to change. */
matrix('a server cannot use Ed25519', (t) => {
  const pair = t.own(makeDtlsPair({ server: server('Ed25519') }))
  assert.ok(failureOf(pair))
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_SHARED_CIPHER' })
})

const CIPHERS = [
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-CCM',
  'ECDHE-ECDSA-AES128-CCM8', // RFC 7925; below the security level because of its tag of 64 bits
  'ECDHE-ECDSA-AES128-SHA256', // CBC, with encrypt-then-MAC
]

for (const cipherList of CIPHERS) {
  matrix(`with ${cipherList}, and as much plaintext as it leaves room for`, (t) => {
    const insecureLegacyPeers = cipherList.endsWith('CCM8')
    const both = { cipherList, insecureLegacyPeers }
    const pair = t.own(makeDtlsPair({ client: both, server: both })).establish()
    assert.is(pair.client.engine.agreed!.cipherSuite.opensslName, cipherList)
    const { maxPlaintext } = pair.client.engine
    pair.send(pair.client, new Uint8Array(maxPlaintext).fill(7))
    assert.is(pair.server.received[0]!.length, maxPlaintext)
    assert.ok(pair.client.sent.at(-1)!.length <= 1200)
    assert.ok(maxPlaintext > 1100, `only ${maxPlaintext}`)
  })
}

// ---- Losses. ----

const losses = suite('dtls: losses')

/** Datagrams of a whole handshake, both directions counted together. */
const count = 12

for (const mutual of [false, true]) {
  for (let lost = 0; lost < count; lost++) {
    losses(`datagram ${lost} is lost${mutual ? ', client certificate, small datagrams' : ''}`, (t) => {
      let number = 0
      const pair = t.own(
        makeDtlsPair({
          ...(mutual && { client: clientIdentity(), server: { ...server(), ca: root().cert }, clientEngine: { mtu: 512 } }),
          serverEngine: { ...(mutual && { clientCertificate: 'require', mtu: 512 }) },
          weather: () => (number++ === lost ? [] : [0]),
        }),
      ).establish()
      pingPong(pair)
    })
  }
}

losses('every datagram is lost the first time it is sent', (t) => {
  const seen = new Set<string>()
  // The record header changes with each transmission, the handshake message behind it does not, as long as it is in the clear.
  const pair = t.own(
    makeDtlsPair({
      weather(datagram, to) {
        const key = `${to} ${datagram[4]! > 0 ? 'encrypted' : Buffer.from(datagram.subarray(13, 60)).toString('hex')}`
        return seen.has(key) ? [0] : (seen.add(key), [])
      },
    }),
  ).establish()
  pingPong(pair)
})

losses('nothing arrives: the client gives up after a dozen repetitions, and says so', (t) => {
  const pair = t.own(makeDtlsPair({ weather: () => [] }))
  const error = expectError(failureOf(pair), { kind: 'io', code: 'ERR_SSL_READ_TIMEOUT_EXPIRED' })
  expectThrow(() => pair.client.engine.handshake(), { code: 'ERR_SSL_READ_TIMEOUT_EXPIRED' })
  assert.is(pair.client.engine.error, error)
  assert.is(pair.client.sent.length, 13)
})

function failureOf(pair: DtlsPair): unknown {
  try {
    pair.establish()
  } catch (error) {
    return error
  }
  return undefined
}

const WEATHERS = [
  { name: 'a third is lost', loss: 33 },
  { name: 'half is doubled', doubling: 50 },
  { name: 'half is late', delay: 50 },
  { name: 'lost, doubled and late', loss: 20, doubling: 20, delay: 30 },
] as const

for (const { name, ...weather } of WEATHERS) {
  for (const seed of [1, 2, 3, 4]) {
    losses(`${name}, seed ${seed}`, (t) => {
      const pair = t.own(
        makeDtlsPair({
          client: clientIdentity('RSA-2048'),
          server: { ...server('RSA-2048'), ca: root().cert },
          clientEngine: { mtu: 400 },
          serverEngine: { mtu: 400, clientCertificate: 'require' },
          weather: storm(seed, weather),
        }),
      ).establish()
      pingPong(pair)
    })
  }
}

// ---- MTU. ----

const sizes = suite('dtls: MTU')

/** A chain of some 10 KB: leaf, and intermediates with many names. */
function longChain(): Identity {
  const hosts = Array.from({ length: 60 }, (_, i) => `a-rather-long-name-to-fill-certificates-with-${i}.test`)
  let issuer = root()
  const chain: string[] = []
  for (let i = 0; i < 3; i++) {
    const next = issue({ subject: { CN: `long intermediate ${i}`, O: 'x'.repeat(60) }, ca: true }, issuer)
    chain.unshift(next.cert)
    issuer = next
  }
  const leaf = issue({ subject: { CN: HOST }, hosts: [HOST, ...hosts, ...hosts.map((name) => `www.${name}`)] }, issuer)
  return { key: leaf.key, cert: [leaf.cert, ...chain].join('') }
}
let chain: Identity | undefined

for (const mtu of [208, 256, 512, 1200, 4096, 9000, 65507]) {
  for (const weather of ['fair', 'stormy'] as const) {
    sizes(`no datagram is longer than ${mtu} bytes, ${weather}`, (t) => {
      chain ??= longChain()
      const options: DtlsPairOptions = { server: chain, clientEngine: { mtu }, serverEngine: { mtu } }
      const pair = t.own(makeDtlsPair({ ...options, weather: weather === 'fair' ? fair : storm(5, { loss: 5, delay: 20 }) })).establish()
      const longest = Math.max(...[...pair.client.sent, ...pair.server.sent].map(({ length }) => length))
      assert.ok(longest <= Math.min(mtu, 4096), `${longest} bytes`)
      const { maxPlaintext } = pair.client.engine
      pair.weather = fair
      pair.send(pair.client, new Uint8Array(maxPlaintext).fill(1))
      assert.is(pair.server.received[0]!.length, maxPlaintext)
      assert.ok(pair.client.sent.at(-1)!.length <= mtu)
      assert.is(maxPlaintext, Math.min(mtu - 29, 16384)) // header 13, tag 16; 2^14 is a record's limit
    })
  }
}

for (const mtu of [0, 207, 65508, 1200.5, NaN]) {
  sizes(`mtu ${mtu} is refused`, (t) => {
    const context = t.own(createDtlsContext({ ca: root().cert }))
    expectThrow(() => context.createEngine({ role: 'client', servername: HOST, mtu }), { kind: 'usage', message: 'mtu' })
  })
}

// ---- Who the peer is. ----

const trust = suite('dtls: trust')

for (const [kind, code] of [
  ['expired', 'CERT_HAS_EXPIRED'],
  ['wrongHost', 'HOSTNAME_MISMATCH'],
  ['unknownCa', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
] as const) {
  trust(`a server certificate that is ${kind} is refused, and the server is told`, (t) => {
    const pair = t.own(makeDtlsPair({ server: bad(kind) }))
    expectError(failureOf(pair), { kind: 'certificate', code })
    pair.run()
    expectError(pair.server.error, { kind: 'alert' })
    assert.is(pair.server.error!.alert!.direction, 'received')
  })
}

trust('a missing client certificate is refused, and the client is told', (t) => {
  const pair = t.own(makeDtlsPair({ server: { ca: root().cert }, serverEngine: { clientCertificate: 'require' } }))
  assert.ok(failureOf(pair))
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
  expectError(pair.client.error, { kind: 'alert' })
})

trust('a pre-shared key instead of certificates', (t) => {
  const psk = { identity: 'sensor 7', key: new Uint8Array(32).fill(9) }
  const cipherList = 'ECDHE-PSK-CHACHA20-POLY1305'
  const pair = t.own(
    makeDtlsPair({ client: { cipherList }, server: { cipherList }, clientEngine: { psk }, serverEngine: { psks: [psk] } }),
  ).establish()
  assert.is(pair.client.engine.agreed!.cipherSuite.opensslName, cipherList)
  assert.equal(pair.client.engine.agreed!.peerChain, [])
  pingPong(pair)
})

trust('a pre-shared key that is chosen by the hint', (t) => {
  const key = { identity: 'sensor 7', key: new Uint8Array(32).fill(9) }
  const hints: (string | undefined)[] = []
  const psk = (hint: string | undefined) => (hints.push(hint), key)
  const pair = t.own(makeDtlsPair({ clientEngine: { servername: undefined, psk }, serverEngine: { psks: [key], pskHint: 'north wing' } }))
  pair.establish()
  assert.equal(hints, ['north wing'])
  assert.equal(pair.client.engine.agreed!.peerChain, [])
})

/** RFC 7250, as CoAP uses it (RFC 7252, 9.1.3.2). */
for (const expected of ['P-256', 'RSA-2048'] as const) {
  trust(`a raw public key instead of a certificate, ${expected === 'P-256' ? 'the expected one' : 'another one than expected'}`, (t) => {
    const key = createPublicKey(server(expected).cert).export({ type: 'spki', format: 'der' })
    const options = { client: { rawPublicKeys: 'require' }, server: { rawPublicKeys: 'require' } } as const
    const pair = t.own(makeDtlsPair({ ...options, clientEngine: { expectedKeys: [key] } }))
    if (expected !== 'P-256') return void expectError(failureOf(pair), { kind: 'certificate', code: 'RPK_UNTRUSTED' })
    pingPong(pair.establish())
    assert.equal([pair.client.engine.agreed!.authorized, pair.client.engine.agreed!.peerChain], [true, []])
  })
}

trust('a session is resumed with a ticket', (t) => {
  const serverContext = t.own(createDtlsContext(server()))
  const clientContext = t.own(createDtlsContext({ ca: root().cert }))
  let session: Uint8Array | undefined
  for (const resumed of [false, true]) {
    const client = clientContext.createEngine({ role: 'client', servername: HOST, session })
    const pair = t.own(new DtlsPair(client, serverContext.createEngine({ role: 'server', peer: 'a' }), [])).establish()
    assert.equal([pair.client.engine.agreed!.resumed, pair.server.engine.agreed!.resumed], [resumed, resumed])
    session = pair.client.eventsOf('session')[0]?.session ?? session
    pingPong(pair)
  }
})

// ---- Decisions. ----

const parking = suite('dtls: parking')

parking('SNI chooses another context at the ClientHello', (t) => {
  const other = t.own(createDtlsContext(serverFor('other.test')))
  const pair = t.own(makeDtlsPair({ clientEngine: { servername: 'other.test' }, serverEngine: { park: ['clientHello'] } }))
  pair.server.onPark = (event, engine) => {
    assert.is(event.type === 'clientHello' && event.hello.servername, 'other.test')
    assert.equal(event.type === 'clientHello' && event.hello.versions, [0xfefd])
    engine.resume({ context: other, alpn: [] })
  }
  pair.establish()
  assert.is(pair.server.events.filter(({ type }) => type === 'clientHello').length, 1)
  pingPong(pair)
})

parking('a refusal at the ClientHello', (t) => {
  const pair = t.own(makeDtlsPair({ serverEngine: { park: ['clientHello'] } }))
  pair.server.onPark = (_, engine) => engine.resume({ alert: 112 })
  assert.ok(failureOf(pair))
  pair.run()
  assert.equal(pair.client.error!.alert, { direction: 'received', description: 112, name: 'unrecognized_name' })
})

parking('retransmissions and garbage that come while it is parked do no harm', (t) => {
  const pair = t.own(makeDtlsPair({ serverEngine: { park: ['clientHello'] } })).run()
  assert.is(pair.server.status, 'want-callback')
  for (let i = 0; i < 3; i++) pair.waitForTimeout() && pair.run()
  pair.server.engine.receiveDatagram(Uint8Array.of(1, 2, 3))
  pair.run()
  assert.is(pair.server.status, 'want-callback')
  pair.server.onPark = (_, engine) => engine.resume()
  pair.establish()
  pingPong(pair)
})

parking('the client decides about the certificate', (t) => {
  const pair = t.own(makeDtlsPair({ server: bad('selfSigned'), clientEngine: { park: ['verify'] } }))
  pair.client.onPark = (event, engine) => {
    assert.is(event.type === 'verify' && event.code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
    engine.resume({ verdict: 'dangerouslyAccept' })
  }
  pingPong(pair.establish())
})

// ---- A private key that is somewhere else. ----

const signing = suite('dtls: signer')

for (const type of ['RSA-2048', 'P-256'] as const) {
  for (const role of ['server', 'client'] as const) {
    const identity = () => (role === 'server' ? server(type) : clientIdentity(type))
    const options = (signer: Signer | 'event'): DtlsPairOptions => ({
      [role]: { ...identity(), key: undefined, signer, ...(role === 'server' && { ca: root().cert }) },
      ...(role === 'client' && { server: { ...server(), ca: root().cert }, serverEngine: { clientCertificate: 'require', mtu: 300 } }),
    })

    signing(`${role}, ${type}: answers at once`, (t) => {
      pingPong(t.own(makeDtlsPair(options(nodeSigner(identity().key)))).establish())
    })

    signing(`${role}, ${type}: answers later, and what is repeated meanwhile does no harm`, (t) => {
      const pair = t.own(makeDtlsPair(options('event'))).run()
      const side = pair[role]
      assert.is(side.status, 'want-callback')
      for (let i = 0; i < 3; i++) pair.waitForTimeout() && pair.run()
      assert.is(side.status, 'want-callback')
      side.onPark = (event, engine) => {
        if (event.type === 'sign') engine.resume({ signature: nodeSign(createPrivateKey(identity().key), event.request) })
      }
      pingPong(pair.establish())
    })
  }
}
