// What every ByteTransport must do, whatever its pipe: one suite, run on each of them, in every runtime; so it imports nothing that only
// Node has. A transport that cannot do something says so in its capabilities, and the cases about it are left out.
import * as assert from 'uvu/assert'
import type { ByteTransport } from '../../src/transport/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern, Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { End, nextTurn, sameBytes, someTurns } from './transport-end.ts'

export interface TransportCapabilities {
  /** `write` returns false before memory fills up. The number is more than the pipe holds. */
  backPressure: number | false
  /** Who can make the other wait. Default: both. */
  pressure?: 'by the second'
  /** After `end` the other direction goes on. Where it does not, what the peer sends at that moment is lost. */
  halfClose: boolean
  /** What the peer of a `reset` is told: an error with such a code, any error, the end of the stream, or as it happens. */
  reset: RegExp | 'error' | 'eof' | 'either'
  /** Somebody between the ends drops what is under way when `end` comes. */
  losesAtEnd?: true
  /** Who resets while the peer does not read cannot tell it so. */
  fullPipe?: 'cannot be reset'
  /** Long enough for what was going to happen to have happened. Default: 50 turns of the event loop. */
  settle?: () => Promise<void>
}

export type TransportPair = [ByteTransport, ByteTransport]

interface Subject {
  name: string
  can: TransportCapabilities & { settle: () => Promise<void> }
  /** Both attached. */
  ends(t: Case): Promise<[End, End]>
  /** The first attached. */
  halfAttached(t: Case): Promise<[End, End]>
}

/** Ends `a`, as soon as the pipe stands it, and waits for the end at `b`. */
async function ended(a: End, b: End, bytes: number, can: TransportCapabilities): Promise<void> {
  if (can.losesAtEnd) await b.until(() => b.bytes === bytes)
  a.end()
  a.end()
  await b.until(() => b.eofs === 1)
}

/**
 * @param name of the transport
 * @param makePair a connected pair that nobody listens to yet; what it opens is cleaned up with the case
 */
export function transportSuite(name: string, makePair: (t: Case) => Promise<TransportPair>, can: TransportCapabilities): void {
  const subject: Subject = {
    name,
    can: { settle: someTurns, ...can },
    async ends(t) {
      const [a, b] = await makePair(t)
      return [new End(a), new End(b)]
    },
    async halfAttached(t) {
      const [a, b] = await makePair(t)
      return [new End(a), new End(b, 'later')]
    },
  }
  bytesSuite(subject)
  pauseSuite(subject)
  if (can.backPressure !== false) pressureSuite(subject, can.backPressure)
  endSuite(subject)
  resetSuite(subject)
}

