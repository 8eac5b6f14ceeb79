// Making certificates, certificate requests and CRLs: for development CAs and small private ones. A CA for others needs a policy and an
// audited signer, not a function call.
import { usageError } from '../errors.ts'
import { callWith, encoded, toPem, type Encoded } from './call.ts'
import type { Field } from './fields.ts'
import { keyFields } from './keys.ts'
import {
  absoluteUri,
  nameFields,
  objectIdentifier,
  rangeFields,
  subjectFields,
  type NameOptions,
  type NameRange,
  type Subject,
} from './names.ts'
import { REASON_NAMES, reasonNumber, type RevocationReason } from './shapes.ts'

/** Who signs: a CA's certificate and its private key. */
export interface Issuer {
  /** The CA's certificate, PEM or DER: its subject becomes the issuer's name. Of a PEM bundle it is the first. */
  cert: Encoded
  /** The private key that belongs to `cert`, PEM or DER. */
  key: Encoded
  /** Decrypts `key`. */
  passphrase?: string
}

/**
 * Any extension: its value in DER, or written as OpenSSL's configuration files have it (x509v3_config(5)). In the second form commas,
 * colons and `@` are syntax: never put text of strangers into it. Each entry makes one extension, and no extension may occur twice.
 */
export type ExtensionOptions = ({ oid: string; der: Uint8Array } | { name: string; value: string }) & {
  /** Whoever does not know it must refuse the certificate. Default false. */
  critical?: boolean
}

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
/** What a key may do, as RFC 5280 (4.2.1.3) spells it. */
export type KeyUsage = (typeof KEY_USAGES)[number]

const USAGES = {
  server: 'serverAuth',
  client: 'clientAuth',
  codeSigning: 'codeSigning',
  email: 'emailProtection',
  timestamping: 'timeStamping',
  ocsp: 'OCSPSigning',
} as const
/** What a certificate's holder may be, or an object identifier. */
export type Usage = keyof typeof USAGES | `${number}.${number}.${string}`

/** What certificates and requests share. */
interface SubjectOptions extends NameOptions {
  /** Distinguished name. Default: empty; then there must be alternative names. */
  subject?: Subject
  /** Good only together with a stapled OCSP response (RFC 7633). Default false. */
  mustStaple?: boolean
  /** Others than the ones made from the options. */
  extensions?: readonly ExtensionOptions[]
}

/** What may be said about any certificate. */
export interface IssueOptions extends SubjectOptions {
  /** True for a certificate that may sign others. Default false. */
  ca?: boolean
  /** Of a CA: how many more CAs may stand below it. Default: any number. */
  pathLength?: number
  /** What the holder may be (extended key usage). Default: TLS server and client. A CA has none. */
  usage?: readonly Usage[]
  /** Default: what TLS needs of the key, or what a CA needs. */
  keyUsage?: readonly KeyUsage[]
  /** Default: five minutes ago, for peers whose clocks are late. */
  notBefore?: Date
  /** Default: 90 days from now. */
  notAfter?: Date
  /** A positive number of at most 159 bits, in hexadecimal where it is text. Default: random. */
  serialNumber?: string | bigint
  /** Where its issuer's CRL can be had. */
  crlUrls?: readonly string[]
  /** Where its status can be asked for (RFC 6960). */
  ocspUrls?: readonly string[]
  /** Where its issuer's certificate can be had. */
  caIssuerUrls?: readonly string[]
  /** Object identifiers of certificate policies. */
  policies?: readonly string[]
  /** Of a CA: the names it may certify. */
  nameConstraints?: { permitted?: readonly NameRange[]; excluded?: readonly NameRange[] }
  /**
   * Default false: an issuer that is no CA, or whose key usage does not allow it, is refused, for nobody would believe the certificate.
   * True is for tests of those who shall not believe it.
   */
  allowAnyIssuer?: boolean
}

/** A certificate for a key of ours. */
export interface CertificateOptions extends IssueOptions {
  /** The subject's private key (PEM or DER): its public half is certified. */
  key: Encoded
  /** Decrypts `key`. */
  passphrase?: string
  /** Who signs; left out, the certificate signs itself. */
  issuer?: Issuer
}

/** A certificate for a key that somebody else has. */
export interface PublicKeyCertificateOptions extends IssueOptions {
  /** SubjectPublicKeyInfo, PEM or DER. */
  publicKey: Encoded
  /** Who signs. Must be given: without the private key nothing can sign itself. */
  issuer: Issuer
}

