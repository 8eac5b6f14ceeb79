// WebAssembly's memory grows while transports have reads and writes pending: that detaches every view on it, and in some runtimes ends a
// connection that was given one. Runs in every runtime, over any pairs of transports.
import * as assert from 'uvu/assert'
import { createContext, type SecureContext, type TlsEngine } from '../../src/index.ts'
import { Poller } from '../../src/transport/index.ts'
import { createCertificate, createKey } from '../../src/x509/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { nextTurn, sameBytes } from './transport-end.ts'
import type { TransportPair } from './transport.suite.ts'

const HOST = 'server.test'
const BYTES = 4 << 20
/** Each engine has two BIOs of 64 KiB: so many of them are more than what WebAssembly's allocator asks for in advance. */
const BALLAST = 40
const ROUNDS = 16

/** One side of the connection: writes as fast as it may, and lets its peer wait every now and then. */
class Side {
  readonly poller: Poller
  readonly chunks: Uint8Array[] = []
  readonly closed: Promise<Error | undefined>
  #onClose!: (error?: Error) => void
  #roomAgain = (): void => {}

  constructor(engine: TlsEngine, transport: TransportPair[0], grow: () => void) {
    this.closed = new Promise((resolve) => (this.#onClose = resolve))
    this.poller = new Poller(engine, transport, {
      onPlaintext: (chunk) => {
        this.chunks.push(chunk)
        if (this.chunks.length % 16) return
        grow() // in the midst of a turn
        this.poller.pause()
        void nextTurn().then(nextTurn).then(() => this.poller.resume())
      },
      onDrain: () => this.#roomAgain(),
      onEnd: () => {},
      onClose: (error) => this.#onClose(error),
    })
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += 50_000) {
      const room = new Promise<void>((resolve) => (this.#roomAgain = resolve))
      if (!this.poller.write(bytes.subarray(at, at + 50_000))) await Promise.race([room, this.closed])
    }
    this.poller.closeWrite()
  }
}

/** Takes memory that is given back at the end of the case. */
function ballast(t: Case, context: SecureContext): () => void {
  let rounds = 0
  const engines: TlsEngine[] = []
  t.defer(() => engines.forEach((engine) => engine.free()))
  return () => {
    if (rounds++ >= ROUNDS) return
    for (let i = 0; i < BALLAST; i++) engines.push(context.createEngine({ role: 'client', servername: HOST }))
  }
}

export interface GrowSubject {
  name: string
  /** A connected pair that nobody listens to yet. */
  makePair(t: Case): Promise<TransportPair>
}

/**
 * One case for all of them: memory never shrinks, so it grows but once in a process.
 * @param memorySize bytes WebAssembly has, where the caller can look: then the case makes sure that they became more
 */
export function memoryGrowSuite(subjects: readonly GrowSubject[], memorySize?: () => number): void {
  const test = suite('memory grows while reads and writes are pending')

  test(`4 MiB go each way at once, and arrive as they were: ${subjects.map(({ name }) => name).join(', ')}`, async (t) => {
    const key = createKey()
    const cert = createCertificate({ key, hosts: [HOST] })
    const contexts = [createContext({ ca: cert }), createContext({ cert, key })] as const
    t.defer(() => contexts.forEach((context) => context.free()))
    const add = ballast(t, contexts[0])
    const sizes = new Set<number>()
    const grow = () => {
      add()
      if (memorySize) sizes.add(memorySize())
    }
    const growing = (async () => {
      for (let i = 0; i < ROUNDS; i++) {
        await nextTurn()
        grow() // between turns
      }
    })()
    await Promise.all([growing, ...subjects.map(async ({ makePair }) => exchange(contexts, await makePair(t), grow))])
    if (memorySize) assert.ok(sizes.size > 8, `memory had only ${sizes.size} sizes`)
  })
}

async function exchange(contexts: readonly [SecureContext, SecureContext], [a, b]: TransportPair, grow: () => void): Promise<void> {
  const client = new Side(contexts[0].createEngine({ role: 'client', servername: HOST }), a, grow)
  const server = new Side(contexts[1].createEngine({ role: 'server' }), b, grow)
  const sent = [pattern(BYTES, 1), pattern(BYTES, 2)] as const
  await Promise.all([client.send(sent[0]), server.send(sent[1])])
  assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
  sameBytes(concat(server.chunks), sent[0])
  sameBytes(concat(client.chunks), sent[1])
}
