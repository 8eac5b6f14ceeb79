// Certificates, requests, CRLs and OCSP responses as plain objects. What OpenSSL reads in them is what stands there: nothing is
// parsed a second time here. For people there is the text that `openssl x509 -text` prints.
import { TLS_KIND_CERTIFICATE, TLS_KIND_CRL, TLS_KIND_OCSP, TLS_KIND_REQUEST } from '../abi/generated.ts'
import { library } from '../abi/instance.ts'
import { callOn, encoded, toPem, type Encoded } from './call.ts'
import { Fields } from './fields.ts'

/** One attribute of a distinguished name. */
export interface Attribute {
  /** OpenSSL's short name (`CN`, `O`, `emailAddress`), or the object identifier where it has none. */
  type: string
  /** What is no string is written as RFC 4514 does: `#` and the DER encoding in hexadecimal. */
  value: string
}

/** RFC 5280, 4.2.1.6. */
export interface GeneralName {
  /** What kind of name. */
  type: 'dns' | 'ip' | 'email' | 'uri' | 'directoryName' | 'otherName' | 'registeredId' | 'x400Address' | 'ediPartyName'
  /**
   * As it stands in the certificate: it may hold any character, commas and NUL too. A directoryName is RFC 4514 text; what has no text is
   * DER in hexadecimal.
   */
  value: string
  /** Of an otherName: its type. */
  oid?: string
}

/** One extension as it stands there, known to OpenSSL or not (RFC 5280, 4.2). */
export interface Extension {
  /** "2.5.29.17" */
  oid: string
  /** OpenSSL's short name ("subjectAltName"), or the object identifier. */
  name: string
  /** Whoever does not know the extension must refuse the certificate. */
  critical: boolean
  /** As OpenSSL prints it, for people; undefined where OpenSSL does not know the extension. Not for programs: a name may imitate syntax. */
  text?: string
  /** The extension's value. */
  der: Uint8Array
}

/** A public key, and what can be said about it. */
export interface PublicKey {
  /** "RSA", "RSA-PSS", "EC", "ED25519", "ML-DSA-65"; of a kind that OpenSSL does not know the algorithm's name. */
  type: string
  /** Size: of the modulus, of the curve's field, of the encoded key. */
  bits?: number
  /** Strength, as NIST SP 800-57 counts it. */
  securityBits?: number
  /** EC: OpenSSL's name of the group, "prime256v1". */
  group?: string
  /** EC: NIST's, "P-256". */
  nistName?: string
  /** RSA, in hexadecimal. */
  modulus?: string
  /** RSA, in hexadecimal: mostly 010001. */
  exponent?: string
  /** SubjectPublicKeyInfo in DER. */
  spki: Uint8Array
  /** SHA-256 over `spki` in base64: what RFC 7469 and curl's --pinnedpubkey call a pin. */
  pin: string
}

/** A signed certificate timestamp that is embedded in a certificate (RFC 6962). Its signature is not checked. */
export interface Sct {
  /** 1, the only one there is. */
  version: number
  /** Base64, as lists of logs have it. */
  logId: string
  /** When the log promised to include the certificate, to the millisecond. */
  timestamp: Date
  /** The log's, by OpenSSL's name: "ecdsa-with-SHA256". Undefined where OpenSSL does not know it. */
  signatureAlgorithm?: string
}

