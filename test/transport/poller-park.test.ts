// A server that parks the ClientHello to decide in its own time: what goes on, what waits, and what may happen meanwhile.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import type { ClientHello, Version } from '../../src/index.ts'
import { memoryPair } from '../../src/transport/index.ts'
import { HOST, server as goodServer, serverFor } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makeContext, makeParty, memoryParties, type MemoryPairSetting, type MemoryParties, type Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

/** The parties, once the server has parked. */
async function parked(t: Case, setting: MemoryPairSetting = {}): Promise<MemoryParties & { hello: ClientHello }> {
  const parties = memoryParties(t, { ...setting, server: { ...setting.server, engine: { park: ['clientHello'] } } })
  const { server } = parties
  await server.until(() => server.eventsOf('clientHello').length > 0)
  return { ...parties, hello: server.eventsOf('clientHello')[0]!.hello }
}

async function pingPong(client: Party, server: Party): Promise<void> {
  client.poller.write('ping')
  await server.until(() => server.text === 'ping')
  server.poller.write('pong')
  await client.until(() => client.text === 'pong')
}

const test = suite('poller: a parked ClientHello')

for (const version of VERSIONS) {
  for (const chunkSize of [undefined, 1]) {
    test(`goes on after a while with the context chosen by servername, ${version}${chunkSize ? ', byte by byte' : ''}`, async (t) => {
      const chosen = makeContext(t, 'server', { ...serverFor('other.test') })
      const { client, server, hello } = await parked(t, {
        client: { settings: { maxVersion: version }, engine: { servername: 'other.test' } },
        pipe: { chunkSize },
      })
      assert.is(hello.servername, 'other.test')
      await sleep(5)
      assert.equal(server.events.at(-1), { type: 'want', want: 'want-callback' })
      server.engine.resume({ context: chosen })
      server.poller.wake()
      await pingPong(client, server)
      assert.is(client.agreed.version, version)
    })
  }
}

test('goes on with ALPN chosen for this client', async (t) => {
  const { client, server, hello } = await parked(t, { client: { settings: { alpn: ['h2', 'http/1.1'] } } })
  assert.equal(hello.alpn, ['h2', 'http/1.1'])
  server.engine.resume({ alpn: ['http/1.1'] })
  server.poller.wake()
  await pingPong(client, server)
  assert.is(client.agreed.alpn, 'http/1.1')
})

test('can be answered from within onEvent', async (t) => {
  const parties: MemoryParties = memoryParties(t, {
    server: {
      engine: { park: ['clientHello'] },
      handlers: {
        onEvent(event) {
          if (event.type !== 'clientHello') return
          parties.server.engine.resume()
          parties.server.poller.wake()
        },
      },
    },
  })
  await pingPong(parties.client, parties.server)
})

test('can be refused with an alert of our choice', async (t) => {
  const { client, server } = await parked(t)
  server.engine.resume({ alert: 112 })
  server.poller.wake()
  expectError(await client.closed, { kind: 'alert', alert: { direction: 'received', description: 112, name: 'unrecognized_name' } })
  expectError(await server.closed, { kind: 'protocol', alert: { direction: 'sent', description: 112, name: 'unrecognized_name' } })
})

test('waits: nothing goes out, and waking without an answer changes nothing', async (t) => {
  const { client, server } = await parked(t)
  for (let i = 0; i < 20; i++) {
    server.poller.wake()
    await nextTurn()
  }
  assert.is(server.eventsOf('clientHello').length, 1)
  assert.not(client.calls.includes('onSecure'))
  server.engine.resume()
  server.poller.wake()
  await pingPong(client, server)
})

test('what was written meanwhile goes out after the handshake', async (t) => {
  const { client, server } = await parked(t)
  server.poller.write('welcome')
  server.engine.resume()
  server.poller.wake()
  await client.until(() => client.text === 'welcome')
})

