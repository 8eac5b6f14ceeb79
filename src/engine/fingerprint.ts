// Which client is it? JA3 (Salesforce, 2017) and JA4 (FoxIO, 2023): digests of what a ClientHello offers. Hints, not proof: a client
// can copy another's hello.
import { library } from '../abi/instance.ts'
import { settingError } from '../errors.ts'
import { isDtls, type ClientHello } from './client-hello.ts'

/** RFC 8701: reserved values that keep servers tolerant. Fingerprints leave them out. */
const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)

const withoutGrease = (values: readonly number[]): number[] => values.filter((value) => !isGrease(value))

function hexDigest(name: 'MD5' | 'SHA256', text: string): string {
  const { exports, memory } = library()
  const bytes = new TextEncoder().encode(text)
  const digest = memory.take(memory.lend([name, bytes], (at, data) => exports.tls_digest(at, data, bytes.length)))
  if (!digest) throw settingError(memory.error(exports.tls_library_error()), name)
  return Array.from(digest.bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** JA3: the text (version, suites, extensions, groups, point formats in decimal) and its MD5. */
export function ja3(hello: ClientHello): { text: string; digest: string } {
  const lists = [hello.cipherSuites, hello.extensions, hello.groups].map((list) => withoutGrease(list).join('-'))
  const text = [hello.legacyVersion, ...lists, hello.pointFormats.join('-')].join(',')
  return { text, digest: hexDigest('MD5', text) }
}

const JA4_VERSIONS: Record<number, string> = {
  ...{ 0x0304: '13', 0x0303: '12', 0x0302: '11', 0x0301: '10', 0x0300: 's3' },
  ...{ 0xfefc: 'd3', 0xfefd: 'd2', 0xfeff: 'd1' },
}
const SERVER_NAME = 0
const ALPN = 16

const hex4 = (value: number): string => value.toString(16).padStart(4, '0')
const count = (list: readonly unknown[]): string => String(Math.min(list.length, 99)).padStart(2, '0')
/** First 12 digits; of nothing, zeros. */
const ja4Hash = (text: string): string => (text ? hexDigest('SHA256', text).slice(0, 12) : '000000000000')

/** First and last character of the first ALPN value; of one that is not alphanumeric, of its hexadecimal form. */
function ja4Alpn(first: Uint8Array | undefined): string {
  if (!first?.length) return '00'
  const ends = String.fromCharCode(first[0]!, first.at(-1)!)
  if (/^[0-9a-z]{2}$/i.test(ends)) return ends
  const hex = Array.from(first, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex[0]! + hex.at(-1)!
}

/** JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1"; its first letter is "t" over TCP, "d" for DTLS. */
export function ja4(hello: ClientHello): string {
  const suites = withoutGrease(hello.cipherSuites)
  const extensions = withoutGrease(hello.extensions)
  const datagrams = isDtls(hello.legacyVersion)
  const versions = withoutGrease(hello.versions)
  const version = JA4_VERSIONS[datagrams ? Math.min(...versions) : Math.max(...versions)] ?? '00'
  const head = `${datagrams ? 'd' : 't'}${version}${hello.servername === undefined ? 'i' : 'd'}${count(suites)}${count(extensions)}${ja4Alpn(hello.alpnBytes[0])}`
  const sorted = extensions.filter((type) => type !== SERVER_NAME && type !== ALPN).map(hex4).sort()
  const schemes = hello.signatureSchemes.map(hex4).join(',')
  const tail = schemes ? `${sorted.join(',')}_${schemes}` : sorted.join(',')
  return `${head}_${ja4Hash(suites.map(hex4).sort().join(','))}_${ja4Hash(sorted.length ? tail : '')}`
}
