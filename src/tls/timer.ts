// The idle timeout of a socket: `setTimeout`, 'timeout' and what restarts the clock.
import type * as net from 'node:net'
import { errors, validateFunction, validateNumber } from './errors.ts'

/** What setTimeout takes: more overflows it. */
const LONGEST = 2 ** 31 - 1

export class SocketTimer {
  readonly #socket: net.Socket
  #timer: NodeJS.Timeout | undefined
  #milliseconds = 0

  constructor(socket: net.Socket) {
    this.#socket = socket
  }

  set(milliseconds: number, callback?: () => void): void {
    const socket = this.#socket as net.Socket & { timeout?: number }
    if (socket.destroyed) return
    validateNumber(milliseconds, 'msecs')
    if (!(milliseconds >= 0 && Number.isFinite(milliseconds))) throw errors.outOfRange('msecs', 'a non-negative finite number', milliseconds)
    if (callback !== undefined) validateFunction(callback, 'callback')
    this.#milliseconds = Math.min(milliseconds, LONGEST)
    socket.timeout = this.#milliseconds
    this.touch()
    if (!callback) return
    if (milliseconds === 0) socket.removeListener('timeout', callback)
    else socket.once('timeout', callback)
  }

  /** Starts from the beginning. */
  touch(): void {
    this.stop()
    if (this.#milliseconds && !this.#socket.destroyed) {
      this.#timer = setTimeout(() => this.#socket.emit('timeout'), this.#milliseconds)
      this.#timer.unref()
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
