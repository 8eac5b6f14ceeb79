// What a context can be told to speak: suites, groups, schemes, levels, several certificates, sizes of records, peers of the last century.
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { ja3, ja4, type ContextOptions } from '../../src/index.ts'
import { parseCertificate } from '../../src/x509/index.ts'
import { createPublicKey } from 'node:crypto'
import { client, root, server } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const TLS12: ContextOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }

const agreeing = suite('engine: what is agreed follows the configuration')

interface AgreedCase {
  name: string
  client?: ContextOptions
  server?: ContextOptions
  expected: { suite?: string; group?: string; signature?: string }
}

const CHACHA = 'TLS_CHACHA20_POLY1305_SHA256'
const AES = 'TLS_AES_128_GCM_SHA256'
const FASTEST = library().accelerator.preferredCipher === 'AES-128-GCM' ? AES : CHACHA

const AGREED: readonly AgreedCase[] = [
  { name: "the server's order counts by default", client: { cipherSuites: ['TLS_AES_256_GCM_SHA384', AES] }, server: { cipherSuites: [AES, 'TLS_AES_256_GCM_SHA384'] }, expected: { suite: AES } },
  { name: 'but a client that puts ChaCha20 first is followed', client: { cipherSuites: [CHACHA, AES] }, server: { cipherSuites: [AES, CHACHA] }, expected: { suite: CHACHA } },
  { name: "the client's order counts when told so", client: { cipherSuites: ['TLS_AES_256_GCM_SHA384', AES] }, server: { cipherSuites: [AES, 'TLS_AES_256_GCM_SHA384'], cipherPreference: 'client' }, expected: { suite: 'TLS_AES_256_GCM_SHA384' } },
  { name: 'a post-quantum group by default, and the fastest suite', expected: { group: 'X25519MLKEM768', suite: FASTEST } },
  { name: 'a group that only needs a second round trip', server: { groups: ['secp521r1'] }, expected: { group: 'secp521r1' } },
  { name: 'the other hybrid', client: { groups: ['SecP256r1MLKEM768'] }, server: { groups: ['SecP256r1MLKEM768'] }, expected: { group: 'SecP256r1MLKEM768' } },
  { name: 'a signature scheme', client: { signatureSchemes: ['rsa_pss_rsae_sha512'] }, server: server('RSA-2048'), expected: { signature: 'rsa_pss_rsae_sha512' } },
  { name: 'a TLS 1.2 cipher list', client: { ...TLS12, cipherList: 'ECDHE-ECDSA-AES256-GCM-SHA384' }, expected: { suite: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384' } },
  { name: 'DHE with a group that fits, where it is asked for', client: { ...TLS12, cipherList: 'DHE-RSA-AES128-GCM-SHA256' }, server: { ...server('RSA-2048'), cipherList: 'DHE-RSA-AES128-GCM-SHA256' }, expected: { suite: 'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256' } },
]

for (const { name, client, server, expected } of AGREED) {
  agreeing(name, (t) => {
    const { agreed } = t.own(makePair({ client, server }).establish()).client.engine
    if (expected.suite) assert.is(agreed!.cipherSuite.name, expected.suite)
    if (expected.group) assert.is(agreed!.group, expected.group)
    if (expected.signature) assert.is(agreed!.peerSignatureScheme, expected.signature)
  })
}

agreeing('several certificates: each client gets the one it can check', (t) => {
  const identities = [server('RSA-2048'), server('P-256'), server('Ed25519')]
  for (const [scheme, type] of [['rsa_pss_rsae_sha256', 'RSA'], ['ecdsa_secp256r1_sha256', 'EC'], ['ed25519', 'ED25519']] as const) {
    const pair = t.own(makePair({ client: { signatureSchemes: [scheme] }, server: { cert: undefined, key: undefined, identities } }).establish())
    assert.is(parseCertificate(pair.client.engine.agreed!.peerChain[0]!).key!.type, type)
  }
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  agreeing(`${version}: a client with several certificates shows the one that the server can check`, (t) => {
    const identities = [client('RSA-2048'), client('P-256'), client('Ed25519')]
    const servers = [server('RSA-2048'), server('P-256'), server('Ed25519')]
    for (const [scheme, type] of [['rsa_pss_rsae_sha256', 'RSA'], ['ecdsa_secp256r1_sha256', 'EC'], ['ed25519', 'ED25519']] as const) {
      const side = { cert: undefined, key: undefined, identities: servers, ca: root().cert, signatureSchemes: [scheme], maxVersion: version }
      const pair = t.own(makePair({ client: { identities }, server: side, serverEngine: { clientCertificate: 'require' } }).establish())
      assert.is(parseCertificate(pair.server.engine.agreed!.peerChain[0]!).key!.type, type)
    }
  })
}

agreeing('nothing in common is refused with handshake_failure', (t) => {
  const pair = t.own(makePair({ client: { cipherSuites: [AES], minVersion: 'TLSv1.3' }, server: { cipherSuites: [CHACHA] } }))
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_SHARED_CIPHER' })
  assert.is(expectError(pair.client.error, { kind: 'alert' }).alert!.name, 'handshake_failure')
})

const levels = suite('engine: security level')

levels('3 refuses an RSA key of 2048 bits, 2 takes it', (t) => {
  const pair = t.own(makePair({ client: { securityLevel: 3 }, server: server('RSA-2048') }))
  pair.run()
  expectError(pair.client.error, { kind: 'certificate', code: 'EE_KEY_TOO_SMALL' })
  t.own(makePair({ client: { securityLevel: 2 }, server: server('RSA-2048') }).establish())
})

const legacy = suite('engine: insecureLegacyPeers')

for (const version of ['TLSv1', 'TLSv1.1'] as const) {
  const old: ContextOptions = { insecureLegacyPeers: true, maxVersion: version }
  legacy(`${version} only with it`, (t) => {
    expectThrow(() => makePair({ client: { minVersion: version } }), { kind: 'usage', message: 'insecureLegacyPeers' })
    const strict = t.own(makePair({ client: old }))
    strict.run()
    expectError(strict.server.error, { code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' })
    const pair = t.own(makePair({ client: old, server: { ...server('RSA-2048'), insecureLegacyPeers: true } }).establish())
    assert.is(pair.client.engine.agreed!.version, version)
  })
}

for (const list of ['AES128-SHA', 'AES256-GCM-SHA384', 'DHE-RSA-AES256-SHA', 'ECDHE-RSA-AES128-SHA'] as const) {
  legacy(`${list} only with it`, (t) => {
    const client: ContextOptions = { insecureLegacyPeers: true, maxVersion: 'TLSv1.2', cipherList: `${list}:@SECLEVEL=0` }
    const strict = t.own(makePair({ client, server: server('RSA-2048') }))
    strict.run()
    expectError(strict.server.error, { code: 'ERR_SSL_NO_SHARED_CIPHER' })
    const pair = t.own(makePair({ client, server: { ...server('RSA-2048'), insecureLegacyPeers: true } }).establish())
    assert.is(pair.client.engine.agreed!.cipherSuite.opensslName, list)
    pair.send(pair.client, 'x'.repeat(40_000))
    assert.is(pair.server.text.length, 40_000)
  })
}

const sizes = suite('engine: sizes of records')

const RECORD_HEADER = 5
/** Lengths of the application data records a client sends. */
function recordLengths(wire: Uint8Array): number[] {
  const lengths: number[] = []
  for (let at = 0; at < wire.length; at += RECORD_HEADER + lengths.at(-1)!) lengths.push((wire[at + 3]! << 8) | wire[at + 4]!)
  return lengths
}

function sentFor(options: { client?: ContextOptions; server?: ContextOptions }, bytes: number, t: Parameters<Parameters<typeof sizes>[1]>[0]): number[] {
  const pair = t.own(makePair(options).establish())
  pair.client.engine.writePlaintext(new Uint8Array(bytes))
  return recordLengths(pair.client.engine.takeCiphertext())
}

sizes('maxSendFragment bounds each record', (t) => {
  const lengths = sentFor({ client: { maxSendFragment: 1024 } }, 5000, t)
  assert.is(lengths.length, 5)
  assert.ok(Math.max(...lengths) <= 1024 + 17, String(lengths))
})

sizes('maxFragmentLength asks the server for small records', (t) => {
  const pair = t.own(makePair({ client: { maxFragmentLength: 512 } }).establish())
  pair.server.engine.writePlaintext(new Uint8Array(2000))
  assert.ok(Math.max(...recordLengths(pair.server.engine.takeCiphertext())) <= 512 + 17)
})

sizes('recordPadding hides the length', (t) => {
  const [one] = sentFor({ client: { recordPadding: 512 } }, 1, t)
  const [many] = sentFor({ client: { recordPadding: 512 } }, 400, t)
  assert.is(one, many)
  assert.ok(one! >= 512)
})

const raw = suite('engine: raw public keys')

const spkiOf = (pem: string) => new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }))

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const bounds = { minVersion: version, maxVersion: version }
  raw(`${version}: a server is known by its key alone`, (t) => {
    const { key } = server()
    const pair = t.own(
      makePair({
        client: { ...bounds, rawPublicKeys: 'require' },
        server: { cert: undefined, key, rawPublicKeys: 'require' },
        clientEngine: { expectedKeys: [spkiOf(key)] },
      }).establish(),
    )
    assert.equal(pair.client.engine.agreed!.peerPublicKey, spkiOf(key))
    assert.is(pair.client.engine.agreed!.authorized, true)
    assert.is(pair.client.engine.agreed!.peerChain.length, 0)
  })

  raw(`${version}: another key is refused`, (t) => {
    const pair = t.own(
      makePair({
        client: { ...bounds, rawPublicKeys: 'require' },
        server: { cert: undefined, key: server('P-256').key, rawPublicKeys: 'require' },
        clientEngine: { expectedKeys: [spkiOf(server('Ed25519').key)] },
      }),
    )
    pair.run()
    expectError(pair.client.error, { kind: 'certificate', code: 'RPK_UNTRUSTED' })
  })
}

const misuse = suite('engine: conflicting options')

const CONFLICTS: readonly { name: string; options: ContextOptions; message: string }[] = [
  { name: 'ca and extraCa', options: { ca: 'x', extraCa: 'y' }, message: 'give one of the two' },
  { name: 'ca and hostRoots', options: { ca: 'x', hostRoots: 'system' }, message: 'give one of the two' },
  { name: 'a level below 2', options: { securityLevel: 1 }, message: 'insecureLegacyPeers' },
  { name: 'a level that is none', options: { securityLevel: 9 }, message: 'from 2 to 5' },
  { name: 'identities beside a certificate', options: { ...server(), identities: [server('RSA-2048')] }, message: 'not both' },
  { name: 'a pin that is none', options: { pins: ['sha256/abc'] }, message: 'neither sha256/BASE64' },
  { name: 'a fragment too small', options: { maxSendFragment: 100 }, message: 'from 512 to 16384' },
  { name: 'tickets of an unknown kind', options: { tickets: 'many' as 'none' }, message: 'one of stateless, stateful, both, none' },
  { name: 'DH parameters that are none', options: { dhParameters: 'garbage' }, message: '`dhParameters` was refused' },
  { name: 'an OCSP response that is none', options: { ocspResponse: new Uint8Array(5) }, message: '`ocspResponse` was refused' },
  { name: 'a policy that is no OID', options: { policies: ['no.oid'] }, message: '`policies` was refused' },
]

for (const { name, options, message } of CONFLICTS) {
  misuse(name, () => {
    expectThrow(() => makePair({ client: options }), { kind: 'usage', message })
  })
}

const fingerprints = suite('engine: JA3 and JA4')

fingerprints('are those of the client that was met, whoever it talks to', (t) => {
  const helloOf = () => {
    const pair = t.own(makePair({ client: { alpn: ['h2'] }, serverEngine: { park: ['clientHello'] } }))
    pair.run()
    return pair.server.eventsOf('clientHello')[0]!.hello
  }
  const [first, second] = [helloOf(), helloOf()]
  assert.is(ja4(first), ja4(second))
  assert.is(ja3(first).digest, ja3(second).digest)
  assert.match(ja4(first), /^t13d\d{4}h2_[\da-f]{12}_[\da-f]{12}$/)
  assert.match(ja3(first).text, FASTEST === AES ? /^771,4865-4867-/ : /^771,4867-4865-/)
})
