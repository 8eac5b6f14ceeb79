// What the tests of membio/https and membio/http2 share: servers that are gone after the case, and requests as promises.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as http from 'node:http'
import * as nodeHttp2 from 'node:http2'
import * as nodeHttps from 'node:https'
import type { AddressInfo, LookupFunction, Server, Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import * as nodeTls from 'node:tls'
import * as http2 from '../../src/https/http2.ts'
import https, * as httpsNames from '../../src/https/index.ts'
import { liveHandles } from '../../src/index.ts'
import tls from '../../src/tls/index.ts'
import { root, server as goodServer } from '../support/certs.ts'
import type { Case } from '../support/suite.ts'

/** Ours, and Node's to compare with: what holds for both is tested with each as client and as server. */
export const MODULES = {
  membio: { https, http2: http2.default, tls },
  node: { https: nodeHttps as typeof https, http2: nodeHttp2, tls: nodeTls },
} as const
export type Side = keyof typeof MODULES
export const PAIRS: readonly (readonly [client: Side, server: Side])[] = [
  ['membio', 'membio'],
  ['membio', 'node'],
  ['node', 'membio'],
]
export { https, http2, httpsNames }

/** What every client here trusts, and a server's certificate from there. */
export const trust = () => ({ ca: root().cert })
export const identity = () => goodServer()

/** "localhost" may be ::1 first, where nobody listens. */
export const toLoopback = ((_host: string, options: { all?: boolean }, done: (...args: unknown[]) => void) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) as unknown as LookupFunction

/** Listens on the loopback; gone after the case, with all its connections. @returns the port */
export async function listen(t: Case, server: Server, path?: string): Promise<number> {
  leaveNothing(t)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  t.defer(async () => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  })
  if (path) server.listen(path)
  else server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export type Handler = http.RequestListener

const awaited = new WeakSet<Case>()

/** For the end of a case, when all its servers and agents are gone. */
function leaveNothing(t: Case): void {
  if (!awaited.has(t)) t.defer(untilFreed)
  awaited.add(t)
}

/** Sockets free their engines when they close, some turns after they were told to; one that failed has a second to tell the peer why. */
async function untilFreed(): Promise<void> {
  for (let turns = 0; liveHandles() > 0 && turns < 300; turns++) await sleep(10)
}

/** An HTTPS server of one side. @returns the server and its port */
export async function serve(t: Case, side: Side, handler: Handler, options: nodeHttps.ServerOptions = {}) {
  const server = MODULES[side].https.createServer({ ...identity(), ...options }, handler)
  const port = await listen(t, server)
  return { server, port }
}

/** An agent that is gone after the case. */
export function agentOf(t: Case, side: Side, options: httpsNames.AgentOptions = {}): nodeHttps.Agent {
  const agent = new MODULES[side].https.Agent({ ...trust(), ...options } as nodeHttps.AgentOptions)
  t.defer(() => agent.destroy())
  return agent
}

/** Where a server listens, and by which name it is known. */
export const at = (port: number) => ({ host: '127.0.0.1', servername: 'localhost', port })

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
  socket: nodeTls.TLSSocket
  request: http.ClientRequest
}

/** Sends a request and waits for all of the answer. */
export async function ask(side: Side, options: nodeHttps.RequestOptions, body?: string): Promise<Answer> {
  const request = MODULES[side].https.request({ host: '127.0.0.1', servername: 'localhost', ...options })
  request.end(body)
  return answered(request)
}

export async function answered(request: http.ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const socket = response.socket as nodeTls.TLSSocket
  const all = await text(response)
  return { status: response.statusCode!, headers: response.headers, body: all, socket, request }
}

export async function text(stream: Readable): Promise<string> {
  let all = ''
  for await (const chunk of stream.setEncoding('utf8')) all += chunk
  return all
}

export async function sha256(stream: Readable): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    hash.update(chunk)
  }
  return { bytes, hash: hash.digest('hex') }
}

/** The error with which a request ends. */
export async function failure(request: http.ClientRequest): Promise<Error & { code?: string }> {
  request.on('response', (response) => response.resume())
  const [error] = (await once(request, 'error')) as [Error]
  return error
}
