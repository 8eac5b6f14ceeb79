// What a caller may say, each with its default and the reason for it; and the checks that turn it into what the C side takes.
// Parse, don't validate: what leaves this file is right.
import {
  TLS_OPTION_ANY_PURPOSE,
  TLS_OPTION_CLIENT_PREFERENCE,
  TLS_OPTION_CRL_CHECK,
  TLS_OPTION_LEGACY,
  TLS_OPTION_MAX_EARLY_DATA,
  TLS_OPTION_MAX_FRAGMENT_LENGTH,
  TLS_OPTION_MAX_SEND_FRAGMENT,
  TLS_OPTION_PARTIAL_CHAIN,
  TLS_OPTION_RAW_PUBLIC_KEYS,
  TLS_OPTION_RECORD_PADDING,
  TLS_OPTION_RENEGOTIATION,
  TLS_OPTION_SECURITY_LEVEL,
  TLS_OPTION_SESSION_LIFETIME,
  TLS_OPTION_TICKETS,
  TLS_OPTION_TICKET_COUNT,
  TLS_OPTION_TICKET_ROTATION,
  TLS_OPTION_VERIFY_DEPTH,
  TLS_TICKETS_NONE,
  TLS_TICKETS_STATEFUL,
  TLS_TICKETS_STATELESS,
} from '../abi/generated.ts'
import { usageError } from '../errors.ts'

export type Role = 'client' | 'server'
export type Version = 'TLSv1.2' | 'TLSv1.3'
/** Deprecated by RFC 8996: only with `insecureLegacyPeers`. */
export type LegacyVersion = 'TLSv1' | 'TLSv1.1'
/** PEM text, or PEM or DER as bytes. */
export type Encoded = string | Uint8Array

/** A certificate with its key, in one file or two. */
export interface Identity {
  /** Leaf first, then the intermediates that lead to a root. */
  cert?: Encoded
  /** PKCS#8, encrypted or not, PKCS#1 or SEC1. */
  key?: Encoded
  /** Decrypts `key` or `pkcs12`. */
  passphrase?: string
  /** Certificate, key and chain in one PKCS#12 file, instead of `cert` and `key`. */
  pkcs12?: Uint8Array
}

/** RFC 4279, RFC 8446 4.2.11. The key should have at least 32 random bytes; with TLS 1.3 it goes with SHA-256 suites. */
export interface PreSharedKey {
  identity: string
  key: Uint8Array
}

/** Our own certificate: a server needs one (or pre-shared keys), a client for mTLS only. */
export interface ContextOptions extends Identity {
  /** Several certificates for keys of different types, instead of one: the handshake takes the first that the peer can check. */
  identities?: readonly Identity[]

  // ---- Whom to trust. ----

  /**
   * Certificates to trust, instead of the host's. Default for clients: the host's roots (Node, Deno, Bun); where the host shows
   * none (browsers, workerd) a client must give them. Servers trust nobody by default: public roots say nothing about who may
   * be a client.
   */
  ca?: Encoded | readonly Encoded[]
  /** Certificates to trust besides the host's roots. */
  extraCa?: Encoded | readonly Encoded[]
  /** Revocation lists. Once there is one, every certificate of a chain needs its issuer's list, or only the leaf: `crlCheck`. */
  crls?: Encoded | readonly Encoded[]
  /** Default 'chain' when `crls` are given: an intermediate can be revoked as well. */
  crlCheck?: 'leaf' | 'chain'
  /** Lets a chain end at any certificate of `ca`, not only at a self-signed root. Default false, as in OpenSSL. */
  partialChain?: boolean
  /** Intermediates allowed between leaf and root. Default 100, OpenSSL's: signature checks are bounded by the message's size already. */
  verifyDepth?: number
  /** Certificate policies of which one must be valid for the chain, as dotted OIDs (RFC 5280, 6.1). */
  policies?: readonly string[]
  /**
   * The verified chain must contain one of these: `sha256/` and the base64 digest of a public key (SubjectPublicKeyInfo, as curl's
   * --pinnedpubkey has it), or a certificate's SHA-256 fingerprint in hexadecimal. Comes on top of verification.
   */
  pins?: readonly string[]
  /** Ignores the certificate's extended key usage: a client's certificate will do for a server, and the other way round. */
  dangerouslyIgnorePurpose?: boolean
  /** Verify certificates as of this time instead of now. For tests. */
  verifyTime?: Date
  /** Also accept ('accept') or only use ('require') raw public keys instead of certificates (RFC 7250); see `expectedKeys`. */
  rawPublicKeys?: 'accept' | 'require'

