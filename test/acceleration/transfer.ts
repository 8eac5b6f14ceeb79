// Many bytes over a kernel socket, hashed on both sides, while the module's memory grows. As a program, a gigabyte with each of both:
//
//   npm run test:transfer [MIB]
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Library } from '../../src/abi/library.ts'
import { TLS_PROTOCOL_TLS } from '../../src/abi/generated.ts'
import { SecureContext } from '../../src/engine/context.ts'
import type { ContextOptions } from '../../src/index.ts'
import { nodeSocket, Poller } from '../../src/transport/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { pattern } from '../support/random.ts'
import { makeLibrary } from './support.ts'

const MIB = 1024 * 1024
/** How often the memory grows on the way. */
const GROWTHS = 4

export interface Transferred {
  /** SHA-256 of what was sent, and of what arrived. */
  sent: string
  received: string
  /** How many pages of WebAssembly's memory were added while it was under way. */
  grown: number
  seconds: number
}

/** A server sends so many MiB to a client; both are of this library. */
export async function transfer(library: Library, mebibytes: number, options: ContextOptions): Promise<Transferred> {
  const serverContext = new SecureContext(library, { ...options, ...server() }, TLS_PROTOCOL_TLS)
  const clientContext = new SecureContext(library, { ...options, ca: root().cert }, TLS_PROTOCOL_TLS)
  const listening = createServer().listen(0, '127.0.0.1')
  const [sent, received] = [createHash('sha256'), createHash('sha256')]
  const began = performance.now()
  const pagesBefore = library.memory.size >>> 16
  const lent: [at: number, length: number][] = []
  try {
    await once(listening, 'listening')
    const accepted = once(listening, 'connection') as Promise<[Socket]>
    const socket = connect((listening.address() as AddressInfo).port, '127.0.0.1')
    const client = receive(clientContext, socket, (chunk) => received.update(chunk))
    const [incoming] = await accepted
    const sending = send(serverContext, incoming, mebibytes, (chunk, index) => {
      sent.update(chunk)
      if (index % Math.ceil(mebibytes / GROWTHS) !== 1) return
      const length = library.memory.size // more than can be free
      lent.push([library.exports.tls_memory_alloc(length), length])
    })
    await Promise.all([client, sending])
    const seconds = (performance.now() - began) / 1000
    return { sent: sent.digest('hex'), received: received.digest('hex'), grown: (library.memory.size >>> 16) - pagesBefore, seconds }
  } finally {
    for (const [at, length] of lent) library.exports.tls_memory_free(at, length)
    listening.close()
    clientContext.free()
    serverContext.free()
  }
}

function receive(context: SecureContext, socket: Socket, take: (chunk: Uint8Array) => void): Promise<void> {
  const engine = context.createEngine({ role: 'client', servername: HOST })
  return new Promise((resolve, reject) => {
    new Poller(engine, nodeSocket(socket), { onPlaintext: take, onClose: (error) => (error ? reject(error) : resolve()) })
  })
}

function send(context: SecureContext, socket: Socket, mebibytes: number, note: (chunk: Uint8Array, index: number) => void): Promise<void> {
  const engine = context.createEngine({ role: 'server' })
  return new Promise((resolve, reject) => {
    let index = 0
    const more = () => {
      while (index < mebibytes) {
        const chunk = pattern(MIB, index++)
        note(chunk, index)
        if (!poller.write(chunk)) return
      }
      poller.close()
    }
    const onClose = (error?: Error) => (error ? reject(error) : resolve())
    const poller = new Poller(engine, nodeSocket(socket), { onSecure: more, onDrain: more, onClose })
  })
}

async function main(mebibytes: number): Promise<void> {
  const options: ContextOptions = { cipherSuites: ['TLS_AES_128_GCM_SHA256'], minVersion: 'TLSv1.3' }
  const hashes = new Set<string>()
  for (const wanted of ['auto', 'wasm'] as const) {
    const { library, counted } = makeLibrary(wanted)
    const { sent, received, grown, seconds } = await transfer(library, mebibytes, options)
    hashes.add(sent).add(received)
    const { seal } = counted.calls
    console.log(`${wanted}: ${mebibytes} MiB in ${seconds.toFixed(1)} s, ${seal} records sealed by the host, memory grew by ${grown} pages`)
    console.log(`${wanted}: SHA-256 ${received}`)
  }
  if (hashes.size !== 1) throw new Error('what was sent and what arrived differ')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(Number(process.argv[2] ?? 1024))
