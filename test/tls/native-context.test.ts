// The names of Node's native context on `secureContext.context`: what is set through them holds for the next connection, with a peer that is
// Node's own TLS; what OpenSSL refuses throws, and leaves everything as it was.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import * as node from 'node:tls'
import * as assert from 'uvu/assert'
import { connect } from '../../src/tls/connect.ts'
import { createSecureContext, type SecureContext } from '../../src/tls/secure-context.ts'
import { createServer } from '../../src/tls/server.ts'
import { createPkcs12 } from '../../src/x509/index.ts'
import { client, derOf, HOST, keyOf, root, server, strangeRoot, type Identity } from '../support/certs.ts'
import { crlOf } from '../support/crl.ts'
import { suite, type Case } from '../support/suite.ts'

const test = suite('tls: the native context')

function contextOf(t: Case, options: node.SecureContextOptions = {}): SecureContext {
  const secure = createSecureContext(options)
  t.defer(() => secure.context.close())
  return secure
}

/** A membio server with this context, and Node's client at the other end, once it is secure. */
async function nodeClient(t: Case, secureContext: SecureContext, options: node.ConnectionOptions = {}): Promise<node.TLSSocket> {
  const listening = createServer({ secureContext } as never)
  listening._sharedCreds.context.close()
  listening._sharedCreds = secureContext
  listening.on('tlsClientError', () => {})
  listening.on('secureConnection', (socket) => t.defer(() => socket.on('error', () => {}).destroy()))
  t.defer(() => listening.close())
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const socket = node.connect({ port, host: '127.0.0.1', servername: HOST, ca: root().cert, ...options })
  t.defer(() => socket.destroy())
  await Promise.all([once(socket, 'secureConnect'), once(listening, 'secureConnection')])
  return socket
}

/** Node's server, and a membio client with this context: the error of the handshake, or none. */
async function nodeServer(t: Case, secureContext: SecureContext, identity: Identity = server()): Promise<(Error & { code?: string }) | undefined> {
  const listening = node.createServer(identity, (socket) => socket.on('error', () => {}))
  t.defer(() => listening.close())
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', servername: HOST, secureContext })
  t.defer(() => socket.destroy())
  return once(socket, 'secureConnect').then(() => undefined, (error) => error as Error)
}

/** OpenSSL's SSL_OP_NO_TLSv1_3. */
const NO_TLS13 = 0x20000000

interface Row {
  name: string
  set(context: SecureContext['context']): void
  /** Of the agreed connection, seen by the peer. */
  expect: string
  see(socket: node.TLSSocket): string | undefined
}

const cipher = (socket: node.TLSSocket) => socket.getCipher().name
const version = (socket: node.TLSSocket) => socket.getProtocol() ?? undefined
const group = (socket: node.TLSSocket) => (socket.getEphemeralKeyInfo() as node.EphemeralKeyInfo).name

const SERVER_ROWS: Row[] = [
  { name: 'setMaxProto', set: (context) => context.setMaxProto(0x0303), expect: 'TLSv1.2', see: version },
  { name: 'setMinProto', set: (context) => context.setMinProto(0x0304), expect: 'TLSv1.3', see: version },
  { name: 'setOptions', set: (context) => context.setOptions(NO_TLS13), expect: 'TLSv1.2', see: version },
  { name: 'setCipherSuites', set: (context) => context.setCipherSuites('TLS_AES_128_GCM_SHA256'), expect: 'TLS_AES_128_GCM_SHA256', see: cipher },
  { name: 'setECDHCurve', set: (context) => context.setECDHCurve('secp384r1'), expect: 'secp384r1', see: group },
  {
    name: 'setCiphers',
    set: (context) => {
      context.setMaxProto(0x0303)
      context.setCiphers('ECDHE-ECDSA-AES256-GCM-SHA384')
    },
    expect: 'ECDHE-ECDSA-AES256-GCM-SHA384',
    see: cipher,
  },
]

for (const { name, set, expect, see } of SERVER_ROWS) {
  test(`${name} changes what a server agrees to`, async (t) => {
    const secure = contextOf(t, server())
    set(secure.context)
    assert.is(see(await nodeClient(t, secure)), expect)
  })
}

test('getMinProto and getMaxProto tell the versions in numbers', (t) => {
  const { context } = contextOf(t)
  assert.equal([context.getMinProto(), context.getMaxProto()], [0x0303, 0x0304])
  context.setMinProto(0x0301)
  context.setMaxProto(0x0303)
  assert.equal([context.getMinProto(), context.getMaxProto()], [0x0301, 0x0303])
  context.setMinProto(0)
  context.setMaxProto(0)
  assert.equal([context.getMinProto(), context.getMaxProto()], [0x0301, 0x0304])
})

// ---- Who we are. ----

for (const order of ['setCert, then setKey', 'setKey, then setCert'] as const) {
  test(`${order}: a context without a certificate gets one`, async (t) => {
    const secure = contextOf(t)
    const { cert, key } = server()
    const steps = [() => secure.context.setCert(cert), () => secure.context.setKey(key)]
    for (const step of order.startsWith('setCert') ? steps : steps.reverse()) step()
    const socket = await nodeClient(t, secure)
    assert.ok(socket.getPeerCertificate().raw.equals(derOf(cert)))
    assert.ok(secure.context.getCertificate()!.equals(derOf(cert)))
  })
}

