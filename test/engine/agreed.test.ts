// What the handshake agrees on: each field of `agreed`, and that both sides see the same.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { client, derOf, HOST, intermediate, KEY_TYPES, root, server, serverWithChain } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { makePair, type PairOptions } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const agreed = suite('engine: what was agreed')

const SUITES_12 = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
]
const SUITES_13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
const OPENSSL_12 = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES256-GCM-SHA384']

SUITES_12.forEach((name, i) => {
  agreed(`TLS 1.2 with ${name}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: 'TLSv1.2', cipherList: OPENSSL_12[i] } })).establish()
    for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.cipherSuite.name, name)
    assert.is(pair.client.engine.agreed!.cipherSuite.opensslName, OPENSSL_12[i])
    pair.send(pair.client, 'secret')
    assert.is(pair.server.text, 'secret')
  })
})

for (const name of SUITES_13) {
  agreed(`TLS 1.3 with ${name}`, (t) => {
    const pair = t.own(makePair({ client: { cipherSuites: [name] } })).establish()
    for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.cipherSuite.name, name)
    pair.send(pair.server, 'secret')
    assert.is(pair.client.text, 'secret')
  })
}

agreed('the suite has its number on the wire', (t) => {
  const pair = t.own(makePair({ client: { cipherSuites: ['TLS_CHACHA20_POLY1305_SHA256'] } })).establish()
  assert.is(pair.client.engine.agreed!.cipherSuite.id, 0x1303)
})

const GROUPS = ['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1', 'secp521r1', 'SecP256r1MLKEM768', 'x448']

for (const group of GROUPS) {
  agreed(`the group ${group}`, (t) => {
    const pair = t.own(makePair({ client: { groups: [group] }, server: { groups: GROUPS } })).establish()
    for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.group?.toLowerCase(), group.toLowerCase())
  })
}

agreed('the default is the post-quantum hybrid', (t) => {
  const pair = t.own(makePair()).establish()
  assert.is(pair.client.engine.agreed!.group, 'X25519MLKEM768')
})

agreed('a server without our first groups asks for another key share (HelloRetryRequest)', (t) => {
  const pair = t.own(makePair({ server: { groups: ['secp384r1'] } })).establish()
  for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.group, 'secp384r1')
})

const SIGNATURES: Record<(typeof KEY_TYPES)[number], string> = {
  'RSA-2048': 'rsa_pss_rsae_sha256',
  'P-256': 'ecdsa_secp256r1_sha256',
  Ed25519: 'ed25519',
}

for (const type of KEY_TYPES) {
  agreed(`${type} signs as ${SIGNATURES[type]}`, (t) => {
    const options: PairOptions = {
      client: client(type),
      server: { ...server(type), ca: root().cert },
      serverEngine: { clientCertificate: 'require' },
    }
    const pair = t.own(makePair(options)).establish()
    for (const { engine } of [pair.client, pair.server]) {
      assert.is(engine.agreed!.signatureScheme, SIGNATURES[type])
      assert.is(engine.agreed!.peerSignatureScheme, SIGNATURES[type])
    }
  })
}

agreed('a chosen signature scheme is used', (t) => {
  const signatureSchemes = ['rsa_pss_rsae_sha384']
  const pair = t.own(makePair({ client: { signatureSchemes }, server: server('RSA-2048') })).establish()
  assert.is(pair.client.engine.agreed!.peerSignatureScheme, 'rsa_pss_rsae_sha384')
})

/** ALPN: what each side is given, and what comes out. */
const ALPN: { name: string; client?: string[]; server?: string[]; expect: string | undefined }[] = [
  { name: 'neither side', expect: undefined },
  { name: 'the client only', client: ['h2'], expect: undefined },
  { name: 'the server only', server: ['h2'], expect: undefined },
  { name: "the server's order counts", client: ['http/1.1', 'h2'], server: ['h2', 'http/1.1'], expect: 'h2' },
  { name: 'the one they share', client: ['spdy/3', 'http/1.1'], server: ['h2', 'http/1.1'], expect: 'http/1.1' },
  { name: 'a name of 255 bytes', client: ['x'.repeat(255)], server: ['x'.repeat(255)], expect: 'x'.repeat(255) },
  { name: 'a name beyond ASCII', client: ['prüfung'], server: ['prüfung'], expect: 'prüfung' },
]

for (const row of ALPN) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    agreed(`ALPN, ${version}: ${row.name}`, (t) => {
      const pair = t.own(makePair({ client: { alpn: row.client, maxVersion: version }, server: { alpn: row.server } })).establish()
      for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.alpn, row.expect)
    })
  }
}

agreed("an engine's own ALPN list takes the place of its context's", (t) => {
  const options: PairOptions = {
    client: { alpn: ['a'] },
    server: { alpn: ['a'] },
    clientEngine: { alpn: ['b'] },
    serverEngine: { alpn: ['b'] },
  }
  const pair = t.own(makePair(options)).establish()
  for (const { engine } of [pair.client, pair.server]) assert.is(engine.agreed!.alpn, 'b')
})

agreed('no ALPN protocol in common ends the handshake', (t) => {
  const pair = t.own(makePair({ client: { alpn: ['h2'] }, server: { alpn: ['http/1.1'] } })).run()
  expectError(pair.server.error, { kind: 'protocol', alert: { direction: 'sent', description: 120, name: 'no_application_protocol' } })
  expectError(pair.client.error, { kind: 'alert', alert: { direction: 'received', description: 120, name: 'no_application_protocol' } })
})

/** Nothing in common, by what is not shared. */
const DISJOINT: { name: string; client: ContextOptions; server: ContextOptions; alert: string }[] = [
  { name: 'version', client: { maxVersion: 'TLSv1.2' }, server: { minVersion: 'TLSv1.3' }, alert: 'protocol_version' },
  { name: 'version, the other way round', client: { minVersion: 'TLSv1.3' }, server: { maxVersion: 'TLSv1.2' }, alert: 'protocol_version' },
  {
    name: 'cipher suite',
    client: { cipherSuites: ['TLS_AES_128_GCM_SHA256'], minVersion: 'TLSv1.3' },
    server: { cipherSuites: ['TLS_AES_256_GCM_SHA384'] },
    alert: 'handshake_failure',
  },
  {
    name: 'cipher, TLS 1.2',
    client: { cipherList: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' },
    server: {},
    alert: 'handshake_failure',
  },
  { name: 'group', client: { groups: ['x25519'], minVersion: 'TLSv1.3' }, server: { groups: ['secp384r1'] }, alert: 'handshake_failure' },
  { name: 'signature scheme', client: { signatureSchemes: ['ed25519'], minVersion: 'TLSv1.3' }, server: {}, alert: 'handshake_failure' },
]

for (const { name, client, server, alert } of DISJOINT) {
  agreed(`nothing in common: ${name}`, (t) => {
    const pair = t.own(makePair({ client, server })).run()
    const failure = expectError(pair.server.error, { kind: 'protocol' })
    assert.is(failure.alert!.name, alert)
    expectError(pair.client.error, { kind: 'alert', alert: { ...failure.alert!, direction: 'received' } })
  })
}

agreed('an address is not sent as SNI, and is verified all the same', (t) => {
  for (const address of ['127.0.0.1', '::1']) {
    const pair = t.own(makePair({ clientEngine: { servername: address } })).establish()
    assert.is(pair.server.engine.agreed!.servername, undefined)
    assert.is(pair.client.engine.agreed!.authorized, true)
  }
})

agreed('`identity` is verified where it differs from `servername`', (t) => {
  const pair = t.own(makePair({ clientEngine: { servername: 'front.test', identity: HOST } })).establish()
  assert.is(pair.server.engine.agreed!.servername, 'front.test')
  assert.is(pair.client.engine.agreed!.authorized, true)
})

agreed('the chain as sent, and as verified up to the trusted root', (t) => {
  const pair = t.own(makePair({ server: serverWithChain() })).establish()
  const { peerChain, verifiedChain } = pair.client.engine.agreed!
  const sent = serverWithChain()
    .cert.split(/(?=-----BEGIN)/)
    .map(derOf)
  assert.equal(peerChain, sent)
  assert.equal(verifiedChain, [...sent, derOf(root().cert)])
  assert.equal(pair.server.engine.agreed!.peerChain, [])
  assert.is(pair.server.engine.agreed!.authorized, false)
})

agreed('a server sees the chain of its client, leaf first', (t) => {
  const identity = client()
  const chained = { key: identity.key, cert: identity.cert + intermediate().cert }
  const pair = t.own(makePair({ client: chained, server: { ca: root().cert }, serverEngine: { clientCertificate: 'require' } })).establish()
  const { peerChain, verifiedChain, authorized } = pair.server.engine.agreed!
  assert.equal(peerChain, [derOf(identity.cert), derOf(intermediate().cert)])
  assert.equal(verifiedChain, [derOf(identity.cert), derOf(root().cert)])
  assert.is(authorized, true)
})

agreed('nothing is agreed before the handshake is done', (t) => {
  const { client, server } = t.own(makePair())
  assert.is(client.engine.agreed, undefined)
  client.engine.handshake()
  server.engine.receiveCiphertext(client.engine.takeCiphertext())
  server.engine.handshake()
  assert.is(server.engine.agreed, undefined)
})
