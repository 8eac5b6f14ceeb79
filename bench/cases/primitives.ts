// Single operations: wasm/simd against OpenSSL's C in the same module, and the host's node:crypto beside them.
import type { Contender } from '../harness.ts'
import { measured, type Case } from './case.ts'

const CONTENDERS: readonly Contender[] = [
  { who: 'membio', peer: 'primitives', runtime: 'node' },
  { who: 'membio, C only', peer: 'primitives of C', runtime: 'node' },
  { who: 'node:crypto', peer: 'node:crypto', runtime: 'node' },
]

const AEADS = ['ChaCha20-Poly1305', 'AES-128-GCM', 'AES-256-GCM'].flatMap((name) => [`${name} seal`, `${name} open`])
const SIZES = [16384, 1024, 256]
const CBC = ['AES-128-CBC encrypt', 'AES-128-CBC decrypt']

const OPERATIONS = [
  ...['sign', 'verify', 'derive', 'generate'].map((verb) => `P-256 ${verb}`),
  ...['derive', 'generate'].map((verb) => `X25519 ${verb}`),
  ...['sign', 'verify'].map((verb) => `Ed25519 ${verb}`),
  ...['sign', 'verify'].map((verb) => `RSA-2048 ${verb}`),
  ...['generate', 'encapsulate', 'decapsulate'].map((verb) => `ML-KEM-768 ${verb}`),
]

const text = (name: string, size: number): Case =>
  measured({
    family: 'primitives',
    name: `${name}, ${size} B`,
    unit: 'MB/s',
    work: { work: 'primitive', name, size },
    contenders: CONTENDERS,
  })

const operation = (name: string): Case =>
  measured({ family: 'primitives', name, unit: '/s', work: { work: 'primitive', name, size: 0 }, contenders: CONTENDERS })

export const primitives: readonly Case[] = [
  ...AEADS.flatMap((name) => SIZES.map((size) => text(name, size))),
  ...CBC.map((name) => text(name, 16384)),
  ...OPERATIONS.map(operation),
]
