// What certificates, requests, CRLs and OCSP responses look like as plain objects.

/** One attribute of a distinguished name. */
export interface Attribute {
  /** OpenSSL's short name (`CN`, `O`, `emailAddress`), or the object identifier where it has none. */
  type: string
  /** What is no string is written as RFC 4514 does: `#` and the DER encoding in hexadecimal. */
  value: string
}

/** RFC 5280, 4.2.1.6. */
export interface GeneralName {
  /** Which kind of name. */
  type: 'dns' | 'ip' | 'email' | 'uri' | 'directoryName' | 'otherName' | 'registeredId' | 'x400Address' | 'ediPartyName'
  /**
   * As it stands in the certificate: it may hold any character, commas and NUL too. A directoryName is RFC 4514 text; what has no text is
   * DER in hexadecimal.
   */
  value: string
  /** Of an otherName: its type. */
  oid?: string
}

/** An extension of a certificate, request or CRL (RFC 5280, 4.2). */
export interface Extension {
  /** "2.5.29.17" */
  oid: string
  /** OpenSSL's short name ("subjectAltName"), or the object identifier. */
  name: string
  /** Whoever does not know it must refuse the certificate. */
  critical: boolean
  /** As OpenSSL prints it, for people; undefined where OpenSSL does not know the extension. Not for programs: a name may imitate syntax. */
  text?: string
  /** The extension's value. */
  der: Uint8Array
}

/** The key that is certified. */
export interface PublicKey {
  /** "RSA", "RSA-PSS", "EC", "ED25519", "ML-DSA-65"; of a kind that OpenSSL does not know the algorithm's name. */
  type: string
  /** Size: of the modulus, of the curve's field, of the encoded key. */
  bits?: number
  /** Strength, as NIST SP 800-57 counts it. */
  securityBits?: number
  /** EC: OpenSSL's name of the group, "prime256v1". */
  group?: string
  /** EC: NIST's, "P-256". */
  nistName?: string
  /** RSA, in hexadecimal. */
  modulus?: string
  /** RSA, in hexadecimal. */
  exponent?: string
  /** SubjectPublicKeyInfo in DER. */
  spki: Uint8Array
  /** SHA-256 over `spki` in base64: what RFC 7469 and curl's --pinnedpubkey call a pin. */
  pin: string
}

/** A signed certificate timestamp that is embedded in a certificate (RFC 6962). Its signature is not checked. */
export interface Sct {
  /** 1 */
  version: number
  /** Base64, as lists of logs have it. */
  logId: string
  /** When the log has seen the certificate. */
  timestamp: Date
  /** OpenSSL's name, if it knows the algorithm. */
  signatureAlgorithm?: string
}

/** What extensions say, where there is a form for programs. */
export interface ExtensionFacts {
  /** subjectAltName, in order. */
  subjectAltNames: GeneralName[]
  /** Those of them that are DNS names. */
  hosts: string[]
  /** IP addresses. */
  addresses: string[]
  /** Email addresses. */
  emails: string[]
  /** URIs. */
  uris: string[]
  /** As RFC 5280 spells them: `digitalSignature`, `keyCertSign`. Empty: the extension is missing, and any use is allowed. */
  keyUsage: string[]
  /** OpenSSL's short names, `serverAuth`, or object identifiers. Empty: any use is allowed. */
  extendedKeyUsage: string[]
  /** The same as object identifiers. */
  extendedKeyUsageOids: string[]
  /** How many CAs may stand between this CA and a leaf. */
  pathLength?: number
  /** Certificate policies, as object identifiers. */
  policies: string[]
  /** What names the certified key, in hexadecimal with colons. */
  subjectKeyId?: string
  /** What names the issuer's key. */
  authorityKeyId?: string
  /** Where the issuer's CRL can be had. */
  crlUrls: string[]
  /** Where the status can be asked for. */
  ocspUrls: string[]
  /** Where the issuer's certificate can be had. */
  caIssuerUrls: string[]
  /** Good only together with a stapled OCSP response (RFC 7633). */
  mustStaple: boolean
  /** Signed certificate timestamps. */
  scts: Sct[]
  /** All of them, in order. */
  extensions: Extension[]
}

