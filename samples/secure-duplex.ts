// A stream.Duplex over an engine: plaintext as a Node stream, so that all that takes a stream takes TLS, Node's HTTP parser among it.
// No program of its own: https-server.ts and https-client.ts use it.
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TlsEngine } from 'membio'
import { nodeSocket, Poller, type PollerHandlers, type PollerOptions } from 'membio/transport'

type Handlers = Pick<PollerHandlers, 'onSecure' | 'onEvent'>

export class SecureDuplex extends Duplex {
  readonly engine: TlsEngine
  readonly #poller: Poller

  constructor(engine: TlsEngine, socket: Socket, { onSecure, onEvent }: Handlers = {}, options?: PollerOptions) {
    super({ allowHalfOpen: true }) // when the peer has ended its direction, ours goes on until end()
    this.engine = engine
    const handlers: PollerHandlers = {
      onSecure,
      onEvent,
      onPlaintext: (chunk) => {
        if (!this.push(chunk)) this.#poller.pause() // nobody reads: the peer will feel it
      },
      onEnd: () => void this.push(null),
      onClose: (error) => void (error ? this.destroy(error) : undefined), // without an error, both ends have been told already
    }
    this.#poller = new Poller(engine, nodeSocket(socket), handlers, options)
  }

  override _read(): void {
    this.#poller.resume()
  }

  /** `written` is called once the bytes are encrypted and on their way: until then the stream holds back the next ones. */
  override _write(chunk: Uint8Array, _encoding: string, written: () => void): void {
    this.#poller.write(chunk, written)
  }

  override _final(done: () => void): void {
    this.#poller.closeWrite()
    done()
  }

  /** After both ends, or when somebody gives up: close_notify if it is still owed, then the socket. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#poller.close()
    done(error)
  }
}
