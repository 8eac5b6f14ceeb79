// What can be done with a connection beside reading and writing: new keys, new handshakes, tickets; what binds to it, and what it would
// be resumed with. The C side is wasm/live.c and wasm/peer.c.
import {
  TLS_BINDING_EXPORTER,
  TLS_BINDING_FINISHED,
  TLS_BINDING_PEER_FINISHED,
  TLS_BINDING_SERVER_END_POINT,
  TLS_BINDING_UNIQUE,
  TLS_ERROR,
  type TlsBytesPointer,
  type TlsConnectionPointer,
} from '../abi/generated.ts'
import { counted } from '../abi/memory.ts'
import { settingError } from '../errors.ts'
import { VERIFY_MODES } from './configurator.ts'
import { Connection, type ContextLike, type Status } from './connection.ts'

/** RFC 5929, RFC 9266; what SCRAM and friends bind to. */
export type ChannelBinding = 'tls-unique' | 'tls-server-end-point' | 'tls-exporter'
const BINDINGS: Record<ChannelBinding, number> = {
  'tls-unique': TLS_BINDING_UNIQUE,
  'tls-server-end-point': TLS_BINDING_SERVER_END_POINT,
  'tls-exporter': TLS_BINDING_EXPORTER,
}

/** @typeParam Context what `resume` may move the connection to */
export abstract class LiveConnection<Context extends ContextLike> extends Connection<Context> {
  /** TLS 1.3: new keys for our direction; with 'requested' the peer is asked for the same (RFC 8446, 4.6.3). */
  keyUpdate(peer: 'requested' | 'notRequested' = 'notRequested'): Status {
    const connection = this.established('keyUpdate')
    return this.#live('keyUpdate', this.library.exports.tls_key_update(connection, peer === 'requested' ? 1 : 0))
  }

  /**
   * TLS 1.2: a new handshake on this connection. The peer must allow it; an `agreed` event tells when it is done.
   */
  renegotiate(): Status {
    return this.#live('renegotiate', this.library.exports.tls_renegotiate(this.established('renegotiate')))
  }

  /**
   * Server, TLS 1.3: asks a client that offered `postHandshakeAuth` for its certificate (RFC 8446, 4.6.2); an `agreed` event tells when it
   * came.
   */
  requestCertificate(mode: 'request' | 'require' = 'require'): Status {
    const connection = this.established('requestCertificate')
    return this.#live('requestCertificate', this.library.exports.tls_request_certificate(connection, VERIFY_MODES[mode]))
  }

  /** Server, TLS 1.3: sends the client one more ticket. */
  sendTicket(): Status {
    return this.#live('sendTicket', this.library.exports.tls_send_ticket(this.established('sendTicket')))
  }

  /** A refused request is the caller's error and leaves the connection as it was; a failed connection is final. */
  #live(call: string, status: number): Status {
    const { exports, memory } = this.library
    this.mayRead = true
    if (status === TLS_ERROR && !exports.tls_connection_failed(this.handle.pointer)) {
      throw settingError(memory.error(exports.tls_library_error()), call)
    }
    return this.statusOf(status, call)
  }

  /** The bytes that bind an authentication in this connection to it. @throws TlsError of kind `usage` where it is not defined, as tls-unique in TLS 1.3 */
  channelBinding(type: ChannelBinding): Uint8Array {
    return this.#binding(`channelBinding('${type}')`, BINDINGS[type])
  }

  /** The Finished message that we sent, and the one the peer did. */
  finished(of: 'own' | 'peer'): Uint8Array {
    return this.#binding('finished', of === 'own' ? TLS_BINDING_FINISHED : TLS_BINDING_PEER_FINISHED)
  }

  #binding(call: string, type: number): Uint8Array {
    const { exports, memory } = this.library
    const taken = memory.take(exports.tls_peer_channel_binding(this.established(call), type))
    if (!taken) throw settingError(memory.error(exports.tls_library_error()), call)
    return taken.bytes
  }

  /**
   * Keying material bound to this connection (RFC 8446, 7.5; RFC 5705).
   * @param context distinguishes uses of one label; leaving it out and passing none differ before TLS 1.3
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    const connection = this.established('exportKeyingMaterial')
    const { exports, memory } = this.library
    const exported = memory.lend([label, context], (name, at) =>
      memory.take(exports.tls_peer_exporter(connection, name, at, context?.length ?? 0, length)),
    )
    if (!exported) throw settingError(memory.error(exports.tls_library_error()), 'exportKeyingMaterial')
    return exported.bytes
  }

  /** Bytes of plaintext in the records to come, 512 to 16,384; smaller ones can be used sooner. */
  setMaxSendFragment(size: number): void {
    const { exports, memory } = this.library
    const status = exports.tls_set_max_send_fragment(this.alive('setMaxSendFragment'), size)
    if (status === TLS_ERROR) throw settingError(memory.error(exports.tls_library_error()), 'setMaxSendFragment')
  }

  // ---- What it would be resumed with, and what could have been agreed on. ----

  /**
   * The current session in DER (SSL_get_session(3)): undefined before the handshake is done and after `free`. In TLS 1.3 a client can
   * resume it once a ticket has come, of which the `session` event tells; before that, it only describes the connection. A secret.
   */
  session(): Uint8Array | undefined {
    return this.#ask((connection) => this.library.exports.tls_peer_session(connection))
  }

  /** The ticket of the current session; undefined where there is none (yet). */
  ticket(): Uint8Array | undefined {
    return this.#ask((connection) => this.library.exports.tls_peer_ticket(connection))
  }

  /**
   * The signature schemes that the peer has offered and we know, best first, as "RSA-PSS+SHA256": on servers, and on clients that were
   * asked for a certificate. Where the hash is not chosen apart, as in Ed25519, it is "UNDEF".
   */
  sharedSignatureSchemes(): string[] {
    const list = this.#ask((connection) => this.library.exports.tls_peer_shared_signature_schemes(connection))
    return Array.from(counted(list ?? new Uint8Array(0)), (name) => decoder.decode(name))
  }

  #ask(call: (connection: TlsConnectionPointer) => TlsBytesPointer): Uint8Array | undefined {
    if (!this.agreed || this.handle.isFree) return undefined
    return this.library.memory.take(call(this.handle.pointer))?.bytes
  }
}

const decoder = new TextDecoder()
