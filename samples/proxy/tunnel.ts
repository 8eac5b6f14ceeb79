// From a WebSocket to a TCP connection and back: who may come, where they may go, and the bytes between. It sees what is sent through
// it; where that is TLS made in the browser, it sees ciphertext. It depends on Node only.
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { accept, refuse, type Upgrade, type WebSocketStream } from './web-socket.ts'

/** Whom the proxy serves. */
export interface Rules {
  /** Origins of the pages that may use it, "http://localhost:8080". Programs that are no browsers send none, and may. */
  origins: readonly string[]
  /** Targets that it connects to: "HOST:PORT", where either may be a `*`. */
  targets: readonly string[]
  /** Where /websockify leads. */
  fixed?: string
  /** Told of each connection, and of its end. */
  log?(line: string): void
}

/** For the HTTP server's event 'upgrade'. */
export function tunnels(rules: Rules): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    const upgrade = { request, socket, head }
    const { origin } = request.headers
    // Any page can open a WebSocket to any server, loopback included: only the origin tells whose page it is.
    if (origin !== undefined && !rules.origins.includes(origin)) {
      return refuse(upgrade, '403 Forbidden', `pages of ${origin} may not use this proxy\n`)
    }
    const target = targetOf(request, rules)
    if (target === undefined) return refuse(upgrade, '404 Not Found', 'it is /v1?address=HOST:PORT, or /websockify\n')
    open(upgrade, target, rules)
  }
}

/** undefined: the path is none of ours. */
function targetOf({ url = '/' }: IncomingMessage, { fixed }: Rules): string | undefined {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  if (pathname === '/websockify') return fixed
  return pathname === '/v1' ? (searchParams.get('address') ?? '') : undefined
}

/** "[::1]:443" is ::1 and 443. */
export function parseTarget(target: string): { host: string; port: number } | undefined {
  const [, ipv6, name, port] = /^(?:\[([\da-f:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/i.exec(target) ?? []
  const host = ipv6 ?? name
  return host === undefined || Number(port) > 65_535 || Number(port) < 1 ? undefined : { host: host.toLowerCase(), port: Number(port) }
}

function isAllowed({ host, port }: { host: string; port: number }, { targets }: Rules): boolean {
  return targets.some((target) => {
    const at = target.lastIndexOf(':')
    const [wantedHost, wantedPort] = [target.slice(0, at).toLowerCase().replace(/^\[(.*)\]$/, '$1'), target.slice(at + 1)]
    return (wantedHost === '*' || wantedHost === host) && (wantedPort === '*' || Number(wantedPort) === port)
  })
}

/** Browsers do not tell scripts why a handshake was refused, but they tell how a WebSocket was closed: so it is opened, and then closed. */
function open(upgrade: Upgrade, target: string, rules: Rules): void {
  const client = accept(upgrade, ['binary'])
  const address = parseTarget(target)
  if (!client) return
  client.on('error', () => {}) // 'close' comes after it
  if (!address) return close(client, BAD_ADDRESS, `"${target}" is no HOST:PORT`)
  if (!isAllowed(address, rules) && target !== rules.fixed) return close(client, FORBIDDEN, `this proxy may not connect to ${target}`)
  const server = connect({ ...address, allowHalfOpen: true, noDelay: true })
  join(client, server)
  if (rules.log) report(server, target, rules.log)
}

function close(client: WebSocketStream, code: number, reason: string): void {
  client.quit(code, reason)
  client.resume()
}

/** Back-pressure goes through: whoever is slow makes the other side wait. */
function join(client: WebSocketStream, server: Socket): void {
  client.pipe(server, { end: false })
  server.pipe(client, { end: false })
  server.on('end', () => client.end())
  server.on('error', (error) => close(client, BROKEN, error.message))
  server.on('close', () => client.end())
  client.on('end', () => {
    if (client.closeCode !== NORMAL) return server.resetAndDestroy()
    // A WebSocket has no half-close: the client hears no more, whatever the server still says.
    server.end()
    server.unpipe(client)
    server.resume()
    server.setTimeout(LINGER, () => server.destroy())
  })
  client.on('close', () => {
    if (!client.readableEnded) server.resetAndDestroy()
  })
}

function report(server: Socket, target: string, log: (line: string) => void): void {
  server.on('connect', () => log(`${target}: connected`))
  server.on('error', (error) => log(`${target}: ${error.message}`))
  server.on('close', () => log(`${target}: closed, ${server.bytesWritten} bytes there, ${server.bytesRead} bytes back`))
}

const NORMAL = 1000
/** Codes for applications; those of HTTP, with 4000 in front of their last digits. */
const BAD_ADDRESS = 4400
const FORBIDDEN = 4403
const BROKEN = 4502
/** Milliseconds that a server may go on talking after the client has left. */
const LINGER = 10_000
