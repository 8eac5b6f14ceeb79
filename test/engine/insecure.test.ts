// The options that weaken something: that each does what it says, and nothing else; and lists of suites that leave a version out.
import * as assert from 'uvu/assert'
import { constants } from 'node:crypto'
import { createContext, type ContextOptions } from '../../src/index.ts'
import { createCertificate } from '../../src/x509/index.ts'
import { HOST, root, server, type Identity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { Workshop } from '../support/openssl.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const legacy = suite('engine: insecureLegacyPeers with other options')

/** A server with an RSA key of so many bits, which the roots trust. membio makes no such keys. */
function small(t: Case, bits: number): Identity {
  const shop = t.own(new Workshop())
  shop.openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`, '-out', shop.path('key.pem'))
  const key = new TextDecoder().decode(shop.read('key.pem'))
  return { key, cert: createCertificate({ key, subject: { CN: HOST }, hosts: [HOST], issuer: root() }) }
}

/** What a client refuses a server with such a key for; undefined: it takes it. */
const LEVELS: readonly { name: string; given: ContextOptions; refused: Record<768 | 1024 | 2048, string | undefined> }[] = [
  { name: 'nothing', given: {}, refused: { 768: undefined, 1024: undefined, 2048: undefined } },
  { name: 'securityLevel 1', given: { securityLevel: 1 }, refused: { 768: 'EE_KEY_TOO_SMALL', 1024: undefined, 2048: undefined } },
  { name: 'a list with @SECLEVEL=1', given: { cipherList: 'ALL:@SECLEVEL=1' }, refused: { 768: 'EE_KEY_TOO_SMALL', 1024: undefined, 2048: undefined } },
  { name: 'a list with @SECLEVEL=0', given: { cipherList: 'ALL:@SECLEVEL=0' }, refused: { 768: undefined, 1024: undefined, 2048: undefined } },
  { name: 'securityLevel 1 over @SECLEVEL=0', given: { cipherList: 'ALL:@SECLEVEL=0', securityLevel: 1 }, refused: { 768: 'EE_KEY_TOO_SMALL', 1024: undefined, 2048: undefined } },
  { name: 'securityLevel 2', given: { securityLevel: 2 }, refused: { 768: 'EE_KEY_TOO_SMALL', 1024: 'EE_KEY_TOO_SMALL', 2048: undefined } },
  { name: 'securityLevel 3', given: { securityLevel: 3 }, refused: { 768: 'EE_KEY_TOO_SMALL', 1024: 'EE_KEY_TOO_SMALL', 2048: 'EE_KEY_TOO_SMALL' } },
]

for (const { name, given, refused } of LEVELS) {
  legacy(`beside ${name}: which keys are too small`, (t) => {
    for (const bits of [768, 1024, 2048] as const) {
      const identity = bits === 2048 ? server('RSA-2048') : small(t, bits)
      const client: ContextOptions = { ...given, insecureLegacyPeers: true, maxVersion: 'TLSv1.2' }
      const pair = t.own(makePair({ client, server: { ...identity, insecureLegacyPeers: true } }))
      pair.run()
      const code = refused[bits]
      if (code) expectError(pair.client.error, { kind: 'certificate', code })
      else pair.establish()
    }
  })
}

legacy('minVersion and maxVersion hold', (t) => {
  for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
    const client: ContextOptions = { insecureLegacyPeers: true, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.2' }
    const server_: ContextOptions = { ...server('RSA-2048'), insecureLegacyPeers: true, minVersion: version, maxVersion: version }
    const pair = t.own(makePair({ client, server: server_ }))
    pair.run()
    const allowed = version === 'TLSv1.1' || version === 'TLSv1.2'
    if (allowed) assert.is(pair.establish().client.engine.agreed!.version, version)
    else assert.ok(pair.client.error)
  }
})

legacy('cipherList holds', (t) => {
  const client: ContextOptions = { insecureLegacyPeers: true, maxVersion: 'TLSv1.2', cipherList: 'ECDHE-RSA-AES128-SHA' }
  const pair = t.own(makePair({ client, server: { ...server('RSA-2048'), insecureLegacyPeers: true } }).establish())
  assert.is(pair.client.engine.agreed!.cipherSuite.opensslName, 'ECDHE-RSA-AES128-SHA')
  const strict = t.own(makePair({ client, server: { ...server('RSA-2048'), cipherList: 'AES128-SHA' } }))
  strict.run()
  expectError(strict.server.error, { code: 'ERR_SSL_NO_SHARED_CIPHER' })
})

const lists = suite('engine: suites for one version only')

for (const role of ['client', 'server'] as const) {
  for (const [settings, version] of [
    [{ cipherList: '' }, 'TLSv1.3'],
    [{ cipherList: '', cipherSuites: ['TLS_AES_256_GCM_SHA384'] }, 'TLSv1.3'],
    [{ cipherSuites: [] }, 'TLSv1.2'],
    [{ cipherSuites: [], cipherList: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, 'TLSv1.2'],
  ] as const) {
    lists(`${role}, ${JSON.stringify(settings)}: ${version}`, (t) => {
      const pair = t.own(makePair({ client: role === 'client' ? settings : {}, server: { ...server(), ...(role === 'server' && settings) } }))
      assert.is(pair.establish().client.engine.agreed!.version, version)
    })
  }

  lists(`${role}: a peer of the other version is refused`, (t) => {
    const given: ContextOptions = { cipherList: '' }
    const old: ContextOptions = { maxVersion: 'TLSv1.2' }
    const [ours, theirs] = role === 'client' ? [given, old] : [old, given]
    const pair = t.own(makePair({ client: ours, server: { ...server(), ...theirs } }))
    pair.run()
    expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' })
  })
}

const raw = suite('engine: dangerousOpensslOptions')

for (const as of [Number, BigInt]) {
  raw(`SSL_OP_NO_TICKET as a ${as.name}: a TLS 1.2 server gives out session ids instead of tickets`, (t) => {
    const dangerousOpensslOptions = as(constants.SSL_OP_NO_TICKET)
    const tickets = (options: ContextOptions) => {
      const pair = t.own(makePair({ client: { maxVersion: 'TLSv1.2' }, server: { ...server(), ...options } }).establish())
      return pair.client.engine.ticket() !== undefined
    }
    assert.equal([tickets({}), tickets({ dangerousOpensslOptions })], [true, false])
  })
}

raw('SSL_OP_NO_TLSv1_3 and others together', (t) => {
  const dangerousOpensslOptions = constants.SSL_OP_NO_TLSv1_3 | constants.SSL_OP_NO_TICKET
  const pair = t.own(makePair({ client: { dangerousOpensslOptions } }).establish())
  assert.is(pair.client.engine.agreed!.version, 'TLSv1.2')
  assert.is(pair.client.engine.ticket(), undefined)
})

/** Its type, and the high byte of the length that a server's key share of X25519MLKEM768 has. */
const KEY_SHARE = Buffer.from([0, 0x33, 4])

function serverHello(pair: Pair): Buffer {
  const received = pair.client.eventsOf('message').filter(({ content, direction }) => content === 'handshake' && direction === 'received')
  return Buffer.from(received.find(({ bytes }) => bytes[0] === 2)!.bytes)
}

/** SSL_OP_NO_TX_CERTIFICATE_COMPRESSION is bit 32, SSL_OP_PREFER_NO_DHE_KEX bit 35, SSL_OP_ALLOW_NO_DHE_KEX bit 10. */
raw('bits beyond the 32nd: a server that resumes without a key exchange where the client allows it', (t) => {
  const server_ = t.own(createContext({ ...server(), dangerousOpensslOptions: (1n << 35n) | (1n << 10n) }))
  const client = t.own(createContext({ ca: root().cert, dangerousOpensslOptions: 1 << 10 }))
  const first = t.own(makePair({ clientContext: client, serverContext: server_, clientEngine: { trace: true } }).establish())
  const { session } = first.client.eventsOf('session').at(-1)!
  const again = t.own(makePair({ clientContext: client, serverContext: server_, clientEngine: { session, trace: true } }).establish())
  assert.equal([first, again].map((pair) => pair.client.engine.agreed!.resumed), [false, true])
  assert.equal([first, again].map((pair) => serverHello(pair).includes(KEY_SHARE)), [true, false])
})
