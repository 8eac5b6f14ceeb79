// Much data, both ways, in pieces of all sizes, between ends that are not equally fast: nothing gets lost, and nothing piles up.
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { sameBytes } from '../../support/expect.ts'
import { pattern, Random } from '../../support/random.ts'
import { suite } from '../../support/suite.ts'
import { connectedPair, dial, listen, type PairOptions } from './parties.ts'
import { relayedPair } from './relay.ts'
import type { Subject } from './subject.ts'
import { readToEnd, someTurns, take } from './watch.ts'

/** More than the kernel holds between two sockets of the loopback. */
const MUCH = 60_000_000
const LARGE = pattern(4_000_000, 3)

/** Writes all of it as a careful program does: after `false` it waits for `drain`. */
async function send(socket: TLSSocket, bytes: Uint8Array, size: (at: number) => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const end = at + size(at)
    if (!socket.write(bytes.subarray(at, end))) await once(socket, 'drain')
    at = end
  }
  socket.end()
}

export function flowSuite(subject: Subject): void {
  for (const role of ['client', 'server'] as const) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) transferSuite(subject, { role, version })
    piecesSuite(subject, role)
    pressureSuite(subject, role)
  }
  manySuite(subject)
}

function transferSuite(subject: Subject, options: PairOptions): void {
  const test = suite(`${subject.name} stream as ${options.role}: large transfers with ${options.version}`)

  test('to the peer', async (t) => {
    const { own, peer } = await connectedPair(t, subject, options)
    const [received] = await Promise.all([readToEnd(peer), send(own, LARGE, () => 100_000)])
    sameBytes(received, LARGE)
  })

  test('from the peer', async (t) => {
    const { own, peer } = await connectedPair(t, subject, options)
    const [received] = await Promise.all([readToEnd(own), send(peer, LARGE, () => 100_000)])
    sameBytes(received, LARGE)
  })

  test('both ways at once', async (t) => {
    const { own, peer } = await connectedPair(t, subject, options)
    const random = new Random(5)
    const there = pattern(2_000_000, 1)
    const back = pattern(2_000_000, 2)
    const sends = [send(own, there, () => 1 + random.below(40_000)), send(peer, back, () => 1 + random.below(40_000))]
    const [atPeer, atOwn] = await Promise.all([readToEnd(peer), readToEnd(own), ...sends])
    sameBytes(atPeer, there)
    sameBytes(atOwn, back)
    assert.equal([own.bytesWritten, own.bytesRead], [there.length, back.length])
  })

  test('all in one write', async (t) => {
    const { own, peer } = await connectedPair(t, subject, options)
    own.end(LARGE)
    sameBytes(await readToEnd(peer), LARGE)
  })
}

function piecesSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: pieces`)

  test('sizes around those of a record', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const sizes = [1, 2, 16_383, 16_384, 16_385, 32_768, 32_769, 65_535, 65_537, 100_000]
    for (const size of sizes) {
      own.write(pattern(size, size))
      sameBytes(await take(peer, size), pattern(size, size))
      peer.write(pattern(size, size + 1))
      sameBytes(await take(own, size), pattern(size, size + 1))
    }
  })

  test('a byte a write, both ways', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const bytes = pattern(2000)
    const received = Promise.all([readToEnd(peer), readToEnd(own)])
    for (const socket of [own, peer]) {
      for (const byte of bytes) socket.write(Buffer.from([byte]))
      socket.end()
    }
    for (const each of await received) sameBytes(each, bytes)
  })

  test('question and answer, many times', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.on('data', (chunk: Buffer) => peer.write(chunk))
    for (let i = 0; i < 300; i++) {
      own.write(`question ${i}`)
      assert.is((await take(own, `question ${i}`.length)).toString(), `question ${i}`)
    }
  })

  test('ciphertext that comes a byte at a time, handshake and all', async (t) => {
    const byteByByte = function* (chunk: Buffer) {
      for (let at = 0; at < chunk.length; at++) yield chunk.subarray(at, at + 1)
    }
    const { own, peer } = await relayedPair(t, subject, { role }, byteByByte)
    const received = readToEnd(own)
    peer.end(pattern(5000))
    sameBytes(await received, pattern(5000))
  })

  test('ciphertext that is cut anywhere', async (t) => {
    const random = new Random(9)
    const anywhere = function* (chunk: Buffer) {
      for (let at = 0; at < chunk.length;) yield chunk.subarray(at, (at += 1 + random.below(3000)))
    }
    const { own, peer } = await relayedPair(t, subject, { role }, anywhere)
    const received = readToEnd(own)
    peer.end(pattern(300_000))
    sameBytes(await received, pattern(300_000))
  })
}

function pressureSuite(subject: Subject, role: 'client' | 'server'): void {
  const test = suite(`${subject.name} stream as ${role}: back-pressure`)

  test('write says false while the peer does not read, and drain comes once it does', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.pause()
    const chunk = pattern(1_000_000)
    let written = 0
    let drained = true
    while (drained && written < MUCH) {
      written += chunk.length
      if (own.write(chunk)) continue
      assert.is(own.writableNeedDrain, true)
      drained = await Promise.race([once(own, 'drain').then(() => true), someTurns(300).then(() => false)])
    }
    assert.ok(written < MUCH, 'all was taken, and nobody reads')
    assert.ok(own.writableLength <= 2 * chunk.length, `${own.writableLength} bytes wait`)
    const drains: string[] = []
    own.on('drain', () => drains.push('drain'))
    let received = 0
    peer.on('data', (bytes: Buffer) => (received += bytes.length)).resume()
    if (!drained) await once(own, 'drain')
    own.end()
    await once(peer, 'end')
    assert.equal([received, drains.length], [written, 1])
  })

  test('whoever does not read takes no more than the water mark, and some', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    own.pause()
    const chunk = pattern(1_000_000)
    let written = 0
    let drained = true
    while (drained && written < MUCH) {
      written += chunk.length
      if (!peer.write(chunk)) drained = await Promise.race([once(peer, 'drain').then(() => true), someTurns(300).then(() => false)])
    }
    assert.ok(written < MUCH, 'all was taken, and nobody reads')
    assert.ok(own.readableLength < 1_000_000, `${own.readableLength} bytes wait to be read`)
    let received = 0
    own.on('data', (bytes: Buffer) => (received += bytes.length)).resume()
    peer.end()
    await once(own, 'end')
    assert.is(received, written)
  })

  test('a slow reader gets everything', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    const chunks: Buffer[] = []
    const reading = (async () => {
      for await (const chunk of own) {
        chunks.push(chunk as Buffer)
        await someTurns(2)
      }
    })()
    await Promise.all([reading, send(peer, LARGE.subarray(0, 1_500_000), () => 50_000)])
    sameBytes(Buffer.concat(chunks), LARGE.subarray(0, 1_500_000))
  })

  test('reading goes on while writing is stuck', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role })
    peer.pause()
    own.write(Buffer.alloc(20_000_000))
    const received = readToEnd(own)
    peer.end('still heard')
    assert.is((await received).toString(), 'still heard')
  })
}

function manySuite({ name, tls }: Subject): void {
  const test = suite(`${name} stream: many connections`)

  test('at once, each with its own bytes', async (t) => {
    const { port, server } = await listen(t, { allowHalfOpen: true })
    server.on('secureConnection', (peer) => peer.pipe(peer))
    const echoes = Array.from({ length: 30 }, async (_, i) => {
      const socket = dial(t, tls, port, { allowHalfOpen: true })
      socket.end(pattern(50_000, i))
      sameBytes(await readToEnd(socket), pattern(50_000, i))
    })
    await Promise.all(echoes)
  })
}
