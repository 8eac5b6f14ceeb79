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
  /** What kind of name. */
  type: 'dns' | 'ip' | 'email' | 'uri' | 'directoryName' | 'otherName' | 'registeredId' | 'x400Address' | 'ediPartyName'
  /**
   * As it stands in the certificate: it may hold any character, commas and NUL too. A directoryName is RFC 4514 text; what has no text is
   * DER in hexadecimal.
   */
  value: string
  /** Of an otherName: its type. */
  oid?: string
}

/** One extension as it stands there, known to OpenSSL or not (RFC 5280, 4.2). */
export interface Extension {
  /** "2.5.29.17" */
  oid: string
  /** OpenSSL's short name ("subjectAltName"), or the object identifier. */
  name: string
  /** Whoever does not know the extension must refuse the certificate. */
  critical: boolean
  /** As OpenSSL prints it, for people; undefined where OpenSSL does not know the extension. Not for programs: a name may imitate syntax. */
  text?: string
  /** The extension's value. */
  der: Uint8Array
}

/** A public key, and what can be said about it. */
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
  /** RSA, in hexadecimal: mostly 010001. */
  exponent?: string
  /** SubjectPublicKeyInfo in DER. */
  spki: Uint8Array
  /** SHA-256 over `spki` in base64: what RFC 7469 and curl's --pinnedpubkey call a pin. */
  pin: string
}

/** A signed certificate timestamp that is embedded in a certificate (RFC 6962). Its signature is not checked. */
export interface Sct {
  /** 1, the only one there is. */
  version: number
  /** Base64, as lists of logs have it. */
  logId: string
  /** When the log promised to include the certificate, to the millisecond. */
  timestamp: Date
  /** The log's, by OpenSSL's name: "ecdsa-with-SHA256". Undefined where OpenSSL does not know it. */
  signatureAlgorithm?: string
}

/** What extensions say, where there is a form for programs. */
export interface ExtensionFacts {
  /** subjectAltName, in order. */
  subjectAltNames: GeneralName[]
  /** Of `subjectAltNames`, the DNS names: A-labels, `*.example.test`. */
  hosts: string[]
  /** Of `subjectAltNames`, the IP addresses, as OpenSSL writes them: "192.0.2.1", "2001:DB8:0:0:0:0:0:1". */
  addresses: string[]
  /** Of `subjectAltNames`, the email addresses. */
  emails: string[]
  /** Of `subjectAltNames`, the URIs. */
  uris: string[]
  /** As RFC 5280 spells them: `digitalSignature`, `keyCertSign`. Empty: the extension is missing, and any use is allowed. */
  keyUsage: string[]
  /** OpenSSL's short names, `serverAuth`, or object identifiers. Empty: any use is allowed. */
  extendedKeyUsage: string[]
  /** The same as object identifiers, in the same order: "1.3.6.1.5.5.7.3.1". */
  extendedKeyUsageOids: string[]
  /** How many CAs may stand between this CA and a leaf. */
  pathLength?: number
  /** Object identifiers of certificate policies. */
  policies: string[]
  /** Names the certificate's own key: hexadecimal with colons. */
  subjectKeyId?: string
  /** The `subjectKeyId` of the issuer. A hint for whoever looks for it, no proof. */
  authorityKeyId?: string
  /** Where the issuer's CRL can be had. */
  crlUrls: string[]
  /** Where the certificate's status can be asked for (RFC 6960). */
  ocspUrls: string[]
  /** Where the issuer's certificate can be had. */
  caIssuerUrls: string[]
  /** Good only together with a stapled OCSP response (RFC 7633). */
  mustStaple: boolean
  /** The timestamps that are embedded in the certificate, of as many logs. */
  scts: Sct[]
  /** All of them, in order. */
  extensions: Extension[]
}

/** A certificate (RFC 5280). That it could be read says nothing about whether it can be believed: see `verifyCertificate`. */
export interface Certificate extends ExtensionFacts {
  /** 3, but for relics. */
  version: number
  /** RFC 4514: "CN=example.test,O=Example", the last attribute first. */
  subject: string
  /** In the order of the certificate. */
  subjectAttributes: Attribute[]
  /** Who has signed, says the certificate; written as `subject` is. */
  issuer: string
  /** In the order of the certificate. */
  issuerAttributes: Attribute[]
  /** Upper-case hexadecimal, without separators; with the issuer's name it tells certificates apart. */
  serialNumber: string
  /** From when on it is valid. An invalid Date where the certificate's cannot be read. */
  notBefore: Date
  /** Until when it is valid. An invalid Date where the certificate's cannot be read. */
  notAfter: Date
  /** Whose holder is certified. */
  key: PublicKey
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** May sign other certificates. */
  ca: boolean
  /** Subject and issuer are the same. */
  selfIssued: boolean
  /** SHA-1 over `der`, in hexadecimal with colons: to look a certificate up, not to trust it. */
  fingerprint: string
  /** SHA-256 over `der`, in hexadecimal with colons. */
  fingerprint256: string
  /** SHA-512 over `der`, in hexadecimal with colons. */
  fingerprint512: string
  /** The certificate itself. The bytes are the caller's. */
  der: Uint8Array
  /** The certificate itself, as PEM. */
  pem: string
}

/** A certificate request (PKCS #10). */
export interface CertificateRequest extends ExtensionFacts {
  /** The name asked for: RFC 4514, the last attribute first. */
  subject: string
  /** In the order of the request. */
  subjectAttributes: Attribute[]
  /** The key that the certificate shall be for. */
  key: PublicKey
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** Signed with the key it is about: whoever wrote it has that key. */
  verified: boolean
  /** Asks to become a CA. */
  ca: boolean
  /** The request itself. The bytes are the caller's. */
  der: Uint8Array
  /** The request itself, as PEM. */
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
  /** Whose certificates it is about: RFC 4514, the last attribute first. */
  issuer: string
  /** In the order of the list. */
  issuerAttributes: Attribute[]
  /** When it was made. An invalid Date where that cannot be read. */
  thisUpdate: Date
  /** When there will be a newer one at the latest. Undefined where the CRL does not say. */
  nextUpdate?: Date
  /** Rises with every list of the issuer. Upper-case hexadecimal. */
  number?: string
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm: string
  /** The `subjectKeyId` of the issuer, hexadecimal with colons. */
  authorityKeyId?: string
  /** By `serialNumber` as `Certificate` has it, in the order of the list; `reason` is undefined where none is given. */
  revoked: { serialNumber: string; date: Date; reason?: RevocationReason }[]
  /** Of the list itself, in order; those of its entries are left out. */
  extensions: Extension[]
  /** The list itself. The bytes are the caller's. */
  der: Uint8Array
  /** The list itself, as PEM. */
  pem: string
}

/** What a CA's responder says about certificates (RFC 6960). */
export interface OcspResponse {
  /** "successful", or what went wrong with the responder: then there is nothing else. */
  status: string
  /** When it was signed. */
  producedAt?: Date
  /** Who signed: its name (RFC 4514), or the SHA-1 of its key in hexadecimal with colons. */
  responder?: string
  /** OpenSSL's name: "ecdsa-with-SHA256". */
  signatureAlgorithm?: string
  /**
   * One entry a certificate, by `serialNumber` as `Certificate` has it. 'unknown': the responder does not know it, which is not 'good'.
   * `nextUpdate` is until when the entry holds; undefined: there may be news at any time.
   */
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
