// `createSecurePair`: TLS without a socket, as programs had it before TLSSocket took any stream: ciphertext at one end, plaintext at the other.
import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import { deprecate } from 'node:util'
import { createSecureContext, SecureContext } from './secure-context.ts'
import type { SocketOptions } from './socket-options.ts'
import { TLSSocket } from './socket.ts'

/** Emits 'secure' when the handshake is done. */
export class SecurePair extends EventEmitter {
  readonly server: unknown
  readonly credentials: SecureContext
  /** For the network. */
  readonly encrypted: Duplex
  /** For the program. */
  readonly cleartext: TLSSocket

  constructor(context: SecureContext | undefined, settings: SocketOptions) {
    super()
    const [outside, inside] = duplexPair()
    this.server = settings.server
    this.credentials = context === undefined ? createSecureContext() : context
    this.encrypted = outside
    this.cleartext = new TLSSocket(inside, { secureContext: this.credentials, ...settings })
    this.cleartext.once('secure', () => this.emit('secure'))
    if (context === undefined) this.cleartext.once('close', () => this.credentials.context.close())
  }

  destroy(): void {
    this.cleartext.destroy()
    this.encrypted.destroy()
  }
}

/**
 * `createSecurePair([context][, isServer][, requestCert][, rejectUnauthorized][, options])`.
 * @deprecated use TLSSocket over any Duplex
 */
export const createSecurePair = deprecate(
  (context?: SecureContext, isServer = false, requestCert = !isServer, rejectUnauthorized = false, options: SocketOptions = {}) =>
    new SecurePair(context, { isServer, requestCert, rejectUnauthorized, ...options }),
  'tls.createSecurePair() is deprecated. Please use tls.TLSSocket instead.',
  'DEP0064',
)

/** Two ends of one pipe in memory: a write is done when the other end has asked for more, so that back-pressure reaches the writer. */
class PipeEnd extends Duplex {
  other!: PipeEnd
  #delivered: (() => void) | undefined

  override _read(): void {
    const delivered = this.#delivered
    this.#delivered = undefined
    delivered?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (chunk.length) this.other.#receive(chunk, done)
    else process.nextTick(done)
  }

  override _final(done: () => void): void {
    this.other.once('end', done)
    this.other.push(null)
  }

  #receive(chunk: Buffer, delivered: () => void): void {
    this.#delivered = delivered
    this.push(chunk)
  }
}

function duplexPair(): [PipeEnd, PipeEnd] {
  const [one, two] = [new PipeEnd(), new PipeEnd()]
  one.other = two
  two.other = one
  return [one, two]
}
