// What a TLSSocket leaves to the raw socket below it: addresses, options of TCP, and whether it keeps the process alive. Options can be set
// before there is a raw socket.
import * as net from 'node:net'
import type { RawStream } from './raw.ts'

export class SocketOnRaw extends net.Socket {
  _parent: RawStream | null = null
  /** Settings that were asked for before there was a raw socket. */
  readonly #untilRaw: ((raw: net.Socket) => void)[] = []

  /** From now on this is the raw stream. */
  protected _setParent(raw: RawStream): void {
    this._parent = raw
    if (raw instanceof net.Socket) for (const set of this.#untilRaw.splice(0)) set(raw)
  }

  override address(): net.AddressInfo | object {
    return this.#rawSocket?.address() ?? {}
  }
  override ref(): this {
    return this.#setRaw((raw) => raw.ref())
  }
  override unref(): this {
    return this.#setRaw((raw) => raw.unref())
  }
  override setNoDelay(noDelay?: boolean): this {
    return this.#setRaw((raw) => raw.setNoDelay(noDelay))
  }
  override setKeepAlive(...args: never[]): this {
    return this.#setRaw((raw) => Reflect.apply(raw.setKeepAlive, raw, args))
  }
  override resetAndDestroy(): this {
    this.#rawSocket?.resetAndDestroy()
    return this.destroy(), this
  }

  get #rawSocket(): net.Socket | undefined {
    return this._parent instanceof net.Socket ? this._parent : undefined
  }

  #setRaw(set: (raw: net.Socket) => void): this {
    if (this.#rawSocket) set(this.#rawSocket)
    else if (!this._parent) this.#untilRaw.push(set)
    return this
  }
}

/** What only the raw socket knows: accessors of the prototype, as they are in Node. */
const FROM_RAW = ['localAddress', 'localPort', 'localFamily', 'remoteAddress', 'remotePort', 'remoteFamily', 'autoSelectFamilyAttemptedAddresses']
for (const name of FROM_RAW) {
  Object.defineProperty(SocketOnRaw.prototype, name, {
    configurable: true,
    get(this: SocketOnRaw) {
      return (this._parent as Partial<Record<string, unknown>> | null)?.[name]
    },
    set() {}, // Deno's and Bun's net.Socket set some of them in their constructors
  })
}
