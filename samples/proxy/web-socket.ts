// The server's side of a WebSocket (RFC 6455) as a Duplex of bytes: what a client's binary messages hold can be read, what is written
// goes out in binary messages. Payloads pass as they come, no message is ever collected, so memory is bounded whatever a client sends.
// It depends on Node only.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

/** What the HTTP server gives with its event 'upgrade'. */
export interface Upgrade {
  request: IncomingMessage
  socket: Duplex
  head: Buffer
}

/** Refuses the handshake, as HTTP does. */
export function refuse({ socket }: Upgrade, status: string, why: string): void {
  const headers = ['Connection: close', 'Content-Type: text/plain', `Content-Length: ${Buffer.byteLength(why)}`]
  socket.on('error', () => {}).end(`HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${why}`)
}

/** Answers the handshake. undefined: it was none, and is refused. @param protocols subprotocols the server knows */
export function accept(upgrade: Upgrade, protocols: readonly string[] = []): WebSocketStream | undefined {
  const { method, headers } = upgrade.request
  const key = headers['sec-websocket-key']
  const isHandshake = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /^[+/\w]{22}==$/.test(key ?? '')
  if (!isHandshake || headers['sec-websocket-version'] !== '13') {
    refuse(upgrade, '400 Bad Request', 'this is no WebSocket handshake of version 13\n')
    return undefined
  }
  const asked = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const protocol = asked.find((name) => protocols.includes(name))
  const answer = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${GUID}`).digest('base64')}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
  ]
  upgrade.socket.write(`${answer.join('\r\n')}\r\n\r\n`)
  return new WebSocketStream(upgrade)
}

/** Ends with the client's close frame; `end` or `quit` sends ours. */
export class WebSocketStream extends Duplex {
  /** What the client's close frame said; 1000 is the end in good order. */
  closeCode: number | undefined
  readonly #socket: Duplex
  /** What has come and is not understood yet: less than a frame's header, or than a control frame. */
  #rest: Buffer
  /** The data frame whose payload is passing. */
  #left = 0
  #mask: Buffer = Buffer.alloc(4)
  #maskAt = 0
  /** A message has begun, and its last frame is still to come. */
  #inMessage = false
  #closeSent = false
  #closeReceived = false

  constructor({ socket, head }: Upgrade) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#rest = head
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.#goOn())
    socket.on('end', () => this.#lost())
    socket.on('close', () => this.#lost())
    socket.on('error', (error) => this.destroy(error))
    if (head.length) queueMicrotask(() => this.#receive(Buffer.alloc(0)))
  }

  /** Closes with a code and a reason (RFC 6455, section 7.4), after all that was written. */
  quit(code: number, reason: string): void {
    const why = Buffer.from(reason).subarray(0, 123) // a control frame has 125 bytes at most
    this.#sendClose(Buffer.concat([Buffer.from([code >>> 8, code & 0xff]), why]))
    this.end()
  }

  // ---- Outgoing. ----

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#closeSent || this.#socket.destroyed) return done() // nobody will read it
    this.#socket.cork()
    this.#socket.write(header(BINARY, chunk.length))
    const more = this.#socket.write(chunk)
    this.#socket.uncork()
    if (more) done()
    else this.#waiting = done
  }
  #waiting: ((error?: Error | null) => void) | undefined

  override _final(done: () => void): void {
    this.#sendClose(Buffer.from([NORMAL >>> 8, NORMAL & 0xff]))
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#goOn()
    if (this.#closeSent) this.#socket.end(() => this.#socket.destroy()) // the close frame tells why
    else this.#socket.destroy()
    done(error)
  }

  #goOn(): void {
    const done = this.#waiting
    this.#waiting = undefined
    done?.()
  }

  #sendClose(payload: Buffer): void {
    if (this.#closeSent || this.#socket.destroyed) return
    this.#closeSent = true
    this.#socket.write(Buffer.concat([header(CLOSE, payload.length), payload]))
    if (this.#closeReceived) this.#socket.end()
    else setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT).unref() // a client that does not answer
  }

  // ---- Incoming. ----

  override _read(): void {
    this.#socket.resume()
  }

  #receive(chunk: Buffer): void {
    let bytes = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = Buffer.alloc(0)
    while (bytes.length && !this.#closeReceived && !this.destroyed) {
      const used = this.#left ? this.#payload(bytes) : this.#frame(bytes)
      if (used === 0) this.#rest = bytes
      if (used === 0) return
      bytes = bytes.subarray(used)
    }
  }

  #payload(bytes: Buffer): number {
    const part = bytes.subarray(0, this.#left)
    for (let i = 0; i < part.length; i++) part[i]! ^= this.#mask[(this.#maskAt + i) & 3]!
    this.#maskAt = (this.#maskAt + part.length) & 3
    this.#left -= part.length
    if (!this.push(part)) this.#socket.pause()
    return part.length
  }

  /** A header, and the whole of a control frame. @returns 0 where more has to come first */
  #frame(bytes: Buffer): number {
    const kind = bytes[0]! & 0x0f
    const isControl = kind >= CLOSE
    const [long, short] = [bytes[0]! & 0x70, (bytes[1] ?? MASKED) & 0x7f]
    if (long || !((bytes[1] ?? MASKED) & MASKED)) return this.#violated('extensions were not agreed, and clients mask')
    if (isControl && (short > 125 || !(bytes[0]! & LAST))) return this.#violated('a control frame is short and whole')
    const size = short < 126 ? 6 : short === 126 ? 8 : 14
    if (bytes.length < (isControl ? size + short : size)) return 0
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
    this.#mask = Buffer.from(bytes.subarray(size - 4, size))
    this.#maskAt = 0
    if (isControl) return this.#control(kind, bytes.subarray(size, size + length)) + size
    if (kind !== (this.#inMessage ? CONTINUATION : BINARY)) return this.#violated('binary messages are all that passes here', UNSUPPORTED)
    this.#inMessage = !(bytes[0]! & LAST)
    this.#left = length
    return size
  }

  #control(kind: number, masked: Buffer): number {
    const payload = masked.map((byte, i) => byte ^ this.#mask[i & 3]!) as Buffer
    const isHeard = !this.#closeSent && !this.#socket.writableNeedDrain // who does not read gets no answer
    if (kind === PING && isHeard) this.#socket.write(Buffer.concat([header(PONG, payload.length), payload]))
    if (kind > PONG) this.#violated('unknown kind of frame')
    if (kind === CLOSE) this.#closed(payload)
    return masked.length
  }

  #closed(payload: Buffer): void {
    this.#closeReceived = true
    this.closeCode = payload.length < 2 ? NORMAL : payload.readUInt16BE(0)
    this.push(null)
    this.#sendClose(payload.subarray(0, 2)) // as the RFC wants it
    this.#socket.end()
    this.#socket.resume()
  }

  #violated(why: string, code = PROTOCOL_ERROR): 0 {
    this.quit(code, why)
    this.destroy(new Error(`the client broke the protocol: ${why}`))
    return 0
  }

  /** After a close frame that is how it should be: what has come is still to be read. Without one the connection was cut off. */
  #lost(): void {
    if (!this.#closeReceived) this.destroy(Object.assign(new Error('the WebSocket was cut off'), { code: 'ECONNRESET' }))
  }
}

/** A server's frame is whole, and not masked. */
function header(kind: number, length: number): Buffer {
  const first = LAST | kind
  if (length < 126) return Buffer.from([first, length])
  const bytes = Buffer.alloc(length < 65_536 ? 4 : 10)
  bytes[0] = first
  bytes[1] = bytes.length === 4 ? 126 : 127
  if (bytes.length === 4) bytes.writeUInt16BE(length, 2)
  else bytes.writeBigUInt64BE(BigInt(length), 2)
  return bytes
}

/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** RFC 6455, section 5.2: the bits of a frame's first two bytes, and its kinds. */
const LAST = 0x80
const MASKED = 0x80
const CONTINUATION = 0
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

const NORMAL = 1000
const PROTOCOL_ERROR = 1002
const UNSUPPORTED = 1003
/** Milliseconds. */
const CLOSE_TIMEOUT = 5000
