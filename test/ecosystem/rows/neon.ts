// Neon's driver of PostgreSQL: it reaches the database by a WebSocket proxy, and takes a TLS of others, here membio/neon. The proxy sees no
// plaintext. With --tls native nothing changes: the driver has no TLS of its own.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { certificates, expectHash, factsOf, MiB, noise } from '../rows.ts'
import { Client, neonConfig } from '@neondatabase/serverless'
import * as assert from 'uvu/assert'
import { WebSocket, WebSocketServer } from 'ws'
import { liveHandles } from '../../../src/index.ts'
import type { ClientOptions } from '../../../src/streams/index.ts'
import { secureNeon } from '../../../src/streams/neon.ts'
import { PASSWORD, postgres } from '../servers/postgres.ts'
import { suite, type Case } from '../../support/suite.ts'

const row = suite('neon')
const { port } = factsOf(postgres)
const { ca, wrongCa, client: identity } = certificates
const encoded = encodeURIComponent

/** Carries what it gets to the address in the URL. @returns its port, and what it has seen of both sides */
async function proxy(t: Case): Promise<{ port: number; seen: Buffer[] }> {
  const seen: Buffer[] = []
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  const open = new Set<Socket>()
  server.on('connection', (near, { url }) => {
    const [, , wanted] = /[?]address=(.*):(\d+)$/.exec(url!)!
    const far = connect(Number(wanted), '127.0.0.1')
    open.add(far)
    near.on('message', (chunk: Buffer) => seen.push(chunk) && far.write(chunk))
    near.on('close', () => far.end())
    far.on('data', (chunk: Buffer) => seen.push(chunk) && near.send(chunk))
    far.on('error', () => near.close()).on('close', () => open.delete(far) && near.close())
  })
  t.defer(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return { port: server.address().port, seen }
}

interface Connection {
  client: Client
  seen: Buffer[]
}

async function make(t: Case, options: ClientOptions, { host = 'localhost', user = `scram:${encoded(PASSWORD)}` } = {}): Promise<Connection> {
  const { port: proxyPort, seen } = await proxy(t)
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, useSecureWebSocket: false, pipelineConnect: false, rootCerts: '' })
  neonConfig.wsProxy = (address, wanted) => `127.0.0.1:${proxyPort}/v1?address=${address}:${wanted}`
  secureNeon(neonConfig, options)
  const client = new Client(`postgres://${user}@${host}:${port}/postgres?sslmode=verify-full`)
  client.on('error', () => {}) // a refused connection tells it twice
  return { client, seen }
}

async function open(t: Case, ...[options, where]: [ClientOptions, { host?: string; user?: string }?]): Promise<Connection> {
  const connection = await make(t, options, where)
  await connection.client.connect()
  t.defer(() => closed(connection.client))
  return connection
}

/** The WebSocket takes a moment to close, and TLS hears of it then. */
async function closed(client: Client): Promise<void> {
  await client.end()
  for (let turn = 0; turn < 200 && liveHandles() > 0; turn++) await new Promise((resolve) => setTimeout(resolve, 10))
}

const STATUS = 'select version, cipher, client_dn as subject, current_user as user from pg_stat_ssl where pid = pg_backend_pid()'
interface StatusRow {
  version: string
  cipher: string
  subject: string | null
  user: string
}

async function statusOf({ client }: Connection): Promise<StatusRow> {
  return (await client.query<StatusRow>(STATUS)).rows[0]!
}

async function expectRefusal({ client }: Connection, code: string): Promise<void> {
  const error = await client.connect().then(() => new Error('it was accepted'), (reason: Error) => reason)
  assert.is((error as Error & { code?: string }).code, code, error.message)
}

row('a password over TLS, and the proxy has not seen it', async (t) => {
  const connection = await open(t, { ca })
  const status = await statusOf(connection)
  assert.equal([status.version, status.user], ['TLSv1.3', 'scram'])
  assert.not(Buffer.concat(connection.seen).includes('pg_stat_ssl'))
  t.note = `${status.version} ${status.cipher}`
})

row('TLS 1.2', async (t) => {
  assert.is((await statusOf(await open(t, { ca, maxVersion: 'TLSv1.2' }))).version, 'TLSv1.2')
})

row("the driver's own rootCerts", async (t) => {
  const connection = await make(t, {})
  neonConfig.rootCerts = ca
  await connection.client.connect()
  t.defer(() => closed(connection.client))
  await statusOf(connection)
})

row('a client certificate instead of a password', async (t) => {
  const status = await statusOf(await open(t, { ca, ...identity }, { user: 'client.test' }))
  assert.equal([status.subject, status.user], ['/CN=client.test', 'client.test'])
})

row('an address instead of a name, and no SNI', async (t) => {
  neonConfig.disableSNI = true
  t.defer(() => (neonConfig.disableSNI = false))
  await statusOf(await open(t, { ca, servername: 'server.test' }, { host: '127.0.0.1' }))
})

row('10 MB to the server and back', async (t) => {
  const { client } = await open(t, { ca })
  const sent = noise(10 * MiB)
  const text = "select encode(sha256($1), 'hex') as hash, $1::bytea as bytes"
  const [found] = (await client.query<{ hash: string; bytes: Buffer }>(text, [sent])).rows
  expectHash(sent, found!.hash)
  assert.ok(sent.equals(found!.bytes))
}, { deadline: 60 })

row('a server of another CA: refused, by the error of connect', async (t) => {
  await expectRefusal(await make(t, { ca: wrongCa }), 'SELF_SIGNED_CERT_IN_CHAIN')
})

row('a server of another name: refused', async (t) => {
  await expectRefusal(await make(t, { ca, servername: 'other.test' }), 'HOSTNAME_MISMATCH')
})
