// STARTTLS: a protocol begins in clear, and both sides turn to TLS; in both roles, with Node's tls and openssl, over sockets of ours and over
// pairs of streams; and what must not get through in between.
import { createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { connect, secure, startTls, type ConnectOptions, type PlainSocket } from '../../src/streams/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { expectRejection, expectThrow, sameBytes } from '../support/expect.ts'
import { missing, opensslClient } from '../support/peers.ts'
import { pattern } from '../support/random.ts'
import { dialTcp, listenTcp } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'
import { readAll, readBytes } from './cases.ts'
import { decode, encode, letGo, readSome, write } from './echo.ts'

const test = suite('streams: STARTTLS')

/** Says hello, waits for STARTTLS, says go, turns to TLS by node:tls, and sends back what it gets. */
function smtpServer(t: Case, go = 'go\r\n'): Promise<{ port: number }> {
  return listenTcp(t, (raw) => {
    raw.write('hello\r\n')
    raw.once('data', (line: Buffer) => {
      assert.is(line.toString(), 'STARTTLS\r\n')
      raw.write(go, () => {
        const secured = new TLSSocket(raw, { isServer: true, allowHalfOpen: true, ...server() } as never)
        secured.on('error', () => {})
        secured.pipe(secured)
      })
    })
  })
}

function plain(t: Case, port: number, options: ConnectOptions = {}): PlainSocket {
  const socket = connect({ hostname: '127.0.0.1', port }, { secureTransport: 'starttls', ...options })
  t.defer(() => socket.close().catch(() => {}))
  return socket as PlainSocket
}

test('a socket of ours turns to TLS; the old one is over', async (t) => {
  const { port } = await smtpServer(t)
  const socket = plain(t, port)
  assert.equal([socket.secureTransport, socket.upgraded], ['starttls', false])
  assert.is((await socket.opened).remoteAddress, `127.0.0.1:${port}`)
  assert.is(await readSome(socket, /\n/), 'hello\r\n')
  await write(socket, 'STARTTLS\r\n')
  assert.is(await readSome(socket, /\n/), 'go\r\n')
  const secured = socket.startTls({ ca: root().cert, servername: HOST })
  t.defer(() => letGo(secured))
  assert.is(socket.upgraded, true)
  await socket.closed
  const { authorized, remoteAddress } = await secured.opened
  assert.equal([authorized, remoteAddress], [true, `127.0.0.1:${port}`])
  await write(secured, 'secret')
  assert.is(await readSome(secured, /secret/), 'secret')
  expectThrow(() => socket.startTls(), { kind: 'usage', message: 'upgraded already' })
  assert.throws(() => socket.readable.getReader(), /locked/)
})

test('options of `connect` count, and its host is the name that is checked', async (t) => {
  const { port } = await smtpServer(t)
  const socket = connect(`localhost:${port}`, { secureTransport: 'off', ca: root().cert })
  await readSome(socket, /hello/)
  await write(socket, 'STARTTLS\r\n')
  await readSome(socket, /go/)
  const secured = startTls(socket)
  t.defer(() => letGo(secured))
  assert.is((await secured.opened).servername, 'localhost')
})

test('what was written and not waited for leaves in clear, before the handshake', async (t) => {
  const { port } = await smtpServer(t)
  const socket = plain(t, port, { ca: root().cert, servername: HOST })
  const writer = socket.writable.getWriter()
  writer.write(encode('START')).catch(() => {})
  writer.write(encode('TLS\r\n')).catch(() => {})
  writer.releaseLock()
  const reader = socket.readable.getReader({ mode: 'byob' })
  const parts: string[] = []
  while (!parts.join('').endsWith('go\r\n')) parts.push(decode((await reader.read(new Uint8Array(3))).value!))
  reader.releaseLock()
  const secured = socket.startTls()
  t.defer(() => letGo(secured))
  await secured.opened
})

test('words that were slipped in before the handshake are no plaintext: it fails', async (t) => {
  const { port } = await smtpServer(t, 'go\r\nand take this\r\n')
  const socket = plain(t, port)
  await readSome(socket, /hello/)
  await write(socket, 'STARTTLS\r\n')
  const reader = socket.readable.getReader({ mode: 'byob' })
  let line = ''
  while (!line.endsWith('\n')) line += decode((await reader.read(new Uint8Array(1))).value!)
  assert.is(line, 'go\r\n')
  reader.releaseLock()
  const secured = socket.startTls({ ca: root().cert, servername: HOST })
  await expectRejection(secured.opened, { kind: 'protocol', code: 'ERR_SSL_WRONG_VERSION_NUMBER' })
  await expectRejection(readAll(secured.readable), { kind: 'protocol' })
})

test('a peer that takes nothing and leaves: what was to be written before the handshake is no reason to wait', async (t) => {
  let leave = () => {}
  const { port } = await listenTcp(t, (raw) => {
    raw.pause()
    leave = () => raw.resetAndDestroy()
  })
  const socket = plain(t, port)
  await socket.opened
  const writer = socket.writable.getWriter()
  writer.write(pattern(50_000_000)).catch(() => {})
  writer.releaseLock()
  const secured = socket.startTls({ ca: root().cert, servername: HOST })
  leave()
  await expectRejection(secured.closed, { kind: 'io' })
  await expectRejection(socket.closed, { kind: 'io' })
})

test('locks have to be given back first', async (t) => {
  const { port } = await smtpServer(t)
  const socket = plain(t, port)
  const reader = socket.readable.getReader()
  expectThrow(() => socket.startTls({ ca: root().cert }), { kind: 'usage', message: 'releaseLock' })
  reader.releaseLock()
  await socket.close()
})

test('a plain socket ends as others do', async (t) => {
  const { port } = await listenTcp(t, (raw) => raw.on('error', () => {}).pipe(raw))
  const sent = pattern(3_000_000)
  const socket = plain(t, port)
  const reading = readAll(socket.readable)
  await write(socket, sent)
  await socket.writable.close()
  sameBytes(await reading, sent)
  await socket.closed
  const second = plain(t, port)
  await write(second, 'x')
  await second.writable.abort('no')
  await expectRejection(second.closed, { kind: 'closed', code: 'ERR_TLS_ABORTED' })
  const third = plain(t, port)
  await third.opened
  await third.close()
})

test('a connection that ends before startTls', async (t) => {
  const { port } = await listenTcp(t, (raw) => raw.destroy())
  const socket = plain(t, port)
  const reader = socket.readable.getReader()
  await reader.read().catch(() => {})
  reader.releaseLock()
  const secured = socket.startTls({ ca: root().cert })
  await expectRejection(secured.opened, {})
  await expectRejection(secured.closed, {})
})

// ---- The server's side, and pairs of streams. ----

const openssl = suite('streams: STARTTLS, with openssl').unless(missing('openssl'))

openssl('s_client -starttls smtp, with a server on a pair of streams', async (t) => {
  const raws: Socket[] = []
  const greeter = createServer({ allowHalfOpen: true }, (raw) => raws.push(raw) && greeter.emit('client', raw))
  const next = new Promise<Socket>((resolve) => greeter.once('client', resolve))
  await new Promise<void>((resolve) => greeter.listen(0, '127.0.0.1', resolve))
  t.defer(() => greeter.close())
  const program = opensslClient(t, (greeter.address() as { port: number }).port, { args: ['-starttls', 'smtp', '-quiet'] })
  const pair = Duplex.toWeb(await next) as unknown as { readable: ReadableStream<Uint8Array>; writable: WritableStream }
  await write(pair, '220 test ESMTP\r\n')
  assert.match(await readSome(pair, /\n/), /^EHLO /)
  await write(pair, '250-test\r\n250 STARTTLS\r\n')
  assert.is(await readSome(pair, /\n/), 'STARTTLS\r\n')
  await write(pair, '220 go\r\n')
  const secured = startTls(pair as never, { role: 'server', ...server() })
  t.defer(() => letGo(secured))
  await secured.opened
  await program.write('EHLO again\n')
  assert.is(await readSome(secured, /\n/), 'EHLO again\n')
  await write(secured, '250 secret\r\n')
  await program.until(/250 secret/)
  await secured.close()
})

test('both ends of ours, in memory, TLS in TLS', async () => {
  const [there, back] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()]
  const near = { readable: back.readable, writable: there.writable }
  const far = { readable: there.readable, writable: back.writable }
  const trust = { ca: root().cert, servername: HOST }
  const outer = [secure(near as never, trust), secure(far as never, { role: 'server', ...server() })] as const
  const inner = [secure(outer[0], trust), secure(outer[1], { role: 'server', ...server() })] as const
  const sent = pattern(1_000_000)
  const writer = inner[0].writable.getWriter()
  const writing = writer.write(sent).then(() => writer.close())
  const reader = inner[1].readable.getReader()
  sameBytes(await readBytes(reader, sent.length), sent)
  await writing
  assert.is((await reader.read()).done, true)
  await inner[0].readable.cancel()
  await Promise.all([...inner, ...outer].map(({ closed }) => closed))
})

test('streams that are locked are refused', () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  readable.getReader()
  expectThrow(() => secure({ readable, writable } as never, { servername: HOST }), { kind: 'usage', message: 'locked' })
})

test('a client without a name is refused, and its connection closed', async (t) => {
  const raw = dialTcp(t, (await listenTcp(t, (peer) => peer.on('error', () => {}))).port)
  const socket = secure(Duplex.toWeb(raw) as never, { ca: root().cert })
  await expectRejection(socket.opened, { kind: 'usage', message: 'servername' })
  if (!raw.closed) await new Promise((resolve) => raw.once('close', resolve))
})

test('so is a socket that cannot turn to TLS for its options', async (t) => {
  const { port } = await smtpServer(t)
  const socket = plain(t, port)
  await readSome(socket, /hello/)
  const expected = { kind: 'usage', code: 'ERR_OSSL_PEM_NO_START_LINE' } as const
  await expectRejection(socket.startTls({ ca: 'no certificate', servername: HOST }).opened, expected)
  await expectRejection(socket.closed, expected)
})
