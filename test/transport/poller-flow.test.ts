// Plaintext through the poller: complete, in bounded memory, and with its share of turns for everybody.
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { memoryPair, type ByteTransport, type MemoryPairOptions, type TransportReceiver } from '../../src/transport/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern, Random } from '../support/random.ts'
import { makeParty, memoryParties, relay, type Party } from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'

const KIB = 1024
const MIB = KIB * KIB

async function someTurns(turns = 100): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn()
}

const arrives = suite('poller: plaintext arrives')

const PIPES: readonly { name: string; pipe: MemoryPairOptions; size: number }[] = [
  { name: 'as written', pipe: {}, size: 3 * MIB },
  { name: 'in random chunks', pipe: { chunkSize: chunkSizes(31) }, size: MIB },
  { name: 'through a window of 1000 bytes', pipe: { window: 1000 }, size: MIB },
  { name: 'through a window of 1 byte, byte by byte', pipe: { window: 1, chunkSize: 1 }, size: 20 * KIB },
]

function chunkSizes(seed: number): () => number {
  const random = new Random(seed)
  return () => 1 + random.below(20_000)
}

for (const { name, pipe, size } of PIPES) {
  arrives(`both ways at once, ${name}`, async (t) => {
    const { client, server } = memoryParties(t, { pipe })
    const up = pattern(size, 1)
    const down = pattern(size, 2)
    await Promise.all([client.send(up, 40_001), server.send(down, 70_001)])
    await Promise.all([client.until(() => client.bytesReceived >= size), server.until(() => server.bytesReceived >= size)])
    assert.is(Buffer.compare(server.plaintext, up), 0)
    assert.is(Buffer.compare(client.plaintext, down), 0)
  })
}

arrives('writes of all sizes keep their order, and each is reported as accepted in turn', async (t) => {
  const { client, server } = memoryParties(t)
  const random = new Random(33)
  const pieces = Array.from({ length: 300 }, (_, i) => pattern(random.below(random.pick([2, 200, 20_000])), i))
  const accepted: number[] = []
  pieces.forEach((piece, i) => client.poller.write(piece, () => accepted.push(i)))
  const all = concat(pieces)
  await server.until(() => server.bytesReceived === all.length)
  assert.is(Buffer.compare(server.plaintext, all), 0)
  assert.equal(
    accepted,
    pieces.map((_, i) => i),
  )
})

arrives('text is sent as UTF-8', async (t) => {
  const { client, server } = memoryParties(t)
  client.poller.write('grüß dich, 世界')
  await server.until(() => server.text === 'grüß dich, 世界')
})

// ---- Back-pressure. ----

const pressure = suite('poller: back-pressure')

/** Two BIOs, the pipe with one chunk over its window, one chunk in the inbox, and the queue. */
const MOST_UNDER_WAY = 6 * 64 * KIB

for (const [name, from, to] of [
  ['client', 'client', 'server'],
  ['server', 'server', 'client'],
] as const) {
  pressure(`a ${name} whose peer does not read is stopped, and goes on`, async (t) => {
    const parties = memoryParties(t)
    const sender = parties[from]
    const receiver = parties[to]
    receiver.poller.pause()
    const bytes = pattern(4 * MIB)
    const sending = sender.send(bytes, 16 * KIB)
    await someTurns()
    const calls = sender.calls.length
    await someTurns()
    assert.is(sender.calls.length, calls, 'it has come to a standstill')
    assert.is(receiver.bytesReceived, 0)
    assert.ok(sender.poller.queuedBytes >= 64 * KIB)
    assert.ok(sender.poller.queuedBytes < 80 * KIB)
    receiver.poller.resume()
    await sending
    await receiver.until(() => receiver.bytesReceived >= bytes.length)
    assert.is(Buffer.compare(receiver.plaintext, bytes), 0)
    assert.is(sender.poller.queuedBytes, 0)
  })

  pressure(`what a ${name} has under way is bounded, even if it does not heed write`, async (t) => {
    const parties = memoryParties(t)
    parties[to].poller.pause()
    let accepted = 0
    for (let i = 0; i < 200; i++) parties[from].poller.write(pattern(20_000, i), () => (accepted += 20_000))
    await someTurns()
    assert.ok(accepted > 64 * KIB, `${accepted} accepted`)
    assert.ok(accepted <= MOST_UNDER_WAY, `${accepted} accepted`)
    assert.ok(parties[from].poller.queuedBytes > 4_000_000 - MOST_UNDER_WAY - 20_000)
  })
}

pressure('both sides send more than fits before either reads', async (t) => {
  const { client, server } = memoryParties(t)
  client.poller.pause()
  server.poller.pause()
  const bytes = pattern(MIB)
  const sending = [client.send(bytes), server.send(bytes)]
  await someTurns()
  assert.equal([client.bytesReceived, server.bytesReceived], [0, 0])
  client.poller.resume()
  server.poller.resume()
  await Promise.all(sending)
  await Promise.all([client.until(() => client.bytesReceived === MIB), server.until(() => server.bytesReceived === MIB)])
})