  // ---- What to speak. ----

  /** Default TLS 1.2: older versions are deprecated (RFC 8996). */
  minVersion?: Version | LegacyVersion
  /** Default TLS 1.3. */
  maxVersion?: Version | LegacyVersion
  /**
   * TLS 1.2, in OpenSSL's cipher list format (openssl-ciphers(1)). Default: forward-secret AEAD suites, ChaCha20-Poly1305 first.
   */
  cipherList?: string
  /** TLS 1.3 suites by IANA name, best first. Default: ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM; the reason stands below. */
  cipherSuites?: readonly string[]
  /** Whose order of suites counts on a server. Default 'server': it knows its hardware; but a client that puts ChaCha20 first is followed. */
  cipherPreference?: 'server' | 'client'
  /**
   * Groups for key exchange, best first. Default: the post-quantum hybrid X25519MLKEM768 first, so that traffic recorded today stays
   * closed tomorrow. Key shares are sent for the first group only, unless a name has a star: `['*X25519MLKEM768', '*X25519']`.
   */
  groups?: readonly string[]
  /** Signature schemes, best first, by IANA name or as `ECDSA+SHA256`. Default: OpenSSL's at its security level. */
  signatureSchemes?: readonly string[]
  /** 2 to 5 (SSL_CTX_set_security_level(3)). Default 2: 112 bits, RSA with 2048 bits, no SHA-1. */
  securityLevel?: number
  /** For DHE suites, which are not in the default list. Default 'auto': a group as strong as the certificate's key. */
  dhParameters?: Encoded | 'auto'
  /**
   * For peers that cannot do better: allows TLS 1.0 and 1.1, CBC, static RSA, DHE and SHA-1, keys of any size (security level 0), servers
   * without secure renegotiation (RFC 5746). Sets `minVersion` to TLS 1.0 unless given. Everything it allows has known attacks.
   */
  insecureLegacyPeers?: boolean
  /** ALPN protocols, best first: what a client offers, and how a server chooses. Default: none, the extension is left out. */
  alpn?: readonly string[]
  /** Bytes of plaintext in a record, 512 to 16,384. Default 16,384: fewer records, less work; small ones can be used sooner. */
  maxSendFragment?: number
  /** Client: asks the server for records of at most this size (RFC 6066, section 4), for small peers. Default: does not ask. */
  maxFragmentLength?: 512 | 1024 | 2048 | 4096
  /** TLS 1.3: pads records to a multiple of this many bytes, to hide lengths. Default 0: none, it costs traffic. */
  recordPadding?: number
  /** How many renegotiations (TLS 1.2) a peer may ask for. Default 0: they are refused; they have a history of attacks. */
  renegotiations?: number

  // ---- Sessions. ----

  /** Keeps sessions of different services apart that share ticket keys; at most 32 bytes. Default: "membio". */
  sessionIdContext?: Uint8Array
  /** Seconds a session can be resumed for. Default 7200: RFC 8446 allows a week, but a stolen ticket key opens as much. */
  sessionLifetime?: number
  /**
   * Server: 'stateless' tickets carry the session, encrypted (the default: nothing to store); 'stateful' ones only name it, and `session`
   * events hand it out for a store of yours; 'none' allows no resumption.
   */
  tickets?: 'stateless' | 'stateful' | 'none'
  /** TLS 1.3 tickets a server sends after a full handshake. Default 2: one for each of two connections at once, as in OpenSSL. */
  ticketCount?: number
  /** Server: keys for tickets, to share them between processes; see `SecureContext.ticketKeys`. Default: made at the first ticket. */
  ticketKeys?: Uint8Array
  /** Seconds until a new ticket key is made; three old ones go on opening tickets. Default 86,400, as in Go; 0 with `ticketKeys`. */
  ticketRotation?: number
  /**
   * Server: bytes of 0-RTT data accepted in a connection. Default 0: such data can be replayed. Within one process each ticket opens 0-RTT
   * once; several processes that share ticket keys cannot know of each other.
   */
  maxEarlyData?: number
  /** Server: an OCSP response (DER) for the certificate, stapled for clients that ask (RFC 6066, section 8). */
  ocspResponse?: Uint8Array
}

