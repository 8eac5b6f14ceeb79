// Which names a certificate is good for, and what is said of the others: hosts against subjects and alternative names as
// getPeerCertificate writes them.
import { DIFFERENCES } from './server-differences.ts'
import type { Difference } from './subject.ts'

/** The subject: a common name, several, or none. */
type CommonName = string | readonly string[] | undefined

/** `reason` undefined: the certificate is good for the host. */
export interface IdentityRow {
  readonly host: string
  readonly cn?: CommonName
  readonly san?: string
  readonly reason?: string
  /** `since`: what older versions say instead is left open. */
  readonly since?: Difference
}

const ok = (host: string, cn: CommonName, san?: string, since?: Difference): IdentityRow => ({ host, cn, san, since })

const notCn = (host: string, cn: string | readonly string[]): IdentityRow => ({
  host,
  cn,
  reason: `Host: ${host.replace(/\.$/, '')}. is not cert's CN: ${String(cn)}`,
})
const notAlt = (host: string, san: string, cn?: string): IdentityRow => ({
  host,
  cn,
  san,
  reason: `Host: ${host}. is not in the cert's altnames: ${san}`,
})
const notIp = (host: string, san: string | undefined, listed: string, cn?: string): IdentityRow => ({
  host,
  cn,
  san,
  reason: `IP: ${host} is not in the cert's list: ${listed}`,
})
const nameless = (host: string, cn?: CommonName, san?: string): IdentityRow => ({
  host,
  cn,
  san,
  reason: 'Cert does not contain a DNS name',
})

export const COMMON_NAMES: readonly IdentityRow[] = [
  ok('a.test', 'a.test'),
  ok('A.Test', 'a.test'),
  ok('a.test', 'A.TEST'),
  ok('localhost', 'localhost'),
  ok('a_b.test', 'a_b.test'),
  ok('a.test', ['b.test', 'a.test']),
  notCn('a.test', 'b.test'),
  notCn('a.test', ['b.test', 'c.test']),
  notCn('a.test', 'aXtest'),
  notCn('', 'a.test'),
  nameless('a.test', ''),
  nameless('a.test', undefined),
  nameless('', ''),
  // Dots at the end.
  ok('a.test.', 'a.test'),
  ok('a.test', 'a.test.'),
  ok('a.test.', 'a.test.'),
  notCn('a.test', '.a.test'),
]

export const WILDCARDS: readonly IdentityRow[] = [
  ok('a.b.test', '*.b.test'),
  ok('a.b.test', undefined, 'DNS:*.b.test'),
  ok('ab.b.test', 'a*.b.test'),
  ok('ab.b.test', '*b.b.test'),
  ok('aXb.b.test', 'a*b.b.test'),
  ok('ab.b.test', 'a*b.b.test'),
  ok('xn--a.b.test', '*.b.test'),
  ok('a.xn--b.test', '*.xn--b.test'),
  notCn('a.b.test', 'ab*.b.test'),
  notCn('a.test', '*.test'),
  notCn('b.test', '*.b.test'),
  notCn('x.a.b.test', '*.b.test'),
  notCn('a.b.test', '*.*.test'),
  notCn('a.b.test', 'a.*.test'),
  notCn('a.b.test', 'a.b.*'),
  notCn('a.b.test', '*b.test'),
  notCn('localhost', '*'),
  notCn('xn--a.b.test', 'xn--*.b.test'),
  notCn('xn--bcher-kva.test', 'xn--*.test'),
  notAlt('a.b.test', 'DNS:**.b.test'),
  notAlt('a.b.test', 'DNS:*a*.b.test'),
  notAlt('a.test', 'DNS:*'),
  notAlt('a.test', 'DNS:*.test'),
]

export const UNICODE: readonly IdentityRow[] = [
  ok('xn--bcher-kva.test', 'xn--bcher-kva.test'),
  ok('bücher.test', 'xn--bcher-kva.test', undefined, DIFFERENCES.idna),
  ok('BÜCHER.test', undefined, 'DNS:xn--bcher-kva.test', DIFFERENCES.idna),
  ok('faß.test', 'xn--fa-hia.test', undefined, DIFFERENCES.idna),
  ok('a。test', 'a.test', undefined, DIFFERENCES.idna),
  ok('bücher.b.test', '*.b.test'),
  notCn('bücher.test', 'bücher.test'),
  notCn('a.test', 'a。test'),
  notCn('a.test\0.evil', 'a.test'),
  notAlt('a.test', 'DNS:a.test\0.evil'),
  notAlt('a b.test', 'DNS:a b.test'),
]

