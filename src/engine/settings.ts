// Options, checked and turned into what the C side takes. Parse, don't validate: what leaves this file is right.
import type { PreferredCipher } from '../abi/acceleration.ts'
import {
  TLS_OPTION_ANY_PURPOSE,
  TLS_OPTION_CLIENT_PREFERENCE,
  TLS_OPTION_CRL_CHECK,
  TLS_OPTION_LEGACY,
  TLS_OPTION_MAX_EARLY_DATA,
  TLS_OPTION_MAX_FRAGMENT_LENGTH,
  TLS_OPTION_MAX_SEND_FRAGMENT,
  TLS_OPTION_NO_DH,
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
  TLS_TICKETS_BOTH,
  TLS_TICKETS_NONE,
  TLS_TICKETS_STATEFUL,
  TLS_TICKETS_STATELESS,
} from '../abi/generated.ts'
import { usageError } from '../errors.ts'
import { alpnWire } from './alpn.ts'
import type { ContextOptions, Encoded, EngineOptions, Identity, LegacyVersion, ParkPoint, Role, Version } from './options.ts'
import type { Signer } from './signer.ts'

/**
 * RFC 9325's recommendation for TLS 1.2, without its CBC fallbacks: ECDHE only, AEAD only. First comes what is the fastest here, in TLS 1.3
 * too: ChaCha20-Poly1305 in WebAssembly, which has no AES instructions, by a factor of about two; but AES-128-GCM where the runtime computes
 * it, fast enough (`acceleration` of `init`).
 */
const DEFAULT_CIPHER_LISTS: Record<PreferredCipher, string> = {
  'ChaCha20-Poly1305': ecdhe('CHACHA20-POLY1305', 'AES128-GCM-SHA256', 'AES256-GCM-SHA384'),
  'AES-128-GCM': ecdhe('AES128-GCM-SHA256', 'CHACHA20-POLY1305', 'AES256-GCM-SHA384'),
}

const DEFAULT_CIPHER_SUITES: Record<PreferredCipher, string> = {
  'ChaCha20-Poly1305': 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
  'AES-128-GCM': 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
}

function ecdhe(...ciphers: string[]): string {
  return ciphers.flatMap((cipher) => [`ECDHE-ECDSA-${cipher}`, `ECDHE-RSA-${cipher}`]).join(':')
}

/** A star marks a group whose key share a client sends at once, a slash a step down in preference (SSL_CTX_set1_groups_list(3)). */
const DEFAULT_GROUPS = '*X25519MLKEM768/*X25519:secp256r1/secp384r1:secp521r1'

/** What peers of the last century speak, at security level 0 (openssl-ciphers(1)). */
const LEGACY_CIPHER_LIST = 'ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0'
/** ECDHE keeps what was recorded closed when the key gets known. */
const PSK_CIPHER_LIST = 'ECDHE-PSK-CHACHA20-POLY1305:PSK-CHACHA20-POLY1305:PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384'

const VERSION_NUMBERS: Record<Version | LegacyVersion, number> = { TLSv1: 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 }
const TICKETS = { stateless: TLS_TICKETS_STATELESS, stateful: TLS_TICKETS_STATEFUL, both: TLS_TICKETS_BOTH, none: TLS_TICKETS_NONE } as const

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
  identities: readonly { cert?: Uint8Array; key?: Uint8Array; signer?: Signer | 'event'; pkcs12?: Uint8Array; passphrase?: string }[]
  sessionIdContext: Uint8Array
  verifyTime?: number
  policies: readonly string[]
  pins?: Uint8Array
  dhParameters?: Uint8Array
  ticketKeys?: Uint8Array
  ocspResponse?: Uint8Array
  /** SSL_OP_*, the lower and the upper 32 bits. */
  opensslOptions?: readonly [low: number, high: number]
  /** TLS_OPTION_* and its value. */
  numbers: readonly (readonly [option: number, value: number])[]
}

const encoder = new TextEncoder()

