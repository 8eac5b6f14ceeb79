// What the engine tells beside bytes: OpenSSL's callbacks, queued by wasm/events.c and decoded here.
import {
  TLS_DIRECTION_SENT,
  TLS_EVENT_ALERT,
  TLS_EVENT_CLIENT_HELLO,
  TLS_EVENT_KEYLOG,
  TLS_EVENT_MESSAGE,
  TLS_EVENT_SESSION,
  TLS_EVENT_SIGN,
  TLS_EVENT_STATE,
} from '../abi/generated.ts'
import type { Taken } from '../abi/memory.ts'
import { alertName } from '../errors.ts'
import { parseClientHello, type ClientHello } from './client-hello.ts'
import { signRequest, type SignRequest } from './signer.ts'

export type Direction = 'received' | 'sent'

export type EngineEvent =
  /** The handshake is complete: `engine.agreed` is there, plaintext may flow. */
  | { type: 'secureConnect' }
  /** Server, with `park: ['clientHello']`: nothing goes on until `engine.resume`. */
  | { type: 'clientHello'; hello: ClientHello }
  /** With `signer: 'event'`: our signature is needed; nothing goes on until `engine.resume({ signature })`, or `{ alert }` to give up. */
  | { type: 'sign'; request: SignRequest }
  /** A session to resume later; TLS 1.3 servers send several. Treat the bytes as a secret. lifetime is in seconds, 0 if unknown. */
  | { type: 'session'; session: Uint8Array; lifetime: number }
  /** One line in NSS key log format. A secret: whoever has it can read the connection. */
  | { type: 'keylog'; line: string }
  | { type: 'alert'; direction: Direction; level: 'warning' | 'fatal'; description: number; name: string }
  /** The peer has ended its direction in good order (RFC 8446, 6.1). */
  | { type: 'closeNotify' }
  /** Tracing: OpenSSL's state machine has come to this state. */
  | { type: 'state'; state: string }
  /** Tracing: a record header, handshake message, alert or ChangeCipherSpec, as it is before encryption. */
  | { type: 'message'; direction: Direction; content: MessageContent; bytes: Uint8Array }

export type MessageContent = 'recordHeader' | 'innerContentType' | 'changeCipherSpec' | 'alert' | 'handshake' | 'other'

/** RFC 8446, B.1; 256 and 257 are OpenSSL's pseudo types (SSL_CTX_set_msg_callback(3)). */
const CONTENTS: Record<number, MessageContent> = {
  20: 'changeCipherSpec',
  21: 'alert',
  22: 'handshake',
  256: 'recordHeader',
  257: 'innerContentType',
}

const decoder = new TextDecoder()

const directionOf = (detail: number): Direction => (detail >>> 16 === TLS_DIRECTION_SENT ? 'sent' : 'received')

export function decodeEvent({ kind, detail, bytes }: Taken): EngineEvent {
  switch (kind) {
    case TLS_EVENT_KEYLOG:
      return { type: 'keylog', line: decoder.decode(bytes) }
    case TLS_EVENT_SESSION:
      return { type: 'session', session: bytes, lifetime: detail }
    case TLS_EVENT_ALERT: {
      const description = detail & 0xff
      const level = ((detail >>> 8) & 0xff) === 2 ? 'fatal' : 'warning'
      return { type: 'alert', direction: directionOf(detail), level, description, name: alertName(description) }
    }
    case TLS_EVENT_STATE:
      return { type: 'state', state: decoder.decode(bytes) }
    case TLS_EVENT_MESSAGE:
      return { type: 'message', direction: directionOf(detail), content: CONTENTS[detail & 0xffff] ?? 'other', bytes }
    case TLS_EVENT_CLIENT_HELLO:
      return { type: 'clientHello', hello: parseClientHello(bytes) }
    case TLS_EVENT_SIGN:
      return { type: 'sign', request: signRequest(detail, bytes) }
    default:
      throw new Error(`internal: unknown event kind ${kind}`)
  }
}
