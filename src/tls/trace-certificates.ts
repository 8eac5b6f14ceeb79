// Certificates and names in the trace: as OpenSSL prints them on one line each, "C = UK, O = Example, CN = example.test".
import { parseCertificate, printCertificate } from '../x509/parse.ts'
import { pemBundle } from './chain.ts'
import { element } from './certificate.ts'

interface Attribute {
  type: string
  value: string
}

/** What follows the length of a certificate: its text and its PEM. */
export function printedCertificate(der: Uint8Array): string {
  try {
    const { issuerAttributes, subjectAttributes } = parseCertificate(der)
    const text = printCertificate(der)
      .replace(/^( {8}Issuer: ).*$/m, (_all, head: string) => head + oneLine(issuerAttributes))
      .replace(/^( {8}Subject: ).*$/m, (_all, head: string) => head + oneLine(subjectAttributes))
    return `\n------details-----\n${text}${pemBundle([der])}------------------\n`
  } catch {
    return '<UNPARSABLE CERTIFICATE>\n'
  }
}

/** A distinguished name in DER. */
export function printedName(der: Uint8Array): string {
  try {
    return oneLine(attributes(der))
  } catch {
    return '<UNPARSABLE DN>'
  }
}

const oneLine = (name: readonly Attribute[]): string => name.map(({ type, value }) => `${type} = ${quoted(value)}`).join(', ')

/** XN_FLAG_ONELINE: quotes around what could be taken for the end of a value, and bytes of other letters in hexadecimal. */
function quoted(value: string): string {
  const special = /[,+<>;]|^[ #]| $/.test(value)
  const escaped = value.replace(special ? /["\\]/g : /[",+<>;\\]/g, '\\$&').replace(/[\0-\x1f\x7f]|[^\0-\x7f]+/g, inHex) // eslint-disable-line no-control-regex
  return special ? `"${escaped}"` : escaped
}

const inHex = (text: string): string => Array.from(Buffer.from(text), (byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

// ---- Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY } (RFC 5280, 4.1.2.4). ----

function attributes(der: Uint8Array): Attribute[] {
  return [...within(der, 0)].flatMap((set) => [...within(der, set)].map((pair) => attribute(der, pair)))
}

/** Where the elements of a constructed one begin. */
function* within(der: Uint8Array, at: number): Generator<number> {
  const { start, end } = element(der, at)
  if (!(end <= der.length)) throw new RangeError('a length points past the end')
  for (let inner = start; inner < end; inner = element(der, inner).end) yield inner
}

function attribute(der: Uint8Array, at: number): Attribute {
  const [typeAt, valueAt] = [...within(der, at)] as [number, number]
  const [type, value] = [element(der, typeAt), element(der, valueAt)]
  const id = objectIdentifier(der.subarray(type.start, type.end))
  const bytes = Buffer.from(der.subarray(value.start, value.end))
  return { type: TYPES[id] ?? id, value: decode(bytes, der[valueAt]!) }
}

function objectIdentifier(bytes: Uint8Array): string {
  const numbers: number[] = []
  let number = 0
  for (const byte of bytes) {
    number = number * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      numbers.push(number)
      number = 0
    }
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(Math.floor(first / 40), 2)
  return [top, first - top * 40, ...rest].join('.')
}

const UTF8_STRING = 12
const BMP_STRING = 30

function decode(bytes: Buffer, tag: number): string {
  if (tag === UTF8_STRING) return bytes.toString()
  return tag === BMP_STRING ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString('latin1')
}

/** OpenSSL's short names. */
const TYPES: Record<string, string> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
}
