// Seeded noise: whatever the bytes, the engine ends in a defined state, with a TlsError and not another one, and leaves nothing. A
// failing seed is in the message; the same seed fails again.
import * as assert from 'uvu/assert'
import { createContext, TlsError, type SecureContext } from '../../src/index.ts'
import { client, root, server } from '../support/certs.ts'
import { concat, randomCuts } from '../support/chunk.ts'
import { sameBytes } from '../support/expect.ts'
import { makePair, type Pair, type Side } from '../support/pair.ts'
import { pattern, Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

const fuzz = suite('engine: fuzz')

const KINDS = ['protocol', 'alert', 'certificate', 'closed', 'internal']
const ROUNDS = 100

interface Contexts {
  clientContext: SecureContext
  serverContext: SecureContext
}

const contexts = (t: Case, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Contexts => ({
  clientContext: t.own(createContext({ ca: root().cert, ...client(), maxVersion })),
  serverContext: t.own(createContext({ ...server(), ca: root().cert })),
})

/** One of the things that can happen to bytes on their way. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  if (!bytes.length) return bytes
  const at = random.below(bytes.length)
  const changed = bytes.slice()
  switch (random.below(6)) {
    case 0:
      changed[at]! ^= 1 << random.below(8)
      return changed
    case 1:
      changed[at] = random.pick([0, 1, 0x7f, 0x80, 0xff])
      return changed
    case 2: // lost
      return concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(20))])
    case 3: // made up
      return concat([bytes.subarray(0, at), random.bytes(1 + random.below(40)), bytes.subarray(at)])
    case 4: // twice
      return concat([bytes, bytes.subarray(at)])
    default: // cut off
      return bytes.subarray(0, at)
  }
}

/** The state in which each side may be left. */
function assertDefined({ engine, error }: Side): void {
  if (error) {
    assert.ok(KINDS.includes(error.kind), `kind ${error.kind}`)
    assert.is(engine.phase, 'failed')
    assert.is(engine.error, error)
  } else {
    assert.ok(['idle', 'handshaking', 'open', 'closing', 'closed'].includes(engine.phase), engine.phase)
  }
  const { receiveCiphertext, writePlaintext } = engine.wants()
  if (error) assert.equal([receiveCiphertext, writePlaintext], [false, false])
}

function withSeed(seed: number, run: () => void): void {
  try {
    run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Runs a connection with `tamper` on its wire; then both sides see the end of the transport. */
function connection(shared: Contexts, seed: number, tamper: Pair['tamper']): void {
  const pair = makePair({ ...shared, serverEngine: { clientCertificate: 'request' }, cut: randomCuts(seed, 2000) })
  try {
    pair.tamper = tamper
    pair.run()
    for (const side of [pair.client, pair.server]) {
      side.attempt(() => side.engine.agreed && side.engine.writePlaintext(pattern(3000, seed)))
    }
    pair.run()
    for (const side of [pair.client, pair.server]) {
      assertDefined(side)
      if (!side.error) side.attempt(() => side.engine.receiveEof())
      side.drive()
      assertDefined(side)
      // Either all of what the other side wrote has arrived, or a beginning of it; never anything else.
      sameBytes(side.plaintext, pattern(3000, seed).subarray(0, side.plaintext.length))
    }
  } finally {
    pair[Symbol.dispose]()
  }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  fuzz(
    `${ROUNDS} connections with one flight changed, ${version}`,
    (t) => {
      const shared = contexts(t, version)
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const random = new Random(seed)
        let countdown = random.below(6)
        withSeed(seed, () => connection(shared, seed, (_, bytes) => (bytes.length && countdown-- === 0 ? mutate(bytes, random) : bytes)))
      }
    },
    { deadline: 60 },
  )

  fuzz(
    `${ROUNDS} connections with every flight in doubt, ${version}`,
    (t) => {
      const shared = contexts(t, version)
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const random = new Random(seed + 10_000)
        withSeed(seed, () => connection(shared, seed, (_, bytes) => (random.below(3) ? bytes : mutate(bytes, random))))
      }
    },
    { deadline: 60 },
  )

  fuzz(
    `byte cuts are not noticed: 100 schedules, ${version}`,
    (t) => {
      const shared = contexts(t, version)
      for (let seed = 1; seed <= 100; seed++) {
        withSeed(seed, () => {
          const pair = makePair({ ...shared, cut: randomCuts(seed, 1 + (seed % 10) * 300) }).establish()
          pair.send(pair.client, pattern(5000, seed)).send(pair.server, pattern(7000, seed))
          sameBytes(pair.server.plaintext, pattern(5000, seed))
          sameBytes(pair.client.plaintext, pattern(7000, seed))
          pair[Symbol.dispose]()
        })
      }
    },
    { deadline: 60 },
  )
}

/** Records that look right at first sight. */
function records(random: Random): Uint8Array {
  return concat(
    Array.from({ length: 1 + random.below(20) }, () => {
      const type = random.pick([20, 21, 22, 23, 24, random.below(256)])
      const body = random.bytes(random.below(random.pick([3, 50, 500])))
      if (type === 22 && body.length > 4) body.set([random.pick([0, 1, 2, 4, 8, 11, 20, 24]), 0, 0, body.length - 4])
      return new Uint8Array([type, 3, random.pick([0, 1, 3, 4]), body.length >> 8, body.length & 255, ...body])
    }),
  )
}

for (const role of ['client', 'server'] as const) {
  fuzz(
    `300 streams of made-up records at a ${role}, before and after its handshake`,
    (t) => {
      const shared = contexts(t, 'TLSv1.3')
      for (let seed = 1; seed <= 300; seed++) {
        withSeed(seed, () => {
          const pair = makePair(shared)
          if (seed % 2) pair.establish().run()
          pair[role].drive()
          pair[role].wire = records(new Random(seed))
          pair.deliver(pair[role])
          assertDefined(pair[role])
          assert.is(pair[role].plaintext.length, 0)
          pair[Symbol.dispose]()
        })
      }
    },
    { deadline: 60 },
  )
}

fuzz(
  'random calls in random order never throw anything but a TlsError',
  (t) => {
    const shared = contexts(t, 'TLSv1.3')
    for (let seed = 1; seed <= 300; seed++) withSeed(seed, () => randomCalls(shared, new Random(seed)))
  },
  { deadline: 60 },
)

function randomCalls(shared: Contexts, random: Random): void {
  const pair = makePair({ ...shared, serverEngine: { park: ['clientHello'] } })
  const calls: ((side: Side, other: Side) => unknown)[] = [
    ({ engine }) => engine.handshake(),
    ({ engine }) => engine.handshake(),
    (side, { engine }) => engine.receiveCiphertext(side.engine.takeCiphertext(random.pick([1, 100, Infinity]))),
    (side, { engine }) => engine.receiveCiphertext(side.engine.takeCiphertext()),
    ({ engine }) => engine.readPlaintext(random.pick([0, 1, 1000, 65536, 1e9])),
    ({ engine }) => engine.writePlaintext(pattern(random.pick([0, 1, 1000, 100_000]))),
    ({ engine }) => engine.closeWrite(),
    ({ engine }) => engine.resume(random.below(2) ? {} : { alpn: ['h2'] }),
    ({ engine }) => engine.exportKeyingMaterial(16, 'EXPERIMENTAL'),
    ({ engine }) => engine.nextEvent(),
    ({ engine }) => engine.wants(),
    ({ engine }) => random.below(20) || engine.receiveEof(),
    ({ engine }) => random.below(50) || engine.free(),
  ]
  for (let i = 0; i < 80; i++) {
    const [side, other] = random.below(2) ? [pair.client, pair.server] : [pair.server, pair.client]
    try {
      random.pick(calls)(side, other)
    } catch (error) {
      if (!(error instanceof TlsError) || error.kind === 'internal') throw error
    }
  }
  pair[Symbol.dispose]()
}
