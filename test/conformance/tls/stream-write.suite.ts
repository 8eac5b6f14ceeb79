// The writing side of a TLSSocket as a stream: what may be written, in which order it arrives, who is called back, and what write tells.
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { sameBytes } from '../../support/expect.ts'
import { pattern } from '../../support/random.ts'
import { suite } from '../../support/suite.ts'
import { connectedPair, dial, listen, owned } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, failing, readToEnd, record, sameFields, someTurns, take, thrownBy } from './watch.ts'

const ROLES = ['client', 'server'] as const

export function writeSuite(subject: Subject): void {
  for (const role of ROLES) {
    kindsSuite(subject, role)
    callbacksSuite(subject, role)
    corkSuite(subject, role)
    afterEndSuite(subject, role)
  }
  earlySuite(subject)
}

function kindsSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: what is written`)

  const TEXTS: [encoding: BufferEncoding | undefined, text: string][] = [
    [undefined, 'Grüße, 世界 🎉'],
    ['utf8', 'Grüße, 世界 🎉'],
    ['latin1', 'Grüße'],
    ['ascii', 'plain'],
    ['hex', '00ff10'],
    ['base64', 'AP8Q'],
    ['base64url', 'AP8Q_-'],
    ['utf16le', 'Grüße 🎉'],
    ['ucs2', 'ab'],
  ]
  for (const [encoding, text] of TEXTS) {
    test(`text in ${encoding ?? 'no'} encoding`, async (t) => {
      const { own, peer } = await connectedPair(t, subject, { role })
      if (encoding) own.end(text, encoding)
      else own.end(text)
      assert.equal(await readToEnd(peer), Buffer.from(text, encoding))
    })
  }

  test('text after setDefaultEncoding', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.setDefaultEncoding('hex')
    own.write('00ff')
    own.end('10')
    assert.equal(await readToEnd(peer), Buffer.from([0, 255, 16]))
  })

  test('bytes: a Buffer, a Uint8Array, and parts of larger ones', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const bytes = pattern(100)
    own.write(Buffer.from(bytes))
    own.write(bytes)
    own.write(bytes.subarray(10, 20))
    own.end(Buffer.from(bytes.buffer, 30, 5))
    assert.equal(await readToEnd(peer), Buffer.concat([bytes, bytes, bytes.subarray(10, 20), bytes.subarray(30, 35)]))
  })

  test('what is neither is refused at once, and does no harm', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    for (const chunk of [1, {}, true, undefined, [1]]) {
      sameFields(thrownBy(() => own.write(chunk as never)), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' })
    }
    sameFields(thrownBy(() => own.write(null as never)), { code: 'ERR_STREAM_NULL_VALUES', name: 'TypeError' })
    sameFields(thrownBy(() => own.write('x', 'no-such-encoding' as never)), { code: 'ERR_UNKNOWN_ENCODING' })
    own.end('still here')
    assert.is((await readToEnd(peer)).toString(), 'still here')
  })

  test('an empty write is called back and sends nothing', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks = record(peer, 'data')
    await new Promise((resolve) => own.write('', resolve))
    await new Promise((resolve) => own.write(Buffer.alloc(0), resolve))
    own.end()
    await once(peer, 'end')
    assert.equal(chunks, [])
  })
}

function callbacksSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: callbacks of write`)

  test('come once each, in order, in a later turn, without an error', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.resume()
    const calls: unknown[] = []
    for (let i = 0; i < 20; i++) own.write(`${i}`, (error) => calls.push(error ?? i))
    assert.equal(calls, [])
    await new Promise<void>((resolve) => own.end('last', resolve))
    assert.equal(calls, Array.from({ length: 20 }, (_, i) => i))
  })

  test('a buffer may be used again once its callback has come', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const buffer = Buffer.alloc(1000)
    const received = readToEnd(peer)
    for (let i = 0; i < 50; i++) {
      buffer.fill(i)
      await new Promise((resolve) => own.write(buffer, resolve))
    }
    own.end()
    sameBytes(await received, Buffer.concat(Array.from({ length: 50 }, (_, i) => Buffer.alloc(1000, i))))
  })

  test('a buffer may be changed as soon as write has returned true and a turn has passed', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const buffer = Buffer.alloc(1000, 1)
    own.write(buffer)
    await nextTurn()
    buffer.fill(2)
    own.end()
    sameBytes(await readToEnd(peer), Buffer.alloc(1000, 1))
  })

  test('end calls back after finish, with data and without', async (t) => {
    for (const data of ['data', undefined]) {
      const { own, peer } = await connectedPair(t, subject, { role })
      peer.resume()
      const events = record(own, 'finish')
      await new Promise<void>((resolve) => (data ? own.end(data, 'utf8', () => resolve()) : own.end(() => resolve())))
      assert.equal(events, ['finish'])
      assert.is(own.writableFinished, true)
    }
  })

  test('many small writes keep their order', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const numbers = Array.from({ length: 3000 }, (_, i) => `${i},`)
    for (const number of numbers) own.write(number)
    own.end()
    assert.is((await readToEnd(peer)).toString(), numbers.join(''))
  })

  test('a write within a callback comes after those before', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.write('1', () => own.write('3', () => own.end('4')))
    own.write('2')
    assert.is((await readToEnd(peer)).toString(), '1234')
  })
}

function corkSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: cork`)

  test('holds writes back until uncork, which sends them as one', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: string[] = []
    peer.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
    own.cork()
    own.cork()
    for (const part of ['one ', 'two ', 'three']) own.write(part)
    own.uncork()
    await someTurns()
    assert.equal(chunks, [])
    own.uncork()
    own.end()
    await once(peer, 'end')
    assert.equal(chunks, ['one two three'])
  })

  test('text and bytes together', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.cork()
    own.write('é', 'latin1')
    own.write(Buffer.from([1, 2]))
    own.write('0304', 'hex')
    own.write('é')
    own.end()
    assert.equal(await readToEnd(peer), Buffer.from([0xe9, 1, 2, 3, 4, 0xc3, 0xa9]))
  })

  test('end uncorks', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.cork()
    own.write('one ')
    own.end('two')
    assert.is((await readToEnd(peer)).toString(), 'one two')
  })
}

function afterEndSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: writing too late`)

  test('after end: false, and an error', async (t) => {
    const { own } = await connectedPair(t, subject, { role })
    own.end()
    const told = new Promise<Error | null | undefined>((resolve) => {
      assert.is(own.write('late', resolve), false)
    })
    const [error, toCallback] = await Promise.all([failing(own), told])
    sameFields(error, { code: 'ERR_STREAM_WRITE_AFTER_END', message: 'write after end' })
    assert.is(toCallback, error)
    assert.is(await closing(own), true)
  })

  test('after destroy: false, no event, and an error for the callback', async (t) => {
    const { own } = await connectedPair(t, subject, { role })
    own.destroy()
    const events = record(own, 'error')
    const error = await new Promise<Error | null | undefined>((resolve) => assert.is(own.write('late', resolve), false))
    sameFields(error, { code: 'ERR_STREAM_DESTROYED' })
    await someTurns()
    assert.equal(events, [])
  })

  test('end twice: the second one calls back with an error or without, but calls back', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.resume()
    const first = new Promise<void>((resolve) => own.end(resolve))
    const second = new Promise<void>((resolve) => own.end(resolve))
    await Promise.all([first, second])
    const error = await new Promise<Error | undefined>((resolve) => own.end(resolve as () => void))
    sameFields(error, { code: 'ERR_STREAM_ALREADY_FINISHED' })
  })

  test('after the peer has closed altogether', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role, version: 'TLSv1.2' })
    own.resume()
    own.on('error', () => {})
    peer.destroy()
    await once(own, 'end')
    const error = await new Promise<Error | null | undefined>((resolve) => {
      const again = (problem?: Error | null): void => (problem ? resolve(problem) : void own.write('late', again))
      again()
    })
    assert.match((error as NodeJS.ErrnoException).code!, /^(EPIPE|ECONNRESET|ECANCELED|ERR_STREAM_DESTROYED)$/)
  })
}

function earlySuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} stream: writing early`)

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`before connect, with ${maxVersion}: kept, and sent in order once secure`, async (t) => {
      const { port, accept } = await listen(t, { maxVersion })
      const socket = dial(t, tls, port)
      const order: string[] = []
      socket.on('secureConnect', () => order.push('secureConnect'))
      socket.write('one ', () => order.push('one'))
      socket.write('two ', () => order.push('two'))
      socket.once('connect', () => socket.write('three ', () => order.push('three')))
      socket.once('secureConnect', () => socket.end('four', () => order.push('four')))
      const peer = await accept()
      assert.is((await readToEnd(peer)).toString(), 'one two three four')
      await once(socket, 'close')
      assert.equal(order.filter((step) => step !== 'secureConnect'), ['one', 'two', 'three', 'four'])
    })
  }

  test('more than fits before connect: false, then drain', async (t) => {
    const { port, accept } = await listen(t)
    const socket = dial(t, tls, port)
    assert.is(socket.write(pattern(300_000)), false)
    assert.is(socket.writableNeedDrain, true)
    const drained = once(socket, 'drain')
    const [received] = await Promise.all([accept().then((peer) => take(peer, 300_000)), drained])
    sameBytes(received, pattern(300_000))
  })

  test('end before connect', async (t) => {
    const { port, accept } = await listen(t)
    const socket = dial(t, tls, port)
    socket.end('all')
    const peer = await accept()
    assert.is((await readToEnd(peer)).toString(), 'all')
  })

  test('destroy before connect: the callbacks hear of it', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    const told = new Promise<Error | null | undefined>((resolve) => socket.write('never', resolve))
    socket.destroy()
    assert.match((await told as NodeJS.ErrnoException).code!, /^(ERR_SOCKET_CLOSED_BEFORE_CONNECTION|ERR_STREAM_DESTROYED)$/)
  })

  test('a socket without a connection keeps what is written', async (t) => {
    const { port, accept } = await listen(t)
    const socket = owned(t, new tls.TLSSocket(undefined as never, { rejectUnauthorized: false } as never))
    socket.write('kept')
    assert.is(socket.writableLength, 4)
    socket.connect(port, '127.0.0.1')
    assert.is((await take(await accept(), 4)).toString(), 'kept')
  })
}
