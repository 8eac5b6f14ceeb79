// What membio/tls does and node:tls does not.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:tls'
import tls, { type ConnectionOptions, type TlsOptions } from '../../src/tls/index.ts'
import type { TLSSocket } from '../../src/tls/types.ts'
import * as certs from '../support/certs.ts'
import { suite, type Body, type Case } from '../support/suite.ts'

const contextOf = (server: Server) => (server as unknown as { _sharedCreds: { context: { close(): void } } })._sharedCreds.context

async function listen(t: Case, options: TlsOptions): Promise<{ server: Server; port: number }> {
  const server = tls.createServer({ ...certs.server(), ...options })
  t.defer(() => contextOf(server).close())
  t.defer(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** Both ends, once they are secure. */
async function pair(t: Case, options: TlsOptions = {}, clientOptions: ConnectionOptions = {}): Promise<[client: TLSSocket, other: TLSSocket]> {
  const { server, port } = await listen(t, options)
  return Promise.all([connect(t, port, clientOptions), once(server, 'secureConnection').then(([other]) => closing(t, other as TLSSocket))])
}

async function connect(t: Case, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const client = tls.connect({ port, host: '127.0.0.1', servername: certs.HOST, ca: certs.root().cert, ...options })
  closing(t, client)
  await once(client, 'secureConnect')
  return client
}

function closing(t: Case, socket: TLSSocket): TLSSocket {
  t.defer(() => socket.destroy())
  return socket.on('error', () => {})
}

async function echo(client: TLSSocket, other: TLSSocket, text: string): Promise<void> {
  client.write(text)
  assert.is(String((await once(other, 'data'))[0]), text)
  other.write(text)
  assert.is(String((await once(client, 'data'))[0]), text)
}

const cases = suite('membio/tls beyond node:tls')
const beyond = (name: string, body: Body): void => cases(name, body, { collected: true })

beyond('keyUpdate: new keys in both directions, and the connection goes on', async (t) => {
  const [client, other] = await pair(t)
  client.keyUpdate({ requestPeer: true })
  await echo(client, other, 'with new keys')
  other.keyUpdate()
  await echo(client, other, 'and newer ones')
})

beyond('keyUpdate before the handshake is done is refused', (t) => {
  const socket = closing(t, new tls.TLSSocket())
  assert.throws(() => socket.keyUpdate(), (error: { code: string }) => error.code === 'ERR_TLS_INVALID_STATE')
})

beyond('requestCertificate: a client shows its certificate after the handshake', async (t) => {
  const { cert, key } = certs.client()
  const [client, other] = await pair(t, { ca: certs.root().cert }, { cert, key, postHandshakeAuth: true })
  client.resume()
  assert.equal(other.getPeerCertificate(), {})
  await new Promise<void>((resolve) => other.requestCertificate({}, resolve))
  assert.is(other.getPeerCertificate().subject.CN, 'client.test')
})

beyond('requestCertificate: a client without one is refused where it is required', async (t) => {
  const [client, other] = await pair(t, { ca: certs.root().cert }, { postHandshakeAuth: true })
  client.resume()
  other.requestCertificate()
  const [error] = (await once(other.removeAllListeners('error'), 'error')) as [{ code: string }]
  assert.is(error.code, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
})

beyond('earlyData: comes before the handshake is done, and only once', async (t) => {
  const { server, port } = await listen(t, { maxEarlyData: 1000 })
  server.on('secureConnection', (socket) => closing(t, socket as TLSSocket))
  const first = await connect(t, port, {})
  const [session] = (await once(first.resume(), 'session')) as [Buffer]
  const early: string[] = []
  server.on('secureConnection', () => early.push('secure'))
  server.on('earlyData', (chunk: Buffer) => early.push(String(chunk)))
  const second = await connect(t, port, { session, earlyData: Buffer.from('early') })
  assert.is(second.isSessionReused(), true)
  assert.is(second.earlyData, 'accepted')
  const third = await connect(t, port, { session, earlyData: Buffer.from('again') })
  assert.is(third.earlyData, 'rejected')
  if (early.length < 3) await once(server, 'secureConnection')
  assert.equal(early, ['early', 'secure', 'secure'])
})

beyond('checkServerIdentity by promise: what it says counts', async (t) => {
  const { port } = await listen(t, {})
  const later = (verdict?: Error) => () => new Promise<Error | undefined>((resolve) => setImmediate(resolve, verdict))
  await connect(t, port, { checkServerIdentity: later() })
  const refused = connect(t, port, { checkServerIdentity: later(new Error('not today')) })
  await refused.then(() => assert.unreachable('it was accepted'), (error: Error) => assert.is(error.message, 'not today'))
})

beyond('SNICallback and ALPNCallback together, both by promise', async (t) => {
  const context = tls.createSecureContext(certs.serverFor('other.test'))
  const [client] = await pair(
    t,
    { SNICallback: async () => context, ALPNCallback: async ({ servername, protocols }) => (servername === 'other.test' ? protocols[1] : undefined) },
    { servername: 'other.test', ALPNProtocols: ['h2', 'http/1.1'] },
  )
  assert.is(client.getPeerCertificate().subject.CN, 'other.test')
  assert.is(client.alpnProtocol, 'http/1.1')
})
