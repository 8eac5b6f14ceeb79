// What a server reports and when: connections, failures, key logs, closing; and how long it waits for a handshake.
import { EventEmitter, once } from 'node:events'
import * as net from 'node:net'
import * as assert from 'uvu/assert'
import { client as goodClient, root, server as goodServer } from '../../support/certs.ts'
import { matchError, type ExpectedError } from './error-support.ts'
import { attempt, connected, cuttable, dial, dialPlain, listen, started, suiteOf } from './server-support.ts'
import type { Subject } from './subject.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

export function serverEventsSuite(subject: Subject): void {
  orderSuite(subject)
  failureSuite(subject)
  keylogSuite(subject)
  closeSuite(subject)
}

function orderSuite(subject: Subject): void {
  const test = suiteOf(subject, 'events of servers')

  for (const maxVersion of VERSIONS) {
    test(`${maxVersion}: connection, secureConnection, close`, async (t) => {
      const order: string[] = []
      const server = subject.tls.createServer({ ...goodServer(), maxVersion })
      for (const event of ['listening', 'connection', 'secureConnection', 'tlsClientError', 'error', 'close'])
        server.on(event, () => order.push(event))
      const listening = await started(t, server)
      const { client } = await attempt(t, subject, listening)
      assert.is(client.text, 'hello')
      server.close()
      await once(server, 'close')
      assert.equal(order, ['listening', 'connection', 'secureConnection', 'close'])
    })
  }

  test('connection has the plain socket, secureConnection the one of TLS', async (t) => {
    const listening = await listen(t, subject)
    const plain = once(listening.server, 'connection') as Promise<[net.Socket]>
    const secure = once(listening.server, 'secureConnection') as Promise<[net.Socket]>
    const client = dial(t, subject, listening.port)
    const [[raw], [socket]] = await Promise.all([plain, secure, client.handshake()])
    assert.ok(raw instanceof net.Socket)
    assert.not(raw instanceof subject.tls.TLSSocket)
    assert.ok(socket instanceof subject.tls.TLSSocket)
    assert.equal([socket.remotePort, socket.localPort], [raw.remotePort, listening.port])
    assert.is(client.socket.localPort, raw.remotePort)
  })

  test('the listener given to createServer is one of secureConnection', async (t) => {
    const sockets: unknown[] = []
    const listening = await started(
      t,
      subject.tls.createServer(goodServer(), (socket) => void sockets.push(socket)),
    )
    await attempt(t, subject, listening)
    assert.equal(sockets.length, 1)
    assert.is(sockets[0], listening.peers[0]!.socket)
  })

  test('what server sockets know at once', async (t) => {
    const listening = await listen(t, subject, { ALPNProtocols: ['h2'], requestCert: true, ca: root().cert })
    const facts = new Promise<unknown>((resolve) =>
      listening.server.on('secureConnection', (socket) => {
        const { authorized, authorizationError, alpnProtocol, servername, encrypted } = socket
        resolve({ authorized, authorizationError, alpnProtocol, servername, encrypted, protocol: socket.getProtocol() })
      }),
    )
    await attempt(t, subject, listening, { ...goodClient(), ALPNProtocols: ['h2'] })
    assert.equal(await facts, {
      authorized: true,
      authorizationError: null,
      alpnProtocol: 'h2',
      servername: 'server.test',
      encrypted: true,
      protocol: 'TLSv1.3',
    })
  })

  test('a connection made elsewhere can be handed over by emitting it', async (t) => {
    const listening = await listen(t, subject)
    const front = net.createServer((socket) => void listening.server.emit('connection', socket))
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    t.defer(() => new Promise((resolve) => front.close(resolve)))
    const client = await dial(t, subject, (front.address() as net.AddressInfo).port).handshake()
    const accepted = await listening.accept()
    accepted.socket.end('by way of another')
    await client.close()
    assert.is(client.text, 'by way of another')
  })

  test('a listener that rejects destroys the socket where rejections are captured', async (t) => {
    t.defer(() => (EventEmitter.captureRejections = false))
    EventEmitter.captureRejections = true
    const listening = await listen(t, subject)
    listening.server.on('secureConnection', async () => Promise.reject(new Error('rejected')))
    dial(t, subject, listening.port)
    const accepted = await listening.accept()
    matchError(await accepted.close(), { message: 'rejected' })
  })
}

