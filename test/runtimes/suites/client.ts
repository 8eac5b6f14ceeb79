// A membio client on a transport, for whoever would rather wait than be called: lines and bytes to and from a peer of peers/server.ts.
import { createContext, type Agreed, type ContextOptions, type EngineOptions, type TlsError } from 'membio'
import { Poller, type ByteTransport, type PollerEvent } from 'membio/transport'
import { concat } from '../../support/chunk.ts'
import { HOST } from '../world.ts'
import { decode, ok, type Case } from './kit.ts'

export interface ClientOptions {
  context?: ContextOptions
  engine?: Partial<EngineOptions>
}

/** More than this, and it stops listening until somebody reads: back-pressure is part of what is shown. */
const ENOUGH = 1_048_576

export class Client {
  readonly poller: Poller
  readonly events: PollerEvent[] = []
  readonly #chunks: Uint8Array[] = []
  #buffered = 0
  #secure = false
  #ended = false
  #closed = false
  error: TlsError | undefined
  #wake: (() => void)[] = []
  #drains = 0

  constructor(t: Case, transport: ByteTransport, { context, engine }: ClientOptions = {}) {
    const shared = createContext({ ca: t.world.certificates.ca, ...context })
    const made = shared.createEngine({ role: 'client', servername: HOST, ...engine })
    shared.free()
    this.poller = new Poller(made, transport, {
      onSecure: () => this.#happened(() => (this.#secure = true)),
      onPlaintext: (chunk) => this.#happened(() => this.#keep(chunk)),
      onDrain: () => this.#happened(() => this.#drains++),
      onEnd: () => this.#happened(() => (this.#ended = true)),
      onEvent: (event) => this.#happened(() => this.events.push(event)),
      onClose: (error) => this.#happened(() => ((this.error = error), (this.#closed = true))),
    })
    t.defer(() => this.poller.destroy())
  }

  /** Waits for the handshake; rejects with what ended it. */
  async secure(): Promise<Agreed> {
    await this.#until(() => this.#secure)
    return this.poller.engine.agreed!
  }

  /** Writes all of it, waiting where the peer is slow. */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (typeof bytes === 'string') return void this.poller.write(bytes)
    for (let at = 0; at < bytes.length; at += 50_000) {
      const before = this.#drains
      const more = this.poller.write(bytes.subarray(at, at + 50_000))
      if (!more) await this.#until(() => this.#drains > before)
    }
  }

  /** So many bytes, and no more. */
  async read(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const taken: Uint8Array[] = []
    for (let left = count; left > 0; ) {
      await this.#until(() => this.#buffered > 0)
      const chunk = this.#chunks.shift()!
      const part = chunk.subarray(0, left)
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length))
      this.#buffered -= part.length
      left -= part.length
      taken.push(part)
      this.poller.resume()
    }
    return concat(taken)
  }

  async line(): Promise<string> {
    const bytes: number[] = []
    for (;;) {
      const [byte] = await this.read(1)
      if (byte === 10) return decode(Uint8Array.from(bytes))
      bytes.push(byte!)
    }
  }

  /** Sends a line, and reads the answer. */
  async ask(command: string): Promise<string> {
    await this.write(`${command}\n`)
    return this.line()
  }

  /** What the server says about this connection. */
  async info(): Promise<{ version: string; resumed: boolean; alpn?: string; servername?: string; client?: string }> {
    return JSON.parse(await this.ask('info'))
  }

  /** Everything until the connection has ended, in whatever way; `error` tells. */
  async rest(): Promise<Uint8Array<ArrayBuffer>> {
    const taken: Uint8Array[] = []
    for (;;) {
      await this.#until(() => this.#buffered > 0 || this.#ended || this.#closed, 'even then')
      const chunk = this.#chunks.shift()
      if (!chunk) break
      this.#buffered -= chunk.length
      taken.push(chunk)
      this.poller.resume()
    }
    return concat(taken)
  }

  async eventOf<T extends PollerEvent['type']>(type: T): Promise<Extract<PollerEvent, { type: T }>> {
    const find = () => this.events.find((event): event is Extract<PollerEvent, { type: T }> => event.type === type)
    await this.#until(() => find() !== undefined)
    return find()!
  }

  /** Ends in good order, both ways. */
  async close(): Promise<void> {
    this.poller.close()
    await this.#until(() => this.#closed, 'even then')
    ok(!this.error, `closing: ${this.error}`)
  }

  #keep(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    if (this.#buffered > ENOUGH) this.poller.pause()
  }

  #happened(what: () => unknown): void {
    what()
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Rejects when the connection is over before; with 'even then' it is the condition's affair. */
  async #until(condition: () => boolean, over?: 'even then'): Promise<void> {
    while (!condition()) {
      if (!over && this.#closed) throw this.error ?? new Error('the connection ended too early')
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}
