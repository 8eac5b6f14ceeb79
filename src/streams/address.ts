// Where to connect to, as the Sockets API writes it: "example.test:443", "[::1]:443", or the two apart.
import { usageError } from '../errors.ts'

/** A host and a TCP port. */
export interface SocketAddress {
  /** A name, or an IPv4 or IPv6 address. */
  hostname: string
  /** TCP, 1 to 65,535. */
  port: number
}

/** @throws TlsError of kind `usage` */
export function parseAddress(address: SocketAddress | string): SocketAddress {
  const { hostname, port } = typeof address === 'string' ? split(address) : address
  if (typeof hostname !== 'string' || !hostname) throw usageError('connect needs a `hostname`: a name or an address')
  checkPort(port, 1)
  return { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port }
}

/** @throws TlsError of kind `usage` */
export function checkPort(port: number, lowest: 0 | 1): void {
  if (Number.isInteger(port) && port >= lowest && port <= 65_535) return
  throw usageError(`port is ${port}; it must be a number from ${lowest} to 65535`)
}

/** As `remoteAddress` and `localAddress` have it. */
export const formatAddress = ({ hostname, port }: SocketAddress): string => `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`

function split(address: string): SocketAddress {
  const [, hostname = '', port] = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(address) ?? []
  if (!port) throw usageError(`the address is "${address}"; it must be "host:port", with brackets around an IPv6 address`)
  return { hostname, port: Number(port) }
}
