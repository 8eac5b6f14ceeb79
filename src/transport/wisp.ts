// Wisp: many TCP connections through one WebSocket, each a ByteTransport. The protocol of Mercury Workshop's proxies, versions 1 and
// 2, without extensions and without UDP. Five kinds of packets, each a message: its kind, the stream's number, and what the kind calls
// for.
import type { ByteTransport, TransportReceiver } from './transport.ts'
import { webSocket, type WebSocketLike, type WebSocketOptions } from './web-socket.ts'

/** A connection to a Wisp server. */
export interface WispClient {
  /**
   * Opens a TCP connection from the server to a host. Use it at once, what is written waits its turn: Wisp does not tell when a connection
   * is there, only why there is none (`onError`).
   *
   * What the server can hold of what we write is counted, and `write` returns false when it is full. The other way the protocol counts
   * nothing: while one stream is paused, its bytes are held here, up to `maxHeld`. Streams have no half-close: `end` sends what is queued
   * and closes both directions. Servers may drop what they have not passed on by then, so let the peer be the first to end; the poller
   * does, for TLS.
   */
  connect(host: string, port: number): ByteTransport
  /** Ends the WebSocket; streams that are still open fail. */
  close(): void
}

/** The protocol's version 2 begins with the subprotocol: a server that does not know it answers with version 1, or not at all. */
export const WISP_PROTOCOLS: readonly string[] = ['wisp-v2']

/**
 * Takes over a WebSocket to a Wisp server; its URL ends with a slash. `new WebSocket(url, WISP_PROTOCOLS)` asks for version 2, without
 * subprotocol it is version 1.
 */
export function wisp(socket: WebSocketLike, options: WebSocketOptions = {}): WispClient {
  return new Connection(socket, options)
}

class Connection implements WispClient, TransportReceiver {
  readonly #pipe: ByteTransport
  readonly #maxHeld: number | undefined
  readonly #streams = new Map<number, Stream>()
  #lastNumber = 0
  /** Packets a new stream may send; unknown until the server has said it. */
  #window: number | undefined
  #full = false
  #over: Error | undefined

  constructor(socket: WebSocketLike, options: WebSocketOptions) {
    this.#pipe = webSocket(socket, options)
    this.#maxHeld = options.maxHeld
    this.#pipe.attach(this)
  }

