// Functions of the host's that OpenSSL calls in the midst of a handshake, by number: for the module a number stands for a function. It
// says when it is done with one, which may be later than the host expects: keys outlive their contexts.
import { usageError } from '../errors.ts'
import { EXPORT_NAMES, type Exports } from './generated.ts'

/** The module is told so; why is kept for `takeThrown`. */
export const FAILED = -1

export class HostFunctions<F> {
  /** Who was called, for the error about calling back: "a signer". */
  readonly #what: string
  readonly #functions = new Map<number, F>()
  #last = 0
  #thrown: { error: unknown } | undefined

  constructor(what: string) {
    this.#what = what
  }

  /** How many the module still refers to; for leak tests. */
  get size(): number {
    return this.#functions.size
  }

  /** Returns the number to be given to the module. */
  add(one: F): number {
    do this.#last = (this.#last + 1) >>> 0 || 1
    while (this.#functions.has(this.#last))
    this.#functions.set(this.#last, one)
    return this.#last
  }

  /** Why the last call failed; given once. */
  takeThrown(): { error: unknown } | undefined {
    const thrown = this.#thrown
    this.#thrown = undefined
    return thrown
  }

  /** The module is done with it. */
  protected gone(id: number): void {
    this.#functions.delete(id)
  }

  /** Nothing may be thrown through the module's frames, so failures are kept for `takeThrown`. @param use turns what came out into a number */
  protected call<T>(exports: Exports, id: number, call: (one: F) => T, use: (result: T) => number): number {
    try {
      return use(this.#withoutReentry(exports, () => call(this.#functions.get(id)!)))
    } catch (error) {
      this.#thrown = { error }
      return FAILED
    }
  }

  /**
   * OpenSSL is on the stack and must not be entered again: meanwhile every export throws. Who swallows that error meets it again in the
   * end.
   */
  #withoutReentry<T>(exports: Exports, call: () => T): T {
    const real = { ...exports }
    let reentered: Error | undefined
    const refuse = () => {
      const message = `membio was called from inside ${this.#what}, which must return first`
      throw (reentered ??= usageError(message, 'ERR_TLS_REENTERED'))
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
}
