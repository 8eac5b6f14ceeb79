// The options of tls.connect that are about the connection below TLS: name lookup, addresses, families, time-outs, buffers, abort.
import { ADDRCONFIG } from 'node:dns'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { getDefaultHighWaterMark } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST } from '../../support/certs.ts'
import { pattern } from '../../support/random.ts'
import { suite, type Skip } from '../../support/suite.ts'
import { connectedPair, dial, listen, listening, portOf, type ClientOptions } from './parties.ts'
import { has, nodeCrashes, type Subject } from './subject.ts'
import { VERSIONS } from './versions.ts'
import { closing, failing, record, sameFields, someTurns } from './watch.ts'

type Answer = { address: string; family: number }
type Lookup = NonNullable<ClientOptions['lookup']>

/** A lookup that always answers with these, in a later turn as real ones do, and notes what it was asked for. */
function answering(...answers: Answer[]): { lookup: Lookup; asked: [hostname: string, options: Record<string, unknown>][] } {
  const asked: [string, Record<string, unknown>][] = []
  const lookup: Lookup = (hostname, options, callback) => {
    asked.push([hostname, options as Record<string, unknown>])
    setImmediate(() => (options.all ? callback(null, answers) : callback(null, answers[0]!.address, answers[0]!.family)))
  }
  return { lookup, asked }
}

const LOOPBACK: Answer = { address: '127.0.0.1', family: 4 }
const LOOPBACK_6: Answer = { address: '::1', family: 6 }

export function netOptionsSuite(subject: Subject): void {
  lookupSuite(subject)
  familySuite(subject)
  tuningSuite(subject)
  timeoutSuite(subject)
  signalSuite(subject)
  onreadSuite(subject)
}

function lookupSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: lookup`)

  test('is asked for the host, and its answer told by an event', async (t) => {
    const { port } = await listen(t)
    const { lookup, asked } = answering(LOOPBACK)
    const socket = dial(t, tls, port, { host: HOST, lookup, family: 4, hints: ADDRCONFIG })
    const events: unknown[][] = []
    socket.on('lookup', (...args) => events.push(args))
    await once(socket, 'secureConnect')
    assert.is(asked.length, 1)
    assert.is(asked[0]![0], HOST)
    assert.equal([asked[0]![1].family, asked[0]![1].hints], [4, ADDRCONFIG])
    assert.equal(events, [[null, '127.0.0.1', 4, HOST]])
    assert.is(socket.remoteAddress, '127.0.0.1')
  })

  test('is not asked for an address', async (t) => {
    const { port } = await listen(t)
    const { lookup, asked } = answering(LOOPBACK)
    const socket = dial(t, tls, port, { host: '127.0.0.1', lookup })
    const events = record(socket, 'lookup')
    await once(socket, 'secureConnect')
    assert.equal([asked.length, events.length], [0, 0])
  })

  test('its error is the error of the socket', async (t) => {
    const refusal = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' })
    const lookup: Lookup = (_, __, callback) => setImmediate(() => callback(refusal, []))
    const socket = dial(t, tls, 1, { host: HOST, lookup })
    const events = record(socket, 'lookup', 'connectionAttempt', 'connect', 'error', 'close')
    assert.is(await failing(socket), refusal)
    assert.is(await closing(socket), true)
    assert.equal(events, ['lookup', 'error', 'close'])
  })

  test('may answer after the socket was destroyed', async (t) => {
    const { port } = await listen(t)
    let answer = (): void => {}
    const lookup: Lookup = (_, options, callback) => {
      answer = () => (options.all ? callback(null, [LOOPBACK]) : callback(null, '127.0.0.1', 4))
    }
    const socket = dial(t, tls, port, { host: HOST, lookup })
    const events = record(socket, 'connect', 'error', 'close')
    socket.destroy()
    await once(socket, 'close')
    answer()
    await someTurns()
    assert.equal(events, ['close'])
  })
}

function familySuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: addresses`)

  test('localAddress and localPort are where the connection comes from', async (t) => {
    const { port, accept } = await listen(t)
    const localPort = await unusedPort('127.0.0.2')
    const socket = dial(t, tls, port, { localAddress: '127.0.0.2', localPort })
    const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
    assert.equal([peer.remoteAddress, peer.remotePort], ['127.0.0.2', localPort])
    assert.equal([socket.localAddress, socket.localPort, socket.localFamily], ['127.0.0.2', localPort, 'IPv4'])
    assert.equal(socket.address(), { address: '127.0.0.2', family: 'IPv4', port: localPort })
  })

  test('autoSelectFamily goes on to the next address when one does not answer', async (t) => {
    const { port } = await listen(t)
    const { lookup, asked } = answering(LOOPBACK_6, LOOPBACK)
    const socket = dial(t, tls, port, { host: HOST, lookup, autoSelectFamily: true })
    const events = record(socket, 'connectionAttempt', 'connectionAttemptFailed', 'connect', 'ready', 'secureConnect', 'error')
    await once(socket, 'secureConnect')
    assert.is(asked[0]![1].all, true)
    assert.equal(events, ['connectionAttempt', 'connectionAttemptFailed', 'connectionAttempt', 'connect', 'ready', 'secureConnect'])
    assert.equal(socket.autoSelectFamilyAttemptedAddresses, [`::1:${port}`, `127.0.0.1:${port}`])
    assert.is(socket.remoteAddress, '127.0.0.1')
  })

  test('autoSelectFamily: an exchange works as on any other connection', async (t) => {
    const { port, accept } = await listen(t)
    const { lookup } = answering(LOOPBACK_6, LOOPBACK)
    const socket = dial(t, tls, port, { host: HOST, lookup, autoSelectFamily: true })
    socket.write('before connect')
    const peer = await accept()
    const [chunk] = (await once(peer, 'data')) as [Buffer]
    assert.is(chunk.toString(), 'before connect')
    peer.end('bye')
    assert.is(String((await once(socket, 'data'))[0]), 'bye')
    assert.is(await closing(socket), false)
  })

  test('autoSelectFamily: when no address answers there is one error with all of them', async (t) => {
    const { lookup } = answering(LOOPBACK, { address: '127.0.0.2', family: 4 }, LOOPBACK_6)
    const port = await unusedPort('127.0.0.1')
    const socket = dial(t, tls, port, { host: HOST, lookup, autoSelectFamily: true })
    const error = await failing(socket)
    assert.instance(error, AggregateError)
    sameFields(error, { code: 'ECONNREFUSED' })
    assert.ok((error as unknown as AggregateError).errors.length >= 2)
    assert.is(await closing(socket), true)
  })

  test('autoSelectFamily: false takes the first address only', async (t) => {
    const { lookup, asked } = answering({ address: '127.0.0.2', family: 4 }, LOOPBACK)
    const socket = dial(t, tls, await unusedPort('127.0.0.2'), { host: HOST, lookup, autoSelectFamily: false })
    sameFields(await failing(socket), { code: 'ECONNREFUSED', address: '127.0.0.2' })
    assert.is(asked[0]![1].all, undefined)
  })
}

function tuningSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: tuning of the socket`)
  const kernelTells = test.unless(noKernelTable)

  for (const [what, options, tune] of [
    ['keepAlive: true', { keepAlive: true }, () => {}],
    ['setKeepAlive(true)', {}, (socket: TLSSocket) => socket.setKeepAlive(true, 60_000)],
  ] as [string, ClientOptions, (socket: TLSSocket) => void][]) {
    if (what.startsWith('keepAlive') && !has(subject, VERSIONS.keepAliveOption)) continue
    kernelTells(`${what} reaches the kernel`, async (t) => {
      const { own } = await connectedPair(t, subject, { client: options })
      tune(own)
      await untilTimer(own, KEEPALIVE_TIMER)
    })
  }

  kernelTells('without keepAlive there is no such timer', async (t) => {
    const { own } = await connectedPair(t, subject)
    await untilTimer(own, NO_TIMER)
  })

  test('noDelay, and the setters, return the socket', async (t) => {
    const { own } = await connectedPair(t, subject, { client: { noDelay: true } })
    assert.is(own.setNoDelay(false), own)
    assert.is(own.setKeepAlive(false), own)
    assert.is(own.setTimeout(0), own)
    assert.is(own.ref(), own)
  })

  test('highWaterMark is that of both directions', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port, { highWaterMark: 1234 })
    assert.equal([socket.readableHighWaterMark, socket.writableHighWaterMark], [1234, 1234])
    await once(socket, 'secureConnect')
    assert.is(socket.write(Buffer.alloc(1234)), false)
    assert.is(socket.writableNeedDrain, true)
    await once(socket, 'drain')
  })

  test('highWaterMark: the default is that of streams', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    const expected = getDefaultHighWaterMark(false) // the runtime's
    assert.equal([socket.readableHighWaterMark, socket.writableHighWaterMark], [expected, expected])
  })

  test('allowHalfOpen: without it the end of the peer ends the socket', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { client: { allowHalfOpen: false } })
    assert.is(own.allowHalfOpen, false)
    own.resume()
    peer.end()
    assert.is(await closing(own), false)
    assert.is(own.writableFinished, true)
  })
}

function timeoutSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: timeout`)

  test('is told by an event and changes nothing else', async (t) => {
    const mute = createNetServer()
    await listening(t, mute)
    const socket = dial(t, tls, portOf(mute), { timeout: 20 })
    assert.is(socket.timeout, 20)
    const events = record(socket, 'error', 'close', 'end')
    await once(socket, 'timeout')
    await someTurns()
    assert.equal(events, [])
    assert.is(socket.destroyed, false)
  })

  test('a listener of timeout usually destroys, with an error of its own', async (t) => {
    const mute = createNetServer()
    await listening(t, mute)
    const socket = dial(t, tls, portOf(mute), { timeout: 20 })
    const mine = new Error('too slow')
    socket.on('timeout', () => socket.destroy(mine))
    assert.is(await failing(socket), mine)
    assert.is(await closing(socket), true)
  })

  test('setTimeout with a listener, and without any more', async (t) => {
    const { own } = await connectedPair(t, subject)
    let calls = 0
    own.setTimeout(10, () => calls++)
    await once(own, 'timeout')
    assert.is(calls, 1)
    own.setTimeout(0)
    assert.is(own.timeout, 0)
    await sleep(20)
    assert.is(calls, 1)
  })
}

function signalSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: signal`)
  const ABORTED = { name: 'AbortError', code: 'ABORT_ERR', message: 'The operation was aborted' }

  const survived = test.unless(nodeCrashes(subject, 'a signal that was aborted before leaves it with a handle that nobody listens to'))
  survived('aborted before: the error comes in a later turn', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port, { signal: AbortSignal.abort() })
    const events = record(socket, 'connect', 'secureConnect', 'error', 'close')
    assert.equal(events, [])
    sameFields(await failing(socket), ABORTED)
    assert.is(await closing(socket), true)
    assert.equal(events, ['error', 'close'])
  })

  for (const event of ['connect', 'secureConnect']) {
    test(`aborted after ${event}`, async (t) => {
      const { port } = await listen(t)
      const controller = new AbortController()
      const socket = dial(t, tls, port, { signal: controller.signal })
      await once(socket, event)
      const [error] = await Promise.all([failing(socket), controller.abort()])
      sameFields(error, ABORTED)
      assert.is(await closing(socket), true)
      assert.is(socket.destroyed, true)
    })
  }

  test('its reason is the cause', async (t) => {
    const { port } = await listen(t)
    const controller = new AbortController()
    const socket = dial(t, tls, port, { signal: controller.signal })
    const reason = new Error('changed my mind')
    controller.abort(reason)
    sameFields(await failing(socket), { ...ABORTED, cause: reason })
  })

  test('aborted after the end: nothing happens', async (t) => {
    const controller = new AbortController()
    const { own } = await connectedPair(t, subject, { client: { signal: controller.signal } })
    own.destroy()
    await once(own, 'close')
    const events = record(own, 'error', 'close')
    controller.abort()
    await someTurns()
    assert.equal(events, [])
  })
}

function onreadSuite(subject: Subject): void {
  const { name } = subject
  const test = suite(`${name} client: onread`)

  for (const [what, buffer] of [
    ['one buffer', () => Buffer.alloc(1000)],
    ['a function that makes them', () => () => Buffer.alloc(777)],
  ] as [string, () => Buffer | (() => Buffer)][]) {
    test(`${what} takes all that comes, and there is no data event`, async (t) => {
      const received: Buffer[] = []
      const onread = {
        buffer: buffer() as Buffer,
        callback: (length: number, bytes: Uint8Array) => {
          received.push(Buffer.from(bytes.subarray(0, length)))
          return true
        },
      }
      const { own, peer } = await connectedPair(t, subject, { client: { onread } })
      const events = record(own, 'data')
      const sent = pattern(5000)
      own.resume()
      peer.end(sent)
      await once(own, 'end')
      assert.is(Buffer.compare(Buffer.concat(received), sent), 0)
      assert.ok(received.every(({ length }) => length <= 1000))
      assert.equal(events, [])
    })
  }
}

/** One that was in use just now, and is not any longer. */
async function unusedPort(host: string): Promise<number> {
  const server = createNetServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const KERNEL_TABLE = '/proc/net/tcp'
const NO_TIMER = '00'
const KEEPALIVE_TIMER = '02'

const noKernelTable: Skip | undefined =
  process.platform === 'linux' ? undefined : { kind: 'no-kernel-table', reason: `only Linux tells a socket's timers, in ${KERNEL_TABLE}` }

/** Waits until the kernel says that the socket has this timer, and no retransmission under way (see proc_net_tcp in its documentation). */
async function untilTimer(socket: TLSSocket, wanted: string): Promise<void> {
  const ports = [socket.localPort!, socket.remotePort!].map((port) => port.toString(16).toUpperCase().padStart(4, '0'))
  const row = new RegExp(`:${ports[0]} [0-9A-F]{8}:${ports[1]} 01 \\S+ (\\d\\d):`)
  while (row.exec(readFileSync(KERNEL_TABLE, 'latin1'))?.[1] !== wanted) await sleep(5)
}