function bytesSuite({ name, can, ends, halfAttached }: Subject): void {
  const test = suite(`transport ${name}: bytes`)

  test('arrive complete and in order, in pieces of any size', async (t) => {
    const [a, b] = await ends(t)
    const random = new Random(21)
    const bytes = pattern(600_000)
    await a.send(bytes, () => 1 + random.below(random.pick([3, 300, 30_000])))
    await b.until(() => b.bytes >= bytes.length)
    sameBytes(b.received, bytes)
  })

  test('go both ways at once', async (t) => {
    const [a, b] = await ends(t)
    const there = pattern(50_000, 1)
    const back = pattern(50_000, 2)
    for (let at = 0; at < 50_000; at += 1000) {
      a.write(there.slice(at, at + 1000))
      b.write(back.slice(at, at + 1000))
    }
    await Promise.all([a.until(() => a.bytes === 50_000), b.until(() => b.bytes === 50_000)])
    sameBytes(b.received, there)
    sameBytes(a.received, back)
  })

  test('5 MiB go each way at once, with receivers that pause now and then', async (t) => {
    const pair = await ends(t)
    const random = new Random(22)
    const sent = [pattern(5 << 20, 3), pattern(5 << 20, 4)]
    for (const end of pair) {
      end.hooks.onChunk = () => {
        if (random.below(8) > 0) return
        end.pause()
        void nextTurn().then(() => end.resume())
      }
    }
    await Promise.all(
      pair.map(async (end, i) => {
        await end.send(sent[i]!, () => 1 + random.below(100_000))
        if (can.halfClose) end.end()
      }),
    )
    if (!can.halfClose) await Promise.all(pair.map((end) => end.until(() => end.bytes === 5 << 20)))
    for (const end of pair) end.end() // once more is harmless
    await Promise.all(pair.map((end) => end.until(() => end.closes === 1)))
    sameBytes(pair[0].received, sent[1]!)
    sameBytes(pair[1].received, sent[0]!)
    assert.equal([...pair[0].errors, ...pair[1].errors], [])
  })

  test('that came before attach are delivered after it', async (t) => {
    const [a, b] = await halfAttached(t)
    a.write(pattern(1000))
    if (!can.losesAtEnd) a.end()
    await can.settle()
    b.attach()
    await ended(a, b, 1000, can)
    sameBytes(b.received, pattern(1000))
  })

  test('that were written before attach arrive', async (t) => {
    const [a, b] = await halfAttached(t)
    b.write(pattern(1000))
    await ended(b, a, 1000, can)
    sameBytes(a.received, pattern(1000))
    b.attach()
    a.end()
    await b.until(() => b.eofs === 1)
  })

  test('belong to the receiver: later ones do not change them', async (t) => {
    const [a, b] = await ends(t)
    const sizes = [1000, 40_000, 3, 65_536, 1000]
    for (let i = 0, total = 0; i < 20; i++) {
      const size = sizes[i % sizes.length]!
      total += size
      await a.send(pattern(size, i))
      await b.until(() => b.bytes === total)
    }
    sameBytes(b.received, concat(Array.from({ length: 20 }, (_, i) => pattern(sizes[i % sizes.length]!, i))))
  })

  test('may be a part of a larger buffer, whose rest stays as it is', async (t) => {
    const [a, b] = await ends(t)
    const buffer = pattern(3000)
    a.write(buffer.subarray(1000, 2000))
    await b.until(() => b.bytes === 1000)
    sameBytes(b.received, pattern(3000).slice(1000, 2000))
    sameBytes(buffer.subarray(2000), pattern(3000).slice(2000))
  })
}

function pauseSuite({ name, can, ends, halfAttached }: Subject): void {
  const test = suite(`transport ${name}: pause`)

  test('stops chunks and the end of stream, resume brings them', async (t) => {
    const [a, b] = await ends(t)
    a.write(pattern(10))
    await b.until(() => b.bytes === 10)
    b.pause()
    await can.settle()
    a.write(pattern(1000))
    if (!can.losesAtEnd) a.end()
    await can.settle()
    assert.is(b.bytes, 10)
    assert.is(b.eofs, 0)
    b.resume()
    await ended(a, b, 1010, can)
    assert.is(b.bytes, 1010)
  })

  test('before attach holds from then on', async (t) => {
    const [a, b] = await halfAttached(t)
    b.pause()
    a.write(pattern(100))
    if (!can.losesAtEnd) a.end()
    await can.settle()
    b.attach()
    await can.settle()
    assert.equal([b.bytes, b.eofs], [0, 0])
    b.resume()
    await ended(a, b, 100, can)
    assert.is(b.bytes, 100)
  })

  test('from within onChunk', async (t) => {
    const [a, b] = await ends(t)
    b.hooks.onChunk = () => {
      b.pause()
      void nextTurn().then(() => b.resume())
    }
    for (let i = 0; i < 20; i++) a.write(pattern(500, i))
    await ended(a, b, 10_000, can)
    assert.is(b.bytes, 10_000)
  })

  test('twice, and resume without it, are harmless', async (t) => {
    const [a, b] = await ends(t)
    b.resume()
    b.pause()
    b.pause()
    b.resume()
    b.resume()
    a.write(pattern(100))
    await b.until(() => b.bytes === 100)
  })
}

