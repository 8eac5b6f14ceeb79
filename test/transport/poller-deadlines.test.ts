// Deadlines: what happens when the other side says nothing, or no more. No test here measures a time: each waits for what must come.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { memoryPair, nodeSocket, type TransportReceiver } from '../../src/transport/index.ts'
import { expectError } from '../support/expect.ts'
import { pattern } from '../support/random.ts'
import {
  dialMembio,
  dialTcp,
  listenTcp,
  makeParty,
  memoryParties,
  relayedParties,
  serveMembio,
  type Party,
} from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'

const NOBODY: TransportReceiver = { onChunk() {}, onDrain() {}, onEof() {}, onError() {} }
const HANDSHAKE_TIMEOUT = { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: 'was not done in time' } as const

const handshake = suite('poller: handshake deadline')

for (const role of ['client', 'server'] as const) {
  handshake(`a ${role} whose peer says nothing`, async (t) => {
    const pipe = memoryPair()
    const told: string[] = []
    pipe[1].attach({ ...NOBODY, onError: (error) => void told.push((error as NodeJS.ErrnoException).code!) })
    const party = makeParty(t, role, pipe[0], { deadlines: { handshake: 20 } })
    expectError(await party.closed, HANDSHAKE_TIMEOUT)
    while (!told.length) await sleep(1)
    assert.equal(told, ['ECONNRESET'])
  })

  handshake(`a ${role} whose peer stops in the middle`, async (t) => {
    let bytes = 600
    const { client, server } = relayedParties(t, { [role]: { deadlines: { handshake: 50 } } }, (chunk) => {
      const passed = chunk.subarray(0, bytes)
      bytes -= passed.length
      return passed
    })
    const [it, other] = role === 'client' ? [client, server] : [server, client]
    expectError(await it.closed, HANDSHAKE_TIMEOUT)
    expectError(await other.closed, { kind: 'io', code: 'ECONNRESET' })
  })
}

handshake('a peer that sends a byte now and then does not put it off', async (t) => {
  const pipe = memoryPair()
  pipe[1].attach(NOBODY)
  const server = makeParty(t, 'server', pipe[0], { deadlines: { handshake: 50, idle: 5000 } })
  const hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]
  const dripping = setInterval(() => hello.length && pipe[1].write(new Uint8Array([hello.shift()!])), 8)
  t.defer(() => clearInterval(dripping))
  expectError(await server.closed, HANDSHAKE_TIMEOUT)
})

handshake('ends with the handshake', async (t) => {
  const { client, server } = memoryParties(t, { client: { deadlines: { handshake: 1000 } } })
  await Promise.all([client.secure(), server.secure()])
  await sleep(1200)
  assert.not(client.calls.includes('onClose'))
})

handshake('0 switches it off', async (t) => {
  const pipe = memoryPair()
  pipe[1].attach(NOBODY)
  const client = makeParty(t, 'client', pipe[0], { deadlines: { handshake: 0 } })
  await sleep(50)
  assert.not(client.calls.includes('onClose'))
})

handshake('a kernel socket is closed by it', async (t) => {
  const { port } = await serveMembio(t, { deadlines: { handshake: 30 } })
  const socket = dialTcp(t, port)
  socket.resume()
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  assert.is(error.code, 'ECONNRESET')
})

const idle = suite('poller: idle deadline')
const IDLE_TIMEOUT = { kind: 'io', code: 'ERR_TLS_IDLE_TIMEOUT' } as const

idle('a connection on which no byte passes', async (t) => {
  const { client, server } = memoryParties(t, { server: { deadlines: { idle: 40 } } })
  await client.secure()
  expectError(await server.closed, IDLE_TIMEOUT)
  expectError(await client.closed, { kind: 'io', code: 'ECONNRESET' })
})

idle('bytes in either direction put it off', async (t) => {
  const { client, server } = memoryParties(t, { client: { deadlines: { idle: 1500 } }, server: { deadlines: { idle: 1500 } } })
  await Promise.all([client.secure(), server.secure()])
  for (let i = 0; i < 9; i++) {
    await sleep(200)
    ;(i % 2 ? client : server).poller.write('still here')
  }
  assert.not(client.calls.includes('onClose'))
  assert.not(server.calls.includes('onClose'))
})

