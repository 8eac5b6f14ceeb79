// dgram.Socket as what moves datagrams: for a client with one peer, for a server with many. Names no Node module: the shape is enough.
import { usageError } from '../errors.ts'
import type { DatagramReceiver, DatagramTransport } from './datagram.ts'
import type { DatagramSocket, PeerAddress } from './datagram-server.ts'

type Sent = (error: Error | null) => void

/** The part of dgram.Socket used here. */
export interface DgramLike {
  /** 'message', 'error' and 'close'. */
  on(event: string, listener: (...args: any[]) => void): unknown
  /** On a socket that is not connected. */
  send(datagram: Uint8Array, port: number, address: string, sent: Sent): void
  /** On a connected socket. */
  send(datagram: Uint8Array, sent: Sent): void
  /** Called once, when all was sent. */
  close(): unknown
}

/**
 * For a server: takes over a bound socket. What cannot be sent is lost, because one unreachable peer must not end the others.
 */
export function dgramSocket(socket: DgramLike): DatagramSocket {
  const dgram = new Dgram(socket)
  return {
    attach: (receiver) => dgram.attach(receiver),
    send: (datagram, to) => dgram.send((sent) => socket.send(datagram, to.port, to.address, sent)),
    close: () => dgram.close(),
  }
}

/**
 * For a client: takes over the socket, bound or not.
 * @param peer where to send to, by IP address; what comes from elsewhere is dropped. Left out, the socket is connected, and the kernel
 *   does that; then it reports an unreachable peer, too.
 */
export function dgramPeer(socket: DgramLike, peer?: PeerAddress): DatagramTransport {
  if (peer && !/^[\d.]+$|:/.test(peer.address)) {
    throw usageError(`dgramPeer: ${JSON.stringify(peer.address)} is no IP address: look the name up first`)
  }
  const dgram = new Dgram(socket)
  const isPeer = (from: PeerAddress) => !peer || (from.port === peer.port && from.address === peer.address)
  return {
    attach({ onDatagram, onError }: DatagramReceiver) {
      dgram.attach({ onDatagram: (datagram, from) => isPeer(from) && onDatagram(datagram), onError })
    },
    send(datagram) {
      const failed = (error: Error) => dgram.fail(error)
      dgram.send((sent) => (peer ? socket.send(datagram, peer.port, peer.address, sent) : socket.send(datagram, sent)), failed)
    },
    close: () => dgram.close(),
  }
}

type Receiver = Parameters<DatagramSocket['attach']>[0]

/** The socket with its end: dgram forgets what it has not sent when it is closed, so closing waits for that. */
class Dgram {
  readonly #socket: DgramLike
  #receiver: Receiver | undefined
  #pending = 0
  #state: 'open' | 'closing' | 'closed' = 'open'

  /** The listeners stay on the socket: an unheard 'error' would end the process. */
  constructor(socket: DgramLike) {
    this.#socket = socket
    socket.on('message', (datagram: Uint8Array, from: PeerAddress) => void this.#receiver?.onDatagram(datagram, from))
    socket.on('error', (error: Error) => this.fail(error))
    socket.on('close', () => {
      this.#state = 'closed'
      this.fail(Object.assign(new Error('the socket was closed by somebody else'), { code: 'ERR_SOCKET_CLOSED' }))
    })
  }

  attach(receiver: Receiver): void {
    this.#receiver = receiver
  }

  send(send: (sent: Sent) => void, failed?: (error: Error) => void): void {
    if (this.#state !== 'open') return
    this.#pending++
    send((error) => {
      this.#pending--
      if (error) failed?.(error)
      this.#closeIfDone()
    })
  }

  fail(error: Error): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.onError(error)
  }

  close(): void {
    this.#receiver = undefined
    if (this.#state === 'open') this.#state = 'closing'
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (this.#state !== 'closing' || this.#pending > 0) return
    this.#state = 'closed'
    this.#socket.close()
  }
}
