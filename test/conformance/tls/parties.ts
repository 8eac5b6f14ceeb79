// The two ends of the connections that the client and stream suites look at. One end is the subject's, the other always the runtime's own
// node:tls, so that a failure tells whose it is. Whatever is opened here is closed with the case.
import { once } from 'node:events'
import { connect as connectNet, createServer as createNetServer } from 'node:net'
import type { AddressInfo, OnReadOpts, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import * as native from 'node:tls'
import type { ConnectionOptions, SecureVersion, TLSSocket, TlsOptions } from 'node:tls'
import { HOST, root, server as goodServer } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import type { Subject } from './subject.ts'
import { take } from './watch.ts'

export type Tls = Subject['tls']

/** What tls.connect takes beyond what its types tell: it hands all of it to net. */
export interface ClientOptions extends ConnectionOptions {
  allowHalfOpen?: boolean
  autoSelectFamily?: boolean
  family?: number
  highWaterMark?: number
  hints?: number
  keepAlive?: boolean
  localAddress?: string
  localPort?: number
  noDelay?: boolean
  onread?: OnReadOpts
  signal?: AbortSignal
}

/** What sockets have that no documentation tells, and others use all the same. */
export interface Undocumented {
  setServername(servername: string): void
  setSession(session: Buffer | string): void
  _start(): void
  _releaseControl(): boolean
  _handle: { verifyError(): Error | null; _parentWrap?: Duplex } | null
  ssl: { verifyError(): Error | null } | null
  secureConnecting: boolean
}

export const undocumented = (socket: TLSSocket): TLSSocket & Undocumented => socket as TLSSocket & Undocumented

/** Calls tls.connect with any of these options. */
export const connectTo = (tls: Tls, options: ClientOptions, listener?: () => void): TLSSocket => tls.connect(options, listener)

/** What makes a client accept the peers' certificate. */
export const trusting = (): ClientOptions => ({ ca: root().cert, servername: HOST })

/** Destroys the socket with the case, and waits until it has closed. */
export function owned<T extends Duplex>(t: Case, socket: T): T {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  t.defer(() => (socket.destroy(), closed))
  return socket
}

/** A context of `tls`, closed with the case. */
export function ownedContext(t: Case, tls: Tls, options: native.SecureContextOptions): native.SecureContext {
  const secureContext = tls.createSecureContext(options)
  t.defer(() => (secureContext.context as { close(): void }).close())
  return secureContext
}

/** A server's context is left to the garbage collector, which is too late for the end of a case: closes it. */
export function ownedServer(t: Case, server: native.Server): native.Server {
  const { _sharedCreds: shared } = server as unknown as { _sharedCreds: { context: { close(): void } } }
  t.defer(() => shared.context.close())
  return server
}

export type Failure = Error & { code?: string; reason?: string; library?: string; host?: string; syscall?: string; port?: number }

export interface Listening {
  readonly port: number
  readonly server: native.Server
  /** The next connection that nobody has asked for yet, after its handshake. */
  accept(): Promise<TLSSocket>
  /** Of the next handshake that fails. */
  failure(): Promise<Failure>
}

/** A server of the runtime's node:tls, unless `tls` is another, with a certificate that `trusting` clients accept. */
export async function listen(t: Case, options: TlsOptions = {}, tls: Tls = native): Promise<Listening> {
  const server = ownedServer(t, tls.createServer({ ...goodServer(), ...options }))
  const sockets = new Queue<TLSSocket>()
  const failures = new Queue<Failure>()
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {}) // a reset by the other end is no affair of this one
    sockets.push(owned(t, socket))
  })
  server.on('tlsClientError', (error) => failures.push(error))
  await listening(t, server)
  return { port: portOf(server), server, accept: () => sockets.next(), failure: () => failures.next() }
}

/** Makes `server` listen on the loopback; with the case, it is closed, and so is every connection it has. */
export async function listening(t: Case, server: Server): Promise<void> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  })
  t.defer(() => {
    for (const socket of open) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

export const portOf = (server: { address(): AddressInfo | string | null }): number => (server.address() as AddressInfo).port

/** A connection by `tls` that trusts the peers; an error that the case does not listen to fails it. */
export function dial(t: Case, tls: Tls, port: number, options: ClientOptions = {}, listener?: () => void): TLSSocket {
  return owned(t, connectTo(tls, { port, host: '127.0.0.1', ...trusting(), ...options }, listener))
}

export interface PairOptions {
  /** The subject's role. Default: client. */
  role?: 'client' | 'server'
  /** Of both ends. Default: what they agree upon, TLS 1.3. */
  version?: SecureVersion
  client?: ClientOptions
  server?: TlsOptions
}

export interface Pair {
  /** The subject's end. */
  own: TLSSocket
  /** The other end, of the runtime. */
  peer: TLSSocket
}

/** A connection after its handshake; both ends may be half-open unless said otherwise. */
export async function connectedPair(t: Case, { tls }: Subject, options: PairOptions = {}): Promise<Pair> {
  const { role = 'client', version, client, server } = options
  const { port, accept } = await listen(t, { maxVersion: version, allowHalfOpen: true, ...server }, role === 'server' ? tls : native)
  const dialled = dial(t, role === 'client' ? tls : native, port, { allowHalfOpen: true, ...client })
  const [accepted] = await Promise.all([accept(), once(dialled, 'secureConnect')])
  return asPair(t, role, dialled, accepted)
}

/** The subject's errors are the case's affair, those of the other end are not. In the end the subject's end goes first. */
export function asPair(t: Case, role: 'client' | 'server', dialled: TLSSocket, accepted: TLSSocket): Pair {
  const [own, peer] = role === 'client' ? [dialled, accepted] : [accepted, dialled]
  own.removeAllListeners('error')
  peer.on('error', () => {})
  t.defer(() => void own.destroy())
  return { own, peer }
}

/** A byte there and one back: then nothing of the handshake is under way any more. Leaves the subject's end flowing. */
export async function settle({ own, peer }: Pair): Promise<void> {
  own.write('.')
  await take(peer, 1)
  peer.write('.')
  await take(own, 1)
  own.resume()
}

/** Two plain sockets that are connected with each other. Both may be half-open, and so may TLS over them. */
export async function netPair(t: Case): Promise<[dialled: Socket, accepted: Socket]> {
  const server = createNetServer({ allowHalfOpen: true })
  await listening(t, server)
  const dialled = owned(t, connectNet({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true }))
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(dialled, 'connect')])) as [[Socket], unknown]
  return [dialled, accepted]
}

/** What comes is kept until somebody asks for it. */
class Queue<T> {
  readonly #items: T[] = []
  readonly #waiting: ((item: T) => void)[] = []

  push(item: T): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting(item)
    else this.#items.push(item)
  }

  next(): Promise<T> {
    const item = this.#items.shift()
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item)
  }
}
