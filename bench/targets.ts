// What membio is to reach, as data: each figure is of one row of one run. `npm run bench:check` compares with a wide margin, because
// machines differ; the report says what was reached exactly.
import type { FamilyName } from './cases/case.ts'
import { isFigure, type Results } from './results.ts'
import type { Summary } from './statistics.ts'

export interface Target {
  /** As the report calls it. */
  figure: string
  row: `${FamilyName}: ${string}`
  /** At least so many times what this contender does: by CPU time where both tell it, which is steadier, else by the clock. */
  atLeast?: { times: number; against: string }
  /** Or at most so much, in the row's unit. */
  atMost?: number
}

const C = 'membio, C only'

/** How far from a target `check` lets a figure be. */
export const MARGIN = 0.75

const PURE_JAVASCRIPT = 5

export const TARGETS: readonly Target[] = [
  ratio('ChaCha20-Poly1305, 16 KiB', 'primitives: ChaCha20-Poly1305 seal, 16384 B', 2.4, C),
  ratio('AES-128-GCM, 16 KiB', 'primitives: AES-128-GCM seal, 16384 B', 3, C),
  ratio('P-256 sign', 'primitives: P-256 sign', 5, C),
  ratio('P-256 verify', 'primitives: P-256 verify', 4, C),
  ratio('full handshake in memory', 'handshakes: full, ECDSA P-256, X25519, in memory', 2, C),
  ratio('full handshake over loopback', 'handshakes: full, ECDSA P-256, X25519, over loopback', 0.4, 'node:tls'),
  ratio('bulk over loopback, ChaCha20-Poly1305', 'bulk: ChaCha20-Poly1305, 64 KiB, over loopback', 0.35, 'node:tls'),
  ratio('bulk over loopback, AES-128-GCM', 'bulk: AES-128-GCM, 64 KiB, over loopback', 0.15, 'node:tls'),
  ratio('bulk over loopback, AES-128-GCM, accelerated', 'bulk: AES-128-GCM, 64 KiB, over loopback, accelerated', 0.6, 'node:tls'),
  ratio('bulk in memory', 'bulk: AES-128-GCM, 16 KiB, in memory, beside node-forge', PURE_JAVASCRIPT, 'node-forge'),
  ...aheadOf('RSA-2048, on Node', 'node-forge', PURE_JAVASCRIPT),
  ...aheadOf('ECDSA P-256, on Node', 'subtls'),
  ...aheadOf('ECDSA P-256, on Node', '@reclaimprotocol/tls'),
  ...aheadOf('ECDSA P-256, in Chromium', 'epoxy-tls'),
  ...aheadOf('ECDSA P-256, in Chromium', 'libcurl.js'),
  { figure: 'openssl.wasm, gzip', row: 'size: openssl.wasm, gzip', atMost: 750 },
  { figure: 'openssl.wasm, brotli', row: 'size: openssl.wasm, brotli', atMost: 600 },
  { figure: 'first handshake from process start', row: 'start: first handshake, on Node', atMost: 60 },
  { figure: 'memory for each idle connection', row: 'idle: a server on Node', atMost: 20 },
]

function ratio(figure: string, row: Target['row'], times: number, against: string): Target {
  return { figure, row, atLeast: { times, against } }
}

/** Ahead of a peer in both kinds of work. */
function aheadOf(where: string, against: string, bulk = 1): Target[] {
  return [
    ratio("a client's handshakes", `clients: handshake, ${where}`, 1, against),
    ratio("a client's download", `clients: download, ${where}`, bulk, against),
  ]
}

export type Verdict = 'met' | 'missed' | 'not measured'

export interface Judged {
  target: Target
  /** A ratio, or an amount; undefined if it was not measured. */
  reached?: Summary
  /** Why there is nothing. */
  why?: string
  verdict: Verdict
}

/** @param margin 1 for the exact target; below that, so much less is enough */
export function judge(target: Target, { rows }: Pick<Results, 'rows'>, margin = 1): Judged {
  const row = rows.find(({ family, name }) => `${family}: ${name}` === target.row)
  if (!row) return { target, verdict: 'not measured' }
  const { atLeast, atMost } = target
  const one = atLeast ? row.contenders.find(({ who }) => who === atLeast.against) : row.contenders[0]
  if (!one || !isFigure(one)) return { target, verdict: 'not measured', why: one?.cannot }
  const reached = atLeast ? (one.cpuRatio ?? one.ratio) : one.value
  if (!reached) return { target, verdict: 'not measured', why: 'membio itself was not measured' }
  const met = atLeast ? reached.median >= atLeast.times * margin : reached.median <= atMost! / margin
  return { target, reached, verdict: met ? 'met' : 'missed' }
}
