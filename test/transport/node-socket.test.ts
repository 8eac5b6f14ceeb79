// What only a Node socket can do to its transport. What it shares with every transport is in conformance.test.ts.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { nodeSocket, type ByteTransport, type DuplexLike } from '../../src/transport/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern } from '../support/random.ts'
import { duplexPair } from '../support/sockets-duplex.ts'
import { dialTcp, listenTcp } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

class Listener {
  readonly chunks: Uint8Array[] = []
  readonly log: string[] = []
  error: (Error & { code?: string }) | undefined
  readonly ended: Promise<void>
  readonly transport: ByteTransport

  constructor(socket: DuplexLike) {
    this.transport = nodeSocket(socket)
    this.ended = new Promise((resolve) => {
      this.transport.attach({
        onChunk: (chunk) => void this.chunks.push(chunk),
        onDrain: () => void this.log.push('drain'),
        onEof: () => {
          this.log.push('eof')
          resolve()
        },
        onError: (error) => {
          this.log.push('error')
          this.error = error
          resolve()
        },
      })
    })
  }
}

async function tcp(t: Case): Promise<[Socket, Socket]> {
  const accepted: Socket[] = []
  const { port, server } = await listenTcp(t, (socket) => accepted.push(socket))
  const dialled = dialTcp(t, port)
  await Promise.all([once(server, 'connection'), once(dialled, 'connect')])
  accepted[0]!.on('error', () => {}) // expected, where one comes
  return [dialled, accepted[0]!]
}

async function someTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await nextTurn()
}

const test = suite('node socket')

test('a socket that is still connecting will do', async (t) => {
  const got: Uint8Array[] = []
  const { port } = await listenTcp(t, (socket) =>
    socket.on('data', (chunk) => got.push(chunk as Buffer)).on('end', () => socket.end('bye')),
  )
  const { transport, ended, chunks } = new Listener(dialTcp(t, port))
  transport.write(pattern(100))
  transport.end()
  await ended
  assert.equal(new Uint8Array(concat(got)), pattern(100))
  assert.is(Buffer.concat(chunks).toString(), 'bye')
})

test('a connection that is refused is an error with its code', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const listener = new Listener(dialTcp(t, port))
  listener.transport.write(pattern(10))
  await listener.ended
  assert.is(listener.error?.code, 'ECONNREFUSED')
  assert.equal(listener.log, ['error'])
})

