// One TLS connection, made in this tab: a WebSocket to the proxy carries its bytes, membio makes and opens them. Knows no page: what
// happens is told to a watcher.
import { createContext, type Agreed, type EngineEvent, type SecureContext, type TlsEngine, type TlsError } from 'membio'
import { Poller, webSocket, webSocketProxy, type ByteTransport } from 'membio/transport'
import { mozillaRoots } from 'membio/roots'

export type Direction = 'sent' | 'received'
export type TraceEvent = Extract<EngineEvent, { type: 'message' }>
export type VerifyEvent = Extract<EngineEvent, { type: 'verify' }>

/** Where to, and whom to trust. */
export interface Wish {
  host: string
  port: number
  /** PEM; undefined: Mozilla's roots. */
  ca: string | undefined
  maxVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** Who looks on. */
export interface Watcher {
  /** A record, or what is in it, on our side of the encryption. */
  onTrace(event: TraceEvent): void
  /** The server's certificates were looked at: as they were sent, and as verification put them together. */
  onCertificates(event: VerifyEvent): void
  /** What passes the proxy. */
  onCiphertext(direction: Direction, chunk: Uint8Array): void
  onSecure(agreed: Agreed): void
  onPlaintext(chunk: Uint8Array): void
  /** The last call. */
  onClose(error?: TlsError): void
}

export class Session {
  readonly #poller: Poller

  /** Connects at once. @param proxy "ws://localhost:8080/v1" @throws TlsError if the certificates to trust are none */
  constructor({ host, port, ca = mozillaRoots, maxVersion }: Wish, proxy: string, watcher: Watcher) {
    const context = createContext({ ca, maxVersion })
    const engine = engineOf(context, host)
    const { url, protocols } = webSocketProxy(proxy, host, port)
    const pipe = tapped(webSocket(new WebSocket(url, protocols)), (direction, chunk) => watcher.onCiphertext(direction, chunk))
    const decisions = {
      verify: (event: VerifyEvent) => {
        watcher.onCertificates(event)
        return { verdict: 'keep' as const }
      },
    }
    const handlers = {
      onEvent: (event: { type: string }) => {
        if (event.type === 'message') watcher.onTrace(event as TraceEvent)
      },
      onSecure: (agreed: Agreed) => watcher.onSecure(agreed),
      onPlaintext: (chunk: Uint8Array) => watcher.onPlaintext(chunk),
      onClose: (error?: TlsError) => {
        context.free()
        watcher.onClose(error)
      },
    }
    this.#poller = new Poller(engine, pipe, handlers, { decisions, deadlines: { handshake: 15_000 } })
  }

  write(text: string): void {
    this.#poller.write(text)
  }

  close(): void {
    this.#poller.close()
  }

  /** At once, without a word: `onClose` is called all the same. */
  destroy(): void {
    this.#poller.destroy()
  }
}

/** Parked at `verify`, the handshake shows the chain, be it good or bad. The verdict is left as OpenSSL has it. */
function engineOf(context: SecureContext, servername: string): TlsEngine {
  try {
    return context.createEngine({ role: 'client', servername, alpn: ['http/1.1'], trace: true, park: ['verify'] })
  } catch (error) {
    context.free() // contexts and engines are WebAssembly's memory, which nobody else takes back soon
    throw error
  }
}

/** A transport is five verbs and four callbacks, so whoever wants to see what passes stands in between. */
function tapped(pipe: ByteTransport, look: (direction: Direction, chunk: Uint8Array) => void): ByteTransport {
  return {
    attach: (receiver) =>
      pipe.attach({
        onChunk(chunk) {
          look('received', chunk)
          receiver.onChunk(chunk)
        },
        onDrain: () => receiver.onDrain(),
        onEof: () => receiver.onEof(),
        onError: (error) => receiver.onError(error),
      }),
    write(chunk) {
      look('sent', chunk)
      return pipe.write(chunk)
    },
    pause: () => pipe.pause(),
    resume: () => pipe.resume(),
    end: () => pipe.end(),
    reset: () => pipe.reset(),
  }
}
