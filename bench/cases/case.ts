// What all families of cases share: their shape, and who takes part in most of them.
import { fileURLToPath } from 'node:url'
import type { Contender, Harness, Measurement, Settings } from '../harness.ts'
import type { PeerName } from '../peers/index.ts'
import type { Given, ServerAddress } from '../peers/peer.ts'
import type { Row } from '../results.ts'
import type { Runtime } from '../runtimes.ts'

/** What a case may use. */
export interface Tools {
  harness: Harness
  settings: Settings
  given: Given & { server: ServerAddress }
}

/** One row of a table. */
export interface Case {
  family: FamilyName
  name: string
  /** The contenders, by the names they have in the reports; the first one is membio. */
  who: readonly string[]
  run(tools: Tools): Promise<Row>
}

/** In the order of the reports, with what is said above the table. */
export const FAMILIES = {
  primitives: "Single operations of libcrypto in WebAssembly, without TLS around them; node:crypto calls the host's OpenSSL.",
  handshakes: `Full and resumed TLS 1.3 handshakes, client and server in one thread. In memory: the engine alone, without sockets. Over
loopback: the drop-in for node:tls.`,
  bulk: `Plaintext on an open connection, client and server in one thread: every byte is encrypted and decrypted. In memory by the size of
records, over loopback by the size of writes.`,
  echo: 'A hundred bytes there and back over loopback, client and server in one thread.',
  clients: 'A client of one and the same native server, over loopback; in Chromium through a proxy (Wisp).',
  idle: `A server's memory for each connection that is open and silent: WebAssembly's and JavaScript's, and all that the system has given the
process. The clients are native, and in another process.`,
  start: 'From the start of a process to its end, less what a process takes that does nothing.',
  size: 'What is shipped.',
} as const

export type FamilyName = keyof typeof FAMILIES

export const measured = (measurement: Measurement & { family: FamilyName }): Case => ({
  family: measurement.family,
  name: measurement.name,
  who: measurement.contenders.map(({ who }) => who),
  run: ({ harness }) => harness.measure(measurement),
})

export const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** The package's own module, with nothing but OpenSSL's C in it: `./build.sh kernels`. */
export const PORTABLE = `${repository}build/wasm/openssl-portable.wasm`

export const NAMES: Record<Runtime, string> = { node: 'Node', deno: 'Deno', bun: 'Bun', chromium: 'Chromium' }

/** membio in WebAssembly alone, by its engine or by its drop-in. */
export const membio = (peer: 'membio' | 'membio/tls', runtime: Runtime = 'node'): Contender => ({
  who: 'membio',
  peer,
  runtime,
  acceleration: 'wasm',
})

/** The same code on OpenSSL's C in WebAssembly. */
export const portable = (peer: 'membio' | 'membio/tls', runtime: Runtime = 'node'): Contender => ({
  ...membio(peer, runtime),
  who: 'membio, C only',
  wasm: PORTABLE,
})

/** As it is unless it is told otherwise: what the host's cryptography does faster is left to it. */
export const accelerated = (peer: 'membio' | 'membio/tls', runtime: Runtime = 'node'): Contender => ({
  who: 'membio, accelerated',
  peer,
  runtime,
  acceleration: 'auto',
})

/** Someone else; `who` where the name of the peer does not say it. */
export const other = (peer: PeerName, runtime: Runtime = 'node', who: string = peer): Contender => ({ who, peer, runtime })

/** What a runtime has itself: by the interface of node:tls, and by its own. */
export const nativesOf = (runtime: 'deno' | 'bun'): Contender[] => [
  other('node:tls', runtime, `node:tls of ${NAMES[runtime]}`),
  other(runtime === 'deno' ? 'Deno.startTls' : 'Bun.connect', runtime),
]
