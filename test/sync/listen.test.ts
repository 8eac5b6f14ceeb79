// listenSync, and clients that are not ours.
import * as assert from 'uvu/assert'
import { createContext, type TlsError } from '../../src/index.ts'
import { connectSync, listenSync, type ListenSyncOptions, type SyncConnection, type SyncListener } from '../../src/sync/index.ts'
import { client, root, server, strangeRoot } from '../support/certs.ts'
import { concat } from '../support/chunk.ts'
import { expectThrow } from '../support/expect.ts'
import { missing, opensslClient } from '../support/peers.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { EXCHANGED, PARTS, sha256 } from './node-peer.ts'
import { nodeClient } from './peers.ts'

const open = (t: Case, options: Partial<ListenSyncOptions> = {}): SyncListener =>
  t.own(listenSync({ port: 0, host: '127.0.0.1', timeout: 10_000, ...(!options.context && server()), ...options }))

function readToEnd(connection: SyncConnection): Uint8Array {
  const chunks: Uint8Array[] = []
  for (let chunk; (chunk = connection.read()); ) chunks.push(chunk)
  return concat(chunks)
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const serves = suite('sync: listenSync')

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  serves(`${version} with Node's tls`, async (t) => {
    const listener = open(t, { minVersion: version, maxVersion: version })
    assert.is(listener.address, '127.0.0.1')
    const peer = nodeClient(t, 'ping', { port: listener.port })
    const connection = t.own(listener.accept(10_000))
    assert.is(connection.agreed.servername, 'localhost')
    assert.is(text(readToEnd(connection)), 'ping')
    connection.write('pong')
    connection.close()
    assert.equal(await peer.result(), { text: 'pong', version, authorized: true })
  })

  serves(`10 MiB each way, ${version}`, async (t) => {
    const listener = open(t, { maxVersion: version })
    const peer = nodeClient(t, 'exchange', { port: listener.port })
    const connection = t.own(listener.accept(10_000))
    const received = readToEnd(connection)
    assert.is(sha256(received), sha256(pattern(EXCHANGED, PARTS.connecting)))
    const part = pattern(EXCHANGED, PARTS.accepting)
    connection.write(sha256(received))
    connection.write(part)
    connection.close()
    const expected = { hash: sha256(received), part: sha256(part), length: EXCHANGED, version, authorized: true }
    assert.equal(await peer.result(), expected)
  })
}

serves.unless(missing('openssl'))('openssl s_client, with a client certificate', async (t) => {
  const listener = open(t, { ca: root().cert, clientCertificate: 'require' })
  const peer = opensslClient(t, listener.port, { identity: client() })
  const connection = t.own(listener.accept(10_000))
  assert.is(connection.agreed.authorized, true)
  connection.write('hello s_client\n')
  connection.close()
  await peer.until(/^hello s_client$/m)
})

serves('several clients that came at once, one after the other', async (t) => {
  const listener = open(t)
  const peers = Array.from({ length: 5 }, () => nodeClient(t, 'ping', { port: listener.port }))
  const ports = new Set<number>()
  for (const connection of listener) {
    assert.is(text(readToEnd(connection)), 'ping')
    connection.write(String(connection.remotePort))
    connection.close()
    ports.add(connection.remotePort)
    if (ports.size === peers.length) listener.close()
  }
  const answers = await Promise.all(peers.map((peer) => peer.result()))
  assert.equal(new Set(answers.map((answer) => Number(answer.text))), ports)
})

serves('with a context that is shared', async (t) => {
  const context = t.own(createContext(server()))
  const listener = open(t, { context })
  const peer = nodeClient(t, 'ping', { port: listener.port })
  t.own(listener.accept(10_000)).close()
  listener.close()
  t.own(context.createEngine({ role: 'server' })) // still the caller's
  assert.is((await peer.result()).text, '')
})

const fails = suite('sync: listenSync fails')

