// MQTT.js: it hands all its options to tls.connect, pre-shared keys included, and ends a connection that is not `authorized`.
import { readFileSync } from 'node:fs'
import {
  certificates,
  eventually,
  expectCode,
  factsOf,
  MiB,
  newestSocket,
  noise,
  noteAgreed,
  OTHER_NAME,
  rows,
  UNKNOWN_CA,
} from '../rows.ts'
import mqtt, { type ClientOptions, type MqttClient } from 'mqtt'
import * as assert from 'uvu/assert'
import { mosquitto, PSK } from '../servers/mosquitto.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('mqtt')
const { port, mutualPort, pskPort, log } = factsOf(mosquitto)
const { ca, wrongCa, client: identity, strangeClient } = certificates

let clients = 0

async function connect(t: Case, options: Partial<ClientOptions> = {}): Promise<MqttClient> {
  const clientId = options.clientId ?? `client${clients++}`
  const common = { protocol: 'mqtts', host: 'localhost', port, ca, clientId, reconnectPeriod: 0 } as const
  const client = await mqtt.connectAsync({ ...common, ...options }, false)
  t.defer(() => client.endAsync())
  return client
}

/** Mosquitto says nothing of a connection's TLS; but where it takes the user from a certificate or a key, it logs the name. */
async function expectUser(clientId: string, user: string): Promise<void> {
  const pattern = new RegExp(`New client connected from \\S+ as ${clientId} \\(.* u'(.*)'\\)`)
  const [, logged] = await eventually(() => pattern.exec(readFileSync(log, 'latin1')) ?? undefined)
  assert.is(logged, user)
}

/** What it publishes comes back to it. */
async function expectEcho(client: MqttClient, topic: string, message: string | Buffer = 'hello', qos: 1 | 2 = 1): Promise<void> {
  await client.subscribeAsync(topic, { qos })
  const received = new Promise<Buffer>((resolve) => client.once('message', (_: string, back: Buffer) => resolve(back)))
  await client.publishAsync(topic, message, { qos })
  assert.ok(Buffer.from(message).equals(await received))
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  row(version, async (t) => {
    const client = await connect(t, { minVersion: version, maxVersion: version })
    assert.is(newestSocket().getProtocol(), version)
    noteAgreed(t)
    await expectEcho(client, `echo/${version}`)
  })
}

row('MQTT 5', async (t) => {
  await expectEcho(await connect(t, { protocolVersion: 5 }), 'echo/5')
})

row('a client certificate as the user', async (t) => {
  const client = await connect(t, { port: mutualPort, ...identity, clientId: 'certified' })
  await expectEcho(client, 'client.test/echo') // nobody else may read or write there
  await expectUser('certified', 'client.test')
})

row('no client certificate where one is needed: refused', async (t) => {
  await expectCode(connect(t, { port: mutualPort }), ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ECONNRESET', 'EPIPE'])
})

row('a client certificate of another CA: refused', async (t) => {
  const codes = ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ECONNRESET', 'EPIPE']
  await expectCode(connect(t, { port: mutualPort, ...strangeClient }), codes)
})

const psk = (key: string): Partial<ClientOptions> => ({
  port: pskPort,
  ca: undefined,
  ciphers: 'PSK',
  pskCallback: () => ({ identity: PSK.identity, psk: Buffer.from(key, 'hex') }),
  checkServerIdentity: () => undefined, // there is no certificate
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  row(`a pre-shared key, ${version}`, async (t) => {
    const clientId = `psk-${version}`
    const client = await connect(t, { ...psk(PSK.key), clientId, minVersion: version, maxVersion: version })
    assert.equal(newestSocket().getPeerCertificate(), {})
    await expectEcho(client, `${PSK.identity}/echo`)
    await expectUser(clientId, PSK.identity)
    noteAgreed(t)
  })
}

row('a wrong pre-shared key: refused', async (t) => {
  // What the server says differs between the versions; and Node tells of it as of a failed write.
  await expectCode(connect(t, psk('00'.repeat(32))), ['ERR_SSL_SSL/TLS_ALERT_ILLEGAL_PARAMETER', 'EPROTO'])
})

row('5 MB there and back, once and for all (QoS 2)', async (t) => {
  await expectEcho(await connect(t), 'large', noise(5 * MiB), 2)
})

row('10,000 messages from one client to another', async (t) => {
  const [subscriber, publisher] = [await connect(t), await connect(t)]
  const received: number[] = []
  await subscriber.subscribeAsync('many', { qos: 1 })
  const all = new Promise<void>((resolve) =>
    subscriber.on('message', (_: string, message: Buffer) => received.push(Number(message)) === 10_000 && resolve()),
  )
  await Promise.all(Array.from({ length: 10_000 }, (_, at) => publisher.publishAsync('many', `${at}`, { qos: 1 })))
  await all
  assert.equal(received, Array.from({ length: 10_000 }, (_, at) => at))
})

row('a server of another CA: refused', async (t) => {
  await expectCode(connect(t, { ca: wrongCa }), UNKNOWN_CA)
})

row('a server of another name: refused', async (t) => {
  await expectCode(connect(t, { servername: 'other.test' }), OTHER_NAME)
})
