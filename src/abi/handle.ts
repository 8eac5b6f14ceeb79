// A pointer with an owner: freed once, by its owner; and by the garbage collector where the owner was dropped without a word.

interface Held<P> {
  pointer: P
  free: (pointer: P) => void
}

/**
 * Calls `collected` some time after an owner is gone. Where the runtime has no such thing it never does (workerd with a compatibility date
 * before May 2025): what is not freed there stays until the isolate goes.
 */
export function safetyNet<T>(collected: (held: T) => void): Pick<FinalizationRegistry<T>, 'register' | 'unregister'> {
  return globalThis.FinalizationRegistry ? new FinalizationRegistry(collected) : { register: () => {}, unregister: () => false }
}

/** Holds no reference to the owner, or the owner would never be collected. */
const registry = safetyNet<Held<never>>(({ pointer, free }) => free(pointer))

export class Handle<P extends number> {
  #held: Held<P> | undefined

  /** @param free receives the pointer; it must not refer to the owner, or the safety net never closes. */
  constructor(pointer: P, free: (pointer: P) => void) {
    this.#held = { pointer, free }
    registry.register(this, this.#held as unknown as Held<never>, this)
  }

  get isFree(): boolean {
    return this.#held === undefined
  }

  /** The pointer. Using a freed handle is a bug of ours: callers check `isFree` where users can get there. */
  get pointer(): P {
    if (!this.#held) throw new ReferenceError('used after free')
    return this.#held.pointer
  }

  /** Frees the object now; a second call does nothing. */
  free(): void {
    if (!this.#held) return
    const { pointer, free } = this.#held
    free(pointer) // may be refused, when called from inside a signer: then nothing has changed
    this.#held = undefined
    registry.unregister(this)
  }
}