/** @param preferred what is fast, for options that leave the choice of suites to us */
export function parseContextOptions(options: ContextOptions, preferred: PreferredCipher): ContextSettings {
  const { insecureLegacyPeers: legacy, sessionIdContext = encoder.encode('membio') } = options
  checkLists(options)
  if (sessionIdContext.length > 32) throw usageError(`sessionIdContext has ${sessionIdContext.length} bytes, at most 32 fit`)
  if (options.ca && options.hostRoots) throw usageError('`ca` replaces the roots of `hostRoots`: give one of the two')
  if (options.ca && options.extraCa) throw usageError('`ca` replaces the roots, `extraCa` adds to them: give one of the two')
  const signatureSchemes = options.signatureSchemes && joined('signatureSchemes', options.signatureSchemes)
  return {
    versions: versionsOf(options),
    cipherList: options.cipherList ?? (legacy ? LEGACY_CIPHER_LIST : `${DEFAULT_CIPHER_LISTS[preferred]}:${PSK_CIPHER_LIST}`),
    cipherSuites: options.cipherSuites ? joined('cipherSuites', options.cipherSuites, { mayBeEmpty: true }) : DEFAULT_CIPHER_SUITES[preferred],
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
    dhParameters: isKeyword(options.dhParameters) ? undefined : encoded('dhParameters', options.dhParameters!),
    ticketKeys: options.ticketKeys,
    ocspResponse: options.ocspResponse,
    opensslOptions: options.dangerousOpensslOptions === undefined ? undefined : halves(options.dangerousOpensslOptions),
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
  hostRoots: ['default', 'bundled', 'system'],
  crlCheck: ['leaf', 'chain'],
  rawPublicKeys: ['accept', 'require'],
  cipherPreference: ['server', 'client'],
  tickets: ['stateless', 'stateful', 'both', 'none'],
  maxFragmentLength: [512, 1024, 2048, 4096],
} as const

/** Each row: when, which option, which value. */
function numbersOf(options: ContextOptions): [number, number][] {
  const { insecureLegacyPeers: legacy, insecureRenegotiation = legacy, crls, crlCheck = 'chain', rawPublicKeys, tickets, ticketKeys } = options
  const minimumLevel = legacy ? 0 : 2
  const inRange = (option: keyof ContextOptions, minimum: number, maximum: number): number | undefined => {
    const value = options[option]
    if (value === undefined) return undefined
    if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
      throw usageError(`${option} is ${String(value)}; it must be an integer from ${minimum} to ${maximum}`)
    }
    return value as number
  }
  const listed = levelIn(options.cipherList)
  const securityLevel = options.securityLevel ?? listed ?? minimumLevel
  if (Math.min(securityLevel, listed ?? securityLevel) < 2 && !legacy) throw usageError('a security level below 2 needs `insecureLegacyPeers`')
  const rows: [number, number | undefined][] = [
    [TLS_OPTION_SECURITY_LEVEL, inRange('securityLevel', minimumLevel, 5) ?? securityLevel],
    [TLS_OPTION_LEGACY, insecureRenegotiation ? 1 : undefined],
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
    [TLS_OPTION_NO_DH, options.dhParameters === 'none' ? 1 : undefined],
    [TLS_OPTION_PARTIAL_CHAIN, options.partialChain ? 1 : undefined],
    [TLS_OPTION_VERIFY_DEPTH, inRange('verifyDepth', 0, 100)],
    [TLS_OPTION_CRL_CHECK, crls ? (crlCheck === 'chain' ? 2 : 1) : undefined],
    [TLS_OPTION_ANY_PURPOSE, options.dangerouslyIgnorePurpose ? 1 : undefined],
    [TLS_OPTION_RAW_PUBLIC_KEYS, rawPublicKeys && (rawPublicKeys === 'require' ? 2 : 1)],
  ]
  return rows.filter((row): row is [number, number] => row[1] !== undefined)
}

/** The last `@SECLEVEL=` of a cipher list, which is the one that counts. */
function levelIn(cipherList = ''): number | undefined {
  const level = /.*@SECLEVEL=(\d+)/.exec(cipherList)?.[1]
  return level === undefined ? undefined : Number(level)
}

function versionsOf(options: ContextOptions): [number, number] {
  const { insecureLegacyPeers: legacy, minVersion = legacy ? 'TLSv1' : 'TLSv1.2', maxVersion = 'TLSv1.3', cipherList, cipherSuites } = options
  const [lowest, highest] = [versionNumber('minVersion', minVersion), versionNumber('maxVersion', maxVersion)]
  if (lowest > highest) throw usageError(`minVersion ${minVersion} is newer than maxVersion ${maxVersion}`)
  if (lowest < VERSION_NUMBERS['TLSv1.2'] && !legacy) throw usageError(`minVersion ${minVersion} needs \`insecureLegacyPeers\``)
  // A version without suites must not be offered: OpenSSL would fail where the peer takes it, or even before.
  const minimum = cipherList === '' ? VERSION_NUMBERS['TLSv1.3'] : lowest
  const maximum = cipherSuites?.length === 0 ? Math.min(highest, VERSION_NUMBERS['TLSv1.2']) : highest
  if (minimum <= maximum) return [minimum, maximum]
  const empty = [cipherList === '' && '`cipherList`', cipherSuites?.length === 0 && '`cipherSuites`'].filter(Boolean).join(' and ')
  throw usageError(`with an empty ${empty} there is no suite for any version from ${minVersion} to ${maxVersion}`)
}

function halves(options: number | bigint): [low: number, high: number] {
  const isNumber = typeof options === 'bigint' || (typeof options === 'number' && Number.isSafeInteger(options))
  if (!isNumber || options < 0 || BigInt(options) >> 64n) throw usageError('dangerousOpensslOptions must be an integer of at most 64 bits, SSL_OP_* bits')
  return [Number(BigInt(options) & 0xffffffffn), Number(BigInt(options) >> 32n)]
}

