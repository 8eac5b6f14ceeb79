// createSecureContext: Node's options, checked as Node checks them, one after the other, and turned into the engine's.
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import type { ContextOptions, Encoded, LegacyVersion, Version } from '../engine/options.ts'
import type { ContextHandle } from './context-handle.ts'
import { defaults } from './defaults.ts'
import { dhParameters } from './dh-parameters.ts'
import { bufferOf, errors, validateBuffer, validateInt32, validateInteger, validateObject, validateString } from './errors.ts'
import { encodedList, ownCertificates } from './identities.ts'
import { cipherListOf, NativeContext } from './native-context.ts'
import { defaultCertificates } from './roots.ts'

type Versioned = SecureVersion | null | undefined

/** What many connections share. `context` is what some drivers reach for. */
export class SecureContext {
  context: NativeContext

  constructor(secureProtocol?: string | null, secureOptions?: number | null, minVersion?: Versioned, maxVersion?: Versioned) {
    this.context = new NativeContext({
      ...versions(secureProtocol, minVersion, maxVersion),
      dangerousOpensslOptions: opensslOptions(secureOptions),
    } as ContextOptions)
  }
}

/** openssl/ssl.h: SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_TICKET. */
const SERVER_PREFERENCE = 1 << 22
const NO_TICKET = 1 << 14

/** @throws TypeError or Error as node:tls does, with its `code` */
export function createSecureContext(options?: SecureContextOptions | null): SecureContext {
  const given = (options || {}) as SecureContextOptions & Record<string, unknown>
  const { secureProtocol, minVersion, maxVersion, honorCipherOrder, secureOptions } = given
  const context = new SecureContext(secureProtocol, secureOptions, minVersion, maxVersion)
  validateObject(given, 'options')
  const stateful = ((secureOptions ?? 0) & NO_TICKET) !== 0
  const serverOrder = Boolean(honorCipherOrder) || ((secureOptions ?? 0) & SERVER_PREFERENCE) !== 0
  const suites = ciphers(given.ciphers, context.context)
  const { ownChain, ...trust } = certificates(given)
  context.context.ownChain = ownChain
  context.context.configure({
    tickets: stateful ? 'stateful' : 'both',
    renegotiations: 1_000_000, // counted in socket.ts, as Node does
    cipherPreference: serverOrder ? 'server' : 'client',
    ...suites,
    ...trust,
    ...algorithms(given),
    ...sessions(given),
  })
  context.context.build()
  return context
}

// ---- Versions. ----

const NUMBERS: Record<string, Version | LegacyVersion> = { TLSv1: 'TLSv1', 'TLSv1.1': 'TLSv1.1', 'TLSv1.2': 'TLSv1.2', 'TLSv1.3': 'TLSv1.3' }

function versions(method: string | null | undefined, minimum: Versioned, maximum: Versioned): Pick<ContextOptions, 'minVersion' | 'maxVersion'> {
  if (method) {
    if (minimum != null) throw errors.protocolVersionConflict(minimum, method)
    if (maximum != null) throw errors.protocolVersionConflict(maximum, method)
  }
  if (typeof method === 'string') return methodVersions(method)
  return {
    minVersion: version('minimum', minimum ?? defaults.DEFAULT_MIN_VERSION),
    maxVersion: version('maximum', maximum ?? defaults.DEFAULT_MAX_VERSION),
  }
}

function version(which: string, name: string): Version | LegacyVersion {
  const known = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined
  if (!known) throw errors.invalidProtocolVersion(name, which)
  return known
}

/** OpenSSL's old method names: `TLS_method`, `TLSv1_2_client_method`. */
function methodVersions(method: string): Pick<ContextOptions, 'minVersion' | 'maxVersion'> {
  const family = /^(SSLv2|SSLv3|SSLv23|TLS|TLSv1|TLSv1_1|TLSv1_2)_(?:client_|server_)?method$/.exec(method)?.[1]
  if (!family) throw errors.invalidProtocolMethod(`Unknown method: ${method}`)
  if (family === 'SSLv2' || family === 'SSLv3') throw errors.invalidProtocolMethod(`${family} methods disabled`)
  if (family === 'TLS') return { minVersion: 'TLSv1', maxVersion: 'TLSv1.3' }
  if (family === 'SSLv23') return { minVersion: version('minimum', defaults.DEFAULT_MIN_VERSION), maxVersion: 'TLSv1.2' }
  const only = family.replace('_', '.') as Version | LegacyVersion
  return { minVersion: only, maxVersion: only }
}

