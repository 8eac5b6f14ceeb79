// Where a connection stands. OpenSSL owns the handshake; this keeps only what a caller needs to know: one phase, and how each
// direction ended. Every transition is in the table, and only Progress makes one.

/** idle until the first call; failed after a fatal error; closed when both directions have ended, or it was freed. */
export type Phase = 'idle' | 'handshaking' | 'open' | 'closing' | 'closed' | 'failed'

/** open; ended in good order by close_notify; cut off by the end of the transport. */
export type ReadSide = 'open' | 'closeNotify' | 'truncated'
/** open; ended by our close_notify. */
export type WriteSide = 'open' | 'closeNotify'

export const TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {
  idle: ['handshaking', 'closed', 'failed'],
  handshaking: ['open', 'closed', 'failed'],
  open: ['closing', 'closed', 'failed'], // closing: one direction has ended (RFC 8446, 6.1: each ends on its own)
  closing: ['closed', 'failed'],
  closed: [], // both directions have ended, or the engine was freed
  failed: ['closed'], // a failed engine is still there for its error and its alert, until it is freed
}

export class Progress {
  #phase: Phase = 'idle'
  #readSide: ReadSide = 'open'
  #writeSide: WriteSide = 'open'

  get phase(): Phase {
    return this.#phase
  }
  get readSide(): ReadSide {
    return this.#readSide
  }
  get writeSide(): WriteSide {
    return this.#writeSide
  }

  enter(next: Phase): void {
    if (next === this.#phase) return
    if (!TRANSITIONS[this.#phase].includes(next)) throw new Error(`internal: ${this.#phase} cannot become ${next}`)
    this.#phase = next
  }

  endReading(how: Exclude<ReadSide, 'open'>): void {
    if (this.#readSide !== 'open') return
    this.#readSide = how
    if (how === 'closeNotify') this.#oneSideEnded()
  }

  endWriting(): void {
    if (this.#writeSide !== 'open') return
    this.#writeSide = 'closeNotify'
    this.#oneSideEnded()
  }

  #oneSideEnded(): void {
    this.enter(this.#readSide === 'closeNotify' && this.#writeSide === 'closeNotify' ? 'closed' : 'closing')
  }
}
