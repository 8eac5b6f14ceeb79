// When a program hears of sessions: a client's once it trusts the peer; a server's at once, to be stored before the handshake ends. In TLS 1.3,
// where they are tickets, a server's program hears of them after 'secureConnection', as in Node.
import type { Agreed } from '../engine/agreed.ts'
import { bufferOf } from './errors.ts'
import { storeSession } from './server-decisions.ts'
import type { TLSSocket } from './socket.ts'

export class SessionTeller {
  readonly #socket: TLSSocket
  readonly #tickets: [id: Uint8Array, session: Uint8Array][] = []
  #storing = false
  /** What waits until the session is stored. */
  #held: (() => void) | undefined
  #trusted = false
  #untilTrusted: Uint8Array | undefined

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  onSession(session: Uint8Array, id: Uint8Array): void {
    const socket = this.#socket
    if (!socket._tlsOptions.isServer) {
      if (this.#trusted) socket.emit('session', bufferOf(session))
      else this.#untilTrusted = session
    } else if (socket._handle?.use((engine): Agreed | undefined => engine.agreed)?.version === 'TLSv1.3') {
      this.#tickets.push([id, session])
      if (socket._secureEstablished) this.tellTickets()
    } else {
      this.#storing = true
      storeSession(socket, bufferOf(id), bufferOf(session), () => this.#stored())
    }
  }

  /** @param goOn called later where the answer is true: a session is being stored */
  holds(goOn: () => void): boolean {
    if (this.#storing) this.#held = goOn
    return this.#storing
  }

  trust(): void {
    this.#trusted = true
    if (this.#untilTrusted) this.#socket.emit('session', bufferOf(this.#untilTrusted))
    this.#untilTrusted = undefined
  }

  tellTickets(): void {
    for (const [id, session] of this.#tickets.splice(0)) storeSession(this.#socket, bufferOf(id), bufferOf(session), () => {})
  }

  #stored(): void {
    const held = this.#held
    this.#storing = false
    this.#held = undefined
    held?.()
  }
}
