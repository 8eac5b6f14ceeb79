// What stands in the messages that people ask about: a few facts of each, by RFC 8446, section 4. It reads messages that OpenSSL has
// accepted or made; of anything else it says nothing.

export type Fact = readonly [name: string, value: string]

/** @param bytes a handshake message, header included */
export function decode(bytes: Uint8Array): Fact[] {
  try {
    return READERS[bytes[0]!]?.(new Reader(bytes.subarray(4))) ?? []
  } catch {
    return []
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }
  bytes(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('a length points past the end')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }
  number(width: number): number {
    return this.bytes(width).reduce((sum, byte) => sum * 256 + byte, 0)
  }
  /** What stands behind a length of so many bytes. */
  vector(width: number): Reader {
    return new Reader(this.bytes(this.number(width)))
  }
  list<T>(read: (list: Reader) => T): T[] {
    const items: T[] = []
    while (this.left) items.push(read(this))
    return items
  }
  text(): string {
    return new TextDecoder().decode(this.bytes(this.left))
  }
}

const READERS: Record<number, (message: Reader) => Fact[]> = {
  1: (message) => {
    message.bytes(34) // version and random
    message.vector(1)
    const suites = message.vector(2).list((list) => named(SUITES, list.number(2)))
    message.vector(1)
    return [...extensions(message, CLIENT), ['cipher suites', suites.filter(isReal).join(', ')]]
  },
  2: (message) => {
    message.bytes(34)
    message.vector(1)
    const suite = named(SUITES, message.number(2))
    message.bytes(1)
    return [['cipher suite', suite], ...extensions(message, SERVER)]
  },
  4: (message) => {
    const lifetime = message.number(4)
    return [['valid for', `${(lifetime / 3600).toLocaleString('en', { maximumFractionDigits: 1 })} hours`]]
  },
  8: (message) => extensions(message, CLIENT),
  15: (message) => [
    ['scheme', named(SCHEMES, message.number(2))],
    ['signature', size(message.vector(2).left)],
  ],
}

type Extensions = Record<number, (extension: Reader) => Fact>

function extensions(message: Reader, known: Extensions): Fact[] {
  if (!message.left) return []
  return message.vector(2).list((list): Fact | undefined => {
    const read = known[list.number(2)]
    const extension = list.vector(2)
    return extension.left && read ? read(extension) : undefined
  }).filter((fact) => fact !== undefined)
}

const size = (bytes: number): string => `${bytes.toLocaleString('en')} bytes`

function keyShare(list: Reader): string {
  const group = named(GROUPS, list.number(2))
  return `${group}, ${size(list.vector(2).left)}`
}

const CLIENT: Extensions = {
  0: (extension) => ['server name', extension.vector(2).list((list) => (list.number(1), list.vector(2).text())).join(', ')],
  10: (extension) => ['groups', extension.vector(2).list((list) => named(GROUPS, list.number(2))).filter(isReal).join(', ')],
  13: (extension) => ['signature schemes', extension.vector(2).list((list) => named(SCHEMES, list.number(2))).filter(isReal).join(', ')],
  16: (extension) => ['application protocols', extension.vector(2).list((list) => list.vector(1).text()).join(', ')],
  43: (extension) => ['versions', extension.vector(1).list((list) => named(VERSIONS, list.number(2))).join(', ')],
  51: (extension) => ['key shares', extension.vector(2).list(keyShare).join('; ')],
}

const SERVER: Extensions = {
  16: CLIENT[16]!,
  43: (extension) => ['version', named(VERSIONS, extension.number(2))],
  51: (extension) => ['key share', keyShare(extension)],
}

const named = (names: Record<number, string>, value: number): string => names[value] ?? `0x${value.toString(16).padStart(4, '0')}`
/** Signalling values among the suites are none. */
const isReal = (name: string): boolean => name !== ''

const VERSIONS: Record<number, string> = { 0x0304: 'TLS 1.3', 0x0303: 'TLS 1.2' }

const SUITES: Record<number, string> = {
  0x00ff: '',
  0x1301: 'TLS_AES_128_GCM_SHA256', 0x1302: 'TLS_AES_256_GCM_SHA384', 0x1303: 'TLS_CHACHA20_POLY1305_SHA256',
  0xc02b: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 0xc02c: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  0xc02f: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 0xc030: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  0xcca8: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 0xcca9: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
}

const GROUPS: Record<number, string> = {
  23: 'secp256r1', 24: 'secp384r1', 25: 'secp521r1', 29: 'x25519', 30: 'x448',
  0x11eb: 'SecP256r1MLKEM768', 0x11ec: 'X25519MLKEM768', 0x11ed: 'SecP384r1MLKEM1024',
}

const SCHEMES: Record<number, string> = {
  0x0403: 'ecdsa_secp256r1_sha256', 0x0503: 'ecdsa_secp384r1_sha384', 0x0603: 'ecdsa_secp521r1_sha512',
  0x0804: 'rsa_pss_rsae_sha256', 0x0805: 'rsa_pss_rsae_sha384', 0x0806: 'rsa_pss_rsae_sha512', 0x0807: 'ed25519', 0x0808: 'ed448',
  0x0809: 'rsa_pss_pss_sha256', 0x080a: 'rsa_pss_pss_sha384', 0x080b: 'rsa_pss_pss_sha512',
  0x0401: 'rsa_pkcs1_sha256', 0x0501: 'rsa_pkcs1_sha384', 0x0601: 'rsa_pkcs1_sha512',
  0x0904: 'mldsa44', 0x0905: 'mldsa65', 0x0906: 'mldsa87',
  0x081a: 'ecdsa_brainpoolP256r1tls13_sha256', 0x081b: 'ecdsa_brainpoolP384r1tls13_sha384', 0x081c: 'ecdsa_brainpoolP512r1tls13_sha512',
  0x0303: 'ecdsa_sha224', 0x0301: 'rsa_pkcs1_sha224',
}
