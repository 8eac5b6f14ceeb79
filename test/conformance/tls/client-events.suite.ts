// What a client emits, in which order and how often, from the look-up to the close.
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer as createNetServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { suite, type Case } from '../../support/suite.ts'
import { dial, listen, listening, portOf, type ClientOptions } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, failing, readToEnd, record, sameFields, someTurns, until } from './watch.ts'

const EVENTS = [
  ...['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout', 'connect', 'ready', 'keylog', 'OCSPResponse'],
  ...['secureConnect', 'secure', 'session', 'timeout', 'data', 'end', 'prefinish', 'finish', 'error', 'close'],
]

/** Those that come once and whose place is certain. */
const CERTAIN = ['lookup', 'connectionAttempt', 'connect', 'ready', 'secureConnect', 'secure', 'data', 'end', 'finish', 'error', 'close']

const only = (events: readonly string[], wanted: readonly string[]): string[] => events.filter((event) => wanted.includes(event))

interface Watched {
  socket: TLSSocket
  peer: TLSSocket
  events: string[]
}

export function eventsSuite(subject: Subject): void {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) orderSuite(subject, version)
  failureSuite(subject)
  contextSuite(subject)
}

function orderSuite({ name, tls }: Subject, maxVersion: 'TLSv1.2' | 'TLSv1.3'): void {
  const test = suite(`${name} client: order of events with ${maxVersion}`)

  async function watched(t: Case, options: ClientOptions = {}): Promise<Watched> {
    const { port, accept, server } = await listen(t, { maxVersion })
    server.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, Buffer.from('response')))
    const socket = dial(t, tls, port, { host: 'localhost', requestOCSP: true, ...options })
    const events = record(socket, ...EVENTS)
    const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
    return { socket, peer, events }
  }

  test('to the end by the peer', async (t) => {
    const { socket, peer, events } = await watched(t)
    peer.end('hello')
    assert.is(await closing(socket), false)
    await someTurns()
    const certain = ['lookup', 'connectionAttempt', 'connect', 'ready', 'secureConnect', 'secure', 'data', 'end', 'finish', 'close']
    assert.equal(only(events, CERTAIN).slice(-certain.length), certain)
    assert.is(events.at(-1), 'close')
  })

  test('to the end by the client', async (t) => {
    const { socket, peer, events } = await watched(t)
    peer.resume()
    peer.on('end', () => peer.end())
    socket.end('bye')
    assert.is(await closing(socket), false)
    await someTurns()
    assert.equal(only(events, CERTAIN).slice(-5), ['secureConnect', 'secure', 'finish', 'end', 'close'])
    assert.is(events.at(-1), 'close')
  })

  for (const error of [undefined, new Error('mine')]) {
    test(`to destroy ${error ? 'with an error' : 'without an error'}`, async (t) => {
      const { socket, events } = await watched(t)
      await until(() => events.includes('session'))
      const before = [...events]
      if (error) socket.on('error', () => {})
      socket.destroy(error)
      assert.equal(events, before)
      assert.is(await closing(socket), error !== undefined)
      await someTurns()
      assert.equal(events.slice(before.length).filter((event) => event !== 'session'), error ? ['error', 'close'] : ['close'])
    })
  }

  test('the OCSP response and the keys come before secureConnect', async (t) => {
    const { events } = await watched(t)
    const early = events.slice(0, events.indexOf('secureConnect'))
    assert.is(only(early, ['OCSPResponse']).length, 1)
    assert.ok(only(early, ['keylog']).length >= (maxVersion === 'TLSv1.2' ? 1 : 4))
    assert.ok(early.indexOf('ready') < early.indexOf('keylog'))
  })

  test('sessions come after secureConnect', async (t) => {
    const { socket, events, peer } = await watched(t)
    peer.end('bye')
    socket.resume()
    await once(socket, 'close')
    assert.ok(events.indexOf('session') > events.indexOf('secureConnect'))
    assert.is(only(events, ['session']).length, maxVersion === 'TLSv1.2' ? 1 : 2)
  })

  test('keylog lines are those of the NSS format, one each', async (t) => {
    const { port } = await listen(t, { maxVersion })
    const socket = dial(t, tls, port)
    const lines: Buffer[] = []
    socket.on('keylog', (line) => lines.push(line))
    await once(socket, 'secureConnect')
    const labels = lines.map((line) => /^([A-Z0-9_]+) [0-9a-f]{64} [0-9a-f]{64,96}\n$/.exec(line.toString('latin1'))![1]!)
    const expected12 = ['CLIENT_RANDOM']
    const expected13 = [
      'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'CLIENT_TRAFFIC_SECRET_0',
      'EXPORTER_SECRET',
      'SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'SERVER_TRAFFIC_SECRET_0',
    ]
    assert.equal([...labels].sort(), maxVersion === 'TLSv1.2' ? expected12 : expected13)
  })

  test('data that came with the handshake waits for a listener', async (t) => {
    const { port, server } = await listen(t, { maxVersion })
    server.on('secureConnection', (peer) => peer.end('at once'))
    const socket = dial(t, tls, port)
    await once(socket, 'secureConnect')
    await someTurns()
    assert.is((await readToEnd(socket)).toString(), 'at once')
  })

  test('listeners of secureConnect may destroy the socket', async (t) => {
    const { port } = await listen(t, { maxVersion })
    const socket = dial(t, tls, port)
    const events = record(socket, ...EVENTS)
    socket.once('secureConnect', () => socket.destroy())
    assert.is(await closing(socket), false)
    await someTurns()
    assert.equal(only(events, ['secureConnect', 'data', 'end', 'error', 'close']), ['secureConnect', 'close'])
  })
}

function failureSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: order of events in failure`)

  test('a server that is no TLS server: error, close', async (t) => {
    const plain = createNetServer((socket) => socket.end('220 welcome to something else\r\n'))
    await listening(t, plain)
    const socket = dial(t, tls, portOf(plain))
    const events = record(socket, ...EVENTS)
    const error = await failing(socket)
    sameFields(error, { code: 'ERR_SSL_WRONG_VERSION_NUMBER', library: 'SSL routines', reason: 'wrong version number' })
    assert.is(await closing(socket), true)
    await someTurns()
    assert.equal(only(events, ['secureConnect', 'secure', 'data', 'end', 'error', 'close']), ['error', 'close'])
  })

  test('a server that hangs up: error, close', async (t) => {
    const plain = createNetServer((socket) => socket.end())
    await listening(t, plain)
    const socket = dial(t, tls, portOf(plain))
    const events = record(socket, ...EVENTS)
    sameFields(await failing(socket), {
      code: 'ECONNRESET',
      message: 'Client network socket disconnected before secure TLS connection was established',
      host: '127.0.0.1',
      port: portOf(plain),
      path: undefined,
      localAddress: undefined,
    })
    await closing(socket)
    await someTurns()
    assert.equal(only(events, ['secureConnect', 'secure', 'data', 'error', 'close']), ['error', 'close'])
  })

  test('a server that resets: error, close', async (t) => {
    const plain = createNetServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await listening(t, plain)
    const socket = dial(t, tls, portOf(plain))
    const events = record(socket, ...EVENTS)
    sameFields(await failing(socket), { code: 'ECONNRESET' })
    assert.is(await closing(socket), true)
    await someTurns()
    assert.equal(only(events, ['secureConnect', 'secure', 'data', 'end', 'error', 'close']), ['error', 'close'])
  })

  test('an alert of the server: error, close', async (t) => {
    const { port } = await listen(t, { minVersion: 'TLSv1.3' })
    const socket = dial(t, tls, port, { maxVersion: 'TLSv1.2' })
    const events = record(socket, ...EVENTS)
    await failing(socket)
    assert.is(await closing(socket), true)
    await someTurns()
    assert.equal(only(events, ['secureConnect', 'secure', 'data', 'end', 'error', 'close']), ['error', 'close'])
  })

  for (const event of ['lookup', 'connect', 'ready', 'keylog', 'OCSPResponse']) {
    test(`destroy within ${event}: close, and nothing else any more`, async (t) => {
      const { port } = await listen(t)
      const socket = dial(t, tls, port, { host: 'localhost', requestOCSP: true })
      const events = record(socket, ...EVENTS)
      let before = 0
      socket.once(event, () => {
        socket.destroy()
        before = events.length
      })
      assert.is(await closing(socket), false)
      await someTurns()
      const late = events.slice(before).filter((name) => !['ready', 'keylog', 'OCSPResponse'].includes(name))
      assert.equal(late, ['close'])
    })
  }
}

/** What AsyncLocalStorage holds is that of whoever asked for what happens. */
function contextSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: asynchronous context`)
  const storage = new AsyncLocalStorage<string>()

  test('events and the listener have that of connect', async (t) => {
    const { port, server } = await listen(t)
    server.on('secureConnection', (peer) => peer.end('hello'))
    const seen: Record<string, string | undefined> = {}
    const listener = () => (seen.listener = storage.getStore())
    const socket = storage.run('connect', () => dial(t, tls, port, {}, listener))
    const events = ['connect', 'ready', 'secureConnect', 'session', 'data', 'end', 'close']
    await storage.run('elsewhere', async () => {
      for (const event of events) socket.on(event, () => (seen[event] = storage.getStore()))
      await once(socket, 'close')
    })
    assert.equal(seen, Object.fromEntries([...events, 'listener'].map((event) => [event, 'connect'])))
  })

  test('callbacks of write and end have that of the call', async (t) => {
    const { port, accept } = await listen(t)
    const socket = storage.run('connect', () => dial(t, tls, port))
    const seen: (string | undefined)[] = []
    const see = () => void seen.push(storage.getStore())
    const end = () => storage.run('end', () => socket.once('finish', see).end(see))
    socket.once('secureConnect', () => storage.run('write', () => socket.write(Buffer.alloc(100_000), () => (see(), end()))))
    const peer = await accept()
    peer.resume()
    await once(peer, 'end')
    await until(() => seen.length === 3)
    assert.equal(seen, ['write', 'end', 'end'])
  })
}
