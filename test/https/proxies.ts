// A small proxy for tests: CONNECT and nothing else, in clear text or over TLS, with or without a password.
import * as http from 'node:http'
import * as net from 'node:net'
import { identity, listen, MODULES, type Side } from './support.ts'
import type { Identity } from '../support/certs.ts'
import type { Case } from '../support/suite.ts'

export interface Proxy {
  url: string
  port: number
  /** What CONNECT was asked for, in turn. */
  asked: string[]
  headers: http.IncomingHttpHeaders[]
}

export interface ProxyBehaviour {
  identity?: Identity
  /** `user:password` that it insists on. */
  credentials?: string
  /** Instead of a tunnel. */
  answer?: string
}

/** @param kind in clear text, or whose TLS it has */
export async function connectProxy(t: Case, kind: 'plain' | Side, behaviour: ProxyBehaviour = {}): Promise<Proxy> {
  const server = kind === 'plain' ? http.createServer() : MODULES[kind].https.createServer({ ...identity(), ...behaviour.identity })
  const asked: string[] = []
  const headers: http.IncomingHttpHeaders[] = []
  server.on('connect', (request: http.IncomingMessage, client: net.Socket, head: Buffer) => {
    asked.push(request.url!)
    headers.push(request.headers)
    client.on('error', () => {})
    const answer = behaviour.answer ?? (isWelcome(request, behaviour) ? undefined : 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    if (answer !== undefined) client.end(answer)
    else tunnel(t, request.url!, client, head)
  })
  const port = await listen(t, server)
  return { url: `${kind === 'plain' ? 'http' : 'https'}://localhost:${port}`, port, asked, headers }
}

function isWelcome({ headers }: http.IncomingMessage, { credentials }: ProxyBehaviour): boolean {
  return credentials === undefined || headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`
}

function tunnel(t: Case, target: string, client: net.Socket, head: Buffer): void {
  const { hostname, port } = new URL(`http://${target}`)
  const upstream = net.connect({ host: hostname === 'localhost' ? '127.0.0.1' : hostname, port: Number(port), allowHalfOpen: true })
  t.defer(() => upstream.destroy())
  upstream.on('connect', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    upstream.write(head)
    client.pipe(upstream).pipe(client)
  })
  upstream.on('error', (error) => client.end(`HTTP/1.1 502 ${(error as NodeJS.ErrnoException).code}\r\n\r\n`))
  client.on('close', () => upstream.destroy())
}
