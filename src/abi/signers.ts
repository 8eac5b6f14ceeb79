// The host's side of wasm/signer.c: signatures with private keys that are somewhere else.
import { usageError } from '../errors.ts'
import type { Exports, Pointer } from './generated.ts'
import { HostFunctions } from './host-functions.ts'
import type { Memory } from './memory.ts'

/** @param scheme IANA's number of a TLS SignatureScheme */
export type RawSigner = (scheme: number, message: Uint8Array) => Uint8Array

/** As membio_sign declares them. */
export type SignArguments = [signer: number, scheme: number, message: Pointer, length: number, out: Pointer, capacity: number]

/** Instead of a scheme: the key is gone. */
const SIGNER_GONE = 0

export class Signers extends HostFunctions<RawSigner> {
  constructor() {
    super('a signer')
  }

  /** The import `sign`. */
  sign(exports: Exports, memory: Memory, [id, scheme, message, length, out, capacity]: SignArguments): number {
    if (scheme === SIGNER_GONE) {
      this.gone(id)
      return 0
    }
    const call = (signer: RawSigner) => signer(scheme, memory.slice(message, length))
    return this.call(exports, id, call, (given) => {
      const signature = checked(given, capacity)
      memory.u8.set(signature, out)
      return signature.length
    })
  }
}

function checked(signature: unknown, capacity: number): Uint8Array {
  if (signature instanceof Promise) {
    throw usageError("a signer must return a Uint8Array, not a promise: for signatures that take time there is `signer: 'event'`")
  }
  if (!(signature instanceof Uint8Array)) throw usageError(`a signer must return a Uint8Array, not ${typeof signature}`)
  if (signature.length > capacity) {
    throw usageError(`a signer returned ${signature.length} bytes, a signature of its key has at most ${capacity}`)
  }
  return signature
}
