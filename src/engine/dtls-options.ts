// What a caller may say about DTLS: the options of TLS that mean something here, and what datagrams add.
import { usageError } from '../errors.ts'
import type { ContextOptions, EngineOptions } from './options.ts'

/**
 * As for TLS. The version is DTLS 1.2: OpenSSL has no newer one, and the older one is deprecated (RFC 8996). What is for TLS 1.3 or for
 * streams is left out.
 *
 * OpenSSL's DTLS servers know RSA and ECDSA only: an Ed25519 certificate is for clients. Suites with AES-CCM-8, as constrained devices
 * speak them (RFC 7925), are below the security level because of their short tags: name them in `cipherList`, together with
 * `insecureLegacyPeers`, which here means security level 0 and the weaker suites, but no older version.
 */
export type DtlsContextOptions = Omit<ContextOptions, NotForDtls>

type NotForDtls = (typeof NOT_FOR_DTLS)[number]
const NOT_FOR_DTLS = [
  'minVersion',
  'maxVersion',
  'cipherSuites',
  'maxSendFragment',
  'maxFragmentLength',
  'recordPadding',
  'renegotiations',
  'ticketCount',
  'maxEarlyData',
] as const satisfies readonly (keyof ContextOptions)[]

/** Whom a cookie is bound to: address and port of the peer, in any form that is always the same for the same peer. */
export type DtlsPeer = string | Uint8Array

type Common = Pick<EngineOptions, 'alpn' | 'dangerouslyAcceptAnyCertificate' | 'expectedKeys' | 'keylog' | 'trace'>
type ClientOnly = Pick<EngineOptions, 'servername' | 'identity' | 'session' | 'psk' | 'ocsp'>
type ServerOnly = Pick<EngineOptions, 'clientCertificate' | 'psks' | 'pskHint'>

export interface MtuOption {
  /**
   * The longest datagram to send, in bytes of UDP payload; from 208 to 65,507. Flights of the handshake are cut to it, and what is
   * written must fit. Default 1,200: what QUIC demands of every path (RFC 9000, section 14), so nothing has to be found out first, and
   * IPv6 with its 1,280 bytes has room for a tunnel's header.
   */
  mtu?: number
}

/** What an engine for a client needs to know. */
export interface DtlsClientOptions extends Common, ClientOnly, MtuOption {
  /** Which side of the handshake. */
  role: 'client'
  /** Where to stop and wait for `engine.resume`. Default: nowhere. */
  park?: readonly ('certificateRequest' | 'verify')[]
}

/** What an engine for a server needs to know. */
export interface DtlsServerOptions extends Common, ServerOnly, MtuOption {
  /** Which side of the handshake. */
  role: 'server'
  /** Where to stop and wait for `engine.resume`. Default: nowhere. PSK identities cannot wait: give all of `psks`. */
  park?: readonly ('clientHello' | 'verify')[]
  /**
   * The client, where it is known: it must answer a HelloVerifyRequest with a cookie bound to this address before anything costs
   * memory or is sent to it (RFC 6347, 4.2.1). Left out, the engine finds its peer with `listen`.
   */
  peer?: DtlsPeer
  /**
   * Asks for no cookie. Whoever forges a sender's address can then turn a small ClientHello into a large flight to a victim. For
   * paths that are verified otherwise, as with ICE.
   */
  dangerouslySkipCookie?: boolean
}

/** The same for every client that a listener finds; whom a cookie is bound to, it learns with each datagram. */
export type DtlsListenerOptions = Omit<DtlsServerOptions, 'role' | 'peer' | 'dangerouslySkipCookie'>

/** What one connection needs to know; the role decides which. */
export type DtlsEngineOptions = DtlsClientOptions | DtlsServerOptions

/** What only DTLS has, checked. */
export interface DatagramSettings {
  mtu: number
  peer?: DtlsPeer
  skipCookie: boolean
}

const DEFAULT_MTU = 1200
/** The least OpenSSL takes, and the most UDP carries. */
const MTU_RANGE = [208, 65507] as const

/** For plain JavaScript; TypeScript has told already. */
export function refuseStreamOptions(options: DtlsContextOptions): void {
  const wrong = NOT_FOR_DTLS.find((option) => (options as ContextOptions)[option] !== undefined)
  if (wrong) throw usageError(`\`${wrong}\` is for TLS 1.3 or for streams, not for DTLS 1.2`)
  if (options.cipherList === '') throw usageError('`cipherList` is empty: DTLS 1.2 has no other suites')
}

export function parseDatagramOptions(options: DtlsEngineOptions): DatagramSettings {
  const { mtu = DEFAULT_MTU } = options
  const [least, most] = MTU_RANGE
  if (!Number.isInteger(mtu) || mtu < least || mtu > most) throw usageError(`mtu is ${mtu}; it must be a number from ${least} to ${most}`)
  const { peer, dangerouslySkipCookie: skipCookie = false } = options as Partial<DtlsServerOptions>
  const forServers = peer !== undefined || skipCookie
  if (options.role === 'client' && forServers) throw usageError('`peer` and `dangerouslySkipCookie` are for servers')
  if (peer !== undefined && skipCookie) throw usageError('give either `peer` or `dangerouslySkipCookie`, not both')
  if (peer !== undefined && peer.length === 0) throw usageError('`peer` is empty: a cookie is bound to the address of one peer')
  const park: readonly string[] = options.park ?? []
  if (park.includes('psk')) throw usageError('`park`: a PSK identity cannot wait with DTLS: give all keys as `psks`')
  return { mtu, peer, skipCookie }
}