fails.unless(missing('openssl'))('a client that does not trust us tells why; the next is served', (t) => {
  const listener = open(t)
  opensslClient(t, listener.port, { ca: strangeRoot().cert })
  expectThrow(() => listener.accept(10_000), { kind: 'alert', alert: { direction: 'received', description: 48, name: 'unknown_ca' } })
  nodeClient(t, 'ping', { port: listener.port })
  assert.is(text(readToEnd(t.own(listener.accept(10_000)))), 'ping')
})

fails('a loop passes over bad clients', (t) => {
  const errors: TlsError[] = []
  const onClientError = (error: TlsError, from: { remoteAddress: string }) => {
    assert.is(from.remoteAddress, '127.0.0.1')
    errors.push(error)
    nodeClient(t, 'ping', { port: listener.port })
  }
  const listener = open(t, { onClientError })
  nodeClient(t, 'plain', { port: listener.port })
  for (const connection of listener) {
    assert.is(text(readToEnd(connection)), 'ping')
    connection.close()
    listener.close()
  }
  assert.equal(errors.map(({ code }) => code), ['ERR_SSL_HTTP_REQUEST'])
})

fails("a client that says nothing, within the listener's timeout", (t) => {
  const listener = open(t, { timeout: 300 })
  nodeClient(t, 'silent', { port: listener.port })
  expectThrow(() => listener.accept(10_000), { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
})

fails('a client that goes away without a word', (t) => {
  const listener = open(t)
  nodeClient(t, 'abort', { port: listener.port })
  const connection = t.own(listener.accept(10_000))
  assert.is(text(connection.read()!), 'partial')
  expectThrow(() => connection.read(), { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
})

fails('a client that has gone before it was accepted; the next is served', async (t) => {
  const listener = open(t)
  await nodeClient(t, 'rude', { port: listener.port }).result()
  expectThrow(() => listener.accept(10_000), { kind: 'io', code: 'ECONNRESET' })
  nodeClient(t, 'ping', { port: listener.port })
  assert.is(text(readToEnd(t.own(listener.accept(10_000)))), 'ping')
})

fails('a client without the certificate that is required', (t) => {
  const listener = open(t, { ca: root().cert, clientCertificate: 'require' })
  nodeClient(t, 'ping', { port: listener.port })
  expectThrow(() => listener.accept(10_000), { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
})

fails('no client at all; one that comes later is not lost', (t) => {
  const listener = open(t)
  expectThrow(() => listener.accept(50), { kind: 'io', code: 'ERR_TLS_ACCEPT_TIMEOUT' })
  expectThrow(() => listener.accept(0), { kind: 'io', code: 'ERR_TLS_ACCEPT_TIMEOUT' })
  nodeClient(t, 'ping', { port: listener.port })
  assert.is(text(readToEnd(t.own(listener.accept(10_000)))), 'ping')
})

fails('a port that is taken', (t) => {
  const { port } = open(t)
  expectThrow(() => open(t, { port }), { kind: 'io', code: 'EADDRINUSE', message: `listening at 127.0.0.1 port ${port} failed` })
})

fails('closed: nobody is accepted, new clients are refused', (t) => {
  const listener = open(t)
  listener.close()
  listener.close()
  expectThrow(() => listener.accept(), { kind: 'usage', message: 'accept after close' })
  assert.equal([...listener], [])
  expectThrow(() => connectSync({ host: '127.0.0.1', port: listener.port, ca: root().cert }), { kind: 'io', code: 'ECONNREFUSED' })
})

fails('usage: no certificate, no CA for client certificates, a context beside its options', (t) => {
  expectThrow(() => open(t, { cert: undefined, key: undefined }), { kind: 'usage', message: 'a server needs a certificate' })
  expectThrow(() => open(t, { clientCertificate: 'require' }), { kind: 'usage', message: '`clientCertificate` needs `ca`' })
  const context = t.own(createContext(server()))
  expectThrow(() => open(t, { context, minVersion: 'TLSv1.3' }), { kind: 'usage', message: '`minVersion` is given beside `context`' })
})