pressure('write says false at the high water mark, and onDrain comes once, at half of it', async (t) => {
  const queued: number[] = []
  const { client, server } = memoryParties(t, {
    client: { highWaterMark: 1000, handlers: { onDrain: () => queued.push(client.poller.queuedBytes) } },
  })
  await client.secure()
  assert.is(client.poller.write(pattern(999)), true)
  assert.is(client.poller.write(pattern(1)), false)
  assert.is(client.poller.queuedBytes, 1000)
  await server.until(() => server.bytesReceived === 1000)
  await someTurns()
  assert.is(queued.length, 1)
  assert.ok(queued[0]! <= 500)
  assert.is(client.poller.write(pattern(10)), true)
  await server.until(() => server.bytesReceived === 1010)
  await someTurns()
  assert.is(queued.length, 1, 'no onDrain without a write that was refused')
})

pressure('writes before the handshake count, too', async (t) => {
  const { client, server } = memoryParties(t)
  assert.is(client.poller.write(pattern(65_535)), true)
  assert.is(client.poller.write(pattern(1)), false)
  await client.until(() => client.calls.includes('onDrain'))
  assert.ok(client.calls.indexOf('onDrain') > client.calls.indexOf('onSecure'))
  await server.until(() => server.bytesReceived === 65_536)
})

// ---- Pause. ----

const pauses = suite('poller: pause and resume')

pauses('from within onPlaintext: nothing comes until resume', async (t) => {
  let paused = 0
  const { client, server } = memoryParties(t, {
    server: {
      handlers: {
        onPlaintext() {
          assert.is(paused, 0, 'onPlaintext while paused')
          paused = 1
          server.poller.pause()
          setImmediate(() => {
            paused = 0
            server.poller.resume()
          })
        },
      },
    },
  })
  const bytes = pattern(MIB)
  await client.send(bytes)
  await server.until(() => server.bytesReceived === MIB)
  assert.is(Buffer.compare(server.plaintext, bytes), 0)
})

pauses('before the handshake: it is done all the same', async (t) => {
  const { client, server } = memoryParties(t)
  server.poller.pause()
  client.poller.write('early')
  await Promise.all([client.secure(), server.secure()])
  await someTurns()
  assert.is(server.text, '')
  server.poller.resume()
  await server.until(() => server.text === 'early')
})

pauses('writing goes on while reading is paused', async (t) => {
  const { client, server } = memoryParties(t)
  server.poller.pause()
  client.poller.write('question')
  await server.send(pattern(MIB))
  await client.until(() => client.bytesReceived === MIB)
  assert.is(server.text, '')
})

pauses('a paused side does not see the end before what comes before it', async (t) => {
  const { client, server } = memoryParties(t)
  server.poller.pause()
  await client.secure()
  client.poller.write(pattern(100_000))
  client.poller.close()
  await someTurns()
  assert.not(server.calls.includes('onClose'))
  server.poller.resume()
  assert.is(await server.closed, undefined)
  assert.is(server.bytesReceived, 100_000)
})

// ---- Fairness: what one connection may move before the event loop goes round. ----

const fair = suite('poller: fairness')

/** A poller's budget for a turn (poller.ts, TURN_BYTES) and the full BIO or two by which it may go over it. */
const MOST_IN_A_TURN = 2 * 262_144

/** Counts the bytes that pass in each round of the event loop. */
class Meter {
  readonly rounds: number[] = [0]
  #running = true

  constructor() {
    void this.#count()
  }

  async #count(): Promise<void> {
    while (this.#running) {
      await nextTurn()
      this.rounds.push(0)
    }
  }

  add(bytes: number): void {
    this.rounds[this.rounds.length - 1]! += bytes
  }

  stop(): number {
    this.#running = false
    return Math.max(...this.rounds)
  }

  /** A transport whose outgoing bytes are counted. */
  wrap = (transport: ByteTransport): ByteTransport => ({
    attach: (receiver) => transport.attach(receiver),
    write: (chunk) => (this.add(chunk.length), transport.write(chunk)),
    pause: () => transport.pause(),
    resume: () => transport.resume(),
    end: () => transport.end(),
    reset: () => transport.reset(),
  })
}

fair('a connection with much to send moves a bounded number of bytes in a turn', async (t) => {
  const meter = new Meter()
  const { client, server } = memoryParties(t, { client: { wrap: meter.wrap }, pipe: { window: Infinity } })
  await Promise.all([client.secure(), server.secure()])
  const quiet = memoryParties(t)
  await quiet.client.secure()
  client.poller.write(pattern(16 * MIB))
  const turns = await pingPongs(quiet.client, quiet.server, 5)
  await server.until(() => server.bytesReceived === 16 * MIB)
  const most = meter.stop()
  assert.ok(most <= MOST_IN_A_TURN, `${most} bytes in one turn`)
  assert.ok(turns <= 100, `five round trips of another connection took ${turns} turns`)
})

