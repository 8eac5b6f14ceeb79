// mysql2: it makes its SecureContext itself, checks the server's name itself, and offers the session of an earlier connection.
import {
  certificates,
  expectAgreed,
  expectCode,
  expectHash,
  expectMessage,
  factsOf,
  MiB,
  newestSocket,
  noise,
  OTHER_NAME_MESSAGE,
  rows,
  UNKNOWN_CA_MESSAGE,
} from '../rows.ts'
import mysql, { type Connection, type ConnectionOptions } from 'mysql2/promise'
import * as net from 'node:net'
import * as assert from 'uvu/assert'
import { mariadb, PASSWORD } from '../servers/mariadb.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('mysql2')
const { port } = factsOf(mariadb)
const { ca, wrongCa, client: identity, strangeClient } = certificates
const verifyIdentity = true

const settings = (options: Partial<ConnectionOptions> = {}): ConnectionOptions => ({
  host: 'localhost',
  port,
  user: 'password',
  password: PASSWORD,
  database: 'test',
  ssl: { ca, verifyIdentity },
  ...options,
})

async function connect(t: Case, options?: Partial<ConnectionOptions>): Promise<Connection> {
  const connection = await mysql.createConnection(settings(options))
  t.defer(() => connection.end())
  return connection
}

async function expectStatus(t: Case, connection: Connection): Promise<void> {
  const [found] = await connection.query<{ Variable_name: string; Value: string }>("show status like 'Ssl_%'")
  const status = new Map(found.map(({ Variable_name, Value }) => [Variable_name, Value]))
  expectAgreed(t, { version: status.get('Ssl_version')!, cipher: status.get('Ssl_cipher')! })
}

row('a password over TLS', async (t) => {
  await expectStatus(t, await connect(t))
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  row(`${version} alone`, async (t) => {
    const connection = await connect(t, { ssl: { ca, verifyIdentity, minVersion: version, maxVersion: version } })
    assert.is(newestSocket().getProtocol(), version)
    await expectStatus(t, connection)
  })
}

row('a client certificate instead of a password', async (t) => {
  const connection = await connect(t, { user: 'certificate', password: '', ssl: { ca, verifyIdentity, ...identity } })
  await expectStatus(t, connection)
  const [found] = await connection.query<{ user: string }>('select current_user() as user')
  assert.is(found[0]!.user, 'certificate@%')
})

row('no client certificate where one is needed: refused', async (t) => {
  await expectCode(connect(t, { user: 'certificate', password: '' }), ['ER_ACCESS_DENIED_ERROR'])
})

row('a client certificate of another CA: refused', async (t) => {
  const attempt = connect(t, { user: 'certificate', password: '', ssl: { ca, verifyIdentity, ...strangeClient } })
  await expectCode(attempt, ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ECONNRESET', 'EPIPE'])
})

row('a second connection resumes the session of the first', async (t) => {
  const ssl = { ca, verifyIdentity } // it keeps the session by this object
  const connection = await connect(t, { ssl })
  await connection.query('select 1')
  assert.not(newestSocket().isSessionReused())
  const again = await connect(t, { ssl })
  await again.query('select 1')
  assert.ok(newestSocket().isSessionReused())
})

row('a pool of ten', async (t) => {
  const pool = mysql.createPool(settings({ connectionLimit: 10 }))
  t.defer(() => pool.end())
  const found = await Promise.all(Array.from({ length: 10 }, () => pool.query<{ id: number }>('select connection_id() as id, sleep(0.2)')))
  assert.is(new Set(found.map(([[first]]) => first!.id)).size, 10)
})

row('10 MB to the server and back', async (t) => {
  const connection = await connect(t)
  const sent = noise(10 * MiB)
  const [found] = await connection.query<{ hash: string; bytes: Buffer }>('select sha2(?, 256) as hash, ? as bytes', [sent, sent])
  expectHash(sent, found[0]!.hash)
  assert.ok(sent.equals(found[0]!.bytes))
})

row('a server of another CA: refused', async (t) => {
  await expectMessage(connect(t, { ssl: { ca: wrongCa, verifyIdentity } }), UNKNOWN_CA_MESSAGE)
})

row('a server of another name: refused', async (t) => {
  await expectMessage(connect(t, { host: 'other.test', stream: () => net.connect(port, '127.0.0.1') }), OTHER_NAME_MESSAGE)
})
