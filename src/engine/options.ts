// What a caller may say, each with its default and the reason for it; and the checks that turn it into what the C side takes.
// Parse, don't validate: what leaves this file is right.
import { usageError } from '../errors.ts'
import type { Signer } from './signer.ts'

export type Role = 'client' | 'server'
export type Version = 'TLSv1.2' | 'TLSv1.3'
/** PEM text, or PEM or DER as bytes. */
export type Encoded = string | Uint8Array

export interface ContextOptions {
  /** Our certificate: leaf first, then the intermediates that lead to a root. A server needs one, a client for mTLS only. */
  cert?: Encoded
  /** The private key of `cert`: PKCS#8, encrypted or not, PKCS#1 or SEC1. Given together with `cert`. */
  key?: Encoded
  /**
   * Instead of `key`: signs with the private key of `cert`, which is somewhere else (HSM, KMS, another thread). 'event' is for signatures
   * that take time: the engine parks with a `sign` event. See docs/signer.md.
   */
  signer?: Signer | 'event'
  /** Decrypts `key` or `pkcs12`. */
  passphrase?: string
  /** Certificate, key and chain in one PKCS#12 file, instead of `cert` and `key`. */
  pkcs12?: Uint8Array
  /**
   * Certificates to trust, instead of the host's. Default for clients: the host's roots (Node, Deno, Bun); where the host shows
   * none (browsers, workerd) a client must give them. Servers trust nobody by default: public roots say nothing about who may
   * be a client.
   */
  ca?: Encoded | readonly Encoded[]
  /** Default TLS 1.2: older versions are deprecated (RFC 8996). */
  minVersion?: Version
  /** Default TLS 1.3. */
  maxVersion?: Version
  /**
   * TLS 1.2, in OpenSSL's cipher list format (openssl-ciphers(1)). Default: forward-secret AEAD suites, ChaCha20-Poly1305 first.
   */
  cipherList?: string
  /** TLS 1.3 suites by IANA name, best first. Default: ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM; the reason stands below. */
  cipherSuites?: readonly string[]
  /**
   * Groups for key exchange, best first. Default: the post-quantum hybrid X25519MLKEM768 first, so that traffic recorded today stays
   * closed tomorrow; a client sends key shares for it and for X25519, so that servers without it need no second round trip.
   */
  groups?: readonly string[]
  /** Signature schemes, best first, by IANA name or as `ECDSA+SHA256`. Default: OpenSSL's at its security level 2 (112 bits). */
  signatureSchemes?: readonly string[]
  /** ALPN protocols, best first: what a client offers, and how a server chooses. Default: none, the extension is left out. */
  alpn?: readonly string[]
  /** Keeps sessions of different services apart that share ticket keys; at most 32 bytes. Default: "membio". */
  sessionIdContext?: Uint8Array
  /** Verify certificates as of this time instead of now. For tests. */
  verifyTime?: Date
}

export interface EngineOptions {
  role: Role
  /**
   * Client: the host that is meant. Sent as SNI unless it is an IP address, and the server's certificate must be valid for it. Required,
   * because a certificate that is only valid for somebody is valid for nobody in particular.
   */
  servername?: string
  /** Client: the name or address the certificate must carry, where that is not `servername`. */
  identity?: string
  /** Client: a session of an earlier connection (the `session` event). One that does not fit is left out. */
  session?: Uint8Array
  /** Overrides the context's `alpn`. */
  alpn?: readonly string[]
  /** Server: whether the client shall show a certificate. It is verified against `ca` in any case. Default 'none'. */
  clientCertificate?: 'none' | 'request' | 'require'
  /**
   * Goes on whatever the peer's certificate is, or without one; the verdict stands in `agreed.authorizationError`. Anybody on the
   * path can then read and change the traffic.
   */
  dangerouslyAcceptAnyCertificate?: boolean
  /** Server: where to stop and wait for `engine.resume`. Default: nowhere. */
  park?: readonly 'clientHello'[]
  /** Report `keylog` events: secrets that open the connection to whoever reads them. Default false. */
  keylog?: boolean
  /** Report `state` and `message` events. Default false: it costs time and memory. */
  trace?: boolean
}

/**
 * RFC 9325's recommendation for TLS 1.2, without its CBC fallbacks: ECDHE only, AEAD only. ChaCha20-Poly1305 comes first here and in
 * TLS 1.3: without AES instructions, as in WebAssembly, it is the fast one, and the one without secret-dependent table look-ups.
 */
const DEFAULT_CIPHER_LIST = [
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':')

const DEFAULT_CIPHER_SUITES = 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384'

/** A star marks a group whose key share a client sends at once, a slash a step down in preference (SSL_CTX_set1_groups_list(3)). */
const DEFAULT_GROUPS = '*X25519MLKEM768/*X25519:secp256r1/secp384r1:secp521r1'

const VERSION_NUMBERS: Record<Version, number> = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 }

