// ioredis: tls.connect with a host and a port, many small writes.
import { once } from 'node:events'
import { certificates, expectCode, factsOf, MiB, noise, noteAgreed, OTHER_NAME, rows, UNKNOWN_CA } from '../rows.ts'
import { Redis, type RedisOptions } from 'ioredis'
import * as assert from 'uvu/assert'
import { redis } from '../servers/redis.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('ioredis')
const { port, mutualPort } = factsOf(redis)
const { ca, wrongCa, client: identity, strangeClient } = certificates

async function connect(t: Case, options: Partial<RedisOptions> = {}): Promise<Redis> {
  const client = new Redis({ host: 'localhost', port, tls: { ca }, lazyConnect: true, retryStrategy: () => null, ...options })
  t.defer(() => client.disconnect())
  const failed = once(client, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => {}) // it is for the race alone
  await Promise.race([client.connect(), failed])
  return client
}

row('a port with TLS and nothing else', async (t) => {
  const client = await connect(t)
  // Redis says nothing about a connection's TLS, but it has no port without.
  assert.equal(await client.config('GET', 'port'), ['port', '0'])
  noteAgreed(t)
})

row('a client certificate', async (t) => {
  const client = await connect(t, { port: mutualPort, tls: { ca, ...identity } })
  assert.equal(await client.config('GET', 'tls-auth-clients'), ['tls-auth-clients', 'yes'])
})

row('no client certificate where one is needed: refused', async (t) => {
  await expectCode(connect(t, { port: mutualPort }), ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ECONNRESET', 'EPIPE'])
})

row('a client certificate of another CA: refused', async (t) => {
  const attempt = connect(t, { port: mutualPort, tls: { ca, ...strangeClient } })
  await expectCode(attempt, ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ECONNRESET', 'EPIPE'])
})

row('10,000 commands in one pipeline', async (t) => {
  const client = await connect(t)
  const pipeline = client.pipeline()
  for (let at = 0; at < 5000; at++) pipeline.set(`ioredis ${at}`, `value ${at}`).get(`ioredis ${at}`)
  const answers = await pipeline.exec()
  assert.is(answers.length, 10_000)
  for (let at = 0; at < 5000; at++) assert.equal([answers[2 * at]![1], answers[2 * at + 1]![1]], ['OK', `value ${at}`])
})

row('10,000 commands at once', async (t) => {
  const client = await connect(t)
  const answers = await Promise.all(Array.from({ length: 10_000 }, (_, at) => client.set(`ioredis ${at}`, 'x')))
  assert.ok(answers.every((answer) => answer === 'OK'))
})

row('a value of 20 MB there and back', async (t) => {
  const client = await connect(t)
  const value = noise(20 * MiB)
  await client.set('ioredis large', value)
  assert.ok(value.equals((await client.getBuffer('ioredis large'))!))
})

row('published on one connection, received on another', async (t) => {
  const [subscriber, publisher] = [await connect(t), await connect(t)]
  await subscriber.subscribe('news')
  const message = once(subscriber, 'message')
  await publisher.publish('news', 'something')
  assert.equal(await message, ['news', 'something'])
})

row('a server of another CA: refused', async (t) => {
  await expectCode(connect(t, { tls: { ca: wrongCa } }), UNKNOWN_CA)
})

row('a server of another name: refused', async (t) => {
  await expectCode(connect(t, { tls: { ca, servername: 'other.test' } }), OTHER_NAME)
})
