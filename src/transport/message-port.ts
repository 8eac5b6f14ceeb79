// A MessagePort, or a worker, as a ByteTransport; the other end must be one, too. Chunks are transferred, not copied. A port takes whatever
// it is given, so back-pressure is ours: who receives gives credit back for what it has delivered.
import type { ByteTransport, TransportReceiver } from './transport.ts'

/** The part of MessagePort used here. A page's Worker, which has no `start` and no `close`, will do; `unref` is Node's. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message' | 'messageerror' | 'close', listener: (event: { type: string; data?: unknown }) => void): void
  start?(): void
  close?(): void
  unref?(): void
}

/**
 * Takes over the port, and closes it once both directions have ended. That the other side has gone without a word is told where the runtime
 * tells it by a 'close' event: Node, Chromium.
 */
export function messagePort(port: MessagePortLike): ByteTransport {
  return new PortTransport(port)
}

/**
 * A chunk; bytes that were delivered; the end of a direction, or of both at once. `done` says that both have ended, and that everything was
 * heard: then the port is closed, and no sooner, because in workerd closing takes back what is under way.
 */
type Message = Uint8Array | { delivered: number } | 'end' | 'reset' | 'done'

/** Bytes under way in one direction before `write` returns false. */
const WINDOW = 262_144

class PortTransport implements ByteTransport {
  readonly #port: MessagePortLike
  #receiver: TransportReceiver | undefined
  #paused = false
  /** What came while paused. */
  readonly #queue: Message[] = []
  #scheduled = false
  /** Written, and not yet delivered there. */
  #underWay = 0
  #drainOwed = false
  /** Delivered here, and not yet told. */
  #owed = 0
  #ended = false
  #eof = false
  #over = false

  constructor(port: MessagePortLike) {
    this.#port = port
  }

  attach(receiver: TransportReceiver): void {
    this.#receiver = receiver
    const port = this.#port
    port.addEventListener('message', ({ data }) => this.#onMessage(data as Message))
    port.addEventListener('messageerror', () => this.#fail('a message could not be read', 'ERR_MESSAGE_PORT'))
    port.addEventListener('close', () => this.#onClose())
    port.start?.()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ended) return true // the reason is on its way, by onError; or we have ended it
    this.#underWay += chunk.length
    const whole = chunk.byteLength === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer
    this.#post(whole ? chunk : new Uint8Array(chunk))
    this.#drainOwed = this.#underWay >= WINDOW
    return !this.#drainOwed
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  end(): void {
    if (this.#over || this.#ended) return
    this.#ended = true
    this.#post('end')
    if (this.#eof) queueMicrotask(() => this.#finish())
  }

  /** Who hears it closes the port; nobody waits for that. */
  reset(): void {
    this.#receiver = undefined
    if (this.#over) return
    this.#over = true
    this.#post('reset')
    this.#port.unref?.()
  }

  // ---- What comes from the other side. ----

  #onMessage(message: Message): void {
    if (message === 'done' || (message === 'reset' && this.#over)) this.#port.close?.()
    if (message === 'done' || this.#over) return
    if (message === 'reset' && !this.#queue.includes('end')) this.#onReset()
    else if (typeof message === 'object' && 'delivered' in message) this.#onDelivered(message.delivered)
    else if (this.#queue.push(message) === 1 && !this.#paused) this.#deliver()
  }

  #onDelivered(bytes: number): void {
    this.#underWay -= bytes
    if (!this.#drainOwed || this.#underWay > WINDOW / 2 || this.#ended) return
    this.#drainOwed = false
    this.#receiver?.onDrain()
  }

  /** Each message is an event of its own: what waited is delivered one after the other, too, unless somebody pauses. */
  #schedule(): void {
    if (this.#scheduled || !this.#queue.length) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    if (this.#paused || this.#over) return
    const message = this.#queue.shift()
    try {
      if (message instanceof Uint8Array) this.#onChunk(message)
      else if (message === 'end') this.#onEnd()
      else if (message) this.#onReset()
    } finally {
      this.#schedule() // a receiver that throws loses nothing of what comes next
    }
  }

  #onChunk(chunk: Uint8Array): void {
    this.#owed += chunk.length
    if (this.#owed >= WINDOW / 4) {
      this.#post({ delivered: this.#owed })
      this.#owed = 0
    }
    if (chunk.length) this.#receiver?.onChunk(chunk)
  }

  #onEnd(): void {
    this.#eof = true
    this.#receiver?.onEof()
    if (this.#ended) this.#finish()
  }

  #onReset(): void {
    this.#fail('the other side has reset the connection', 'ECONNRESET')
  }

  /** The other side closes once both directions have ended; what it said before may still wait here. */
  #onClose(): void {
    const farewell = this.#eof || this.#queue.includes('end')
    if (!this.#ended || !farewell || this.#queue.at(-1) === 'reset') this.#fail('the other side is gone', 'ECONNRESET')
  }

  /** Both directions have ended. */
  #finish(): void {
    if (this.#over) return
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#over = true
    this.#post('done')
    receiver?.onClosed?.()
  }

  #fail(message: string, code: string): void {
    if (this.#over) return
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#over = true
    this.#port.close?.()
    receiver?.onError(Object.assign(new Error(message), { code }))
  }

  #post(message: Message): void {
    try {
      this.#port.postMessage(message, message instanceof Uint8Array ? [message.buffer as ArrayBuffer] : [])
    } catch (error) {
      // A buffer that cannot be transferred is copied.
      if (!(message instanceof Uint8Array)) throw error
      this.#port.postMessage(message, [])
    }
  }
}
