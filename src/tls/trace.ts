// A TLSSocket's trace: for people on stderr, as `enableTrace` and --trace-tls ask for it, and for programs as 'trace' events.
import type { EngineEvent } from '../engine/events.ts'
import { hostFlag } from '../host-flags.ts'
import { TraceDecoder, type TraceMessage } from './trace-decode.ts'
import { printed } from './trace-print.ts'

/** What it needs of the socket. */
export interface Traced {
  getProtocol(): string | null
  listenerCount(event: 'trace'): number
  emit(event: 'trace', message: TraceMessage): boolean
}

export class SocketTrace {
  /** Whether it is for people, too. */
  prints: boolean
  readonly #socket: Traced
  readonly #role: 'client' | 'server'
  #decoder: TraceDecoder | undefined

  /** @param enabled Node's option `enableTrace`; where it is not given, the command line counts */
  constructor(socket: Traced, role: 'client' | 'server', enabled: boolean | null | undefined) {
    this.#socket = socket
    this.#role = role
    this.prints = enabled ?? enabledByHost()
  }

  /** Each message in its turn: what follows is read by what came before. */
  tell(event: Extract<EngineEvent, { type: 'message' }>): void {
    this.#decoder ??= new TraceDecoder(this.#role, this.#socket.getProtocol())
    const message = this.#decoder.decode(event)
    if (this.#socket.listenerCount('trace')) this.#socket.emit('trace', message)
    if (this.prints) process.stderr.write(printed(message))
  }
}

let warned = false

function enabledByHost(): boolean {
  if (!hostFlag('trace-tls')) return false
  if (!warned) process.emitWarning('Enabling --trace-tls can expose sensitive data in the resulting log.')
  warned = true
  return true
}
