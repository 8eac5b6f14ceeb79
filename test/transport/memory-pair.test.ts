// The weather that memoryPair can make. What it shares with every transport is in conformance.test.ts.
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { memoryPair, type MemoryPairOptions, type MemoryTransport, type TransportReceiver } from '../../src/transport/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern, Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'

interface Log extends TransportReceiver {
  chunks: Uint8Array[]
  log: string[]
}

function listen(end: MemoryTransport): Log {
  const log: Log = {
    chunks: [],
    log: [],
    onChunk: (chunk) => (log.chunks.push(chunk), log.log.push(`chunk ${chunk.length}`)),
    onDrain: () => log.log.push('drain'),
    onEof: () => log.log.push('eof'),
    onError: (error) => log.log.push(`error ${error.message}`),
  }
  end.attach(log)
  return log
}

async function settle(log: Log, last: string): Promise<void> {
  while (!log.log.includes(last)) await nextTurn()
}

/** What arrives of 1000 bytes written in two pieces, as sizes of chunks. */
async function sizes(options: MemoryPairOptions): Promise<number[]> {
  const [a, b] = memoryPair(options)
  const at = listen(b)
  a.write(pattern(600))
  a.write(pattern(400, 2))
  a.end()
  await settle(at, 'eof')
  assert.equal(concat(at.chunks), concat([pattern(600), pattern(400, 2)]))
  return at.chunks.map((chunk) => chunk.length)
}

function randomly(seed: number, below: number): () => number {
  const random = new Random(seed)
  return () => random.below(below)
}

const test = suite('memory pair')

test('chunks are as written by default', async () => {
  assert.equal(await sizes({}), [600, 400])
})

test('chunkSize cuts, and never joins', async () => {
  assert.equal(await sizes({ chunkSize: 250 }), [250, 250, 100, 250, 150])
})

test('a chunkSize function is asked for each chunk; 0 means 1', async () => {
  let asked = 0
  const cut = await sizes({ chunkSize: () => (asked++ % 2 ? 0 : 99) })
  assert.equal(cut.slice(0, 4), [99, 1, 99, 1])
  assert.is(asked, cut.length)
})

test('random delays keep the order', async () => {
  assert.equal(await sizes({ chunkSize: 100, delay: randomly(1, 4) }), Array(10).fill(100))
})

test('the same options give the same chunks', async () => {
  const options = () => ({ chunkSize: randomly(5, 90) })
  assert.equal(await sizes(options()), await sizes(options()))
})

test('the window counts what is under way, and what waits at a paused end', async () => {
  const [a, b] = memoryPair({ window: 100 })
  const sender = listen(a)
  const receiver = listen(b)
  b.pause()
  assert.is(a.write(pattern(99)), true)
  assert.is(a.write(pattern(1)), false)
  assert.is(a.write(pattern(50)), false) // taken all the same
  await nextTurn()
  assert.equal([...sender.log, ...receiver.log], [])
  b.resume()
  await settle(sender, 'drain')
  await settle(receiver, 'chunk 50')
  assert.equal(sender.log, ['drain'])
  assert.is(a.write(pattern(1)), true)
})

test('each direction has a window of its own', async () => {
  const [a, b] = memoryPair({ window: 100 })
  listen(a)
  assert.is(a.write(pattern(100)), false)
  assert.is(b.write(pattern(99)), true)
})

test('fail breaks both ends with the error, and what was under way is lost', async () => {
  const [a, b] = memoryPair()
  const logs = [listen(a), listen(b)]
  a.write(pattern(10))
  b.write(pattern(10))
  a.end()
  a.fail(new Error('cable cut'))
  for (let i = 0; i < 10; i++) await nextTurn()
  for (const { log } of logs) assert.equal(log, ['error cable cut'])
  b.fail(new Error('cut again'))
  for (let i = 0; i < 10; i++) await nextTurn()
  for (const { log } of logs) assert.equal(log, ['error cable cut'])
})

test('reset loses what is under way, but not what was ended before', async () => {
  for (const [end, expected] of [
    [false, ['error read ECONNRESET']],
    [true, ['chunk 10', 'eof']],
  ] as const) {
    const [a, b] = memoryPair({ delay: 2 })
    const receiver = listen(b)
    a.write(pattern(10))
    if (end) a.end()
    a.reset()
    await settle(receiver, expected.at(-1)!)
    assert.equal(receiver.log, expected)
  }
})

test('a receiver that throws loses nothing of what comes next', async () => {
  const [a, b] = memoryPair({ chunkSize: 10, window: 30 })
  const sender = listen(a)
  const receiver = listen(b)
  const caught: string[] = []
  const { onChunk } = receiver
  receiver.onChunk = (chunk) => {
    onChunk(chunk)
    throw new Error(`no ${receiver.chunks.length}`)
  }
  process.setUncaughtExceptionCaptureCallback((error) => caught.push((error as Error).message))
  try {
    assert.is(a.write(pattern(40)), false)
    a.end()
    await settle(receiver, 'eof')
    await settle(sender, 'drain')
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
  assert.equal(caught, ['no 1', 'no 2', 'no 3', 'no 4'])
})
