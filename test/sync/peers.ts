// Node's own tls as a peer, in a process of its own: the test's thread sleeps while it works. Other programs are in support/peers.ts.
import { fileURLToPath } from 'node:url'
import { root, server } from '../support/certs.ts'
import { Program } from '../support/peers.ts'
import type { Case } from '../support/suite.ts'
import type { PeerOptions } from './node-peer.ts'

const nodePeer = fileURLToPath(new URL('./node-peer.js', import.meta.url))

/** A server with the good test certificate. @returns its port */
export async function nodeServer(t: Case, scenario: string, options: PeerOptions = {}): Promise<number> {
  const peer = new Program(t, process.execPath, [nodePeer, 'serve', scenario, JSON.stringify({ ...server(), ...options })])
  return Number((await peer.until(/^(\d+)\n/))[1])
}

export interface NodeClient {
  /** Waits for what it came to. */
  result(): Promise<Record<string, unknown>>
}

/** A client that trusts the test root. */
export function nodeClient(t: Case, scenario: string, options: PeerOptions & { port: number }): NodeClient {
  const peer = new Program(t, process.execPath, [nodePeer, 'connect', scenario, JSON.stringify({ ca: root().cert, ...options })])
  return { result: async () => JSON.parse((await peer.until(/^{.*}\n/m))[0]) }
}