export const ALTERNATIVE_NAMES: readonly IdentityRow[] = [
  ok('b.test', undefined, 'DNS:a.test, DNS:b.test'),
  ok('b.test', 'a.test', 'DNS:b.test'),
  ok('foo.a.test', 'foo.a.test', 'DNS:*.a.test'),
  notAlt('c.test', 'DNS:a.test, DNS:b.test'),
  // A common name counts only where there is no DNS name.
  notAlt('a.test', 'DNS:b.test', 'a.test'),
  ok('a.test', 'a.test', 'URI:http://b.test/'),
  ok('a.test', 'a.test', 'email:x@b.test'),
  ok('a.test', 'a.test', 'IP Address:1.2.3.4'),
  nameless('a.test', undefined, 'URI:http://a.test/'),
  nameless('a.test', undefined, 'email:x@a.test'),
  nameless('a.test', undefined, 'IP Address:1.2.3.4'),
  nameless('a.test', undefined, 'dns:a.test'),
  { host: 'a.test', cn: 'b.test', san: 'URI:http://a.test/', reason: "Host: a.test. is not cert's CN: b.test" },
  // What is malformed matches nothing.
  notAlt('a.test', 'DNS:'),
  notAlt('a.test', 'DNS: a.test'),
  notAlt('a.test', 'DNS:a..test'),
  notAlt('a..test', 'DNS:a..test'),
  notAlt('a.test', 'DNS:a.test,DNS:b.test'),
]

/** Names with a comma or worse are written as JSON text, so that they cannot pose as several names. */
export const QUOTED_NAMES: readonly IdentityRow[] = [
  ok('a.test', undefined, 'DNS:"a.test"'),
  ok('a.test', undefined, 'URI:"http://x/, y", DNS:a.test'),
  ok('a.test', undefined, 'DNS:a.test, URI:"http://x/, y"'),
  ok('b.test', undefined, 'URI:"http://x/\\" DNS:a.test", DNS:b.test'),
  notAlt('a.test', 'DNS:"a.test\\u002c DNS:b.test"'),
  notAlt('b.test', 'DNS:"a.test\\u002c DNS:b.test"'),
  nameless('b.test', undefined, 'URI:"http://x/\\u002c DNS:b.test"'),
]

export const ADDRESSES: readonly IdentityRow[] = [
  ok('1.2.3.4', undefined, 'IP Address:1.2.3.4'),
  ok('5.6.7.8', undefined, 'IP Address:1.2.3.4, IP Address:5.6.7.8'),
  ok('::1', undefined, 'IP Address:0:0:0:0:0:0:0:1'),
  ok('0:0:0:0:0:0:0:1', undefined, 'IP Address:0:0:0:0:0:0:0:1'),
  ok('2001:db8::7', undefined, 'IP Address:2001:DB8:0:0:0:0:0:7'),
  ok('2001:DB8::7', undefined, 'DNS:a.test, IP Address:2001:db8:0:0:0:0:0:7'),
  notIp('1.2.3.5', 'IP Address:1.2.3.4', '1.2.3.4'),
  notIp('9.9.9.9', 'IP Address:1.2.3.4, IP Address:5.6.7.8', '1.2.3.4, 5.6.7.8'),
  notIp('::2', 'IP Address:0:0:0:0:0:0:0:1', '::1'),
  notIp('::ffff:1.2.3.4', 'IP Address:1.2.3.4', '1.2.3.4'),
  // Addresses are no names.
  notIp('1.2.3.4', 'DNS:1.2.3.4', ''),
  notIp('1.2.3.4', undefined, '', '1.2.3.4'),
  notIp('::1', undefined, '', '::1'),
  notIp('1.2.3.4', 'URI:http://1.2.3.4/', ''),
  nameless('[::1]', undefined, 'IP Address:0:0:0:0:0:0:0:1'),
]
