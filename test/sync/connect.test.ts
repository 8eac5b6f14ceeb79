// connectSync against programs that are not ours: the handshake, and what it says when there is none.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { connectSync, listenSync, type ConnectSyncOptions, type SyncConnection } from '../../src/sync/index.ts'
import { client, HOST, root, server, serverFor, strangeRoot } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { missing, opensslServer } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { hasIpv6 } from './ipv6.ts'
import { nodeServer } from './peers.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

/** A connection to a server that the test trusts; closed after the case. */
function open(t: Case, options: Partial<ConnectSyncOptions> & { port: number }): SyncConnection {
  return t.own(connectSync({ host: 'localhost', ca: root().cert, timeout: 10_000, ...options }))
}

const text = (chunk: Uint8Array | undefined): string | undefined => chunk && new TextDecoder().decode(chunk)

const shakes = suite('sync: connectSync')

for (const version of VERSIONS) {
  shakes(`${version} with Node's tls`, async (t) => {
    const port = await nodeServer(t, 'echo', { minVersion: version, maxVersion: version })
    const connection = open(t, { port })
    assert.is(connection.agreed.version, version)
    assert.is(connection.agreed.authorized, true)
    assert.is(connection.remotePort, port)
    connection.write('ping')
    assert.is(text(connection.read()), 'ping')
  })

  shakes.unless(missing('openssl'))(`${version} with openssl s_server, with a client certificate`, async (t) => {
    const { port } = await opensslServer(t, { identity: server(), version, ca: root().cert, args: ['-rev'] })
    const connection = open(t, { host: '127.0.0.1', servername: HOST, port, ...client() })
    assert.is(connection.agreed.version, version)
    connection.write('stressed\n')
    assert.is(text(connection.read()), 'desserts\n')
  })
}

shakes.unless(hasIpv6 ? undefined : { kind: 'no-ipv6', reason: 'no ::1 here' })('an IPv6 address', async (t) => {
  const connection = open(t, { host: '::1', port: await nodeServer(t, 'goodbye') })
  assert.is(connection.remoteAddress, '::1')
  assert.is(text(connection.read()), 'goodbye')
})

shakes('tells events while it sleeps', async (t) => {
  const types = new Set<string>()
  const connection = open(t, { port: await nodeServer(t, 'goodbye'), trace: true, keylog: true, onEvent: ({ type }) => types.add(type) })
  while (connection.read());
  assert.equal([...types].sort(), ['alert', 'closeNotify', 'keylog', 'message', 'secureConnect', 'session', 'state', 'want'])
})

shakes('resumes a session', async (t) => {
  const port = await nodeServer(t, 'goodbye')
  let session: Uint8Array | undefined
  const onEvent: ConnectSyncOptions['onEvent'] = (event) => event.type === 'session' && ({ session } = event)
  const first = open(t, { port, onEvent })
  while (first.read());
  first.close()
  const second = open(t, { port, session })
  assert.is(second.agreed.resumed, true)
})

const fails = suite('sync: connectSync fails')

fails('refused, at every address of the host', (t) => {
  const listener = listenSync({ port: 0, ...server() })
  listener.close() // nobody is there any more
  const message = `connecting to localhost port ${listener.port} failed: connect ECONNREFUSED`
  const error = expectThrow(() => open(t, { port: listener.port }), { kind: 'io', code: 'ECONNREFUSED', message })
  assert.is((error.cause as { syscall?: string }).syscall, 'connect')
})

fails('a host that does not exist', (t) => {
  const error = expectThrow(() => open(t, { host: 'nowhere.invalid', port: 443 }), { kind: 'io', message: 'nowhere.invalid' })
  assert.ok(['ENOTFOUND', 'EAI_AGAIN'].includes(error.code), error.code)
})

fails('a peer that stops in the handshake', async (t) => {
  const port = await nodeServer(t, 'silent')
  const began = performance.now()
  expectThrow(() => open(t, { port, timeout: 300 }), { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: 'took longer than 300 ms' })
  assert.ok(performance.now() - began < 2000)
})

fails('a certificate of an unknown CA', async (t) => {
  const port = await nodeServer(t, 'echo')
  expectThrow(() => open(t, { port, ca: strangeRoot().cert }), {
    kind: 'certificate',
    code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    alert: { direction: 'sent', description: 48, name: 'unknown_ca' },
  })
})

fails('a certificate for another host', async (t) => {
  const port = await nodeServer(t, 'echo', serverFor('other.test'))
  expectThrow(() => open(t, { port }), { kind: 'certificate', code: 'HOSTNAME_MISMATCH', message: 'expected "localhost"' })
})

fails('a server that wants a certificate of us: TLS 1.2 says so in the handshake, 1.3 in the first read', async (t) => {
  const options = { requestCert: true, ca: root().cert }
  const older = await nodeServer(t, 'echo', { ...options, maxVersion: 'TLSv1.2' })
  expectThrow(() => open(t, { port: older }), { kind: 'alert' })
  const connection = open(t, { port: await nodeServer(t, 'echo', options) })
  expectThrow(() => connection.read(), { kind: 'alert', alert: { direction: 'received', description: 116, name: 'certificate_required' } })
})

const MISTAKES: readonly { name: string; options: object; message: string }[] = [
  { name: 'no host', options: { host: '' }, message: 'connectSync needs a `host`' },
  { name: 'a port out of range', options: { port: 70_000 }, message: 'port is 70000' },
  { name: 'no port', options: { port: undefined }, message: 'port is undefined' },
  { name: 'a timeout of nothing', options: { timeout: 0 }, message: 'timeout is 0' },
  { name: 'a key without a certificate', options: { key: client().key }, message: '`key` is given without `cert`' },
]
for (const { name, options, message } of MISTAKES) {
  fails(`usage: ${name}`, (t) => {
    expectThrow(() => open(t, { port: 1, ...options }), { kind: 'usage', message })
  })
}
