// mariadb, MariaDB's own driver: it calls tls.connect({ socket }) and then adds methods of its own to the socket.
import { certificates, expectAgreed, expectCode, expectHash, factsOf, MiB, noise, OTHER_NAME, rows, UNKNOWN_CA } from '../rows.ts'
import client, { type Connection, type ConnectionConfig } from 'mariadb'
import * as assert from 'uvu/assert'
import { mariadb, PASSWORD } from '../servers/mariadb.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('mariadb')
const { port } = factsOf(mariadb)
const { ca, wrongCa, client: identity } = certificates

async function connect(t: Case, options: Partial<ConnectionConfig> = {}): Promise<Connection> {
  const common = { host: '127.0.0.1', port, user: 'password', password: PASSWORD, database: 'test', ssl: { ca } }
  const connection = await client.createConnection({ ...common, maxAllowedPacket: 64 * MiB, ...options })
  t.defer(() => connection.end())
  return connection
}

async function expectStatus(t: Case, connection: Connection): Promise<void> {
  const found = await connection.query<{ Variable_name: string; Value: string }>("show status like 'Ssl_%'")
  const status = new Map(found.map(({ Variable_name, Value }) => [Variable_name, Value]))
  expectAgreed(t, { version: status.get('Ssl_version')!, cipher: status.get('Ssl_cipher')! })
}

row('a password over TLS', async (t) => {
  await expectStatus(t, await connect(t))
})

row('a client certificate instead of a password', async (t) => {
  const connection = await connect(t, { user: 'certificate', password: '', ssl: { ca, ...identity } })
  await expectStatus(t, connection)
  const [found] = await connection.query<{ user: string }>('select current_user() as user')
  assert.is(found!.user, 'certificate@%')
})

row('10 MB to the server and back', async (t) => {
  const connection = await connect(t)
  const sent = noise(10 * MiB)
  const [found] = await connection.query<{ hash: string; bytes: Buffer }>('select sha2(?, 256) as hash, ? as bytes', [sent, sent])
  expectHash(sent, found!.hash)
  assert.ok(sent.equals(found!.bytes))
})

row('a server of another CA: refused', async (t) => {
  await expectCode(connect(t, { ssl: { ca: wrongCa } }), UNKNOWN_CA)
})

row('a server of another name: refused', async (t) => {
  await expectCode(connect(t, { ssl: { ca, servername: 'other.test' } }), OTHER_NAME)
})
