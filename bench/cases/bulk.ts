// Plaintext a second, by cipher and by how much is written at a time.
import type { Contender } from '../harness.ts'
import { DEFAULT, type Cipher, type Place } from '../work.ts'
import { accelerated, type Case, measured, membio, NAMES, nativesOf, other, portable } from './case.ts'

const CIPHERS: readonly [Cipher, string][] = [
  ['TLS_CHACHA20_POLY1305_SHA256', 'ChaCha20-Poly1305'],
  ['TLS_AES_128_GCM_SHA256', 'AES-128-GCM'],
  ['TLS_AES_256_GCM_SHA384', 'AES-256-GCM'],
]

/** A full record and parts of one. */
const RECORDS = [16384, 4096, 1024, 256]
/** What a file's stream writes, and what a program writes that speaks in small messages. */
const WRITES = [65536, 1024]

interface Kind {
  place: Place
  where: string
  contenders: readonly Contender[]
}

function bulk({ place, where, contenders }: Kind, [cipher, name]: readonly [Cipher, string], size: number): Case {
  const label = size >= 1024 ? `${size / 1024} KiB` : `${size} B`
  const terms = { ...DEFAULT, cipher }
  const work = { work: 'bulk', place, terms, size } as const
  return measured({ family: 'bulk', name: `${name}, ${label}, ${where}`, unit: 'MB/s', work, contenders })
}

const MEMORY: Kind = { place: 'memory', where: 'in memory', contenders: [membio('membio'), portable('membio')] }

/** The drop-in over two Duplex streams in JavaScript, as whoever tunnels TLS has it. */
const DUPLEX: Kind = { place: 'memory', where: 'over a Duplex', contenders: [membio('membio/tls'), other('node:tls')] }

const LOOPBACK: Kind = {
  place: 'loopback',
  where: 'over loopback',
  contenders: [membio('membio/tls'), portable('membio/tls'), other('node:tls')],
}

const on = (runtime: 'deno' | 'bun'): Kind => ({
  place: 'loopback',
  where: `over loopback, on ${NAMES[runtime]}`,
  contenders: [membio('membio/tls', runtime), ...nativesOf(runtime)],
})

/** With the host's cryptography for what it does faster: AES. */
const ACCELERATED: readonly Kind[] = [
  { place: 'memory', where: 'in memory, accelerated', contenders: [accelerated('membio'), membio('membio')] },
  {
    place: 'loopback',
    where: 'over loopback, accelerated',
    contenders: [accelerated('membio/tls'), membio('membio/tls'), other('node:tls')],
  },
]

const acceleratedCases: readonly Case[] = ACCELERATED.flatMap((kind) =>
  CIPHERS.slice(1).flatMap((cipher) => (kind.place === 'memory' ? RECORDS : WRITES).map((size) => bulk(kind, cipher, size))),
)

/** TLS 1.1 with AES-128-CBC and SHA-1 is the best that it has. */
const FORGE: Kind = { place: 'memory', where: 'in memory, beside node-forge', contenders: [membio('membio'), other('node-forge')] }

export const bulks: readonly Case[] = [
  ...CIPHERS.flatMap((cipher) => RECORDS.map((size) => bulk(MEMORY, cipher, size))),
  bulk(FORGE, CIPHERS[1]!, 16384),
  ...CIPHERS.slice(0, 2).map((cipher) => bulk(DUPLEX, cipher, 65536)),
  ...CIPHERS.flatMap((cipher) => WRITES.map((size) => bulk(LOOPBACK, cipher, size))),
  ...acceleratedCases,
  ...(['deno', 'bun'] as const).flatMap((runtime) => CIPHERS.slice(0, 2).map((cipher) => bulk(on(runtime), cipher, 65536))),
]
