// Names in certificates: distinguished names and general names, checked and turned into fields. A name that could be read in two ways
// is refused rather than repaired.
import { usageError } from '../errors.ts'
import type { Field } from './fields.ts'
import type { Attribute } from './parse.ts'

/**
 * A distinguished name by attribute type (OpenSSL's short or long names, or object identifiers), in this order:
 * `{ O: 'Example', OU: ['Mail', 'Web'], CN: 'example.test' }`. Or a list of attributes, as `parseCertificate` gives it.
 */
export type Subject = Readonly<Record<string, string | readonly string[]>> | readonly Attribute[]

/** What a subjectAltName can be made of. */
export interface NameOptions {
  /** Host names, with a `*` in the first label if so, and IP addresses. */
  hosts?: readonly string[]
  /** Mailboxes, `local@domain`, in ASCII (rfc822Name). */
  emails?: readonly string[]
  /** Absolute URIs, in ASCII. */
  uris?: readonly string[]
}

/** A part of a name space (RFC 5280, 4.2.1.10): a domain, a mail domain or address, a URI's host, or a range of addresses, `10.0.0.0/8`. */
export interface NameRange {
  /** Which kind of names the range is about; it says nothing about the other kinds. */
  type: 'dns' | 'email' | 'uri' | 'ip'
  /**
   * dns: `example.test` is that name and all below it, `.example.test` only those below. email and uri: `example.test` is that host alone,
   * `.example.test` those below it, `user@example.test` one mailbox. ip: `10.0.0.0/8`, `fd00::/8`.
   */
  value: string
}

export function subjectFields(call: string, subject: Subject = {}): Field[] {
  const attributes = Array.isArray(subject)
    ? (subject as readonly Attribute[])
    : Object.entries(subject as Record<string, string | readonly string[]>).flatMap(([type, value]) => [value].flat().map((one) => ({ type, value: one })))
  return attributes.map(({ type, value }) => {
    if (typeof value !== 'string' || !value || /[\0-\x1f\x7f]/.test(value)) {
      const found = `${call}: \`subject\`: ${type} is ${JSON.stringify(value)}`
      throw usageError(`${found}; it must be text, not empty, and must not contain line breaks or other control characters`)
    }
    return ['subject', [['type', type], ['value', value]]]
  })
}

export function nameFields(call: string, { hosts = [], emails = [], uris = [] }: NameOptions): Field[] {
  return [
    ...hosts.map((host): Field => (isIpAddress(host) ? ['ip', host] : ['dns', hostName(call, 'hosts', host)])),
    ...emails.map((email): Field => ['email', emailAddress(call, 'emails', email)]),
    ...uris.map((uri): Field => ['uri', absoluteUri(call, 'uris', uri)]),
  ]
}

export function rangeFields(call: string, name: 'permitted' | 'excluded', ranges: readonly NameRange[] | undefined): Field[] {
  if (!ranges?.length) return []
  return [[name, ranges.map(({ type, value }): Field => [type, rangeValue(call, type, value)])]]
}

function rangeValue(call: string, type: NameRange['type'], value: string): string {
  if (type === 'ip') return addressRange(call, value)
  if ((type === 'dns' || type === 'uri' || type === 'email') && /^[\x21-\x7e]+$/.test(value)) return value
  throw usageError(`${call}: \`nameConstraints\`: ${JSON.stringify({ type, value })} is no range of names; types are dns, email, uri and ip`)
}

/** `10.0.0.0/8` becomes address and mask, as OpenSSL wants it. */
function addressRange(call: string, value: string): string {
  const [address, length, ...rest] = String(value).split('/')
  const bits = address?.includes(':') ? 128 : 32
  const prefix = Number(length)
  if (rest.length || !address || !length || !/^\d+$/.test(length) || prefix > bits) {
    throw usageError(`${call}: \`nameConstraints\`: ${JSON.stringify(value)} is no range of addresses such as 10.0.0.0/8 or fd00::/8`)
  }
  const octets = Array.from({ length: bits / 8 }, (_, i) => 256 - 2 ** (8 - Math.max(0, Math.min(8, prefix - 8 * i))))
  const pairs = Array.from({ length: 8 }, (_, i) => ((octets[2 * i]! << 8) | octets[2 * i + 1]!).toString(16))
  return `${address}/${bits === 32 ? octets.join('.') : pairs.join(':')}`
}

/** A DNS name as a certificate may carry it: A-labels, and a wildcard in the first label only (RFC 9525). */
export function hostName(call: string, option: string, host: string): string {
  const labels = typeof host === 'string' ? host.split('.') : []
  const right = labels.every((label, i) => (i === 0 ? /^[\w*-]{1,63}$/ : /^[\w-]{1,63}$/).test(label))
  if (labels.length && right && host.length <= 253) return host
  const unicode = typeof host === 'string' && /[^\0-\x7f]/.test(host)
  const fix = unicode ? ': write it as A-labels, xn--...' : host?.endsWith?.('.') ? ': leave the last dot out' : ''
  throw usageError(`${call}: \`${option}\`: ${JSON.stringify(host)} is neither a host name nor an IP address${fix}`)
}

export function emailAddress(call: string, option: string, email: string): string {
  if (typeof email === 'string' && /^[!-?A-~]+@[!-?A-~]+$/.test(email)) return email
  throw usageError(`${call}: \`${option}\`: ${JSON.stringify(email)} is no email address in ASCII`)
}

/** RFC 5280, 4.2.1.6: with a scheme, in ASCII. */
export function absoluteUri(call: string, option: string, uri: string): string {
  if (typeof uri === 'string' && /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(uri)) return uri
  throw usageError(`${call}: \`${option}\`: ${JSON.stringify(uri)} is no URI with a scheme, in ASCII`)
}

export function objectIdentifier(call: string, option: string, oid: string): string {
  if (typeof oid === 'string' && /^[0-2](\.\d+)+$/.test(oid)) return oid
  throw usageError(`${call}: \`${option}\`: ${JSON.stringify(oid)} is no object identifier such as 1.3.6.1.4.1.311.20.2`)
}

/** Looks like one; whether it is, OpenSSL decides. */
export const isIpAddress = (host: string): boolean => /^(?=.*:)[\da-f:.]+$|^\d{1,3}(\.\d{1,3}){3}$/i.test(host)
