// The reading side of a TLSSocket as a stream: all the ways to read it, and none that loses or repeats a byte.
import { once } from 'node:events'
import { finished, PassThrough, pipeline as pipelineOld, Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as assert from 'uvu/assert'
import { sameBytes } from '../../support/expect.ts'
import { pattern } from '../../support/random.ts'
import { suite } from '../../support/suite.ts'
import { connectedPair } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, readToEnd, record, rejectionOf, sameFields, someTurns, take, until } from './watch.ts'

const SOME = pattern(200_000)

export function readSuite(subject: Subject): void {
  for (const role of ['client', 'server'] as const) {
    modesSuite(subject, role)
    pauseSuite(subject, role)
    textSuite(subject, role)
    pipeSuite(subject, role)
  }
}

function modesSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: reading`)

  test('by data: Buffers, which nothing changes later', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: Buffer[] = []
    own.on('data', (chunk: Buffer) => chunks.push(chunk))
    peer.end(SOME)
    await once(own, 'end')
    assert.ok(chunks.every((chunk) => Buffer.isBuffer(chunk) && chunk.length > 0))
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('by readable and read()', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: Buffer[] = []
    own.on('readable', () => {
      for (let chunk = own.read() as Buffer | null; chunk; chunk = own.read() as Buffer | null) chunks.push(chunk)
    })
    peer.end(SOME)
    await once(own, 'end')
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('by read(n), which gives exactly n, or null', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.write('1234567890')
    await until(() => own.readableLength === 10 || own.read(0) !== null)
    assert.is(own.read(11), null)
    assert.is(String(own.read(4)), '1234')
    assert.is(own.readableLength, 6)
    assert.is(String(own.read(6)), '567890')
    assert.is(own.read(), null)
  })

  test('by async iteration, to the end', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.end(SOME)
    const chunks: Buffer[] = []
    for await (const chunk of own) chunks.push(chunk as Buffer)
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('by async iteration: to leave it is to destroy the socket', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.write('hello')
    for await (const chunk of own) {
      assert.is(String(chunk), 'hello')
      break
    }
    assert.is(own.destroyed, true)
  })

  test('by async iteration: an error is thrown', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const mine = new Error('mine')
    peer.write('hello')
    const reading = (async () => {
      for await (const _ of own) own.destroy(mine)
    })()
    assert.is(await rejectionOf(reading), mine)
  })

  test('by a web stream', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.end(SOME)
    own.end() // some versions of Node wait for both directions
    const chunks: Uint8Array[] = []
    for await (const chunk of Readable.toWeb(own)) chunks.push(chunk as Uint8Array)
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('unshift puts bytes back', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.end('a header; a body')
    const header = await take(own, 5)
    own.unshift(header)
    assert.is((await readToEnd(own)).toString(), 'a header; a body')
  })

  test('end comes once, after all data, and only to those who read', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const events = record(own, 'end', 'close')
    peer.end('hello')
    await someTurns()
    assert.equal([events, own.readableEnded, own.destroyed], [[], false, false])
    assert.is((await readToEnd(own)).toString(), 'hello')
    await someTurns()
    assert.equal(events, ['end'])
  })

  test('an end without data comes to readable listeners, too', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const reads: unknown[] = []
    own.on('readable', () => reads.push(own.read()))
    peer.end()
    await once(own, 'end')
    assert.equal(reads, [null])
  })
}

function pauseSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: pause`)

  test('no data while paused, all of it afterwards', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: Buffer[] = []
    own.on('data', (chunk: Buffer) => chunks.push(chunk))
    assert.is(own.isPaused(), false)
    own.pause()
    assert.is(own.isPaused(), true)
    peer.end(SOME)
    await someTurns()
    assert.equal(chunks, [])
    own.resume()
    await once(own, 'end')
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('pause within data, resume in a later turn', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: Buffer[] = []
    let paused = false
    own.on('data', (chunk: Buffer) => {
      assert.is(paused, false)
      chunks.push(chunk)
      paused = true
      own.pause()
      setImmediate(() => {
        paused = false
        own.resume()
      })
    })
    peer.end(SOME)
    await once(own, 'end')
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('pause and resume at random', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const received = readToEnd(own)
    let turning = true
    const turn = (): void => {
      if (!turning) return
      own.pause()
      own.resume()
      setImmediate(turn)
    }
    turn()
    for (let at = 0; at < SOME.length; at += 997) peer.write(SOME.subarray(at, at + 997))
    peer.end()
    sameBytes(await received, SOME)
    turning = false
  })

  test('a listener that comes late misses nothing', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.write('early ')
    await someTurns()
    peer.end('late')
    await someTurns()
    assert.is((await readToEnd(own)).toString(), 'early late')
  })
}

function textSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: setEncoding`)

  test('characters that are split between records arrive whole', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.setEncoding('utf8')
    const chunks: string[] = []
    own.on('data', (chunk: string) => chunks.push(chunk))
    const bytes = Buffer.from('Grüße, 世界 🎉')
    for (const byte of bytes) {
      peer.write(Buffer.from([byte]))
      await someTurns(1)
    }
    peer.end()
    await once(own, 'end')
    assert.is(chunks.join(''), 'Grüße, 世界 🎉')
    assert.ok(chunks.every((chunk) => typeof chunk === 'string' && !chunk.includes('\ufffd')))
  })

  for (const encoding of ['hex', 'base64', 'latin1', 'utf16le'] as const) {
    test(`${encoding}`, async (t) => {
      const { own, peer } = await connectedPair(t, subject, { role })
      own.setEncoding(encoding)
      const chunks: string[] = []
      own.on('data', (chunk: string) => chunks.push(chunk))
      peer.end(SOME.subarray(0, 999))
      await once(own, 'end')
      assert.is(chunks.join(''), Buffer.from(SOME.subarray(0, 999)).toString(encoding))
    })
  }
}

function pipeSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: pipes`)

  test('pipe to a slow writable', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: Buffer[] = []
    const slow = new Writable({
      highWaterMark: 1000,
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk)
        setImmediate(done)
      },
    })
    own.pipe(slow)
    peer.end(SOME)
    await once(slow, 'finish')
    sameBytes(Buffer.concat(chunks), SOME)
  })

  test('pipe from a readable, and end with it', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    Readable.from([Buffer.from(SOME.subarray(0, 70_000)), Buffer.from(SOME.subarray(70_000))]).pipe(own)
    sameBytes(await readToEnd(peer), SOME)
  })

  test('piped into itself it is an echo', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.pipe(own)
    const back = Promise.all([readToEnd(peer), closing(own)])
    peer.end(SOME)
    const [bytes, hadError] = await back
    sameBytes(bytes, SOME)
    assert.is(hadError, false)
  })

  test('pipeline through a transform and back', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const inverted = new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, chunk.map((byte) => byte ^ 255)) })
    const back = readToEnd(peer)
    peer.end(SOME)
    await pipeline(own, inverted, own)
    sameBytes(await back, SOME.map((byte) => byte ^ 255))
  })

  test('pipeline: a socket that is destroyed is a premature close', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const sink = new PassThrough().resume()
    const piping = new Promise<Error | null | undefined>((resolve) => pipelineOld(own, sink, resolve))
    peer.write('hello')
    await once(sink, 'data')
    own.destroy()
    sameFields(await piping, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    assert.is(sink.destroyed, true)
  })

  test('finished tells the end of both directions', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const done = new Promise<Error | null | undefined>((resolve) => finished(own, resolve))
    own.resume()
    peer.resume()
    own.end('bye')
    peer.end('bye')
    assert.is(await done, undefined)
  })
}
