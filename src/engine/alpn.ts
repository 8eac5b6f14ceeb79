// ALPN protocol names (RFC 7301): strings where they are text, bytes where they need not be. GREASE values (RFC 8701) are no UTF-8.
import { usageError } from '../errors.ts'

/** The name of an application protocol: text is sent as UTF-8, bytes as they are. */
export type AlpnProtocol = string | Uint8Array

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Each name behind one byte of length. */
export function alpnWire(protocols: readonly AlpnProtocol[]): Uint8Array {
  const names = protocols.map(alpnName)
  const wrong = names.findIndex((name) => name.length === 0 || name.length > 255)
  if (wrong >= 0) throw usageError(`ALPN protocol ${JSON.stringify(alpnText(names[wrong]!))} must have 1 to 255 bytes`)
  return new Uint8Array(names.flatMap((name) => [name.length, ...name]))
}

function alpnName(protocol: AlpnProtocol): Uint8Array {
  if (typeof protocol === 'string') return encoder.encode(protocol)
  if (protocol instanceof Uint8Array) return protocol
  throw usageError(`\`alpn\` must be a list of protocol names, as text or bytes, not of ${typeof protocol}`)
}

/** As text: UTF-8, or else a character for each byte, so that nothing is lost. */
export function alpnText(name: Uint8Array): string {
  try {
    return decoder.decode(name)
  } catch {
    return String.fromCharCode(...name)
  }
}
