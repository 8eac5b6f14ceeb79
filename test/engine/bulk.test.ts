// Much data: 10 MiB each way, both at once, with equal hashes; and a little of it byte by byte.
import { createHash } from 'node:crypto'
import * as assert from 'uvu/assert'
import { byteByByte, randomCuts, whole, type Cut } from '../support/chunk.ts'
import { makePair, type Side } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const bulk = suite('engine: bulk')

const MIB = 1 << 20
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const RUNS: { name: string; length: number; cut: () => Cut }[] = [
  { name: '10 MiB whole', length: 10 * MIB, cut: () => whole },
  { name: '10 MiB at random cuts', length: 10 * MIB, cut: () => randomCuts(3, 40_000) },
  { name: '64 KiB byte by byte', length: MIB / 16, cut: () => byteByByte },
]

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const { name, length, cut } of RUNS) {
    bulk(
      `${name} in each direction at the same time, ${maxVersion}`,
      (t) => {
        const pair = t.own(makePair({ client: { maxVersion }, cut: cut() })).establish()
        const sent = new Map<Side, Uint8Array>([
          [pair.client, pattern(length, 1)],
          [pair.server, pattern(length, 2)],
        ])
        const written = new Map<Side, number>([
          [pair.client, 0],
          [pair.server, 0],
        ])
        for (let moved = 1; moved > 0;) {
          moved = 0
          for (const [from, plaintext] of sent) {
            const at = written.get(from)!
            const { accepted } = from.engine.writePlaintext(plaintext.subarray(at, at + 100_000))
            written.set(from, at + accepted)
            moved += accepted + pair.transfer(from, from === pair.client ? pair.server : pair.client)
          }
        }
        assert.is(hash(pair.server.plaintext), hash(sent.get(pair.client)!))
        assert.is(hash(pair.client.plaintext), hash(sent.get(pair.server)!))
      },
      { deadline: 60 },
    )
  }
}