/** A certificate for the key of a request. */
export interface RequestCertificateOptions extends IssueOptions {
  /** Whose key is certified (PKCS #10, PEM or DER). It must be signed with that key. */
  request: Encoded
  /**
   * What is taken over from the request, in place of the options of that name. Default: nothing but the key, for a request is a wish:
   * whoever wrote it chose the names. Look at them with `parseRequest` before accepting them. Extensions are never taken over.
   */
  acceptRequested?: readonly ('subject' | 'subjectAltNames')[]
  /** Who signs. Must be given. */
  issuer: Issuer
}

/**
 * A certificate as PEM.
 *
 *     const ca = { key: createKey(), ... }
 *     ca.cert = createCertificate({ key: ca.key, subject: { CN: 'My CA' }, ca: true })
 *     const cert = createCertificate({ key, hosts: ['localhost', '127.0.0.1', '::1'], issuer: ca })
 *
 * It is signed with SHA-256, SHA-384 or SHA-512 to the measure of the issuer's key; Ed25519, Ed448 and ML-DSA bring their own digest.
 * @throws TlsError of kind `usage`, which names the option
 */
export function createCertificate(options: CertificateOptions | PublicKeyCertificateOptions | RequestCertificateOptions): string {
  const call = 'createCertificate'
  const fields = [
    ...sourceFields(call, options),
    ...issuerFields(call, options.issuer),
    ...(options.allowAnyIssuer ? [['anyIssuer', ''] as const] : []),
    ...periodFields(call, ['notBefore', options.notBefore, -5 * MINUTE], ['notAfter', options.notAfter, 90 * DAY]),
    ...serialFields(call, options.serialNumber),
    ...extensionFields(call, options),
  ]
  return toPem('CERTIFICATE', callWith(call, fields, 'tls_certificate_create'))
}

/** What a certificate is asked for with: a key, and the names it shall be for. The CA decides what it takes over. */
export interface RequestOptions extends SubjectOptions {
  /** The private key (PEM or DER) that the certificate shall be for. */
  key: Encoded
  /** Decrypts `key`. */
  passphrase?: string
}

/** A certificate request (PKCS #10, RFC 2986) as PEM, to be sent to a CA. @throws TlsError of kind `usage`, which names the option */
export function createRequest(options: RequestOptions): string {
  const call = 'createRequest'
  const fields = [
    ...keyFields(call, 'key', options.key, options.passphrase),
    ...subjectFields(call, options.subject),
    ...nameFields(call, options),
    ...(options.mustStaple ? [config('tlsfeature', 'status_request')] : []),
    ...(options.extensions ?? []).map((extension) => extensionField(call, extension)),
  ]
  return toPem('CERTIFICATE REQUEST', callWith(call, fields, 'tls_request_create'))
}

/** What a CA revokes, and until when that is the last word. */
export interface CrlOptions {
  /** The CA whose certificates are revoked. */
  issuer: Issuer
  /** Every certificate that is revoked so far and has not expired, not only the new ones. Default: none. */
  revoked?: readonly {
    /** Hexadecimal where it is text: `parseCertificate(cert).serialNumber`. */
    serialNumber: string | bigint
    /** Default: now. */
    date?: Date
    /** Default: none is given. */
    reason?: RevocationReason
  }[]
  /** Rises with every CRL. Default: `thisUpdate` in seconds since 1970. */
  number?: number | bigint
  /** Default: a minute ago, for verifiers whose clocks are late. */
  thisUpdate?: Date
  /** When there will be a newer one at the latest; after that this one counts no longer. Default: seven days from now. */
  nextUpdate?: Date
}

/** A certificate revocation list (RFC 5280, 5) as PEM. @throws TlsError of kind `usage`, which names the option */
export function createCrl(options: CrlOptions): string {
  const call = 'createCrl'
  if (!options.issuer) throw usageError(`${call}: \`issuer\` is missing: whose list is it?`)
  const { revoked = [], thisUpdate = new Date(Date.now() - MINUTE) } = options
  const fields = [
    ...issuerFields(call, options.issuer),
    ...periodFields(call, ['thisUpdate', thisUpdate, -MINUTE], ['nextUpdate', options.nextUpdate, 7 * DAY]),
    crlNumber(call, options.number ?? Math.floor(thisUpdate.getTime() / 1000)),
    config('authorityKeyIdentifier', 'keyid,issuer'),
    ...revoked.map((entry): Field => ['revoked', revokedFields(call, entry)]),
  ]
  return toPem('X509 CRL', callWith(call, fields, 'tls_crl_create'))
}

// ---- From options to fields. ----

const MINUTE = 60_000
const DAY = 86_400_000

/** RFC 5280, 4.1.2.2: at most 20 octets, the first bit of which is the sign. */
const MAX_SERIAL = 1n << 159n

