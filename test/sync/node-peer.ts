// A peer of Node's own tls and net, with nothing of ours in its TLS. A program of its own, because the test's thread sleeps while it works:
//
//   node node-peer.js serve|connect SCENARIO OPTIONS
//
// A server prints its port. A client prints what came of it as JSON, and leaves.
import { createHash } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { pattern } from '../support/random.ts'

export interface PeerOptions {
  /** Where a client connects to. */
  port?: number
  host?: string
  cert?: string
  key?: string
  ca?: string
  minVersion?: tls.SecureVersion
  maxVersion?: tls.SecureVersion
  /** Server: who shows no certificate of `ca` is turned away. */
  requestCert?: boolean
}

/** What both sides of an exchange send: the connecting side its part first. */
export const EXCHANGED = 10 * 1024 * 1024
export const PARTS = { connecting: 1, accepting: 2 }

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

let counted = 0
let resets = 0

type Peer = (socket: tls.TLSSocket, raw: Socket) => void

const SERVERS: Record<string, Peer> = {
  echo: (socket) => void socket.pipe(socket),
  /** Once the client has ended its direction: the hash of what came, and our own part. */
  exchange(socket) {
    collect(socket, (received) => {
      socket.write(sha256(received))
      socket.end(pattern(EXCHANGED, PARTS.accepting))
    })
  },
  /** A good end. Not at once: Node 20 forgets its close_notify when it ends a connection within 'secureConnection'. */
  goodbye: (socket) => void setTimeout(() => socket.end('goodbye'), 20),
  /** TCP ends in good order, TLS does not. */
  truncate: (socket) => void socket.write('partial', () => socket.destroy()),
  /** Says something first, so that there is something to lose. */
  reset: (socket, raw) => void socket.write('partial', () => setTimeout(() => raw.resetAndDestroy(), 200)),
  /** Sends for ever. */
  flood(socket) {
    const chunk = Buffer.alloc(65536)
    const go = () => {
      while (socket.write(chunk));
    }
    socket.on('drain', go)
    go()
  },
  /** Does not read. */
  deaf: (socket) => void socket.pause(),
  /** Tells the next client how many bytes the one before has sent. */
  count(socket) {
    socket.write(String(counted))
    counted = 0
    socket.on('data', (chunk: Buffer) => (counted += chunk.length))
  },
  /** Tells how many clients have reset their connection. */
  resets(socket) {
    socket.on('error', () => resets++)
    socket.write(String(resets))
  },
  /** Says `late` after half a second. */
  late: (socket) => void setTimeout(() => socket.end('late'), 500),
}

const CLIENTS: Record<string, Peer> = {
  /** Says `ping`, ends its direction and waits for the end. */
  ping(socket) {
    socket.end('ping')
    collect(socket, (received) => tell(socket, { text: String(received) }))
  },
  exchange(socket) {
    socket.end(pattern(EXCHANGED, PARTS.connecting))
    collect(socket, (received) => {
      const part = received.subarray(64)
      tell(socket, { hash: String(received.subarray(0, 64)), part: sha256(part), length: part.length })
    })
  },
  /** Gone without a word; but not before the session tickets were read, or the kernel would make a reset of it. */
  abort: (socket) => void socket.resume().write('partial', () => setTimeout(() => socket.destroy(), 100)),
}

function collect(socket: Socket, then: (received: Buffer) => void): void {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('end', () => then(Buffer.concat(chunks)))
}

function tell(socket: tls.TLSSocket, result: object): void {
  print({ ...result, version: socket.getProtocol(), authorized: socket.authorized })
}

const print = (result: object): void => console.log(JSON.stringify(result))

function listen(server: Server): void {
  server.listen(0, '::', () => console.log((server.address() as AddressInfo).port)).on('error', () => server.listen(0, '127.0.0.1'))
}

function serve(scenario: string, options: PeerOptions): void {
  if (scenario === 'silent') return listen(createServer(() => {})) // accepts, and never says a word
  if (scenario === 'bytewise') return serveBytewise(options)
  listen(secureServer(SERVERS[scenario]!, options))
}

function secureServer(peer: Peer, options: PeerOptions): Server {
  const raws = new Map<number, Socket>()
  const server = tls.createServer({ ...options, rejectUnauthorized: options.requestCert, allowHalfOpen: true })
  server.on('connection', (raw: Socket) => raws.set(raw.remotePort!, raw))
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    peer(socket, raws.get(socket.remotePort!)!)
  })
  return server
}

/** An echo server behind a relay that passes on one byte at a time, in both directions. */
function serveBytewise(options: PeerOptions): void {
  const inner = secureServer(SERVERS.echo!, options).listen(0, '127.0.0.1', () => {
    const { port } = inner.address() as AddressInfo
    listen(
      createServer({ allowHalfOpen: true, noDelay: true }, (outside) => {
        const inside = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
        void relay(outside, inside)
        void relay(inside, outside)
      }),
    )
  })
}

async function relay(from: Socket, to: Socket): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      to.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  to.end()
}

function dial(scenario: string, options: PeerOptions): void {
  const { port = 0, host = '127.0.0.1' } = options
  if (scenario === 'plain') return void connect(port, host).end('GET / HTTP/1.0\r\n\r\n').resume()
  if (scenario === 'silent') return void connect(port, host).resume()
  if (scenario === 'rude') return dialAndReset(port, host)
  const socket = tls.connect({ servername: 'localhost', ...options, port, host, allowHalfOpen: true } as tls.ConnectionOptions)
  socket.on('error', (error: Error & { code?: string }) => print({ error: error.code }))
  socket.on('secureConnect', () => CLIENTS[scenario]!(socket, socket))
}

function dialAndReset(port: number, host: string): void {
  const socket = connect(port, host, () => {
    socket.resetAndDestroy()
    print({ gone: true })
  })
}

if (process.argv[1]?.endsWith('node-peer.js')) {
  const [what, scenario = '', options = '{}'] = process.argv.slice(2)
  if (what === 'serve') serve(scenario, JSON.parse(options))
  else dial(scenario, JSON.parse(options))
}
