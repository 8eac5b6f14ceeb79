// The four ports of a DtlsEngine: one call, one datagram; what is lost, doubled, late or garbage; full BIOs; and the end.
import * as assert from 'uvu/assert'
import { createContext, createDtlsContext, type DtlsEngine, type TlsEngine } from '../../src/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { fair, makeDtlsPair, storm } from '../support/datagrams.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { pattern, Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const datagrams = suite('dtls: datagrams')

datagrams('each write is a datagram of its own, and so is each read', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  const before = pair.client.sent.length
  for (const text of ['a', 'bc', 'def']) pair.client.engine.writePlaintext(new TextEncoder().encode(text))
  pair.run()
  assert.is(pair.client.sent.length - before, 3)
  assert.equal(pair.server.texts, ['a', 'bc', 'def'])
})

datagrams('of every length up to what fits', (t) => {
  const pair = t.own(makeDtlsPair({ clientEngine: { mtu: 256 } })).establish()
  const { maxPlaintext } = pair.client.engine
  for (let length = 1; length <= maxPlaintext; length++) pair.send(pair.client, pattern(length))
  assert.equal(pair.server.received.map(({ length }) => length), Array.from({ length: maxPlaintext }, (_, i) => i + 1))
})

datagrams('one that does not fit, or an empty one, is refused in words, and the connection lives on', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  const { engine } = pair.client
  const expected = { kind: 'usage', code: 'ERR_DTLS_MESSAGE_SIZE' } as const
  expectThrow(() => engine.writePlaintext(new Uint8Array(engine.maxPlaintext + 1)), { ...expected, message: /1172 bytes.*1171.*1200/ })
  expectThrow(() => engine.writePlaintext(new Uint8Array(0)), expected)
  pair.send(pair.client, 'still here')
  assert.equal(pair.server.texts, ['still here'])
})

datagrams('lost ones stay lost, doubled ones come once, late ones come late', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  pair.weather = storm(3, { loss: 30, doubling: 30, delay: 50 })
  for (let i = 0; i < 60; i++) pair.client.engine.writePlaintext(new TextEncoder().encode(String(i)))
  pair.run()
  const numbers = pair.server.texts.map(Number)
  assert.ok(numbers.length < 60 && numbers.length > 30, `${numbers.length} of 60 came`)
  assert.is(new Set(numbers).size, numbers.length)
  assert.ok(numbers.some((n, i) => n < (numbers[i - 1] ?? 0)), 'none was late')
})

datagrams('a replay is dropped, also long after', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  pair.send(pair.client, 'once')
  const [replay] = pair.client.sent.slice(-1)
  for (let i = 0; i < 100; i++) {
    pair.server.engine.receiveDatagram(replay!)
    pair.send(pair.client, String(i))
  }
  assert.equal(pair.server.texts.slice(0, 3), ['once', '0', '1'])
  assert.is(pair.server.received.length, 101)
})

/** What might come in on a port that is open to the world. */
function* garbage(random: Random, genuine: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < 40; i++) yield random.bytes(1 + random.below(1500))
  for (let length = 1; length < 14; length++) yield genuine.slice(0, length)
  for (const type of [0, 20, 21, 22, 23, 24, 255]) {
    for (const version of [0x0303, 0xfefd, 0xfeff]) {
      // A record of an epoch far away.
      yield Uint8Array.of(type, version >> 8, version & 0xff, 0, 9, 0, 0, 0, 0, 0, 1, 0, 8, ...random.bytes(8))
    }
  }
  for (let at = 0; at < genuine.length; at += 7) yield genuine.map((byte, i) => (i === at ? byte ^ 1 : byte))
}

datagrams('garbage is dropped while the handshake is under way', (t) => {
  const random = new Random(21)
  const pair = t.own(makeDtlsPair())
  pair.weather = (_, to) => {
    const side = to === 'client' ? pair.client : pair.server
    for (let i = 0; i < 3; i++) side.engine.receiveDatagram(random.bytes(1 + random.below(100)))
    return [0]
  }
  pair.establish()
  pair.send(pair.client, 'ping')
  assert.equal(pair.server.texts, ['ping'])
})

