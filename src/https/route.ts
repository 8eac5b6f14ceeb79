// Which proxies lead to a host: what a program says, or what it asks to be taken from the environment. Checked when it is given, so that a
// mistake shows where it was made and not at the first request.
import { validateHeaderName, validateHeaderValue } from 'node:http'
import * as net from 'node:net'
import type { ConnectionOptions } from 'node:tls'

/** One proxy. Whom it is trusted to be is its own matter: of the target's options none is used for it. */
export interface ProxyHopOptions extends ConnectionOptions, Omit<Partial<net.TcpSocketConnectOpts>, 'lookup' | 'timeout' | 'port'> {
  /** `http://user:password@host:port`, or `https://...` for TLS to the proxy itself. */
  url: string | URL
  /** Sent with CONNECT. */
  headers?: Readonly<Record<string, string>>
}

/** By its address, or with options. */
export type ProxyHop = string | URL | ProxyHopOptions

/** Which proxies to take, if any. */
export interface ProxyOptions {
  /** The proxy, or several: the first is asked for a tunnel to the second, and so on; the last for one to the target. */
  proxy?: ProxyHop | readonly ProxyHop[] | undefined
  /** `process.env`, or the like: HTTPS_PROXY and NO_PROXY of it are followed. Without it the environment has no say. */
  proxyEnv?: NodeJS.ProcessEnv | undefined
}

/** A proxy, as it is used. */
export interface Hop {
  /** For messages: no credentials. */
  readonly url: string
  readonly secure: boolean
  readonly host: string
  readonly port: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly options: Omit<ProxyHopOptions, 'url' | 'headers'>
  /** Of the last connection to it, to be resumed. */
  session?: Buffer
}

export interface Route {
  readonly hops: readonly Hop[]
  /** A host that is reached directly. */
  bypasses(host: string, port: unknown): boolean
}

/** @throws Error with the code ERR_PROXY_INVALID_CONFIG */
export function routeOf({ proxy, proxyEnv }: ProxyOptions): Route | undefined {
  if (proxy !== undefined) {
    const hops = (Array.isArray(proxy) ? (proxy as readonly ProxyHop[]) : [proxy as ProxyHop]).map(hopOf)
    return hops.length ? { hops, bypasses: () => false } : undefined
  }
  const url = proxyEnv?.https_proxy || proxyEnv?.HTTPS_PROXY // both are in use, and the lower case one wins where both are set
  if (!url || !proxyEnv || /^(?!https?:\/\/)[a-z0-9+.-]*:\/\//i.test(url)) return undefined // socks5://, for others to deal with
  return { hops: [hopOf(url)], bypasses: exceptions(proxyEnv.no_proxy || proxyEnv.NO_PROXY || '') }
}

function hopOf(given: ProxyHop): Hop {
  const { url, headers = {}, ...options } = typeof given === 'string' || given instanceof URL ? { url: given } : given
  const parsed = parseUrl(url)
  const secure = parsed.protocol === 'https:'
  const authorization = credentials(parsed)
  const all = [...(authorization ? [['proxy-authorization', authorization] as const] : []), ...Object.entries(headers)]
  for (const [name, value] of all) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
  return {
    url: parsed.origin,
    secure,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(parsed.port) || (secure ? 443 : 80),
    headers: all,
    options,
  }
}

function parseUrl(url: string | URL): URL {
  const text = String(url)
  const parsed = /[\r\n]/.test(text) || !URL.canParse(text) ? undefined : new URL(text)
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw invalidConfig(`Invalid proxy URL: ${text.replace(/\/\/[^/]*@/s, '//')}`)
  return parsed
}

function credentials({ username, password }: URL): string | undefined {
  if (!username && !password) return undefined
  try {
    const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return `Basic ${Buffer.from(plain).toString('base64')}`
  } catch {
    throw invalidConfig('Invalid proxy URL: its user name or password is not percent-encoded')
  }
}

const invalidConfig = (message: string): Error => Object.assign(new Error(message), { code: 'ERR_PROXY_INVALID_CONFIG' })

// ---- NO_PROXY: no standard, but a common ground of curl, Node and others. ----

type Rule = (host: string, port: string) => boolean

function exceptions(list: string): Route['bypasses'] {
  const entries = list.toLowerCase().split(',').map((entry) => entry.trim())
  const rules = entries.filter(Boolean).map(ruleOf)
  return (host, port) => rules.some((rule) => rule(host.toLowerCase(), String(port ?? 443)))
}

/** `*`; `host`, `host:port`; `.domain` and what is below it, `*.domain` only what is below it; `10.0.0.1-10.0.0.9`. */
function ruleOf(entry: string): Rule {
  if (entry === '*') return () => true
  if (entry.startsWith('.')) return (host) => host === entry.slice(1) || host.endsWith(entry)
  if (entry.startsWith('*.')) return (host) => host.endsWith(entry.slice(1))
  const [first = '', last = ''] = entry.split('-').map((one) => one.trim())
  const isRange = net.isIPv4(first) && net.isIPv4(last)
  if (isRange) return (host) => net.isIPv4(host) && number(first) <= number(host) && number(host) <= number(last)
  return (host, port) => entry === host || entry === `${host}:${port}`
}

const number = (address: string): number => address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