test("the peer's FIN leaves our direction open, even on a server without allowHalfOpen", async (t) => {
  const server = createServer()
  t.defer(() => new Promise((resolve) => server.close(resolve)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const dialled = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  t.defer(() => dialled.destroy())
  dialled.end('question')
  const [socket] = await accepted
  const { transport, ended, log } = new Listener(socket)
  await ended
  await someTurns()
  transport.write(pattern(300_000))
  transport.end()
  let answer = 0
  for await (const chunk of dialled) answer += (chunk as Buffer).length
  assert.is(answer, 300_000)
  assert.equal(
    log.filter((entry) => entry !== 'drain'),
    ['eof'],
  )
})

const SEIZED: readonly { name: string; seize: (socket: Socket) => unknown; code: string | undefined; message: RegExp }[] = [
  { name: 'destroyed', seize: (socket) => socket.destroy(), code: 'ECONNRESET', message: /was closed before its stream ended/ },
  { name: 'destroyed with an error', seize: (socket) => socket.destroy(new Error('enough')), code: undefined, message: /^enough$/ },
  { name: 'reset', seize: (socket) => socket.resetAndDestroy(), code: 'ECONNRESET', message: /was closed before its stream ended/ },
]

for (const { name, seize, code, message } of SEIZED) {
  test(`a socket ${name} under us is an error, told once`, async (t) => {
    const [socket] = await tcp(t)
    const listener = new Listener(socket)
    await someTurns()
    seize(socket)
    await listener.ended
    await someTurns()
    assert.equal(listener.log, ['error'])
    assert.is(listener.error?.code, code)
    assert.match(listener.error!.message, message)
  })

  test(`a socket ${name} before attach is an error, too`, async (t) => {
    const [socket] = await tcp(t)
    socket.on('error', () => {})
    seize(socket)
    await someTurns()
    const listener = new Listener(socket)
    assert.equal(listener.log, [])
    await listener.ended
    await someTurns()
    assert.equal(listener.log, ['error'])
    assert.match(listener.error!.message, message)
  })
}

test('a socket destroyed after its end, with bytes still to be sent, is an error', async (t) => {
  const [socket, peer] = await tcp(t)
  const listener = new Listener(socket)
  peer.end()
  peer.pause()
  await listener.ended
  while (listener.transport.write(pattern(100_000)));
  listener.transport.write(pattern(10_000_000))
  await someTurns()
  socket.destroy()
  await once(socket, 'close')
  assert.equal(listener.log, ['eof', 'error'])
})

test('a socket that has ended before attach ends after it', async (t) => {
  const [socket, peer] = await tcp(t)
  peer.end()
  socket.resume()
  await once(socket, 'end')
  const listener = new Listener(socket)
  assert.equal(listener.log, [])
  await listener.ended
  listener.transport.write(pattern(100))
  listener.transport.end()
  let answer = 0
  for await (const chunk of peer) answer += (chunk as Buffer).length
  assert.is(answer, 100)
  assert.equal(listener.log, ['eof'])
})

test('bytes that a paused socket holds are delivered', async (t) => {
  const [socket, peer] = await tcp(t)
  socket.pause()
  peer.end(pattern(5000))
  await someTurns()
  const listener = new Listener(socket)
  await listener.ended
  assert.equal(new Uint8Array(concat(listener.chunks)), pattern(5000))
})

test('setEncoding on the socket is told in words', async (t) => {
  const [socket, peer] = await tcp(t)
  socket.setEncoding('utf8')
  const listener = new Listener(socket)
  peer.write('text')
  await listener.ended
  assert.match(listener.error!.message, /do not call setEncoding/)
  peer.write('more text')
  await someTurns()
  assert.equal(listener.log, ['error'])
  assert.equal(listener.chunks, [])
})

test('the peer of a reset sees ECONNRESET', async (t) => {
  const [socket, peer] = await tcp(t)
  const { transport } = new Listener(socket)
  peer.resume()
  transport.reset()
  const [error] = (await once(peer, 'error')) as [NodeJS.ErrnoException]
  assert.is(error.code, 'ECONNRESET')
})

test('a reset after end takes nothing back', async (t) => {
  const [socket, peer] = await tcp(t)
  const { transport } = new Listener(socket)
  transport.write(pattern(100_000))
  transport.end()
  while (socket.writableLength) await nextTurn()
  transport.reset()
  let arrived = 0
  for await (const chunk of peer) arrived += (chunk as Buffer).length
  assert.is(arrived, 100_000)
})

test('errors after a reset, or with nobody attached, do not end the process', async (t) => {
  const [socket, peer] = await tcp(t)
  const listener = new Listener(socket)
  peer.resetAndDestroy()
  listener.transport.write(pattern(1000))
  listener.transport.reset()
  socket.emit('error', new Error('late'))
  await someTurns()
  assert.equal(listener.log, [])
})

test('writing to a destroyed socket returns true: the reason comes by onError', async (t) => {
  const [socket] = await tcp(t)
  const listener = new Listener(socket)
  socket.destroy()
  assert.is(listener.transport.write(pattern(10)), true)
  listener.transport.end()
  await listener.ended
  assert.equal(listener.log, ['error'])
})

test('a Duplex without resetAndDestroy is destroyed by reset', async () => {
  const [a, b] = duplexPair()
  b.on('error', () => {})
  const { transport, log } = new Listener(a)
  transport.reset()
  assert.ok(a.destroyed)
  await someTurns()
  assert.ok(b.destroyed)
  assert.equal(log, [])
})

test('an error of a Duplex comes as it is', async () => {
  const stream = new PassThrough()
  const listener = new Listener(stream)
  const error = new Error('broken codec')
  stream.destroy(error)
  await listener.ended
  assert.is(listener.error, error)
})
