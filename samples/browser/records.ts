// From trace events to rows of the diagram: a row is a record on the wire, or several of application data, with the messages in it.
// Knows no page.
import { alertName } from 'membio'
import type { Direction, TraceEvent } from './session.ts'

export interface Message {
  name: string
  /** What it is for, in a sentence. */
  about: string
  bytes: Uint8Array
}

export interface Row {
  direction: Direction
  /** Milliseconds since the connection was asked for. */
  at: number
  /** The kind that stands in the header, which everybody can read. */
  type: number
  encrypted: boolean
  records: number
  /** On the wire, headers included. */
  bytes: number
  /** The kind inside, where it is encrypted. */
  inner: number | undefined
  messages: Message[]
}

/** Reads along with one connection. */
export class Records {
  readonly rows: Row[] = []
  readonly #began = performance.now()
  /** TLS 1.2: everything after ChangeCipherSpec is encrypted, in each direction. */
  readonly #changed = { sent: false, received: false }
  #version = 0x0303

  /** @returns the row that is new, or has changed */
  add({ direction, content, bytes }: TraceEvent): Row | undefined {
    if (content === 'recordHeader') return this.#record(direction, bytes)
    const row = this.rows.findLast((row) => row.direction === direction)
    if (!row) return undefined
    if (content === 'innerContentType') row.inner = bytes[0]
    if (content === 'innerContentType') return bytes[0] === APPLICATION_DATA ? this.#merged(row) : row
    if (content === 'handshake') row.messages.push(this.#handshake(bytes))
    if (content === 'alert') row.messages.push(alert(bytes))
    return row
  }

  #record(direction: Direction, header: Uint8Array): Row {
    const type = header[0]!
    const length = 5 + header[3]! * 256 + header[4]!
    const encrypted = this.#version === TLS13 ? type === APPLICATION_DATA : this.#changed[direction]
    const at = performance.now() - this.#began
    const row: Row = { direction, at, type, encrypted, records: 1, bytes: length, inner: undefined, messages: [] }
    // OpenSSL tells of this one only where it has sent it; it is always the same byte.
    if (type === CHANGE_CIPHER_SPEC) {
      row.messages.push({ name: 'ChangeCipherSpec', about: ABOUT_CHANGE[this.#version === TLS13 ? 13 : 12], bytes: Uint8Array.of(1) })
      this.#changed[direction] = true
    }
    this.rows.push(row)
    return this.#version !== TLS13 && type === APPLICATION_DATA ? this.#merged(row) : row
  }

  /** Application data of one direction, one record after the other, is one row. */
  #merged(row: Row): Row {
    const before = this.rows.at(-2)
    if (!before || this.rows.at(-1) !== row || before.direction !== row.direction || !isApplicationData(before)) return row
    this.rows.pop()
    before.records++
    before.bytes += row.bytes
    return before
  }

  #handshake(bytes: Uint8Array): Message {
    const [name, about] = MESSAGES[bytes[0]!] ?? [`message ${bytes[0]}`, '']
    if (name !== 'ServerHello') return { name, about, bytes }
    if (selectedVersion(bytes) === TLS13) this.#version = TLS13
    if (RETRY.every((byte, i) => bytes[6 + i] === byte)) return { name: 'HelloRetryRequest', about: ABOUT_RETRY, bytes }
    return { name, about, bytes }
  }
}

export const isApplicationData = ({ type, inner, messages }: Row): boolean =>
  !messages.length && (inner === undefined ? type === APPLICATION_DATA : inner === APPLICATION_DATA)

/** What is in a row, when it holds no message. */
export function contentOf(row: Row): string {
  if (isApplicationData(row)) return 'application data'
  return row.inner === HANDSHAKE || row.type === HANDSHAKE ? 'part of a message' : (CONTENTS[row.inner ?? row.type] ?? 'unknown')
}

/** The extension supported_versions of a ServerHello (RFC 8446, 4.2.1). */
function selectedVersion(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const extensions = 4 + 2 + 32 + 1 + view.getUint8(38) + 2 + 1 + 2
  for (let at = extensions; at + 6 <= bytes.length; at += 4 + view.getUint16(at + 2)) {
    if (view.getUint16(at) === 43) return view.getUint16(at + 4)
  }
  return 0x0303
}

function alert(bytes: Uint8Array): Message {
  return { name: `Alert: ${alertName(bytes[1]!)}`, about: bytes[1] === 0 ? ABOUT_CLOSE : ABOUT_ALERT, bytes }
}

/** RFC 8446, appendix B. */
const CHANGE_CIPHER_SPEC = 20
const APPLICATION_DATA = 23
const HANDSHAKE = 22
const TLS13 = 0x0304
const CONTENTS: Record<number, string> = { 20: 'change_cipher_spec', 21: 'alert', 22: 'handshake', 23: 'application_data' }
const MESSAGES: Record<number, readonly [name: string, about: string]> = {
  1: [
    'ClientHello',
    'What this tab can speak: versions, cipher suites, groups; the name of the server it wants; and key shares, so ' +
      'that the server can answer with keys at once.',
  ],
  2: [
    'ServerHello',
    'What the server has chosen, with its key share. From here on both sides have a common secret, and in TLS 1.3 ' +
      'the rest is encrypted.',
  ],
  4: ['NewSessionTicket', 'A ticket to come back with: the next handshake can do without certificates.'],
  8: ['EncryptedExtensions', 'The other answers to the ClientHello, such as the application protocol. Nobody on the way can read them.'],
  11: ['Certificate', 'Who the server is, and who vouches for it, up to an authority that this tab may trust.'],
  12: ['ServerKeyExchange', "TLS 1.2: the server's key share, signed with the key of its certificate."],
  13: ['CertificateRequest', 'The server would like to see a certificate of this side, too.'],
  14: ['ServerHelloDone', 'TLS 1.2: the server has said its part.'],
  15: [
    'CertificateVerify',
    'A signature over the handshake so far: the server has the private key of its certificate, and nobody has ' +
      'changed a word.',
  ],
  16: ['ClientKeyExchange', "TLS 1.2: this tab's key share. Both sides now have a common secret."],
  20: ['Finished', 'A checksum over the whole handshake, made with the new keys. If it fits, both sides have seen the same messages.'],
  22: ['CertificateStatus', 'A stapled answer of the authority: the certificate has not been revoked.'],
  24: ['KeyUpdate', 'New keys for this direction.'],
}
const ABOUT_RETRY = 'The server wants a key share for another group: the client says hello again.'
const ABOUT_CHANGE = {
  12: 'TLS 1.2: everything after this is encrypted.',
  13: 'Means nothing in TLS 1.3. It is there for old machines on the way, which would drop a handshake without it.',
}
const ABOUT_CLOSE = 'I will send nothing more. Without it nobody could tell a complete answer from one that was cut short.'
const ABOUT_ALERT = 'Why this side gives up. The connection ends here.'
/** The random of a HelloRetryRequest begins so (RFC 8446, 4.1.3). */
const RETRY = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11]
