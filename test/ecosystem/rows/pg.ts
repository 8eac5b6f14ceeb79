// pg, the usual driver of PostgreSQL: it asks for TLS on a plain connection, then calls tls.connect({ socket }).
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
import pg, { type ClientConfig } from 'pg'
import * as assert from 'uvu/assert'
import { PASSWORD, postgres } from '../servers/postgres.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('pg')
const { port, directPort } = factsOf(postgres)
const { ca, wrongCa, client: identity, strangeClient } = certificates

type Client = InstanceType<typeof pg.Client>

function make(options: Partial<ClientConfig> = {}): Client {
  const common = { host: 'localhost', port, user: 'scram', password: PASSWORD, database: 'postgres', ssl: { ca } }
  const client = new pg.Client({ ...common, ...options })
  client.on('error', () => {}) // a refused connection tells it twice
  return client
}

async function open(t: Case, client: Client): Promise<Client> {
  let connected = false
  // After a refusal, `end` writes a farewell first, and waits now and then for ever: also on Node's own TLS.
  t.defer(() => (connected ? client.end() : client.connection.stream.destroy()))
  await client.connect()
  connected = true
  return client
}

const connect = (t: Case, options?: Partial<ClientConfig>) => open(t, make(options))

const only = async <T>(client: Client, text: string, values?: unknown[]): Promise<T> => (await client.query<T>(text, values)).rows[0]!

const STATUS = 'select version, cipher, client_dn as subject, current_user as user from pg_stat_ssl where pid = pg_backend_pid()'
type StatusRow = { version: string; cipher: string; subject: string | null; user: string }

/** What the server says of the connection is what the client knows of it. */
async function expectStatus(t: Case, client: Client): Promise<StatusRow> {
  const status = await only<StatusRow>(client, STATUS)
  expectAgreed(t, { version: status.version, cipher: status.cipher })
  return status
}

row('a password over TLS', async (t) => {
  const client = await connect(t)
  const status = await expectStatus(t, client)
  assert.is(status.user, 'scram')
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  row(`${version} alone`, async (t) => {
    const client = await connect(t, { ssl: { ca, minVersion: version, maxVersion: version } })
    assert.is((await expectStatus(t, client)).version, version)
  })
}

row('a password bound to the channel (SCRAM-SHA-256-PLUS)', async (t) => {
  const client = make({ enableChannelBinding: true })
  const mechanism = mechanismOf(client)
  await open(t, client)
  assert.is(await mechanism, 'SCRAM-SHA-256-PLUS')
  await expectStatus(t, client)
})

/** What it tells the server: the server does not tell, but it would refuse a wrong binding. */
function mechanismOf({ connection }: Client): Promise<string> {
  const send = connection.sendSASLInitialResponseMessage
  return new Promise((resolve) => {
    connection.sendSASLInitialResponseMessage = (mechanism, response) => {
      resolve(mechanism)
      send.call(connection, mechanism, response)
    }
  })
}

row('a client certificate instead of a password', async (t) => {
  const client = await connect(t, { user: 'client.test', ssl: { ca, ...identity } })
  const status = await expectStatus(t, client)
  assert.is(status.subject, '/CN=client.test')
  assert.is(status.user, 'client.test')
})

row('no client certificate where one is needed: refused', async (t) => {
  await expectCode(connect(t, { user: 'client.test' }), ['28000'])
})

row('a client certificate of another CA: refused', async (t) => {
  await expectCode(connect(t, { user: 'client.test', ssl: { ca, ...strangeClient } }), ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ECONNRESET'])
})

row('direct negotiation, with ALPN', async (t) => {
  const client = await connect(t, { port: directPort, user: 'direct', sslnegotiation: 'direct' })
  assert.is(newestSocket().alpnProtocol, 'postgresql')
  assert.is((await only<{ user: string }>(client, 'select current_user as user')).user, 'direct')
})

row('10 MB from the server', async (t) => {
  const client = await connect(t)
  const text = "select string_agg(md5(i::text), '') as text from generate_series(1, 327680) i"
  const { text: received } = await only<{ text: string }>(client, text)
  assert.is(received.length, 10 * MiB)
  const { hash } = await only<{ hash: string }>(client, `select encode(sha256(text::bytea), 'hex') as hash from (${text}) s`)
  expectHash(received, hash)
})

row('10 MB to the server and back', async (t) => {
  const client = await connect(t)
  const sent = noise(10 * MiB)
  const text = "select encode(sha256($1), 'hex') as hash, $1 as bytes"
  const { hash, bytes } = await only<{ hash: string; bytes: Buffer }>(client, text, [sent])
  expectHash(sent, hash)
  assert.ok(sent.equals(bytes))
})

row('a server of another CA: refused', async (t) => {
  await expectCode(connect(t, { ssl: { ca: wrongCa } }), UNKNOWN_CA)
})

row('a server of another name: refused', async (t) => {
  const ssl = { ca, servername: 'other.test' }
  await expectCode(connect(t, { host: '127.0.0.1', ssl }), OTHER_NAME)
})
