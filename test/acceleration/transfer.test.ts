// Many records over a kernel socket, while WebAssembly's memory grows and its views are detached: with the host and without it, the
// same bytes arrive. `npm run test:transfer` does it with a gigabyte.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { suite } from '../support/suite.ts'
import { makeLibrary } from './support.ts'
import { transfer } from './transfer.ts'

const test = suite('acceleration: transfer')

const MEBIBYTES = 24
const RECORD = 16_384

const SPOKEN: readonly { version: string; options: ContextOptions }[] = [
  { version: 'TLS 1.3', options: { minVersion: 'TLSv1.3', cipherSuites: ['TLS_AES_128_GCM_SHA256'] } },
  { version: 'TLS 1.2', options: { maxVersion: 'TLSv1.2', cipherList: 'ECDHE-ECDSA-AES128-GCM-SHA256' } },
]

for (const { version, options } of SPOKEN) {
  test(`${version}: ${MEBIBYTES} MiB, growing memory, equal hashes`, async () => {
    const hashes = new Set<string>()
    for (const wanted of ['auto', 'wasm'] as const) {
      const { library, counted } = makeLibrary(wanted)
      const { sent, received, grown } = await transfer(library, MEBIBYTES, options)
      hashes.add(sent).add(received)
      assert.ok(grown > 0)
      const least = wanted === 'auto' ? (MEBIBYTES * 1024 * 1024) / RECORD : 0
      assert.is(counted.calls.seal >= least && counted.calls.open >= least, true)
      assert.is(library.accelerator.size, 0)
      assert.is(library.liveHandles, 0)
    }
    assert.is(hashes.size, 1)
  })
}
