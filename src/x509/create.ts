// Making keys and certificates: enough for a development CA, its leaves, and tests.
import type { Pointer, TlsBytesPointer } from '../abi/generated.ts'
import { library } from '../abi/instance.ts'
import { settingError, usageError } from '../errors.ts'

export type KeyType = 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'
const KEY_TYPES: readonly KeyType[] = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384', 'P-521', 'Ed25519']

export interface CertificateOptions {
  /** The subject's private key (PKCS#8 PEM): its public half is certified. */
  key: string
  /** Distinguished name by attribute type, in this order: `{ O: 'Example', CN: 'example.test' }`. Default: empty. */
  subject?: Readonly<Record<string, string>>
  /** Host names and IP addresses the certificate is for (subjectAltName). */
  hosts?: readonly string[]
  /** True for a certificate that may sign others. Default false. */
  ca?: boolean
  /** What the holder may be in a TLS handshake. Default: both. A CA has none. */
  usage?: readonly ('server' | 'client')[]
  /** Default: five minutes ago, for peers whose clocks are late. */
  notBefore?: Date
  /** Default: 90 days from now. */
  notAfter?: Date
  /** Who signs; left out, the certificate signs itself. */
  issuer?: { cert: string; key: string }
}

const MINUTE = 60_000
const DAY = 86_400_000
const decoder = new TextDecoder()

/** A new private key as PKCS#8 PEM. Default P-256: small, fast and known to every peer. */
export function createKey(type: KeyType = 'P-256'): string {
  if (!KEY_TYPES.includes(type)) throw usageError(`createKey: ${JSON.stringify(type)} is none of ${KEY_TYPES.join(', ')}`)
  return pem('createKey', [type], library().exports.tls_key_create)
}

/** A certificate as PEM. @throws TlsError of kind `usage` */
export function createCertificate(options: CertificateOptions): string {
  const { key, subject = {}, issuer, notBefore = new Date(Date.now() - 5 * MINUTE), notAfter = new Date(Date.now() + 90 * DAY) } = options
  if (notBefore >= notAfter) throw usageError('createCertificate: `notBefore` must come before `notAfter`')
  const name = Object.entries(subject).map(([type, value]) => line('subject', type, value))
  const extensions = extensionsOf(options).map(([type, value]) => line('hosts', type, value))
  const { exports } = library()
  return pem('createCertificate', [key, name.join('\n'), extensions.join('\n'), issuer?.cert, issuer?.key], (keyAt, nameAt, extensionsAt, certAt, issuerKeyAt) =>
    exports.tls_certificate_create(keyAt, nameAt, extensionsAt, notBefore.getTime() / 1000, notAfter.getTime() / 1000, certAt, issuerKeyAt),
  )
}

/** In the syntax of x509v3_config(5). */
function extensionsOf({ subject = {}, ca, hosts = [], usage = ['server', 'client'], issuer }: CertificateOptions): [string, string][] {
  const extensions: [string, string][] = [
    ['basicConstraints', ca ? 'critical,CA:TRUE' : 'critical,CA:FALSE'],
    ['keyUsage', ca ? 'critical,keyCertSign,cRLSign' : 'critical,digitalSignature,keyEncipherment'],
    ['subjectKeyIdentifier', 'hash'],
  ]
  if (issuer) extensions.push(['authorityKeyIdentifier', 'keyid:always'])
  if (!ca && usage.length) extensions.push(['extendedKeyUsage', usage.map((role) => `${role}Auth`).join(',')])
  // RFC 5280, 4.2.1.6: critical where it is all that says whose the certificate is.
  const critical = Object.keys(subject).length ? [] : ['critical']
  if (hosts.length) extensions.push(['subjectAltName', [...critical, ...hosts.map(generalName)].join(',')])
  return extensions
}

/** A comma or newline would start another name or another extension. */
function generalName(host: string): string {
  if (!host || /[,\s=]/.test(host)) throw usageError(`createCertificate: ${JSON.stringify(host)} is neither a host name nor an IP address`)
  const isAddress = host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
  return `${isAddress ? 'IP' : 'DNS'}:${host}`
}

function line(option: string, type: string, value: string): string {
  if (/[\n=]/.test(type) || value.includes('\n')) throw usageError(`createCertificate: \`${option}\` must not contain line breaks`)
  return `${type}=${value}`
}

function pem(call: string, args: readonly (string | undefined)[], make: (...pointers: [Pointer, Pointer, Pointer, Pointer, Pointer]) => TlsBytesPointer): string {
  const { exports, memory } = library()
  const made = memory.take(memory.lend(args, (a, b = 0, c = 0, d = 0, e = 0) => make(a!, b, c, d, e)))
  if (!made) throw settingError(memory.error(exports.tls_library_error()), call)
  return decoder.decode(made.bytes)
}