/** What extensions say, where there is a form for programs. */
export interface ExtensionFacts {
  /** subjectAltName, in order. */
  subjectAltNames: GeneralName[]
  /** Of `subjectAltNames`, the DNS names: A-labels, `*.example.test`. */
  hosts: string[]
  /** Of `subjectAltNames`, the IP addresses, as OpenSSL writes them: "192.0.2.1", "2001:DB8:0:0:0:0:0:1". */
  addresses: string[]
  /** Of `subjectAltNames`, the email addresses. */
  emails: string[]
  /** Of `subjectAltNames`, the URIs. */
  uris: string[]
  /** As RFC 5280 spells them: `digitalSignature`, `keyCertSign`. Empty: the extension is missing, and any use is allowed. */
  keyUsage: string[]
  /** OpenSSL's short names, `serverAuth`, or object identifiers. Empty: any use is allowed. */
  extendedKeyUsage: string[]
  /** The same as object identifiers, in the same order: "1.3.6.1.5.5.7.3.1". */
  extendedKeyUsageOids: string[]
  /** How many CAs may stand between this CA and a leaf. */
  pathLength?: number
  /** Object identifiers of certificate policies. */
  policies: string[]
  /** Names the certificate's own key: hexadecimal with colons. */
  subjectKeyId?: string
  /** The `subjectKeyId` of the issuer. A hint for whoever looks for it, no proof. */
  authorityKeyId?: string
  /** Where the issuer's CRL can be had. */
  crlUrls: string[]
  /** Where the certificate's status can be asked for (RFC 6960). */
  ocspUrls: string[]
  /** Where the issuer's certificate can be had. */
  caIssuerUrls: string[]
  /** Good only together with a stapled OCSP response (RFC 7633). */
  mustStaple: boolean
  /** The timestamps that are embedded in the certificate, of as many logs. */
  scts: Sct[]
  /** All of them, in order. */
  extensions: Extension[]
}

/** A certificate (RFC 5280). That it could be read says nothing about whether it can be believed: see `verifyCertificate`. */
export interface Certificate extends ExtensionFacts {
  /** 3, but for relics. */
  version: number
  /** RFC 4514: "CN=example.test,O=Example", the last attribute first. */
  subject: string
  /** In the order of the certificate. */
  subjectAttributes: Attribute[]
  /** Who has signed, says the certificate; written as `subject` is. */
  issuer: string
  /** In the order of the certificate. */
  issuerAttributes: Attribute[]
  /** Upper-case hexadecimal, without separators; with the issuer's name it tells certificates apart. */
  serialNumber: string
  /** From when on it is valid. An invalid Date where the certificate's cannot be read. */
  notBefore: Date
  /** Until when it is valid. An invalid Date where the certificate's cannot be read. */
  notAfter: Date
  /** Whose holder is certified. */
  key: PublicKey
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** May sign other certificates. */
  ca: boolean
  /** Subject and issuer are the same. */
  selfIssued: boolean
  /** SHA-1 over `der`, in hexadecimal with colons: to look a certificate up, not to trust it. */
  fingerprint: string
  /** SHA-256 over `der`, in hexadecimal with colons. */
  fingerprint256: string
  /** SHA-512 over `der`, in hexadecimal with colons. */
  fingerprint512: string
  /** The certificate itself. The bytes are the caller's. */
  der: Uint8Array
  /** The certificate itself, as PEM. */
  pem: string
}

/** A certificate request (PKCS #10). */
export interface CertificateRequest extends ExtensionFacts {
  /** The name asked for: RFC 4514, the last attribute first. */
  subject: string
  /** In the order of the request. */
  subjectAttributes: Attribute[]
  /** The key that the certificate shall be for. */
  key: PublicKey
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** Signed with the key it is about: whoever wrote it has that key. */
  verified: boolean
  /** Asks to become a CA. */
  ca: boolean
  /** The request itself. The bytes are the caller's. */
  der: Uint8Array
  /** The request itself, as PEM. */
  pem: string
}

/** RFC 5280, 5.3.1, with its spelling. */
export type RevocationReason = (typeof REASONS)[number] & string

const REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const

/** The CRLReason's number, or -1. */
export const reasonNumber = (reason: string): number => (REASONS as readonly (string | undefined)[]).indexOf(reason)
export const REASON_NAMES: readonly RevocationReason[] = REASONS.filter((reason) => reason !== undefined)

