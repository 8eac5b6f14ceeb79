// The sudden end by the program itself: destroy, at any moment, with an error or without; and what becomes of everything under way.
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { pattern } from '../../support/random.ts'
import { suite, type Case } from '../../support/suite.ts'
import { connectedPair, dial, listen, settle, type Pair } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, failing, record, sameFields, someTurns, take } from './watch.ts'

const EVENTS = ['connect', 'secureConnect', 'data', 'end', 'finish', 'error', 'close']

export function destroySuite(subject: Subject): void {
  connectingSuite(subject)
  for (const role of ['client', 'server'] as const) {
    connectedSuite(subject, role)
    underWaySuite(subject, role)
    resetSuite(subject, role)
    disposeSuite(subject, role)
  }
}

/** With an error and without: what follows must be these events and no others. */
async function expectClose(socket: TLSSocket, error: Error | undefined, destroy: () => unknown): Promise<void> {
  const events = record(socket, ...EVENTS.filter((event) => event !== 'data')) // to listen to data is to read
  const told: unknown[] = []
  socket.on('error', (problem) => told.push(problem))
  const closed = closing(socket)
  assert.is(destroy(), socket)
  assert.is(socket.destroyed, true)
  assert.equal(events, [])
  assert.is(await closed, error !== undefined)
  await someTurns()
  assert.equal(events, error ? ['error', 'close'] : ['close'])
  assert.equal(told, error ? [error] : [])
  if (error) assert.is(socket.errored, error)
}

const WITH_AND_WITHOUT: [what: string, error: Error | undefined][] = [
  ['without an error', undefined],
  ['with an error', Object.assign(new Error('mine'), { code: 'MINE' })],
]

function connectingSuite({ name, tls }: Subject): void {
  const test = suite(`${name} stream: destroy before it is secure`)

  for (const [what, error] of WITH_AND_WITHOUT) {
    test(`at once, ${what}`, async (t) => {
      const { port } = await listen(t)
      const socket = dial(t, tls, port)
      await expectClose(socket, error, () => socket.destroy(error))
    })

    test(`a turn later, ${what}`, async (t) => {
      const { port } = await listen(t)
      const socket = dial(t, tls, port, { host: 'localhost' })
      await someTurns(1)
      if (socket.connecting) await expectClose(socket, error, () => socket.destroy(error))
    })

    test(`once connected, ${what}`, async (t) => {
      const { port } = await listen(t)
      const socket = dial(t, tls, port)
      await once(socket, 'connect')
      await expectClose(socket, error, () => socket.destroy(error))
    })

    test(`with writes that wait, ${what}`, async (t) => {
      const { port } = await listen(t)
      const socket = dial(t, tls, port)
      const told = ['one', 'two'].map((text) => new Promise<Error | null | undefined>((resolve) => socket.write(text, resolve)))
      await expectClose(socket, error, () => socket.destroy(error))
      assert.ok((await Promise.all(told)).every((problem) => problem instanceof Error))
    })
  }

  test('a socket that was never connected', async () => {
    for (const isServer of [false, true]) {
      const socket = new tls.TLSSocket(undefined as never, { isServer })
      const closed = closing(socket)
      socket.destroy()
      assert.is(await closed, false)
    }
  })

  test('a socket over one that was never connected', async () => {
    const socket = new tls.TLSSocket(new Socket())
    const closed = closing(socket)
    socket.destroy()
    assert.is(await closed, false)
  })
}

function connectedSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: destroy`)

  const MOMENTS: [when: string, prepare: (pair: Pair, t: Case) => unknown][] = [
    ['at rest', () => {}],
    ['with data that nobody reads', async ({ peer }) => (peer.write('unread'), await someTurns())],
    ['with writes under way', ({ own }) => void own.write(Buffer.alloc(20_000_000))],
    ['after end, with writes under way', ({ own }) => void own.end(Buffer.alloc(20_000_000))],
    ['paused', ({ own }) => own.pause()],
    ['corked', ({ own }) => (own.cork(), void own.write('held'))],
  ]
  for (const [when, prepare] of MOMENTS) {
    for (const [what, error] of WITH_AND_WITHOUT) {
      test(`${when}, ${what}`, async (t) => {
        const pair = await connectedPair(t, subject, { role })
        await prepare(pair, t)
        await expectClose(pair.own, error, () => pair.own.destroy(error))
      })
    }
  }

  for (const event of ['data', 'end', 'finish'] as const) {
    test(`within ${event}`, async (t) => {
      const { own, peer } = await connectedPair(t, subject, { role })
      const events = record(own, ...EVENTS)
      own.once(event, () => own.destroy())
      const closed = closing(own)
      if (event === 'finish') own.end()
      else peer.end('hello')
      assert.is(await closed, false)
      await someTurns()
      assert.is(events.at(-1), 'close')
      assert.is(events.filter((name) => name === 'close').length, 1)
      if (event === 'data') assert.equal(events, ['data', 'close'])
    })
  }

  test('twice: the first error counts', async (t) => {
    const { own } = await connectedPair(t, subject, { role })
    const first = new Error('first')
    await expectClose(own, first, () => own.destroy(first).destroy(new Error('second')))
  })

  test('after the close it changes nothing', async (t) => {
    const { own } = await connectedPair(t, subject, { role })
    own.destroy()
    await once(own, 'close')
    const events = record(own, ...EVENTS)
    own.destroy(new Error('late'))
    own.end()
    await someTurns()
    assert.equal(events, [])
    assert.is(own.errored, null)
  })
}

function underWaySuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: destroy and what was under way`)

  test('what was written before arrives', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    await settle({ own, peer })
    own.write('last words')
    own.destroy()
    assert.is((await take(peer, 10)).toString(), 'last words')
  })

  test('writes that wait are called back with an error', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.pause()
    const told: (Error | null | undefined)[] = []
    const all = Array.from({ length: 3 }, () =>
      new Promise<void>((resolve) => own.write(pattern(10_000_000), (error) => (told.push(error), resolve()))),
    )
    await someTurns()
    own.destroy()
    await Promise.all(all)
    assert.ok(told.at(-1) instanceof Error)
    assert.match((told.at(-1) as NodeJS.ErrnoException).code!, /^(ERR_STREAM_DESTROYED|ECANCELED)$/)
  })

  test('the peer is told: it ends, or is reset', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.resume()
    const over = new Promise<string>((resolve) => {
      peer.on('end', () => resolve('end'))
      peer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
    })
    own.destroy()
    assert.match(await over, /^(end|ECONNRESET)$/)
  })

  test('a socket that has both ends behind it destroys itself', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.resume()
    peer.resume()
    own.end()
    peer.end()
    await once(own, 'close')
    assert.is(own.destroyed, true)
  })
}

function resetSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: resetAndDestroy`)

  const cannot = { kind: 'peer-cannot', reason: 'Node refuses it for a TLSSocket: ERR_INVALID_HANDLE_TYPE' }
  test.unless(subject.capabilities.node === undefined ? undefined : cannot)('resets the connection: the peer has an error', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    await settle({ own, peer })
    peer.resume()
    const events = record(own, 'end', 'finish', 'error', 'close')
    const closed = closing(own)
    const told = failing(peer)
    assert.is(own.resetAndDestroy(), own)
    sameFields(await told, { code: 'ECONNRESET', syscall: 'read' })
    assert.is(await closed, false)
    await someTurns()
    assert.equal(events, ['close'])
  })

  test('of a socket that is closed', async (t) => {
    const { own } = await connectedPair(t, subject, { role })
    own.destroy()
    await once(own, 'close')
    const events = record(own, ...EVENTS)
    assert.is(own.resetAndDestroy(), own)
    await someTurns()
    assert.equal(events, [])
  })
}

function disposeSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: Symbol.asyncDispose`)

  test('destroys, and resolves once that is done', async (t) => {
    const { own } = await connectedPair(t, subject, { role })
    own.on('error', () => {})
    await own[Symbol.asyncDispose]()
    assert.equal([own.destroyed, own.closed], [true, true])
  })
}
