// How the trace reads: big-endian numbers and vectors, and the fields they become. Running past the end is a RangeError.
import type { TraceField } from './trace-decode.ts'

export class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  number(width: 1 | 2 | 3 | 4): number {
    return this.bytes(width).reduce((sum, byte) => sum * 256 + byte, 0)
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('a length points past the end')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  rest(): Uint8Array {
    return this.bytes(this.left)
  }

  take(length: number): Reader {
    return new Reader(this.bytes(length))
  }

  /** What stands behind a length of so many bytes. */
  vector(width: 1 | 2 | 3): Reader {
    return this.take(this.number(width))
  }

  /** There must be nothing left. */
  end(): void {
    if (!this.done) throw new RangeError('more than there should be')
  }
}

export function coded(name: string, value: number, names: Readonly<Record<number, string>>): TraceField {
  const meaning = names[value]
  return { name, value, ...(meaning && { meaning }) }
}

export const opaque = (name: string, bytes: Uint8Array): TraceField => ({ name, bytes })

/** A field with fields, which is there even where one of them cannot be read. */
export function listOf(fields: TraceField[], name: string, list: Reader, read: (list: Reader) => TraceField): void {
  const inner: TraceField[] = []
  fields.push({ name, length: list.left, fields: inner })
  while (!list.done) inner.push(read(list))
}