test('the peer ends the stream meanwhile: told once the handshake goes on', async (t) => {
  const { server, pipe } = await parked(t)
  pipe[0].end()
  await sleep(5)
  assert.not(server.calls.includes('onClose'))
  server.engine.resume()
  server.poller.wake()
  expectError(await server.closed, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
})

test('the peer resets meanwhile: told at once, and a late answer is a usage error', async (t) => {
  const { client, server } = await parked(t)
  client.poller.destroy()
  expectError(await server.closed, { kind: 'io', code: 'ECONNRESET' })
  expectThrow(() => server.engine.resume(), { kind: 'usage', message: 'freed' })
  server.poller.wake()
})

test('destroy meanwhile', async (t) => {
  const { client, server } = await parked(t)
  server.poller.destroy()
  assert.is(await server.closed, undefined)
  expectError(await client.closed, { kind: 'io', code: 'ECONNRESET' })
})

test('close meanwhile: the shutdown deadline ends it', async (t) => {
  const { server } = await parked(t, { server: { deadlines: { shutdown: 20 } } })
  server.poller.close()
  expectError(await server.closed, { kind: 'closed', code: 'ERR_TLS_CLOSED_IN_HANDSHAKE' })
})

test('the handshake deadline counts meanwhile', async (t) => {
  const { server } = await parked(t, { server: { deadlines: { handshake: 60 } } })
  expectError(await server.closed, { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
})

// ---- A ClientHello with good framing and nonsense inside must fail as the peer's fault, and not as ours. ----

const vector = (width: 1 | 2 | 3, bytes: readonly number[]): number[] => {
  const length = [bytes.length >> 16, (bytes.length >> 8) & 0xff, bytes.length & 0xff]
  return [...length.slice(3 - width), ...bytes]
}

const SUPPORTED_VERSIONS = [0, 43, ...vector(2, vector(1, [3, 4]))]

function clientHello(extension: readonly number[]): Uint8Array {
  const body = [3, 3, ...Array<number>(32).fill(7), ...vector(1, []), ...vector(2, [0x13, 1]), ...vector(1, [0])]
  const message = [1, ...vector(3, [...body, ...vector(2, [...SUPPORTED_VERSIONS, ...extension])])]
  return new Uint8Array([22, 3, 1, ...vector(2, message)])
}

const NONSENSE: readonly { name: string; extension: number[] }[] = [
  { name: 'a server name longer than its list', extension: [0, 0, ...vector(2, [0, 5, 0, 0, 200])] },
  { name: 'half a group', extension: [0, 10, ...vector(2, [0, 3, 0, 29, 0])] },
  { name: 'an ALPN list that is longer than its extension', extension: [0, 16, ...vector(2, [0, 99, 2, 104, 50])] },
  { name: 'a signature scheme list of one byte', extension: [0, 13, ...vector(2, [1])] },
]

for (const { name, extension } of NONSENSE) {
  test(`${name} is the peer's fault`, async (t) => {
    const pipe = memoryPair()
    const server: Party = makeParty(t, 'server', pipe[1], {
      settings: goodServer(),
      engine: { park: ['clientHello'] },
      handlers: {
        onEvent(event) {
          if (event.type !== 'clientHello') return
          server.engine.resume()
          server.poller.wake()
        },
      },
    })
    pipe[0].attach({ onChunk() {}, onDrain() {}, onEof() {}, onError() {} })
    pipe[0].write(clientHello(extension))
    expectError(await server.closed, { kind: 'protocol' })
  })
}

test('the same ClientHello without nonsense parks', async (t) => {
  const pipe = memoryPair()
  const server = makeParty(t, 'server', pipe[1], { engine: { park: ['clientHello'] } })
  pipe[0].attach({ onChunk() {}, onDrain() {}, onEof() {}, onError() {} })
  const name = [...new TextEncoder().encode(HOST)]
  pipe[0].write(clientHello([0, 0, ...vector(2, vector(2, [0, ...vector(2, name)]))]))
  await server.until(() => server.eventsOf('clientHello').length > 0)
  assert.is(server.eventsOf('clientHello')[0]!.hello.servername, HOST)
})
