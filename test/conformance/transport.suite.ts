// What every ByteTransport must do, whatever its pipe: one suite, run on each of them. A transport that cannot do something says so
// in its capabilities, and the cases about it are left out.
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import type { ByteTransport, TransportReceiver } from '../../src/transport/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern, Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

export interface TransportCapabilities {
  /** `write` returns false before memory fills up. The number is more than the pipe holds. */
  backPressure: number | false
  /** After `end` the other direction goes on. Where it does not, what the peer sends at that moment is lost. */
  halfClose: boolean
  /** What the peer of a `reset` is told. */
  reset: 'error' | 'eof'
  /** Somebody between the ends drops what is under way when `end` comes. */
  losesAtEnd?: true
}

export type TransportPair = [ByteTransport, ByteTransport]

/** One end of the pipe, with everything it reports written down. */
class End implements TransportReceiver {
  readonly transport: ByteTransport
  readonly chunks: Uint8Array[] = []
  bytes = 0
  drains = 0
  eofs = 0
  readonly errors: Error[] = []
  /** Set while a verb runs: no callback may come then. */
  #inVerb = false
  #wake: () => void = () => {}

  constructor(transport: ByteTransport, attach = true) {
    this.transport = transport
    if (attach) this.attach()
  }

  attach(): void {
    this.#verb(() => this.transport.attach(this))
  }
  write(chunk: Uint8Array): boolean {
    return this.#verb(() => this.transport.write(chunk))
  }
  pause(): void {
    this.#verb(() => this.transport.pause())
  }
  resume(): void {
    this.#verb(() => this.transport.resume())
  }
  end(): void {
    this.#verb(() => this.transport.end())
  }
  reset(): void {
    this.#verb(() => this.transport.reset())
  }

  onChunk(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    this.#happened('onChunk')
    assert.is(this.eofs, 0, 'onChunk after onEof')
    assert.ok(chunk.length > 0, 'an empty chunk')
  }
  onDrain(): void {
    this.drains++
    this.#happened('onDrain')
  }
  onEof(): void {
    this.eofs++
    this.#happened('onEof')
    assert.is(this.eofs, 1, 'onEof twice')
  }
  onError(error: Error): void {
    this.errors.push(error)
    this.#happened('onError')
    assert.is(this.errors.length, 1, 'onError twice')
  }

  get received(): Uint8Array {
    return concat(this.chunks)
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  #verb<T>(call: () => T): T {
    this.#inVerb = true
    try {
      return call()
    } finally {
      this.#inVerb = false
    }
  }

  #happened(callback: string): void {
    this.#wake()
    assert.not(this.#inVerb, `${callback} came from within a verb`)
    if (callback !== 'onError') assert.is(this.errors.length, 0, `${callback} after onError`)
  }
}

/** Long enough for whatever was going to happen on the loopback. */
async function someTurns(turns = 50): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn()
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
  bytesSuite(name, makePair, can)
  flowSuite(name, makePair, can)
  endSuite(name, makePair, can)
}

const ends = async (t: Case, makePair: (t: Case) => Promise<TransportPair>): Promise<[End, End]> => {
  const [a, b] = await makePair(t)
  return [new End(a), new End(b)]
}

function bytesSuite(name: string, makePair: (t: Case) => Promise<TransportPair>, can: TransportCapabilities): void {
  const test = suite(`transport ${name}: bytes`)

  test('arrive complete and in order, in pieces of any size', async (t) => {
    const [a, b] = await ends(t, makePair)
    const random = new Random(21)
    const bytes = pattern(600_000)
    for (let at = 0; at < bytes.length;) {
      const length = 1 + random.below(random.pick([3, 300, 30_000]))
      const drains = a.drains
      if (!a.write(bytes.slice(at, at + length))) await a.until(() => a.drains > drains)
      at += length
    }
    await b.until(() => b.bytes >= bytes.length)
    assert.equal(Buffer.compare(b.received, bytes), 0)
  })

  test('go both ways at once', async (t) => {
    const [a, b] = await ends(t, makePair)
    const there = pattern(50_000, 1)
    const back = pattern(50_000, 2)
    for (let at = 0; at < 50_000; at += 1000) {
      a.write(there.slice(at, at + 1000))
      b.write(back.slice(at, at + 1000))
    }
    await Promise.all([a.until(() => a.bytes === 50_000), b.until(() => b.bytes === 50_000)])
    assert.equal(Buffer.compare(b.received, there), 0)
    assert.equal(Buffer.compare(a.received, back), 0)
  })

  test('that came before attach are delivered after it', async (t) => {
    const [from, to] = await makePair(t)
    const a = new End(from)
    a.write(pattern(1000))
    if (!can.losesAtEnd) a.end()
    await someTurns()
    const b = new End(to)
    await ended(a, b, 1000, can)
    assert.equal(b.received, pattern(1000))
  })

  test('belong to the receiver: later ones do not change them', async (t) => {
    const [a, b] = await ends(t, makePair)
    for (let i = 1; i <= 20; i++) {
      a.write(pattern(1000, i))
      await b.until(() => b.bytes === i * 1000)
    }
    assert.equal(b.received, concat(Array.from({ length: 20 }, (_, i) => pattern(1000, i + 1))))
  })
}

