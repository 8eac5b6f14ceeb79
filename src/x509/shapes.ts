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
  type: 'dns' | 'ip' | 'email' | 'uri' | 'directoryName' | 'otherName' | 'registeredId' | 'x400Address' | 'ediPartyName'
  /**
   * As it stands in the certificate: it may hold any character, commas and NUL too. A directoryName is RFC 4514 text; what has no text is
   * DER in hexadecimal.
   */
  value: string
  /** Of an otherName: its type. */
  oid?: string
}

export interface Extension {
  /** "2.5.29.17" */
  oid: string
  /** OpenSSL's short name ("subjectAltName"), or the object identifier. */
  name: string
  critical: boolean
  /** As OpenSSL prints it, for people; undefined where OpenSSL does not know the extension. Not for programs: a name may imitate syntax. */
  text?: string
  /** The extension's value. */
  der: Uint8Array
}

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
  exponent?: string
  /** SubjectPublicKeyInfo in DER. */
  spki: Uint8Array
  /** SHA-256 over `spki` in base64: what RFC 7469 and curl's --pinnedpubkey call a pin. */
  pin: string
}

/** A signed certificate timestamp that is embedded in a certificate (RFC 6962). Its signature is not checked. */
export interface Sct {
  version: number
  /** Base64, as lists of logs have it. */
  logId: string
  timestamp: Date
  signatureAlgorithm?: string
}

/** What extensions say, where there is a form for programs. */
export interface ExtensionFacts {
  /** subjectAltName, in order. */
  subjectAltNames: GeneralName[]
  /** The names of `subjectAltNames` that are DNS names, IP addresses, email addresses and URIs. */
  hosts: string[]
  addresses: string[]
  emails: string[]
  uris: string[]
  /** As RFC 5280 spells them: `digitalSignature`, `keyCertSign`. Empty: the extension is missing, and any use is allowed. */
  keyUsage: string[]
  /** OpenSSL's short names, `serverAuth`, or object identifiers. Empty: any use is allowed. */
  extendedKeyUsage: string[]
  extendedKeyUsageOids: string[]
  /** How many CAs may stand between this CA and a leaf. */
  pathLength?: number
  /** Object identifiers. */
  policies: string[]
  /** Hexadecimal with colons. */
  subjectKeyId?: string
  authorityKeyId?: string
  crlUrls: string[]
  ocspUrls: string[]
  caIssuerUrls: string[]
  /** Good only together with a stapled OCSP response (RFC 7633). */
  mustStaple: boolean
  scts: Sct[]
  /** All of them, in order. */
  extensions: Extension[]
}

export interface Certificate extends ExtensionFacts {
  /** 3, but for relics. */
  version: number
  /** RFC 4514: "CN=example.test,O=Example", the last attribute first. */
  subject: string
  /** In the order of the certificate. */
  subjectAttributes: Attribute[]
  issuer: string
  issuerAttributes: Attribute[]
  /** Hexadecimal. */
  serialNumber: string
  /** An invalid Date where the certificate's cannot be read. */
  notBefore: Date
  notAfter: Date
  key: PublicKey
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** May sign other certificates. */
  ca: boolean
  /** Subject and issuer are the same. */
  selfIssued: boolean
  /** SHA-1, SHA-256 and SHA-512 over the DER encoding, in hexadecimal with colons. */
  fingerprint: string
  fingerprint256: string
  fingerprint512: string
  /** The certificate itself. */
  der: Uint8Array
  pem: string
}

/** A certificate request (PKCS #10). */
export interface CertificateRequest extends ExtensionFacts {
  subject: string
  subjectAttributes: Attribute[]
  key: PublicKey
  signatureAlgorithm: string
  /** Signed with the key it is about: whoever wrote it has that key. */
  verified: boolean
  /** Asks to become a CA. */
  ca: boolean
  der: Uint8Array
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

export interface Crl {
  issuer: string
  issuerAttributes: Attribute[]
  thisUpdate: Date
  /** Undefined where the CRL does not say. */
  nextUpdate?: Date
  /** Hexadecimal. */
  number?: string
  signatureAlgorithm: string
  authorityKeyId?: string
  revoked: { serialNumber: string; date: Date; reason?: RevocationReason }[]
  extensions: Extension[]
  der: Uint8Array
  pem: string
}

export interface OcspResponse {
  /** "successful", or what went wrong with the responder: then there is nothing else. */
  status: string
  producedAt?: Date
  /** Who signed: its name (RFC 4514), or the SHA-1 of its key in hexadecimal with colons. */
  responder?: string
  signatureAlgorithm?: string
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