function pressureSuite({ name, can, ends }: Subject, limit: number): void {
  const test = suite(`transport ${name}: back-pressure`)

  test('write returns false when the pipe is full; onDrain comes once there is room, once', async (t) => {
    const [a, b] = await ends(t)
    b.pause()
    const written = await a.fill(limit, can.settle)
    const { drains } = a
    b.resume()
    await b.until(() => b.bytes === written)
    await a.until(() => a.drains > drains)
    await can.settle()
    assert.is(a.drains, drains + 1)
  })

  test('of one direction leaves the other alone', async (t) => {
    const [a, b] = await ends(t)
    b.pause()
    const written = await a.fill(limit, can.settle)
    const bytes = pattern(1 << 20, 5)
    await b.send(bytes)
    await a.until(() => a.bytes === bytes.length)
    sameBytes(a.received, bytes)
    b.resume()
    await b.until(() => b.bytes === written)
  })

  if (can.pressure !== 'by the second') {
    test('in both directions at once ends when both are read', async (t) => {
      const [a, b] = await ends(t)
      a.pause()
      b.pause()
      const there = await a.fill(limit, can.settle)
      const back = await b.fill(limit, can.settle)
      a.resume()
      b.resume()
      await Promise.all([a.until(() => a.bytes === back && a.drains > 0), b.until(() => b.bytes === there && b.drains > 0)])
    })
  }

  test('a chunk larger than the pipe is taken as a whole', async (t) => {
    const [a, b] = await ends(t)
    const bytes = pattern(Math.min(limit, 10 << 20))
    assert.is(a.write(bytes.slice()), false)
    await b.until(() => b.bytes === bytes.length)
    sameBytes(b.received, bytes)
    await a.until(() => a.drains === 1)
  })

  if (!can.losesAtEnd) test('end with a full pipe: all of it arrives, then the end', async (t) => {
    const [a, b] = await ends(t)
    b.pause()
    const written = await a.fill(limit, can.settle)
    a.write(pattern(200_000))
    a.end()
    await can.settle()
    assert.is(b.eofs, 0)
    b.resume()
    await b.until(() => b.eofs === 1)
    assert.is(b.bytes, written + 200_000)
    assert.equal([...a.errors, ...b.errors], [])
  })

  test('reset with a full pipe: nobody is called back at our end, and the peer is told', async (t) => {
    const [a, b] = await ends(t)
    b.pause()
    await a.fill(limit, can.settle)
    a.reset()
    await can.settle()
    if (can.fullPipe === 'cannot be reset') return
    b.resume()
    await b.until(() => b.told)
    await can.settle()
  })

  test('a peer that resets while the pipe is full is told', async (t) => {
    const [a, b] = await ends(t)
    b.pause()
    await a.fill(limit, can.settle)
    b.reset()
    await a.until(() => (can.reset === 'eof' ? a.told : a.errors.length === 1)) // its bytes got lost
    await can.settle()
  })
}