datagrams('garbage is dropped on an open connection', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  pair.send(pair.client, 'first')
  pair.weather = () => []
  pair.send(pair.client, 'never arrives as it is')
  pair.weather = fair
  for (const datagram of garbage(new Random(22), pair.client.sent.at(-1)!)) {
    pair.server.engine.receiveDatagram(datagram)
    pair.run()
  }
  assert.is(pair.server.error, undefined)
  assert.equal(pair.server.texts, ['first'])
  assert.is(pair.server.sent.filter((datagram) => datagram[0] === 21).length, 0, 'and no alert is sent about it')
  pair.send(pair.client, 'last')
  assert.equal(pair.server.texts, ['first', 'last'])
})

datagrams('several records in one datagram are several reads', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  pair.weather = () => []
  pair.send(pair.client, 'one').send(pair.client, 'two')
  const [one, two] = pair.client.sent.slice(-2)
  pair.server.engine.receiveDatagram(Uint8Array.of(...one!, ...two!))
  pair.run()
  assert.equal(pair.server.texts, ['one', 'two'])
})

datagrams('a full incoming BIO drops what comes, and goes on when it was read', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  const { engine } = pair.server
  let taken = 0
  for (let i = 0; i < 100; i++) {
    pair.client.engine.writePlaintext(pattern(1171, i))
    if (engine.receiveDatagram(pair.client.engine.takeDatagram()!)) taken++
  }
  assert.is(taken, Math.floor(65536 / (1200 + 2)))
  pair.run()
  assert.is(pair.server.received.length, taken)
  pair.send(pair.client, 'more')
  assert.is(pair.server.texts.at(-1), 'more')
})

datagrams('a full outgoing BIO is want-write, and nothing of the datagram is written', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  const { engine } = pair.client
  let written = 0
  while (engine.writePlaintext(new Uint8Array(1171)) === 'done') written++
  assert.ok(written > 50 && written < 55, `${written} fit`)
  pair.run()
  assert.is(pair.server.received.length, written)
  assert.is(engine.writePlaintext(Uint8Array.of(1)), 'done')
})

datagrams('empty ones are dropped', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  assert.is(pair.server.engine.receiveDatagram(new Uint8Array(0)), false)
  assert.is(pair.server.engine.receiveDatagram(new Uint8Array(70_000)), false)
  pair.send(pair.client, 'ping')
  assert.equal(pair.server.texts, ['ping'])
})

// ---- The end. ----

const closing = suite('dtls: close')

closing('close_notify ends one direction, and the other one goes on', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  assert.is(pair.client.engine.closeWrite(), 'done')
  pair.run()
  assert.is(pair.server.status, 'closed')
  assert.is(pair.server.eventsOf('closeNotify').length, 1)
  assert.equal([pair.server.engine.readSide, pair.server.engine.phase], ['closeNotify', 'closing'])
  expectThrow(() => pair.client.engine.writePlaintext(Uint8Array.of(1)), { kind: 'usage' })
  pair.send(pair.server, 'goodbye')
  assert.equal(pair.client.texts, ['goodbye'])
  pair.server.engine.closeWrite()
  pair.run()
  assert.equal([pair.client.engine.phase, pair.server.engine.phase], ['closed', 'closed'])
  assert.is(pair.server.engine.receiveDatagram(Uint8Array.of(1)), false)
})

closing('a lost close_notify leaves the peer open, and nobody waits for it', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  pair.weather = () => []
  pair.client.engine.closeWrite()
  pair.run()
  assert.is(pair.server.engine.phase, 'open')
  assert.equal([pair.client.engine.nextTimeout(), pair.server.engine.nextTimeout()], [undefined, undefined])
})

closing('every call before the handshake is done, or after free, is refused', (t) => {
  const pair = t.own(makeDtlsPair())
  const { engine } = pair.client
  const calls: [string, () => unknown][] = [
    ['readPlaintext', () => engine.readPlaintext()],
    ['writePlaintext', () => engine.writePlaintext(Uint8Array.of(1))],
    ['closeWrite', () => engine.closeWrite()],
  ]
  for (const [name, call] of calls) expectThrow(call, { kind: 'usage', message: `${name} before the handshake is done` })
  assert.is(engine.maxPlaintext, 0)
  engine.free()
  calls.push(['receiveDatagram', () => engine.receiveDatagram(Uint8Array.of(1))], ['handleTimeout', () => engine.handleTimeout()])
  for (const [name, call] of calls) expectThrow(call, { kind: 'usage', message: `${name}: this engine has been freed` })
  assert.equal([engine.takeDatagram(), engine.nextTimeout(), engine.nextEvent()], [undefined, undefined, undefined])
})