/** Options as the C side takes them. */
export interface ContextSettings {
  versions: [minimum: number, maximum: number]
  cipherList: string
  cipherSuites: string
  groups: string
  signatureSchemes?: string
  alpn?: Uint8Array
  ca: readonly Uint8Array[]
  cert?: Uint8Array
  key?: Uint8Array
  signer?: Signer | 'event'
  pkcs12?: Uint8Array
  passphrase?: string
  sessionIdContext: Uint8Array
  verifyTime?: number
}

const encoder = new TextEncoder()

export function parseContextOptions(options: ContextOptions): ContextSettings {
  const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', pkcs12, passphrase } = options
  const versions: [number, number] = [versionNumber('minVersion', minVersion), versionNumber('maxVersion', maxVersion)]
  if (versions[0] > versions[1]) throw usageError(`minVersion ${minVersion} is newer than maxVersion ${maxVersion}`)
  if (pkcs12 && (options.cert || options.key)) throw usageError('give either `pkcs12` or `cert` and `key`, not both')
  if (options.signer) checkSigner(options)
  else if (options.cert && !options.key) throw usageError('`cert` is given without `key` or `signer`')
  else if (options.key && !options.cert) throw usageError('`key` is given without `cert`')
  const sessionIdContext = options.sessionIdContext ?? encoder.encode('membio')
  if (sessionIdContext.length > 32) throw usageError(`sessionIdContext has ${sessionIdContext.length} bytes, at most 32 fit`)
  return {
    versions,
    cipherList: options.cipherList ?? DEFAULT_CIPHER_LIST,
    cipherSuites: options.cipherSuites ? joined('cipherSuites', options.cipherSuites) : DEFAULT_CIPHER_SUITES,
    groups: options.groups ? joined('groups', options.groups) : DEFAULT_GROUPS,
    signatureSchemes: options.signatureSchemes && joined('signatureSchemes', options.signatureSchemes),
    alpn: options.alpn && alpnWire(options.alpn),
    ca: (Array.isArray(options.ca) ? options.ca : options.ca ? [options.ca] : []).map((ca) => encoded('ca', ca)),
    cert: options.cert ? encoded('cert', options.cert) : undefined,
    key: options.key ? encoded('key', options.key) : undefined,
    signer: options.signer,
    pkcs12: pkcs12 && encoded('pkcs12', pkcs12),
    passphrase,
    sessionIdContext,
    verifyTime: options.verifyTime && options.verifyTime.getTime() / 1000,
  }
}

function checkSigner({ cert, key, pkcs12, signer }: ContextOptions): void {
  if (typeof signer !== 'function' && signer !== 'event') {
    throw usageError(`\`signer\` must be a function or 'event', not ${JSON.stringify(signer)}`)
  }
  if (key || pkcs12) throw usageError(`give either \`${key ? 'key' : 'pkcs12'}\` or \`signer\`, not both`)
  if (!cert) throw usageError('`signer` is given without `cert`: the certificate says whose key it is')
}

export function parseEngineOptions(options: EngineOptions): EngineOptions {
  const { role, servername, identity = servername, dangerouslyAcceptAnyCertificate } = options
  if (role !== 'client' && role !== 'server') throw usageError(`role is ${JSON.stringify(role)}; it must be 'client' or 'server'`)
  if (role === 'client') {
    if (!identity && !dangerouslyAcceptAnyCertificate) throw usageError('a client needs `servername`: the host its certificate is checked for')
    for (const option of ['clientCertificate', 'park'] as const) if (options[option]) throw usageError(`\`${option}\` is for servers`)
  } else {
    for (const option of ['servername', 'identity', 'session'] as const) if (options[option]) throw usageError(`\`${option}\` is for clients`)
  }
  return { ...options, identity }
}

function versionNumber(option: string, version: Version): number {
  const number = VERSION_NUMBERS[version]
  if (!number) throw usageError(`${option} is ${JSON.stringify(version)}; it must be one of ${Object.keys(VERSION_NUMBERS).join(', ')}`)
  return number
}

function joined(option: string, names: readonly string[]): string {
  if (!Array.isArray(names) || !names.length) throw usageError(`\`${option}\` must be a list of names`)
  const wrong = names.find((name) => typeof name !== 'string' || !/^[\w+.\-?*]+$/.test(name))
  if (wrong !== undefined) throw usageError(`\`${option}\` must be a list of names; ${JSON.stringify(wrong)} is none`)
  return names.join(':')
}

function encoded(option: string, value: Encoded): Uint8Array {
  if (typeof value === 'string') return encoder.encode(value)
  if (value instanceof Uint8Array) return value
  throw usageError(`\`${option}\` must be PEM text or bytes, not ${typeof value}`)
}

/** RFC 7301: each name behind one byte of length. */
export function alpnWire(protocols: readonly string[]): Uint8Array {
  const names = protocols.map((name) => encoder.encode(name))
  const wrong = names.findIndex((name) => name.length === 0 || name.length > 255)
  if (wrong >= 0) throw usageError(`ALPN protocol ${JSON.stringify(protocols[wrong])} must have 1 to 255 bytes`)
  return new Uint8Array(names.flatMap((name) => [name.length, ...name]))
}

/** Written as an address and not as a name: then it is not sent as SNI (RFC 6066, section 3). */
export const isIpAddress = (host: string): boolean => host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
