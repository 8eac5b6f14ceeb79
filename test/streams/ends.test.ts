// How connections end: half-close, truncation, deadlines, and what is left behind. Against Node's own tls, and against whoever cuts the wire.
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { connect } from '../../src/streams/index.ts'
import { root } from '../support/certs.ts'
import { expectRejection, sameBytes } from '../support/expect.ts'
import { pattern } from '../support/random.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialTcp, listenTcp } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'
import { readAll } from './cases.ts'
import { dial, nodeEcho, own, readSome, serve, write } from './echo.ts'

const ANSWER = pattern(300_000)
const half = suite('streams: half-close')

half('we end first, and read on', async (t) => {
  const { port, accept } = await serveNode(t, {}, ({ socket }) => socket.on('end', () => socket.end(ANSWER)))
  const socket = dial(t, port)
  await write(socket, 'question')
  await socket.writable.close()
  sameBytes(await readAll(socket.readable), ANSWER)
  await socket.closed
  assert.is((await accept()).text, 'question')
})

half('`writable.close` is done when all has left, and not before', async (t) => {
  const { port, accept } = await serveNode(t, {}, ({ socket }) => socket.pause())
  const socket = dial(t, port)
  await socket.opened
  const writer = socket.writable.getWriter()
  for (let turn = 0; turn < 100; turn++) writer.write(ANSWER).catch(() => {})
  let isClosed = false
  const closing = writer.close().then(() => (isClosed = true))
  const peer = await accept()
  await sleep(20)
  assert.is(isClosed, false)
  peer.socket.resume()
  await closing
  await peer.until(() => peer.ended)
  assert.is(peer.bytesReceived, 100 * ANSWER.length)
})

half('the peer ends first, and we write on: with allowHalfOpen', async (t) => {
  const listener = await own(t, { allowHalfOpen: true })
  serve(t, listener, async (socket) => {
    const question = await readAll(socket.readable)
    await write(socket, question)
    await write(socket, ANSWER)
    await socket.writable.close()
  })
  const peer = dialNode(t, listener.address.port)
  peer.socket.end('question')
  assert.is(await peer.close(), undefined)
  assert.is(peer.bytesReceived, 8 + ANSWER.length)
})

half('without it the connection is closed when the end has been read; what was written before is sent', async (t) => {
  const listener = await own(t)
  const accepted = listener.accept()
  const peer = dialNode(t, listener.address.port)
  const socket = await accepted
  t.defer(() => socket.close())
  const writer = socket.writable.getWriter()
  const writes = [writer.write(ANSWER), writer.write(ANSWER)]
  peer.socket.end('question')
  const reading = readAll(socket.readable)
  await Promise.all(writes)
  assert.is((await reading).length, 8)
  await socket.closed
  assert.is(await peer.close(), undefined)
  assert.is(peer.bytesReceived, 2 * ANSWER.length)
  await expectRejection(writer.write(ANSWER), { kind: 'closed', code: 'ERR_TLS_CLOSED' })
})

const cut = suite('streams: truncation')

/** A server that says something, behind somebody who can cut the wire: with an RST, or without. */
async function cutter(t: Case): Promise<{ port: number; cut(how: 'destroy' | 'resetAndDestroy'): void }> {
  const { port } = await serveNode(t, {}, ({ socket }) => void socket.write('not all'))
  let wire: Socket
  const proxy = await listenTcp(t, (near) => {
    wire = near
    const far = dialTcp(t, port)
    near.pipe(far).pipe(near)
  })
  return { port: proxy.port, cut: (how) => void wire[how]() }
}