function failureSuite(subject: Subject): void {
  const test = suiteOf(subject, 'tlsClientError')
  const half = Buffer.from('160301020001', 'hex')

  const rows: [string, Buffer, (socket: net.Socket) => void, ExpectedError][] = [
    ['the client ends without a word', Buffer.alloc(0), (socket) => socket.end(), { code: 'ECONNRESET', message: 'socket hang up' }],
    ['the client ends in its first message', half, (socket) => socket.end(), { code: 'ECONNRESET', message: 'socket hang up' }],
    [
      'the client speaks another language',
      Buffer.from('SSH-2.0-OpenSSH_9.0\r\n'),
      () => {},
      { code: 'ERR_SSL_WRONG_VERSION_NUMBER', library: 'SSL routines', reason: 'wrong version number' },
    ],
  ]
  for (const [name, bytes, then, error] of rows) {
    test(name, async (t) => {
      const listening = await listen(t, subject)
      const sockets: unknown[] = []
      listening.server.on('tlsClientError', (_, socket) => sockets.push(socket))
      const socket = dialPlain(t, listening.port)
      await once(socket, 'connect')
      if (bytes.length) socket.write(bytes)
      then(socket)
      matchError(await listening.failure(), error)
      await once(socket.resume(), 'close')
      assert.ok(sockets[0] instanceof subject.tls.TLSSocket)
      assert.equal([listening.errors.length, listening.peers.length], [1, 0])
    })
  }

  test('a reset', async (t) => {
    const listening = await listen(t, subject)
    const socket = dialPlain(t, listening.port)
    await once(listening.server, 'connection')
    socket.resetAndDestroy()
    matchError(await listening.failure(), { code: 'ECONNRESET', message: 'read ECONNRESET', fields: { syscall: 'read' } })
  })

  test('the socket can still be asked who it was', async (t) => {
    const listening = await listen(t, subject)
    const addresses: unknown[] = []
    listening.server.on('tlsClientError', (_, socket) => addresses.push(socket.remoteAddress, socket.remotePort))
    const socket = dialPlain(t, listening.port)
    await once(socket, 'connect')
    const { localPort } = socket
    socket.write('SSH-2.0-OpenSSH_9.0\r\n')
    await listening.failure()
    assert.equal(addresses, ['127.0.0.1', localPort])
  })

  test('a server without a listener goes on', async (t) => {
    const listening = await listen(t, subject)
    listening.server.removeAllListeners('tlsClientError')
    const socket = dialPlain(t, listening.port)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket.resume(), 'close')
    assert.is((await attempt(t, subject, listening)).client.text, 'hello')
  })

  test('after the handshake errors are of the socket', async (t) => {
    const listening = await listen(t, subject)
    const wire = await cuttable(t, listening.port)
    const client = await dial(t, subject, wire.port).handshake()
    const server = await listening.accept()
    server.socket.write('all is well')
    await client.until(() => client.text === 'all is well')
    wire.upstream().resetAndDestroy()
    matchError(await server.close(), { code: 'ECONNRESET', message: 'read ECONNRESET' })
    assert.is(listening.errors.length, 0)
  })

  test('handshakeTimeout', async (t) => {
    const listening = await listen(t, subject, { handshakeTimeout: 50 })
    const socket = dialPlain(t, listening.port)
    const failed = once(listening.server, 'tlsClientError') as Promise<[Error, net.Socket]>
    const [error, accepted] = await failed
    matchError(error, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: 'TLS handshake timeout' })
    assert.is(accepted.destroyed, false)
    accepted.destroy()
    await once(socket.resume(), 'close')
  })

  test('handshakeTimeout ends with the handshake', async (t) => {
    const { client, server } = await connected(t, subject, { handshakeTimeout: 500 })
    assert.not(server.socket.timeout)
    server.socket.end('in time')
    await client.close()
    assert.is(client.text, 'in time')
  })
}

function keylogSuite(subject: Subject): void {
  const test = suiteOf(subject, 'keylog of servers')
  const LABELS = {
    'TLSv1.2': ['CLIENT_RANDOM'],
    'TLSv1.3': [
      'SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'EXPORTER_SECRET',
      'SERVER_TRAFFIC_SECRET_0',
      'CLIENT_TRAFFIC_SECRET_0',
    ],
  }
  for (const maxVersion of VERSIONS) {
    test(`${maxVersion}: lines with a socket, the client's lines are the same`, async (t) => {
      const listening = await listen(t, subject, { maxVersion })
      const lines: string[] = []
      const sockets = new Set<unknown>()
      listening.server.on('keylog', (line, socket) => {
        lines.push(line.toString())
        sockets.add(socket)
      })
      const client = await dial(t, subject, listening.port).handshake()
      const accepted = await listening.accept()
      for (const line of lines) assert.match(line, /^\w+ [0-9a-f]{64} [0-9a-f]{64,96}\n$/)
      assert.equal(lines.map((line) => line.split(' ')[0]).sort(), [...LABELS[maxVersion]].sort())
      assert.equal([...sockets], [accepted.socket])
      assert.equal(lines.map((line) => line.trim()).sort(), [...client.keylog].sort())
    })
  }
}

function closeSuite(subject: Subject): void {
  const test = suiteOf(subject, 'closing servers')

  test('close waits for connections, and refuses new ones', async (t) => {
    const { listening, client, server } = await connected(t, subject)
    let closed = false
    listening.server.close(() => (closed = true))
    assert.is(listening.server.listening, false)
    server.socket.write('still here')
    await client.until(() => client.bytesReceived === 10)
    assert.is(closed, false)
    const done = once(listening.server, 'close')
    client.socket.end()
    await done
    assert.is(closed, true)
  })

  test('Symbol.asyncDispose closes', async (t) => {
    const listening = await listen(t, subject)
    await listening.server[Symbol.asyncDispose]()
    assert.is(listening.server.listening, false)
  })

  test('a server can listen again', async (t) => {
    const listening = await listen(t, subject)
    listening.server.close()
    await once(listening.server, 'close')
    listening.server.listen(0, '127.0.0.1')
    await once(listening.server, 'listening')
    assert.is((await attempt(t, subject, listening)).client.text, 'hello')
  })

  test('listening on a port in use is an error', async (t) => {
    const listening = await listen(t, subject)
    const second = subject.tls.createServer()
    second.listen(listening.port, '127.0.0.1')
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException]
    assert.equal([error.code, error.syscall], ['EADDRINUSE', 'listen'])
  })
}
