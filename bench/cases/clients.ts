// A client alone, of one and the same native server: the only work that all the portable peers can do.
import type { Contender } from '../harness.ts'
import type { PeerName } from '../peers/index.ts'
import { DEFAULT, type Terms } from '../work.ts'
import { type Case, measured, membio, nativesOf, other, portable } from './case.ts'

const PEERS: readonly PeerName[] = ['node-forge', 'subtls', '@reclaimprotocol/tls']
/** A download of so much; one time is one record's worth. */
const PIECE = 16384

/** node-forge has RSA keys only; others have no Ed25519. */
const KEYS: readonly Terms['key'][] = ['P-256', 'RSA-2048']

const node: readonly Contender[] = [
  membio('membio/tls'),
  portable('membio/tls'),
  other('node:tls'),
  ...PEERS.map((peer) => other(peer)),
]

const on = (runtime: 'deno' | 'bun'): readonly Contender[] => [
  membio('membio/tls', runtime),
  ...nativesOf(runtime),
]

function both(where: string, key: Terms['key'], contenders: readonly Contender[]): Case[] {
  const terms = { ...DEFAULT, key }
  const label = `${key === 'P-256' ? 'ECDSA P-256' : key}, ${where}`
  return [
    measured({
      family: 'clients',
      name: `handshake, ${label}`,
      unit: '/s',
      work: { work: 'handshake', place: 'server', terms },
      contenders,
    }),
    measured({
      family: 'clients',
      name: `download, ${label}`,
      unit: 'MB/s',
      work: { work: 'bulk', place: 'server', terms, size: PIECE },
      contenders,
    }),
  ]
}

/** Through a proxy, as a page has no sockets. */
const chromium: readonly Contender[] = [
  other('membio in a page', 'chromium', 'membio'),
  other('epoxy-tls', 'chromium'),
  other('libcurl.js', 'chromium'),
]

export const clients: readonly Case[] = [
  ...KEYS.flatMap((key) => both('on Node', key, node)),
  ...both('on Deno', 'P-256', on('deno')),
  ...both('on Bun', 'P-256', on('bun')),
  ...both('in Chromium', 'P-256', chromium),
]
