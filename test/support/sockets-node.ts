// Node's own tls as a peer: OpenSSL again, but another version, compiled by others, and driven by other code. In this process, which
// makes it the quickest of the peers and the one that tells most.
import { createHash } from 'node:crypto'
import { connect, createServer, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import type { AddressInfo, Socket } from 'node:net'
import { HOST, root, server as goodServer } from './certs.ts'
import { concat } from './chunk.ts'
import type { Case } from './suite.ts'

/** A TLSSocket with everything it reports written down. */
export class NodePeer {
  readonly socket: TLSSocket
  readonly received: Uint8Array[] = []
  bytesReceived = 0
  ended = false
  closed = false
  error: (Error & { code?: string }) | undefined
  readonly keylog: string[] = []
  readonly sessions: Buffer[] = []
  #wake: (() => void)[] = []

  constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.received.push(chunk)
      this.bytesReceived += chunk.length
    })
    socket.on('end', () => (this.ended = true))
    socket.on('error', (error: Error) => (this.error ??= error))
    socket.on('close', () => (this.closed = true))
    socket.on('keylog', (line: Buffer) => this.keylog.push(line.toString().trim()))
    socket.on('session', (session: Buffer) => this.sessions.push(session))
    for (const event of ['data', 'end', 'error', 'close', 'session', 'secureConnect', 'secure']) socket.on(event, () => this.#happened())
  }

  get plaintext(): Uint8Array {
    return concat(this.received)
  }

  get text(): string {
    return new TextDecoder().decode(this.plaintext)
  }

  /** Waits until the condition holds; rejects when the socket closes before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed) throw new Error(`node:tls closed first: ${this.error?.message ?? 'in good order'}`, { cause: this.error })
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** Waits for an error: with allowHalfOpen the socket stays open after some. */
  async failure(): Promise<Error & { code?: string }> {
    while (!this.error) await new Promise<void>((resolve) => this.#wake.push(resolve))
    return this.error
  }

  /** Waits for the end of the socket, good or bad. */
  async close(): Promise<(Error & { code?: string }) | undefined> {
    while (!this.closed) await new Promise<void>((resolve) => this.#wake.push(resolve))
    return this.error
  }

  /** Writes all of it, waiting for drains. */
  async send(bytes: Uint8Array, pieceSize = 50_000): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceSize) {
      if (!this.socket.write(bytes.subarray(at, at + pieceSize))) await new Promise((resolve) => this.socket.once('drain', resolve))
    }
  }

  #happened(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

export interface NodeServer {
  port: number
  peers: NodePeer[]
  /** Errors of handshakes that did not come to a socket. */
  errors: (Error & { code?: string })[]
  /** The next peer that nobody has asked for yet. */
  accept(): Promise<NodePeer>
  /** Waits for a failed handshake. */
  failure(): Promise<Error & { code?: string }>
}

/** A tls.Server; half-open sockets are allowed, a certificate for the test host is the default. */
export async function serveNode(t: Case, options: TlsOptions = {}, onPeer?: (peer: NodePeer) => void): Promise<NodeServer> {
  const peers: NodePeer[] = []
  const errors: Error[] = []
  const wake: (() => void)[] = []
  const happened = () => wake.splice(0).forEach((each) => each())
  let handedOut = 0
  const server = createServer({ ...goodServer(), allowHalfOpen: true, ...options }, (socket) => {
    const peer = new NodePeer(socket)
    peers.push(peer)
    onPeer?.(peer)
    happened()
  })
  server.on('tlsClientError', (error) => {
    errors.push(error)
    happened()
  })
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  t.defer(() => {
    for (const socket of open) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const next = () => new Promise<void>((resolve) => wake.push(resolve))
  return {
    port: (server.address() as AddressInfo).port,
    peers,
    errors,
    accept: async () => {
      while (handedOut >= peers.length) await next()
      return peers[handedOut++]!
    },
    failure: async () => {
      while (!errors.length) await next()
      return errors[0]!
    },
  }
}

/** A tls.connect that trusts the test root. */
export function dialNode(t: Case, port: number, options: ConnectionOptions = {}): NodePeer {
  const halfOpen = { allowHalfOpen: true } // tls.connect takes it; its types do not tell
  const socket = connect({ port, host: '127.0.0.1', servername: HOST, ca: root().cert, ...halfOpen, ...options })
  t.defer(() => socket.destroy())
  return new NodePeer(socket)
}

/** Over one chunk, or over many as if they were one. */
export const sha256 = (bytes: Uint8Array | readonly Uint8Array[]): string =>
  [bytes]
    .flat()
    .reduce((hash, part) => hash.update(part), createHash('sha256'))
    .digest('hex')
