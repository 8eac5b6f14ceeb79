// The poller drives handshakes over a pipe in memory: in any pieces, with any delay, and to a good end or a told one.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { memoryPair, type MemoryPairOptions } from '../../src/transport/index.ts'
import { bad, client as clientIdentity, HOST, KEY_TYPES, root, server } from '../support/certs.ts'
import { expectError, type Expected } from '../support/expect.ts'
import { Random } from '../support/random.ts'
import { makeParty, memoryParties, type MemoryPairSetting, type Party } from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

function randomSizes(seed: number): () => number {
  const random = new Random(seed)
  return () => 1 + random.below(1 + random.below(3000))
}

const PIPES: readonly { name: string; pipe: () => MemoryPairOptions }[] = [
  { name: 'whole', pipe: () => ({}) },
  { name: 'in chunks of 7 bytes', pipe: () => ({ chunkSize: 7 }) },
  { name: 'in random chunks', pipe: () => ({ chunkSize: randomSizes(11) }) },
  { name: 'with random delays', pipe: () => ({ chunkSize: randomSizes(12), delay: () => randomDelay.below(3) }) },
  { name: 'through a window of 100 bytes', pipe: () => ({ window: 100 }) },
]
const randomDelay = new Random(13)

const shakes = suite('poller: handshake')

for (const version of VERSIONS) {
  for (const type of KEY_TYPES) {
    for (const { name, pipe } of PIPES) {
      shakes(`${version}, ${type}, ${name}`, async (t) => {
        const { client, server: peer } = memoryParties(t, {
          client: { settings: { maxVersion: version } },
          server: { settings: { ...server(type), minVersion: version } },
          pipe: pipe(),
        })
        await pingPong(client, peer)
        assert.is(client.agreed.version, version)
        assert.is(peer.agreed.servername, HOST)
      })
    }
  }
}

/** Byte by byte a handshake takes thousands of turns: once for each version is enough. */
for (const version of VERSIONS) {
  shakes(`${version}, byte by byte, with a client certificate`, async (t) => {
    const { client, server: peer } = memoryParties(t, {
      client: { settings: { maxVersion: version, ...clientIdentity() } },
      server: { settings: { minVersion: version, ca: root().cert }, engine: { clientCertificate: 'require' } },
      pipe: { chunkSize: 1 },
    })
    await pingPong(client, peer)
    assert.ok(peer.agreed.authorized)
  })
}

async function pingPong(client: Party, server: Party): Promise<void> {
  client.poller.write('ping') // before the handshake: it waits in the queue
  await server.until(() => server.text === 'ping')
  server.poller.write('pong')
  await client.until(() => client.text === 'pong')
}

const tells = suite('poller: what a handshake tells')

tells('the client wants to read, then is secure; events come in order', async (t) => {
  const { client, server: peer } = memoryParties(t)
  await Promise.all([client.secure(), peer.secure()])
  const wants = client.events.filter((event) => event.type === 'want')
  assert.equal(wants[0], { type: 'want', want: 'want-read' })
  const types = client.events.map((event) => event.type)
  assert.ok(types.indexOf('want') < types.indexOf('secureConnect'))
  assert.ok(client.calls.indexOf('onSecure') > client.calls.indexOf('onEvent'))
})

tells('tracing shows both ways', async (t) => {
  const { client } = memoryParties(t, { client: { engine: { trace: true } } })
  await client.secure()
  const handshake = client.eventsOf('message').filter((event) => event.content === 'handshake')
  assert.ok(
    handshake.some((event) => event.direction === 'sent' && event.bytes[0] === 1),
    'ClientHello',
  )
  assert.ok(
    handshake.some((event) => event.direction === 'received' && event.bytes[0] === 2),
    'ServerHello',
  )
  assert.ok(client.eventsOf('state').length > 5)
})

// ---- Handshakes that must fail: both sides are told, and the alert makes it across. ----

interface Refusal extends MemoryPairSetting {
  name: string
  expectClient: Expected
  expectServer: Expected
}

const received = (description: number, name: string) => ({ direction: 'received' as const, description, name })
const sent = (description: number, name: string) => ({ direction: 'sent' as const, description, name })

