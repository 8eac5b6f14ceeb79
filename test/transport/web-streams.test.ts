// What only WHATWG streams can do to their transport. What it shares with every transport is in conformance.test.ts.
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { directSocket, webStreams, type ByteTransport, type WebStreamsLike } from '../../src/transport/index.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'

class Listener {
  readonly chunks: Uint8Array[] = []
  readonly log: string[] = []
  error: Error | undefined
  readonly transport: ByteTransport

  constructor(transport: ByteTransport) {
    this.transport = transport
    transport.attach({
      onChunk: (chunk) => void (this.chunks.push(chunk), this.log.push('chunk')),
      onDrain: () => void this.log.push('drain'),
      onEof: () => void this.log.push('eof'),
      onError: (error) => void (this.log.push('error'), (this.error = error)),
      onClosed: () => void this.log.push('closed'),
    })
  }
}

async function someTurns(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn()
}

/** A sink that takes a chunk only when it is told to. */
function slowSink(strategy?: QueuingStrategy<Uint8Array>) {
  const taken: Uint8Array[] = []
  const waiting: (() => void)[] = []
  let aborted: unknown
  const writable = new WritableStream<Uint8Array>(
    {
      write: (chunk) => new Promise((resolve) => waiting.push(() => (taken.push(chunk), resolve()))),
      abort: (reason) => void (aborted = reason),
    },
    strategy,
  )
  return { writable, taken, take: () => waiting.shift()?.(), aborted: () => aborted }
}

const silent = (): ReadableStream<Uint8Array> => new ReadableStream()

const test = suite('web streams')

for (const [name, highWaterMark, accepted] of [
  ['with a high water mark of 0 is full until all is taken', 0, 0],
  ['that counts chunks is full at its mark', 3, 2],
  ['that never says it is full is full at 256 KiB', Infinity, 25],
] as const) {
  test(`a writable ${name}`, async () => {
    const sink = slowSink({ highWaterMark })
    const { transport, log } = new Listener(webStreams({ readable: silent(), writable: sink.writable }))
    await nextTurn()
    let room = 0
    while (transport.write(pattern(10_240))) room++
    assert.is(room, accepted)
    await someTurns()
    assert.equal(log, [])
    sink.take()
    await someTurns()
    assert.equal(log, ['drain'])
    assert.is(sink.taken.length, 1)
  })
}

test('ten bytes that were read keep ten bytes, not the buffer they were read into', async () => {
  const readable = new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(pattern(10))
      controller.enqueue(pattern(65_536))
      controller.close()
    },
  })
  const { chunks } = new Listener(webStreams({ readable, writable: slowSink().writable }))
  await someTurns()
  assert.equal(chunks.map((chunk) => chunk.length), [65_536, 10])
  assert.equal(chunks.map((chunk) => chunk.buffer.byteLength), [65_536, 10])
})

test('what the readable holds comes before a failure of the writable', async () => {
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 5; i++) controller.enqueue(pattern(10, i))
    },
  })
  const writable = new WritableStream<Uint8Array>({ write: () => Promise.reject(new Error('no more')) })
  const { transport, log } = new Listener(webStreams({ readable, writable }))
  transport.write(pattern(10))
  await someTurns()
  assert.equal(log, ['chunk', 'chunk', 'chunk', 'chunk', 'chunk', 'error'])
})

test('a failure of either stream ends the other, and is told once, as an Error', async () => {
  for (const side of ['readable', 'writable'] as const) {
    let cancelled: unknown
    let fail!: (reason: unknown) => void
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (side === 'readable' && (fail = (reason) => controller.error(reason))),
      cancel: (reason) => void (cancelled = reason),
    })
    let aborted: unknown
    const writable = new WritableStream<Uint8Array>({
      start: (controller) => void (side === 'writable' && (fail = (reason) => controller.error(reason))),
      abort: (reason) => void (aborted = reason),
    })
    let closes = 0
    const listener = new Listener(webStreams({ readable, writable, ...(side === 'readable' && { close: () => void closes++ }) }))
    fail('a string')
    await someTurns()
    assert.equal(listener.log, ['error'])
    assert.match(listener.error!.message, 'a string')
    assert.is(listener.error!.cause, 'a string')
    if (side === 'writable') assert.is(cancelled, listener.error)
    else assert.is(closes, 1)
    assert.is(aborted, undefined) // either it had failed itself, or everything was taken, and `close` does it
  }
})

test('reset after end lets what is under way go out; a stuck write is aborted', async () => {
  for (const stuck of [false, true]) {
    const sink = slowSink()
    const { transport, log } = new Listener(webStreams({ readable: silent(), writable: sink.writable }))
    transport.write(pattern(10))
    await nextTurn()
    if (!stuck) sink.take()
    await nextTurn()
    transport.end()
    transport.reset()
    await someTurns()
    sink.take()
    await someTurns()
    assert.is(sink.taken.length, 1)
    assert.is(sink.aborted() instanceof Error, stuck)
    assert.equal(log, stuck ? [] : ['drain'])
  }
})

test('streams that are locked are a TypeError at once', () => {
  const streams: WebStreamsLike = { readable: silent(), writable: slowSink().writable }
  webStreams(streams)
  assert.throws(() => webStreams(streams), (error: unknown) => error instanceof TypeError)
})

test('a TCPSocket of Direct Sockets is used before it is open, and refuses by onError', async () => {
  const sink = slowSink()
  const good = new Listener(directSocket({ opened: Promise.resolve({ readable: silent(), writable: sink.writable }) }))
  assert.is(good.transport.write(pattern(10)), false)
  await nextTurn()
  sink.take()
  await someTurns()
  assert.equal(good.log, ['drain'])
  const refusal = new Error('refused')
  const bad = new Listener(directSocket({ opened: Promise.reject(refusal) }))
  await someTurns()
  assert.equal(bad.log, ['error'])
  assert.is(bad.error, refusal)
})
