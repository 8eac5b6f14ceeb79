// What servers inherit from net: addresses, counting and refusing connections, and the options that reach the accepted sockets.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Server } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST, root, server as goodServer } from '../../support/certs.ts'
import { connected, dial, dialPlain, listen, Peer, suiteOf } from './server-support.ts'
import type { Subject } from './subject.ts'

const countOf = (server: Server) =>
  new Promise<number>((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))))

export function serverSocketsSuite(subject: Subject): void {
  listeningSuite(subject)
  countingSuite(subject)
  optionsSuite(subject)
}

function listeningSuite(subject: Subject): void {
  const test = suiteOf(subject, 'listening')

  test('address tells where', async (t) => {
    const { server, port } = await listen(t, subject)
    assert.equal({ ...(server.address() as AddressInfo) }, { address: '127.0.0.1', family: 'IPv4', port })
    assert.is(server.listening, true)
  })

  test('on a path', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'membio-'))
    t.defer(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'socket')
    const server = subject.tls.createServer(goodServer(), (socket) => void socket.end('over a path'))
    server.listen(path)
    await once(server, 'listening')
    t.defer(() => server.close())
    assert.is(server.address(), path)
    const socket = subject.tls.connect({ path, servername: HOST, ca: root().cert })
    t.defer(() => socket.destroy())
    const client = new Peer(socket)
    await client.close()
    assert.is(client.text, 'over a path')
  })

  test('listen takes its arguments as net does, and calls back', async (t) => {
    const server = subject.tls.createServer(goodServer())
    t.defer(() => server.close())
    await new Promise<void>((resolve) => assert.is(server.listen(0, '127.0.0.1', 5, resolve), server))
    assert.ok((server.address() as AddressInfo).port > 0)
  })

  test('two listens at once are an error', async (t) => {
    const { server } = await listen(t, subject)
    assert.throws(
      () => server.listen(0),
      (error: NodeJS.ErrnoException) => error.code === 'ERR_SERVER_ALREADY_LISTEN',
    )
  })

  test('a signal closes', async (t) => {
    const controller = new AbortController()
    const server = subject.tls.createServer(goodServer())
    t.defer(() => server.close())
    server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal })
    await once(server, 'listening')
    controller.abort()
    await once(server, 'close')
  })

  test('ref and unref give the server back', async (t) => {
    const { server } = await listen(t, subject)
    assert.is(server.unref(), server)
    assert.is(server.ref(), server)
  })
}

function countingSuite(subject: Subject): void {
  const test = suiteOf(subject, 'connections of servers')

  test('getConnections counts those that are open, secure or not', async (t) => {
    const { listening, client } = await connected(t, subject)
    const { server } = listening
    assert.is(await countOf(server), 1)
    const plain = dialPlain(t, listening.port)
    await once(server, 'connection')
    assert.is(await countOf(server), 2)
    plain.destroy()
    await listening.failure()
    client.socket.end()
    await Promise.all(listening.peers.map((peer) => peer.close()))
    while ((await countOf(server)) > 0) await nextTurn()
  })

  test('beyond maxConnections connections are dropped', async (t) => {
    const listening = await listen(t, subject)
    listening.server.maxConnections = 1
    const first = await dial(t, subject, listening.port).handshake()
    const dropped = once(listening.server, 'drop') as Promise<[{ remotePort?: number; localPort?: number }]>
    const second = dial(t, subject, listening.port)
    const [{ localPort }] = await dropped
    assert.is(localPort, listening.port)
    const error = await second.close()
    assert.is(error?.code, 'ECONNRESET')
    assert.is(first.closed, false)
  })
}

function optionsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'options of accepted sockets')

  test('pauseOnConnect: nothing is read before resume', async (t) => {
    const listening = await listen(t, subject, { pauseOnConnect: true })
    const paused: Socket[] = []
    listening.server.removeAllListeners('secureConnection')
    listening.server.on('secureConnection', (socket) => paused.push(socket))
    const client = await dial(t, subject, listening.port).handshake()
    client.socket.write('too early')
    while (!paused.length) await nextTurn()
    const [socket] = paused
    t.defer(() => socket!.destroy())
    assert.is(socket!.isPaused(), true)
    const chunks: Buffer[] = []
    socket!.on('data', (chunk: Buffer) => chunks.push(chunk))
    for (let i = 0; i < 20; i++) await nextTurn()
    assert.is(chunks.length, 0)
    socket!.resume()
    await once(socket!, 'data')
    assert.is(String(Buffer.concat(chunks)), 'too early')
  })

  test('allowHalfOpen: the server may go on after the client has ended', async (t) => {
    const { client, server } = await connected(t, subject, { allowHalfOpen: true })
    client.socket.end('question')
    await server.until(() => server.ended)
    assert.is(server.text, 'question')
    server.socket.end('answer')
    await client.close()
    assert.is(client.text, 'answer')
  })

  test('without allowHalfOpen the server ends when the client does', async (t) => {
    const { client, server } = await connected(t, subject)
    client.socket.end()
    await server.close()
    assert.equal([server.ended, server.socket.writableEnded, server.error], [true, true, undefined])
  })

  test('noDelay, keepAlive and highWaterMark are taken', async (t) => {
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000, highWaterMark: 1024 }
    const { client, server } = await connected(t, subject, options)
    server.socket.end('hello')
    await client.close()
    assert.is(client.text, 'hello')
  })
}