/** Key and subject, from one of the three places they may come from. */
function sourceFields(call: string, options: CertificateOptions | PublicKeyCertificateOptions | RequestCertificateOptions): Field[] {
  const given = (['key', 'publicKey', 'request'] as const).filter(
    (name) => name in options && options[name as keyof typeof options] !== undefined,
  )
  if (given.length !== 1)
    throw usageError(`${call}: give one of \`key\`, \`publicKey\` and \`request\`, not ${given.length ? given.join(' and ') : 'none'}`)
  if (!('key' in options && options.key !== undefined) && !options.issuer) {
    throw usageError(`${call}: \`${given[0]}\` needs an \`issuer\`: without the private key nothing can sign itself`)
  }
  const subject = subjectFields(call, options.subject)
  if (options.ca && !subject.length && given[0] !== 'request')
    throw usageError(`${call}: a CA needs a \`subject\`: what it signs refers to it by that name`)
  if ('request' in options && options.request !== undefined) return [...requestFields(call, options), ...subject]
  if ('publicKey' in options && options.publicKey !== undefined) {
    return [['publicKey', encoded(`${call}: \`publicKey\``, options.publicKey)], ...subject]
  }
  const { key, passphrase } = options as CertificateOptions
  return [...keyFields(call, 'key', key, passphrase), ...subject]
}

function requestFields(call: string, options: RequestCertificateOptions): Field[] {
  const { acceptRequested = [], subject, hosts, emails, uris } = options
  const fields: Field[] = [['request', encoded(`${call}: \`request\``, options.request)]]
  for (const what of acceptRequested) {
    if (what !== 'subject' && what !== 'subjectAltNames')
      throw usageError(`${call}: \`acceptRequested\` holds 'subject' and 'subjectAltNames', not ${JSON.stringify(what)}`)
    const own = what === 'subject' ? subject && 'subject' : ((hosts && 'hosts') ?? (emails && 'emails') ?? (uris && 'uris'))
    if (own) throw usageError(`${call}: either \`${own}\`, or the request's with \`acceptRequested\`: not both`)
    fields.push([what === 'subject' ? 'acceptSubject' : 'acceptNames', ''])
  }
  return fields
}

function issuerFields(call: string, issuer: Issuer | undefined): Field[] {
  if (!issuer) return []
  if (!issuer.cert !== !issuer.key) throw usageError(`${call}: \`issuer\` needs both \`cert\` and \`key\``)
  return [['issuerCert', encoded(`${call}: \`issuer.cert\``, issuer.cert)], ...keyFields(call, 'issuerKey', issuer.key, issuer.passphrase)]
}

/** RFC 5280, 4.1.2.5. */
const isEncodable = (date: Date) => date instanceof Date && date.getTime() >= Date.UTC(1950) && date.getTime() < Date.UTC(10000)

type Moment = [name: string, given: Date | undefined, otherwise: number]

function periodFields(call: string, from: Moment, until: Moment): Field[] {
  const [start, end] = [from, until].map(([name, given, otherwise]) => {
    const date = given ?? new Date(Date.now() + otherwise)
    if (!isEncodable(date)) throw usageError(`${call}: \`${name}\` must be a valid Date, from 1950 to 9999`)
    return Math.floor(date.getTime() / 1000)
  }) as [number, number]
  if (start >= end) throw usageError(`${call}: \`${from[0]}\` must come before \`${until[0]}\``)
  return [
    [from[0], String(start)],
    [until[0], String(end)],
  ]
}

function serialFields(call: string, serialNumber: string | bigint | undefined): Field[] {
  if (serialNumber === undefined) return []
  const text = typeof serialNumber === 'bigint' ? serialNumber.toString(16) : serialNumber
  const number = typeof text === 'string' && /^[\da-f]{1,40}$/i.test(text) ? BigInt(`0x${text}`) : 0n
  if (number > 0n && number < MAX_SERIAL) return [['serialNumber', text]]
  const fix = 'it must be positive, of at most 159 bits, in hexadecimal where it is text'
  throw usageError(`${call}: \`serialNumber\` is ${JSON.stringify(String(serialNumber))}; ${fix}`)
}

function revokedFields(call: string, { serialNumber, date = new Date(), reason }: NonNullable<CrlOptions['revoked']>[number]): Field[] {
  const serial = serialFields(call, serialNumber)
  if (!serial.length) throw usageError(`${call}: \`revoked\`: \`serialNumber\` is missing`)
  if (!isEncodable(date)) throw usageError(`${call}: \`revoked\`: \`date\` must be a valid Date, from 1950 to 9999`)
  if (reason !== undefined && reasonNumber(reason) < 0) {
    throw usageError(`${call}: \`revoked\`: \`reason\` is ${JSON.stringify(reason)}; it must be one of ${REASON_NAMES.join(', ')}`)
  }
  return [
    ...serial,
    ['date', String(Math.floor(date.getTime() / 1000))],
    ...(reason ? [['reason', String(reasonNumber(reason))] as const] : []),
  ]
}