/** Where a handshake can stop and wait for `engine.resume`. */
export type ParkPoint = 'clientHello' | 'certificateRequest' | 'verify' | 'psk'

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
  /** Raw public keys (SubjectPublicKeyInfo in DER) of which the peer must have one; with `rawPublicKeys` in the context. */
  expectedKeys?: readonly Uint8Array[]
  /** Client: the key to authenticate with, instead of certificates. */
  psk?: PreSharedKey
  /** Server: the keys it knows. More can be given by a decision: see `park`. */
  psks?: readonly PreSharedKey[]
  /** Server, TLS 1.2: a hint for the client's choice of identity. */
  pskHint?: string
  /** Client: asks for a stapled OCSP response ('request'), and refuses a server without one ('require'). A response is always checked. */
  ocsp?: 'request' | 'require'
  /** Client: offers to show a certificate after the handshake, when the server asks (RFC 8446, 4.6.2). Default false: not in HTTP/2. */
  postHandshakeAuth?: boolean
  /** Where to stop and wait for `engine.resume`. Default: nowhere. */
  park?: readonly ParkPoint[]
  /** Report `keylog` events: secrets that open the connection to whoever reads them. Default false. */
  keylog?: boolean
  /** Report `state` and `message` events. Default false: it costs time and memory. */
  trace?: boolean
}

