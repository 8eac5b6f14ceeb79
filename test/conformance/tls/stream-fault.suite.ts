// The sudden end by others: a wire that is cut, reset, or brings what nobody has sent; before the handshake, within it, and after it.
import { once } from 'node:events'
import { createServer as createNetServer, type Socket } from 'node:net'
import * as assert from 'uvu/assert'
import { pattern } from '../../support/random.ts'
import { suite } from '../../support/suite.ts'
import { dial, listen, listening, portOf, settle, type Failure } from './parties.ts'
import { relayedPair } from './relay.ts'
import { has, type Subject } from './subject.ts'
import { VERSIONS } from './versions.ts'
import { closing, failing, readToEnd, record, sameFields, someTurns, take, until } from './watch.ts'

const EVENTS = ['data', 'end', 'finish', 'error', 'close']

export function faultSuite(subject: Subject): void {
  for (const role of ['client', 'server'] as const) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) wireSuite(subject, role, version)
  }
  handshakeSuite(subject)
}

function wireSuite(subject: Subject, role: 'client' | 'server', version: 'TLSv1.2' | 'TLSv1.3'): void {
  const test = suite(`${subject.name} stream as ${role}: the wire, with ${version}`)
  const options = { role, version, client: { allowHalfOpen: false }, server: { allowHalfOpen: false } } as const

  test('an end without close_notify is an end', async (t) => {
    const { own, peer, wire, cut } = await relayedPair(t, subject, options)
    const events = record(own, ...EVENTS)
    peer.write('hello')
    await once(own, 'data')
    cut()
    wire.end()
    assert.is(await closing(own), false)
    assert.equal(events, ['data', 'end', 'finish', 'close'])
  })

  test('an end in the middle of a record is an end, too', async (t) => {
    const { own, wire, cut } = await relayedPair(t, subject, options)
    const events = record(own, ...EVENTS)
    cut()
    wire.end(Buffer.from([23, 3, 3, 1, 0, 1, 2, 3]))
    assert.is(await closing(own), false)
    assert.equal(events, ['end', 'finish', 'close'])
  })

  test('what came before such an end is read', async (t) => {
    const { own, peer, wire, cut } = await relayedPair(t, subject, options)
    own.pause()
    peer.write(pattern(5000))
    own.read(0)
    await until(() => own.readableLength === 5000)
    cut()
    wire.end()
    await someTurns()
    assert.equal(await readToEnd(own), Buffer.from(pattern(5000)))
  })

  test('a reset is an error', async (t) => {
    const { own, peer, wire, cut } = await relayedPair(t, subject, options)
    await settle({ own, peer })
    const events = record(own, ...EVENTS)
    cut()
    wire.resetAndDestroy()
    sameFields(await failing(own), { code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' })
    assert.is(await closing(own), true)
    await someTurns()
    assert.equal(events, ['error', 'close'])
  })

  test('a reset while writing: writes that wait hear of it', async (t) => {
    const { own, wire, cut } = await relayedPair(t, subject, options)
    own.on('error', () => {})
    cut()
    wire.pause()
    const told = new Promise<Error | null | undefined>((resolve) => own.write(Buffer.alloc(30_000_000), resolve))
    await someTurns()
    wire.resetAndDestroy()
    const error = (await told) as Failure | null
    if (has(subject, VERSIONS.cancelledWrites)) assert.match(error!.code!, /^(ECONNRESET|EPIPE|ECANCELED|ERR_STREAM_DESTROYED)$/)
    if (!own.closed) await once(own, 'close')
  })

  test('a record that nobody has sent is an error', async (t) => {
    const { own, wire, cut } = await relayedPair(t, subject, options)
    own.resume()
    const events = record(own, 'error', 'close')
    cut()
    wire.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 50]), Buffer.alloc(50, 7)]))
    const error = await failing(own)
    assert.match(error.code!, /^ERR_SSL_(DECRYPTION_FAILED_OR_BAD_RECORD_MAC|CIPHER_OPERATION_FAILED)$/) // the second is TLS 1.2's
    wire.end()
    await closing(own)
    await someTurns()
    assert.equal(events, ['error', 'close'])
  })

  test('bytes that are no record are an error', async (t) => {
    const { own, wire, cut } = await relayedPair(t, subject, options)
    own.resume()
    const events = record(own, 'error', 'close')
    cut()
    wire.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    const error = await failing(own)
    assert.match(error.code!, /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|BAD_RECORD_TYPE)$/)
    wire.end()
    await closing(own)
    await someTurns()
    assert.equal(events, ['error', 'close'])
  })
}

function handshakeSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} stream: the wire during the handshake`)
  const LOST = { code: 'ECONNRESET', message: 'Client network socket disconnected before secure TLS connection was established' }

  type Fields = Record<string, unknown>
  type Break = [what: string, act: (socket: Socket) => unknown, expected: Fields, expectedOfWriter?: Fields]
  const BREAKS: Break[] = [
    ['an end instead of an answer', (socket) => socket.end(), LOST],
    ['an end within the first record', (socket) => socket.end(Buffer.from([22, 3, 3, 0, 100, 2])), LOST],
    ['a reset instead of an answer', (socket) => socket.resetAndDestroy(), { code: 'ECONNRESET', syscall: 'read' }],
    [
      'an alert instead of an answer',
      (socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 70])),
      { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', library: 'SSL routines', reason: 'tlsv1 alert protocol version' },
      { code: 'EPROTO', syscall: 'write' },
    ],
    [
      'text instead of an answer',
      (socket) => socket.end('SSH-2.0-server\r\n'),
      { code: 'ERR_SSL_WRONG_VERSION_NUMBER', library: 'SSL routines', reason: 'wrong version number' },
      { code: 'EPROTO', syscall: 'write' },
    ],
  ]
  for (const [what, act, expected, expectedOfWriter = expected] of BREAKS) {
    for (const writes of [false, true]) {
      test(`${what}${writes ? ', while a write waits' : ''}: an error, and the close`, async (t) => {
        const plain = createNetServer((socket) => socket.once('data', () => act(socket)))
        await listening(t, plain)
        const socket = dial(t, tls, portOf(plain))
        const events = record(socket, 'secureConnect', ...EVENTS)
        const told = writes && new Promise<Error | null | undefined>((resolve) => socket.write('waits', resolve))
        sameFields(await failing(socket), writes ? expectedOfWriter : expected)
        await closing(socket)
        await someTurns()
        assert.equal(events.filter((event) => event !== 'end' && event !== 'finish'), ['error', 'close'])
        if (told && has(subject, VERSIONS.cancelledWrites)) assert.instance(await told, Error)
      })
    }
  }

  test('a server that keeps silent: nothing happens until the socket is destroyed', async (t) => {
    const silent = createNetServer((socket) => socket.resume())
    await listening(t, silent)
    const socket = dial(t, tls, portOf(silent))
    const events = record(socket, 'secureConnect', ...EVENTS)
    await once(socket, 'connect')
    await someTurns()
    assert.equal(events, [])
    socket.destroy()
    await once(socket, 'close')
    assert.equal(events, ['close'])
  })

  test('the failure of one connection leaves the others alone', async (t) => {
    const { port, accept } = await listen(t)
    const good = dial(t, tls, port)
    const [peer] = await Promise.all([accept(), once(good, 'secureConnect')])
    const plain = createNetServer((socket) => socket.end('no TLS here'))
    await listening(t, plain)
    await failing(dial(t, tls, portOf(plain)))
    peer.write('fine')
    assert.is((await take(good, 4)).toString(), 'fine')
  })
}
