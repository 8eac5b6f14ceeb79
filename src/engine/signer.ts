// A private key that is somewhere else: what a program is asked for, and in which words.
import type { RawSigner } from '../abi/signers.ts'

/** IANA's names (RFC 8446, 4.2.3; RFC 8420; ML-DSA: draft-ietf-tls-mldsa), of the schemes in wasm/signer.c. */
const SCHEMES = {
  0x0401: 'rsa_pkcs1_sha256',
  0x0501: 'rsa_pkcs1_sha384',
  0x0601: 'rsa_pkcs1_sha512',
  0x0403: 'ecdsa_secp256r1_sha256',
  0x0503: 'ecdsa_secp384r1_sha384',
  0x0603: 'ecdsa_secp521r1_sha512',
  0x0804: 'rsa_pss_rsae_sha256',
  0x0805: 'rsa_pss_rsae_sha384',
  0x0806: 'rsa_pss_rsae_sha512',
  0x0807: 'ed25519',
  0x0808: 'ed448',
  0x0809: 'rsa_pss_pss_sha256',
  0x080a: 'rsa_pss_pss_sha384',
  0x080b: 'rsa_pss_pss_sha512',
  0x0904: 'mldsa44',
  0x0905: 'mldsa65',
  0x0906: 'mldsa87',
} as const

/** A signature scheme by its IANA name, of those that can be asked of a signer (RFC 8446, 4.2.3). */
export type SigningScheme = (typeof SCHEMES)[keyof typeof SCHEMES]

/** One signature that the handshake needs. */
export interface SignRequest {
  /**
   * Key type, padding and hash in one name. `rsa_pss_*`: the salt is as long as the hash; `ecdsa_*`: the curve named is the key's, in
   * TLS 1.2 too.
   */
  scheme: SigningScheme
  /** What is to be signed, not hashed yet. A copy: it may be kept and transferred. */
  message: Uint8Array
}

/**
 * Signs with the private key of `cert`, and returns the signature as TLS has it: ECDSA in DER, everything else as it is. It is called
 * in the midst of a handshake and must not use membio; what it throws ends the handshake with the alert internal_error and becomes the
 * TlsError's `cause`.
 */
export type Signer = (request: SignRequest) => Uint8Array

export function signRequest(scheme: number, message: Uint8Array): SignRequest {
  return { scheme: SCHEMES[scheme as keyof typeof SCHEMES], message }
}

export function rawSigner(signer: Signer): RawSigner {
  return (scheme, message) => signer(signRequest(scheme, message))
}