const REFUSALS: readonly Refusal[] = [
  {
    name: 'a server whose certificate has expired',
    server: { settings: bad('expired') },
    expectClient: {
      kind: 'certificate',
      code: 'CERT_HAS_EXPIRED',
      verify: { name: 'CERT_HAS_EXPIRED', depth: 0 },
      alert: sent(45, 'certificate_expired'),
    },
    expectServer: { kind: 'alert', alert: received(45, 'certificate_expired') },
  },
  {
    name: 'a server with a certificate of an unknown CA',
    server: { settings: bad('unknownCa') },
    expectClient: { kind: 'certificate', alert: sent(48, 'unknown_ca') },
    expectServer: { kind: 'alert', alert: received(48, 'unknown_ca') },
  },
  {
    name: 'a server for another host',
    server: { settings: bad('wrongHost') },
    expectClient: { kind: 'certificate', code: 'HOSTNAME_MISMATCH', message: HOST },
    expectServer: { kind: 'alert', alert: received(42, 'bad_certificate') },
  },
  {
    name: 'a client without the certificate that TLS 1.2 asks for',
    client: { settings: { maxVersion: 'TLSv1.2' } },
    server: { settings: { ca: root().cert }, engine: { clientCertificate: 'require' } },
    expectClient: { kind: 'alert', alert: received(40, 'handshake_failure') },
    expectServer: { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' },
  },
  {
    name: 'a client without the certificate that TLS 1.3 asks for',
    server: { settings: { ca: root().cert }, engine: { clientCertificate: 'require' } },
    expectClient: { kind: 'alert', alert: received(116, 'certificate_required') },
    expectServer: { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' },
  },
  {
    name: 'no version in common',
    client: { settings: { maxVersion: 'TLSv1.2' } },
    server: { settings: { minVersion: 'TLSv1.3' } },
    expectClient: { kind: 'alert', alert: received(70, 'protocol_version') },
    expectServer: { kind: 'protocol', code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  },
  {
    name: 'no ALPN protocol in common',
    client: { settings: { alpn: ['h2'] } },
    server: { settings: { alpn: ['http/1.1'] } },
    expectClient: { kind: 'alert', alert: received(120, 'no_application_protocol') },
    expectServer: { kind: 'protocol', code: 'ERR_SSL_NO_APPLICATION_PROTOCOL' },
  },
]

const refuses = suite('poller: refused handshakes')

for (const { name, expectClient, expectServer, ...setting } of REFUSALS) {
  for (const chunkSize of [undefined, 1]) {
    refuses(`${name}${chunkSize ? ', byte by byte' : ''}`, async (t) => {
      const { client, server: peer } = memoryParties(t, { ...setting, pipe: { chunkSize } })
      const [clientError, serverError] = await Promise.all([client.closed, peer.closed])
      expectError(clientError, expectClient)
      expectError(serverError, expectServer)
      for (const side of [client, peer]) {
        assert.is(side.calls.filter((call) => call === 'onClose').length, 1)
        assert.is(side.calls.at(-1), 'onClose')
        assert.equal(side.received, [])
      }
    })
  }
}

const ALERT_RECORD = 21

const NONSENSE: readonly { name: string; bytes: string | Uint8Array; expected: Expected }[] = [
  {
    name: 'plain HTTP',
    bytes: 'GET / HTTP/1.1\r\nHost: server.test\r\n\r\n',
    expected: { kind: 'protocol', code: 'ERR_SSL_HTTP_REQUEST' },
  },
  {
    name: 'an HTTP proxy request',
    bytes: 'CONNECT server.test:443 HTTP/1.1\r\n\r\n',
    expected: { kind: 'protocol', code: 'ERR_SSL_HTTPS_PROXY_REQUEST' },
  },
  { name: 'garbage', bytes: new Random(3).bytes(600), expected: { kind: 'protocol' } },
  {
    name: 'a record over the size limit',
    bytes: new Uint8Array([22, 3, 1, 0xff, 0xff, ...new Uint8Array(66000)]),
    expected: { kind: 'protocol' },
  },
  { name: 'application data before any handshake', bytes: new Uint8Array([23, 3, 3, 0, 4, 1, 2, 3, 4]), expected: { kind: 'protocol' } },
]

for (const { name, bytes, expected } of NONSENSE) {
  for (const chunkSize of [undefined, 1]) {
    if (chunkSize && bytes.length > 1000) continue
    refuses(`${name} instead of a ClientHello${chunkSize ? ', byte by byte' : ''}`, async (t) => {
      const pipe = memoryPair({ chunkSize })
      const peer = makeParty(t, 'server', pipe[1])
      const answer: number[] = []
      const ended = new Promise<void>((resolve) => {
        pipe[0].attach({ onChunk: (chunk) => answer.push(...chunk), onDrain() {}, onEof: resolve, onError: () => resolve() })
      })
      pipe[0].write(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)
      expectError(await peer.closed, expected)
      pipe[0].end()
      await ended
      assert.ok(answer.length === 0 || answer[0] === ALERT_RECORD, `answered with ${answer.slice(0, 10)}`)
    })
  }
}

refuses('a server that answers in plain HTTP', async (t) => {
  const pipe = memoryPair()
  const client = makeParty(t, 'client', pipe[0])
  const answer = new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n')
  pipe[1].attach({ onChunk: () => pipe[1].write(answer), onDrain() {}, onEof() {}, onError() {} })
  expectError(await client.closed, { kind: 'protocol', code: 'ERR_SSL_WRONG_VERSION_NUMBER', message: 'does not seem to speak TLS' })
})
