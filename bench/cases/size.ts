// What is shipped, as it is and compressed for the way: the module, and the JavaScript that goes with it.
import { existsSync, readFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { missingFor } from '../harness.ts'
import { figures, type Missing, type Row } from '../results.ts'
import { Cannot } from '../work.ts'
import { repository, type Case } from './case.ts'

const KB = 1000

const HOW: Record<string, (bytes: Uint8Array) => number> = {
  raw: (bytes) => bytes.length,
  gzip: (bytes) => gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }).length,
  brotli: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }).length,
}

interface Shipped {
  who: string
  files: () => string[]
}

const packages = `${repository}build/bench/node_modules/`

const MODULES: readonly Shipped[] = [
  { who: 'membio', files: () => [`${repository}dist/openssl.wasm`] },
  { who: 'libcurl.js', files: () => [`${packages}libcurl.js/libcurl.wasm`] },
  { who: 'epoxy-tls', files: () => [`${packages}@mercuryworkshop/epoxy-tls/pkg/epoxy.wasm`] },
]

/** An entry with all the pieces that it imports. */
const ENTRIES = ['index', 'transport', 'streams', 'tls', 'https', 'sync', 'x509', 'roots'].filter((entry) =>
  existsSync(`${repository}dist/${entry}.js`),
)

function withImports(file: string, found = new Set<string>()): string[] {
  if (found.has(file)) return []
  found.add(file)
  const text = readFileSync(`${repository}dist/${file}`, 'utf8')
  const chunks = [...text.matchAll(/from\s*"\.\/(chunk-[^"]+\.js)"/g)].map((match) => match[1]!)
  return [`${repository}dist/${file}`, ...chunks.flatMap((chunk) => withImports(chunk, found))]
}

async function row(name: string, how: string, all: readonly Shipped[]): Promise<Row> {
  const measured = all.map(({ who, files }) => {
    try {
      const sizes = files().map((file) => HOW[how]!(readFileSync(file)) / KB)
      return { who, values: [sizes.reduce((sum, size) => sum + size, 0)] }
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error
      return missingFor(who, new Cannot('not installed'))
    }
  })
  const samples = measured.filter((one): one is { who: string; values: number[] } => 'values' in one)
  const missing = measured.filter((one): one is Missing => 'cannot' in one)
  return { family: 'size', name, unit: 'KB', contenders: [...figures('KB', samples, 'membio'), ...missing] }
}

const sizeOf = (what: string, how: string, all: readonly Shipped[]): Case => {
  const name = `${what}, ${how}`
  return { family: 'size', name, who: all.map(({ who }) => who), run: () => row(name, how, all) }
}

export const sizes: readonly Case[] = [
  ...Object.keys(HOW).map((how) => sizeOf('openssl.wasm', how, MODULES)),
  ...ENTRIES.flatMap((entry) => {
    const membio = { who: 'membio', files: () => withImports(`${entry}.js`) }
    return ['raw', 'gzip'].map((how) => sizeOf(`dist/${entry}.js and what it imports`, how, [membio]))
  }),
]
