// ALPN protocol lists (RFC 7301) in the two forms of Node's options: names, and wire format.
import { bufferOf, errors, isBytes } from './errors.ts'

/** Turns names into wire format: each behind one byte of length. Bytes are copied, where they are such a list. */
export function convertALPNProtocols(protocols: unknown, out: { ALPNProtocols?: unknown }): void {
  if (Array.isArray(protocols)) out.ALPNProtocols = wireFormat(protocols as string[])
  else if (isBytes(protocols)) out.ALPNProtocols = checked(Buffer.from(bufferOf(protocols)))
}

function wireFormat(protocols: readonly string[]): Buffer {
  return Buffer.concat(
    protocols.map((protocol, index) => {
      const name = Buffer.from(protocol)
      if (!name.length) throw errors.invalidArgValue(`protocols[${index}]`, protocol, 'must be a non-empty string')
      if (name.length > 255) throw errors.protocolTooLong(index, name.length)
      return Buffer.concat([Buffer.of(name.length), name])
    }),
  )
}

/** No name is empty or cut off (RFC 7301, 3.1). */
function checked(wire: Buffer): Buffer {
  for (let at = 0; at < wire.length; at += 1 + wire[at]!) {
    if (!wire[at]) throw errors.invalidArgValue('ALPNProtocols', wire, 'must not contain zero-length protocol')
    if (at + 1 + wire[at]! > wire.length) throw errors.invalidArgValue('ALPNProtocols', wire, 'contains truncated protocol')
  }
  return wire
}

/** The names in a list in wire format; one that is cut off is left out. */
export function alpnNames(wire: Uint8Array): string[] {
  const names: string[] = []
  for (let at = 0; at + 1 + wire[at]! <= wire.length && at < wire.length; at += 1 + wire[at]!) {
    names.push(Buffer.from(wire.subarray(at + 1, at + 1 + wire[at]!)).toString('latin1'))
  }
  return names
}
