// The ClientHello (RFC 8446, 4.1.2) as an object. OpenSSL has checked the framing, but not yet what is inside of the extensions:
// a malformed one is taken for absent here.
import { alpnText } from './alpn.ts'

/** What a client offers: the first message of a handshake (RFC 8446, 4.1.2). Numbers are IANA's. */
export interface ClientHello {
  /** SNI, RFC 6066; undefined when the client named no host. */
  servername?: string
  /** RFC 7301, in the client's order. Names that are no UTF-8 have a character for each byte (Latin-1). */
  alpn: string[]
  /** The same as bytes. */
  alpnBytes: Uint8Array[]
  /** As on the wire: 0x0304 is TLS 1.3. From supported_versions, or the legacy field where that is absent. */
  versions: number[]
  /** The field that said so before TLS 1.3. */
  legacyVersion: number
  /** Best first. */
  cipherSuites: number[]
  /** supported_groups, best first. */
  groups: number[]
  /** ec_point_formats, RFC 8422. */
  pointFormats: number[]
  /** signature_algorithms, best first. */
  signatureSchemes: number[]
  /** Extension types in the order sent, GREASE (RFC 8701) included. */
  extensions: number[]
  /** 32 bytes. */
  random: Uint8Array
  /** TLS 1.2: the id of the session to resume; in TLS 1.3 without meaning. */
  sessionId: Uint8Array
  /** TLS 1.2: the ticket to resume with (RFC 5077), empty where the client has none yet; undefined where it takes no tickets. */
  sessionTicket?: Uint8Array
  /** TLS 1.3: tickets and external PSK identities offered, best first. */
  pskIdentities: Uint8Array[]
  /** True when 0-RTT data follows. */
  earlyData: boolean
  /** The message itself, without its header; that of DTLS has a cookie in it. */
  raw: Uint8Array
}

/** Reads big-endian vectors; running past the end is an error, never undefined. */
class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** What has not been read. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  number(width: 1 | 2): number {
    const [high = 0, low = 0] = this.bytes(width)
    return width === 1 ? high : (high << 8) | low
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('ClientHello: a length points past the end')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  /** The content of a vector behind its length. */
  opaque(width: 1 | 2): Uint8Array {
    return this.bytes(this.number(width))
  }

  vector(width: 1 | 2): Reader {
    return new Reader(this.opaque(width))
  }

  numbers(width: 1 | 2 = 2): number[] {
    const all: number[] = []
    while (!this.done) all.push(this.number(width))
    return all
  }
}

const decoder = new TextDecoder()

function parseAlpn(list: Reader): Uint8Array[] {
  const names: Uint8Array[] = []
  while (!list.done) names.push(list.opaque(1))
  return names
}

function parseServername(list: Reader): string | undefined {
  while (!list.done) {
    const type = list.number(1)
    const name = list.opaque(2)
    if (type === 0) return decoder.decode(name)
  }
  return undefined
}

/** Each identity is followed by its obfuscated ticket age (RFC 8446, 4.2.11). */
function parsePskIdentities(list: Reader): Uint8Array[] {
  const identities: Uint8Array[] = []
  while (!list.done) {
    identities.push(list.opaque(2))
    list.bytes(4)
  }
  return identities
}

/** By IANA TLS ExtensionType value: what an extension's content adds. */
const EXTENSIONS: Record<number, (value: Reader, hello: ClientHello) => void> = {
  0: (value, hello) => (hello.servername = parseServername(value.vector(2))),
  10: (value, hello) => (hello.groups = value.vector(2).numbers()),
  11: (value, hello) => (hello.pointFormats = value.vector(1).numbers(1)),
  13: (value, hello) => (hello.signatureSchemes = value.vector(2).numbers()),
  16: (value, hello) => {
    hello.alpnBytes = parseAlpn(value.vector(2))
    hello.alpn = hello.alpnBytes.map(alpnText)
  },
  41: (value, hello) => (hello.pskIdentities = parsePskIdentities(value.vector(2))),
  43: (value, hello) => (hello.versions = value.vector(1).numbers()),
}
const EARLY_DATA = 42
const SESSION_TICKET = 35

/** DTLS counts versions downwards from 0xfeff, to differ from TLS. */
export const isDtls = (legacyVersion: number): boolean => legacyVersion >> 8 === 0xfe

/** @param body the message without its header */
export function parseClientHello(body: Uint8Array): ClientHello {
  const reader = new Reader(body)
  const legacyVersion = reader.number(2)
  const random = reader.bytes(32)
  const sessionId = reader.opaque(1)
  if (isDtls(legacyVersion)) reader.opaque(1) // cookie
  const hello: ClientHello = {
    alpn: [],
    alpnBytes: [],
    versions: [legacyVersion],
    legacyVersion,
    random,
    sessionId,
    cipherSuites: reader.vector(2).numbers(),
    groups: [],
    pointFormats: [],
    signatureSchemes: [],
    extensions: [],
    pskIdentities: [],
    earlyData: false,
    raw: body,
  }
  reader.vector(1) // compression methods
  const extensions = reader.done ? reader : reader.vector(2) // TLS 1.0 clients may send none at all
  while (!extensions.done) {
    const type = extensions.number(2)
    const value = extensions.vector(2)
    hello.extensions.push(type)
    if (type === EARLY_DATA) hello.earlyData = true
    if (type === SESSION_TICKET) hello.sessionTicket = value.rest
    try {
      if (!value.done) EXTENSIONS[type]?.(value, hello)
    } catch {
      // OpenSSL has not looked inside yet. It will when the handshake goes on, and refuse with the alert that belongs to it.
    }
  }
  return hello
}
