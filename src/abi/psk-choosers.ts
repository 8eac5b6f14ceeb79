// The host's side of wasm/psk.c: clients that choose their pre-shared key when they know the server's hint.
import { usageError } from '../errors.ts'
import type { Exports, Pointer } from './generated.ts'
import { HostFunctions } from './host-functions.ts'
import type { Memory } from './memory.ts'

/** @param hint what the server said (RFC 4279); undefined where it said nothing, and in TLS 1.3 */
export type RawPskChooser = (hint: string | undefined) => { identity: string; key: Uint8Array } | undefined

/** As membio_psk declares them. */
export type PskArguments = [
  chooser: number,
  hint: Pointer,
  identity: Pointer,
  identityCapacity: number,
  key: Pointer,
  keyCapacity: number,
]

const encoder = new TextEncoder()

export class PskChoosers extends HostFunctions<RawPskChooser> {
  constructor() {
    super('a `psk` function')
  }

  /** The import `psk`: the length of the key, or 0 for none. Without room for an identity it tells that the connection is gone. */
  choose(exports: Exports, memory: Memory, [id, hint, identity, identityCapacity, key, keyCapacity]: PskArguments): number {
    if (!identity) {
      this.gone(id)
      return 0
    }
    const call = (chooser: RawPskChooser) => chooser(hint ? memory.text(hint) : undefined)
    return this.call(exports, id, call, (given) => {
      if (given === undefined || given === null) return 0
      const name = checkedIdentity(given, identityCapacity)
      const secret = checkedKey(given, keyCapacity)
      memory.u8.set(name, identity)
      memory.u8.set(secret, key)
      return secret.length
    })
  }
}

/** With a NUL behind it. */
function checkedIdentity({ identity }: { identity: unknown }, capacity: number): Uint8Array {
  if (typeof identity !== 'string' || identity.includes('\0')) {
    throw usageError('a `psk` function must return an `identity`, text without a NUL, and a `key`, or undefined; not a promise')
  }
  const name = encoder.encode(`${identity}\0`)
  if (name.length > capacity) throw usageError(`the identity of a pre-shared key has ${name.length - 1} bytes, at most ${capacity - 1} fit`)
  return name
}

function checkedKey({ key }: { key: unknown }, capacity: number): Uint8Array {
  if (!(key instanceof Uint8Array)) throw usageError(`the key of a \`psk\` function must be a Uint8Array, not ${typeof key}`)
  if (key.length === 0 || key.length > capacity) throw usageError(`a pre-shared key has ${key.length} bytes, it must have 1 to ${capacity}`)
  return key
}
