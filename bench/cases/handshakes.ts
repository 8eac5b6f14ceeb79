// Handshakes a second, by key and group, full and resumed.
import type { Contender } from '../harness.ts'
import { DEFAULT, type Place, type Terms } from '../work.ts'
import { accelerated, type Case, measured, membio, NAMES, nativesOf, other, portable } from './case.ts'

const TERMS: readonly Terms[] = [
  DEFAULT,
  { ...DEFAULT, group: 'P-256' },
  { ...DEFAULT, group: 'X25519MLKEM768' },
  { ...DEFAULT, key: 'RSA-2048' },
  { ...DEFAULT, key: 'Ed25519' },
]

const KEYS: Record<Terms['key'], string> = { 'P-256': 'ECDSA P-256', 'RSA-2048': 'RSA-2048', Ed25519: 'Ed25519' }

interface Kind {
  place: Place
  where: string
  contenders: readonly Contender[]
  resumed?: true
}

function handshake({ place, where, contenders, resumed }: Kind, terms: Terms): Case {
  const name = `${resumed ? 'resumed' : 'full'}, ${KEYS[terms.key]}, ${terms.group}, ${where}`
  const work = { work: 'handshake', place, terms, ...(resumed && { resumed }) } as const
  return measured({ family: 'handshakes', name, unit: '/s', work, contenders })
}

const MEMORY: Kind = {
  place: 'memory',
  where: 'in memory',
  contenders: [membio('membio'), portable('membio'), other('node:tls', 'node', 'node:tls over a Duplex')],
}

const LOOPBACK: Kind = {
  place: 'loopback',
  where: 'over loopback',
  contenders: [membio('membio/tls'), portable('membio/tls'), other('node:tls')],
}

/** The host computes with RSA keys. */
const ACCELERATED: Kind = {
  place: 'loopback',
  where: 'over loopback, accelerated',
  contenders: [accelerated('membio/tls'), membio('membio/tls'), other('node:tls')],
}

const on = (runtime: 'deno' | 'bun'): Kind => ({
  ...LOOPBACK,
  where: `over loopback, on ${NAMES[runtime]}`,
  contenders: [membio('membio/tls', runtime), ...nativesOf(runtime)],
})

/** node-forge has RSA keys only. */
const withForge = (terms: Terms): Kind =>
  terms.key === 'RSA-2048' ? { ...MEMORY, contenders: [...MEMORY.contenders, other('node-forge')] } : MEMORY

export const handshakes: readonly Case[] = [
  ...TERMS.map((terms) => handshake(withForge(terms), terms)),
  handshake({ ...MEMORY, resumed: true }, DEFAULT),
  ...TERMS.map((terms) => handshake(LOOPBACK, terms)),
  handshake(ACCELERATED, { ...DEFAULT, key: 'RSA-2048' }),
  handshake({ ...LOOPBACK, resumed: true }, DEFAULT),
  handshake(on('deno'), DEFAULT),
  handshake(on('bun'), DEFAULT),
]
