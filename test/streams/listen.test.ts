// membio/streams' listener: accepting, turning away, ending.
import * as assert from 'uvu/assert'
import { createContext, liveHandles } from '../../src/index.ts'
import { listen } from '../../src/streams/index.ts'
import { server } from '../support/certs.ts'
import { expectRejection } from '../support/expect.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialTcp } from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'
import { dial, letGo, own, readSome, write } from './echo.ts'

const test = suite('streams: listen')

test('accept waits for a client; who comes first is there first', async (t) => {
  const listener = await own(t)
  const accepting = [listener.accept(), listener.accept()]
  const clients = [dial(t, listener.address.port), dial(t, listener.address.port)]
  const sockets = await Promise.all(accepting)
  for (const socket of sockets) t.defer(() => letGo(socket))
  await Promise.all(clients.map(({ opened }) => opened))
  const addresses = await Promise.all(clients.map(async ({ opened }) => (await opened).localAddress))
  assert.equal(sockets.map(({ info }) => info!.remoteAddress).sort(), addresses.sort())
})

test('a client that is slow with its handshake holds up nobody', async (t) => {
  const listener = await own(t)
  dialTcp(t, listener.address.port)
  const client = dial(t, listener.address.port)
  const socket = await listener.accept()
  t.defer(() => letGo(socket))
  await write(client, 'hello')
  assert.is(await readSome(socket, /hello/), 'hello')
})

test('more clients than may wait are turned away', async (t) => {
  const listener = await own(t, { backlog: 1 })
  const first = dial(t, listener.address.port)
  await first.opened
  const second = dial(t, listener.address.port)
  await expectRejection(second.opened, {})
  const socket = await listener.accept()
  t.defer(() => letGo(socket))
  const third = dial(t, listener.address.port)
  await third.opened
})

test('leaving the loop closes it; connections live on', async (t) => {
  const listener = await own(t)
  const client = dial(t, listener.address.port)
  for await (const socket of listener) {
    t.defer(() => letGo(socket))
    void socket.readable.pipeTo(socket.writable)
    break
  }
  await listener.closed
  await expectRejection(dial(t, listener.address.port).opened, { kind: 'io', code: 'ECONNREFUSED' })
  await write(client, 'still here')
  assert.is(await readSome(client, /here/), 'still here')
  await expectRejection(listener.accept(), { kind: 'closed', code: 'ERR_TLS_LISTENER_CLOSED' })
})

test('a signal ends it, and whoever waits', async (t) => {
  const controller = new AbortController()
  const listener = await own(t, { signal: controller.signal })
  const accepting = listener.accept()
  const waiting = dialNode(t, listener.address.port)
  const socket = await accepting
  t.defer(() => letGo(socket))
  const last = listener.accept()
  controller.abort()
  await expectRejection(last, { kind: 'closed', code: 'ERR_TLS_LISTENER_CLOSED' })
  await listener.closed
  waiting.socket.end()
})

test('its context is freed with it, and a given one is not', async (t) => {
  const before = liveHandles()
  const listener = await listen({ ...server(), hostname: '127.0.0.1', port: 0 })
  assert.is(liveHandles(), before + 1)
  listener.close()
  assert.is(liveHandles(), before)
  const context = t.own(createContext(server()))
  const second = await own(t, { context })
  second.close()
  context.createEngine({ role: 'server' }).free()
})

test('a context that its owner frees too early ends it', async (t) => {
  const context = createContext(server())
  const listener = await own(t, { context })
  listener.closed.catch(() => {})
  context.free()
  const accepting = expectRejection(listener.accept(), { kind: 'closed', code: 'ERR_TLS_LISTENER_CLOSED' })
  await expectRejection(dial(t, listener.address.port).opened, {})
  await accepting
  await expectRejection(listener.closed, { kind: 'usage', message: 'has been freed' })
})

test('what is wrong with the options is told at once', async (t) => {
  await expectRejection(listen({ port: 0 }), { kind: 'usage', message: 'a server needs a certificate' })
  await expectRejection(listen({ ...server(), port: -1 }), { kind: 'usage', message: 'port is -1' })
  await expectRejection(listen({ ...server(), port: 0, backlog: 0 }), { kind: 'usage', message: 'backlog' })
  await expectRejection(listen({ ...server(), port: 0, signal: AbortSignal.abort() }), { kind: 'closed', code: 'ERR_TLS_ABORTED' })
  const { address } = await own(t)
  await expectRejection(listen({ ...server(), ...address }), { kind: 'io', code: 'EADDRINUSE', message: `port ${address.port} failed` })
})
