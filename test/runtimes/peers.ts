// The peers that the suites talk to: started once a run, on loopback, each a process of its own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { bundleEntry, stage } from './bundle.ts'
import type { AllCertificates } from './certificates.ts'
import { installed } from './installed.ts'
import { start, type Cleanups } from './runtime.ts'
import type { PeerName, PeerPorts } from './world.ts'

/** Resolves once all of them accept connections. */
export async function startPeers(t: Cleanups, certificates: AllCertificates): Promise<Record<PeerName, PeerPorts>> {
  const file = await bundleEntry('peers/server')
  const setup = join(stage, 'certificates.json')
  writeFileSync(setup, JSON.stringify(certificates))
  const startOne = async (node: string, which: 'membio' | 'native'): Promise<PeerPorts> => {
    const child = start(t, node, [file, which, setup])
    for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line) as PeerPorts
    throw new Error(`a peer did not start: ${t.output}`)
  }
  const [membio, node24, node26] = await Promise.all([
    startOne(process.execPath, 'membio'),
    startOne(installed('node24'), 'native'),
    startOne(installed('node26'), 'native'),
  ])
  return { membio, node24, node26 }
}
