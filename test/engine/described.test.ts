// What an engine can be asked about its connection, in the words of node:tls: ephemeral keys, sessions and tickets, shared signature schemes,
// protocol names that are no text; and which cipher suites there are.
import * as assert from 'uvu/assert'
import { getCiphers } from 'node:tls'
import { createContext, ja4, type AlpnProtocol, type ContextOptions, type TemporaryKey } from '../../src/index.ts'
import { ciphers } from '../../src/engine/ciphers.ts'
import { client, root, server } from '../support/certs.ts'
import { sameBytes } from '../support/expect.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const only = (version: (typeof VERSIONS)[number]): ContextOptions => ({ minVersion: version, maxVersion: version })

const keys = suite('engine: the temporary key')

interface KeyCase {
  group: string
  versions?: readonly (typeof VERSIONS)[number][]
  expected: TemporaryKey
}

const KEYS: readonly KeyCase[] = [
  { group: 'x25519', expected: { type: 'ECDH', name: 'X25519', bits: 253 } },
  { group: 'x448', expected: { type: 'ECDH', name: 'X448', bits: 448 } },
  { group: 'secp256r1', expected: { type: 'ECDH', name: 'prime256v1', bits: 256 } },
  { group: 'secp384r1', expected: { type: 'ECDH', name: 'secp384r1', bits: 384 } },
  { group: 'secp521r1', expected: { type: 'ECDH', name: 'secp521r1', bits: 521 } },
  { group: 'ffdhe2048', versions: ['TLSv1.3'], expected: { type: 'DH', bits: 2048 } },
  { group: 'ffdhe3072', versions: ['TLSv1.3'], expected: { type: 'DH', bits: 3072 } },
  { group: 'X25519MLKEM768', versions: ['TLSv1.3'], expected: { type: 'KEM', name: 'X25519MLKEM768' } },
  { group: 'MLKEM1024', versions: ['TLSv1.3'], expected: { type: 'KEM', name: 'MLKEM1024' } },
]

for (const { group, versions = VERSIONS, expected } of KEYS) {
  for (const version of versions) {
    keys(`${version}, ${group}`, (t) => {
      const pair = t.own(makePair({ client: { ...only(version), groups: [group] }, server: { ...server('RSA-2048'), groups: [group] } }).establish())
      assert.equal(pair.client.engine.agreed!.temporaryKey, expected)
      assert.is(pair.server.engine.agreed!.temporaryKey, undefined)
    })
  }
}

keys('TLSv1.2, DHE', (t) => {
  const settings: ContextOptions = { ...only('TLSv1.2'), cipherList: 'DHE-RSA-AES128-GCM-SHA256' }
  const pair = t.own(makePair({ client: settings, server: { ...server('RSA-2048'), ...settings } }).establish())
  assert.equal(pair.client.engine.agreed!.temporaryKey, { type: 'DH', bits: 2048 })
})

keys('TLSv1.2, static RSA: there is none', (t) => {
  const settings: ContextOptions = { ...only('TLSv1.2'), cipherList: 'AES128-GCM-SHA256' }
  const pair = t.own(makePair({ client: settings, server: { ...server('RSA-2048'), ...settings } }).establish())
  assert.is(pair.client.engine.agreed!.temporaryKey, undefined)
})

for (const [version, expected] of [['TLSv1.2', undefined], ['TLSv1.3', { type: 'ECDH', name: 'X25519', bits: 253 }]] as const) {
  keys(`${version}, resumed: ${expected ? 'a new one' : 'none'}`, (t) => {
    const settings: ContextOptions = { ca: root().cert, ...server('RSA-2048'), ...only(version), groups: ['x25519'] }
    const [ours, theirs] = [t.own(createContext(settings)), t.own(createContext(settings))]
    const first = t.own(makePair({ clientContext: ours, serverContext: theirs }).establish())
    const { session } = first.client.eventsOf('session').at(-1)!
    const second = t.own(makePair({ clientContext: ours, serverContext: theirs, clientEngine: { session } }).establish())
    assert.is(second.client.engine.agreed!.resumed, true)
    assert.equal(second.client.engine.agreed!.temporaryKey, expected)
  })
}

const suites = suite('engine: the version of a cipher suite')

