// What the handshake agreed on, and who the peer is.
import {
  TLS_CHAIN_SENT,
  TLS_CHAIN_VERIFIED,
  TLS_EARLY_DATA_ACCEPTED,
  TLS_EARLY_DATA_REJECTED,
  TLS_TEMPORARY_KEY_DH,
  TLS_TEMPORARY_KEY_ECDH,
  TLS_TEMPORARY_KEY_KEM,
  tlsAgreedLayout,
  type TlsConnectionPointer,
} from '../abi/generated.ts'
import { counted } from '../abi/memory.ts'
import type { Library } from '../abi/library.ts'
import { alpnText } from './alpn.ts'

/**
 * What a server's ephemeral key is: a number in a group of this many bits, a point on a curve, or with a KEM, as in the post-quantum
 * hybrids, no key at all, because the server encapsulates to the client's.
 */
export type TemporaryKey = { type: 'DH'; bits: number } | { type: 'ECDH'; name: string; bits: number } | { type: 'KEM'; name: string }

/** What both sides agreed on, and who the peer is: `engine.agreed`. */
export interface Agreed {
  /** "TLSv1.3" */
  version: string
  /** IANA's name, OpenSSL's name, the number on the wire, and the oldest version that has it: "TLSv1.3", "TLSv1.2", "TLSv1.0", "SSLv3". */
  cipherSuite: { name: string; opensslName: string; id: number; version: string }
  /** "X25519MLKEM768"; undefined where no key exchange by group took place. */
  group?: string
  /** The scheme of our handshake signature; undefined where we did not sign. */
  signatureScheme?: string
  /** The scheme of the peer's. */
  peerSignatureScheme?: string
  /**
   * Client: what the server's ephemeral key was, curves by OpenSSL's name ("prime256v1"); undefined where it had none: static RSA, a
   * pre-shared key alone, a TLS 1.2 session that was resumed.
   */
  temporaryKey?: TemporaryKey
  /** ALPN; undefined when none was agreed. Names that are no UTF-8 have a character for each byte (Latin-1). */
  alpn?: string
  /** The same as bytes. */
  alpnBytes?: Uint8Array
  /** SNI, as the client sent it. */
  servername?: string
  /**
   * True when a session was resumed: no certificates were exchanged, the verdict is that of the first handshake. Also true with a
   * pre-shared key in TLS 1.3, which has one mechanism for both (RFC 8446, 2.2).
   */
  resumed: boolean
  /** True when the peer showed a certificate or raw public key, and it was accepted by verification. */
  authorized: boolean
  /** Why not, as an X509_V_ERR name without its prefix: only with `dangerouslyAcceptAnyCertificate`. Sessions and tickets remember it. */
  authorizationError?: string
  /** 0-RTT data of this connection: none sent, or whether the server took it. What was rejected must be written again. */
  earlyData: 'none' | 'rejected' | 'accepted'
  /** The peer's raw public key (SubjectPublicKeyInfo in DER), where it authenticated with that (RFC 7250). */
  peerPublicKey?: Uint8Array
  /** The stapled OCSP response in DER; it has been checked, unless it was asked for with `ocsp: 'deliver'`. */
  ocspResponse?: Uint8Array
  /** Signed Certificate Timestamps (RFC 6962), as they came by TLS extension, certificate or OCSP response. They are not verified. */
  scts: Uint8Array[]
  /** The peer's certificates in DER, leaf first, as sent; in resumed connections the leaf alone. Empty when it showed none. */
  peerChain: Uint8Array[]
  /** The same as built by verification, up to the trusted root. Empty in resumed connections. */
  verifiedChain: Uint8Array[]
}

export function readAgreed({ exports, memory }: Library, connection: TlsConnectionPointer): Agreed {
  const at = exports.tls_peer_agreed(connection)
  const a = memory.agreed(at)
  const alpnBytes = a.alpnLength ? memory.slice(at + tlsAgreedLayout.alpn.offset, a.alpnLength) : undefined
  const certificates = (chain: number): Uint8Array[] => {
    const all: Uint8Array[] = []
    for (;;) {
      const next = memory.take(exports.tls_peer_certificate(connection, chain, all.length))
      if (!next) return all
      all.push(next.bytes)
    }
  }
  return {
    version: shared(a.versionName),
    cipherSuite: { name: shared(a.cipherStandard), opensslName: shared(a.cipherOpenssl), id: a.cipherId & 0xffff, version: shared(a.cipherVersion) },
    group: shared(a.group) || undefined,
    signatureScheme: shared(a.signature) || undefined,
    peerSignatureScheme: shared(a.peerSignature) || undefined,
    temporaryKey: temporaryKey(a.temporaryKey, a.temporaryKeyName, a.temporaryKeyBits),
    alpn: alpnBytes && alpnText(alpnBytes),
    alpnBytes,
    servername: a.servername || undefined,
    resumed: a.resumed === 1,
    earlyData: a.earlyData === TLS_EARLY_DATA_ACCEPTED ? 'accepted' : a.earlyData === TLS_EARLY_DATA_REJECTED ? 'rejected' : 'none',
    peerPublicKey: memory.take(exports.tls_peer_public_key(connection))?.bytes,
    ocspResponse: memory.take(exports.tls_peer_ocsp_response(connection))?.bytes,
    scts: [...counted(memory.take(exports.tls_peer_scts(connection))?.bytes ?? new Uint8Array(0))],
    authorized: a.peerCertificate !== 0 && a.verifyResult === 0,
    authorizationError: a.verifyResult ? a.verifyName : undefined,
    peerChain: certificates(TLS_CHAIN_SENT),
    verifiedChain: certificates(TLS_CHAIN_VERIFIED),
  }
}

/** OpenSSL's names are few, and connections many: each name is kept once. */
function shared(name: string): string {
  const known = names.get(name)
  if (known === undefined) names.set(name, name)
  return known ?? name
}
const names = new Map<string, string>()

function temporaryKey(type: number, name: string, bits: number): TemporaryKey | undefined {
  if (type === TLS_TEMPORARY_KEY_DH) return { type: 'DH', bits }
  if (type === TLS_TEMPORARY_KEY_ECDH) return { type: 'ECDH', name, bits }
  return type === TLS_TEMPORARY_KEY_KEM ? { type: 'KEM', name } : undefined
}
