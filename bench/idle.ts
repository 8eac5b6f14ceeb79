// Where the memory of an idle connection goes: engines alone, engines with a Poller on sockets, membio/tls, and node:tls on the side. (Whether
// the target is met, `npm run bench -- idle` says.) The server has a process of its own, and so have its clients. One wave of connections
// comes and goes first, so that code, pools and what is made once are there before anything is counted.
//
//   ./build.sh ts && node build/bench/idle.js [connections] [engine|poller|tls|native]...
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import * as net from 'node:net'
import * as nativeTls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { library } from '../src/abi/instance.ts'
import { createContext, type TlsEngine } from '../src/index.ts'
import * as membioTls from '../src/tls/index.ts'
import { nodeSocket, Poller } from '../src/transport/index.ts'
import { HOST, server as serverIdentity, root } from '../test/support/certs.ts'

const KINDS = ['engine', 'poller', 'tls', 'native'] as const
type Kind = (typeof KINDS)[number]

/** Bytes: of the WebAssembly memory, of JavaScript's heap, of what hangs on it, and of the whole process. */
interface Usage {
  wasm: number
  heap: number
  external: number
  process: number
}

function usage(): Usage {
  for (let i = 0; i < 4; i++) (globalThis as { gc?: () => void }).gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  const wasm = library().memory.size
  return { wasm, heap: heapUsed, external: external - wasm, process: rss } // V8 counts a WebAssembly memory there
}

/** Holds all connections of a wave; `count` is how many are secure. */
interface Subject {
  count(): number
  port?: number
  /** Without a port: makes that many. */
  make?(connections: number): void
  drop(): void
}

// ---- Engines alone: each has a client of its own for the handshake only. ----

function engines(): Subject {
  const identity = serverIdentity()
  const context = createContext(identity)
  const client = createContext({ ca: root().cert })
  const held: TlsEngine[] = []
  const make = () => {
    const server = context.createEngine({ role: 'server' })
    const peer = client.createEngine({ role: 'client', servername: HOST })
    while (!server.agreed || !peer.agreed) {
      peer.handshake()
      server.receiveCiphertext(peer.takeCiphertext())
      server.handshake()
      peer.receiveCiphertext(server.takeCiphertext())
    }
    server.readPlaintext()
    while (server.nextEvent());
    peer.free()
    held.push(server)
  }
  return {
    count: () => held.length,
    make: (connections) => {
      for (let i = 0; i < connections; i++) make()
    },
    drop: () => held.splice(0).forEach((engine) => engine.free()),
  }
}

// ---- With sockets. ----

function pollers(): Promise<Subject> {
  const context = createContext(serverIdentity())
  const held = new Set<Poller>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const poller: Poller = new Poller(context.createEngine({ role: 'server' }), nodeSocket(socket), {
      onSecure: () => held.add(poller),
      onPlaintext: () => {},
    })
  })
  return listening(server, { count: () => held.size, drop: () => (held.forEach((poller) => poller.destroy()), held.clear()) })
}

function sockets(tls: typeof nativeTls | typeof membioTls): Promise<Subject> {
  const held = new Set<net.Socket>()
  const server = (tls as typeof nativeTls).createServer(serverIdentity(), (socket) => {
    held.add(socket)
    socket.on('error', () => {}).resume()
  })
  return listening(server, { count: () => held.size, drop: () => (held.forEach((socket) => socket.destroy()), held.clear()) })
}

async function listening(server: net.Server, subject: Omit<Subject, 'port'>): Promise<Subject> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  return { ...subject, port: (server.address() as net.AddressInfo).port }
}

// ---- The three processes. ----

const loops = () => new Promise((done) => setTimeout(done, 20))

async function serve(kind: Kind): Promise<void> {
  const subject = kind === 'engine' ? engines() : kind === 'poller' ? await pollers() : await sockets(kind === 'tls' ? membioTls : nativeTls)
  process.send!({ port: subject.port })
  let before = usage()
  for await (const [message] of messages()) {
    if (message.begin) before = usage()
    if (message.make) subject.make?.(message.make)
    if (message.await !== undefined) {
      const wanted = message.await
      while (subject.count() < wanted) await loops()
      await loops()
      const after = usage()
      process.send!(Object.fromEntries(Object.entries(after).map(([name, bytes]) => [name, (bytes - before[name as keyof Usage]) / wanted])))
    }
    if (message.drop) subject.drop()
  }
}

async function* messages(): AsyncGenerator<[Record<string, number>]> {
  const queue: Record<string, number>[] = []
  let wake = () => {}
  process.on('message', (message) => (queue.push(message as Record<string, number>), wake()))
  for (;;) {
    while (queue.length) yield [queue.shift()!]
    await new Promise<void>((go) => (wake = go))
  }
}

/** Opens that many connections, some at a time, and holds them. */
async function connectAll(): Promise<void> {
  const held: nativeTls.TLSSocket[] = []
  for await (const [{ port, connections }] of messages()) {
    if (!connections) {
      for (const socket of held.splice(0)) socket.destroy()
      continue
    }
    const lane = async () => {
      while (held.length < connections) {
        const socket = nativeTls.connect({ port: port!, host: '127.0.0.1', servername: HOST, ca: root().cert, rejectUnauthorized: false })
        held.push(socket)
        socket.on('error', () => {})
        await once(socket, 'secureConnect')
      }
    }
    await Promise.all(Array.from({ length: 16 }, lane))
  }
}

async function ask(child: ChildProcess, message: object): Promise<unknown> {
  child.send(message)
  return (await once(child, 'message'))[0]
}

const self = fileURLToPath(import.meta.url)

async function measure(kind: Kind, connections: number): Promise<Usage> {
  const server = fork(self, ['--serve', kind], { execArgv: ['--expose-gc'] })
  const clients = kind === 'engine' ? undefined : fork(self, ['--connect'])
  const [{ port }] = (await once(server, 'message')) as [{ port: number }]
  const open = (count: number) => (clients ? clients.send({ port, connections: count }) : server.send({ make: count }))
  const first = Math.min(200, connections)
  open(first)
  await ask(server, { await: first })
  clients?.send({ connections: 0 })
  server.send({ drop: 1 })
  await new Promise((done) => setTimeout(done, 2500)) // what lingers ends
  server.send({ begin: 1 })
  open(connections)
  const result = (await ask(server, { await: connections })) as Usage
  server.kill()
  clients?.kill()
  return result
}

async function main(connections = '2000', ...kinds: string[]): Promise<void> {
  console.log(`Node ${process.versions.node}; bytes for each of ${connections} idle connections of a server`)
  console.log(''.padEnd(10) + ['wasm', 'JS heap', 'external', 'wasm + JS', 'process'].map((name) => name.padStart(12)).join(''))
  for (const kind of KINDS.filter((kind) => !kinds.length || kinds.includes(kind))) {
    const { wasm, heap, external, process } = await measure(kind, Number(connections))
    console.log(kind.padEnd(10) + [wasm, heap, external, wasm + heap + external, process].map((bytes) => String(Math.round(bytes)).padStart(12)).join(''))
  }
}

if (process.argv[2] === '--serve') await serve(process.argv[3] as Kind)
else if (process.argv[2] === '--connect') await connectAll()
else await main(...process.argv.slice(2))
