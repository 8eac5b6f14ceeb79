// Servers to try the page with: one that is right, and those that are wrong in the ways that servers are. On loopback, with
// certificates of an authority made at start.
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createServer } from 'membio/https'
import { createCertificate, createKey } from 'membio/x509'

/** What the page is told. */
export interface Example {
  name: string
  host: string
  port: number
  /** The authority, in PEM. */
  ca: string
}

const DAY = 86_400_000

/** Starts them all, on free ports. */
export async function startExamples(): Promise<{ examples: Example[]; stop(): void }> {
  const authority = makeAuthority('membio example authority')
  const stranger = makeAuthority('An authority nobody knows')
  const good = { hosts: ['localhost', '127.0.0.1', '::1'], issuer: authority }
  const servers: [name: string, server: Server][] = [
    ['all is well', secure(good)],
    ['TLS 1.2', secure(good, { maxVersion: 'TLSv1.2' })],
    ['expired', secure({ ...good, notBefore: daysFromNow(-90), notAfter: daysFromNow(-3) })],
    ['not valid yet', secure({ ...good, notBefore: daysFromNow(3), notAfter: daysFromNow(90) })],
    ['for another host', secure({ ...good, hosts: ['shop.example', 'www.shop.example'] })],
    ['unknown authority', secure({ ...good, issuer: stranger })],
    ['signed by itself', secure({ hosts: good.hosts })],
    ['no TLS', createHttpServer(hello)],
  ]
  for (const [, server] of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const portOf = (server: Server) => (server.address() as AddressInfo).port
  const examples = servers.map(([name, server]) => ({ name, host: 'localhost', port: portOf(server), ca: authority.cert }))
  return { examples, stop: () => servers.forEach(([, server]) => server.close()) }
}

const daysFromNow = (days: number): Date => new Date(Date.now() + days * DAY)

function makeAuthority(name: string): { cert: string; key: string } {
  const key = createKey()
  return { key, cert: createCertificate({ key, subject: { O: 'membio', CN: name }, ca: true }) }
}

type Leaf = { hosts: string[]; issuer?: { cert: string; key: string }; notBefore?: Date; notAfter?: Date }

function secure(leaf: Leaf, versions: { maxVersion?: 'TLSv1.2' } = {}): Server {
  const key = createKey()
  const cert = createCertificate({ key, subject: { CN: leaf.hosts[0]! }, ...leaf })
  return createServer({ cert, key, ALPNProtocols: ['http/1.1'], ...versions }, hello)
}

const hello: RequestListener = ({ method, url, socket }, response) => {
  const protocol = (socket as Partial<TLSSocket>).getProtocol?.() ?? 'no TLS at all'
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.end(`Hello from a server on this machine.\n\nYou asked: ${method} ${url}\nIt came by: ${protocol}\n`)
}
