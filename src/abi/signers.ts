// The host's side of wasm/signer.c: signers by number. A number lives as long as the key in the module that carries it, which may
// be longer than its context: connections go on without that.
import { usageError } from '../errors.ts'
import { EXPORT_NAMES, type Exports, type Pointer } from './generated.ts'
import type { Memory } from './memory.ts'

/** @param scheme IANA's number of a TLS SignatureScheme */
export type RawSigner = (scheme: number, message: Uint8Array) => Uint8Array

/** As membio_sign declares them. */
export type SignArguments = [signer: number, scheme: number, message: Pointer, length: number, out: Pointer, capacity: number]

/** Instead of a scheme: the key is gone. */
const SIGNER_GONE = 0
const FAILED = -1

export class Signers {
  readonly #signers = new Map<number, RawSigner>()
  #last = 0
  #thrown: { error: unknown } | undefined

  /** How many keys have a signer; for leak tests. */
  get size(): number {
    return this.#signers.size
  }

  /** Returns the number to be given to the module, which says by `sign` when it is done with it. */
  add(signer: RawSigner): number {
    do this.#last = (this.#last + 1) >>> 0
    while (this.#signers.has(this.#last))
    this.#signers.set(this.#last, signer)
    return this.#last
  }

  /** Why the last signature failed; given once. */
  takeThrown(): { error: unknown } | undefined {
    const thrown = this.#thrown
    this.#thrown = undefined
    return thrown
  }

  /** The import `sign`. Nothing may be thrown through the module's frames, so failures are kept for `takeThrown`. */
  sign(exports: Exports, memory: Memory, [id, scheme, message, length, out, capacity]: SignArguments): number {
    if (scheme === SIGNER_GONE) {
      this.#signers.delete(id)
      return 0
    }
    try {
      const signature = withoutReentry(exports, () => this.#signers.get(id)!(scheme, memory.slice(message, length)))
      memory.u8.set(checked(signature, capacity), out)
      return signature.length
    } catch (error) {
      this.#thrown = { error }
      return FAILED
    }
  }
}

/**
 * OpenSSL is on the stack and must not be entered again: meanwhile every export throws. Who swallows that error meets it again in the
 * end.
 */
function withoutReentry<T>(exports: Exports, call: () => T): T {
  const real = { ...exports }
  let reentered: Error | undefined
  const refuse = () => {
    throw (reentered ??= usageError('membio was called from inside a signer: the signer must return first', 'ERR_TLS_REENTERED'))
  }
  for (const name of EXPORT_NAMES) exports[name] = refuse
  try {
    const result = call()
    if (reentered) throw reentered
    return result
  } finally {
    Object.assign(exports, real)
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