fair('a connection with much to receive delivers a bounded number of bytes in a turn', async (t) => {
  const [near, left] = memoryPair()
  const [right, far] = memoryPair({ window: Infinity })
  let held: Uint8Array[] | undefined
  left.attach(relay(left, right, (chunk) => (held ? void held.push(chunk) : chunk)))
  right.attach(relay(right, left))
  const meter = new Meter()
  const server = makeParty(t, 'server', far, { handlers: { onPlaintext: (chunk) => meter.add(chunk.length) } })
  const client = makeParty(t, 'client', near)
  await Promise.all([client.secure(), server.secure()])
  held = []
  await client.send(pattern(8 * MIB))
  while (held.reduce((sum, { length }) => sum + length, 0) < 8 * MIB) await nextTurn()
  right.write(concat(held)) // one chunk of 8 MiB
  await server.until(() => server.bytesReceived === 8 * MIB)
  const most = meter.stop()
  assert.ok(most <= MOST_IN_A_TURN, `${most} bytes in one turn`)
})

/** Returns how many rounds of the event loop these round trips took. */
async function pingPongs(client: Party, server: Party, count: number): Promise<number> {
  let turns = 0
  let running = true
  const counting = (async () => {
    while (running) {
      await nextTurn()
      turns++
    }
  })()
  for (let i = 1; i <= count; i++) {
    client.poller.write('?')
    await server.until(() => server.bytesReceived === i)
    server.poller.write('!')
    await client.until(() => client.bytesReceived === i)
  }
  running = false
  await counting
  return turns
}

// ---- Neither direction starves the other. ----

/** In front of another transport. */
class Pipe implements ByteTransport {
  readonly #inner: ByteTransport
  protected receiver: TransportReceiver | undefined

  constructor(inner: ByteTransport) {
    this.#inner = inner
  }
  attach(receiver: TransportReceiver): void {
    this.receiver = receiver
    this.#inner.attach(receiver)
  }
  write(chunk: Uint8Array): boolean {
    return this.#inner.write(chunk)
  }
  pause(): void {
    this.#inner.pause()
  }
  resume(): void {
    this.#inner.resume()
  }
  end(): void {
    this.#inner.end()
  }
  reset(): void {
    this.#inner.reset()
  }
}

/** Takes everything at once, and says so before the event loop goes round: a socket, as long as the kernel has room. */
class EagerPipe extends Pipe {
  override write(chunk: Uint8Array): boolean {
    super.write(chunk)
    process.nextTick(() => this.receiver?.onDrain())
    return false
  }
}

/** Writes down what passes. */
class TappedPipe extends Pipe {
  readonly sent: Uint8Array[] = []

  override write(chunk: Uint8Array): boolean {
    this.sent.push(chunk.slice())
    return super.write(chunk)
  }

  /** How many records (RFC 8446, 5.1). */
  get records(): number {
    const bytes = Buffer.from(concat(this.sent))
    let count = 0
    for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) count++
    return count
  }
}

const records = suite('poller: records')

for (const { name, sizes, expected } of [
  { name: 'short writes of one tick share a record', sizes: Array.from({ length: 100 }, (_, i) => i), expected: 1 },
  { name: 'what does not fit whole is left for the next', sizes: [10_000, 6_000, 1_000, 15_384], expected: 2 },
  { name: 'long writes are records of their own', sizes: [16_384, 16_384, 1], expected: 3 },
  { name: 'empty ones cost none', sizes: [0, 5, 0, 0, 7, 0], expected: 1 },
]) {
  records(`${name}, in their order, each reported as accepted`, async (t) => {
    let tapped!: TappedPipe
    const { client, server } = memoryParties(t, { client: { wrap: (transport) => (tapped = new TappedPipe(transport)) } })
    await Promise.all([client.secure(), server.secure()])
    const before = tapped.records
    const pieces = sizes.map((size, i) => pattern(size, i))
    const accepted: number[] = []
    pieces.forEach((piece, i) => client.poller.write(piece, () => accepted.push(i)))
    const all = concat(pieces)
    await server.until(() => server.bytesReceived === all.length)
    assert.is(Buffer.compare(server.plaintext, all), 0)
    assert.is(tapped.records - before, expected)
    assert.equal(accepted, [...sizes.keys()])
    assert.is(client.poller.queuedBytes, 0)
  })
}

const fairness = suite('poller: both directions')

fairness('an upload comes in while a long answer goes out, and not after it', async (t) => {
  const { client, server } = memoryParties(t, { pipe: { window: Infinity }, server: { wrap: (transport) => new EagerPipe(transport) } })
  await Promise.all([client.secure(), server.secure()])
  const answer = pattern(16 * MIB)
  let accepted = 0
  let acceptedAtFirstByte = -1
  const uploaded = server.until(() => server.bytesReceived > 0).then(() => (acceptedAtFirstByte = accepted))
  for (let at = 0; at < answer.length; at += 16 * KIB) server.poller.write(answer.subarray(at, at + 16 * KIB), () => (accepted += 16 * KIB))
  client.poller.write('upload')
  await uploaded
  assert.ok(acceptedAtFirstByte < 4 * MIB, `${acceptedAtFirstByte} bytes had gone out`)
  await client.until(() => client.bytesReceived === answer.length)
  assert.is(Buffer.compare(client.plaintext, answer), 0)
})
