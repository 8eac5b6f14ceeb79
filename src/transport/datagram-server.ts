// Many DTLS peers on one socket: tells them apart by address, asks strangers for a cookie, and gives each that shows one a poller.
import type { DtlsContext, DtlsListener } from '../engine/dtls-context.ts'
import type { DtlsEngine } from '../engine/dtls.ts'
import type { DtlsListenerOptions } from '../engine/dtls-options.ts'
import { ioError, TlsError } from '../errors.ts'
import { DatagramPoller, type DatagramHandlers, type DatagramPollerOptions, type DatagramReceiver } from './datagram.ts'

/** Where a peer is, as dgram's `rinfo` has it. */
export interface PeerAddress {
  /** As the socket writes it. */
  address: string
  /** UDP port. */
  port: number
}

/** A socket with many peers. Its verbs and callbacks are those of DatagramTransport, with an address. */
export interface DatagramSocket {
  /** Names the receiver of everything that arrives, once. */
  attach(receiver: { onDatagram(datagram: Uint8Array, from: PeerAddress): void; onError(error: Error): void }): void
  /** Never fails: what cannot be sent is lost. */
  send(datagram: Uint8Array, to: PeerAddress): void
  /** No callback comes afterwards. What was sent still goes out. */
  close(): void
}

/** Who runs the server. Called as DatagramHandlers are. */
export interface DatagramServerHandlers {
  /**
   * A peer has shown its cookie, and its handshake begins.
   * @returns who uses the connection
   */
  onPeer(poller: DatagramPoller, address: PeerAddress): DatagramHandlers
  /** The last call, made once: after `close`, or because the socket failed. */
  onClose?(error?: TlsError): void
}

/** Its peers' patience, and its limits. */
export interface DatagramServerOptions extends DatagramPollerOptions {
  /** For the engine of each peer. */
  engine?: DtlsListenerOptions
  /** Peers at a time; strangers beyond it are not heard. Default 10,000: some 75 KB each. */
  maxPeers?: number
  /**
   * Peers in the middle of their handshake; strangers beyond it are not heard. Default 1,000: each has shown that its address is its own,
   * but a handshake is what costs a server most.
   */
  maxHalfOpen?: number
}

/** What is behind one address: a connection, and for a while the one that is about to take its place. */
interface Peer {
  current?: Connection
  successor?: Connection
}

interface Connection {
  poller: DatagramPoller
  receiver: DatagramReceiver
}

/** A DTLS server on one socket. */
export class DatagramServer {
  readonly #socket: DatagramSocket
  readonly #handlers: DatagramServerHandlers
  readonly #options: DatagramServerOptions
  readonly #listener: DtlsListener
  readonly #peers = new Map<string, Peer>()
  readonly #halfOpen = new Set<DatagramPoller>()
  #closing = false
  #closed = false
  #failure: TlsError | undefined

  /** The socket is the server's from now on; the context stays yours, and must live as long as the server. */
  constructor(context: DtlsContext, socket: DatagramSocket, handlers: DatagramServerHandlers, options: DatagramServerOptions = {}) {
    this.#listener = context.createListener(options.engine)
    this.#socket = socket
    this.#handlers = handlers
    this.#options = options
    socket.attach({
      onDatagram: (datagram, from) => this.#onDatagram(datagram, from),
      onError: (error) => this.#fail(ioError(error, 'the transport')),
    })
  }

  /** Peers there are, with those in the middle of their handshake. */
  get peers(): number {
    return this.#peers.size
  }

