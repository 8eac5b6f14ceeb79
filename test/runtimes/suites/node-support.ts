// What the cases of `membio/tls` and `membio/https` share: sockets as a program of Node's has them, and waiting for their events. Types
// come from node:*, values only when asked for: pages do not have them.
import type { EventEmitter } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { concat } from '../../support/chunk.ts'
import { HOST, type PeerName } from '../world.ts'
import { decode, type Case } from './kit.ts'

export const membioTls = async () => (await import('membio/tls')).default as unknown as typeof import('node:tls')
export const membioHttps = async () => (await import('membio/https')).default as unknown as typeof import('node:https')

export const PEERS: readonly PeerName[] = ['membio', 'node24', 'node26']

/** These interfaces cannot be told to free a context. */
export const LEAVES = { leaves: 'contexts' } as const

/** The event's first argument; rejects at 'error'. */
export function once<T>(emitter: EventEmitter, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    emitter.once('error', reject)
    emitter.once(event, (argument: T) => {
      emitter.off('error', reject)
      resolve(argument)
    })
  })
}

export async function connect(t: Case, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const tls = await membioTls()
  const socket = tls.connect({ port, host: '127.0.0.1', servername: HOST, ca: t.world.certificates.ca, ...options })
  t.defer(() => socket.destroy())
  socket.on('error', () => {}) // told by whoever waits
  return socket
}

export async function secure(t: Case, port: number, options?: ConnectionOptions): Promise<TLSSocket> {
  const socket = await connect(t, port, options)
  await once(socket, 'secureConnect')
  return socket
}

/** So many bytes; what comes too much is lost. */
export async function read(socket: Socket, count: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error) => {
      socket.off('data', take).off('error', done).off('end', early)
      socket.pause()
      if (error) reject(error)
      else resolve()
    }
    const early = () => done(new Error(`it ended after ${length} of ${count} bytes`))
    const take = (chunk: Uint8Array) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= count) done()
    }
    socket.on('data', take).on('error', done).on('end', early)
    socket.resume()
  })
  return concat(chunks).subarray(0, count)
}

/** The peers answer with one line, in one chunk. */
export async function ask(socket: Socket, command: string): Promise<string> {
  const answer = once<Uint8Array>(socket, 'data')
  socket.write(`${command}\n`)
  return decode(await answer).trimEnd()
}

type Info = { version: string; resumed: boolean; client?: string }

export const info = async (socket: Socket): Promise<Info> => JSON.parse(await ask(socket, 'info')) as Info

export async function end(socket: TLSSocket): Promise<void> {
  const closed = once(socket, 'close')
  socket.end()
  socket.resume()
  await closed
}

/** A free port of the loopback; server and connections are gone after the case. */
export async function listen(t: Case, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  t.defer(async () => {
    for (const socket of sockets) socket.destroy()
    const closed = once(server, 'close')
    server.close()
    await closed
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
