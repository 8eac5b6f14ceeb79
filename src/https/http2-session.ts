// An HTTP/2 session over membio's TLS. To node:http2 our socket is a stream like any other: it wraps it in a socket of its own, and takes
// the session for one in clear text that is connected at once. Here it is told better.
import type * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from '../tls/socket.ts'

/** What programs ask `session.socket` and `request.socket` for. */
const VALUES = [
  ...['encrypted', 'authorized', 'authorizationError', 'alpnProtocol', 'servername', 'secureConnecting', 'server'],
  ...['remoteAddress', 'remoteFamily', 'remotePort', 'localAddress', 'localFamily', 'localPort'],
] as const
const METHODS = [
  ...['address', 'getCertificate', 'getCipher', 'getEphemeralKeyInfo', 'getFinished', 'getPeerCertificate', 'getPeerFinished'],
  ...['getPeerX509Certificate', 'getProtocol', 'getSession', 'getSharedSigalgs', 'getTLSTicket', 'getX509Certificate', 'isSessionReused'],
  ...['exportKeyingMaterial', 'disableRenegotiation', 'setMaxSendFragment', 'enableTrace'],
] as const

const EVENTS = ['secureConnect', 'session', 'OCSPResponse'] as const

/** Makes a session say what its TLS socket says. */
export function describe(session: http2.Http2Session, socket: TLSSocket): void {
  const wrapped = wrapperIn(session)
  const of = socket as unknown as Record<string, unknown>
  if (wrapped && wrapped !== socket) {
    for (const name of VALUES) define(wrapped, name, () => of[name])
    for (const event of EVENTS) socket.on(event, (...args: unknown[]) => wrapped.emit(event, ...args))
    for (const name of METHODS) define(wrapped, name, () => (of[name] as () => unknown).bind(socket))
  }
  const once = (value: () => unknown) => () => (socket.secureConnecting ? undefined : value())
  define(session, 'encrypted', once(() => true))
  define(session, 'alpnProtocol', once(() => socket.alpnProtocol))
  session.ref = () => void socket.ref()
  session.unref = () => void socket.unref()
}

/** A client's session: 'connect', and what waits for it, comes when the server has shown who it is; not at all if it has not. */
export function holdUntilSecure(session: http2.ClientHttp2Session, socket: TLSSocket): void {
  const { emit } = session
  const prototype = Object.getPrototypeOf(session) as object
  const thinksItConnects = () => Boolean(Reflect.get(prototype, 'connecting', session))
  // Where it waits for the socket by itself, it sends its settings once that is connected, and must not be told to wait longer.
  const waitsByItself = thinksItConnects()
  let held = false
  define(session, 'connecting', () => thinksItConnects() || held || (!waitsByItself && socket.secureConnecting))
  const connected = () => {
    held = false
    return Reflect.apply(emit, session, ['connect', session, socket]) as boolean
  }
  session.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'connect') return Reflect.apply(emit, session, [event, ...args]) as boolean
    if (!socket.secureConnecting) return connected()
    held = true
    return true
  }
  ;(wrapperIn(session) ?? socket).once('secureConnect', () => {
    if (held) connected()
  })
}

/** The socket that node:http2 made: `session.socket` is a view of it that returns its methods' results as they are. */
function wrapperIn(session: http2.Http2Session): Socket | undefined {
  const wrapper = session.socket.valueOf()
  return typeof wrapper === 'object' && wrapper !== null ? (wrapper as Socket) : undefined
}

function define(object: object, name: string, get: () => unknown): void {
  Object.defineProperty(object, name, { configurable: true, enumerable: true, get, set: (value) => void redefine(object, name, value) })
}

const redefine = (object: object, name: string, value: unknown) => Object.defineProperty(object, name, { value, writable: true })
