// A WebSocket as a ByteTransport: browsers', Node's, Deno's and Bun's own, and that of `ws`. Names none of them: the shape is enough.
// What is written goes out as binary messages; where messages begin and end means nothing to whoever reads the stream.
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** The part of WebSocket used here. */
export interface WebSocketLike {
  /** Is set to 'arraybuffer'. */
  binaryType: string
  /** 0 while connecting, 3 when closed. */
  readonly readyState: number
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount: number
  /** As any EventTarget has it. */
  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: WebSocketEvent) => void): void
  /** Sends a binary message. */
  send(message: Uint8Array<ArrayBuffer>): void
  /** Sends what is queued, then a close frame. */
  close(code?: number, reason?: string): void
  /** Of `ws`: reads no more. */
  pause?(): void
  /** Of `ws`: reads again. */
  resume?(): void
  /** Of `ws`: cuts the connection. */
  terminate?(): void
}

/** What its events may have. */
export interface WebSocketEvent {
  /** Of a message: its content. */
  readonly data?: unknown
  /** Of the end: RFC 6455, section 7.4. */
  readonly code?: number
  /** Of the end: what the peer says about it. */
  readonly reason?: string
  /** Of the end: it was agreed with the peer. */
  readonly wasClean?: boolean
  /** Of an error, where scripts may know it: not in browsers. */
  readonly error?: unknown
}

/** Limits of a WebSocket transport. */
export interface WebSocketOptions {
  /**
   * Bytes that have not left before `write` returns false. Default 1,048,576. WebSockets do not tell when there is room again, so they are
   * asked every few milliseconds: it is what a fast network sends meanwhile.
   */
  highWaterMark?: number
  /**
   * Bytes held while paused; more, and the transport has failed (ENOBUFS). Default 67,108,864: a WebSocket cannot be paused, the peer goes
   * on sending, and a reader who is that far behind will not catch up. Those of `ws` can be, and stay far below; so can WebSocketStream, which
   * goes with `webStreams`.
   */
  maxHeld?: number
}

/**
 * Takes over the socket: nobody else may read or write it. One that is still connecting will do. Call it in the same turn in which the
 * socket was made: messages that came before are lost.
 *
 * A WebSocket has no half-close: `end` sends what is queued and then the close frame, and what the peer has not sent by then is lost; some
 * proxies (websockify) then forget what they have not passed on. For TLS this is no loss: the poller ends the transport after both
 * directions have ended. A close with code 1000, or without one, is the end of the stream (`onEof`), and nothing can be written any more;
 * every other code is an error that tells it. `reset` closes with code 4000, or drops the connection where the object can (`terminate` of
 * `ws`).
 */
export function webSocket(socket: WebSocketLike, options: WebSocketOptions = {}): ByteTransport {
  return new WebSocketTransport(socket, options)
}

// ---- How proxies are told where to connect. ----

/** What to make a WebSocket of: `new WebSocket(url, protocols)`. */
export interface WebSocketAddress {
  /** With the scheme ws: or wss:. */
  url: string
  /** Subprotocols to ask for. */
  protocols: string[]
}

/**
 * For proxies that are asked for any target, as `ws://proxy/v1?address=host:port`.
 * @param proxy with its path, "wss://proxy.example/v1"
 */
export function webSocketProxy(proxy: string | URL, host: string, port: number): WebSocketAddress {
  const url = new URL(proxy)
  const isBareIpv6 = host.includes(':') && !host.startsWith('[')
  url.searchParams.set('address', `${isBareIpv6 ? `[${host}]` : host}:${port}`)
  return { url: url.href, protocols: [] }
}

/**
 * For websockify: the target is the proxy's own, or chosen by a token.
 * @param proxy with its path, "wss://proxy.example/websockify"
 */
export function websockify(proxy: string | URL, token?: string): WebSocketAddress {
  const url = new URL(proxy)
  if (token !== undefined) url.searchParams.set('token', token)
  return { url: url.href, protocols: ['binary'] }
}

// ---- The transport. ----

class WebSocketTransport implements ByteTransport {
  readonly #socket: WebSocketLike
  readonly #highWaterMark: number
  readonly #maxHeld: number
  #receiver: TransportReceiver | undefined
  #state: 'connecting' | 'open' | 'over'
  /** `end` was called. */
  #ended = false
  /** Written while connecting. */
  readonly #unsent: Uint8Array[] = []
  #unsentBytes = 0
  #drainOwed = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Arrived and not delivered, in order; the last may be the end. */
  readonly #held: (Uint8Array | 'eof' | Error)[] = []
  #heldBytes = 0
  #paused = false
  #flushing = false
  /** What an 'error' event told: 'close' comes after it and ends the matter. */
  #cause: Error | undefined

