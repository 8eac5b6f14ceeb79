// Whether a certificate is for this host: RFC 6125 as Node reads it, so that programs get the same answers, word for word.
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { PeerCertificate } from 'node:tls'
import { errors } from './errors.ts'

/**
 * What `checkServerIdentity` is by default.
 * @returns why not, or undefined if the certificate carries the name
 */
export function checkServerIdentity(hostname: string, cert: PeerCertificate): Error | undefined {
  const host = withoutDot(String(hostname))
  const { dns, ips } = alternativeNames(cert.subjectaltname)
  const reason = mismatch(host, dns, ips, cert)
  return reason === undefined ? undefined : errors.altnameInvalid(reason, host, cert)
}

function mismatch(host: string, dns: readonly string[], ips: readonly string[], cert: PeerCertificate): string | undefined {
  if (isIP(host)) {
    const found = ips.includes(canonicalAddress(host))
    return found ? undefined : `IP: ${host} is not in the cert's list: ${ips.join(', ')}`
  }
  const labels = labelsOf(/^[\0-\x7f]*$/.test(host) ? host : domainToASCII(host)) // what is no domain matches nothing
  if (dns.length) {
    const found = dns.some((pattern) => matches(labels, pattern))
    return found ? undefined : `Host: ${host}. is not in the cert's altnames: ${cert.subjectaltname}`
  }
  // The common name counts only where there is no DNS name (RFC 6125, 6.4.4).
  const commonName = cert.subject?.CN as string | string[] | undefined
  if (!commonName?.length) return 'Cert does not contain a DNS name'
  const found = [commonName].flat().some((pattern) => matches(labels, pattern))
  return found ? undefined : `Host: ${host}. is not cert's CN: ${String(commonName)}`
}

const withoutDot = (host: string): string => host.replace(/[.]$/, '')

/** ASCII only: what toLowerCase does to other letters has nothing to do with DNS. */
const labelsOf = (host: string): string[] =>
  withoutDot(host)
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .split('.')

/** One star, in the leftmost label, which may stand for a part of it; never for the whole left of a public suffix (`*.com`). */
function matches(host: readonly string[], pattern: string): boolean {
  if (!pattern) return false
  const labels = labelsOf(pattern)
  if (labels.length !== host.length) return false
  // U-labels (RFC 5890) cannot be compared without knowing their encoding, and nothing good comes from blanks.
  if (labels.some((label) => label === '' || /[^\u0021-\u007F]/.test(label))) return false
  if (labels.slice(1).some((label, index) => label !== host[index + 1])) return false
  const [first, own] = [labels[0]!, host[0]!]
  const around = first.split('*')
  if (around.length === 1 || first.includes('xn--')) return first === own // a star in an A-label is a letter
  if (around.length > 2 || labels.length <= 2) return false
  const [prefix, suffix] = around as [string, string]
  return prefix.length + suffix.length <= own.length && own.startsWith(prefix) && own.endsWith(suffix)
}

function alternativeNames(text: string | undefined): { dns: string[]; ips: string[] } {
  const names = text ? (text.includes('"') ? unquote(text) : text.split(', ')) : []
  const of = (prefix: string) => names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  return { dns: of('DNS:'), ips: of('IP Address:').map(canonicalAddress) }
}

const JSON_STRING = /^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/ // eslint-disable-line no-control-regex

/** A name that could be taken for several is written as a JSON string (CVE-2021-44532). */
function unquote(text: string): string[] {
  const names: string[] = []
  let name = ''
  for (let rest = text; ; ) {
    const [comma, quote] = [rest.indexOf(', '), rest.indexOf('"')]
    if (quote !== -1 && (comma === -1 || quote < comma)) {
      const quoted = JSON_STRING.exec(rest.slice(quote))?.[0]
      if (!quoted) throw errors.altnameFormat()
      name += rest.slice(0, quote) + (JSON.parse(quoted) as string)
      rest = rest.slice(quote + quoted.length)
    } else if (comma !== -1) {
      names.push(name + rest.slice(0, comma))
      name = ''
      rest = rest.slice(comma + 2)
    } else {
      return [...names, name + rest]
    }
  }
}

/** One spelling for each IPv6 address (RFC 5952), by way of the URL parser; '' for what is none. */
function canonicalAddress(address: string): string {
  const kind = isIP(address)
  if (kind !== 6) return kind === 4 ? address : ''
  const [bare] = address.split('%')
  return new URL(`http://[${bare}]`).hostname.slice(1, -1)
}
