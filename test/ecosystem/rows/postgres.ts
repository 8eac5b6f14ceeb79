// Postgres.js, the other driver of PostgreSQL: an ES module, with its own idea of when a socket is ready.
import {
  certificates,
  expectAgreed,
  expectCode,
  expectHash,
  factsOf,
  MiB,
  newestSocket,
  noise,
  OTHER_NAME,
  rows,
  UNKNOWN_CA,
} from '../rows.ts'
import connect, { type Options, type Sql } from 'postgres'
import * as assert from 'uvu/assert'
import { PASSWORD, postgres } from '../servers/postgres.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('postgres')
const { port, directPort } = factsOf(postgres)
const { ca, wrongCa, client: identity } = certificates

function open(t: Case, options: Partial<Options> = {}): Sql {
  const sql = connect({ host: 'localhost', port, user: 'scram', password: PASSWORD, database: 'postgres', max: 1, ssl: { ca }, ...options })
  t.defer(() => sql.end({ timeout: 5 }))
  return sql
}

type StatusRow = { version: string; cipher: string; subject: string | null }

async function statusOf(sql: Sql): Promise<StatusRow> {
  return (await sql<StatusRow>`select version, cipher, client_dn as subject from pg_stat_ssl where pid = pg_backend_pid()`)[0]!
}

async function expectStatus(t: Case, sql: Sql): Promise<StatusRow> {
  const status = await statusOf(sql)
  expectAgreed(t, { version: status.version, cipher: status.cipher })
  return status
}

row('a password over TLS', async (t) => {
  await expectStatus(t, open(t))
})

row('a client certificate instead of a password', async (t) => {
  const status = await expectStatus(t, open(t, { user: 'client.test', ssl: { ca, ...identity } }))
  assert.is(status.subject, '/CN=client.test')
})

row('direct negotiation, with ALPN', async (t) => {
  const sql = open(t, { port: directPort, user: 'direct', sslnegotiation: 'direct' })
  const [found] = await sql<{ user: string }>`select current_user as user`
  assert.is(found!.user, 'direct')
  assert.is(newestSocket().alpnProtocol, 'postgresql')
})

row('ten connections at once', async (t) => {
  const sql = open(t, { max: 10 })
  const backends = await Promise.all(Array.from({ length: 10 }, () => sql<{ pid: number }>`select pg_backend_pid() as pid, pg_sleep(0.2)`))
  assert.is(new Set(backends.map(([found]) => found!.pid)).size, 10)
})

row('10 MB to the server and back', async (t) => {
  const sent = noise(10 * MiB)
  const [found] = await open(t)<{ hash: string; bytes: Buffer }>`select encode(sha256(${sent}), 'hex') as hash, ${sent}::bytea as bytes`
  expectHash(sent, found!.hash)
  assert.ok(sent.equals(found!.bytes))
})

row('a server of another CA: refused', async (t) => {
  await expectCode(statusOf(open(t, { ssl: { ca: wrongCa } })), UNKNOWN_CA)
})

row('a server of another name: refused', async (t) => {
  await expectCode(statusOf(open(t, { ssl: { ca, servername: 'other.test' } })), OTHER_NAME)
})
