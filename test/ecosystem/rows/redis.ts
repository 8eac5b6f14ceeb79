// redis, also called node-redis: it waits for 'secureConnect', and all commands of one turn go out together.
import { certificates, expectCode, factsOf, MiB, newestSocket, noise, noteAgreed, OTHER_NAME, rows, UNKNOWN_CA } from '../rows.ts'
import { createClient, RESP_TYPES, type Client } from 'redis'
import type { ConnectionOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { redis } from '../servers/redis.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('redis')
const { port, mutualPort } = factsOf(redis)
const { ca, wrongCa, client: identity, strangeClient } = certificates

async function connect(t: Case, options: ConnectionOptions = {}): Promise<Client> {
  const client = createClient({ socket: { host: 'localhost', port, tls: true, ca, reconnectStrategy: false, ...options } as never })
  t.defer(() => client.isOpen && client.destroy())
  const failed = new Promise<never>((_, reject) => client.on('error', reject))
  failed.catch(() => {}) // it is for the race alone
  await Promise.race([client.connect(), failed])
  return client
}

row('a port with TLS and nothing else', async (t) => {
  const client = await connect(t)
  // Redis says nothing about a connection's TLS, but it has no port without.
  assert.is((await client.configGet('port'))['port'], '0')
  noteAgreed(t)
})

row('a client certificate', async (t) => {
  const client = await connect(t, { port: mutualPort, ...identity })
  assert.is((await client.configGet('tls-auth-clients'))['tls-auth-clients'], 'yes')
})

row('no client certificate where one is needed: refused', async (t) => {
  await expectCode(connect(t, { port: mutualPort }), ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ECONNRESET', 'EPIPE'])
})

row('a client certificate of another CA: refused', async (t) => {
  await expectCode(connect(t, { port: mutualPort, ...strangeClient }), ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ECONNRESET', 'EPIPE'])
})

row('10,000 commands at once', async (t) => {
  const client = await connect(t)
  const sent = Array.from({ length: 5000 }, (_, at) => [client.set(`redis ${at}`, `value ${at}`), client.get(`redis ${at}`)])
  const answers = await Promise.all(sent.flat())
  for (let at = 0; at < 5000; at++) assert.equal([answers[2 * at], answers[2 * at + 1]], ['OK', `value ${at}`])
})

row('a value of 20 MB there and back', async (t) => {
  const client = await connect(t)
  const value = noise(20 * MiB)
  await client.set('redis large', value)
  const back = await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('redis large')
  assert.ok(value.equals(back as Buffer))
})

row('a farewell', async (t) => {
  const client = await connect(t)
  const closed = new Promise((resolve) => newestSocket().once('close', resolve))
  await client.quit()
  await closed
})

row('a server of another CA: refused', async (t) => {
  await expectCode(connect(t, { ca: wrongCa }), UNKNOWN_CA)
})

row('a server of another name: refused', async (t) => {
  await expectCode(connect(t, { servername: 'other.test' }), OTHER_NAME)
})
