// Certificates as node:tls describes them: the plain object of `getPeerCertificate()`.
import type { PeerCertificate, DetailedPeerCertificate } from 'node:tls'
import { parseCertificate } from '../x509/parse.ts'
import type { Attribute, Certificate, GeneralName } from '../x509/shapes.ts'

/** One certificate, or with `issuerCertificate` the chain: a root is its own issuer, as in Node. */
export function peerCertificate(chain: readonly Uint8Array[], detailed: boolean): PeerCertificate | DetailedPeerCertificate | undefined {
  const [leaf, ...issuers] = (detailed ? chain : chain.slice(0, 1)).map((der) => parseCertificate(der))
  if (!leaf) return undefined
  const described = describe(leaf) as Partial<DetailedPeerCertificate>
  let above = described
  for (const issuer of issuers) {
    const next = describe(issuer) as Partial<DetailedPeerCertificate>
    above.issuerCertificate = next as DetailedPeerCertificate
    above = next
  }
  const top = issuers.at(-1) ?? leaf
  if (detailed && top.selfIssued) above.issuerCertificate = above as DetailedPeerCertificate
  return described as DetailedPeerCertificate
}

function describe(certificate: Certificate): object {
  const { key, extendedKeyUsageOids, subjectAltNames } = certificate
  const access = infoAccess(certificate)
  return {
    subject: attributes(certificate.subjectAttributes),
    issuer: attributes(certificate.issuerAttributes),
    ...(subjectAltNames.length && { subjectaltname: subjectAltNames.map(generalName).join(', ') }),
    ...(access && { infoAccess: access }),
    ca: certificate.ca,
    ...publicKey(key),
    valid_from: asn1Time(certificate.notBefore),
    valid_to: asn1Time(certificate.notAfter),
    fingerprint: certificate.fingerprint,
    fingerprint256: certificate.fingerprint256,
    fingerprint512: certificate.fingerprint512,
    ...(extendedKeyUsageOids.length && { ext_key_usage: extendedKeyUsageOids }),
    serialNumber: certificate.serialNumber,
    raw: bufferOver(certificate.der),
  }
}

/** An attribute that occurs more than once becomes a list. Without a prototype: a name is the peer's to choose. */
function attributes(list: readonly Attribute[]): object {
  const all = Object.create(null) as Record<string, string | string[]>
  for (const { type, value } of list) all[type] = type in all ? [all[type]!, value].flat() : value
  return all
}

function publicKey({ type, bits, modulus, exponent, group, nistName, spki }: Certificate['key']): object {
  if (modulus) return { modulus, bits, exponent: `0x${exponent!.replace(/^0+/, '').toLowerCase()}`, pubkey: bufferOver(spki) }
  if (type !== 'EC') return {}
  return { bits, pubkey: bufferOver(bitString(spki)), asn1Curve: group, ...(nistName && { nistCurve: nistName }) }
}

/** SubjectPublicKeyInfo ::= SEQUENCE { algorithm SEQUENCE, subjectPublicKey BIT STRING } (RFC 5280, 4.1). */
function bitString(spki: Uint8Array): Uint8Array {
  const inside = element(spki, 0)
  const algorithm = element(spki, inside.start)
  const key = element(spki, algorithm.end)
  return spki.subarray(key.start + 1, key.end) // behind the count of unused bits
}

/** The tag's content: where it starts and ends. */
export function element(der: Uint8Array, at: number): { start: number; end: number } {
  const first = der[at + 1]!
  const extra = first < 0x80 ? 0 : first & 0x7f
  const length = extra ? der.subarray(at + 2, at + 2 + extra).reduce((sum, byte) => sum * 256 + byte, 0) : first
  const start = at + 2 + extra
  return { start, end: start + length }
}

const PREFIXES: Record<GeneralName['type'], string> = {
  dns: 'DNS:',
  ip: 'IP Address:',
  email: 'email:',
  uri: 'URI:',
  directoryName: 'DirName:',
  otherName: 'othername:',
  registeredId: 'Registered ID:',
  x400Address: 'X400Name:',
  ediPartyName: 'EdiPartyName:',
}

/**
 * What could be taken for several names, or for another, is written as a JSON string; without commas, for those who only look for them
 * (CVE-2021-44532).
 */
function generalName({ type, value, oid }: GeneralName): string {
  const shown = type === 'otherName' ? `${oid ?? ''}:${value}` : type === 'ip' ? value.toUpperCase() : value
  const plain = !/[^\x20-\x7e]|[",\\']/.test(shown)
  return PREFIXES[type] + (plain ? shown : `"${shown.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]|,/g, escaped)}"`)
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

function infoAccess({ ocspUrls, caIssuerUrls }: Certificate): Record<string, string[]> | undefined {
  const all = Object.create(null) as Record<string, string[]>
  if (ocspUrls.length) all['OCSP - URI'] = ocspUrls
  if (caIssuerUrls.length) all['CA Issuers - URI'] = caIssuerUrls
  return ocspUrls.length + caIssuerUrls.length ? all : undefined
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** ASN1_TIME_print(3): "Nov  6 09:08:07 2026 GMT" */
function asn1Time(date: Date): string {
  const two = (value: number, fill = '0') => String(value).padStart(2, fill)
  const clock = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((part) => two(part)).join(':')
  return `${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate(), ' ')} ${clock} ${date.getUTCFullYear()} GMT`
}

const bufferOver = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
