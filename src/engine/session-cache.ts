// Where a client keeps sessions between connections: bounded, oldest out first, wiped when dropped.
import { usageError } from '../errors.ts'

/**
 * Sessions by peer. Each is given out once: a TLS 1.3 ticket that is used twice lets observers link the connections (RFC 8446, C.4),
 * and servers send several.
 */
export class SessionCache {
  readonly #capacity: number
  readonly #sessions = new Map<string, Uint8Array[]>()
  #size = 0

  /** @param capacity sessions to keep at most. Default 100, some 200 KB */
  constructor(capacity = 100) {
    if (!Number.isInteger(capacity) || capacity < 1) throw usageError('SessionCache: `capacity` must be a positive integer')
    this.#capacity = capacity
  }

  /** Sessions kept. */
  get size(): number {
    return this.#size
  }

  /** @param key whom the session is with: host, port, and whatever else must be alike for it to be resumed */
  add(key: string, session: Uint8Array): void {
    const kept = this.#sessions.get(key) ?? []
    this.#sessions.delete(key) // and in again at the end: used last
    kept.push(session.slice())
    this.#sessions.set(key, kept)
    this.#size++
    while (this.#size > this.#capacity) this.#dropOldest()
  }

  /** The newest session with this peer, which is no longer kept; undefined when there is none. */
  take(key: string): Uint8Array | undefined {
    const kept = this.#sessions.get(key)
    const session = kept?.pop()
    if (session) this.#size--
    if (kept && !kept.length) this.#sessions.delete(key)
    return session
  }

  /** Drops and wipes all. */
  clear(): void {
    while (this.#size) this.#dropOldest()
  }

  #dropOldest(): void {
    const [key, kept] = this.#sessions.entries().next().value!
    kept.shift()?.fill(0)
    this.#size--
    if (!kept.length) this.#sessions.delete(key)
  }
}
