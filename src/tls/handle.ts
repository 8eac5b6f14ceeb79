// What Node calls `_handle` or `ssl` of a TLSSocket: one connection, that is an engine and the poller that drives it over a raw stream, with
// the questions Node lets be asked of it. Settings are collected until `start`; from then on the poller owns the raw stream.
import { AsyncResource } from 'node:async_hooks'
import { X509Certificate } from 'node:crypto'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { CipherNameAndProtocol, EphemeralKeyInfo, PeerCertificate } from 'node:tls'
import type { Agreed } from '../engine/agreed.ts'
import type { TlsEngine } from '../engine/engine.ts'
import type { EngineOptions, PreSharedKey } from '../engine/options.ts'
import { TlsError } from '../errors.ts'
import { nodeSocket, type DuplexLike } from '../transport/node-socket.ts'
import { Poller, type Decisions, type PollerEvent, type PollerHandlers } from '../transport/poller.ts'
import type { ByteTransport } from '../transport/transport.ts'
import { alpnNames } from './alpn.ts'
import { element, peerCertificate } from './certificate.ts'
import { bufferOf } from './errors.ts'
import { connectionError, nodeError, nodeVerdict, verifyError } from './node-errors.ts'
import type { SecureContext } from './secure-context.ts'
import { JSStreamSocket } from './stream-socket.ts'

/** Who is told; never from within a call of its own. */
export interface HandleOwner {
  /** The raw stream, as soon as there is one. */
  raw(): Duplex | null
  onSecure(): void
  onPlaintext(chunk: Uint8Array): void
  /** The peer will send nothing more. */
  onEnd(): void
  onEvent(event: PollerEvent): void
  /** It is over; with an error in Node's form if it failed. */
  onOver(error?: Error): void
  /** The peer went away before the handshake was done, or was sent away for its certificate: Node tells both alike. */
  onLost(cause: Error): void
}

export interface HandleSettings {
  isServer: boolean
  context: SecureContext
  /** Server: ask for a certificate. */
  requestCert: boolean
  /** Refuse during the handshake a peer whose certificate is not accepted. */
  rejectUnauthorized: boolean
  ALPNProtocols?: Uint8Array
  servername?: string
  session?: Uint8Array
  requestOCSP: boolean
  trace: boolean
  keylog: boolean
  /** Client: the key for a server's hint. */
  psk?: (hint: string | undefined) => PreSharedKey | undefined
  pskIdentityHint?: string
  /** Client: sent before the handshake, with a session that allows it. */
  earlyData?: Uint8Array
  postHandshakeAuth: boolean
  decisions: Decisions
}

/** No deadlines of the poller's own: Node's surface has timeouts of its own. After a failure the alert has a second to arrive. */
const DEADLINES = { handshake: 0, idle: 0, shutdown: 1000 }

export class TlsHandle implements PollerHandlers {
  readonly settings: HandleSettings
  readonly #owner: HandleOwner
  #poller: Poller | undefined
  #raw: Duplex | undefined
  #transport: ByteTransport | undefined
  #agreed: Agreed | undefined
  #session: Buffer | undefined
  #resource: AsyncResource | undefined
  #over = false
  /** Renegotiations, as Node counts them. */
  handshakes = 0
  bytesRead = 0
  bytesWritten = 0

  constructor(owner: HandleOwner, settings: HandleSettings) {
    this.#owner = owner
    this.settings = settings
  }

  // ---- The connection. ----

  get started(): boolean {
    return this.#poller !== undefined
  }

