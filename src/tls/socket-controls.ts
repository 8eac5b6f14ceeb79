// What can be asked of a TLS connection and set in it, by Node's names; what happens by itself is socket.ts's. Before the handshake and after
// the end the answers are Node's: undefined, null, or an empty object.
import type { X509Certificate } from 'node:crypto'
import type { CipherNameAndProtocol, DetailedPeerCertificate, PeerCertificate, SecureContextOptions } from 'node:tls'
import { TlsError } from '../errors.ts'
import { errors, validateBuffer, validateFunction, validateInteger, validateObject, validateString } from './errors.ts'
import type { TlsHandle } from './handle.ts'
import { nodeError } from './node-errors.ts'
import { createSecureContext, SecureContext } from './secure-context.ts'
import { SocketOnRaw } from './socket-on-raw.ts'

export abstract class SocketControls extends SocketOnRaw {
  /** Node's name for the connection itself; null once it is over. */
  declare _handle: TlsHandle | null
  /** The same, for what is asked when it is over. */
  protected declare readonly _connection: TlsHandle
  declare _tlsOptions: { isServer?: boolean }
  declare _requestCert: boolean
  declare _rejectUnauthorized: boolean
  _secureEstablished = false

  renegotiate(options: { rejectUnauthorized?: boolean; requestCert?: boolean }, callback?: (error: Error | null) => void): boolean | undefined {
    validateObject(options, 'options')
    if (callback !== undefined) validateFunction(callback, 'callback')
    if (this.destroyed) return undefined
    const { requestCert = this._requestCert, rejectUnauthorized = this._rejectUnauthorized } = options
    this._requestCert = Boolean(requestCert)
    this._rejectUnauthorized = Boolean(rejectUnauthorized)
    this._handle?.setVerifyMode(this._requestCert, this._rejectUnauthorized)
    try {
      this._handle?.drive((engine) => engine.renegotiate())
    } catch (error) {
      if (callback) process.nextTick(callback, error instanceof TlsError ? nodeError(error) : (error as Error))
      return false
    }
    if (callback) this.once('secure', () => callback(null))
    return true
  }

  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer {
    validateInteger(length, 'length', 1, 4294967295)
    validateString(label, 'label')
    if (context !== undefined) validateBuffer(context, 'context')
    if (!this._secureEstablished) throw errors.invalidState()
    return this._handle!.exportKeyingMaterial(length, label, context)!
  }

  setMaxSendFragment(size: number): boolean {
    validateInteger(size, 'size', -2147483648, 2147483647)
    return this._handle?.setMaxSendFragment(size) ?? false
  }

  setServername(name: string): void {
    validateString(name, 'name')
    if (this._tlsOptions.isServer) throw errors.sniFromServer()
    this._handle?.setServername(name)
  }

  setSession(session: Buffer | string): void {
    const bytes = typeof session === 'string' ? Buffer.from(session, 'latin1') : session
    validateBuffer(bytes, 'session')
    this._handle?.setSession(bytes)
  }

  setKeyCert(context: SecureContext | SecureContextOptions): void {
    this._handle?.setKeyCert(context instanceof SecureContext ? context : createSecureContext(context))
  }

  getPeerCertificate(detailed: true): DetailedPeerCertificate
  getPeerCertificate(detailed?: false): PeerCertificate
  getPeerCertificate(detailed?: boolean): PeerCertificate {
    return (this._handle ? (this._handle.getPeerCertificate(detailed) ?? {}) : null) as PeerCertificate
  }

  getCertificate(): PeerCertificate | object | null {
    return this._handle ? (this._handle.getCertificate() ?? {}) : null
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    return this._handle?.getPeerX509Certificate()
  }

  getX509Certificate(): X509Certificate | undefined {
    return this._handle?.getX509Certificate()
  }

  getCipher(): CipherNameAndProtocol {
    return this._ask((handle) => handle.getCipher())
  }

  getSharedSigalgs(): string[] {
    return this._ask((handle) => handle.getSharedSigalgs())
  }

  getEphemeralKeyInfo(): object | null {
    return this._ask((handle) => handle.getEphemeralKeyInfo())
  }

  getFinished(): Buffer | undefined {
    return this._ask((handle) => handle.getFinished())
  }

  getPeerFinished(): Buffer | undefined {
    return this._ask((handle) => handle.getPeerFinished())
  }

  getProtocol(): string | null {
    return this._ask((handle) => handle.getProtocol())
  }

  getSession(): Buffer | undefined {
    return this._ask((handle) => handle.getSession())
  }

  getTLSTicket(): Buffer | undefined {
    return this._ask((handle) => handle.getTLSTicket())
  }

  isSessionReused(): boolean {
    return this._ask((handle) => handle.isSessionReused())
  }

  /** Node's answer for a socket that is gone is null, whatever the types say. */
  protected _ask<T>(question: (handle: TlsHandle) => T): T {
    return this._handle ? question(this._handle) : (null as T)
  }

  // ---- What Node does not have (RFC 8446). ----

  /** 0-RTT data of this connection: none sent, or whether the server took it. What was rejected must be written again. */
  get earlyData(): 'none' | 'rejected' | 'accepted' {
    return this._connection.agreed?.earlyData ?? 'none'
  }

  /** TLS 1.3: new keys for our direction; `requestPeer` asks the peer for the same (4.6.3). */
  keyUpdate({ requestPeer = false }: { requestPeer?: boolean } = {}): void {
    if (!this._secureEstablished) throw errors.invalidState()
    this._handle?.drive((engine) => engine.keyUpdate(requestPeer ? 'requested' : 'notRequested'))
  }

  /**
   * Server, TLS 1.3: asks a client that was made with `postHandshakeAuth` for its certificate (4.6.2). 'secure' and the callback tell when it
   * has come; a client without one is an error where it is required.
   */
  requestCertificate({ required = true }: { required?: boolean } = {}, callback?: () => void): void {
    if (!this._secureEstablished) throw errors.invalidState()
    this._handle?.drive((engine) => engine.requestCertificate(required ? 'require' : 'request'))
    if (callback) this.once('secure', callback)
  }
}