/** A certificate revocation list (RFC 5280, 5). */
export interface Crl {
  /** Whose certificates it is about: RFC 4514, the last attribute first. */
  issuer: string
  /** In the order of the list. */
  issuerAttributes: Attribute[]
  /** When it was made. An invalid Date where that cannot be read. */
  thisUpdate: Date
  /** When there will be a newer one at the latest. Undefined where the CRL does not say. */
  nextUpdate?: Date
  /** Rises with every list of the issuer. Upper-case hexadecimal. */
  number?: string
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** The `subjectKeyId` of the issuer, hexadecimal with colons. */
  authorityKeyId?: string
  /** By `serialNumber` as `Certificate` has it, in the order of the list; `reason` is undefined where none is given. */
  revoked: { serialNumber: string; date: Date; reason?: RevocationReason }[]
  /** Of the list itself, in order; those of its entries are left out. */
  extensions: Extension[]
  /** The list itself. The bytes are the caller's. */
  der: Uint8Array
  /** The list itself, as PEM. */
  pem: string
}

/** What a CA's responder says about certificates (RFC 6960). */
export interface OcspResponse {
  /** "successful", or what went wrong with the responder: then there is nothing else. */
  status: string
  /** When it was signed. */
  producedAt?: Date
  /** Who signed: its name (RFC 4514), or the SHA-1 of its key in hexadecimal with colons. */
  responder?: string
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm?: string
  /**
   * One entry a certificate, by `serialNumber` as `Certificate` has it. 'unknown': the responder does not know it, which is not 'good'.
   * `nextUpdate` is until when the entry holds; undefined: there may be news at any time.
   */
  responses: {
    serialNumber: string
    status: 'good' | 'revoked' | 'unknown'
    thisUpdate: Date
    nextUpdate?: Date
    revokedAt?: Date
    reason?: RevocationReason
  }[]
  /** Certificates that came with it, for its signature. */
  certificates: Certificate[]
}

/** Reads one certificate, DER or PEM; of a PEM bundle the first. @throws TlsError of kind `usage` */
export function parseCertificate(certificate: Encoded): Certificate {
  return certificateOf(describe('parseCertificate', TLS_KIND_CERTIFICATE, certificate))
}

/** Reads all certificates of a PEM bundle. At least one, or it throws. @throws TlsError of kind `usage` */
export function parseCertificates(bundle: Encoded): Certificate[] {
  return splitCertificates(bundle).map(parseCertificate)
}

/** The certificates of a PEM bundle, each in DER. At least one, or it throws. @throws TlsError of kind `usage` */
export function splitCertificates(bundle: Encoded): Uint8Array[] {
  const bytes = encoded('splitCertificates: the bundle', bundle)
  return new Fields(callOn('splitCertificates: this is no certificate', bytes, library().exports.tls_certificate_split)).all('certificate')
}

/** Reads a certificate request, PEM or DER. Look at `verified` before believing it. @throws TlsError of kind `usage` */
export function parseRequest(request: Encoded): CertificateRequest {
  const fields = describe('parseRequest', TLS_KIND_REQUEST, request)
  const der = fields.bytes('der')!
  return {
    ...named(fields, 'subject'),
    key: keyOf(fields.group('key')),
    signatureAlgorithm: fields.text('signatureAlgorithm') ?? '',
    verified: fields.has('verified'),
    ca: fields.has('asksForCa'),
    ...factsOf(fields),
    der,
    pem: toPem('CERTIFICATE REQUEST', der),
  }
}

/** Reads a certificate revocation list, PEM or DER. Its signature is not checked: `verifyCertificate` does. @throws TlsError of kind `usage` */
export function parseCrl(crl: Encoded): Crl {
  const fields = describe('parseCrl', TLS_KIND_CRL, crl)
  const der = fields.bytes('der')!
  return {
    ...named(fields, 'issuer'),
    thisUpdate: fields.date('thisUpdate'),
    ...optionalDate(fields, 'nextUpdate'),
    ...optional('number', fields.text('number')),
    signatureAlgorithm: fields.text('signatureAlgorithm') ?? '',
    ...optional('authorityKeyId', hex(fields.bytes('authorityKeyId'))),
    revoked: fields.groups('revoked').map((entry) => ({
      serialNumber: entry.text('serialNumber') ?? '',
      date: entry.date('date'),
      ...reasonOf(entry),
    })),
    extensions: fields.groups('extension').map(extensionOf),
    der,
    pem: toPem('X509 CRL', der),
  }
}

