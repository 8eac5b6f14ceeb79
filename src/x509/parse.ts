// Certificates, requests, CRLs and OCSP responses as plain objects. What OpenSSL reads in them is what stands there: nothing is
// parsed a second time here. For people there is the text that `openssl x509 -text` prints.
import { TLS_KIND_CERTIFICATE, TLS_KIND_CRL, TLS_KIND_OCSP, TLS_KIND_REQUEST } from '../abi/generated.ts'
import { library } from '../abi/instance.ts'
import { callOn, encoded, toPem, type Encoded } from './call.ts'
import { Fields } from './fields.ts'
import {
  REASONS,
  type Attribute,
  type Certificate,
  type CertificateRequest,
  type Crl,
  type Extension,
  type ExtensionFacts,
  type GeneralName,
  type OcspResponse,
  type PublicKey,
  type RevocationReason,
} from './shapes.ts'

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

/**
 * Reads a certificate revocation list, PEM or DER. Its signature is not checked: `verifyCertificate` does.
 * @throws TlsError of kind `usage`
 */
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
  return new TextDecoder()
    .decode(text)
    .replace(/[\0-\x09\x0b-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
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
  const attributes = group
    .groups('attribute')
    .map((entry): Attribute => ({ type: entry.text('type') ?? '', value: entry.text('value') ?? '' }))
  return { [name]: group.text('text') ?? '', [`${name}Attributes`]: attributes } as Record<N, string> &
    Record<`${N}Attributes`, Attribute[]>
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
