// Puts the TLS under test in the place of node:tls, for this process and everything it loads from now on: clients need no hook for it.
// So this has to be imported before any client. What the clients then connect with is kept, for the rows to look at.
import type { EventEmitter } from 'node:events'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type * as NodeTls from 'node:tls'
import type { TLSSocket } from 'node:tls'
import membio from '../../src/tls/index.ts'
import { briefing } from './server.ts'

export type Tls = typeof NodeTls

/** The very object that `require('tls')` gives everybody. */
const shared = createRequire(import.meta.url)('node:tls') as Tls
const native: Tls = { ...shared }

/** What a socket of the TLS under test is an instance of, and what it is not. */
export const { tls, strange } = implementation()

/** Without the others: rows of membio/https and membio/http2 then run on the host's. */
export const isNative = strange === undefined

export interface Agreed {
  version: string
  cipher: string
}

const made: TLSSocket[] = []
const agreements = new WeakMap<TLSSocket, Agreed>()

/** The TLS sockets that clients have made since the last call. */
export const takeSockets = (): TLSSocket[] => made.splice(0)

/** The newest of them. */
export function newestSocket(): TLSSocket {
  const socket = made.at(-1)
  if (!socket) throw new Error('the client has not called tls.connect')
  return socket
}

/** How many of them there are. */
export const socketCount = (): number => made.length

/** What a server of a row accepts counts as what a client has made. */
export function recordAccepted(server: EventEmitter): void {
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    made.push(socket)
    remember(socket)
  })
  server.prependListener('tlsClientError', (_: Error, socket: TLSSocket) => made.push(socket)) // a client that refuses us
}

/** What it agreed on with the server; a socket that is closed cannot be asked any more. */
export const agreedBy = (socket: TLSSocket): Agreed | undefined => agreements.get(socket)

function implementation(): { tls: Tls; strange: typeof TLSSocket | undefined } {
  if (briefing().tls === 'native') return { tls: native, strange: undefined }
  return { tls: membio as unknown as Tls, strange: native.TLSSocket }
}

function recording(connect: (...args: unknown[]) => TLSSocket): (...args: unknown[]) => TLSSocket {
  return (...args) => {
    const socket = connect(...args)
    made.push(socket)
    socket.prependOnceListener('secureConnect', () => remember(socket))
    return socket
  }
}

function remember(socket: TLSSocket): void {
  agreements.set(socket, { version: socket.getProtocol()!, cipher: socket.getCipher().name })
}

function use(replacement: Tls): void {
  const connect = recording(replacement.connect as (...args: unknown[]) => TLSSocket)
  Object.assign(replacement, { connect }) // membio/https and membio/http2 ask for it there
  for (const [name, value] of Object.entries(replacement)) {
    const place = Object.getOwnPropertyDescriptor(shared, name)
    if (place?.writable) (shared as Record<string, unknown>)[name] = value
  }
  syncBuiltinESMExports()
}

use(tls)