/** A certificate (X.509 v3, RFC 5280). */
export interface Certificate extends ExtensionFacts {
  /** 3, but for relics. */
  version: number
  /** RFC 4514: "CN=example.test,O=Example", the last attribute first. */
  subject: string
  /** In the order of the certificate. */
  subjectAttributes: Attribute[]
  /** Who has signed, as `subject`. */
  issuer: string
  /** In the order of the certificate. */
  issuerAttributes: Attribute[]
  /** Hexadecimal. */
  serialNumber: string
  /** The first second it is valid. An invalid Date where the certificate's cannot be read. */
  notBefore: Date
  /** The last second it is valid. */
  notAfter: Date
  /** The key that is certified. */
  key: PublicKey
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** May sign other certificates. */
  ca: boolean
  /** Subject and issuer are the same. */
  selfIssued: boolean
  /** SHA-1 over the DER encoding, in hexadecimal with colons. */
  fingerprint: string
  /** SHA-256. */
  fingerprint256: string
  /** SHA-512. */
  fingerprint512: string
  /** The certificate itself. */
  der: Uint8Array
  /** The same, as PEM. */
  pem: string
}

/** A certificate request (PKCS #10). */
export interface CertificateRequest extends ExtensionFacts {
  /** RFC 4514. */
  subject: string
  /** In the order of the request. */
  subjectAttributes: Attribute[]
  /** The key to be certified. */
  key: PublicKey
  /** OpenSSL's name. */
  signatureAlgorithm: string
  /** Signed with the key it is about: whoever wrote it has that key. */
  verified: boolean
  /** Asks to become a CA. */
  ca: boolean
  /** The request itself. */
  der: Uint8Array
  /** The same, as PEM. */
  pem: string
}

/** RFC 5280, 5.3.1, with its spelling. */
export type RevocationReason = (typeof REASONS)[number] & string

export const REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const

/** The CRLReason's number, or -1. */
export const reasonNumber = (reason: string): number => (REASONS as readonly (string | undefined)[]).indexOf(reason)
export const REASON_NAMES: readonly RevocationReason[] = REASONS.filter((reason) => reason !== undefined)

/** A certificate revocation list (RFC 5280, 5). */
export interface Crl {
  /** Whose certificates are revoked: RFC 4514. */
  issuer: string
  /** In the order of the CRL. */
  issuerAttributes: Attribute[]
  /** When it was made. */
  thisUpdate: Date
  /** When there will be a newer one at the latest. Undefined where the CRL does not say. */
  nextUpdate?: Date
  /** Hexadecimal. */
  number?: string
  /** OpenSSL's name. */
  signatureAlgorithm: string
  /** What names the issuer's key, in hexadecimal with colons. */
  authorityKeyId?: string
  /** Which certificates count no longer, by serial number in hexadecimal. */
  revoked: { serialNumber: string; date: Date; reason?: RevocationReason }[]
  /** Of the list itself. */
  extensions: Extension[]
  /** The list itself. */
  der: Uint8Array
  /** The same, as PEM. */
  pem: string
}

/** What a responder says about certificates (RFC 6960). */
export interface OcspResponse {
  /** "successful", or what went wrong with the responder: then there is nothing else. */
  status: string
  /** When it was signed. */
  producedAt?: Date
  /** Who signed: its name (RFC 4514), or the SHA-1 of its key in hexadecimal with colons. */
  responder?: string
  /** OpenSSL's name. */
  signatureAlgorithm?: string
  /** One for each certificate, which is named by its serial number in hexadecimal. */
  responses: {
    serialNumber: string
    status: 'good' | 'revoked' | 'unknown'
    thisUpdate: Date
    nextUpdate?: Date
    revokedAt?: Date
    reason?: RevocationReason
  }[]
  /** Certificates that came with it, for its signature. */
  certificates: Certificate[]
}
