// The HTTP half of a server whose connections are TLS: an http.Server that never listens, gets the sockets as 'connection', and whose
// events are those of the server in front of it.
import * as http from 'node:http'
import type * as net from 'node:net'

/** What it says to itself; all else is for programs, and goes to the server in front. */
export const INTERNAL: readonly (string | symbol)[] = ['connection', 'listening', 'close', 'newListener', 'removeListener']

export class HttpSide extends http.Server {
  #front!: net.Server

  /** What a program says of it; from now on its properties are here, its events there. */
  standBehind(front: net.Server): void {
    this.#front = front
    share(front, this)
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (INTERNAL.includes(event)) return super.emit(event as never, ...(args as never[]))
    return this.#front.emit(event as never, ...(args as never[]))
  }

  override listenerCount(event: string | symbol): number {
    return INTERNAL.includes(event) ? super.listenerCount(event) : this.#front.listenerCount(event)
  }

  /** The server in front listens: from now on connections are counted and the time that requests take is looked at. */
  begin(): void {
    this.emit('listening')
    share(this.#front, this)
  }

  /** A connection whose handshake is done. */
  serve(socket: net.Socket): void {
    this.emit('connection', socket)
    ;(socket as { server?: net.Server }).server = this.#front
  }
}

/** Makes the properties of a server, whichever this runtime gives it, those of the server in front too. */
export function share(front: net.Server, behind: net.Server): void {
  for (const name of Reflect.ownKeys(behind)) {
    if (name in front) continue
    const property = { get: () => Reflect.get(behind, name) as unknown, set: (value: unknown) => void Reflect.set(behind, name, value) }
    Object.defineProperty(front, name, { configurable: true, enumerable: typeof name === 'string', ...property })
  }
}
