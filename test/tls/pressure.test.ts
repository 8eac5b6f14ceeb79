// Two hundred connections at once, a GiB in all, with pauses, slow readers, half-closes and destroys at random: nothing may be lost, nothing may
// come after 'close', and memory must not grow with the bytes.
import { equal, ok } from 'uvu/assert'
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from '../../src/tls/index.ts'
import { library } from '../../src/abi/instance.ts'
import * as certs from '../support/certs.ts'
import { pattern, Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const CONNECTIONS = 200
const TOTAL = 2 ** 30
/** Each way. */
const SHARE = Math.ceil(TOTAL / CONNECTIONS / 2)
const BYTES = pattern(SHARE)
/** What the first bytes of so many hash to. */
const hashOf = (length: number): string => createHash('sha256').update(BYTES.subarray(0, length)).digest('hex')

/** What a side sees of its peer. */
interface Seen {
  bytes: number
  hash: Hash
  ended: boolean
  closed: boolean
  failed: boolean
  afterClose: string[]
}

const EVENTS = ['data', 'end', 'error', 'drain', 'finish', 'timeout', 'session', 'secure', 'secureConnect', 'close']

/** Reads what comes, with a pause now and then. */
function read(socket: TLSSocket, random: Random): Seen {
  const seen: Seen = { bytes: 0, hash: createHash('sha256'), ended: false, closed: false, failed: false, afterClose: [] }
  for (const event of EVENTS) socket.on(event, () => seen.closed && seen.afterClose.push(event))
  socket.on('data', (chunk: Buffer) => {
    seen.bytes += chunk.length
    seen.hash.update(chunk)
    if (random.below(40)) return
    socket.pause()
    setTimeout(() => socket.resume(), random.below(5))
  })
  socket.on('end', () => (seen.ended = true))
  socket.on('error', () => (seen.failed = true))
  socket.on('close', () => (seen.closed = true))
  return seen
}

/** Writes `length` bytes in pieces of any size, heeding back-pressure; then ends, or is torn down in the middle. */
async function write(socket: TLSSocket, length: number, random: Random, tornAt: number): Promise<void> {
  for (let at = 0; at < length && !socket.destroyed; ) {
    const piece = BYTES.subarray(at, Math.min(length, at + 1 + random.below(random.below(10) ? 4_000 : 200_000)))
    at += piece.length
    if (at >= tornAt) return void socket.destroy()
    if (!socket.write(piece)) await roomIn(socket)
    if (!random.below(100)) await sleep(random.below(5))
  }
  if (!socket.destroyed) socket.end()
}

/** Until there is room, or never will be. */
function roomIn(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

const test = suite('tls: under pressure')

test(
  `${CONNECTIONS} connections carry a GiB, and lose no byte`,
  async (t) => {
    const rejections: unknown[] = []
    const onRejection = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    t.defer(() => process.off('unhandledRejection', onRejection))

    const { cert, key } = certs.server()
    const ciphers = 'TLS_CHACHA20_POLY1305_SHA256'
    const serverSide = new Map<string, Seen>()
    const closed: Promise<void>[] = []
    const server = tls.createServer({ cert, key, ciphers, allowHalfOpen: true }, (socket) => {
      const name = `${socket.remotePort}`
      const random = new Random(socket.remotePort!)
      serverSide.set(name, read(socket, random))
      closed.push(new Promise((resolve) => socket.on('close', () => resolve())))
      void write(socket, SHARE, random, Infinity)
    })
    t.defer(() => (server as unknown as { _sharedCreds: { context: { close(): void } } })._sharedCreds.context.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const secureContext = tls.createSecureContext({ ca: certs.root().cert, ciphers })
    t.defer(() => (secureContext.context as { close(): void }).close())

    const results = await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => connection(port, secureContext, index)))
    server.close()
    await once(server, 'close')
    await Promise.all(closed)

    for (const { name, seen, torn } of results) {
      const peer = serverSide.get(name)!
      equal(seen.afterClose, [])
      equal(peer.afterClose, [])
      ok(peer.closed, 'the server was told')
      equal(peer.hash.digest('hex'), hashOf(peer.bytes), 'what the server got is what was sent, in order')
      equal(seen.hash.digest('hex'), hashOf(seen.bytes), 'what the client got is what was sent, in order')
      if (torn) continue
      equal({ bytes: seen.bytes, ended: seen.ended, failed: seen.failed }, { bytes: SHARE, ended: true, failed: false })
      equal({ bytes: peer.bytes, ended: peer.ended, failed: peer.failed }, { bytes: SHARE, ended: true, failed: false })
    }
    equal(rejections, [])
    // 200 connections of two BIOs each, twice over for both ends, and what OpenSSL needs: bounded by their number, not by the GiB.
    const megabytes = library().memory.u8.length / 2 ** 20
    ok(megabytes < 16 + (2 * CONNECTIONS * 3 * 65_536) / 2 ** 20, `openssl.wasm took ${megabytes} MiB`)
  },
  { deadline: 240 },
)

/** One in ten is torn down by the client somewhere on its way. */
async function connection(port: number, secureContext: SecureContext, index: number): Promise<{ name: string; seen: Seen; torn: boolean }> {
  const random = new Random(index)
  const torn = index % 10 === 3
  const socket = tls.connect({ port, host: '127.0.0.1', secureContext, allowHalfOpen: true })
  const closed = once(socket, 'close').catch(() => undefined)
  await once(socket, 'secureConnect')
  const name = `${socket.localPort}`
  const seen = read(socket, random)
  await write(socket, SHARE, random, torn ? 1 + random.below(SHARE) : Infinity)
  await closed
  return { name, seen, torn }
}

