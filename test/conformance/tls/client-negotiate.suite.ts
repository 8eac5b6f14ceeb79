// What a client offers, and what it says was agreed upon: application protocols, versions, cipher suites, groups, contexts, OCSP.
import { once } from 'node:events'
import type { SecureVersion, TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST, root, server as goodServer } from '../../support/certs.ts'
import { suite } from '../../support/suite.ts'
import { connectedPair, dial, listen, ownedContext, type ClientOptions, type PairOptions } from './parties.ts'
import { has, type Subject } from './subject.ts'
import { VERSIONS } from './versions.ts'
import { closing, failing, record, sameFields, thrownBy } from './watch.ts'

type Protocols = ClientOptions['ALPNProtocols']

const WIRE = Buffer.from('\x01a\x02bb')
const bytes = (Type: { new (buffer: ArrayBufferLike, offset: number, length: number): ArrayBufferView }): Protocols => {
  const padded = new Uint8Array([255, ...WIRE, 255]) // a view on the middle of a buffer
  return new Type(padded.buffer, 1, WIRE.length) as Protocols
}

/** What the client offers, and what a server that has bb, then a, makes of it. */
const OFFERS: [what: string, offer: () => Protocols, chosen: string | false][] = [
  ['names', () => ['a', 'bb'], 'bb'],
  ['one name', () => ['a'], 'a'],
  ['names of many lengths', () => ['x'.repeat(255), 'a'], 'a'],
  ['a Buffer as on the wire', () => WIRE, 'bb'],
  ['a Uint8Array', () => new Uint8Array(WIRE), 'bb'],
  ['a Uint8Array within a buffer', () => bytes(Uint8Array), 'bb'],
  ['a DataView within a buffer', () => bytes(DataView), 'bb'],
  ['an Int8Array within a buffer', () => bytes(Int8Array), 'bb'],
  ['nothing', () => undefined, false],
  ['no names', () => [], false],
]

export function negotiateSuite(subject: Subject): void {
  alpnSuite(subject)
  versionSuite(subject)
  groupSuite(subject)
  contextSuite(subject)
  ocspSuite(subject)
}

function alpnSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: ALPN`)

  for (const [what, offer, chosen] of OFFERS) {
    test(`${what}: ${chosen}`, async (t) => {
      const { own, peer } = await connectedPair(t, subject, {
        client: { ALPNProtocols: offer() },
        server: { ALPNProtocols: ['bb', 'a'] },
      })
      assert.equal([own.alpnProtocol, peer.alpnProtocol], [chosen, chosen])
    })
  }

  test('a server without ALPN chooses none', async (t) => {
    const { own } = await connectedPair(t, subject, { client: { ALPNProtocols: ['a'] } })
    assert.is(own.alpnProtocol, false)
  })

  test('nothing in common is an alert', async (t) => {
    const { port, failure } = await listen(t, { ALPNProtocols: ['bb'] })
    const socket = dial(t, tls, port, { ALPNProtocols: ['a'] })
    const [error] = await Promise.all([failing(socket), failure()])
    assert.match(error.code!, /^ERR_SSL_(TLSV1_ALERT_NO_APPLICATION_PROTOCOL|TLS.*ALERT.*NO_APPLICATION_PROTOCOL)$/)
  })

  test('the offered bytes are copied at once', async (t) => {
    const { port } = await listen(t, { ALPNProtocols: ['bb', 'a'] })
    const offer = Buffer.from(WIRE)
    const socket = dial(t, tls, port, { ALPNProtocols: offer })
    offer.fill(0)
    await once(socket, 'secureConnect')
    assert.is(socket.alpnProtocol, 'bb')
  })

  test('a name of 256 bytes is refused at once', () => {
    sameFields(thrownBy(() => tls.connect({ port: 1, ALPNProtocols: ['x'.repeat(256)] })), { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
  })
}

function versionSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: versions and cipher suites`)

  const AGREED: [options: ClientOptions, agreed: SecureVersion][] = [
    [{}, 'TLSv1.3'],
    [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.3' }, 'TLSv1.3'],
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ secureProtocol: 'TLSv1_2_method' }, 'TLSv1.2'],
    [{ secureProtocol: 'TLS_method' }, 'TLSv1.3'],
    [{ secureProtocol: 'TLS_client_method' }, 'TLSv1.3'],
  ]
  for (const [options, agreed] of AGREED) {
    test(`${JSON.stringify(options)}: ${agreed}`, async (t) => {
      const { own } = await connectedPair(t, subject, { client: options })
      assert.is(own.getProtocol(), agreed)
      assert.is(own.getCipher().version, agreed)
    })
  }

  const CIPHERS: [version: SecureVersion, ciphers: string, standardName: string, name?: string][] = [
    ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.3', 'ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ]
  for (const [version, ciphers, standardName, cipher = ciphers] of CIPHERS) {
    test(`ciphers: ${ciphers} with ${version}`, async (t) => {
      const { own } = await connectedPair(t, subject, { version, client: { ciphers } })
      assert.equal({ ...own.getCipher() }, { name: cipher, standardName, version })
    })
  }

  const REFUSED: [options: ClientOptions, code: string][] = [
    [{ maxVersion: 'x' as never }, 'ERR_TLS_INVALID_PROTOCOL_VERSION'],
    [{ secureProtocol: 'TLSv1_2_method', minVersion: 'TLSv1.2' }, 'ERR_TLS_PROTOCOL_VERSION_CONFLICT'],
    [{ secureProtocol: 'x' }, 'ERR_TLS_INVALID_PROTOCOL_METHOD'],
    [{ ciphers: 'no-such-cipher' }, 'ERR_SSL_NO_CIPHER_MATCH'],
    [{ ciphers: 1 as never }, 'ERR_INVALID_ARG_TYPE'],
    [{ ecdhCurve: 'no-such-curve' }, 'ERR_CRYPTO_OPERATION_FAILED'],
  ]
  for (const [options, code] of REFUSED) {
    test(`${JSON.stringify(options)} is refused at once: ${code}`, () => {
      sameFields(thrownBy(() => tls.createSecureContext(options)), { code })
      sameFields(thrownBy(() => tls.connect({ port: 1, ...options })), { code })
    })
  }

  test('a range of versions without any fails in the handshake', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' })
    sameFields(await failing(socket), { code: 'ERR_SSL_NO_PROTOCOLS_AVAILABLE' })
    assert.is(await closing(socket), true)
  })

  test('no version in common: the alert is the error', async (t) => {
    const { port, failure } = await listen(t, { minVersion: 'TLSv1.3' })
    const socket = dial(t, tls, port, { maxVersion: 'TLSv1.2' })
    const [error] = await Promise.all([failing(socket), failure()])
    sameFields(error, { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', library: 'SSL routines' })
    assert.is(await closing(socket), true)
  })
}

function groupSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: groups`)
  const DHE = { ...goodServer('RSA-2048'), dhparam: 'auto', ciphers: 'DHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const

  const GROUPS: [options: PairOptions, info: object][] = [
    [{ version: 'TLSv1.2', client: { ecdhCurve: 'P-256' } }, { type: 'ECDH', name: 'prime256v1', size: 256 }],
    [{ version: 'TLSv1.2', client: { ecdhCurve: 'X25519:P-256' } }, { type: 'ECDH', name: 'X25519', size: 253 }],
    [{ version: 'TLSv1.3', client: { ecdhCurve: 'X25519' } }, { type: 'ECDH', name: 'X25519', size: 253 }],
    [{ version: 'TLSv1.3', client: { ecdhCurve: 'P-384' } }, { type: 'ECDH', name: 'secp384r1', size: 384 }],
    [{ client: { ciphers: DHE.ciphers }, server: DHE }, { type: 'DH', name: undefined, size: 2048 }],
  ]
  for (const [options, info] of GROUPS) {
    test(`getEphemeralKeyInfo: ${JSON.stringify(info)} with ${options.version ?? 'DHE'}`, async (t) => {
      const { own } = await connectedPair(t, subject, options)
      const { type, name, size } = own.getEphemeralKeyInfo() as { type: string; name?: string; size: number }
      assert.equal({ type, name, size }, info)
    })
  }

  if (has(subject, VERSIONS.hybridGroups)) {
    test('getEphemeralKeyInfo of a hybrid group, which is the default', async (t) => {
      const { port, accept } = await listen(t, {}, tls)
      const socket = dial(t, tls, port)
      await Promise.all([accept(), once(socket, 'secureConnect')])
      const { type, name, size } = socket.getEphemeralKeyInfo() as { type: string; name: string; size?: number }
      assert.equal({ type, name, size }, { type: 'TLSGroup', name: 'X25519MLKEM768', size: undefined })
    })
  }

  test('minDHSize refuses a smaller group', async (t) => {
    const { port } = await listen(t, DHE)
    const socket = dial(t, tls, port, { minDHSize: 3072, ciphers: DHE.ciphers })
    const events = record(socket, 'secureConnect', 'error', 'close')
    const error = await failing(socket)
    sameFields(error, { code: 'ERR_TLS_DH_PARAM_SIZE' })
    assert.match(error.message, /^DH parameter size 2048 is less than/)
    await closing(socket)
    assert.equal(events, ['error', 'close'])
  })

  test('minDHSize: 1024 by default, and the same size is enough', async (t) => {
    for (const options of [{}, { minDHSize: 2048 }]) {
      const { own } = await connectedPair(t, subject, { client: { ...options, ciphers: DHE.ciphers }, server: DHE })
      assert.is(own.authorized, true)
    }
  })
}

function contextSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: secureContext`)

  test('one context serves many connections', async (t) => {
    const secureContext = ownedContext(t, tls, { ca: root().cert, maxVersion: 'TLSv1.2' })
    for (let i = 0; i < 3; i++) {
      const { own } = await connectedPair(t, subject, { client: { secureContext } })
      assert.equal([own.authorized, own.getProtocol()], [true, 'TLSv1.2'])
    }
  })

  test('it comes before all options that would make another', async (t) => {
    const secureContext = ownedContext(t, tls, { ca: root().cert, maxVersion: 'TLSv1.2' })
    const { own } = await connectedPair(t, subject, { client: { secureContext, ca: [], minVersion: 'TLSv1.3' } })
    assert.equal([own.authorized, own.getProtocol()], [true, 'TLSv1.2'])
  })
}

function ocspSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: OCSP`)
  const answerTo = async (socket: TLSSocket): Promise<unknown> => {
    const [[response]] = await Promise.all([once(socket, 'OCSPResponse'), once(socket, 'secureConnect')])
    return response
  }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`a stapled response is handed over as it is, with ${maxVersion}`, async (t) => {
      const { port, server } = await listen(t, { maxVersion })
      server.on('OCSPRequest', (_cert, _issuer, callback) => callback(null, Buffer.from('not looked at')))
      const socket = dial(t, tls, port, { requestOCSP: true, servername: HOST })
      assert.equal(await answerTo(socket), Buffer.from('not looked at'))
    })

    test(`no response is null, with ${maxVersion}`, async (t) => {
      const { port } = await listen(t, { maxVersion })
      assert.is(await answerTo(dial(t, tls, port, { requestOCSP: true })), null)
    })

    test(`unasked there is no event, with ${maxVersion}`, async (t) => {
      const { port, server } = await listen(t, { maxVersion })
      const requests = record(server, 'OCSPRequest')
      const socket = dial(t, tls, port)
      const events = record(socket, 'OCSPResponse')
      await once(socket, 'secureConnect')
      assert.equal([requests.length, events.length], [0, 0])
    })
  }
}
