// Bytes in and out of the module's memory. Never hands out a live view: `memory.grow` detaches them all, so whoever holds one
// would hold nothing. Copies are owned by the receiver.
import {
  tlsAgreedLayout,
  tlsBytesLayout,
  tlsBytesSize,
  tlsErrorLayout,
  type Exports,
  type Pointer,
  type TlsAgreedPointer,
  type TlsBytesPointer,
  type TlsErrorPointer,
} from './generated.ts'
import { usageError } from '../errors.ts'

type Layout = Record<string, { type: string; offset: number; size: number }>
/** A struct's fields by name: char arrays as strings, everything else as numbers. */
type Decoded<L extends Layout> = { -readonly [K in keyof L]: L[K]['type'] extends 'char' ? string : number }

/** What a function that returns `tls_bytes *` gave: an event when kind is not 0. */
export interface Taken {
  kind: number
  detail: number
  bytes: Uint8Array
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Memory {
  readonly #memory: WebAssembly.Memory
  readonly #exports: Exports
  #u8 = new Uint8Array(0)
  #view = new DataView(this.#u8.buffer)

  constructor(memory: WebAssembly.Memory, exports: Exports) {
    this.#memory = memory
    this.#exports = exports
  }

  /** All of memory, for use within one statement: any call into the module may detach it. */
  get u8(): Uint8Array {
    if (this.#u8.buffer !== this.#memory.buffer) this.#u8 = new Uint8Array(this.#memory.buffer)
    return this.#u8
  }

  /** Bytes the module occupies. It never shrinks. */
  get size(): number {
    return this.#memory.buffer.byteLength
  }

  u32(at: number): number {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer)
    return this.#view.getUint32(at, true)
  }

  /** A copy. */
  slice(at: number, length: number): Uint8Array {
    return this.u8.slice(at, at + length)
  }

  /** A copy, and nothing is left behind. */
  takeOut(at: number, length: number): Uint8Array {
    const copy = this.slice(at, length)
    this.wipe(at, length)
    return copy
  }

  wipe(at: number, length: number): void {
    this.u8.fill(0, at, at + length)
  }

  /** A NUL-terminated string. */
  text(at: number): string {
    return decoder.decode(this.slice(at, this.u8.indexOf(0, at) - at))
  }

  error(at: TlsErrorPointer): Decoded<typeof tlsErrorLayout> {
    return this.#struct(at, tlsErrorLayout)
  }

  agreed(at: TlsAgreedPointer): Decoded<typeof tlsAgreedLayout> {
    return this.#struct(at, tlsAgreedLayout)
  }

  #struct<L extends Layout>(at: number, layout: L): Decoded<L> {
    const fields: Record<string, string | number> = {}
    for (const name in layout) {
      const { type, offset, size } = layout[name]!
      if (type === 'char') fields[name] = this.#shortText(at + offset, size)
      else fields[name] = type === 'int32_t' ? this.u32(at + offset) | 0 : this.u32(at + offset)
    }
    return fields as Decoded<L>
  }

  /** A NUL-terminated string in an array of this size. Most are short and in ASCII, and that is quicker without a decoder. */
  #shortText(at: number, size: number): string {
    const { u8 } = this
    let text = ''
    for (let i = at; i < at + size; i++) {
      const byte = u8[i]!
      if (byte === 0) return text
      if (byte >= 0x80) break
      text += String.fromCharCode(byte)
    }
    return this.text(at)
  }

  /** Copies an owned `tls_bytes` out and frees it; undefined for NULL. */
  take(at: TlsBytesPointer): Taken | undefined {
    if (!at) return undefined
    const length = this.u32(at + tlsBytesLayout.length.offset)
    const taken = {
      kind: this.u32(at + tlsBytesLayout.kind.offset),
      detail: this.u32(at + tlsBytesLayout.detail.offset),
      bytes: this.slice(at + tlsBytesSize, length),
    }
    this.#exports.tls_bytes_free(at)
    return taken
  }

  /**
   * Lends copies of the arguments to a call, and wipes them after it. Strings become NUL-terminated UTF-8, `undefined` NULL.
   * A NUL inside a string would end it early, so it is refused.
   */
  lend<T>(args: readonly (Uint8Array | string | undefined)[], call: (...pointers: Pointer[]) => T): T {
    const lent: { at: Pointer; length: number }[] = []
    try {
      for (const arg of args) lent.push(this.#copyIn(arg))
      return call(...lent.map(({ at }) => at))
    } finally {
      for (const { at, length } of lent) if (at) this.#exports.tls_memory_free(at, length)
    }
  }

  #copyIn(arg: Uint8Array | string | undefined): { at: Pointer; length: number } {
    if (arg === undefined) return { at: 0, length: 0 }
    if (typeof arg === 'string' && arg.includes('\0')) throw usageError('a string with a NUL character cannot be passed to OpenSSL: it would stop reading there')
    const bytes = typeof arg === 'string' ? encoder.encode(`${arg}\0`) : arg
    const at = this.#exports.tls_memory_alloc(bytes.length)
    if (!at) throw new RangeError(`out of memory: ${bytes.length} bytes asked for in a WebAssembly memory of ${this.size}`)
    this.u8.set(bytes, at)
    return { at, length: bytes.length }
  }
}

/** Walks (uint32 length, bytes) pairs, as the C side writes lists; copies. */
export function* counted(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true)
    yield bytes.slice(at + 4, at + 4 + length)
    at += 4 + length
  }
}
