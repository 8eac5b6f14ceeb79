// What a server decides while the handshake waits: certificate by name (SNICallback, addContext), ALPNCallback, OCSPRequest, resumeSession and
// newSession, pskCallback. Each may take its time, and each answer is taken once.
import type { Decision } from '../engine/connection.ts'
import type { SecureContext as EngineContext } from '../engine/context.ts'
import type { ClientHello } from '../engine/client-hello.ts'
import type { PreSharedKey } from '../engine/options.ts'
import type { Decisions } from '../transport/poller.ts'
import { checkedKey } from './client-psk.ts'
import { ContextHandle } from './context-handle.ts'
import { defaults } from './defaults.ts'
import { bufferOf, errors, hostMajor, isBytes, validateFunction } from './errors.ts'
import { SecureContext } from './secure-context.ts'
import type { Server } from './server.ts'
import type { TLSSocket } from './socket.ts'

type Answer = Decision<EngineContext>
type SniCallback = (servername: string, callback: (error: Error | null, context?: unknown) => void) => void
type AlpnCallback = (offer: { servername: string | false; protocols: string[] }) => unknown
type PskCallback = (socket: TLSSocket, identity: string) => unknown

const HANDSHAKE_FAILURE = 40

/** What OpenSSL says to Node where a context without a certificate shall be used: Node 20 stumbles over it, later ones look for a key. */
const noCertificate = () =>
  hostMajor < 22
    ? opensslFailure('0A0C0102', 'passed a null parameter', 'ERR_SSL_PASSED_A_NULL_PARAMETER')
    : opensslFailure('0A000076', 'no suitable signature algorithm', 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM')

const opensslFailure = (number: string, reason: string, code: string) =>
  Object.assign(new Error(`error:${number}:SSL routines::${reason}`), { library: 'SSL routines', reason, code })

/** RFC 6066, section 8. */
const STATUS_REQUEST = 5

/** For the poller: only what somebody wants to decide stops the handshake. */
export function serverDecisions(socket: TLSSocket): Decisions {
  const { SNICallback, ALPNCallback, pskCallback } = socket._tlsOptions
  const server = serverOf(socket)
  if (SNICallback) validateFunction(SNICallback, 'options.SNICallback')
  if (ALPNCallback) validateFunction(ALPNCallback, 'options.ALPNCallback')
  if (pskCallback) validateFunction(pskCallback, 'pskCallback')
  const listens = server?.listenerCount('resumeSession') || server?.listenerCount('OCSPRequest')
  const wanted = Boolean(SNICallback || ALPNCallback || pskCallback || server?._contexts.length || listens)
  return {
    ...(wanted && { clientHello: ({ hello }) => guarded(socket, () => decide(socket, hello)) }),
    ...(typeof pskCallback === 'function' && { psk: ({ identity }) => guarded(socket, async () => ({ psk: await keyFor(socket, identity) })) }),
  }
}

/** A mistake in the program's callback ends the connection, with that as its error. */
async function guarded(socket: TLSSocket, decision: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await decision()
  } catch (cause) {
    socket.destroy(cause as Error)
    return { cause }
  }
}

async function decide(socket: TLSSocket, hello: ClientHello): Promise<Answer> {
  socket.servername ??= hello.servername ?? false
  const session = await storedSession(socket, hello)
  const context = await contextFor(socket, hello.servername)
  const ocspResponse = await ocspResponseFor(socket, hello, context)
  const before = socket._handle?.settings.context
  const alpn = await protocolFor(socket, hello)
  const after = socket._handle?.settings.context // setKeyCert may have been called
  const chosen = after === before ? context : after?.context
  if (chosen && !chosen.options.identities?.length) return { cause: noCertificate(), alert: HANDSHAKE_FAILURE }
  return {
    ...(session && { session }),
    ...(chosen && { context: chosen.build() }),
    ...(ocspResponse && { ocspResponse }),
    ...(alpn && { alpn }),
    psks: await keysFor(socket, hello),
  }
}

// ---- Sessions. ----

async function storedSession(socket: TLSSocket, { sessionId }: ClientHello): Promise<Uint8Array | undefined> {
  const server = serverOf(socket)
  if (!sessionId.length || !server?.listenerCount('resumeSession')) return undefined
  const session = await answer<unknown>(socket, (callback) => server.emit('resumeSession', bufferOf(sessionId), callback))
  return isBytes(session) ? bufferOf(session) : undefined
}

