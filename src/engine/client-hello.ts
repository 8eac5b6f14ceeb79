// The ClientHello (RFC 8446, 4.1.2) as an object. OpenSSL has checked the framing, but not yet what is inside of the extensions:
// a malformed one is taken for absent here.

export interface ClientHello {
  /** SNI, RFC 6066; undefined when the client named no host. */
  servername?: string
  /** RFC 7301, in the client's order. */
  alpn: string[]
  /** As on the wire: 0x0304 is TLS 1.3. From supported_versions, or the legacy field where that is absent. */
  versions: number[]
  cipherSuites: number[]
  groups: number[]
  signatureSchemes: number[]
  /** Extension types in the order sent. */
  extensions: number[]
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

  number(width: 1 | 2): number {
    const [high = 0, low = 0] = this.bytes(width)
    return width === 1 ? high : (high << 8) | low
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('ClientHello: a length points past the end')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  vector(width: 1 | 2): Reader {
    return new Reader(this.bytes(this.number(width)))
  }

  numbers(): number[] {
    const all: number[] = []
    while (!this.done) all.push(this.number(2))
    return all
  }
}

/** IANA TLS ExtensionType values. */
const SERVER_NAME = 0
const SUPPORTED_GROUPS = 10
const SIGNATURE_ALGORITHMS = 13
const ALPN = 16
const SUPPORTED_VERSIONS = 43

const decoder = new TextDecoder()

function parseAlpn(list: Reader): string[] {
  const names: string[] = []
  while (!list.done) names.push(decoder.decode(list.bytes(list.number(1))))
  return names
}

function parseServername(list: Reader): string | undefined {
  while (!list.done) {
    const type = list.number(1)
    const name = list.bytes(list.number(2))
    if (type === 0) return decoder.decode(name)
  }
  return undefined
}

/** @param body the message without its four-byte header. */
export function parseClientHello(body: Uint8Array): ClientHello {
  const reader = new Reader(body)
  const legacyVersion = reader.number(2)
  reader.bytes(32) // random
  reader.vector(1) // session id
  const hello: ClientHello = {
    alpn: [],
    versions: [legacyVersion],
    cipherSuites: reader.vector(2).numbers(),
    groups: [],
    signatureSchemes: [],
    extensions: [],
  }
  reader.vector(1) // compression methods
  const extensions = reader.vector(2)
  while (!extensions.done) {
    const type = extensions.number(2)
    const value = extensions.vector(2)
    hello.extensions.push(type)
    try {
      parseExtension(hello, type, value)
    } catch {
      // OpenSSL has not looked inside yet. It will when the handshake goes on, and refuse with the alert that belongs to it.
    }
  }
  return hello
}

function parseExtension(hello: ClientHello, type: number, value: Reader): void {
  if (type === SERVER_NAME) hello.servername = parseServername(value.vector(2))
  else if (type === SUPPORTED_GROUPS) hello.groups = value.vector(2).numbers()
  else if (type === SIGNATURE_ALGORITHMS) hello.signatureSchemes = value.vector(2).numbers()
  else if (type === ALPN) hello.alpn = parseAlpn(value.vector(2))
  else if (type === SUPPORTED_VERSIONS) hello.versions = value.vector(1).numbers()
}