function identitiesOf(options: ContextOptions): ContextSettings['identities'] {
  const { cert, key, signer, pkcs12, passphrase, identities } = options
  if (identities && (cert ?? key ?? signer ?? pkcs12)) throw usageError('give either `identities` or one certificate by `cert`, `key`, `pkcs12`, not both')
  const all = identities ? certificatesFirst(identities) : cert || key || signer || pkcs12 ? [{ cert, key, signer, pkcs12, passphrase }] : []
  const [someCert, someKey] = [all.some((one) => one.cert), all.some((one) => one.key && !one.cert)]
  return all.map((one) => {
    if (one.pkcs12 && (one.cert || one.key)) throw usageError('give either `pkcs12` or `cert` and `key`, not both')
    if (one.signer) checkSigner(one)
    else if (one.cert && !one.key && !someKey) throw usageError('`cert` is given without `key` or `signer`')
    if (one.key && !one.cert && !someCert && !options.rawPublicKeys) throw usageError('`key` is given without `cert`')
    return {
      cert: one.cert ? encoded('cert', one.cert) : undefined,
      key: one.key ? encoded('key', one.key) : undefined,
      signer: one.signer,
      pkcs12: one.pkcs12 && encoded('pkcs12', one.pkcs12),
      passphrase: one.passphrase,
    }
  })
}

/** Keys that come apart from their certificates find them by fitting; so the certificates must be there. */
function certificatesFirst(identities: readonly Identity[]): Identity[] {
  const rank = ({ cert, key, signer, pkcs12 }: Identity) => (pkcs12 || (cert && (key || signer)) ? 1 : cert ? 0 : 2)
  return [...identities].sort((a, b) => rank(a) - rank(b))
}

function checkSigner({ cert, key, pkcs12, signer }: Identity): void {
  if (typeof signer !== 'function' && signer !== 'event') throw usageError(`\`signer\` must be a function or 'event', not ${JSON.stringify(signer)}`)
  if (key || pkcs12) throw usageError(`give either \`${key ? 'key' : 'pkcs12'}\` or \`signer\`, not both`)
  if (!cert) throw usageError('`signer` is given without `cert`: the certificate says whose key it is')
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
const CLIENT_ONLY = ['servername', 'identity', 'session', 'psk', 'ocsp', 'scts', 'postHandshakeAuth'] as const
const SERVER_ONLY = ['clientCertificate', 'psks', 'pskHint'] as const
const PARK_POINTS: Record<Role, readonly ParkPoint[]> = { client: ['certificateRequest', 'verify'], server: ['clientHello', 'verify', 'psk', 'renegotiation'] }

export function checkOptions(options: EngineOptions): void {
  const { role, servername, identity = servername, dangerouslyAcceptAnyCertificate, psk, park = [] } = options
  if (role !== 'client' && role !== 'server') throw usageError(`role is ${JSON.stringify(role)}; it must be 'client' or 'server'`)
  const foreign = (role === 'client' ? SERVER_ONLY : CLIENT_ONLY).find((option) => options[option] !== undefined)
  if (foreign) throw usageError(`\`${foreign}\` is for ${role === 'client' ? 'servers' : 'clients'}`)
  const nowhere = park.find((point) => !PARK_POINTS[role].includes(point))
  if (nowhere) throw usageError(`a ${role} cannot park at ${JSON.stringify(nowhere)}, only at ${PARK_POINTS[role].join(', ')}`)
  const decidesElsewhere = park.includes('verify')
  const named = identity || (identity === null && decidesElsewhere)
  if (role === 'client' && !named && !dangerouslyAcceptAnyCertificate && !psk && !options.expectedKeys) {
    throw usageError('a client needs `servername`: the host its certificate is checked for')
  }
}

function versionNumber(option: string, version: Version | LegacyVersion): number {
  const number = VERSION_NUMBERS[version]
  if (!number) throw usageError(`${option} is ${JSON.stringify(version)}; it must be one of ${Object.keys(VERSION_NUMBERS).join(', ')}`)
  return number
}

function joined(option: string, names: readonly string[], { mayBeEmpty = false } = {}): string {
  if (!Array.isArray(names) || (!names.length && !mayBeEmpty)) throw usageError(`\`${option}\` must be a list of names`)
  const wrong = names.find((name) => typeof name !== 'string' || !/^[\w+.\-?*/]+$/.test(name))
  if (wrong !== undefined) throw usageError(`\`${option}\` must be a list of names; ${JSON.stringify(wrong)} is none`)
  return names.join(':')
}

const isKeyword = (dhParameters: ContextOptions['dhParameters']) => dhParameters === undefined || dhParameters === 'auto' || dhParameters === 'none'

function encodedList(option: string, list: Encoded | readonly Encoded[] | undefined): Uint8Array[] {
  const all = Array.isArray(list) ? (list as readonly Encoded[]) : (list ?? undefined) === undefined ? [] : [list as Encoded]
  return all.map((one) => encoded(option, one))
}

function encoded(option: string, value: Encoded): Uint8Array {
  if (typeof value === 'string') return encoder.encode(value)
  if (value instanceof Uint8Array) return value
  throw usageError(`\`${option}\` must be PEM text or bytes, not ${typeof value}`)
}

/** Written as an address and not as a name: then it is not sent as SNI (RFC 6066, section 3). */
export const isIpAddress = (host: string): boolean => host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
