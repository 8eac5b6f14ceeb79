// Who can be measured, by name. Each is loaded only by the process that is to be it.
import type { InitOptions } from 'membio'
import type { Peer } from './peer.ts'

/** A contender's software: what a worker is told to be. */
export interface Side {
  peer: PeerName
  /** Another openssl.wasm than the package's own. */
  wasm?: string
  /** What membio's `init` is told. */
  acceleration?: InitOptions['acceleration']
}

export type PeerName = keyof typeof PEERS

const PEERS = {
  'membio': async () => (await import('./membio.ts')).engine,
  'membio/tls': async () => tlsOf('membio/tls', await import('membio/tls')),
  'node:tls': async () => tlsOf('node:tls', await import('node:tls')),
  'primitives': async () => (await import('./primitives.ts')).primitives('kernels'),
  'primitives of C': async () => (await import('./primitives.ts')).primitives('portable'),
  'node:crypto': async () => (await import('./primitives.ts')).hostCrypto,
  'node-forge': async () => (await import('./forge.ts')).forge(),
  'subtls': async () => (await import('./subtls.ts')).subtls(),
  '@reclaimprotocol/tls': async () => (await import('./reclaim.ts')).reclaim(),
  'Deno.startTls': async () => (await import('./deno.ts')).deno,
  'Bun.connect': async () => (await import('./bun.ts')).bun,
  'membio in a page': async () => (await import('./chromium.ts')).inChromium('membio'),
  'epoxy-tls': async () => (await import('./chromium.ts')).inChromium('epoxy-tls'),
  'libcurl.js': async () => (await import('./chromium.ts')).inChromium('libcurl.js'),
} satisfies Record<string, () => Promise<Peer>>

async function tlsOf(name: string, module: { default: unknown }): Promise<Peer> {
  const { tlsPeer } = await import('./tls-api.ts')
  return tlsPeer(name, module.default as Parameters<typeof tlsPeer>[1])
}

export async function load({ peer, wasm, acceleration }: Side): Promise<Peer> {
  if ((wasm || acceleration)) await (await import('./membio.ts')).start({ wasm, acceleration })
  return PEERS[peer]()
}
