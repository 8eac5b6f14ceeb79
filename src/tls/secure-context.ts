// createSecureContext: Node's options, checked as Node checks them, one after the other, and turned into the engine's.
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import type { ContextOptions, Encoded, Identity, LegacyVersion, Version } from '../engine/options.ts'
import { ContextHandle } from './context-handle.ts'
import { defaults } from './defaults.ts'
import {
  bufferOf,
  errors,
  isBytes,
  validateBuffer,
  validateInt32,
  validateInteger,
  validateObject,
  validateString,
} from './errors.ts'
import { defaultCertificates } from './roots.ts'

type Versioned = SecureVersion | null | undefined

/** What many connections share. `context` is what some drivers reach for. */
export class SecureContext {
  context: ContextHandle

  constructor(secureProtocol?: string | null, secureOptions?: number | null, minVersion?: Versioned, maxVersion?: Versioned) {
    this.context = new ContextHandle({
      ...versions(secureProtocol, minVersion, maxVersion),
      dangerousOpensslOptions: opensslOptions(secureOptions),
    } as ContextOptions)
  }
}

/** openssl/ssl.h: SSL_OP_CIPHER_SERVER_PREFERENCE. */
const SERVER_PREFERENCE = 1 << 22

/** @throws TypeError or Error as node:tls does, with its `code` */
export function createSecureContext(options?: SecureContextOptions | null): SecureContext {
  const given = (options || {}) as SecureContextOptions & Record<string, unknown>
  const { secureProtocol, minVersion, maxVersion, honorCipherOrder, secureOptions } = given
  const context = new SecureContext(secureProtocol, secureOptions, minVersion, maxVersion)
  validateObject(given, 'options')
  const serverOrder = Boolean(honorCipherOrder) || ((secureOptions ?? 0) & SERVER_PREFERENCE) !== 0
  context.context.configure({
    cipherPreference: serverOrder ? 'server' : 'client',
    ...ciphers(given.ciphers, context.context),
    ...trust(given),
    ...identities(given),
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
    return methodVersions(method)
  }
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
  validateString(method, 'options.secureProtocol')
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

/** One list in Node: names that begin with TLS_ are TLS 1.3's suites, the rest is OpenSSL's cipher list. */
function ciphers(list: unknown, context: ContextHandle): Pick<ContextOptions, 'cipherList' | 'cipherSuites' | 'minVersion' | 'securityLevel'> {
  if (list !== undefined && list !== null) validateString(list, 'options.ciphers')
  const names = (list || defaults.DEFAULT_CIPHERS).split(':').filter(Boolean)
  const isSuite = (name: string) => /^!?TLS_/.test(name)
  const cipherList = names.filter((name) => !isSuite(name)).join(':')
  const cipherSuites = names.filter(isSuite)
  if (!cipherList && !cipherSuites.length) throw errors.invalidArgValue('options.ciphers', names)
  const level = /@SECLEVEL=(\d)/.exec(cipherList)?.[1]
  return {
    cipherList,
    ...(cipherSuites.length && { cipherSuites: cipherSuites.filter((name) => !name.startsWith('!')) }),
    ...(!cipherList && context.options.maxVersion === 'TLSv1.3' && { minVersion: 'TLSv1.3' }),
    ...(level && { securityLevel: Number(level) }),
  }
}

// ---- Keys, certificates and lists. ----

/** PEM or DER, or several of them. */
function encodedList(name: string, values: unknown): Encoded[] {
  return [values].flat().map((value) => encoded(name, value))
}

function encoded(name: string, value: unknown): Encoded {
  if (typeof value === 'string') return value
  if (!isBytes(value)) throw errors.invalidArgType(name, ['string', 'Buffer', 'TypedArray', 'DataView'], value)
  return bufferOf(value)
}

function trust({ ca, crl, allowPartialTrustChain }: SecureContextOptions): Partial<ContextOptions> {
  return {
    ...(ca ? { ca: encodedList('options.ca', ca).filter(holdsCertificate) } : defaultCertificates()),
    ...(crl != null && { crls: encodedList('options.crl', crl) }),
    ...(allowPartialTrustChain && { partialChain: true }),
  }
}

/** Node overlooks what holds no certificate. */
const holdsCertificate = (one: Encoded): boolean =>
  (typeof one !== 'string' && one[0] === DER_SEQUENCE) || /-----BEGIN (X509 |TRUSTED )?CERTIFICATE/.test(textOf(one))
const textOf = (one: Encoded): string => (typeof one === 'string' ? one : Buffer.from(one).toString('latin1'))
const DER_SEQUENCE = 0x30

interface KeyWithPassphrase {
  pem?: unknown
  passphrase?: unknown
}

function identities(options: SecureContextOptions & Record<string, unknown>): Pick<ContextOptions, 'identities'> {
  const { cert, key, passphrase, pfx } = options
  engines(options)
  const certs = cert ? encodedList('options.cert', cert) : []
  const keys = key ? [key].flat().map((one) => privateKey(one, passphrase)) : []
  const all: Identity[] = []
  for (let index = 0; index < Math.max(certs.length, keys.length); index++) {
    all.push({ ...(certs[index] && { cert: certs[index] }), ...keys[index] })
  }
  return { identities: [...all, ...containers(pfx, passphrase)] }
}

function privateKey(given: unknown, passphrase: unknown): Identity {
  const { pem = given, passphrase: own = passphrase } = (typeof given === 'object' ? given : {}) as KeyWithPassphrase
  const key = encoded('options.key', pem)
  if (own !== undefined && own !== null) validateString(own, 'options.passphrase')
  return { key, ...(own != null && { passphrase: own as string }) }
}

function containers(pfx: unknown, passphrase: unknown): Identity[] {
  if (pfx === undefined || pfx === null) return []
  return [pfx].flat().map((one) => {
    const { buf = one, passphrase: own = passphrase } = (isBytes(one) || typeof one === 'string' ? {} : one) as { buf?: unknown; passphrase?: unknown }
    const bytes = typeof buf === 'string' ? Buffer.from(buf) : isBytes(buf) ? bufferOf(buf) : undefined
    if (!bytes) throw errors.invalidArgType('options.pfx', ['string', 'Buffer', 'TypedArray', 'DataView'], buf)
    return { pkcs12: bytes, ...(own != null && { passphrase: String(own) }) }
  })
}

/** OpenSSL's engines are shared libraries: there is nothing to load here. */
function engines({ key, privateKeyIdentifier, privateKeyEngine, clientCertEngine }: SecureContextOptions & Record<string, unknown>): void {
  const kinds = ['string', 'null', 'undefined']
  if (privateKeyIdentifier !== undefined && privateKeyIdentifier !== null) {
    if (privateKeyEngine === undefined || privateKeyEngine === null) throw errors.invalidArgValue('options.privateKeyEngine', privateKeyEngine)
    if (key) throw errors.invalidArgValue('options.privateKeyIdentifier', privateKeyIdentifier)
    if (typeof privateKeyIdentifier !== 'string') throw errors.invalidArgType('options.privateKeyIdentifier', kinds, privateKeyIdentifier)
    if (typeof privateKeyEngine !== 'string') throw errors.invalidArgType('options.privateKeyEngine', kinds, privateKeyEngine)
    throw errors.engineNotSupported()
  }
  if (clientCertEngine === undefined || clientCertEngine === null) return
  if (typeof clientCertEngine !== 'string') throw errors.invalidArgType('options.clientCertEngine', kinds, clientCertEngine)
  throw errors.engineNotSupported()
}

// ---- Algorithms and sessions. ----

function algorithms({ sigalgs, ecdhCurve = defaults.DEFAULT_ECDH_CURVE, dhparam }: SecureContextOptions): Partial<ContextOptions> {
  if (sigalgs !== undefined && sigalgs !== null) {
    validateString(sigalgs, 'options.sigalgs')
    if (sigalgs === '') throw errors.invalidArgValue('options.sigalgs', sigalgs)
  }
  validateString(ecdhCurve, 'options.ecdhCurve')
  return {
    ...(sigalgs && { signatureSchemes: sigalgs.split(':') }),
    ...(ecdhCurve !== 'auto' && { groups: ecdhCurve.split(':') }),
    dhParameters: dhparam == null ? undefined : dhparam === 'auto' ? 'auto' : encoded('options.dhparam', dhparam),
  }
}

/** A week: more is not allowed (RFC 8446, 4.6.1). */
const LONGEST_SESSION = 604_800

function sessions({ sessionIdContext, sessionTimeout, ticketKeys }: SecureContextOptions): Partial<ContextOptions> {
  if (sessionIdContext != null) validateString(sessionIdContext, 'options.sessionIdContext')
  if (ticketKeys != null) {
    validateBuffer(ticketKeys, 'options.ticketKeys')
    if (ticketKeys.byteLength !== 48) throw errors.invalidArgValue('options.ticketKeys', ticketKeys.byteLength, 'must be exactly 48 bytes')
  }
  if (sessionTimeout != null) validateInt32(sessionTimeout, 'options.sessionTimeout', 0)
  return {
    ...(sessionIdContext && { sessionIdContext: Buffer.from(sessionIdContext) }),
    ...(ticketKeys && { ticketKeys: bufferOf(ticketKeys) }),
    ...(sessionTimeout && { sessionLifetime: Math.min(sessionTimeout, LONGEST_SESSION) }),
  }
}
