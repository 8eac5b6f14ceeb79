// Servers and clients of the tests on Node: echoes of node:tls and of our own listener, sockets that are closed with their case.
import type { Duplex } from 'node:stream'
import type { TlsOptions } from 'node:tls'
import { connect, listen, type ConnectOptions, type ListenOptions, type TlsListener, type TlsSocket } from '../../src/streams/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { serveNode } from '../support/sockets-node.ts'
import type { Case } from '../support/suite.ts'

export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** A server of node:tls that sends back what it gets. Asks for a client certificate, and takes clients without. */
export async function nodeEcho(t: Case, options: TlsOptions = {}): Promise<number> {
  const asks = { requestCert: true, rejectUnauthorized: false, ca: root().cert }
  const { port } = await serveNode(t, { ...asks, ...options }, ({ socket }) => void (socket as Duplex).pipe(socket))
  return port
}

/** A listener of ours with the good certificate. The case waits for the end of whoever was accepted by `serve`. */
export async function own(t: Case, options: Partial<ListenOptions> = {}): Promise<TlsListener> {
  const identity = options.context ? {} : server()
  const listener = await listen({ ...identity, hostname: '127.0.0.1', port: 0, ...options })
  t.defer(async () => {
    listener.close()
    await listener.closed.catch(() => {})
  })
  return listener
}

/** Accepts everybody. */
export function serve(t: Case, listener: TlsListener, handle: (socket: TlsSocket) => unknown): TlsSocket[] {
  const accepted: TlsSocket[] = []
  t.defer(() => Promise.allSettled(accepted.map(({ closed }) => closed)))
  void (async () => {
    for await (const socket of listener) {
      accepted.push(socket)
      handle(socket)
    }
  })()
  return accepted
}

export const echo = ({ readable, writable }: TlsSocket): void => void readable.pipeTo(writable).catch(() => {})

/** A client that trusts the test root. */
export function dial(t: Case, port: number, options: ConnectOptions & { secureTransport?: 'on' } = {}): TlsSocket {
  const trust = options.context ? {} : { ca: root().cert }
  const socket = connect({ hostname: '127.0.0.1', port }, { servername: HOST, ...trust, ...options })
  t.defer(() => letGo(socket))
  return socket
}

/** Gives it up: who is closed waits for the other end, and in a test there may be nobody who reads there. */
export async function letGo(socket: TlsSocket): Promise<void> {
  if (socket.poller) socket.poller.destroy()
  else void socket.close()
  await socket.closed.catch(() => {})
}

export async function write(socket: { writable: WritableStream }, bytes: Uint8Array | string): Promise<void> {
  const writer = socket.writable.getWriter()
  await writer.write(typeof bytes === 'string' ? encode(bytes) : bytes)
  writer.releaseLock()
}

/** Reads at least so many bytes, and gives the lock back. */
export async function readSome(socket: { readable: ReadableStream<Uint8Array> }, pattern: RegExp): Promise<string> {
  const reader = socket.readable.getReader()
  let text = ''
  while (!pattern.test(text)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the end, after "${text}"`)
    text += decode(value)
  }
  reader.releaseLock()
  return text
}
