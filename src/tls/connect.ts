// `tls.connect`: a client that knows whom it wants to talk to. The server's certificate is looked at during the handshake, so that a server that
// is refused learns why, and no byte of ours reaches it.
import assert from 'node:assert'
import * as net from 'node:net'
import type { ConnectionOptions, PeerCertificate } from 'node:tls'
import type { Decision } from '../engine/connection.ts'
import type { SecureContext as EngineContext } from '../engine/context.ts'
import type { ParkEvent } from '../engine/events.ts'
import { mergedArguments } from './arguments.ts'
import { peerCertificate } from './certificate.ts'
import { defaults } from './defaults.ts'
import { errors } from './errors.ts'
import { checkServerIdentity } from './identity.ts'
import { nodeVerdict, verifyError } from './node-errors.ts'
import { createSecureContext, type SecureContext } from './secure-context.ts'
import { TLSSocket } from './socket.ts'

type VerifyEvent = Extract<ParkEvent, { type: 'verify' }>
type Verdict = Error | undefined
type Options = ConnectionOptions & {
  minDHSize: number
  /** Node's; here it may also take its time. */
  checkServerIdentity: (host: string, cert: PeerCertificate) => Verdict | Promise<Verdict>
}

/** `connect(options[, callback])`, `connect(port[, host][, options][, callback])`, `connect(path[, options][, callback])`. */
export function connect(...args: unknown[]): TLSSocket {
  const { options: given, callback } = mergedArguments(args)
  const options = {
    rejectUnauthorized: !unauthorizedAllowed(),
    ciphers: defaults.DEFAULT_CIPHERS,
    checkServerIdentity,
    minDHSize: 1024,
    ...given,
  } as Options
  options.rejectUnauthorized = options.rejectUnauthorized !== false
  checkOptions(options)
  const socket = newSocket(options)
  if (callback) socket.once('secureConnect', callback)
  start(socket, options)
  return socket
}

/** With the context that was given, or one of its own that goes with it. */
function newSocket(options: Options): TLSSocket {
  const secureContext = (options.secureContext ?? (defaults.createSecureContext ?? createSecureContext)(options)) as SecureContext
  const free = () => void (options.secureContext ?? secureContext.context.close())
  try {
    const socket: TLSSocket = new TLSSocket(options.socket, {
      ...pick(options, PASSED_ON),
      secureContext,
      isServer: false,
      requestCert: true,
      rejectUnauthorized: options.rejectUnauthorized,
      verify: options.rejectUnauthorized ? (event) => verify(socket, options, event) : undefined,
    })
    return socket.once('close', free)
  } catch (error) {
    free()
    throw error
  }
}

const PASSED_ON = [
  'allowHalfOpen',
  'ALPNProtocols',
  'requestOCSP',
  'enableTrace',
  'trace',
  'highWaterMark',
  'onread',
  'signal',
  'pskCallback',
  'earlyData',
  'postHandshakeAuth',
] as const

function checkOptions(options: Options): void {
  assert(typeof options.checkServerIdentity === 'function')
  if (!(typeof options.minDHSize === 'number' && options.minDHSize > 0)) throw errors.minDhSize(options.minDHSize)
}

function start(socket: TLSSocket, options: Options): void {
  const { session, servername, timeout } = options
  socket._connectOptions = pick(options, ['path', 'host', 'port', 'localAddress'])
  socket.on('secure', () => void onSecure(socket, options))
  if (!options.socket) {
    if (timeout) socket.setTimeout(timeout)
    socket.connect(options)
  }
  socket._releaseControl()
  if (session) socket.setSession(session)
  if (servername) {
    if (net.isIP(servername)) warnOfAddress()
    socket.setServername(servername)
  }
  socket._start()
}

// ---- Whether the server is the one that is meant. ----

const hostOf = ({ servername, host, socket }: Options): string =>
  servername || host || (socket as { _host?: string } | undefined)?._host || 'localhost'

/** During the handshake, before anything of ours is sent. */
async function verify(socket: TLSSocket, options: Options, event: VerifyEvent): Promise<Decision<EngineContext>> {
  const chain = event.verifiedChain.length ? event.verifiedChain : event.peerChain
  // A key was offered, and a certificate has come, with nothing else against it: in Node that will do.
  const good = event.ok || event.code === 'PSK_EXPECTED'
  const wrongChain = good ? undefined : verifyError(nodeVerdict(event.code!, chain.length))
  const cause = wrongChain ?? (await identityError(options, (which) => peerCertificate(chain, which === 'chain') as PeerCertificate))
  if (!cause) return event.ok ? {} : { verdict: 'dangerouslyAccept' }
  refused(socket, cause)
  return event.ok ? { verdict: 'refuse', cause } : { cause }
}

/**
 * A check that throws has not been passed. Our own only looks at the leaf; to describe those above it takes as long again, and an error
 * shows them.
 */
async function identityError(options: Options, describe: (which: 'leaf' | 'chain') => PeerCertificate): Promise<Verdict> {
  const { checkServerIdentity: check } = options
  const host = hostOf(options)
  try {
    if (check === checkServerIdentity && !check(host, describe('leaf'))) return undefined
    return await check(host, describe('chain'))
  } catch (error) {
    return error as Error
  }
}

function refused(socket: TLSSocket, error: Error & { code?: string }): void {
  socket.authorized = false
  socket.authorizationError = (error.code ?? error.message) as unknown as Error
}

async function onSecure(socket: TLSSocket, options: Options): Promise<void> {
  const handle = socket._handle!
  const key = handle.getEphemeralKeyInfo() as { type?: string; size: number }
  if (key.type === 'DH' && key.size < options.minDHSize) return void socket.destroy(errors.dhParamSize(key.size))
  let error: Verdict = handle.verifyError() ?? undefined
  // By `verify`, or when the session was made. With a pre-shared key there is no certificate: the program has to say that this will do.
  const checked = (options.rejectUnauthorized && handle.agreed!.peerChain.length > 0) || socket.isSessionReused()
  if (!error && !checked) error = await identityError(options, (which) => (which === 'chain' ? socket.getPeerCertificate(true) : socket.getPeerCertificate()))
  if (socket.destroyed) return
  socket.authorized = !error
  if (error) refused(socket, error)
  if (error && options.rejectUnauthorized) return void socket.destroy(error)
  socket.secureConnecting = false
  socket.emit('secureConnect')
  socket._trust()
}

// ---- The environment. ----

let warnedOfEnvironment = false
let warnedOfAddress = false

/** NODE_TLS_REJECT_UNAUTHORIZED=0, as in Node. */
function unauthorizedAllowed(): boolean {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return false
  if (!warnedOfEnvironment) {
    warnedOfEnvironment = true
    process.emitWarning(
      "Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS connections and HTTPS requests insecure by disabling certificate verification.",
    )
  }
  return true
}

function warnOfAddress(): void {
  if (warnedOfAddress) return
  warnedOfAddress = true
  const text = 'Setting the TLS ServerName to an IP address is not permitted by RFC 6066. This will be ignored in a future version.'
  process.emitWarning(text, 'DeprecationWarning', 'DEP0123')
}

const pick = <T extends object, K extends string>(from: T, names: readonly K[]): { [P in K & keyof T]?: T[P] } =>
  Object.fromEntries(names.filter((name) => name in from).map((name) => [name, (from as Record<string, unknown>)[name]])) as never