  /** Takes the raw stream over, and begins. @throws as Node does where a setting is refused */
  start(raw: Duplex): void {
    this.#raw = raw
    const { context, decisions } = this.settings
    const engine = this.#createEngine(context)
    if (this.settings.earlyData) engine.writeEarlyData(this.settings.earlyData)
    this.#transport = nodeSocket(raw as unknown as DuplexLike)
    this.#poller = new Poller(
      engine,
      this.#transport,
      this,
      { decisions, deadlines: DEADLINES, insecureTruncation: true },
    )
    if (this.settings.isServer) raw.once('end', () => setImmediate(() => this.#onEarlyEnd()))
  }

  /** A client that has gone while the program decides, which may take for ever: the poller waits for the decision first. */
  #onEarlyEnd(): void {
    if (this.#over || this.#agreed) return
    this.destroySSL()
    this.#owner.onLost(new Error('the client ended before the handshake was done'))
  }

  /** @param accepted called once all is encrypted */
  write(chunk: Uint8Array, accepted: () => void): void {
    this.bytesWritten += chunk.length
    this.#poller!.write(chunk, accepted)
  }

  /** Sends close_notify, then ends the raw stream, as Node does. @param written called once the raw stream has got all of it */
  shutdown(written: () => void): void {
    this.#whenShut = written
    this.#poller!.closeWrite(() => {
      this.#transport!.end()
      this.#shut()
    })
  }

  #whenShut: (() => void) | undefined

  #shut(): void {
    this.#whenShut?.()
    this.#whenShut = undefined
  }

  readStop(): void {
    this.#poller?.pause()
  }

  readStart(): void {
    this.#poller?.resume()
  }

  /** The raw socket's descriptor, where it has one. */
  get fd(): number {
    return (this.#raw as { _handle?: { fd?: number } } | undefined)?._handle?.fd ?? -1
  }

  /** Bytes of plaintext that wait to be encrypted. */
  get writeQueueSize(): number {
    return this.#over ? 0 : (this.#poller?.queuedBytes ?? 0)
  }

  /** Node encrypts at once: what was written before `destroy` is on its way. */
  flush(): void {
    if (!this.#over) this.#poller?.flush()
  }

  /** Forgets the connection at once. The raw stream is the owner's to destroy, and first. */
  destroySSL(): void {
    if (this.#over) return
    this.#over = true
    this.#poller?.destroy()
  }

  /** For `renegotiate` and its like. @throws TlsError of kind `usage` where it cannot be asked now */
  use<T>(ask: (engine: TlsEngine) => T): T | undefined {
    return this.#poller && !this.#over ? ask(this.#poller.engine) : undefined
  }

  /** As `use`, for what sends something. */
  drive(act: (engine: TlsEngine) => void): void {
    this.use(act)
    this.#poller?.wake()
  }

  /** http asks for it: what a request on this connection does is done on behalf of it. */
  getAsyncId(): number {
    return (this.#resource ??= new AsyncResource('TLSWRAP')).asyncId()
  }

  /** Over a raw stream that is no socket: a socket over it. */
  get _parentWrap(): JSStreamSocket | undefined {
    const raw = this.#owner.raw()
    return raw && !(raw instanceof Socket) ? (this.#parentWrap ??= new JSStreamSocket(raw)) : undefined
  }

  #parentWrap: JSStreamSocket | undefined

  // ---- What was agreed. Node's names and shapes; undefined or null as there. ----

  get agreed(): Agreed | undefined {
    return this.#agreed
  }

  getProtocol(): string | null {
    return this.#agreed?.version ?? null
  }

  getCipher(): CipherNameAndProtocol {
    if (!this.#agreed) return undefined as unknown as CipherNameAndProtocol // so it is in Node, whatever the types say
    const { opensslName, name, version } = this.#agreed.cipherSuite
    return { name: opensslName, standardName: name, version }
  }

  getEphemeralKeyInfo(): EphemeralKeyInfo | object | null {
    if (this.settings.isServer) return null
    const key = this.#agreed?.temporaryKey
    if (!key) return {}
    return key.type === 'DH' ? { type: 'DH', size: key.bits } : key.type === 'ECDH' ? { type: 'ECDH', name: key.name, size: key.bits } : { type: 'TLSGroup', name: key.name }
  }

  getSharedSigalgs(): string[] {
    return this.use((engine) => engine.sharedSignatureSchemes()) ?? []
  }

  getFinished(): Buffer | undefined {
    return this.#bytes((engine) => engine.finished('own'))
  }

  getPeerFinished(): Buffer | undefined {
    return this.#bytes((engine) => engine.finished('peer'))
  }

  /** The one of the last `session` event: OpenSSL may already have a later one. */
  getSession(): Buffer | undefined {
    return this.#session ?? this.#bytes((engine) => engine.session())
  }

  getTLSTicket(): Buffer | undefined {
    if (this.settings.isServer) return undefined
    return this.#session ? ticketOf(this.#session) : this.#bytes((engine) => engine.ticket())
  }

  isSessionReused(): boolean {
    return this.#agreed?.resumed ?? false
  }

  exportKeyingMaterial(length: number, label: string, context?: NodeJS.ArrayBufferView): Buffer | undefined {
    return this.#bytes((engine) => engine.exportKeyingMaterial(length, label, context && bufferOf(context)))
  }

  getServername(): string | false {
    return this.#agreed ? (this.#agreed.servername ?? false) : (this.settings.servername ?? false)
  }

  getALPNNegotiatedProtocol(): string | false {
    return this.#agreed?.alpn ?? false
  }

  /** As the server stapled it; nobody has checked it. */
  get ocspResponse(): Buffer | null {
    const response = this.#agreed?.ocspResponse
    return response ? bufferOf(response) : null
  }

  getPeerCertificate(detailed?: boolean): PeerCertificate | undefined {
    return peerCertificate(this.#chain(), Boolean(detailed))
  }

  getCertificate(): PeerCertificate | undefined {
    const own = this.#ownCertificate()
    return own && peerCertificate([own], false)
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    return linked(this.#agreed?.peerChain ?? [])
  }

  getX509Certificate(): X509Certificate | undefined {
    const own = this.#ownCertificate()
    return own && new X509Certificate(own)
  }

  /** Why the peer's certificate is not accepted, or null. A server that a client shows none to knows nothing against it. */
  verifyError(): Error | null {
    const { authorizationError, peerChain = [], resumed, cipherSuite } = this.#agreed ?? {}
    const judged = peerChain.length > 0 || authorizationError !== 'UNSPECIFIED' // which is OpenSSL's word for a pre-shared key
    if (authorizationError && judged) return verifyError(nodeVerdict(authorizationError, peerChain.length))
    if (peerChain.length || resumed || cipherSuite?.opensslName.includes('PSK')) return null
    return verifyError('UNABLE_TO_GET_ISSUER_CERT')
  }

  // ---- Settings before the start. ----

  setServername(name: string): void {
    this.settings.servername = name
  }

  setSession(session: Uint8Array): void {
    this.settings.session = session
  }

  setALPNProtocols(wire: Uint8Array): void {
    this.settings.ALPNProtocols = wire
  }

  setVerifyMode(requestCert: boolean, rejectUnauthorized: boolean): void {
    Object.assign(this.settings, { requestCert, rejectUnauthorized })
    if (this.settings.isServer) this.use((engine) => engine.setClientCertificate(clientCertificate(requestCert, rejectUnauthorized)))
  }

  requestOCSP(): void {
    this.settings.requestOCSP = true
  }

  enableTrace(): void {
    this.settings.trace = true
    this.use((engine) => engine.report('trace'))
  }

  enableKeylogCallback(): void {
    this.settings.keylog = true
    this.use((engine) => engine.report('keylog'))
  }

  setKeyCert(context: SecureContext): void {
    this.settings.context = context
  }

  /** RFC 8446 leaves it to the sender. @returns whether the size is a possible one */
  setMaxSendFragment(size: number): boolean {
    if (size < 512 || size > 16384) return false
    this.use((engine) => engine.setMaxSendFragment(size))
    return true
  }

  // ---- Inside. ----

  #createEngine({ context }: SecureContext): TlsEngine {
    const { isServer, ALPNProtocols, trace, keylog } = this.settings
    const shared = { trace, keylog, ...(ALPNProtocols && { alpn: alpnNames(ALPNProtocols) }) }
    try {
      return context.build().createEngine({ ...shared, ...(isServer ? this.#serverOptions() : this.#clientOptions()) })
    } catch (error) {
      if (!(error instanceof TlsError)) throw error
      if (!this.settings.session || !error.message.startsWith('`session`')) throw nodeError(error)
      this.settings.session = undefined // Node overlooks bytes that are no session
      return this.#createEngine(this.settings.context)
    }
  }

  #clientOptions(): EngineOptions {
    const { servername, session, requestOCSP, psk, postHandshakeAuth, decisions } = this.settings
    return {
      role: 'client',
      identity: null, // node's rules for names are in identity.ts, and a program may have its own
      ...(servername && { servername }),
      ...(session && { session }),
      ...(psk && { psk }),
      ...(requestOCSP && { ocsp: 'deliver' }),
      ...(postHandshakeAuth && { postHandshakeAuth }),
      ...(decisions.verify ? { park: ['verify'] } : { dangerouslyAcceptAnyCertificate: true }),
    }
  }

  #serverOptions(): EngineOptions {
    const { requestCert, rejectUnauthorized, pskIdentityHint, decisions } = this.settings
    const park = (['clientHello', 'psk', 'renegotiation'] as const).filter((point) => decisions[point])
    return {
      role: 'server',
      psks: [], // more come by decision, or none: a server without a certificate refuses each client, as in Node
      park,
      ...clientCertificate(requestCert, rejectUnauthorized),
      ...(pskIdentityHint && { pskHint: pskIdentityHint }),
    }
  }

  // ---- What the poller tells. Methods, because closures for each connection would cost ten thousand idle ones their memory. ----

  onSecure(agreed: Agreed): void {
    this.#agreed = agreed
    this.#owner.onSecure()
  }

  onPlaintext(chunk: Uint8Array): void {
    this.bytesRead += chunk.length
    this.#owner.onPlaintext(chunk)
  }

  onEnd(): void {
    this.#owner.onEnd()
  }

  onEvent(event: PollerEvent): void {
    if (event.type === 'session') this.#session = bufferOf(event.session)
    if (event.type === 'agreed') this.#agreed = this.#poller!.engine.agreed
    this.#owner.onEvent(event)
  }

  onClose(error?: TlsError): void {
    if (this.#over) return
    this.#over = true
    if (!error) this.#shut()
    if (error && !this.#agreed && (error.kind === 'closed' || (this.settings.isServer && error.verify))) this.#owner.onLost(error)
    else this.#owner.onOver(error && connectionError(error))
  }

  #chain(): readonly Uint8Array[] {
    const { verifiedChain = [], peerChain = [] } = this.#agreed ?? {}
    return verifiedChain.length ? verifiedChain : peerChain
  }

  #ownCertificate(): Uint8Array | undefined {
    return this.settings.context.context.getCertificate() ?? undefined
  }

  /** Undefined where OpenSSL has none, or the connection is over. */
  #bytes(ask: (engine: TlsEngine) => Uint8Array | undefined): Buffer | undefined {
    try {
      const bytes = this.#agreed && this.use(ask)
      return bytes && bufferOf(bytes)
    } catch (error) {
      if (error instanceof TlsError) return undefined
      throw error
    }
  }
}

/** Whoever is not refused is told of: see `verifyError`. */
const clientCertificate = (requestCert: boolean, rejectUnauthorized: boolean) =>
  ({
    clientCertificate: !requestCert ? 'none' : rejectUnauthorized ? 'require' : 'request',
    dangerouslyAcceptAnyCertificate: requestCert && !rejectUnauthorized,
  }) as const

/** The leaf of a chain; each knows its issuer. */
function linked([der, ...issuers]: readonly Uint8Array[]): X509Certificate | undefined {
  if (!der) return undefined
  const certificate = new X509Certificate(der)
  const issuerCertificate = linked(issuers)
  if (issuerCertificate) Object.defineProperty(certificate, 'issuerCertificate', { value: issuerCertificate, enumerable: true })
  return certificate
}

/** SSL_SESSION ::= SEQUENCE { ..., ticket [10] EXPLICIT OCTET STRING OPTIONAL, ... } (d2i_SSL_SESSION(3)). */
function ticketOf(session: Buffer): Buffer | undefined {
  const all = element(session, 0)
  for (let at = all.start; at < all.end; ) {
    const field = element(session, at)
    if (session[at] === TICKET) {
      const ticket = element(session, field.start)
      return Buffer.from(session.subarray(ticket.start, ticket.end))
    }
    at = field.end
  }
  return undefined
}
const TICKET = 0xa0 + 10
