// membio as the server, for clients that are programs of their own.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import type { Case } from '../support/suite.ts'
import { certificates, MiB, noise, recordAccepted } from './rows.ts'
import { http2, https } from './web.ts'

export const LARGE = noise(5 * MiB)

/** How it was asked, in JSON. */
export interface Told {
  version: string
  resumed: boolean
  http: string
}

/** /large is large, /hash says the SHA-256 of what it is sent, everything else how it was asked. */
const handler: RequestListener = (request, response) => {
  const socket = request.socket as TLSSocket // with HTTP/2 it is a proxy of one
  const told = (): Told => ({ version: socket.getProtocol()!, resumed: socket.isSessionReused(), http: request.httpVersion })
  if (request.url === '/large') response.end(LARGE)
  else if (request.url === '/hash') void buffer(request).then((all) => response.end(createHash('sha256').update(all).digest('hex')))
  else response.end(JSON.stringify(told()))
}

export const SERVERS = {
  'HTTP/1.1': (listener = handler) => https.createServer({ ...certificates.server }, listener),
  'HTTP/2': (listener = handler) => http2.createSecureServer({ ...certificates.server, allowHTTP1: true }, listener as never),
} as const

/** Resolves with the port; it is gone after the row, with all its connections. */
export async function listen(t: Case, server: Server): Promise<number> {
  recordAccepted(server)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.once('close', () => sockets.delete(socket))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.defer(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

export interface Outcome {
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Runs a program to its end, with `input` as all it reads. */
export async function run(t: Case, command: string, args: readonly string[], input: string | Buffer = ''): Promise<Outcome> {
  const child = spawn(command, args)
  t.defer(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {}) // it may end before it has read everything
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}