const SUITES: readonly { settings: ContextOptions; expected: string }[] = [
  { settings: only('TLSv1.3'), expected: 'TLSv1.3' },
  { settings: { ...only('TLSv1.2'), cipherList: 'ECDHE-RSA-AES128-GCM-SHA256' }, expected: 'TLSv1.2' },
  { settings: { ...only('TLSv1.2'), cipherList: 'ECDHE-RSA-AES128-SHA' }, expected: 'TLSv1.0' },
  { settings: { ...only('TLSv1.2'), cipherList: 'AES128-SHA' }, expected: 'SSLv3' },
]

for (const { settings, expected } of SUITES) {
  suites(`${settings.cipherList ?? settings.minVersion}: ${expected}`, (t) => {
    const pair = t.own(makePair({ client: settings, server: { ...server('RSA-2048'), ...settings } }).establish())
    for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.cipherSuite.version, expected)
  })
}

const sessions = suite('engine: session and ticket')

for (const version of VERSIONS) {
  sessions(`${version}: not before the handshake is done, nor after free`, (t) => {
    const pair = t.own(makePair({ client: only(version) }))
    for (const { engine } of [pair.client, pair.server]) assert.equal([engine.session(), engine.ticket()], [undefined, undefined])
    pair.establish()
    for (const { engine } of [pair.client, pair.server]) {
      assert.ok(engine.session()!.length > 50)
      engine.free()
      assert.equal([engine.session(), engine.ticket()], [undefined, undefined])
    }
  })

  sessions(`${version}: what a client has after the last ticket is what the event gave, and can be resumed`, (t) => {
    const settings: ContextOptions = { ca: root().cert, ...server(), ...only(version) }
    const [ours, theirs] = [t.own(createContext(settings)), t.own(createContext(settings))]
    const first = t.own(makePair({ clientContext: ours, serverContext: theirs }).establish())
    const session = first.client.engine.session()!
    sameBytes(session, first.client.eventsOf('session').at(-1)!.session)
    const ticket = Buffer.from(first.client.engine.ticket()!)
    assert.ok(ticket.length > 100 && Buffer.from(session).includes(ticket))
    const second = t.own(makePair({ clientContext: ours, serverContext: theirs, clientEngine: { session } }).establish())
    assert.is(second.server.engine.agreed!.resumed, true)
  })
}

sessions('TLSv1.3: without a ticket there is a session all the same, which a client cannot resume', (t) => {
  const pair = t.own(makePair({ server: { ...server(), tickets: 'none' } }).establish())
  const session = pair.client.engine.session()!
  assert.is(pair.client.engine.ticket(), undefined)
  const again = t.own(makePair({ clientEngine: { session } }).establish())
  assert.is(again.client.engine.agreed!.resumed, false)
})

const schemes = suite('engine: shared signature schemes')

/** By default, as node:tls prints them. Names come twice where schemes differ in what a name does not say: rsae and pss keys, curves. */
const ECDSA = ['ECDSA+SHA256', 'ECDSA+SHA384', 'ECDSA+SHA512']
const EDDSA = ['Ed25519+UNDEF', 'Ed448+UNDEF']
const PSS = ['RSA-PSS+SHA256', 'RSA-PSS+SHA384', 'RSA-PSS+SHA512']
const RSA = ['RSA+SHA256', 'RSA+SHA384', 'RSA+SHA512']
const ML_DSA = ['id-ml-dsa-65+UNDEF', 'id-ml-dsa-87+UNDEF', 'id-ml-dsa-44+UNDEF']
const DEFAULTS = {
  'TLSv1.2': [...ECDSA, ...EDDSA, ...PSS, ...PSS, ...RSA, 'ECDSA+SHA224', 'RSA+SHA224'],
  'TLSv1.3': [...ML_DSA, ...ECDSA, ...EDDSA, ...ECDSA, ...PSS, ...PSS, ...RSA],
}