function flowSuite(name: string, makePair: (t: Case) => Promise<TransportPair>, can: TransportCapabilities): void {
  const test = suite(`transport ${name}: flow`)

  test('pause stops chunks and the end of stream, resume brings them', async (t) => {
    const [a, b] = await ends(t, makePair)
    a.write(pattern(10))
    await b.until(() => b.bytes === 10)
    b.pause()
    await someTurns()
    a.write(pattern(1000))
    if (!can.losesAtEnd) a.end()
    await someTurns()
    assert.is(b.bytes, 10)
    assert.is(b.eofs, 0)
    b.resume()
    await ended(a, b, 1010, can)
    assert.is(b.bytes, 1010)
  })

  test('pause from within onChunk', async (t) => {
    const [a, b] = await ends(t, makePair)
    const onChunk = b.onChunk.bind(b)
    b.onChunk = (chunk) => {
      onChunk(chunk)
      b.pause()
      setImmediate(() => b.resume())
    }
    for (let i = 0; i < 20; i++) a.write(pattern(500, i))
    await ended(a, b, 10_000, can)
    assert.is(b.bytes, 10_000)
  })

  test('resume without a pause, and pause twice, are harmless', async (t) => {
    const [a, b] = await ends(t, makePair)
    b.resume()
    b.pause()
    b.pause()
    b.resume()
    b.resume()
    a.write(pattern(100))
    await b.until(() => b.bytes === 100)
  })

  const { backPressure } = can
  if (backPressure === false) return

  test('write returns false when the pipe is full; onDrain comes once there is room, once', async (t) => {
    const [a, b] = await ends(t, makePair)
    b.pause()
    let written = 0
    while (written < backPressure && a.write(pattern(16_384))) {
      written += 16_384
      await nextTurn() // as far as the pipe can take it
    }
    assert.ok(written < backPressure, `${written} bytes are under way, and no end`)
    const total = written + 16_384
    await someTurns()
    assert.is(a.drains, 0)
    b.resume()
    await b.until(() => b.bytes === total)
    await a.until(() => a.drains > 0)
    await someTurns()
    assert.is(a.drains, 1)
  })

  test('a chunk larger than the pipe is taken as a whole', async (t) => {
    const [a, b] = await ends(t, makePair)
    const bytes = pattern(backPressure)
    assert.is(a.write(bytes), false)
    await b.until(() => b.bytes === bytes.length)
    assert.equal(Buffer.compare(b.received, bytes), 0)
    await a.until(() => a.drains === 1)
  })
}

function endSuite(name: string, makePair: (t: Case) => Promise<TransportPair>, can: TransportCapabilities): void {
  const test = suite(`transport ${name}: the end`)

  test('end comes after all that was written, and once', async (t) => {
    const [a, b] = await ends(t, makePair)
    a.write(pattern(200_000))
    await ended(a, b, 200_000, can)
    await someTurns()
    assert.is(b.bytes, 200_000)
    assert.equal([...a.errors, ...b.errors], [])
  })

  if (can.halfClose) {
    test('after end the other direction goes on', async (t) => {
      const [a, b] = await ends(t, makePair)
      a.end()
      await b.until(() => b.eofs === 1)
      for (let i = 1; i <= 5; i++) {
        b.write(pattern(30_000, i))
        await a.until(() => a.bytes === i * 30_000)
      }
      b.end()
      await a.until(() => a.eofs === 1)
      await someTurns()
      assert.equal([...a.errors, ...b.errors], [])
    })
  }

  test('both sides end at once', async (t) => {
    const [a, b] = await ends(t, makePair)
    a.write(pattern(10))
    b.write(pattern(10))
    a.end()
    b.end()
    await Promise.all([a.until(() => a.eofs === 1), b.until(() => b.eofs === 1)])
    await someTurns()
    if (can.halfClose) assert.equal([a.bytes, b.bytes], [10, 10])
    assert.equal([...a.errors, ...b.errors], [])
  })

  test('reset is told to the peer; nobody is called back at our end', async (t) => {
    const [a, b] = await ends(t, makePair)
    b.write(pattern(10))
    await a.until(() => a.bytes === 10)
    b.write(pattern(10))
    a.reset()
    const { bytes } = a
    a.reset()
    await b.until(() => (can.reset === 'error' ? b.errors : b.chunks).length + b.eofs === 1)
    if (can.reset === 'error') assert.match((b.errors[0] as Error & { code: string }).code, /^(ECONNRESET|EPIPE)$/)
    await someTurns()
    assert.equal([a.bytes, a.eofs, a.errors.length], [bytes, 0, 0])
  })

  test('verbs on a broken pipe are harmless', async (t) => {
    const [a, b] = await ends(t, makePair)
    a.reset()
    await b.until(() => b.errors.length + b.eofs === 1)
    for (const end of [a, b]) {
      end.write(pattern(100))
      end.pause()
      end.resume()
      end.end()
      end.write(pattern(100))
      end.reset()
    }
    await someTurns()
  })
}
