// Structured values to and from C: a sequence of fields, each a name and a value with its length in front (wasm/fields.c). Nothing
// in a value can be taken for syntax, so there is nothing to escape and nothing to smuggle.
import { usageError } from '../errors.ts'

/** A value: text, bytes, or fields within the field. */
export type Field = readonly [name: string, value: string | Uint8Array | readonly Field[]]

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The caller wipes what it gets, if there is a secret in it. Every copy made on the way is wiped here. */
export function encodeFields(fields: readonly Field[]): Uint8Array {
  const parts: { bytes: Uint8Array; own: boolean }[] = []
  const push = (bytes: Uint8Array, own: boolean) => {
    parts.push({ bytes: new Uint8Array(new Uint32Array([bytes.length]).buffer), own: true }, { bytes, own })
  }
  for (const [name, value] of fields) {
    push(encoder.encode(name), true)
    if (typeof value === 'string') push(encoder.encode(value), true)
    else if (value instanceof Uint8Array) push(value, false)
    else push(encodeFields(value), true)
  }
  const whole = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes.length, 0))
  let at = 0
  for (const { bytes, own } of parts) {
    whole.set(bytes, at)
    at += bytes.length
    if (own) bytes.fill(0)
  }
  return whole
}

/** What C has written, by name. Values are copies. */
export class Fields {
  readonly #values = new Map<string, Uint8Array[]>()

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let at = 0
    const next = () => {
      const start = at + 4
      at = start + view.getUint32(at, true)
      return bytes.slice(start, at)
    }
    while (at < bytes.length) {
      const name = decoder.decode(next())
      const values = this.#values.get(name)
      if (values) values.push(next())
      else this.#values.set(name, [next()])
    }
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** All values of that name, in order. */
  all(name: string): Uint8Array[] {
    return this.#values.get(name) ?? []
  }

  bytes(name: string): Uint8Array | undefined {
    return this.all(name)[0]
  }

  texts(name: string): string[] {
    return this.all(name).map((value) => decoder.decode(value))
  }

  text(name: string): string | undefined {
    return this.texts(name)[0]
  }

  number(name: string): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : Number(text)
  }

  /** Seconds since the epoch; an invalid Date where there is none. */
  date(name: string): Date {
    return new Date((this.number(name) ?? NaN) * 1000)
  }

  groups(name: string): Fields[] {
    return this.all(name).map((value) => new Fields(value))
  }

  group(name: string): Fields {
    return new Fields(this.bytes(name) ?? new Uint8Array(0))
  }
}

/** Text that C will see with a NUL behind it: one inside would end it early. */
export function withoutNul(what: string, text: string): string {
  if (text.includes('\0')) throw usageError(`${what} must not contain a NUL character`)
  return text
}
