import type { Cleanups } from './runtime.ts'
import type { AllCertificates } from './certificates.ts'
import type { PeerName, PeerPorts } from './world.ts'
export async function startPeers(_t: Cleanups, _c: AllCertificates): Promise<Record<PeerName, PeerPorts>> {
  return {} as Record<PeerName, PeerPorts>
}