/** Reads an OCSP response (RFC 6960), DER. Nothing of it is checked: `verifyCertificate` does. @throws TlsError of kind `usage` */
export function parseOcspResponse(response: Uint8Array): OcspResponse {
  const fields = describe('parseOcspResponse', TLS_KIND_OCSP, response)
  const responder = fields.has('responder') ? fields.group('responder').text('text') : hex(fields.bytes('responderKey'))
  return {
    status: fields.text('status') ?? '',
    ...optionalDate(fields, 'producedAt'),
    ...optional('responder', responder),
    ...optional('signatureAlgorithm', fields.text('signatureAlgorithm')),
    responses: fields.groups('response').map((single) => ({
      serialNumber: single.text('serialNumber') ?? '',
      status: single.text('status') as 'good' | 'revoked' | 'unknown',
      thisUpdate: single.date('thisUpdate'),
      ...optionalDate(single, 'nextUpdate'),
      ...optionalDate(single, 'revokedAt'),
      ...reasonOf(single),
    })),
    certificates: fields.all('certificate').map(parseCertificate),
  }
}

/** A certificate as `openssl x509 -noout -text` prints it; control characters are written as \xNN. @throws TlsError of kind `usage` */
export const printCertificate = (certificate: Encoded): string => print('printCertificate', TLS_KIND_CERTIFICATE, certificate)

/** A certificate request as `openssl req -noout -text` prints it. @throws TlsError of kind `usage` */
export const printRequest = (request: Encoded): string => print('printRequest', TLS_KIND_REQUEST, request)

/** A CRL as `openssl crl -noout -text` prints it. @throws TlsError of kind `usage` */
export const printCrl = (crl: Encoded): string => print('printCrl', TLS_KIND_CRL, crl)

// ---- From fields to objects. ----

const KINDS: Record<number, string> = {
  [TLS_KIND_CERTIFICATE]: 'certificate',
  [TLS_KIND_REQUEST]: 'certificate request',
  [TLS_KIND_CRL]: 'CRL',
  [TLS_KIND_OCSP]: 'OCSP response',
}

function describe(call: string, kind: number, value: Encoded): Fields {
  const { exports } = library()
  const bytes = encoded(`${call}: the ${KINDS[kind]}`, value)
  return new Fields(callOn(`${call}: this is no ${KINDS[kind]}`, bytes, (at, length) => exports.tls_x509_describe(kind, at, length)))
}