test('setCert renews a certificate whose key is there', async (t) => {
  const secure = contextOf(t, { cert: client().cert, key: keyOf('P-256') })
  secure.context.setCert(server().cert)
  assert.ok((await nodeClient(t, secure)).getPeerCertificate().raw.equals(derOf(server().cert)))
})

test('a certificate of another key type comes beside the first', async (t) => {
  const secure = contextOf(t, server('RSA-2048'))
  secure.context.setCert(server('P-256').cert)
  secure.context.setKey(server('P-256').key)
  const asked = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const
  assert.ok((await nodeClient(t, secure, asked)).getPeerCertificate().raw.equals(derOf(server('RSA-2048').cert)))
  const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
  assert.ok((await nodeClient(t, secure, other)).getPeerCertificate().raw.equals(derOf(server('P-256').cert)))
})

test('loadPKCS12 brings certificate and key', async (t) => {
  const secure = contextOf(t)
  const pfx = createPkcs12({ ...server(), passphrase: 'secret', iterations: 1000 })
  secure.context.loadPKCS12(pfx, Buffer.from('secret'))
  assert.ok((await nodeClient(t, secure)).getPeerCertificate().raw.equals(derOf(server().cert)))
  assert.throws(() => secure.context.loadPKCS12(pfx, 'wrong'), /mac verify failure/)
})

test('getIssuer is the one above ours', (t) => {
  const { context } = contextOf(t, { ...server(), ca: root().cert })
  assert.ok(context.getIssuer()!.equals(derOf(root().cert)))
})

test('ticket keys are read and set', (t) => {
  const { context } = contextOf(t)
  const made = context.getTicketKeys()
  assert.is(made.length, 48)
  assert.ok(context.getTicketKeys().equals(made))
  const keys = Buffer.alloc(48, 7)
  assert.is(context.setTicketKeys(keys), true)
  assert.ok(context.getTicketKeys().equals(keys))
})

// ---- Whom to trust. ----

test('addCACert makes a client trust the server', async (t) => {
  const secure = contextOf(t, { ca: strangeRoot().cert })
  assert.is((await nodeServer(t, secure))?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  secure.context.addCACert(root().cert)
  assert.is(await nodeServer(t, secure), undefined)
})

test('addRootCerts keeps the certificates that were trusted', async (t) => {
  const secure = contextOf(t, { ca: root().cert })
  secure.context.addRootCerts()
  assert.is(await nodeServer(t, secure), undefined)
})

test('addCRL: a revoked server is refused', async (t) => {
  const secure = contextOf(t, { ca: root().cert })
  secure.context.addCRL(crlOf(t, root(), [server().cert]))
  assert.is((await nodeServer(t, secure))?.code, 'CERT_REVOKED')
})

test('setAllowPartialTrustChain: the leaf itself will do', async (t) => {
  const secure = contextOf(t, { ca: server().cert })
  assert.is((await nodeServer(t, secure))?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  secure.context.setAllowPartialTrustChain()
  assert.is(await nodeServer(t, secure), undefined)
})

test('setSigalgs: a server that cannot sign so is refused', async (t) => {
  const secure = contextOf(t, { ca: root().cert })
  secure.context.setSigalgs('RSA-PSS+SHA256')
  assert.is((await nodeServer(t, secure))?.code, 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE')
})

// ---- Refusals. ----

const REFUSED: Record<string, (context: SecureContext['context']) => unknown> = {
  setCiphers: (context) => context.setCiphers('no such cipher'),
  setCipherSuites: (context) => context.setCipherSuites('no such suite'),
  setSigalgs: (context) => context.setSigalgs('no such scheme'),
  setECDHCurve: (context) => context.setECDHCurve('no such group'),
  setMinProto: (context) => context.setMinProto(0x0305),
  setSessionIdContext: (context) => context.setSessionIdContext('x'.repeat(33)),
  setCert: (context) => context.setCert('no certificate'),
  setKey: (context) => context.setKey('no key'),
  addCACert: (context) => context.addCACert('no certificate'),
  addCRL: (context) => context.addCRL('no list'),
  setEngineKey: (context) => context.setEngineKey(),
  setClientCertEngine: (context) => context.setClientCertEngine(),
}

for (const [name, call] of Object.entries(REFUSED)) {
  test(`${name} refuses nonsense, and nothing has changed`, (t) => {
    const { context } = contextOf(t, server())
    const before = context.options
    assert.throws(() => call(context), (error: { code?: unknown }) => typeof error.code === 'string')
    assert.is(context.options, before)
    context.build()
  })
}

test('_external throws for what only inherits from a context', (t) => {
  const { context } = contextOf(t)
  assert.throws(() => (Object.create(context) as typeof context)._external, (error: unknown) => error instanceof TypeError)
  assert.type(context._external, 'object')
})