  connect(host: string, port: number): ByteTransport {
    const number = ++this.#lastNumber
    const stream = new Stream(this, number, this.#maxHeld)
    if (this.#over) {
      stream.fail(this.#over)
      return stream
    }
    this.#streams.set(number, stream)
    stream.opening = connectPacket(number, host, port)
    if (this.#window !== undefined) stream.start(this.#window)
    return stream
  }

  close(): void {
    this.#giveUp(failure('the Wisp connection was closed', 'ECONNABORTED'))
    this.#pipe.end()
  }

  /** A packet is a message, and a message a chunk: for chunks of this size the WebSocket transport promises nothing else. */
  send(packet: Uint8Array): void {
    this.#full = !this.#pipe.write(packet) || this.#full
  }

  get full(): boolean {
    return this.#full
  }

  forget(number: number): void {
    this.#streams.delete(number)
  }

  // ---- What the WebSocket tells. ----

  onChunk(packet: Uint8Array): void {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
    if (packet.length < HEADER + (LEAST[packet[0]!] ?? 0)) return this.#refuse('a packet that is too short')
    const number = view.getUint32(1, true)
    const stream = this.#streams.get(number)
    switch (packet[0]) {
      case DATA:
        return stream?.arrive(packet.subarray(HEADER)) // none: it was on its way when we closed
      case CONTINUE:
        return number === 0 ? this.#start(view.getUint32(HEADER, true)) : stream?.grant(view.getUint32(HEADER, true))
      case CLOSE:
        this.#streams.delete(number)
        return stream?.close(packet[HEADER]!)
      case INFO:
        return this.send(packetOf(INFO, 0, [VERSION, 0])) // no extensions of ours, so none of the server's
      default:
        return this.#refuse(`a packet of kind ${packet[0]}`)
    }
  }

  onDrain(): void {
    this.#full = false
    for (const stream of this.#streams.values()) stream.pump()
  }

  onEof(): void {
    this.#giveUp(failure('the Wisp server has closed the WebSocket', 'ECONNRESET'))
  }

  onError(error: Error): void {
    this.#giveUp(error)
  }

  #start(window: number): void {
    this.#window = window
    for (const stream of this.#streams.values()) stream.start(window)
  }

  #refuse(what: string): void {
    this.#pipe.reset()
    this.#giveUp(failure(`the Wisp server has sent ${what}`, 'EPROTO'))
  }

  #giveUp(error: Error): void {
    this.#over ??= error
    const streams = [...this.#streams.values()]
    this.#streams.clear()
    for (const stream of streams) stream.fail(error)
  }
}

class Stream implements ByteTransport {
  /** Sent first. */
  opening: Uint8Array | undefined
  readonly #connection: Connection
  readonly #number: number
  readonly #maxHeld: number
  #receiver: TransportReceiver | undefined
  #state: 'open' | 'ended' | 'over' = 'open'
  /** Packets the server has room for; none before it has said so. */
  #credit = 0
  readonly #outbox: Uint8Array[] = []
  #outboxBytes = 0
  #drainOwed = false
  readonly #held: (Uint8Array | 'eof' | Error)[] = []
  #heldBytes = 0
  #paused = false
  #delivering = false

  constructor(connection: Connection, number: number, maxHeld = 67_108_864) {
    this.#connection = connection
    this.#number = number
    this.#maxHeld = maxHeld
  }

  // ---- The five verbs. ----

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    queueMicrotask(() => this.#deliver())
  }

  write(chunk: Uint8Array): boolean {
    if (this.#state !== 'open') return true // the reason is on its way; or we have ended it
    for (let at = 0; at < chunk.length; at += PACKET_BYTES) this.#outbox.push(chunk.subarray(at, at + PACKET_BYTES))
    this.#outboxBytes += chunk.length
    this.#send()
    this.#drainOwed ||= this.#outboxBytes >= HIGH_WATER_MARK
    return !this.#drainOwed
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    queueMicrotask(() => this.#deliver())
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#send()
  }

  reset(): void {
    if (this.#state !== 'over') this.#quit(UNKNOWN)
    this.#receiver = undefined
    this.#held.length = 0
  }

  // ---- What the connection tells. ----

  start(window: number): void {
    this.#connection.send(this.opening!)
    this.opening = undefined
    this.grant(window)
  }

  grant(credit: number): void {
    this.#credit = credit
    this.pump()
  }

  pump(): void {
    this.#send()
    if (!this.#drainOwed || this.#outboxBytes > HIGH_WATER_MARK / 2) return
    this.#drainOwed = false
    this.#receiver?.onDrain()
  }

  arrive(chunk: Uint8Array): void {
    if (!chunk.length || this.#state === 'over') return
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    this.#deliver()
    if (this.#heldBytes <= this.#maxHeld) return
    this.#quit(CLIENT_ERROR)
    this.#held.length = 0
    this.#paused = false // nothing is left to wait for
    this.fail(failure(`${this.#heldBytes} bytes came while the stream was paused, and Wisp cannot hold one stream back`, 'ENOBUFS'))
  }

  close(reason: number): void {
    const [code, what] = REASONS[reason] ?? ['ECONNRESET', 'was closed']
    const closed = reason === VOLUNTARY || this.#state === 'ended'
    this.#finish(closed ? 'eof' : failure(`the stream ${what} (Wisp, reason 0x${reason.toString(16)})`, code))
  }

  fail(error: Error): void {
    this.#finish(error)
  }

  // ---- Both directions. ----

  #send(): void {
    while (this.#credit > 0 && !this.#connection.full) {
      const chunk = this.#outbox.shift()
      if (!chunk) break
      this.#outboxBytes -= chunk.length
      this.#credit--
      this.#connection.send(packetOf(DATA, this.#number, chunk))
    }
    if (this.#state !== 'ended' || this.#outbox.length || this.opening) return
    this.#quit(VOLUNTARY)
    this.#held.push('eof') // the server does not answer a close
    queueMicrotask(() => this.#deliver())
  }

  /** Tells the server, unless it has never heard of us. */
  #quit(reason: number): void {
    this.#state = 'over'
    this.#outbox.length = 0
    this.#connection.forget(this.#number)
    if (!this.opening) this.#connection.send(packetOf(CLOSE, this.#number, [reason]))
  }

  #finish(how: 'eof' | Error): void {
    this.#state = 'over'
    this.#outbox.length = 0
    this.#held.push(how)
    queueMicrotask(() => this.#deliver())
  }

  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    try {
      while (this.#held.length && this.#receiver && !this.#paused) this.#tell(this.#receiver, this.#held.shift()!)
    } finally {
      this.#delivering = false
      if (this.#held.length && this.#receiver && !this.#paused) queueMicrotask(() => this.#deliver()) // the receiver has thrown
    }
  }

  #tell(receiver: TransportReceiver, what: Uint8Array | 'eof' | Error): void {
    if (what === 'eof') {
      receiver.onEof()
      return this.#receiver?.onClosed?.() // a stream has no half-close
    }
    if (what instanceof Error) {
      this.#receiver = undefined
      return receiver.onError(what)
    }
    this.#heldBytes -= what.length
    receiver.onChunk(what)
  }
}

// ---- Packets. Numbers are little-endian. ----

function packetOf(kind: number, stream: number, payload: ArrayLike<number>): Uint8Array {
  const packet = new Uint8Array(HEADER + payload.length)
  packet[0] = kind
  new DataView(packet.buffer).setUint32(1, stream, true)
  packet.set(payload, HEADER)
  return packet
}

function connectPacket(stream: number, host: string, port: number): Uint8Array {
  return packetOf(CONNECT, stream, [TCP, port & 0xff, port >>> 8, ...new TextEncoder().encode(host)])
}

const failure = (message: string, code: string): Error => Object.assign(new Error(message), { code })

const HEADER = 5

const CONNECT = 1
const DATA = 2
const CONTINUE = 3
const CLOSE = 4
const INFO = 5
/** Bytes that must follow the header. */
const LEAST: Record<number, number> = { [CONTINUE]: 4, [CLOSE]: 1, [INFO]: 2 }

const TCP = 1
const VERSION = 2

/** Bytes of a DATA packet: the server's window counts packets, whatever their size; TLS records are no larger. */
const PACKET_BYTES = 16_384
/** Bytes queued before `write` returns false. */
const HIGH_WATER_MARK = 65_536

const UNKNOWN = 0x01
const VOLUNTARY = 0x02
const CLIENT_ERROR = 0x81

/** Why a server closes a stream, and what a socket would say. */
const REASONS: Record<number, readonly [code: string, what: string]> = {
  [UNKNOWN]: ['ECONNRESET', 'was closed without a reason'],
  0x03: ['ECONNRESET', 'was broken by the network'],
  0x04: ['EPROTO', 'needs extensions that we do not have'],
  0x41: ['EINVAL', 'has an address that the server does not understand'],
  0x42: ['EHOSTUNREACH', 'leads to a host that cannot be reached'],
  0x43: ['ETIMEDOUT', 'leads to a host that does not answer'],
  0x44: ['ECONNREFUSED', 'was refused'],
  0x47: ['ETIMEDOUT', 'has taken too long'],
  0x48: ['EACCES', 'leads to a host that the server forbids'],
  0x49: ['EBUSY', 'is one too many for the server'],
}