/** What the context adds. */
export interface EngineSettings extends EngineOptions {
  /** Server: report `session` events. */
  sessions?: boolean
  /** Server: take 0-RTT data. */
  earlyData?: boolean
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

/** What peers of the last century speak, at security level 0 (openssl-ciphers(1)). */
const LEGACY_CIPHER_LIST = 'ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0'
/** ECDHE keeps what was recorded closed when the key gets known. */
const PSK_CIPHER_LIST = 'ECDHE-PSK-CHACHA20-POLY1305:PSK-CHACHA20-POLY1305:PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384'

const VERSION_NUMBERS: Record<Version | LegacyVersion, number> = { TLSv1: 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 }
const TICKETS = { stateless: TLS_TICKETS_STATELESS, stateful: TLS_TICKETS_STATEFUL, none: TLS_TICKETS_NONE } as const

/** Options as the C side takes them. */
export interface ContextSettings {
  versions: [minimum: number, maximum: number]
  cipherList: string
  cipherSuites: string
  groups: string
  signatureSchemes?: string
  alpn?: Uint8Array
  ca: readonly Uint8Array[]
  extraCa: readonly Uint8Array[]
  crls: readonly Uint8Array[]
  identities: readonly { cert?: Uint8Array; key?: Uint8Array; pkcs12?: Uint8Array; passphrase?: string }[]
  sessionIdContext: Uint8Array
  verifyTime?: number
  policies: readonly string[]
  pins?: Uint8Array
  dhParameters?: Uint8Array
  ticketKeys?: Uint8Array
  ocspResponse?: Uint8Array
  /** TLS_OPTION_* and its value. */
  numbers: readonly (readonly [option: number, value: number])[]
}

const encoder = new TextEncoder()

export function parseContextOptions(options: ContextOptions): ContextSettings {
  const { insecureLegacyPeers: legacy, sessionIdContext = encoder.encode('membio') } = options
  checkLists(options)
  if (sessionIdContext.length > 32) throw usageError(`sessionIdContext has ${sessionIdContext.length} bytes, at most 32 fit`)
  if (options.ca && options.extraCa) throw usageError('`ca` replaces the roots, `extraCa` adds to them: give one of the two')
  const signatureSchemes = options.signatureSchemes && joined('signatureSchemes', options.signatureSchemes)
  return {
    versions: versionsOf(options),
    cipherList: options.cipherList ?? (legacy ? LEGACY_CIPHER_LIST : `${DEFAULT_CIPHER_LIST}:${PSK_CIPHER_LIST}`),
    cipherSuites: options.cipherSuites ? joined('cipherSuites', options.cipherSuites) : DEFAULT_CIPHER_SUITES,
    groups: options.groups ? joined('groups', options.groups) : DEFAULT_GROUPS,
    signatureSchemes,
    alpn: options.alpn && alpnWire(options.alpn),
    ca: encodedList('ca', options.ca),
    extraCa: encodedList('extraCa', options.extraCa),
    crls: encodedList('crls', options.crls),
    identities: identitiesOf(options),
    sessionIdContext,
    verifyTime: options.verifyTime && options.verifyTime.getTime() / 1000,
    policies: options.policies ?? [],
    pins: options.pins && pinDigests(options.pins),
    dhParameters: options.dhParameters && options.dhParameters !== 'auto' ? encoded('dhParameters', options.dhParameters) : undefined,
    ticketKeys: options.ticketKeys,
    ocspResponse: options.ocspResponse,
    numbers: numbersOf(options),
  }
}

/** What plain JavaScript may get wrong, and TypeScript would have told. */
function checkLists(options: ContextOptions): void {
  for (const [option, values] of Object.entries(CHOICES)) {
    const value = options[option as keyof typeof CHOICES]
    if (value !== undefined && !(values as readonly unknown[]).includes(value)) {
      throw usageError(`${option} is ${JSON.stringify(value)}; it must be one of ${values.join(', ')}`)
    }
  }
}
const CHOICES = {
  crlCheck: ['leaf', 'chain'],
  rawPublicKeys: ['accept', 'require'],
  cipherPreference: ['server', 'client'],
  tickets: ['stateless', 'stateful', 'none'],
  maxFragmentLength: [512, 1024, 2048, 4096],
} as const

/** Each row: when, which option, which value. */
function numbersOf(options: ContextOptions): [number, number][] {
  const { insecureLegacyPeers: legacy, securityLevel, crls, crlCheck = 'chain', rawPublicKeys, tickets, ticketKeys } = options
  const minimumLevel = legacy ? 0 : 2
  const inRange = (option: keyof ContextOptions, minimum: number, maximum: number): number | undefined => {
    const value = options[option]
    if (value === undefined) return undefined
    if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
      throw usageError(`${option} is ${String(value)}; it must be an integer from ${minimum} to ${maximum}`)
    }
    return value as number
  }
  if (securityLevel !== undefined && securityLevel < 2 && !legacy) throw usageError('a securityLevel below 2 needs `insecureLegacyPeers`')
  const rows: [number, number | undefined][] = [
    [TLS_OPTION_SECURITY_LEVEL, inRange('securityLevel', minimumLevel, 5) ?? minimumLevel],
    [TLS_OPTION_LEGACY, legacy ? 1 : undefined],
    [TLS_OPTION_CLIENT_PREFERENCE, options.cipherPreference === 'client' ? 1 : undefined],
    [TLS_OPTION_RENEGOTIATION, inRange('renegotiations', 0, 1_000_000)],
    [TLS_OPTION_MAX_SEND_FRAGMENT, inRange('maxSendFragment', 512, 16384)],
    [TLS_OPTION_MAX_FRAGMENT_LENGTH, options.maxFragmentLength],
    [TLS_OPTION_RECORD_PADDING, inRange('recordPadding', 0, 16384)],
    [TLS_OPTION_TICKETS, tickets && TICKETS[tickets]],
    [TLS_OPTION_TICKET_COUNT, inRange('ticketCount', 0, 100)],
    [TLS_OPTION_SESSION_LIFETIME, inRange('sessionLifetime', 1, 604_800) ?? 7200],
    [TLS_OPTION_TICKET_ROTATION, inRange('ticketRotation', 0, 604_800) ?? (ticketKeys ? 0 : 86_400)],
    [TLS_OPTION_MAX_EARLY_DATA, inRange('maxEarlyData', 0, 0x7fffffff) || undefined],
    [TLS_OPTION_PARTIAL_CHAIN, options.partialChain ? 1 : undefined],
    [TLS_OPTION_VERIFY_DEPTH, inRange('verifyDepth', 0, 100)],
    [TLS_OPTION_CRL_CHECK, crls ? (crlCheck === 'chain' ? 2 : 1) : undefined],
    [TLS_OPTION_ANY_PURPOSE, options.dangerouslyIgnorePurpose ? 1 : undefined],
    [TLS_OPTION_RAW_PUBLIC_KEYS, rawPublicKeys && (rawPublicKeys === 'require' ? 2 : 1)],
  ]
  return rows.filter((row): row is [number, number] => row[1] !== undefined)
}

