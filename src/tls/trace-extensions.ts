// Extensions of handshake messages as data (RFC 8446, section 4.2, and RFC 6066, 7250, 7301, 8422).
import type { TraceField } from './trace-decode.ts'
import {
  CERTIFICATE_COMPRESSIONS,
  CERTIFICATE_KINDS,
  EXTENSIONS,
  FRAGMENT_LENGTHS,
  GROUPS,
  POINT_FORMATS,
  PSK_MODES,
  SIGNATURE_SCHEMES,
  VERSIONS,
} from './trace-names.ts'
import { coded, opaque, Reader } from './trace-reader.ts'

type Names = Readonly<Record<number, string>>
/** @param within the message it stands in */
type Content = (reader: Reader, byServer: boolean, within: string) => TraceField[]

/** One extension: always with its bytes, and with fields where its content is known. */
export function extension(reader: Reader, byServer: boolean, within: string): TraceField {
  const type = reader.number(2)
  const bytes = reader.vector(2).rest()
  const content = CONTENTS[type]
  return { ...coded('extension', type, EXTENSIONS), bytes, ...(content && { fields: content(new Reader(bytes), byServer, within) }) }
}

/** A vector of numbers, and nothing behind it. */
const numbers =
  (name: string, lengthWidth: 1 | 2, width: 1 | 2, names: Names): Content =>
  (reader) => {
    const list = reader.vector(lengthWidth)
    reader.end()
    return all(list, () => coded(name, list.number(width), names))
  }

function all(reader: Reader, read: () => TraceField): TraceField[] {
  const fields: TraceField[] = []
  while (!reader.done) fields.push(read())
  return fields
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const serverName: Content = (reader) => {
  if (reader.done) return []
  const list = reader.vector(2)
  return all(list, () => ({ name: 'host_name', value: list.number(1), meaning: text(list.vector(2).rest()) }))
}

const protocols: Content = (reader) => {
  const list = reader.vector(2)
  reader.end()
  return all(list, () => {
    const bytes = list.vector(1).rest()
    return { name: 'protocol', meaning: text(bytes), bytes }
  })
}

/** A ServerHello has one share, a HelloRetryRequest only the group that it wants. */
const keyShare: Content = (reader, byServer) => {
  if (byServer && reader.left === 2) return [coded('NamedGroup', reader.number(2), GROUPS)]
  const list = byServer ? reader : reader.vector(2)
  const fields: TraceField[] = []
  while (!list.done) fields.push(coded('NamedGroup', list.number(2), GROUPS), opaque('key_exchange', list.vector(2).rest()))
  return fields
}

const offeredVersions = numbers('version', 1, 2, VERSIONS)
const supportedVersions: Content = (reader, byServer, within) =>
  byServer ? [coded('selected_version', reader.number(2), VERSIONS)] : offeredVersions(reader, byServer, within)

const offeredKinds = numbers('certificate_type', 1, 1, CERTIFICATE_KINDS)
const certificateKind: Content = (reader, byServer, within) =>
  byServer ? [coded('certificate_type', reader.number(1), CERTIFICATE_KINDS)] : offeredKinds(reader, byServer, within)

/** RFC 5746: the client's Finished, and from a server its own as well. */
const renegotiation: Content = (reader, byServer) => {
  const data = reader.vector(1)
  reader.end()
  if (data.done) return []
  const client = opaque('client_verify_data', data.bytes(byServer ? data.left / 2 : data.left))
  return byServer ? [client, opaque('server_verify_data', data.rest())] : [client]
}

const earlyData: Content = (reader, _byServer, within) =>
  within === 'newSessionTicket' ? [{ name: 'max_early_data', value: reader.number(4) }] : []

const CONTENTS: Readonly<Record<number, Content>> = {
  0: serverName,
  1: (reader) => all(reader, () => coded('max_fragment_length', reader.number(1), FRAGMENT_LENGTHS)),
  10: numbers('group', 2, 2, GROUPS),
  11: numbers('point_format', 1, 1, POINT_FORMATS),
  13: numbers('signature_scheme', 2, 2, SIGNATURE_SCHEMES),
  16: protocols,
  19: certificateKind,
  20: certificateKind,
  27: numbers('compression', 1, 2, CERTIFICATE_COMPRESSIONS),
  35: (reader) => (reader.done ? [] : [opaque('ticket', reader.rest())]),
  42: earlyData,
  43: supportedVersions,
  45: numbers('psk_key_exchange_mode', 1, 1, PSK_MODES),
  51: keyShare,
  0xff01: renegotiation,
}