function crlNumber(call: string, number: number | bigint): Field {
  if ((typeof number === 'bigint' || Number.isSafeInteger(number)) && number >= 0 && BigInt(number) < MAX_SERIAL)
    return ['number', number.toString(16)]
  throw usageError(`${call}: \`number\` must be a whole number, not negative and of at most 159 bits`)
}

function extensionFields(call: string, options: IssueOptions & { issuer?: Issuer }): Field[] {
  const { ca = false, pathLength, nameConstraints = {}, mustStaple } = options
  if (!ca && pathLength !== undefined) throw usageError(`${call}: \`pathLength\` is for a CA: set \`ca: true\``)
  if (!ca && options.nameConstraints) throw usageError(`${call}: \`nameConstraints\` are for a CA: set \`ca: true\``)
  if (pathLength !== undefined && !(Number.isInteger(pathLength) && pathLength >= 0 && pathLength < 256)) {
    throw usageError(`${call}: \`pathLength\` must be a whole number from 0 to 255`)
  }
  const urls = (option: 'crlUrls' | 'ocspUrls' | 'caIssuerUrls') =>
    (options[option] ?? []).map((url): Field => [option.slice(0, -1), absoluteUri(call, option, url)])
  return [
    ...keyUsageFields(call, options),
    ...nameFields(call, options),
    ...rangeFields(call, 'permitted', nameConstraints.permitted),
    ...rangeFields(call, 'excluded', nameConstraints.excluded),
    ...(options.policies ?? []).map((oid): Field => ['policy', objectIdentifier(call, 'policies', oid)]),
    ...urls('crlUrls'),
    ...urls('ocspUrls'),
    ...urls('caIssuerUrls'),
    config('basicConstraints', ca ? `CA:TRUE${pathLength === undefined ? '' : `,pathlen:${pathLength}`}` : 'CA:FALSE', true),
    config('subjectKeyIdentifier', 'hash'),
    ...(options.issuer ? [config('authorityKeyIdentifier', 'keyid,issuer')] : []),
    ...usageFields(call, options),
    ...(mustStaple ? [config('tlsfeature', 'status_request')] : []),
    ...(options.extensions ?? []).map((extension) => extensionField(call, extension)),
  ]
}

/** What a leaf's key may do by default depends on the key: C decides. */
function keyUsageFields(call: string, { ca, keyUsage }: IssueOptions): Field[] {
  if (!keyUsage) return ca ? [config('keyUsage', 'keyCertSign,cRLSign', true)] : [['defaultUsage', '']]
  const wrong = keyUsage.find((usage) => !KEY_USAGES.includes(usage))
  if (wrong !== undefined) throw usageError(`${call}: \`keyUsage\`: ${JSON.stringify(wrong)} is none of ${KEY_USAGES.join(', ')}`)
  return keyUsage.length ? [config('keyUsage', keyUsage.join(','), true)] : []
}

function usageFields(call: string, { ca, usage = ca ? [] : ['server', 'client'] }: IssueOptions): Field[] {
  const names = usage.map((one) => {
    if (Object.hasOwn(USAGES, one)) return USAGES[one as keyof typeof USAGES]
    if (/^[0-2](\.\d+)+$/.test(one)) return one
    throw usageError(`${call}: \`usage\`: ${JSON.stringify(one)} is none of ${Object.keys(USAGES).join(', ')}, and no object identifier`)
  })
  // RFC 3161, 2.3: a time stamping authority's must be critical.
  return names.length ? [config('extendedKeyUsage', names.join(','), usage.includes('timestamping'))] : []
}

/** In the syntax of x509v3_config(5): only for values that were chosen here. */
function config(name: string, value: string, critical = false): Field {
  return ['extension', [['name', name], ['value', value], ...(critical ? [['critical', ''] as const] : [])]]
}

function extensionField(call: string, extension: ExtensionOptions): Field {
  const { critical = false } = extension
  if ('oid' in extension) {
    if (!(extension.der instanceof Uint8Array)) throw usageError(`${call}: \`extensions\`: \`der\` of ${extension.oid} must be bytes`)
    const oid = objectIdentifier(call, 'extensions', extension.oid)
    return ['extension', [['oid', oid], ['der', extension.der], ...(critical ? [['critical', ''] as const] : [])]]
  }
  if (typeof extension.name !== 'string' || typeof extension.value !== 'string' || /[\0\r\n]/.test(extension.name + extension.value)) {
    throw usageError(`${call}: \`extensions\`: give \`oid\` and \`der\`, or \`name\` and \`value\` in one line`)
  }
  return config(extension.name, extension.value, critical)
}
