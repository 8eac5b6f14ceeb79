// What the engine tells beside bytes: OpenSSL's callbacks, queued by wasm/events.c and decoded here.
import {
  TLS_DIRECTION_SENT,
  TLS_EVENT_AGREED,
  TLS_EVENT_ALERT,
  TLS_EVENT_CERTIFICATE_REQUEST,
  TLS_EVENT_CLIENT_HELLO,
  TLS_EVENT_EARLY_DATA,
  TLS_EVENT_KEYLOG,
  TLS_EVENT_MESSAGE,
  TLS_EVENT_PSK,
  TLS_EVENT_RENEGOTIATION,
  TLS_EVENT_SESSION,
  TLS_EVENT_SIGN,
  TLS_EVENT_STATE,
} from '../abi/generated.ts'
import { counted, type Taken } from '../abi/memory.ts'
import { alertName } from '../errors.ts'
import { parseClientHello, type ClientHello } from './client-hello.ts'
import { signRequest, type SignRequest } from './signer.ts'

/** Seen from here. */
export type Direction = 'received' | 'sent'

/** What `engine.nextEvent` and a poller's `onEvent` tell, by `type`. */
export type EngineEvent =
  /** The handshake is complete: `engine.agreed` is there, plaintext may flow. */
  | { type: 'secureConnect' }
  /** `engine.agreed` has changed: by renegotiation, or post-handshake authentication. */
  | { type: 'agreed' }
  /** With `park`, or `signer: 'event'`: nothing goes on until `engine.resume`. */
  | ParkEvent
  /**
   * A session to resume later. On clients; TLS 1.3 servers send several. On servers with `tickets: 'stateful'` or 'both', to be stored under its id
   * and brought back by a decision on `clientHello`. Treat the bytes as a secret. lifetime is in seconds.
   */
  | { type: 'session'; session: Uint8Array; id: Uint8Array; lifetime: number }
  /** Server: 0-RTT plaintext. Whoever recorded it can send it again: act on it only where twice does no harm (RFC 8446, 8). */
  | { type: 'earlyData'; plaintext: Uint8Array }
  /** One line in NSS key log format. A secret: whoever has it can read the connection. */
  | { type: 'keylog'; line: string }
  | { type: 'alert'; direction: Direction; level: 'warning' | 'fatal'; description: number; name: string }
  /** The peer has ended its direction in good order (RFC 8446, 6.1). */
  | { type: 'closeNotify' }
  /** Tracing: OpenSSL's state machine has come to this state. */
  | { type: 'state'; state: string }
  /** Tracing: a record header, handshake message, alert or ChangeCipherSpec, as it is before encryption. */
  | { type: 'message'; direction: Direction; content: MessageContent; bytes: Uint8Array }

/** The places where a handshake can wait for a decision. */
export type ParkEvent =
  /** Server: what the client offers, before anything is chosen. */
  | { type: 'clientHello'; hello: ClientHello }
  /** Client: the server wants a certificate; the names of the CAs it trusts, each in DER. None means any. */
  | { type: 'certificateRequest'; caNames: Uint8Array[] }
  /**
   * The peer's certificate was looked at, with this result. Chains are in DER, leaf first: as sent, and as built by verification. A server is
   * not asked about certificates that come after the first handshake (`requestCertificate`): there the result holds.
   */
  | { type: 'verify'; ok: boolean; code?: string; depth: number; peerChain: Uint8Array[]; verifiedChain: Uint8Array[] }
  /** Server, TLS 1.2: the client wants to use the key with this identity. (In TLS 1.3 identities come in the ClientHello.) */
  | { type: 'psk'; identity: string }
  /** Server, TLS 1.2: the client asks for a new handshake. To refuse it: `refuseRenegotiation`, or an alert, which ends the connection. */
  | { type: 'renegotiation' }
  /** With `signer: 'event'`: the handshake needs a signature of ours. */
  | { type: 'sign'; request: SignRequest }

/** Whether the handshake waits for an answer to this event. */
export const isParkEvent = (event: EngineEvent): event is ParkEvent => PARK_EVENTS.has(event.type)
const PARK_EVENTS: ReadonlySet<EngineEvent['type']> = new Set<ParkEvent['type']>(['clientHello', 'certificateRequest', 'verify', 'psk', 'renegotiation', 'sign'])

/** What a `message` event holds. */
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
      return { type: 'session', id: bytes.slice(1, 1 + bytes[0]!), session: bytes.slice(1 + bytes[0]!), lifetime: detail }
    case TLS_EVENT_AGREED:
      return { type: 'agreed' }
    case TLS_EVENT_EARLY_DATA:
      return { type: 'earlyData', plaintext: bytes }
    case TLS_EVENT_PSK:
      return { type: 'psk', identity: decoder.decode(bytes) }
    case TLS_EVENT_RENEGOTIATION:
      return { type: 'renegotiation' }
    case TLS_EVENT_CERTIFICATE_REQUEST:
      return { type: 'certificateRequest', caNames: [...counted(bytes)] }
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