/** Tells the program of a session to store. @param done called when it is stored, or nobody wants it */
export function storeSession(socket: TLSSocket, id: Buffer, session: Buffer, done: () => void): void {
  let called = false
  const once = () => {
    if (called) return
    called = true
    if (socket.destroyed) return
    done()
  }
  if (!serverOf(socket)?.emit('newSession', id, session, once)) once()
}

// ---- Certificate. ----

async function contextFor(socket: TLSSocket, servername: string | undefined): Promise<ContextHandle | undefined> {
  const callback = socket._tlsOptions.SNICallback as SniCallback | undefined
  if (!servername) return undefined
  if (!callback) return serverOf(socket)?._contextFor(servername)
  const context = await answer<unknown>(socket, (done) => callback.call(socket, servername, done))
  if (!context) return undefined
  if (context instanceof SecureContext) return context.context
  if (context instanceof ContextHandle) return context
  throw errors.invalidSniContext()
}

async function ocspResponseFor(socket: TLSSocket, hello: ClientHello, chosen: ContextHandle | undefined): Promise<Uint8Array | undefined> {
  const server = serverOf(socket)
  if (!hello.extensions.includes(STATUS_REQUEST) || !server?.listenerCount('OCSPRequest')) return undefined
  const context = chosen ?? server._sharedCreds.context
  const emit = (callback: unknown) => server.emit('OCSPRequest', context.getCertificate(), context.getIssuer(), callback)
  const response = await answer<unknown>(socket, emit)
  if (response && !isBytes(response)) throw errors.ocspResponseType()
  return isBytes(response) ? bufferOf(response) : undefined
}

// ---- ALPN and keys. ----

/** @returns the protocols to choose from; none refuses the client */
async function protocolFor(socket: TLSSocket, { servername, alpn }: ClientHello): Promise<string[] | undefined> {
  const callback = socket._tlsOptions.ALPNCallback as AlpnCallback | undefined
  if (!callback || !alpn.length) return undefined
  const protocol = await callback.call(socket, { servername: servername ?? false, protocols: alpn })
  if (protocol === undefined) return [NOTHING_OFFERED]
  if (!alpn.includes(protocol as string)) throw errors.alpnCallbackInvalidResult(protocol, alpn)
  return [protocol as string]
}

/** A choice that no client offers: the handshake ends with no_application_protocol (RFC 7301, 3.2). */
const NOTHING_OFFERED = '\0'

/** TLS 1.3: keys for the identities offered; those that are tickets are no text. */
async function keysFor(socket: TLSSocket, { pskIdentities }: ClientHello): Promise<PreSharedKey[]> {
  if (!socket._tlsOptions.pskCallback) return []
  const keys: PreSharedKey[] = []
  for (const bytes of pskIdentities) {
    const identity = textOf(bytes)
    const key = identity === undefined ? undefined : await keyFor(socket, identity)
    if (key) keys.push({ identity: identity!, key })
  }
  return keys
}

async function keyFor(socket: TLSSocket, identity: string): Promise<Buffer | undefined> {
  const given = await (socket._tlsOptions.pskCallback as PskCallback)(socket, identity)
  if (given == null) return undefined
  if (typeof given !== 'object') throw errors.invalidArgType('ret', ['Buffer', 'TypedArray', 'DataView', 'Object'], given)
  const key = checkedKey(isBytes(given) ? given : (given as { psk: unknown }).psk)
  return key.length ? key : undefined // an empty one is none
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return bytes.length > 256 || text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

// ---- Inside. ----

const serverOf = (socket: TLSSocket): Server | undefined => {
  const server = socket.server as Server | undefined
  return server?._sharedCreds ? server : undefined // others than ours may stand there
}

/** A callback in Node's manner as a promise. Called again, it is the program's error. */
function answer<T>(socket: TLSSocket, ask: (callback: (error?: Error | null, value?: T) => void) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let called = false
    const returned = ask((error, value) => {
      if (called) return void socket.destroy(errors.multipleCallback())
      called = true
      if (error) reject(error)
      else if (!socket._handle) reject(errors.socketClosed())
      else resolve(value)
    })
    // Beyond Node: who returns a promise need not call back.
    if (returned instanceof Promise) returned.then((value: T | undefined) => (called ? undefined : ((called = true), resolve(value))), reject)
  })
}

/** Renegotiations that a client started, in the last CLIENT_RENEG_WINDOW seconds. */
export class HandshakeCounter {
  #count = 0
  #since = Date.now()

  /** Counts one more. */
  exceedsLimit(): boolean {
    const now = Date.now()
    if (now - this.#since >= defaults.CLIENT_RENEG_WINDOW * 1000) this.#count = 0
    this.#since = now
    return ++this.#count > defaults.CLIENT_RENEG_LIMIT
  }
}