idle('is off by default', async (t) => {
  const { client, server } = memoryParties(t)
  await Promise.all([client.secure(), server.secure()])
  await sleep(50)
  assert.not(client.calls.includes('onClose'))
})

const shutdown = suite('poller: shutdown deadline')

shutdown('a peer that never answers close_notify: no error, since all was sent', async (t) => {
  let passing = true
  const { client } = relayedParties(t, { client: { deadlines: { shutdown: 30 } } }, (chunk) => (passing ? chunk : undefined))
  await client.secure()
  passing = false
  client.poller.close()
  assert.is(await client.closed, undefined)
})

shutdown('a peer that does not take what was written: the loss is told', async (t) => {
  const { client, server } = memoryParties(t, { client: { deadlines: { shutdown: 30 } } })
  await Promise.all([client.secure(), server.secure()])
  server.poller.pause()
  client.poller.write(pattern(1_000_000))
  client.poller.close()
  expectError(await client.closed, { kind: 'io', code: 'ERR_TLS_SHUTDOWN_TIMEOUT' })
})

shutdown('what is encrypted, and waits for the pipe, is a loss, too', async (t) => {
  const { client, server, pipe } = memoryParties(t, { client: { deadlines: { shutdown: 30 } }, pipe: { window: 1 } })
  await Promise.all([client.secure(), server.secure()])
  await sleep(20)
  pipe[1].pause()
  client.poller.write(pattern(1000), () => client.poller.close())
  expectError(await client.closed, { kind: 'io', code: 'ERR_TLS_SHUTDOWN_TIMEOUT' })
})

shutdown('counts from the last progress: a slow peer gets all of a long queue', async (t) => {
  const { client, server } = memoryParties(t, {
    client: { deadlines: { shutdown: 400 } },
    server: {
      handlers: {
        onPlaintext() {
          server.poller.pause()
          setTimeout(() => server.poller.resume(), 30)
        },
      },
    },
  })
  client.poller.write(pattern(2_000_000))
  client.poller.close()
  assert.is(await client.closed, undefined)
  assert.is(await server.closed, undefined)
  assert.is(server.bytesReceived, 2_000_000)
})

shutdown('what the kernel has taken still arrives, however late the peer reads it', async (t) => {
  const accepted: Socket[] = []
  const { port } = await listenTcp(t, (socket) => accepted.push(socket))
  const client = dialMembio(t, port)
  while (!accepted.length) await nextTurn()
  const party = makeParty(t, 'server', nodeSocket(accepted[0]!), { deadlines: { shutdown: 30 } })
  await Promise.all([client.secure(), party.secure()])
  client.poller.pause()
  party.poller.write(pattern(400_000))
  party.poller.close()
  assert.is(await party.closed, undefined)
  client.poller.resume()
  assert.is(await client.closed, undefined)
  assert.is(Buffer.compare(client.plaintext, pattern(400_000)), 0)
})

shutdown('a socket whose peer has ended but does not read is given up in the end', async (t) => {
  const accepted: Socket[] = []
  const server = await listenTcp(t, (socket) => accepted.push(socket))
  // A middleman who passes on all that the client says, and at first all that the server says.
  const { port } = await listenTcp(t, (socket) => {
    upstream.on('data', (chunk) => socket.write(chunk))
    socket.on('data', (chunk) => upstream.write(chunk))
    socket.on('error', () => {})
  })
  const upstream = dialTcp(t, server.port).on('error', () => {})
  const client = dialMembio(t, port)
  while (!accepted.length) await nextTurn()
  const [socket] = accepted as [Socket]
  const party: Party = makeParty(t, 'server', nodeSocket(socket), {
    deadlines: { shutdown: 50 },
    handlers: { onEnd: () => party.poller.close() },
  })
  await Promise.all([client.secure(), party.secure()])
  upstream.pause()
  // Until the kernel takes no more, but the socket's own queue still does: to the poller all is sent.
  while (socket.writableLength === 0) {
    party.poller.write(pattern(5000))
    await nextTurn()
  }
  client.poller.closeWrite()
  assert.is(await party.closed, undefined)
  assert.not(socket.destroyed)
  upstream.end() // the FIN; nobody reads what the socket still has to send
  await once(socket, 'close')
})