function opensslOptions(secureOptions: number | null | undefined): number | undefined {
  if (!secureOptions) return undefined
  validateInteger(secureOptions, 'secureOptions', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  return secureOptions
}

// ---- Ciphers. ----

/** OpenSSL's own, in its order: a list that names none of TLS 1.3 leaves them as they are. */
const NODE_SUITES = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']

/** One list in Node: names that begin with TLS_ are TLS 1.3's suites, the rest is OpenSSL's cipher list. */
function ciphers(list: unknown, context: ContextHandle): Pick<ContextOptions, 'cipherList' | 'cipherSuites' | 'minVersion' | 'securityLevel'> {
  if (list !== undefined && list !== null) validateString(list, 'options.ciphers')
  const given = (list || defaults.DEFAULT_CIPHERS).split(':')
  const names = given.filter(Boolean)
  const isSuite = (name: string) => /^!?TLS_/.test(name)
  const cipherList = names.filter((name) => !isSuite(name)).join(':')
  const cipherSuites = names.filter(isSuite)
  if (!cipherList && !cipherSuites.length) throw errors.invalidArgValue('options.ciphers', given)
  return {
    ...cipherListOf(cipherList),
    cipherSuites: cipherSuites.length ? cipherSuites.filter((name) => !name.startsWith('!')) : NODE_SUITES,
    ...(!cipherList && context.options.maxVersion === 'TLSv1.3' && { minVersion: 'TLSv1.3' }),
  }
}

// ---- Certificates. ----

/** Whom to trust, and who we are: certificates of ours are completed with those of `ca`. */
function certificates(options: SecureContextOptions & Record<string, unknown>): Partial<ContextOptions> & { ownChain: Uint8Array[] } {
  const { ca, crl, allowPartialTrustChain } = options
  const trusted = ca ? encodedList('options.ca', ca).filter(holdsCertificate) : undefined
  const own = ownCertificates(options, trusted ?? [])
  return {
    identities: own.identities,
    ownChain: own.chain,
    ...(trusted ? { ca: [...trusted, ...own.trusted] } : defaultCertificates(own.trusted)),
    ...(crl != null && { crls: encodedList('options.crl', crl) }),
    ...(allowPartialTrustChain && { partialChain: true }),
  }
}

/** Node overlooks what holds no certificate. */
const holdsCertificate = (one: Encoded): boolean =>
  (typeof one !== 'string' && one[0] === DER_SEQUENCE) || /-----BEGIN (X509 |TRUSTED )?CERTIFICATE/.test(textOf(one))
const textOf = (one: Encoded): string => (typeof one === 'string' ? one : Buffer.from(one).toString('latin1'))
const DER_SEQUENCE = 0x30

// ---- Algorithms and sessions. ----

/** OpenSSL's own list, with key shares for the first two (SSL_CTX_set1_groups_list(3)). */
const OPENSSL_GROUPS = ['*X25519MLKEM768/*X25519', 'secp256r1/X448', 'secp384r1', 'secp521r1/ffdhe2048', 'ffdhe3072']

function algorithms({ sigalgs, ecdhCurve = defaults.DEFAULT_ECDH_CURVE, dhparam }: SecureContextOptions): Partial<ContextOptions> {
  if (sigalgs !== undefined && sigalgs !== null) {
    validateString(sigalgs, 'options.sigalgs')
    if (sigalgs === '') throw errors.invalidArgValue('options.sigalgs', sigalgs)
  }
  validateString(ecdhCurve, 'options.ecdhCurve')
  return {
    ...(sigalgs && { signatureSchemes: sigalgs.split(':') }),
    groups: ecdhCurve === 'auto' ? OPENSSL_GROUPS : ecdhCurve.split(':'),
    dhParameters: dhParameters(dhparam),
  }
}

/** OpenSSL's (SSL_MAX_SID_CTX_LENGTH). */
const LONGEST_ID_CONTEXT = 32

/** A week: more is not allowed (RFC 8446, 4.6.1). */
const LONGEST_SESSION = 604_800

function sessions({ sessionIdContext, sessionTimeout, ticketKeys, maxEarlyData }: SecureContextOptions & { maxEarlyData?: number }): Partial<ContextOptions> {
  if (sessionIdContext != null) validateString(sessionIdContext, 'options.sessionIdContext')
  if (Buffer.byteLength(sessionIdContext ?? '') > LONGEST_ID_CONTEXT) throw errors.sessionIdContextTooLong()
  if (ticketKeys != null) {
    validateBuffer(ticketKeys, 'options.ticketKeys')
    if (ticketKeys.byteLength !== 48) throw errors.invalidArgValue('options.ticketKeys', ticketKeys.byteLength, 'must be exactly 48 bytes')
  }
  if (sessionTimeout != null) validateInt32(sessionTimeout, 'options.sessionTimeout', 0)
  return {
    ...(sessionIdContext && { sessionIdContext: Buffer.from(sessionIdContext) }),
    ...(ticketKeys && { ticketKeys: bufferOf(ticketKeys) }),
    ...(maxEarlyData && { maxEarlyData }),
    ...(sessionTimeout && { sessionLifetime: Math.min(sessionTimeout, LONGEST_SESSION) }),
  }
}