/** A terminal must not obey what a stranger has put into a certificate. */
function print(call: string, kind: number, value: Encoded): string {
  const { exports } = library()
  const bytes = encoded(`${call}: the ${KINDS[kind]}`, value)
  const text = callOn(`${call}: this is no ${KINDS[kind]}`, bytes, (at, length) => exports.tls_x509_print(kind, at, length))
  return new TextDecoder().decode(text).replace(/[\0-\x09\x0b-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function certificateOf(fields: Fields): Certificate {
  const der = fields.bytes('der')!
  return {
    version: fields.number('version') ?? 0,
    ...named(fields, 'subject'),
    ...named(fields, 'issuer'),
    serialNumber: fields.text('serialNumber') ?? '',
    notBefore: fields.date('notBefore'),
    notAfter: fields.date('notAfter'),
    key: keyOf(fields.group('key')),
    signatureAlgorithm: fields.text('signatureAlgorithm') ?? '',
    ca: fields.has('ca'),
    selfIssued: fields.has('selfIssued'),
    ...factsOf(fields),
    fingerprint: hex(fields.bytes('sha1')) ?? '',
    fingerprint256: hex(fields.bytes('sha256')) ?? '',
    fingerprint512: hex(fields.bytes('sha512')) ?? '',
    der,
    pem: toPem('CERTIFICATE', der),
  }
}

function named<N extends 'subject' | 'issuer'>(fields: Fields, name: N) {
  const group = fields.group(name)
  const attributes = group.groups('attribute').map((entry): Attribute => ({ type: entry.text('type') ?? '', value: entry.text('value') ?? '' }))
  return { [name]: group.text('text') ?? '', [`${name}Attributes`]: attributes } as Record<N, string> & Record<`${N}Attributes`, Attribute[]>
}

function keyOf(fields: Fields): PublicKey {
  return {
    type: fields.text('type') ?? '',
    ...optional('bits', fields.number('bits')),
    ...optional('securityBits', fields.number('securityBits')),
    ...optional('group', fields.text('group')),
    ...optional('nistName', fields.text('nistName')),
    ...optional('modulus', fields.text('modulus')),
    ...optional('exponent', fields.text('exponent')),
    spki: fields.bytes('spki')!,
    pin: base64(fields.bytes('sha256')!),
  }
}

function factsOf(fields: Fields): ExtensionFacts {
  const subjectAltNames = fields.groups('alternativeName').map(generalNameOf)
  const ofType = (type: GeneralName['type']) => subjectAltNames.filter((name) => name.type === type).map(({ value }) => value)
  return {
    subjectAltNames,
    hosts: ofType('dns'),
    addresses: ofType('ip'),
    emails: ofType('email'),
    uris: ofType('uri'),
    keyUsage: fields.texts('keyUsage'),
    extendedKeyUsage: fields.texts('extendedKeyUsage'),
    extendedKeyUsageOids: fields.texts('extendedKeyUsageOid'),
    ...optional('pathLength', fields.number('pathLength')),
    policies: fields.texts('policy'),
    ...optional('subjectKeyId', hex(fields.bytes('subjectKeyId'))),
    ...optional('authorityKeyId', hex(fields.bytes('authorityKeyId'))),
    crlUrls: fields.texts('crlUrl'),
    ocspUrls: fields.texts('ocspUrl'),
    caIssuerUrls: fields.texts('caIssuerUrl'),
    mustStaple: fields.has('mustStaple'),
    scts: fields.groups('sct').map((sct) => ({
      version: sct.number('version') ?? 0,
      logId: base64(sct.bytes('logId')!),
      timestamp: new Date(sct.number('timestamp') ?? NaN),
      ...optional('signatureAlgorithm', sct.text('signatureAlgorithm')),
    })),
    extensions: fields.groups('extension').map(extensionOf),
  }
}

function generalNameOf(fields: Fields): GeneralName {
  const name = fields.has('name') ? fields.group('name').text('text') : fields.text('value')
  const value = name ?? hex(fields.bytes('bytes'), '') ?? ''
  return { type: fields.text('type') as GeneralName['type'], value, ...optional('oid', fields.text('oid')) }
}

function extensionOf(fields: Fields): Extension {
  return {
    oid: fields.text('oid') ?? '',
    name: fields.text('name') ?? '',
    critical: fields.has('critical'),
    ...optional('text', fields.text('text')?.trimEnd()),
    der: fields.bytes('der')!,
  }
}

function reasonOf(fields: Fields): { reason?: RevocationReason } {
  return optional('reason', REASONS[fields.number('reason') ?? -1])
}

/** The property only where there is a value. */
function optional<N extends string, T>(name: N, value: T | undefined): { [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: T }
}

const optionalDate = <N extends string>(fields: Fields, name: N): { [K in N]?: Date } =>
  optional(name, fields.has(name) ? fields.date(name) : undefined)

function hex(bytes: Uint8Array | undefined, separator = ':'): string | undefined {
  return bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(separator)
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