cut('EOF without close_notify is an error on readable, and of `closed`; what came before is there', async (t) => {
  const wire = await cutter(t)
  const socket = dial(t, wire.port)
  assert.is(await readSome(socket, /not all/), 'not all')
  wire.cut('destroy')
  const error = await expectRejection(readAll(socket.readable), { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
  assert.is(await socket.closed.catch((same: unknown) => same), error)
})

cut('with insecureTruncation it is an end', async (t) => {
  const wire = await cutter(t)
  const socket = dial(t, wire.port, { insecureTruncation: true })
  assert.is(await readSome(socket, /not all/), 'not all')
  wire.cut('destroy')
  assert.is((await readAll(socket.readable)).length, 0)
  await socket.closed
})

cut('a reset is an error of the transport', async (t) => {
  const wire = await cutter(t)
  const socket = dial(t, wire.port)
  assert.is(await readSome(socket, /not all/), 'not all')
  wire.cut('resetAndDestroy')
  await expectRejection(readAll(socket.readable), { kind: 'io', code: 'ECONNRESET' })
  await expectRejection(socket.closed, { kind: 'io', code: 'ECONNRESET' })
})

cut('in the midst of the handshake', async (t) => {
  const { port } = await listenTcp(t, (raw) => raw.once('data', () => raw.destroy()))
  const socket = dial(t, port)
  const error = await expectRejection(socket.opened, { code: 'ERR_TLS_TRUNCATED' })
  assert.is(await socket.closed.catch((same: unknown) => same), error)
})

const late = suite('streams: deadlines')

late('a server that says nothing', async (t) => {
  const { port } = await listenTcp(t, () => {})
  const socket = dial(t, port, { deadlines: { handshake: 50 } })
  await expectRejection(socket.opened, { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
})

late('a client that says nothing is passed over', async (t) => {
  const codes: string[] = []
  const listener = await own(t, { deadlines: { handshake: 50 }, onClientError: ({ code }) => void codes.push(code) })
  const raw = dialTcp(t, listener.address.port)
  await new Promise((resolve) => raw.on('error', resolve).on('close', resolve))
  assert.equal(codes, ['ERR_TLS_HANDSHAKE_TIMEOUT'])
})

late('silence', async (t) => {
  const socket = dial(t, await nodeEcho(t), { deadlines: { idle: 100 } })
  await socket.opened
  await expectRejection(readAll(socket.readable), { kind: 'io', code: 'ERR_TLS_IDLE_TIMEOUT' })
})

late('a peer that does not answer `close` in time is not waited for', async (t) => {
  const { port } = await serveNode(t, {}, ({ socket }) => socket.pause())
  const socket = dial(t, port, { deadlines: { shutdown: 50 } })
  await socket.opened
  await socket.close()
})

late('a peer that takes nothing after `close` is the reason why not all was sent', async (t) => {
  const { port } = await serveNode(t, {}, ({ socket }) => socket.pause())
  const socket = dial(t, port, { deadlines: { shutdown: 200 } })
  await socket.opened
  socket.writable.getWriter().write(pattern(50_000_000)).catch(() => {})
  await expectRejection(socket.close(), { kind: 'io', code: 'ERR_TLS_SHUTDOWN_TIMEOUT' })
})

const quiet = suite('streams: nobody looks at the promises')

quiet('of connections that fail: nothing is unhandled, and nothing is left', async (t) => {
  const { port } = await listenTcp(t, (raw) => raw.destroy())
  const sockets = [
    connect(`127.0.0.1:${port}`),
    connect('127.0.0.1:1'),
    connect(`127.0.0.1:${port}`, { signal: AbortSignal.abort() }),
    connect(`127.0.0.1:${port}`, { ca: 'no certificate' }),
    connect('127.0.0.1:1', { secureTransport: 'starttls' }),
  ]
  const codes = await Promise.all(sockets.map(({ opened }) => Promise.resolve(opened).catch(({ code }: { code: string }) => code)))
  assert.equal(codes.slice(1), ['ECONNREFUSED', 'ERR_TLS_ABORTED', 'ERR_OSSL_PEM_NO_START_LINE', 'ECONNREFUSED'])
  await sleep(0) // unhandled rejections are told after a turn
})

quiet('fifty connections at once leave nothing', async (t) => {
  const port = await nodeEcho(t)
  const lines = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const socket = dial(t, port)
      await write(socket, `line ${index}\n`)
      const line = await readSome(socket, /\n/)
      if (index % 2) await socket.close()
      else await socket.writable.abort()
      return line
    }),
  )
  assert.equal(lines, Array.from({ length: 50 }, (_, index) => `line ${index}\n`))
})

const wrong = suite('streams: addresses')

for (const address of ['example.test', 'example.test:', ':443', 'example.test:0', 'example.test:65536', '::1:443', 'http://example.test:443']) {
  wrong(`"${address}" is none`, async () => {
    await expectRejection((async () => connect(address))(), { kind: 'usage' })
  })
}

wrong('an IPv6 address in brackets', async () => {
  const socket = connect('[::1]:1', { ca: root().cert })
  const error = (await socket.opened.catch((reason: unknown) => reason)) as Error & { code: string }
  assert.match(error.code, /^(ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH)$/)
  assert.match(error.message, 'connecting to [::1]:1 failed')
})