  /** Hears no strangers any more, closes each connection, then the socket. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    for (const { poller } of this.#connections()) poller.close()
    if (!this.#peers.size) this.#finish()
  }

  #onDatagram(datagram: Uint8Array, from: PeerAddress): void {
    const key = keyOf(from)
    const peer = this.#peers.get(key)
    const settled = peer?.current?.poller.engine.agreed && !peer.successor
    if (!peer || (settled && isClientHello(datagram))) return this.#hear(datagram, from, peer)
    // Each takes what it can decrypt, and drops the rest.
    peer.current?.receiver.onDatagram(datagram)
    peer.successor?.receiver.onDatagram(datagram)
  }

  /**
   * A stranger; or a known peer that begins anew, because it was restarted or has lost its state. The old connection stays until the
   * new one is secure: anybody could have sent this (RFC 6347, 4.2.8).
   */
  #hear(datagram: Uint8Array, from: PeerAddress, known: Peer | undefined): void {
    const { maxPeers = 10_000, maxHalfOpen = 1_000 } = this.#options
    if (this.#closing || (!known && this.#peers.size >= maxPeers) || this.#halfOpen.size >= maxHalfOpen) return
    try {
      const { engine, reply } = this.#listener.receiveDatagram(datagram, keyOf(from))
      if (reply) this.#socket.send(reply, from)
      if (engine) this.#admit(engine, from, known)
    } catch (error) {
      if (!(error instanceof TlsError)) throw error
      this.#fail(error)
    }
  }

  #admit(engine: DtlsEngine, from: PeerAddress, known: Peer | undefined): void {
    const key = keyOf(from)
    const peer = known ?? {}
    const connection = {} as Connection
    const transport = {
      attach: (receiver: DatagramReceiver) => void (connection.receiver = receiver),
      send: (datagram: Uint8Array) => this.#socket.send(datagram, from),
      close: () => this.#forget(key, peer, connection),
    }
    let user: DatagramHandlers = {}
    const handlers: DatagramHandlers = {
      onSecure: () => {
        this.#settle(peer, connection)
        user.onSecure?.()
      },
      onDatagram: (plaintext) => user.onDatagram?.(plaintext),
      onEvent: (event) => user.onEvent?.(event),
      onClose: (error) => user.onClose?.(error),
    }
    connection.poller = new DatagramPoller(engine, transport, handlers, this.#options)
    if (peer.current) peer.successor = connection
    else peer.current = connection
    this.#peers.set(key, peer)
    this.#halfOpen.add(connection.poller)
    user = this.#handlers.onPeer(connection.poller, from)
  }

  #settle(peer: Peer, connection: Connection): void {
    this.#halfOpen.delete(connection.poller)
    if (peer.successor !== connection) return
    const old = peer.current
    peer.current = connection
    peer.successor = undefined
    old?.poller.destroy(new TlsError('io', 'the peer has begun a new connection from the same address', { code: 'ERR_DTLS_REPLACED' }))
  }

  #forget(key: string, peer: Peer, connection: Connection): void {
    this.#halfOpen.delete(connection.poller)
    if (peer.successor === connection) peer.successor = undefined
    if (peer.current === connection) {
      peer.current = peer.successor
      peer.successor = undefined
    }
    if (!peer.current && this.#peers.get(key) === peer) this.#peers.delete(key)
    if (this.#closing && !this.#peers.size) this.#finish()
  }

  #connections(): Connection[] {
    return [...this.#peers.values()].flatMap(({ current, successor }) => [current, successor]).filter((c) => c !== undefined)
  }

  #fail(error: TlsError): void {
    this.#closing = true
    this.#failure ??= error
    for (const { poller } of this.#connections()) poller.destroy(error)
    this.#finish()
  }

  #finish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#listener.free()
    this.#socket.close()
    queueMicrotask(() => this.#handlers.onClose?.(this.#failure))
  }
}

const keyOf = ({ address, port }: PeerAddress): string => `${address} ${port}`

/** A record of epoch 0 that carries a ClientHello's beginning: what every connection begins with (RFC 6347, 4.3.1 and 4.2.2). */
const isClientHello = (datagram: Uint8Array): boolean =>
  datagram.length > 13 && datagram[0] === 22 && datagram[3] === 0 && datagram[4] === 0 && datagram[13] === 1