// ---- Beside bytes. ----

const rest = suite('dtls: events and keys')

rest('both sides export the same keying material', (t) => {
  const pair = t.own(makeDtlsPair()).establish()
  const [a, b] = [pair.client, pair.server].map(({ engine }) => engine.exportKeyingMaterial(60, 'EXTRACTOR-dtls_srtp'))
  assert.equal(a, b)
})

rest('trace and key log tell as with a stream', (t) => {
  const pair = t.own(makeDtlsPair({ clientEngine: { trace: true, keylog: true } })).establish()
  assert.match(pair.client.eventsOf('keylog')[0]!.line, /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/)
  assert.ok(pair.client.eventsOf('state').some(({ state }) => /hello verify/i.test(state)))
  const handshake = pair.client.eventsOf('message').filter(({ content }) => content === 'handshake')
  assert.equal(handshake.filter(({ direction }) => direction === 'sent').map(({ bytes }) => bytes[0]), [1, 1, 16, 20])
  assert.equal(handshake.filter(({ direction }) => direction === 'received').map(({ bytes }) => bytes[0]), [3, 2, 11, 12, 14, 4, 20])
})

// ---- What does not compile, and what plain JavaScript is told. ----

const misuse = suite('dtls: misuse')

misuse('streams and datagrams do not mix', (t) => {
  const datagram = t.own(createDtlsContext({ ...server(), ca: root().cert }))
  const stream = t.own(createContext(server()))
  // @ts-expect-error a DTLS context makes no TLS engine
  const engine: TlsEngine = datagram.createEngine({ role: 'server', dangerouslySkipCookie: true })
  engine.free()
  // @ts-expect-error nor a TLS context one for DTLS
  const other: DtlsEngine = stream.createEngine({ role: 'server' })
  other.free()
  // @ts-expect-error a parked DTLS handshake cannot go on with a context for streams
  ;(engine: DtlsEngine) => engine.resume({ context: stream })
  // @ts-expect-error options of the other role
  expectThrow(() => datagram.createEngine({ role: 'client', servername: HOST, peer: 'a' }), { kind: 'usage', message: '`peer`' })
})

const STREAM_OPTIONS = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: ['TLS_AES_128_GCM_SHA256'], maxEarlyData: 1 }

for (const [option, value] of Object.entries(STREAM_OPTIONS)) {
  misuse(`${option} is refused: it is not for DTLS 1.2`, () => {
    expectThrow(() => createDtlsContext({ [option]: value } as object), { kind: 'usage', message: `\`${option}\`` })
  })
}

misuse('a server without a peer must listen; with one, or as a client, it must not', (t) => {
  const context = t.own(createDtlsContext({ ...server(), ca: root().cert }))
  const stranger = t.own(context.createEngine({ role: 'server' }))
  const engines = [
    t.own(context.createEngine({ role: 'server', peer: 'a' })),
    t.own(context.createEngine({ role: 'server', dangerouslySkipCookie: true })),
    t.own(context.createEngine({ role: 'client', servername: HOST })),
  ]
  expectThrow(() => stranger.handshake(), { kind: 'usage', message: '`peer`' })
  for (const engine of engines) expectThrow(() => engine.listen(Uint8Array.of(1), 'a'), { kind: 'usage', message: 'listen' })
})

misuse('a server that names a peer and skips the cookie, or an empty peer', (t) => {
  const context = t.own(createDtlsContext(server()))
  const both = { role: 'server', peer: 'a', dangerouslySkipCookie: true } as const
  expectThrow(() => context.createEngine(both), { kind: 'usage', message: 'not both' })
  expectThrow(() => context.createEngine({ role: 'server', peer: '' }), { kind: 'usage', message: 'empty' })
  expectThrow(() => context.createEngine({ role: 'server', peer: 'a', park: ['psk'] as never }), { kind: 'usage', message: 'psks' })
})

misuse('a freed context makes no engines', () => {
  const context = createDtlsContext(server())
  context.free()
  const error = expectThrow(() => context.createEngine({ role: 'server', peer: 'a' }), { kind: 'usage', message: 'freed' })
  expectError(error, { code: 'ERR_TLS_USAGE' })
})
