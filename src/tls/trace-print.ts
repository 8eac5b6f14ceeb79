// The trace in words, line for line as OpenSSL's SSL_trace has them, so that what people know from `openssl s_client -trace` and Node's
// --trace-tls reads the same here.
import { printedCertificate, printedName } from './trace-certificates.ts'
import type { TraceField, TraceMessage } from './trace-decode.ts'

/** Ends with an empty line, but for headers, which a message follows. */
export function printed(message: TraceMessage): string {
  const print = CONTENTS[message.content]
  return print ? `${print(message)}\n` : '\n'
}

const CONTENTS: Partial<Record<TraceMessage['content'], (message: TraceMessage) => string>> = {
  recordHeader: ({ direction, type, name, length, fields, malformed, bytes }) => {
    const who = direction === 'sent' ? 'Sent' : 'Received'
    if (malformed) return `${who}${hexLine(' too short message', bytes)}\n`
    const { value = 0, meaning } = fields[0]!
    const header = `  Version = ${meaning ?? UNKNOWN} (0x${value.toString(16)})\n  Content Type = ${name ?? UNKNOWN} (${type})\n  Length = ${length}`
    return `${who} TLS Record\nHeader:\n${header}`
  },
  innerContentType: ({ type, name }) => `  Inner Content Type = ${name ?? UNKNOWN} (${type})`,
  handshake,
  changeCipherSpec: ({ bytes }) => (bytes.length === 1 && bytes[0] === 1 ? '    change_cipher_spec (1)\n' : `    ${hexLine('unknown value', bytes)}\n`),
  alert: ({ bytes, fields: [level, description] }) => {
    if (bytes.length !== 2) return '    Illegal Alert Length\n'
    return `    Level=${level?.meaning ?? 'unknown'}(${level?.value}), description=${inWords(description?.meaning ?? '')}(${description?.value})\n`
  },
}

const UNKNOWN = 'UNKNOWN'

/** "unknown_ca" is "unknown CA" there. */
const inWords = (name: string): string => name.replaceAll('_', ' ').replace(/\b(ca|psk)\b/, (word) => word.toUpperCase())

// ---- Handshake messages. ----

function handshake({ type, name, length, bytes, fields, malformed }: TraceMessage): string {
  const end = malformed ? 'Message length parse error!\n' : ''
  if (bytes.length < 4) return end
  const indent = type === NEW_SESSION_TICKET ? 8 : 6
  const body = type === NEW_SESSION_TICKET && !length ? '        No Ticket\n' : fields.map((field) => lines(field, indent)).join('')
  return `    ${name ?? UNKNOWN}, Length=${length}\n${body}${end}`
}
const NEW_SESSION_TICKET = 4

/** A field and those in it, each line with its end. */
function lines(field: TraceField, indent: number, parent?: TraceField): string {
  const special = SPECIAL[field.name]
  if (special) return special(field, indent, parent)
  const { fields = [] } = field
  return line(indent, headline(field, parent)) + fields.map((one) => lines(one, indent + 2, field)).join('')
}

const line = (indent: number, text: string): string => `${' '.repeat(indent)}${text}\n`

const SPECIAL: Readonly<Record<string, (field: TraceField, indent: number, parent?: TraceField) => string>> = {
  extension: (field, indent) => {
    const { value = 0, meaning = UNKNOWN, bytes = NONE, fields } = field
    const first = line(indent, `extension_type=${meaning}(${value}), length=${bytes.length}`)
    if (!fields || DUMPED.has(meaning)) return first + dump(bytes, indent + 2)
    if (meaning === 'renegotiate' && !fields.length) return first + line(indent + 4, '<EMPTY>')
    return first + fields.map((one) => lines(one, indent + (DEEPER.has(one.name) ? 4 : 2), field)).join('')
  },
  'ASN.1Cert': ({ bytes = NONE, fields = [] }, indent) => {
    const first = `${' '.repeat(indent)}ASN.1Cert, length=${bytes.length}`
    return first + printedCertificate(bytes) + fields.map((one) => lines(one, indent)).join('')
  },
  unsupported: ({ bytes = NONE }, indent) => line(indent, 'Unsupported, hex dump follows:') + dump(bytes, indent + 2),
}

const NONE = new Uint8Array(0)
/** Taken apart for programs, but shown as they are. */
const DUMPED = new Set(['server_name'])
const DEEPER = new Set(['NamedGroup', 'key_exchange', 'client_verify_data', 'server_verify_data', 'selected_version', 'ticket'])

function headline(field: TraceField, parent: TraceField | undefined): string {
  const { name, value = 0, meaning = UNKNOWN, bytes, length, fields } = field
  switch (name) {
    case 'client_version':
    case 'server_version':
      return `${name}=0x${value.toString(16)} (${meaning})`
    case 'Random':
      return 'Random:'
    case 'gmt_unix_time':
      return `${name}=0x${upperHex(value, 8)}`
    case 'cipher_suite':
      return `${parent ? '' : 'cipher_suite '}{0x${upperHex(value >> 8, 2)}, 0x${upperHex(value & 0xff, 2)}} ${meaning}`
    case 'compression_method':
      return `${parent ? '' : 'compression_method: '}${meaning} (0x${upperHex(value, 2)})`
    case 'extensions':
      return fields?.length ? `extensions, length = ${length}` : 'No extensions'
    case 'certificate_list':
      return `certificate_list, length=${length}`
    case 'signature_scheme':
      return `${meaning} (0x${value.toString(16).padStart(4, '0')})`
    case 'Signature Algorithm':
      return `${name}: ${meaning} (0x${value.toString(16).padStart(4, '0')})`
    case 'NamedGroup':
    case 'named_curve':
      return `${name}: ${meaning} (${value})`
    case 'KeyExchangeAlgorithm':
      return `${name}=${meaning}`
    case 'protocol':
      return meaning
    case 'key_exchange':
      return hexLine('key_exchange: ', bytes ?? NONE)
    case 'DistinguishedName':
      return `${name} (len=${bytes?.length}): ${printedName(bytes ?? NONE)}`
    case 'ticket_lifetime_hint':
    case 'ticket_age_add':
    case 'max_early_data':
      return `${name}=${value}`
  }
  if (bytes) return hexLine(name, bytes)
  return length === undefined ? `${meaning} (${value})` : `${name} (len=${length})`
}

const upperHex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

const hexLine = (name: string, bytes: Uint8Array): string => `${name} (len=${bytes.length}): ${Buffer.from(bytes).toString('hex').toUpperCase()}`

/** As BIO_dump_indent(3) has it: the deeper, the fewer bytes in a line. */
function dump(bytes: Uint8Array, indent: number): string {
  const width = 16 - Math.floor((indent - Math.min(indent, 6) + 3) / 4)
  let text = ''
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width)
    const hex = Array.from(row, (byte, index) => byte.toString(16).padStart(2, '0') + (index === 7 ? '-' : ' ')).join('')
    const characters = Array.from(row, (byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.')).join('')
    text += line(indent, `${at.toString(16).padStart(4, '0')} - ${hex.padEnd(width * 3)}  ${characters}`)
  }
  return text
}