for (const version of VERSIONS) {
  schemes(`${version}: a server's, in node's words`, (t) => {
    const pair = t.own(makePair({ client: only(version) }).establish())
    assert.equal(pair.server.engine.sharedSignatureSchemes(), DEFAULTS[version])
    assert.equal(pair.client.engine.sharedSignatureSchemes(), [])
  })

  schemes(`${version}: only what both know, in the server's words, and a client's when it is asked for a certificate`, (t) => {
    const signatureSchemes = ['ed25519', 'rsa_pss_rsae_sha256', 'ecdsa_secp256r1_sha256']
    const pair = t.own(
      makePair({
        client: { ...only(version), ...client(), signatureSchemes },
        server: { ...server(), ca: root().cert },
        serverEngine: { clientCertificate: 'require' },
      }).establish(),
    )
    const shared = ['ECDSA+SHA256', 'Ed25519+UNDEF', 'RSA-PSS+SHA256']
    assert.equal(pair.server.engine.sharedSignatureSchemes().sort(), shared)
    assert.equal(pair.client.engine.sharedSignatureSchemes().sort(), shared)
  })
}

schemes('none before the handshake is done', (t) => {
  assert.equal(t.own(makePair()).server.engine.sharedSignatureSchemes(), [])
})

const names = suite('engine: ALPN names that are no UTF-8')

const ODD = new Uint8Array([0x6f, 0, 0xff, 0xfe])
const ALPN: readonly { name: string; client: AlpnProtocol[]; server: AlpnProtocol[]; text: string; bytes: Uint8Array }[] = [
  { name: 'bytes that are no text', client: ['h2', ODD], server: [ODD], text: 'o\0\xff\xfe', bytes: ODD },
  { name: 'text as bytes', client: [new Uint8Array([0x68, 0x32])], server: ['h2'], text: 'h2', bytes: new Uint8Array([0x68, 0x32]) },
  { name: 'UTF-8', client: ['prüfung'], server: [new TextEncoder().encode('prüfung')], text: 'prüfung', bytes: new TextEncoder().encode('prüfung') },
]

for (const row of ALPN) {
  for (const version of VERSIONS) {
    names(`${version}: ${row.name}`, (t) => {
      const pair = t.own(makePair({ client: { ...only(version), alpn: row.client }, serverEngine: { alpn: row.server } }).establish())
      for (const { engine } of [pair.client, pair.server]) {
        assert.is(engine.agreed!.alpn, row.text)
        assert.equal(engine.agreed!.alpnBytes, row.bytes)
      }
    })
  }
}

names('a server sees them in the ClientHello, and can choose one', (t) => {
  const pair = t.own(makePair({ clientEngine: { alpn: ['h2', ODD] }, serverEngine: { park: ['clientHello'] } }))
  pair.run()
  const { hello } = pair.server.eventsOf('clientHello')[0]!
  assert.equal(hello.alpn, ['h2', 'o\0\xff\xfe'])
  assert.equal(hello.alpnBytes.at(-1), ODD)
  pair.server.engine.resume({ alpn: [hello.alpnBytes[1]!] })
  pair.establish()
  assert.equal(pair.client.engine.agreed!.alpnBytes, ODD)
})

/** FoxIO's specification of JA4, "ALPN extension value". */
for (const [bytes, expected] of [[[0xab], 'ab'], [[0xab, 0xcd], 'ad'], [[0x30, 0xab], '3b'], [[0x30, 0x31, 0xab, 0xcd], '3d'], [[0x30, 0xab, 0xcd, 0x31], '01']] as const) {
  names(`JA4 of ${bytes.map((byte) => byte.toString(16)).join(' ')}`, (t) => {
    const pair = t.own(makePair({ clientEngine: { alpn: [new Uint8Array(bytes)] }, serverEngine: { park: ['clientHello'] } }))
    pair.run()
    assert.is(ja4(pair.server.eventsOf('clientHello')[0]!.hello).slice(8, 10), expected)
  })
}

const list = suite('ciphers')

list('has all that node has, but for SRP', () => {
  const ours = new Set(ciphers().map((name) => name.toLowerCase()))
  const missing = getCiphers().filter((name) => !ours.has(name) && !name.startsWith('srp-'))
  assert.equal(missing, [])
  assert.is(ours.size, ciphers().length)
})

list('each can be asked for', (t) => {
  for (const name of ciphers()) {
    const settings = name.startsWith('TLS_') ? { cipherSuites: [name] } : { cipherList: name }
    t.own(createContext(settings))
  }
})
