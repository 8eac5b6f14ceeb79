// Reading certificates: OpenSSL's view of one (wasm/x509.c) as a plain object.
import { library } from '../abi/instance.ts'
import type { Taken } from '../abi/memory.ts'
import { settingError } from '../errors.ts'

export interface Certificate {
  /** RFC 4514: "CN=example.test,O=Example". */
  subject: string
  issuer: string
  /** Hexadecimal. */
  serialNumber: string
  notBefore: Date
  notAfter: Date
  /** subjectAltName, by kind. */
  hosts: string[]
  addresses: string[]
  emails: string[]
  uris: string[]
  /** `bits` is the size of the key; `group` is there for EC keys. */
  key?: { type: string; bits: number; group?: string }
  signatureAlgorithm: string
  /** May sign other certificates. */
  ca: boolean
  /** SHA-256 over the DER encoding, in hexadecimal with colons. */
  fingerprint256: string
  /** The certificate itself. */
  der: Uint8Array
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Reads one certificate, DER or PEM; of a PEM bundle the first. @throws TlsError of kind `usage` */
export function parseCertificate(certificate: string | Uint8Array): Certificate {
  const [der] = splitCertificates(certificate)
  return describe(der!)
}

/** The certificates of a PEM bundle, each in DER. At least one, or it throws. */
export function splitCertificates(bundle: string | Uint8Array): Uint8Array[] {
  const { exports } = library()
  const bytes = typeof bundle === 'string' ? encoder.encode(bundle) : bundle
  const taken = call('splitCertificates', bytes, exports.tls_certificate_split)
  return [...counted(taken.bytes)]
}

function describe(der: Uint8Array): Certificate {
  const { exports } = library()
  const parts = [...counted(call('parseCertificate', der, exports.tls_certificate_describe).bytes)].map((part) => decoder.decode(part))
  const fields = new Map<string, string[]>()
  for (let i = 0; i + 1 < parts.length; i += 2) fields.set(parts[i]!, [...(fields.get(parts[i]!) ?? []), parts[i + 1]!])
  const all = (name: string) => fields.get(name) ?? []
  const one = (name: string) => all(name)[0]
  const type = one('keyType')
  return {
    subject: one('subject') ?? '',
    issuer: one('issuer') ?? '',
    serialNumber: one('serialNumber') ?? '',
    notBefore: new Date(Number(one('notBefore')) * 1000),
    notAfter: new Date(Number(one('notAfter')) * 1000),
    hosts: all('dns'),
    addresses: all('ip'),
    emails: all('email'),
    uris: all('uri'),
    ...(type && { key: { type, bits: Number(one('keyBits')), ...(one('keyGroup') && { group: one('keyGroup')! }) } }),
    signatureAlgorithm: one('signatureAlgorithm') ?? '',
    ca: one('ca') === '1',
    fingerprint256: one('fingerprint256') ?? '',
    der,
  }
}

function call(name: string, bytes: Uint8Array, parse: (at: number, length: number) => number): Taken {
  const { exports, memory } = library()
  const taken = memory.take(memory.lend([bytes], (at) => parse(at, bytes.length)))
  if (!taken) throw settingError(memory.error(exports.tls_library_error()), `${name}: this is no certificate`)
  return taken
}

/** Walks (uint32 length, bytes) pairs. */
function* counted(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true)
    yield bytes.slice(at + 4, at + 4 + length)
    at += 4 + length
  }
}
