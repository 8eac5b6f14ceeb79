// One end of a pipe under test, with everything that it reports written down, and checked against the contract as it comes. Runs in every
// runtime: imports nothing that only Node has.
import * as assert from 'uvu/assert'
import type { ByteTransport, TransportReceiver } from '../../src/transport/index.ts'
import { concat } from '../support/chunk.ts'
import { pattern } from '../support/random.ts'

const { setImmediate: soon = (turn: () => void) => setTimeout(turn, 0) } = globalThis as { setImmediate?: (turn: () => void) => unknown }

/** A macrotask later. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => void soon(resolve))

/** Long enough for whatever was going to happen on the loopback. */
export async function someTurns(turns = 50): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn()
}

export class End implements TransportReceiver {
  readonly transport: ByteTransport
  readonly chunks: Uint8Array[] = []
  bytes = 0
  drains = 0
  /** Since a `write` that returned false. */
  full = false
  eofs = 0
  closes = 0
  readonly errors: (Error & { code?: unknown })[] = []
  /** What is done from within the callbacks. */
  hooks: Partial<TransportReceiver> = {}
  /** Set while a verb runs: no callback may come then. */
  #inVerb = false
  #isReset = false
  #wake: () => void = () => {}
  /** A broken contract: whoever waits is told. */
  #broken: Error | undefined

  constructor(transport: ByteTransport, attach: 'attached' | 'later' = 'attached') {
    this.transport = transport
    if (attach === 'attached') this.attach()
  }

  attach(): void {
    this.#verb(() => this.transport.attach(this))
  }
  write(chunk: Uint8Array): boolean {
    const room = this.#verb(() => this.transport.write(chunk))
    this.full = !room
    return room
  }
  pause(): void {
    this.#verb(() => this.transport.pause())
  }
  resume(): void {
    this.#verb(() => this.transport.resume())
  }
  end(): void {
    this.#verb(() => this.transport.end())
  }
  reset(): void {
    this.#isReset = true
    this.#verb(() => this.transport.reset())
  }

  onChunk(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    this.#check('onChunk', this.eofs === 0, 'after onEof')
    this.#check('onChunk', chunk.length > 0, 'with an empty chunk')
    this.#happened('onChunk')
    this.hooks.onChunk?.(chunk)
  }
  onDrain(): void {
    this.drains++
    this.#check('onDrain', this.full, 'without a write that returned false')
    this.full = false
    this.#happened('onDrain')
    this.hooks.onDrain?.()
  }
  onEof(): void {
    this.eofs++
    this.#check('onEof', this.eofs === 1, 'twice')
    this.#happened('onEof')
    this.hooks.onEof?.()
  }
  onError(error: Error): void {
    this.#happened('onError')
    this.errors.push(error)
    this.#check('onError', error instanceof Error, 'with something else')
    this.hooks.onError?.(error)
  }

  onClosed(): void {
    this.closes++
    this.#check('onClosed', this.eofs === 1, 'before the peer had ended')
    this.#check('onClosed', this.closes === 1, 'twice')
    this.#happened('onClosed')
    this.hooks.onClosed?.()
  }

  get received(): Uint8Array {
    return concat(this.chunks)
  }

  /** Over, one way or the other, as far as the peer is concerned. */
  get told(): boolean {
    return this.eofs + this.errors.length > 0
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
      if (this.#broken) throw this.#broken
    }
  }

  /** As a program should: waits where the pipe is full. */
  async send(bytes: Uint8Array, pieceSize: () => number = () => 65_536): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.slice(at, at + pieceSize())
      at += piece.length
      const { drains } = this
      if (!this.write(piece)) await this.until(() => this.drains > drains)
    }
  }

  /** Writes until the pipe takes no more, however long it is asked. @returns how many bytes it holds */
  async fill(limit: number, settle: () => Promise<void>): Promise<number> {
    for (let written = 16_384; ; written += 16_384) {
      assert.ok(written < limit, `${written} bytes are under way, and no end`)
      if (this.write(pattern(16_384))) await nextTurn()
      else await settle()
      if (this.full) return written
    }
  }

  #verb<T>(call: () => T): T {
    this.#inVerb = true
    try {
      return call()
    } finally {
      this.#inVerb = false
    }
  }

  #happened(callback: string): void {
    this.#check(callback, !this.#inVerb, 'from within a verb')
    this.#check(callback, this.errors.length === 0, 'after onError')
    this.#check(callback, !this.#isReset, 'after reset')
    this.#check(callback, this.closes === 0 || callback === 'onClosed', 'after onClosed')
    this.#wake()
  }

  #check(callback: string, holds: boolean, what: string): void {
    if (holds) return
    this.#broken ??= new Error(`${callback} came ${what}`)
    this.#wake()
    throw this.#broken
  }
}

/** Much faster than assert.equal, and it says where. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.is(actual.length, expected.length)
  let at = 0
  while (at < actual.length && actual[at] === expected[at]) at++
  assert.is(at, actual.length, `differs at byte ${at}`)
}