function versionsOf({ insecureLegacyPeers: legacy, minVersion = legacy ? 'TLSv1' : 'TLSv1.2', maxVersion = 'TLSv1.3' }: ContextOptions): [number, number] {
  const versions: [number, number] = [versionNumber('minVersion', minVersion), versionNumber('maxVersion', maxVersion)]
  if (versions[0] > versions[1]) throw usageError(`minVersion ${minVersion} is newer than maxVersion ${maxVersion}`)
  if (versions[0] < VERSION_NUMBERS['TLSv1.2'] && !legacy) throw usageError(`minVersion ${minVersion} needs \`insecureLegacyPeers\``)
  return versions
}

function identitiesOf(options: ContextOptions): ContextSettings['identities'] {
  const { cert, key, pkcs12, passphrase, identities } = options
  if (identities && (cert ?? key ?? pkcs12)) throw usageError('give either `identities` or one certificate by `cert`, `key`, `pkcs12`, not both')
  const all = identities ?? (cert || key || pkcs12 ? [{ cert, key, pkcs12, passphrase }] : [])
  return all.map((one) => {
    if (one.pkcs12 && (one.cert || one.key)) throw usageError('give either `pkcs12` or `cert` and `key`, not both')
    if (one.cert && !one.key) throw usageError('`cert` is given without `key`')
    if (one.key && !one.cert && !options.rawPublicKeys) throw usageError('`key` is given without `cert`')
    return {
      cert: one.cert ? encoded('cert', one.cert) : undefined,
      key: one.key ? encoded('key', one.key) : undefined,
      pkcs12: one.pkcs12 && encoded('pkcs12', one.pkcs12),
      passphrase: one.passphrase,
    }
  })
}

function pinDigests(pins: readonly string[]): Uint8Array {
  const digests = pins.flatMap((pin) => {
    const bytes = pin.startsWith('sha256/') ? decodeBase64(pin.slice(7)) : (pin.match(/[\da-f]{2}/gi) ?? []).map((digits) => parseInt(digits, 16))
    if (bytes.length !== 32) throw usageError(`pin ${JSON.stringify(pin)} is neither sha256/BASE64 nor a SHA-256 fingerprint in hexadecimal`)
    return bytes
  })
  return new Uint8Array(digests)
}

function decodeBase64(text: string): number[] {
  try {
    return Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return [] // its length tells
  }
}

/** Options that only one role has. */
const CLIENT_ONLY = ['servername', 'identity', 'session', 'psk', 'ocsp', 'postHandshakeAuth'] as const
const SERVER_ONLY = ['clientCertificate', 'psks', 'pskHint'] as const
const PARK_POINTS: Record<Role, readonly ParkPoint[]> = { client: ['certificateRequest', 'verify'], server: ['clientHello', 'verify', 'psk'] }

export function parseEngineOptions(options: EngineOptions): EngineOptions {
  const { role, servername, identity = servername, dangerouslyAcceptAnyCertificate, psk, park = [] } = options
  if (role !== 'client' && role !== 'server') throw usageError(`role is ${JSON.stringify(role)}; it must be 'client' or 'server'`)
  const foreign = (role === 'client' ? SERVER_ONLY : CLIENT_ONLY).find((option) => options[option] !== undefined)
  if (foreign) throw usageError(`\`${foreign}\` is for ${role === 'client' ? 'servers' : 'clients'}`)
  const nowhere = park.find((point) => !PARK_POINTS[role].includes(point))
  if (nowhere) throw usageError(`a ${role} cannot park at ${JSON.stringify(nowhere)}, only at ${PARK_POINTS[role].join(', ')}`)
  if (role === 'client' && !identity && !dangerouslyAcceptAnyCertificate && !psk && !options.expectedKeys) {
    throw usageError('a client needs `servername`: the host its certificate is checked for')
  }
  return { ...options, identity }
}

function versionNumber(option: string, version: Version | LegacyVersion): number {
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

function encodedList(option: string, list: Encoded | readonly Encoded[] | undefined): Uint8Array[] {
  const all = Array.isArray(list) ? (list as readonly Encoded[]) : list ? [list as Encoded] : []
  return all.map((one) => encoded(option, one))
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
