// TLS sessions by peer, as node:https keeps them: the newest of each, a bounded number, the oldest key out first. A session is given out as
// often as there are connections to resume, which lets an observer link them (RFC 8446, C.4); the engine's SessionCache does not do that.

export class SessionStore {
  /** By key; and the keys, oldest first. Node has them by these names. */
  readonly map: Record<string, Buffer> = {}
  readonly list: string[] = []

  get(key: string): Buffer | undefined {
    return Object.hasOwn(this.map, key) ? this.map[key] : undefined
  }

  /** @param capacity how many keys there may be; 0 keeps nothing */
  set(key: string, session: Buffer, capacity: number): void {
    if (capacity === 0) return
    if (!Object.hasOwn(this.map, key)) {
      while (this.list.length >= capacity) delete this.map[this.list.shift()!]
      this.list.push(key)
    }
    this.map[key] = session
  }

  delete(key: string): void {
    const index = this.list.indexOf(key)
    if (index === -1) return
    this.list.splice(index, 1)
    delete this.map[key]
  }
}
