// The path of bytes and handshakes: this checkout's dist/ against another one's, each in a process of its own, in turns, in CPU time of the
// whole process; medians of the pairs' ratios. Above 1.00 this checkout is faster.
//
//   ./build.sh && node build/bench/path.js OTHER [part of a name] [rounds]      OTHER: another checkout, built
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import * as net from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Membio from '../src/index.ts'
import type * as MembioTls from '../src/tls/index.ts'
import type * as Transport from '../src/transport/index.ts'
import { HOST, root, server } from '../test/support/certs.ts'
import { repository } from '../test/support/paths.ts'

/** CPU seconds that one run should take: long against the clock's resolution. */
const RUN = 0.1

interface Packages {
  membio: typeof Membio
  tls: typeof MembioTls
  transport: typeof Transport
}
/** Does it so many times. */
type Run = (times: number) => void | Promise<void>
interface Identity {
  cert: string
  key: string
}
interface Certificates {
  ca: string
  'P-256': Identity
  'RSA-2048': Identity
}
type Case = (packages: Packages, certificates: Certificates) => Run | Promise<Run>

const CHACHA = 'TLS_CHACHA20_POLY1305_SHA256'

// ---- In memory. ----

function shake(client: Membio.SecureContext, server: Membio.SecureContext, session?: Uint8Array): { a: Membio.TlsEngine; b: Membio.TlsEngine } {
  const a = client.createEngine({ role: 'client', servername: HOST, session })
  const b = server.createEngine({ role: 'server' })
  while (!a.agreed || !b.agreed) {
    a.handshake()
    b.receiveCiphertext(a.takeCiphertext())
    b.handshake()
    a.receiveCiphertext(b.takeCiphertext())
  }
  return { a, b }
}

const handshakes =
  (key: 'P-256' | 'RSA-2048', group: string, how: 'full' | 'resumed' = 'full'): Case =>
  ({ membio }, certificates) => {
    const client = membio.createContext({ ca: certificates.ca, groups: [group] })
    const server = membio.createContext({ ...certificates[key], groups: [group] })
    const first = shake(client, server)
    let session: Uint8Array | undefined
    first.a.readPlaintext()
    for (let event = first.a.nextEvent(); event; event = first.a.nextEvent()) if (event.type === 'session') session = event.session
    return (times) => {
      for (let i = 0; i < times; i++) {
        const { a, b } = shake(client, server, how === 'resumed' ? session : undefined)
        a.free()
        b.free()
      }
    }
  }

/** One chunk a time, from one engine into the other. */
const bulk =
  (size: number, suite = CHACHA): Case =>
  ({ membio }, { ca, 'P-256': identity }) => {
    const { a, b } = shake(membio.createContext({ ca, cipherSuites: [suite] }), membio.createContext({ ...identity, cipherSuites: [suite] }))
    const chunk = new Uint8Array(size).fill(7)
    return (times) => {
      for (let i = 0; i < times; i++) {
        b.writePlaintext(chunk)
        a.receiveCiphertext(b.takeCiphertext())
        while (a.readPlaintext().plaintext.length);
      }
    }
  }

const contexts: Case = ({ membio }, { 'P-256': identity }) => (times) => {
  for (let i = 0; i < times; i++) membio.createContext(identity).free()
}

const secureContexts: Case = ({ tls }, { ca }) => (times) => {
  for (let i = 0; i < times; i++) (tls.createSecureContext({ ca }).context as unknown as { close(): void }).close()
}

// ---- Over loopback sockets. ----

const bulkPoller =
  (size: number): Case =>
  async ({ membio, transport: { Poller, nodeSocket } }, { ca, 'P-256': identity }) => {
    const listener = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const dialled = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1')
    const [accepted] = (await once(listener, 'connection')) as [net.Socket]
    let drained = () => {}
    let received = (_: number) => {}
    const b = new Poller(membio.createContext({ ...identity, cipherSuites: [CHACHA] }).createEngine({ role: 'server' }), nodeSocket(accepted), {
      onDrain: () => drained(),
    })
    new Poller(membio.createContext({ ca }).createEngine({ role: 'client', servername: HOST }), nodeSocket(dialled), {
      onPlaintext: (chunk) => received(chunk.length),
    })
    const chunk = new Uint8Array(size).fill(7)
    return (times) => flow(times, size, (more) => (drained = more), (count) => (received = count), () => b.write(chunk))
  }

