// tls.connect: the forms of its arguments, what it returns, whom it calls back, and how it fails when there is nobody to talk to.
import { once } from 'node:events'
import { createServer as createNetServer, Socket, type AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { inFreshNode } from '../../support/node.ts'
import { Workshop } from '../../support/openssl.ts'
import { suite, type Case } from '../../support/suite.ts'
import { connectTo, dial, listen, owned, trusting, type ClientOptions, type Tls } from './parties.ts'
import { has, importing, type Subject } from './subject.ts'
import { VERSIONS } from './versions.ts'
import { closing, failing, record, rejectionOf, sameFields, someTurns } from './watch.ts'

type Form = (tls: Tls, port: number, options: ClientOptions, listener: () => void) => TLSSocket

const WITH_LISTENER: Record<string, Form> = {
  '(options, listener)': (tls, port, options, listener) => connectTo(tls, { ...options, port, host: '127.0.0.1' }, listener),
  '(options, listener), the port as text': (tls, port, options, listener) =>
    connectTo(tls, { ...options, port: String(port) as unknown as number, host: '127.0.0.1' }, listener),
  '(port, options, listener)': (tls, port, options, listener) => tls.connect(port, { ...options, host: '127.0.0.1' }, listener),
  '(port, host, options, listener)': (tls, port, options, listener) => tls.connect(port, '127.0.0.1', options, listener),
  '(wrong port, wrong host, options that have both, listener)': (tls, port, options, listener) =>
    tls.connect(1, '127.0.0.9', { ...options, port, host: '127.0.0.1' }, listener),
}

const WITHOUT_LISTENER: Record<string, Form> = {
  '(options)': (tls, port, options) => connectTo(tls, { ...options, port, host: '127.0.0.1' }),
  '(options) without a host, which is localhost then': (tls, port, options) => connectTo(tls, { ...options, port }),
  '(port, options)': (tls, port, options) => tls.connect(port, options),
  '(port, host, options)': (tls, port, options) => tls.connect(port, '127.0.0.1', options),
}

/** Nothing is trusted by default, so these end with an error; but they reach the server. */
const UNTRUSTING: Record<string, Form> = {
  '(port)': (tls, port) => tls.connect(port),
  '(port, host)': (tls, port) => tls.connect(port, '127.0.0.1'),
  '(port, listener)': (tls, port, _, listener) => tls.connect(port, listener as unknown as ClientOptions),
  '(port, host, listener)': (tls, port, _, listener) => tls.connect(port, '127.0.0.1', listener as unknown as ClientOptions),
  '(port as text)': (tls, port) => tls.connect(String(port) as unknown as number),
}

export function connectSuite(subject: Subject): void {
  formsSuite(subject)
  argumentsSuite(subject)
  nobodySuite(subject)
}

function formsSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: connect`)

  for (const [form, call] of Object.entries(WITH_LISTENER)) {
    test(`${form} calls the listener once, as one of secureConnect`, async (t) => {
      const { port } = await listen(t)
      const calls: unknown[][] = []
      const socket = owned(t, call(tls, port, trusting(), (...args: unknown[]) => calls.push(args)))
      assert.is(socket.listenerCount('secureConnect'), 1)
      await once(socket, 'secureConnect')
      assert.equal(calls, [[]])
      assert.is(socket.listenerCount('secureConnect'), 0)
    })
  }

  for (const [form, call] of Object.entries(WITHOUT_LISTENER)) {
    test(`${form}`, async (t) => {
      const { port } = await listen(t)
      const socket = owned(t, call(tls, port, trusting(), () => {}))
      await once(socket, 'secureConnect')
      assert.is(socket.remotePort, port)
    })
  }

  for (const [form, call] of Object.entries(UNTRUSTING)) {
    test(`${form} connects, and refuses a certificate of an unknown issuer`, async (t) => {
      const { port } = await listen(t)
      const socket = call(tls, port, {}, () => assert.unreachable('the listener was called'))
      const error = await failing(socket)
      sameFields(error, { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
      assert.match(error.message, /^unable to verify the first certificate/)
      assert.is(await closing(socket), true)
    })
  }

  test('(path) is a socket of the file system', async (t) => {
    const { accept, path } = await listenAt(t)
    const socket = owned(t, connectTo(tls, { path, ...trusting() }))
    const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
    peer.write('hello')
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    assert.is(chunk.toString(), 'hello')
    assert.is(socket.remoteAddress, undefined)
    assert.equal(socket.address(), {})
  })

  test('(path as the first argument, options)', async (t) => {
    const { path } = await listenAt(t)
    const socket = owned(t, tls.connect(path as unknown as number, trusting()))
    await once(socket, 'secureConnect')
  })

  test('a path comes before port and host', async (t) => {
    const { path } = await listenAt(t)
    const socket = owned(t, connectTo(tls, { path, port: 1, host: '127.0.0.9', ...trusting() }))
    await once(socket, 'secureConnect')
  })

  test('returns a TLSSocket that is a net.Socket and a Duplex, and is not connected yet', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    assert.instance(socket, tls.TLSSocket)
    assert.instance(socket, Socket)
    assert.instance(socket, Duplex)
    assert.is(socket.constructor.name, 'TLSSocket')
    assert.is(socket.connecting, true)
    assert.is(socket.encrypted, true)
    await once(socket, 'secureConnect')
  })

  test('emits nothing before it has returned', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    const events = record(socket, 'connect', 'ready', 'secureConnect')
    await once(socket, 'secureConnect')
    assert.equal(events, ['connect', 'ready', 'secureConnect'])
  })
}

function argumentsSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: arguments of connect`)

  test('the options are left as they are, and may be frozen', async (t) => {
    const { port } = await listen(t)
    const options = Object.freeze({ port, host: '127.0.0.1', ...trusting() })
    const before = { ...options }
    const socket = owned(t, tls.connect(options))
    await once(socket, 'secureConnect')
    assert.equal(Object.keys(options), Object.keys(before))
  })

  test('one object of options serves many connections', async (t) => {
    const { port } = await listen(t)
    const options = { port, host: '127.0.0.1', ...trusting() }
    const sockets = Array.from({ length: 5 }, () => tls.connect(options))
    for (const socket of sockets) owned(t, socket)
    await Promise.all(sockets.map((socket) => once(socket, 'secureConnect')))
  })

  const wrong = (code: string) => (has(subject, VERSIONS.argumentErrors) ? code : 'ERR_INTERNAL_ASSERTION')
  const REFUSED: [what: string, args: string, code: string, name?: string][] = [
    ['nothing', '', 'ERR_MISSING_ARGS', 'TypeError'],
    ['neither port nor path', '{}', 'ERR_MISSING_ARGS', 'TypeError'],
    ['a port that is none', '{ port: 65536 }', 'ERR_SOCKET_BAD_PORT', 'RangeError'],
    ['a negative port', '{ port: -1 }', 'ERR_SOCKET_BAD_PORT', 'RangeError'],
    ['a port of another type', '{ port: true }', 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a host of another type', '{ port: 1, host: 1 }', 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a lookup that is no function', '{ port: 1, lookup: 1 }', 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a localAddress that is none', `{ port: 1, localAddress: 'x' }`, 'ERR_INVALID_IP_ADDRESS', 'TypeError'],
    ['a localPort that is none', `{ port: 1, localPort: 'x' }`, 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a minDHSize that is no number', `{ port: 1, minDHSize: '1' }`, wrong('ERR_INVALID_ARG_TYPE')],
    ['a minDHSize that is not positive', '{ port: 1, minDHSize: 0 }', wrong('ERR_OUT_OF_RANGE')],
    ['a pskCallback that is none', `{ port: 1, pskCallback: 'x' }`, 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a signal that is none', '{ port: 1, signal: {} }', 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a timeout that is none', `{ port: 1, timeout: 'x' }`, 'ERR_INVALID_ARG_TYPE', 'TypeError'],
    ['a certificate that is none', `{ port: 1, cert: 'x' }`, 'ERR_OSSL_PEM_NO_START_LINE'],
    ['a context that is none', '{ port: 1, secureContext: {} }', 'ERR_TLS_INVALID_CONTEXT', 'TypeError'],
    ['an unknown version', `{ port: 1, minVersion: 'TLSv9' }`, 'ERR_TLS_INVALID_PROTOCOL_VERSION', 'TypeError'],
  ]
  // In a process of its own: what connect has made of a socket when it throws is never closed.
  const outcomes = REFUSED.map(([, args]) => `outcomeOf(() => tls.connect(${args}))`)
  let results: { code: string; name: string }[] | undefined
  REFUSED.forEach(([what, , code, errorName], index) =>
    test(`${what} is refused at once`, () => {
      results ??= inFreshNode(`${importing(subject)}
        const outcomeOf = (call) => { try { call(); return {} } catch ({ code, name }) { return { code, name } } }
        process.stdout.write(JSON.stringify([${outcomes}]), process.exit)`) as { code: string; name: string }[]
      const result = results[index]!
      assert.is(result.code, code)
      if (errorName) assert.is(result.name, errorName)
    }),
  )
}

function nobodySuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: nobody there`)

  test('a port that nobody listens to is ECONNREFUSED, with the address', async (t) => {
    const port = await freePort()
    const socket = owned(t, connectTo(tls, { port, host: '127.0.0.1' }))
    const events = record(socket, 'connect', 'secureConnect', 'end', 'error', 'close')
    const error = await failing(socket)
    const message = `connect ECONNREFUSED 127.0.0.1:${port}`
    sameFields(error, { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port, message })
    assert.is(await closing(socket), true)
    await someTurns()
    assert.equal(events, ['error', 'close'])
    assert.is(socket.destroyed, true)
    assert.is(socket.errored, error)
  })

  test('a path that is not there is ENOENT', async (t) => {
    const socket = owned(t, connectTo(tls, { path: `${t.own(new Workshop()).path('none')}` }))
    sameFields(await failing(socket), { code: 'ENOENT', syscall: 'connect' })
    assert.is(await closing(socket), true)
  })

  test('the listener of connect is not called, and events.once rejects', async (t) => {
    const socket = dial(t, tls, await freePort(), {}, () => assert.unreachable('called'))
    const rejected = await rejectionOf(once(socket, 'secureConnect'))
    assert.is(rejected.code, 'ECONNREFUSED')
  })

  test('a write that was under way hears of the failure, too', async (t) => {
    const socket = dial(t, tls, await freePort())
    socket.on('error', () => {})
    const error = await new Promise<Error | null | undefined>((resolve) => socket.write('hello', resolve))
    sameFields(error, { code: 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION' })
  })
}

/** A server on a UNIX domain socket. */
async function listenAt(t: Case): Promise<{ path: string; accept: () => Promise<TLSSocket> }> {
  const { server, accept } = await listen(t)
  const path = t.own(new Workshop()).path('socket')
  const forwarder = createNetServer({ pauseOnConnect: true }, (socket) => server.emit('connection', socket))
  t.defer(() => new Promise((resolve) => forwarder.close(resolve)))
  forwarder.listen(path)
  await once(forwarder, 'listening')
  return { path, accept }
}

/** One that was in use just now, and is not any longer. */
async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
