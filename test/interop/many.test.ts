// Many connections: 500 at once with interleaved plaintext, and 1,000 one after the other that leave nothing behind.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { liveHandles } from '../../src/index.ts'
import { root } from '../support/certs.ts'
import { pattern, Random } from '../support/random.ts'
import { dialNode, sha256, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, makeContext, serveMembio, type Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

// ---- At once. ----

const COUNT = 500
const atOnce = suite('interop: 500 connections at once')

/** Sends in pieces with random pauses, so that each connection's records fall between those of the others. */
async function dribble(random: Random, bytes: Uint8Array, write: (piece: Uint8Array) => unknown): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(4000)
    write(bytes.subarray(at, at + length))
    at += length
    if (random.below(3) === 0) await sleep(random.below(20))
    else await nextTurn()
  }
}

/** What connection `i` sends: of its own length and its own content. */
const plaintextOf = (i: number) => pattern(5000 + 37 * i, i + 1)

/** All are connected before the first sends. */
async function all<T>(
  make: (i: number) => T,
  ready: (each: T) => Promise<unknown>,
  run: (each: T, i: number) => Promise<unknown>,
): Promise<void> {
  const made = Array.from({ length: COUNT }, (_, i) => make(i))
  await Promise.all(made.map(ready))
  await Promise.all(made.map(run))
}

const deadlines = { handshake: 0, shutdown: 0 } // so many handshakes on a busy machine take their time

async function clientEcho(client: Party, i: number): Promise<void> {
  const bytes = plaintextOf(i)
  await dribble(new Random(i), bytes, (piece) => client.poller.write(piece))
  client.poller.closeWrite()
  assert.is(await client.closed, undefined)
  assert.is(sha256(client.received), sha256(bytes), `connection ${i}`)
}

const dialMany = (t: Case, port: number) => {
  const context = makeContext(t, 'client')
  return () => {
    const party: Party = dialMembio(t, port, { context, deadlines, handlers: { onEnd: () => party.poller.close() } })
    return party
  }
}

atOnce(
  'membio clients to a membio echo server',
  async (t) => {
    const server = await serveMembio(t, { deadlines }, echo)
    await all(dialMany(t, server.port), (client) => client.secure(), clientEcho)
    assert.equal(await Promise.all(server.parties.map((party) => party.closed)), Array(COUNT).fill(undefined))
  },
  { deadline: 60 },
)

atOnce(
  'node:tls clients to a membio echo server',
  async (t) => {
    const server = await serveMembio(t, { deadlines }, echo)
    const secured = async (peer: ReturnType<typeof dialNode>) => peer.until(() => peer.socket.authorized)
    await all(
      () => dialNode(t, server.port),
      secured,
      async (peer, i) => {
        const bytes = plaintextOf(i)
        await dribble(new Random(i), bytes, (piece) => peer.socket.write(piece))
        peer.socket.end()
        assert.is(await peer.close(), undefined)
        assert.is(sha256(peer.received), sha256(bytes), `connection ${i}`)
      },
    )
    assert.equal(await Promise.all(server.parties.map((party) => party.closed)), Array(COUNT).fill(undefined))
  },
  { deadline: 60 },
)

atOnce(
  'membio clients to a node:tls echo server',
  async (t) => {
    const { port } = await serveNode(t, {}, ({ socket }) => socket.pipe(socket))
    await all(dialMany(t, port), (client) => client.secure(), clientEcho)
  },
  { deadline: 60 },
)

// ---- One after the other. ----

const TOTAL = 1000
const FIRST = 100
const BATCH = 25

const inTurn = suite('interop: 1,000 connections opened and closed')

/** Half of them end badly: what a failed handshake or a broken pipe leaves behind counts as well. */
type Ending = 'close' | 'server closes' | 'destroy' | 'refused'
const ENDINGS: readonly Ending[] = ['close', 'server closes', 'destroy', 'refused']

inTurn(
  'leave no live handle, and no more heap than the first 100',
  async (t) => {
    const server = await serveMembio(t, { settings: { ca: root().cert } }, (party) => ({
      onPlaintext(chunk) {
        party().poller.write(chunk)
        if (party().text === 'server closes') party().poller.close()
      },
    }))
    const context = makeContext(t, 'client')
    const handles = liveHandles()
    let size = 0
    for (let done = 0; done < TOTAL; done += BATCH) {
      if (done === FIRST) size = library().memory.size
      await Promise.all(Array.from({ length: BATCH }, (_, i) => visit(t, server.port, context, ENDINGS[i % ENDINGS.length]!)))
      await Promise.all(server.parties.splice(0).map((party) => party.closed))
      assert.is(liveHandles(), handles, `after ${done + BATCH} connections`)
    }
    assert.ok(size > 0)
    assert.is(library().memory.size, size)
  },
  { deadline: 60 },
)

async function visit(t: Case, port: number, context: ReturnType<typeof makeContext>, ending: Ending): Promise<void> {
  const client = dialMembio(t, port, { context, ...(ending === 'refused' && { engine: { servername: 'other.test' } }) })
  client.poller.write(ending)
  if (ending === 'close' || ending === 'destroy') {
    await client.until(() => client.text === ending)
    client.poller[ending]()
  }
  const error = await client.closed
  assert.is(error?.code, ending === 'refused' ? 'HOSTNAME_MISMATCH' : undefined)
}
