// The good end of a connection, in either order: half-closed sockets, sockets that close on their own, and what was still to be sent.
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { sameBytes } from '../../support/expect.ts'
import { pattern } from '../../support/random.ts'
import { suite, type Case } from '../../support/suite.ts'
import { connectedPair, type Pair } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, readToEnd, record, someTurns, take } from './watch.ts'

const EVENTS = ['end', 'finish', 'error', 'close']

export function endSuite(subject: Subject): void {
  for (const role of ['client', 'server'] as const) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) halfCloseSuite(subject, role, version)
    wholeCloseSuite(subject, role)
    destroySoonSuite(subject, role)
  }
}

function halfCloseSuite(subject: Subject, role: 'client' | 'server', version: 'TLSv1.2' | 'TLSv1.3'): void {
  const test = suite(`${subject.name} stream as ${role}: half-close with ${version}`)
  const pair = (t: Case) => connectedPair(t, subject, { role, version })

  test('after its own end it goes on reading', async (t) => {
    const { own, peer } = await pair(t)
    const events = record(own, ...EVENTS)
    own.end('question')
    assert.is((await readToEnd(peer)).toString(), 'question')
    assert.equal([own.writable, own.readable, own.destroyed, own.readyState], [false, true, false, 'readOnly'])
    const answer = readToEnd(own)
    peer.write(pattern(100_000))
    await someTurns()
    peer.end('.')
    sameBytes(await answer, Buffer.concat([pattern(100_000), Buffer.from('.')]))
    await once(own, 'close')
    assert.equal(events, ['finish', 'end', 'close'])
  })

  test('after the end of the peer it goes on writing', async (t) => {
    const { own, peer } = await pair(t)
    const events = record(own, ...EVENTS)
    peer.end('question')
    assert.is((await readToEnd(own)).toString(), 'question')
    assert.equal([own.writable, own.readableEnded, own.destroyed, own.readyState], [true, true, false, 'writeOnly'])
    const answer = readToEnd(peer)
    own.write(pattern(100_000))
    await someTurns()
    own.end('.')
    sameBytes(await answer, Buffer.concat([pattern(100_000), Buffer.from('.')]))
    await once(own, 'close')
    assert.equal(events, ['end', 'finish', 'close'])
  })

  test('both end at once', async (t) => {
    const { own, peer } = await pair(t)
    const received = Promise.all([readToEnd(own), readToEnd(peer)])
    const closed = Promise.all([closing(own), closing(peer)])
    own.end('from own')
    peer.end('from peer')
    assert.equal((await received).map(String), ['from peer', 'from own'])
    assert.equal(await closed, [false, false])
  })
}

function wholeCloseSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: the end`)

  /** As most programs have it: whoever hears of the end, ends. */
  const wholePair = (t: Case): Promise<Pair> =>
    connectedPair(t, subject, { role, client: { allowHalfOpen: false }, server: { allowHalfOpen: false } })

  test('the end of the peer ends the socket', async (t) => {
    const { own, peer } = await wholePair(t)
    own.resume()
    const events = record(own, ...EVENTS)
    peer.end()
    assert.is(await closing(own), false)
    assert.equal(events, ['end', 'finish', 'close'])
  })

  test('what was written before the end of the peer is still sent', async (t) => {
    const { own, peer } = await wholePair(t)
    own.resume()
    own.write(pattern(1_000_000))
    const received = readToEnd(peer)
    peer.end('enough')
    sameBytes(await received, pattern(1_000_000))
  })

  test('its own end: the peer ends, too, and both close', async (t) => {
    const { own, peer } = await wholePair(t)
    own.resume()
    peer.resume()
    const closed = Promise.all([closing(own), closing(peer)])
    own.end('bye')
    assert.equal(await closed, [false, false])
    assert.equal([own.destroyed, own.readableEnded, own.writableFinished], [true, true, true])
  })

  test('a socket that nobody reads does not close: end waits for the data before it', async (t) => {
    const { own, peer } = await wholePair(t)
    const events = record(own, ...EVENTS)
    peer.end('unread')
    await someTurns(50)
    assert.equal(events, [])
    own.resume()
    await once(own, 'close')
    assert.equal(events, ['end', 'finish', 'close'])
  })

  test('a large last write arrives', async (t) => {
    const { own, peer } = await wholePair(t)
    own.resume()
    own.end(pattern(5_000_000))
    sameBytes(await readToEnd(peer), pattern(5_000_000))
  })

  test('a large last write to a slow peer arrives', async (t) => {
    const { own, peer } = await wholePair(t)
    own.resume()
    own.end(pattern(3_000_000))
    await someTurns(50)
    sameBytes(await readToEnd(peer), pattern(3_000_000))
  })

  test('end in the listener of end', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.on('end', () => own.end('answer'))
    own.resume()
    const closed = closing(own)
    peer.end('question')
    assert.is((await readToEnd(peer)).toString(), 'answer')
    assert.is(await closed, false)
  })

  test('events come once: finish, end and close', async (t) => {
    const { own, peer } = await wholePair(t)
    const events = record(own, ...EVENTS)
    own.resume()
    peer.resume()
    own.end()
    own.end()
    await once(own, 'close')
    await someTurns()
    assert.equal([...events].sort(), ['close', 'end', 'finish'])
  })
}

function destroySoonSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: destroySoon`)
  const destroySoon = (socket: TLSSocket): void => (socket as TLSSocket & { destroySoon(): void }).destroySoon()

  test('sends what was written, then destroys', async (t) => {
    // With TLS 1.3 there may be tickets that nobody has read: then the kernel resets the connection.
    const { own, peer } = await connectedPair(t, subject, { role, version: 'TLSv1.2' })
    const events = record(own, ...EVENTS)
    own.write(pattern(300_000))
    const received = take(peer, 300_000)
    const closed = closing(own)
    destroySoon(own)
    sameBytes(await received, pattern(300_000))
    assert.is(await closed, false)
    assert.equal(events, ['finish', 'close'])
  })

  test('with nothing to send', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.resume()
    const events = record(own, ...EVENTS)
    const closed = closing(own)
    destroySoon(own)
    assert.is(await closed, false)
    assert.equal(events, ['finish', 'close'])
  })
}
