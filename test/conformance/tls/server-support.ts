// Servers and clients of a subject for the suites of this folder, with everything that happens to them written down. Both ends of a
// connection belong to the subject: that it understands others is what test/interop is about.
import { once } from 'node:events'
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import type { ConnectionOptions, SecureContext, SecureContextOptions, Server, TLSSocket, TlsOptions } from 'node:tls'
import { HOST, root, server as goodServer } from '../../support/certs.ts'
import { NodePeer } from '../../support/sockets-node.ts'
import { suite, type Body, type Case } from '../../support/suite.ts'
import type { Subject } from './subject.ts'

/** Cases about a subject. Node has no way to free a context: the garbage collector does it. */
export function suiteOf(subject: Subject, title: string): (name: string, body: Body) => void {
  const test = suite(`${subject.name}: ${title}`)
  return (name, body) => test(name, body, { collected: true })
}

/** What errors of TLS have beside a message. */
export interface ErrorFields {
  code?: string
  library?: string
  reason?: string
  host?: string
  port?: number
  cert?: unknown
  opensslErrorStack?: string[]
}
export type AnyError = Error & ErrorFields

/** A promise, and what fulfils it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((fulfil) => (resolve = fulfil))
  return { promise, resolve }
}

/** A client's socket, or a server's. */
export class Peer extends NodePeer {
  /** What was emitted, each name once for the events that repeat. */
  readonly order: string[] = []
  secure = false

  constructor(socket: TLSSocket) {
    super(socket)
    socket.on('secureConnect', () => (this.secure = true))
    for (const event of ['connect', 'secure', 'secureConnect', 'session', 'data', 'end', 'error', 'close'])
      socket.on(event, () => this.order.includes(event) || this.order.push(event))
  }

  /** Until the handshake is over, for a client. */
  async handshake(): Promise<this> {
    await this.until(() => this.secure)
    return this
  }
}

/** A server of the subject that listens on the loopback. */
export class Listening {
  readonly server: Server
  /** Of every handshake that succeeded. */
  readonly peers: Peer[] = []
  /** Of every handshake that did not. */
  readonly errors: AnyError[] = []
  readonly #wake: (() => void)[] = []
  #accepted = 0
  #refused = 0

  constructor(server: Server) {
    this.server = server
    server.on('secureConnection', (socket) => this.#happened(this.peers.push(new Peer(socket))))
    server.on('tlsClientError', (error) => this.#happened(this.errors.push(error)))
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** The next socket that nobody has asked for yet. */
  async accept(): Promise<Peer> {
    await this.until(() => this.peers.length > this.#accepted)
    return this.peers[this.#accepted++]!
  }

  /** The next failed handshake that nobody has asked for yet. */
  async failure(): Promise<AnyError> {
    await this.until(() => this.errors.length > this.#refused)
    return this.errors[this.#refused++]!
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #happened(_count: number): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A server with a good certificate, unless the options have another one; it closes with the case. */
export async function listen(t: Case, subject: Subject, options: TlsOptions = {}): Promise<Listening> {
  return started(t, subject.tls.createServer(withIdentity(options)))
}

/** Without one only where the options have a say about it: `cert: undefined`. */
const withIdentity = (options: TlsOptions): TlsOptions =>
  'cert' in options || 'pfx' in options || 'secureContext' in options ? options : { ...goodServer(), ...options }

/** The same for a server that was made otherwise. */
export async function started(t: Case, server: Server): Promise<Listening> {
  const listening = new Listening(server)
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  t.defer(async () => {
    for (const socket of open) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
    closeContexts(server)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return listening
}

/** So that the garbage collector has less to do; what these are called is no interface of anybody's. */
export function closeContexts(server: Server): void {
  type Closable = { close?(): void } | undefined
  const { _sharedCreds, _contexts = [] } = server as { _sharedCreds?: { context: Closable }; _contexts?: [RegExp, Closable][] }
  for (const context of [_sharedCreds?.context, ..._contexts.map(([, one]) => one)]) context?.close?.()
}

/** A client that trusts the test root; its socket is destroyed with the case. */
export function dial(t: Case, subject: Subject, port: number, options: ConnectionOptions = {}): Peer {
  const socket = subject.tls.connect({ port, host: '127.0.0.1', servername: HOST, ca: root().cert, ...options })
  t.defer(() => socket.destroy())
  return new Peer(socket)
}

/** A plain TCP connection to a server of TLS. */
export function dialPlain(t: Case, port: number): Socket {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  t.defer(() => socket.destroy())
  return socket
}

/** A port in front of another one, whose connection to it can be broken. */
export async function cuttable(t: Case, port: number): Promise<{ port: number; upstream(): Socket }> {
  let upstream: Socket | undefined
  const front = createTcpServer((socket) => {
    upstream = dialPlain(t, port)
    t.defer(() => socket.destroy())
    socket.on('error', () => {})
    socket.pipe(upstream).pipe(socket)
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  t.defer(() => new Promise((resolve) => front.close(resolve)))
  return { port: (front.address() as AddressInfo).port, upstream: () => upstream! }
}

/** A secure context that is closed with the case. */
export function contextFor(t: Case, subject: Subject, options?: SecureContextOptions): SecureContext {
  const context = subject.tls.createSecureContext(options)
  t.defer(() => (context.context as { close?(): void }).close?.())
  return context
}

/** Both ends of a connection whose handshakes have succeeded. */
export async function connected(t: Case, subject: Subject, server: TlsOptions = {}, client: ConnectionOptions = {}) {
  const listening = await listen(t, subject, server)
  const dialled = dial(t, subject, listening.port, client)
  const [accepted] = await Promise.all([listening.accept(), dialled.handshake()])
  return { listening, client: dialled, server: accepted }
}

/** What a handshake and a greeting from the server came to, at one end. */
export interface Side {
  /** The handshake succeeded, as far as this end could tell. */
  secure: boolean
  error: AnyError | undefined
  authorized: boolean
  authorizationError: unknown
}

export interface Outcome {
  client: Side & { text: string; protocol: string | null; cipher: string | undefined }
  server: Side
}

/** A client dials, the server greets and hangs up; waits until both know how it went. */
export async function attempt(t: Case, subject: Subject, listening: Listening, options: ConnectionOptions = {}): Promise<Outcome> {
  const { peers, errors } = listening
  const [peersBefore, errorsBefore] = [peers.length, errors.length]
  const greet = (socket: TLSSocket) => void socket.end('hello')
  listening.server.once('secureConnection', greet)
  const client = dial(t, subject, listening.port, options)
  let [protocol, cipher]: [string | null, string | undefined] = [null, undefined]
  client.socket.on('secureConnect', () => ([protocol, cipher] = [client.socket.getProtocol(), client.socket.getCipher()?.name]))
  await client.close()
  await listening.until(() => peers.length > peersBefore || errors.length > errorsBefore)
  listening.server.off('secureConnection', greet)
  const accepted = peers[peersBefore]
  await accepted?.close()
  return {
    client: { ...sideOf(client), secure: client.secure, text: client.text, protocol, cipher },
    server: accepted ? sideOf(accepted) : { secure: false, error: errors[errorsBefore], authorized: false, authorizationError: undefined },
  }
}

const sideOf = ({ socket, error }: Peer): Side => ({
  secure: true,
  error,
  authorized: socket.authorized,
  authorizationError: socket.authorizationError,
})
