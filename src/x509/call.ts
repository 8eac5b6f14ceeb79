// Calls into wasm/x509-*.c, and what all of them have in common: PEM or DER comes in, failures become errors that name the option, and
// copies of secrets are wiped.
import type { TlsBytesPointer } from '../abi/generated.ts'
import { library } from '../abi/instance.ts'
import { settingError, usageError } from '../errors.ts'
import { encodeFields, type Field } from './fields.ts'

/** PEM text, or PEM or DER as bytes. */
export type Encoded = string | Uint8Array

type Export = (at: number, length: number) => TlsBytesPointer

const encoder = new TextEncoder()

/** @throws TlsError of kind `usage` where it is neither text nor bytes */
export function encoded(what: string, value: Encoded): Uint8Array {
  if (typeof value === 'string') return encoder.encode(value)
  if (value instanceof Uint8Array) return value
  throw usageError(`${what} must be PEM text or bytes, not ${value === null ? 'null' : typeof value}`)
}

/** One value, several or none, as fields of the same name. */
export function encodedFields(call: string, name: string, values: Encoded | readonly Encoded[] | undefined): Field[] {
  const list = values === undefined ? [] : Array.isArray(values) ? (values as readonly Encoded[]) : [values as Encoded]
  return list.map((value) => [name, encoded(`${call}: \`${name}\``, value)])
}

/** Calls an export that takes fields. The result is the caller's to wipe. */
export function callWith(call: string, fields: readonly Field[], name: RequestExport): Uint8Array {
  const request = encodeFields(fields)
  try {
    return callOn(call, request, library().exports[name])
  } finally {
    request.fill(0)
  }
}

type RequestExport =
  | 'tls_certificate_create'
  | 'tls_request_create'
  | 'tls_crl_create'
  | 'tls_pkcs12_create'
  | 'tls_key_convert'
  | 'tls_certificate_verify'

/** Calls an export that takes bytes. */
export function callOn(call: string, bytes: Uint8Array, run: Export): Uint8Array {
  const { memory } = library()
  return took(call, memory.lend([bytes], (at) => run(at, bytes.length)))
}

/** What an export returned, copied out and freed; NULL becomes an error. */
export function took(call: string, result: TlsBytesPointer): Uint8Array {
  const { exports, memory } = library()
  const taken = memory.take(result)
  if (taken) return taken.bytes
  const record = memory.error(exports.tls_library_error())
  const what = record.option ? `${call}: \`${record.option}\` was refused` : call
  // Without a library the words are our own (library_refuse in wasm/error.c).
  throw record.library ? settingError(record, what) : usageError(`${what}: ${record.reason || 'out of memory'}`)
}

/** RFC 7468: lines of 64 characters, each 48 bytes. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = [`-----BEGIN ${label}-----`]
  for (let at = 0; at < der.length; at += 48) lines.push(btoa(String.fromCharCode(...der.subarray(at, at + 48))))
  return [...lines, `-----END ${label}-----`, ''].join('\n')
}
