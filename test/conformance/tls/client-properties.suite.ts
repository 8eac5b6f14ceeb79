// What a TLSSocket says of itself: every property and every question, before the connection, once connected, secure, and after the end.
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST } from '../../support/certs.ts'
import { suite, type Case } from '../../support/suite.ts'
import { dial, listen, undocumented } from './parties.ts'
import { nodeCrashes, type Subject } from './subject.ts'
import { closing, until } from './watch.ts'

const STAGES = ['before', 'connected', 'secure', 'closed'] as const
type Stage = (typeof STAGES)[number]

/** A connection at each of the stages in turn: five bytes there and five back, and a good end. */
async function* stages(t: Case, { tls }: Subject, maxVersion: 'TLSv1.2' | 'TLSv1.3'): AsyncGenerator<[Stage, TLSSocket]> {
  const { port, accept } = await listen(t, { maxVersion, ALPNProtocols: ['h2'], allowHalfOpen: true })
  const socket = dial(t, tls, port, { ALPNProtocols: ['h2'], ecdhCurve: 'X25519:P-256' })
  yield ['before', socket]
  await once(socket, 'connect')
  yield ['connected', socket]
  const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
  yield ['secure', socket]
  peer.resume()
  socket.end('12345')
  await once(peer, 'end')
  peer.end('12345')
  socket.resume()
  await closing(socket)
  yield ['closed', socket]
}

type Row = [name: string, ...values: [before: unknown, connected: unknown, secure: unknown, closed: unknown]]

/** Instead of a value, what kind of thing it is. */
const A_NUMBER = Symbol('a number above 0')
const BYTES = Symbol('a Buffer that is not empty')
const FILLED = Symbol('an object with properties')
const ANY = Symbol('whatever')
const always = (name: string, value: unknown): Row => [name, value, value, value, value]

const LOOPBACK = { address: '127.0.0.1', family: 'IPv4', port: A_NUMBER }

const PROPERTIES: Row[] = [
  always('encrypted', true),
  always('authorizationError', null),
  always('allowHalfOpen', false),
  always('timeout', undefined),
  ['authorized', false, false, true, true],
  ['alpnProtocol', null, null, 'h2', 'h2'],
  ['servername', null, null, HOST, HOST],
  ['connecting', true, false, false, false],
  ['secureConnecting', true, true, false, false],
  ['pending', true, false, false, true],
  ['readyState', 'opening', 'open', 'open', 'closed'],
  ['destroyed', false, false, false, true],
  ['closed', false, false, false, true],
  ['errored', null, null, null, null],
  ['readable', true, true, true, false],
  ['writable', true, true, true, false],
  ['readableEnded', false, false, false, true],
  ['writableEnded', false, false, false, true],
  ['writableFinished', false, false, false, true],
  ['readableLength', 0, 0, 0, 0],
  ['writableLength', 0, 0, 0, 0],
  ['bufferSize', 0, 0, 0, undefined],
  ['bytesRead', 0, 0, 0, 5],
  ['bytesWritten', 0, 0, 0, 5],
  ['localAddress', undefined, '127.0.0.1', '127.0.0.1', undefined],
  ['localFamily', undefined, 'IPv4', 'IPv4', undefined],
  ['localPort', undefined, A_NUMBER, A_NUMBER, undefined],
  ['remoteAddress', undefined, '127.0.0.1', '127.0.0.1', ANY],
  ['remoteFamily', undefined, 'IPv4', 'IPv4', ANY],
  ['remotePort', undefined, A_NUMBER, A_NUMBER, ANY],
]

const QUESTIONS: Row[] = [
  ['address', {}, LOOPBACK, LOOPBACK, {}],
  ['getCipher', undefined, undefined, FILLED, null],
  ['getEphemeralKeyInfo', ANY, ANY, FILLED, null],
  ['getPeerCertificate', {}, {}, FILLED, null],
  ['getCertificate', {}, {}, {}, null],
  ['getPeerX509Certificate', undefined, undefined, FILLED, undefined],
  ['getX509Certificate', undefined, undefined, undefined, undefined],
  ['getFinished', undefined, undefined, BYTES, null],
  ['getPeerFinished', undefined, undefined, BYTES, null],
  ['getSession', undefined, undefined, BYTES, null],
  ['isSessionReused', false, false, false, null],
  ['getSharedSigalgs', [], [], [], null],
  ['disableRenegotiation', undefined, undefined, undefined, undefined],
]

function fits(actual: unknown, expected: unknown, where: string): void {
  if (expected === ANY) return
  if (expected === A_NUMBER) assert.ok(typeof actual === 'number' && actual > 0, `${where}: ${String(actual)}`)
  else if (expected === BYTES) assert.ok(Buffer.isBuffer(actual) && actual.length > 0, `${where}: ${String(actual)}`)
  else if (expected === FILLED) assert.ok(isFilled(actual), `${where}: ${JSON.stringify(actual)}`)
  else if (expected === LOOPBACK) {
    const { port, ...rest } = actual as { port: number }
    fits(port, A_NUMBER, where)
    assert.equal(rest, { address: '127.0.0.1', family: 'IPv4' }, where)
  } else assert.equal(actual, expected, `${where}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`)
}

