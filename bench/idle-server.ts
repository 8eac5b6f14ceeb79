// A server that holds connections and tells what they cost: membio/tls or the runtime's own TLS, in a process of its own. Told its module
// and its certificate by one line of stdin, it answers with its port; to each further line with its memory, after a collection of garbage.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type * as NodeTls from 'node:tls'
import type { Identity } from './work.ts'

/** In bytes. */
export interface Memory {
  connections: number
  /** JavaScript's: heap, and buffers outside it. */
  javascript: number
  /** WebAssembly's memory, as far as it has ever grown. */
  wasm: number
  /** What the system has given the process. */
  resident: number
}

const memories: WebAssembly.Memory[] = []
const { Instance } = WebAssembly
// membio does not show its memory, so it is noted when it is made.
WebAssembly.Instance = class extends Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports)
    if (this.exports.memory instanceof WebAssembly.Memory) memories.push(this.exports.memory)
  }
}

/** Some versions of V8 count a WebAssembly memory as JavaScript's, and then it must not be counted twice. */
function wasmIsExternal(): boolean {
  const pages = 160
  const before = process.memoryUsage().external
  const probe = new WebAssembly.Memory({ initial: 1, maximum: pages + 1 })
  probe.grow(pages)
  return process.memoryUsage().external - before > (pages * 65536) / 2
}

const counted = wasmIsExternal()
const open = new Set<NodeTls.TLSSocket>()

async function listen(name: string, { cert, key }: Identity): Promise<number> {
  const { default: tls } = (name === 'membio/tls' ? await import('membio/tls') : await import('node:tls')) as { default: typeof NodeTls }
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', () => {})
  })
  server.on('tlsClientError', (error) => console.error(error))
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function memory(): Promise<Memory> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve)) // finalizers
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const wasm = memories.reduce((sum, one) => sum + one.buffer.byteLength, 0)
  return { connections: open.size, javascript: heapUsed + external - (counted ? wasm : 0), wasm, resident: rss }
}

const lines = createInterface({ input: process.stdin })
lines.on('close', () => process.exit())
let listening = false
lines.on('line', async (line) => {
  if (listening) return console.log(JSON.stringify(await memory()))
  listening = true
  const { module, identity } = JSON.parse(line) as { module: string; identity: Identity }
  console.log(await listen(module, identity))
})
