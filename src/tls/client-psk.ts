// `pskCallback` of a client (RFC 4279; RFC 8446, 4.2.11), checked as Node checks it.
import type { PreSharedKey } from '../engine/options.ts'
import { bufferOf, errors, validateBuffer, validateObject, validateString } from './errors.ts'

export type ClientPskCallback = (hint: string | null) => unknown

/** OpenSSL's limits (PSK_MAX_PSK_LEN, PSK_MAX_IDENTITY_LEN). */
export const MAX_PSK = 512
const MAX_IDENTITY = 256

/** For the engine: asks the program for the key. What the program throws ends the handshake, as the error of the connection. */
export function clientPsk(callback: ClientPskCallback): (hint: string | undefined) => PreSharedKey | undefined {
  return (hint) => {
    const given = callback(hint ?? null)
    return given == null ? undefined : checked(given)
  }
}

function checked(given: unknown): PreSharedKey {
  validateObject(given, 'ret')
  const { psk, identity } = given as { psk: unknown; identity: unknown }
  const key = checkedKey(psk)
  validateString(identity, 'identity')
  if (Buffer.byteLength(identity) > MAX_IDENTITY) throw errors.invalidArgValue('identity', identity, `PSK identity exceeds ${MAX_IDENTITY} bytes`)
  return { identity, key }
}

export function checkedKey(psk: unknown): Buffer {
  validateBuffer(psk, 'psk')
  if (psk.byteLength > MAX_PSK) throw errors.invalidArgValue('psk', psk, `Pre-shared key exceeds ${MAX_PSK} bytes`)
  return bufferOf(psk)
}