const isFilled = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (Object.keys(value).length > 0 || Object.getPrototypeOf(value) !== Object.prototype)

export function propertiesSuite(subject: Subject): void {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) stagesSuite(subject, version)
  goneSuite(subject)
}

function stagesSuite(subject: Subject, version: 'TLSv1.2' | 'TLSv1.3'): void {
  const test = suite(`${subject.name} client: a socket of ${version}`)

  for (const [name, ...values] of PROPERTIES) {
    test(name, async (t) => {
      for await (const [stage, socket] of stages(t, subject, version)) {
        fits(socket[name as keyof TLSSocket], values[STAGES.indexOf(stage)], `${name}, ${stage}`)
      }
    })
  }

  for (const [name, ...values] of QUESTIONS) {
    test(`${name}()`, async (t) => {
      for await (const [stage, socket] of stages(t, subject, version)) {
        const expected = values[STAGES.indexOf(stage)]
        if (expected !== ANY) fits((socket[name as keyof TLSSocket] as () => unknown)(), expected, `${name}(), ${stage}`)
      }
    })
  }

  test('getProtocol() once secure, and after the end', async (t) => {
    for await (const [stage, socket] of stages(t, subject, version)) {
      if (stage === 'secure') assert.is(socket.getProtocol(), version)
      if (stage === 'closed') assert.is(socket.getProtocol(), null)
    }
  })

  test('_handle and ssl are there until the end, and know of errors of verification', async (t) => {
    for await (const [stage, socket] of stages(t, subject, version)) {
      const { _handle, ssl } = undocumented(socket)
      if (stage === 'secure') assert.equal([_handle!.verifyError(), ssl!.verifyError()], [null, null])
      if (stage === 'closed') assert.equal([_handle, ssl], [null, null])
    }
  })
}

function goneSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: a socket that is gone`)
  const QUESTIONS_OF_NULL = ['getCipher', 'getEphemeralKeyInfo', 'getPeerCertificate', 'getCertificate', 'getFinished', 'getPeerFinished']
  const MORE_OF_NULL = ['getProtocol', 'getSession', 'getTLSTicket', 'isSessionReused', 'getSharedSigalgs']

  const HARMLESS = ['destroy', 'pause', 'resume', 'ref', 'unref', 'setNoDelay', 'setKeepAlive', 'cork', 'uncork'] as const

  const destroyAt: [stage: string, destroyed: (t: Case) => Promise<TLSSocket>][] = [
    [
      'before the connection',
      async (t) => {
        const { port } = await listen(t)
        return dial(t, tls, port).destroy() as TLSSocket
      },
    ],
    [
      'once secure',
      async (t) => {
        const { port } = await listen(t)
        const socket = dial(t, tls, port)
        await once(socket, 'secureConnect')
        return socket.destroy() as TLSSocket
      },
    ],
  ]
  for (const [stage, destroyed] of destroyAt) {
    for (const question of [...QUESTIONS_OF_NULL, ...MORE_OF_NULL]) {
      test(`destroyed ${stage}: ${question}() is null, at once and after the close`, async (t) => {
        const socket = await destroyed(t)
        const ask = () => (socket[question as keyof TLSSocket] as () => unknown)()
        assert.is(ask(), null)
        await closing(socket)
        assert.is(ask(), null)
      })
    }

    test(`destroyed ${stage}: properties`, async (t) => {
      const socket = await destroyed(t)
      assert.equal([socket.destroyed, socket.readyState, socket.connecting, socket.pending], [true, 'closed', false, true])
      assert.equal([socket.readable, socket.writable, socket.bytesRead, socket.bytesWritten], [false, false, 0, 0])
      assert.equal([socket.remoteAddress, socket.localAddress, socket.address()], [undefined, undefined, {}])
      assert.is(socket.read(), null)
    })

    test(`destroyed ${stage}: methods do no harm`, async (t) => {
      const socket = await destroyed(t)
      for (const moment of [() => {}, () => closing(socket)]) {
        await moment()
        for (const act of HARMLESS) socket[act]()
        assert.is(socket.setTimeout(10), socket)
        assert.is(socket.setTimeout(0), socket)
        assert.is(socket.renegotiate({}, () => assert.unreachable('called')), undefined)
      }
    })
  }

  test.unless(nodeCrashes(subject, 'it asks OpenSSL for the group of a connection that has not begun'))(
    'getEphemeralKeyInfo() before the connection',
    async (t) => {
      const { port } = await listen(t)
      assert.equal(dial(t, tls, port).getEphemeralKeyInfo(), {})
    },
  )

  test('bufferSize is what has still to be written', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    socket.write('12345')
    socket.write('67', 'utf8')
    assert.equal([socket.bufferSize, socket.writableLength, socket.bytesWritten], [7, 7, 7])
    await until(() => socket.bufferSize === 0)
    assert.equal([socket.writableLength, socket.bytesWritten], [0, 7])
  })
}