  constructor(socket: WebSocketLike, { highWaterMark = 1_048_576, maxHeld = 67_108_864 }: WebSocketOptions) {
    this.#socket = socket
    this.#highWaterMark = highWaterMark
    this.#maxHeld = maxHeld
    this.#state = socket.readyState === CONNECTING ? 'connecting' : 'open'
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', this.#onOpen)
    socket.addEventListener('message', this.#onMessage)
    socket.addEventListener('error', this.#onError)
    socket.addEventListener('close', this.#onClose)
    if (socket.readyState === CLOSED) this.#hold(closedBefore())
    else socket.pause?.() // until somebody listens
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    if (!this.#paused) this.resume()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#state === 'over' || this.#ended || !chunk.length) return true // the reason is on its way; or we have ended it
    if (this.#state === 'open') this.#send(chunk)
    else this.#queue(chunk)
    this.#drainOwed ||= this.#waiting >= this.#highWaterMark
    if (this.#drainOwed) this.#watch(FIRST_LOOK)
    return !this.#drainOwed
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause?.()
  }

  resume(): void {
    this.#paused = false
    if (!this.#receiver) return
    this.#socket.resume?.()
    this.#flushSoon()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#state === 'open') this.#close()
  }

  reset(): void {
    const wasOver = this.#state === 'over'
    this.#stop()
    this.#held.length = 0
    if (wasOver || this.#socket.readyState === CLOSED) return
    if (this.#socket.terminate) this.#socket.terminate()
    else this.#socket.close(RESET) // changes nothing after `end`
  }

  // ---- Outgoing. ----

  get #waiting(): number {
    return this.#unsentBytes + this.#socket.bufferedAmount
  }

  #queue(chunk: Uint8Array): void {
    this.#unsent.push(chunk)
    this.#unsentBytes += chunk.length
  }

  /** In messages of bounded size: the other side holds a message until it is complete. */
  #send(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += MAX_MESSAGE) {
      this.#socket.send(chunk.subarray(at, at + MAX_MESSAGE) as Uint8Array<ArrayBuffer>) // an engine's bytes are never shared memory
    }
  }

  /** There is no event for room, so it is looked for: soon at first, then less often, because whatever takes longer is slow. */
  #watch(delay: number): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#waiting > this.#highWaterMark / 2) return this.#watch(Math.min(delay * 2, LAST_LOOK))
      this.#drainOwed = false
      this.#receiver?.onDrain()
    }, delay)
  }

  #close(): void {
    this.#socket.resume?.() // the peer's close frame has to be read
    this.#socket.close(NORMAL_CLOSURE)
  }

  #onOpen = (): void => {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    if (this.#paused || !this.#receiver) this.#socket.pause?.() // while connecting it is ignored
    for (const chunk of this.#unsent.splice(0)) this.#send(chunk)
    this.#unsentBytes = 0
    if (this.#ended) this.#close()
  }

  // ---- Incoming. ----

  #onMessage = ({ data }: WebSocketEvent): void => {
    const chunk = bytesOf(data)
    if (!chunk) return this.#fail(new TypeError('a WebSocket that carries bytes has brought text: is the peer a proxy for TCP?'))
    if (!chunk.length) return
    this.#hold(chunk)
    this.#heldBytes += chunk.length
    this.#flush()
    if (this.#heldBytes <= this.#maxHeld) return
    this.#held.length = 0
    this.#paused = false // nothing is left to wait for
    const message = `${this.#heldBytes} bytes came while the transport was paused, and a WebSocket cannot hold its peer back`
    this.#fail(failure(message, 'ENOBUFS'))
  }

  #onError = ({ error }: WebSocketEvent): void => {
    if (error instanceof Error) this.#cause = error
  }

  #onClose = (event: WebSocketEvent): void => {
    const neverOpen = this.#state === 'connecting'
    if (this.#state === 'over') return
    this.#state = 'over'
    clearTimeout(this.#timer)
    this.#hold(this.#verdict(event, neverOpen))
    this.#flush()
  }

  #verdict({ code = NO_STATUS, reason }: WebSocketEvent, neverOpen: boolean): 'eof' | Error {
    const fallback = neverOpen ? 'ECONNREFUSED' : 'ECONNRESET'
    if (this.#cause) return 'code' in this.#cause ? this.#cause : failure(this.#cause.message, fallback, this.#cause)
    if (neverOpen) return failure('the WebSocket could not be opened; browsers do not tell why', fallback)
    if (code === NORMAL_CLOSURE || code === NO_STATUS) return 'eof'
    return failure(`the WebSocket was closed with code ${code}${reason ? `: ${reason}` : ''}`, fallback)
  }

  /** Broken by what we have seen ourselves. */
  #fail(error: Error): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    clearTimeout(this.#timer)
    this.#socket.close(RESET)
    this.#hold(error)
    this.#flush()
  }

  /** What has ended holds no more. */
  #hold(what: Uint8Array | 'eof' | Error): void {
    const last = this.#held.at(-1)
    if (last === undefined || last instanceof Uint8Array) this.#held.push(what)
  }

  #flushSoon(): void {
    if (this.#deliverable) queueMicrotask(() => this.#flush())
  }

  get #deliverable(): boolean {
    return this.#held.length > 0 && !this.#paused && this.#receiver !== undefined
  }

  #flush(): void {
    if (this.#flushing) return
    this.#flushing = true
    try {
      while (this.#deliverable) this.#deliver(this.#held.shift()!)
    } finally {
      this.#flushing = false
      this.#flushSoon() // a receiver that throws loses nothing of what comes next
    }
  }

  #deliver(what: Uint8Array | 'eof' | Error): void {
    const receiver = this.#receiver!
    if (what === 'eof') {
      receiver.onEof()
      return this.#receiver?.onClosed?.() // a WebSocket has no half-close
    }
    if (what instanceof Error) {
      this.#stop()
      return receiver.onError(what)
    }
    this.#heldBytes -= what.length
    receiver.onChunk(what)
  }

  #stop(): void {
    this.#state = 'over'
    this.#receiver = undefined
    clearTimeout(this.#timer)
  }
}

/** undefined: text, or a Blob that came before `binaryType` was set. */
function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : undefined
}

const failure = (message: string, code: string, cause?: Error): Error => Object.assign(new Error(message, { cause }), { code })
const closedBefore = (): Error => failure('the WebSocket was closed already', 'ECONNRESET')

const CONNECTING = 0
const CLOSED = 3

/** RFC 6455, section 7.4.1; 4000 to 4999 are for applications. */
const NORMAL_CLOSURE = 1000
const NO_STATUS = 1005
const RESET = 4000

const MAX_MESSAGE = 65_536

/** Milliseconds. */
const FIRST_LOOK = 1
const LAST_LOOK = 50