function endSuite({ name, can, ends }: Subject): void {
  const test = suite(`transport ${name}: the end`)

  test('comes after all that was written, and once', async (t) => {
    const [a, b] = await ends(t)
    a.write(pattern(200_000))
    await ended(a, b, 200_000, can)
    await can.settle()
    assert.is(b.bytes, 200_000)
    assert.equal([...a.errors, ...b.errors], [])
  })

  if (can.halfClose) {
    test('leaves the other direction open', async (t) => {
      const [a, b] = await ends(t)
      a.end()
      await b.until(() => b.eofs === 1)
      for (let i = 1; i <= 5; i++) {
        b.write(pattern(30_000, i))
        await a.until(() => a.bytes === i * 30_000)
      }
      assert.equal([a.closes, b.closes], [0, 0])
      b.end()
      await Promise.all([a.until(() => a.closes === 1), b.until(() => b.closes === 1)])
      await can.settle()
      assert.equal([...a.errors, ...b.errors], [])
    })

    test('answered from within onEof', async (t) => {
      const [a, b] = await ends(t)
      b.hooks.onEof = () => {
        b.write(pattern(5000))
        b.end()
      }
      a.end()
      await Promise.all([a.until(() => a.closes === 1), b.until(() => b.closes === 1)])
      await can.settle()
      sameBytes(a.received, pattern(5000))
      assert.equal([...a.errors, ...b.errors], [])
    })
  }

  test('of both sides at once', async (t) => {
    const [a, b] = await ends(t)
    a.write(pattern(10))
    b.write(pattern(10))
    a.end()
    b.end()
    await Promise.all([a.until(() => a.closes === 1), b.until(() => b.closes === 1)])
    await can.settle()
    if (can.halfClose) assert.equal([a.bytes, b.bytes], [10, 10])
    assert.equal([...a.errors, ...b.errors], [])
  })

  test('writes after it are dropped', async (t) => {
    const [a, b] = await ends(t)
    a.write(pattern(100))
    if (can.losesAtEnd) await b.until(() => b.bytes === 100)
    a.end()
    assert.is(a.write(pattern(100)), true)
    await b.until(() => b.eofs === 1)
    b.end()
    await a.until(() => a.eofs === 1)
    assert.is(b.bytes, 100)
    assert.equal([...a.errors, ...b.errors], [])
  })

  if (!can.losesAtEnd) test('and reset in one go: what was taken before arrives', async (t) => {
    const [a, b] = await ends(t)
    a.write(pattern(1000))
    await b.until(() => b.bytes === 1000) // the pipe is idle: it takes this at once
    a.write(pattern(1000))
    a.end()
    await can.settle()
    a.reset()
    await b.until(() => b.told)
    assert.is(b.bytes, 2000)
  })
}

function resetSuite({ name, can, ends, halfAttached }: Subject): void {
  const test = suite(`transport ${name}: reset`)

  function toldOf(end: End): void {
    if (can.reset === 'eof') assert.equal([end.eofs, end.errors.length], [1, 0])
    else if (can.reset !== 'either') assert.equal([end.eofs, end.errors.length], [0, 1])
    if (can.reset instanceof RegExp) assert.match(String(end.errors[0]!.code), can.reset)
  }

  test('is told to the peer; nobody is called back at our end', async (t) => {
    const [a, b] = await ends(t)
    b.write(pattern(10))
    await a.until(() => a.bytes === 10)
    b.write(pattern(10))
    a.reset()
    a.reset()
    await b.until(() => b.told)
    await can.settle()
    toldOf(b)
  })

  test('before the peer has attached is told to it then', async (t) => {
    const [a, b] = await halfAttached(t)
    a.reset()
    await can.settle()
    b.attach()
    await b.until(() => b.told)
    toldOf(b)
  })

  test('from within onChunk: no callback comes afterwards', async (t) => {
    const [a, b] = await ends(t)
    b.hooks.onChunk = () => b.reset()
    for (let i = 0; i < 20; i++) a.write(pattern(5000, i))
    a.end()
    await b.until(() => b.bytes > 0)
    await can.settle()
    assert.is(b.chunks.length, 1)
  })

  test('by a peer that still owes bytes ends a pause, too', async (t) => {
    const [a, b] = await ends(t)
    b.pause()
    a.write(pattern(100))
    await can.settle()
    a.reset()
    await can.settle()
    b.resume()
    await b.until(() => b.told)
  })

  test('makes all verbs harmless, at both ends', async (t) => {
    const [a, b] = await ends(t)
    a.reset()
    await b.until(() => b.told)
    for (const end of [a, b]) {
      end.write(pattern(100))
      end.pause()
      end.resume()
      end.end()
      end.write(pattern(100))
      end.reset()
    }
    await can.settle()
  })
}
