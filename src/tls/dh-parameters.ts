// `dhparam` of createSecureContext: the group for DHE suites, and how large Node wants it to be.
import type { Encoded } from '../engine/options.ts'
import { element } from './certificate.ts'
import { errors } from './errors.ts'
import { encoded } from './identities.ts'

/** Node's limits: below 1024 bits it is an error, below 2048 a warning. */
export function dhParameters(dhparam: unknown): Encoded | 'auto' | 'none' {
  if (dhparam === undefined || dhparam === null) return 'none'
  if (dhparam === 'auto') return 'auto'
  const parameters = encoded('options.dhparam', dhparam)
  const bits = primeBits(parameters)
  if (bits === undefined) return 'none' // Node takes what it cannot read for none
  if (bits < 1024) throw errors.dhParameterTooSmall()
  if (bits < 2048) process.emitWarning('DH parameter is less than 2048 bits', 'SecurityWarning')
  return parameters
}

/** DHParameter ::= SEQUENCE { prime INTEGER, ... } (PKCS #3). Undefined where it is something else, for OpenSSL to refuse. */
function primeBits(parameters: Encoded): number | undefined {
  const text = typeof parameters === 'string' ? parameters : Buffer.from(parameters).toString('latin1')
  const pem = /-----BEGIN (?:X9\.42 )?DH PARAMETERS-----([\s\S]+?)-----END/.exec(text)?.[1]
  if (!pem) return undefined
  const der = Buffer.from(pem, 'base64')
  const prime = element(der, element(der, 0).start)
  if (der[0] !== 0x30 || !(prime.end <= der.length)) return undefined
  const bytes = der.subarray(prime.start, prime.end)
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first]!) + 24
}