const bulkTls =
  (size: number): Case =>
  async ({ tls }, { ca, 'P-256': identity }) => {
    const listener = tls.createServer({ ...identity, ciphers: CHACHA }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as net.AddressInfo
    const client = tls.connect({ port, host: '127.0.0.1', servername: HOST, ca })
    const [socket] = (await once(listener, 'secureConnection')) as [net.Socket]
    let drained = () => {}
    let received = (_: number) => {}
    client.on('data', (chunk: Buffer) => received(chunk.length))
    socket.on('drain', () => drained())
    const chunk = Buffer.alloc(size, 7)
    return (times) => flow(times, size, (more) => (drained = more), (count) => (received = count), () => socket.write(chunk))
  }

/** Writes as often as asked, as fast as it is taken, and waits for the last byte. */
function flow(times: number, size: number, onDrain: (more: () => void) => void, onReceived: (count: (bytes: number) => void) => void, write: () => boolean): Promise<void> {
  return new Promise((done) => {
    let [written, missing] = [0, times * size]
    const more = () => {
      while (written++ < times) if (!write()) return
    }
    onDrain(more)
    onReceived((bytes) => (missing -= bytes) <= 0 && done())
    more()
  })
}

const connections: Case = async ({ tls }, { ca, 'P-256': identity }) => {
  const listener = tls.createServer(identity, (socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as net.AddressInfo
  const secureContext = tls.createSecureContext({ ca })
  return async (times) => {
    for (let i = 0; i < times; i++) {
      const client = tls.connect({ port, host: '127.0.0.1', servername: HOST, secureContext } as unknown as net.TcpNetConnectOpts)
      await once(client, 'secureConnect')
      client.destroy()
    }
  }
}

const CASES: Record<string, Case> = {
  'handshake ECDSA, X25519': handshakes('P-256', 'X25519'),
  'handshake ECDSA, X25519MLKEM768': handshakes('P-256', 'X25519MLKEM768'),
  'handshake RSA-2048, X25519': handshakes('RSA-2048', 'X25519'),
  'handshake resumed, X25519': handshakes('P-256', 'X25519', 'resumed'),
  'connect, membio/tls on sockets': connections,
  'bulk ChaCha20, 16 KiB': bulk(16384),
  'bulk ChaCha20, 1 KiB': bulk(1024),
  'bulk ChaCha20, 100 B': bulk(100),
  'bulk AES-128-GCM, 16 KiB': bulk(16384, 'TLS_AES_128_GCM_SHA256'),
  'bulk Poller on sockets, 64 KiB': bulkPoller(65536),
  'bulk membio/tls on sockets, 64 KiB': bulkTls(65536),
  'bulk membio/tls on sockets, 1 KiB': bulkTls(1024),
  'createContext, certificate and key': contexts,
  'createSecureContext, ca': secureContexts,
}

// ---- The processes. ----

async function serve(dist: string): Promise<void> {
  const from = async <T>(name: string): Promise<T> => (await import(pathToFileURL(`${dist}/${name}.js`).href)) as T
  const packages = { membio: await from<typeof Membio>('index'), tls: await from<typeof MembioTls>('tls'), transport: await from<typeof Transport>('transport') }
  const certificates = { ca: root().cert, 'P-256': server('P-256'), 'RSA-2048': server('RSA-2048') }
  const runs = new Map<string, Run>()
  process.on('message', ({ name, times }: { name: string; times: number }) => {
    void (async () => {
      if (!runs.has(name)) runs.set(name, await CASES[name]!(packages, certificates))
      const before = process.cpuUsage()
      await runs.get(name)!(times)
      const { user, system } = process.cpuUsage(before)
      process.send!((user + system) / 1e6)
    })()
  })
}

async function ask(child: ChildProcess, name: string, times: number): Promise<number> {
  child.send({ name, times })
  const [seconds] = (await once(child, 'message')) as [number]
  return seconds
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

async function main(other: string | undefined, pattern = '', rounds = '15'): Promise<void> {
  if (!other) throw new Error('usage: node build/bench/path.js OTHER [part of a name] [rounds]')
  const children = [repository, other].map((checkout) => fork(fileURLToPath(import.meta.url), ['--serve', resolve(checkout, 'dist')]))
  const [ours, theirs] = children as [ChildProcess, ChildProcess]
  console.log(`Node ${process.versions.node}\n${''.padEnd(38)}${'other'.padStart(12)}${'this'.padStart(12)}${'ratio'.padStart(8)}`)
  for (const name of Object.keys(CASES).filter((name) => name.includes(pattern))) {
    let times = 1
    while ((await ask(ours, name, times)) < RUN) times *= 2
    await ask(theirs, name, times)
    const pairs: [number, number][] = []
    for (let i = 0; i < Number(rounds); i++) pairs.push([await ask(ours, name, times), await ask(theirs, name, times)])
    const cell = (which: 0 | 1) => `${Math.round((1e6 * median(pairs.map((pair) => pair[which]))) / times)} us`.padStart(12)
    console.log(name.padEnd(38) + cell(1) + cell(0) + median(pairs.map(([mine, his]) => his / mine)).toFixed(2).padStart(8))
  }
  for (const child of children) child.kill()
}

if (process.argv[2] === '--serve') await serve(process.argv[3]!)
else await main(...(process.argv.slice(2) as [string?, string?, string?]))
