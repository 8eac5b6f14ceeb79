// The one table from membio's errors to Node's: `code`, `library`, `reason` and `message` as programs written for node:tls compare them. Node 24
// is the reference, whose OpenSSL is ours.
import { TlsError } from '../errors.ts'
import { errors, type CodedError } from './errors.ts'

/** Node's error for one of ours; `cause` is the original, which tells more. */
export function nodeError(error: TlsError): Error {
  if (error.cause instanceof Error) return error.cause // the socket's own, or why a decision refused the peer
  if (error.verify) return verifyError(error.verify.name, error)
  if (error.message.startsWith('`groups`')) return Object.assign(new Error('Failed to set ECDH curve', { cause: error }), { code: 'ERR_CRYPTO_OPERATION_FAILED' })
  if (error.message.startsWith('`crls`')) return Object.assign(new Error('Failed to parse CRL', { cause: error }), { code: 'ERR_CRYPTO_OPERATION_FAILED' })
  if (error.opensslCode && error.reason) return opensslError(error)
  return Object.assign(new Error(error.message, { cause: error }), { code: error.code })
}

/** The same for a connection: there Node tells every error of OpenSSL's as one of its SSL library, and an alert by its number, too. */
export function connectionError(error: TlsError): Error {
  const told = nodeError(error) as CodedError & { library?: string; reason?: string }
  if (!told.library || told === error.cause) return told
  told.code = `ERR_SSL_${upperCase(told.reason!)}`
  if (error.kind === 'alert' && error.alert) told.message += `:::SSL alert number ${error.alert.description}\n`
  return told
}

/** Why a certificate was refused, by its X509_V_ERR name. */
export function verifyError(name: string, cause?: unknown): CodedError {
  const message = VERIFY_MESSAGES[name] ?? name.toLowerCase().replaceAll('_', ' ')
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code: name })
}

/**
 * The verdict as Node tells it: OpenSSL names the first thing wrong and goes on; with a lone leaf of an unknown issuer it ends with the
 * second (X509_verify_cert(3)).
 */
export const nodeVerdict = (name: string, chainLength: number): string =>
  name === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' && chainLength === 1 ? 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' : name

function opensslError(error: TlsError): CodedError {
  // Without a passphrase Node tries an empty one; and a wrong one is a matter of the cipher's, not of PEM's.
  const wrongPassphrase = error.reason === 'interrupted or cancelled' || error.reason === 'bad decrypt'
  const { opensslErrors = [] } = error
  const { reason = '', library = '', opensslCode = 0 } = wrongPassphrase ? BAD_DECRYPT : opensslErrors[0] === CIPHER_FAILED.line ? CIPHER_FAILED : error
  const number = opensslCode.toString(16).toUpperCase().padStart(8, '0')
  const node = Object.assign(new Error(`error:${number}:${library}::${reason}`, { cause: error }), {
    library,
    reason,
    code: opensslName(opensslCode, reason),
  })
  const others = opensslErrors.slice(1).map((line) => `error:${line}`)
  return others.length ? Object.assign(node, { opensslErrorStack: others }) : node
}

const BAD_DECRYPT = { reason: 'bad decrypt', library: 'Provider routines', opensslCode: 0x1c800064 }
/** Of a wrong tag in TLS 1.2's AES-GCM Node tells this, and membio what the record layer adds: bad_record_mac, as with every other suite. */
const CIPHER_FAILED = {
  reason: 'cipher operation failed',
  library: 'Provider routines',
  opensslCode: 0x1c800066,
  line: 'Provider routines: cipher operation failed',
}

/** ERR_SSL_WRONG_VERSION_NUMBER, ERR_OSSL_PEM_NO_START_LINE, ERR_OSSL_BAD_DECRYPT. */
function opensslName(packed: number, reason: string): string {
  const library = LIBRARIES[(packed >>> 23) & 0xff] ?? ''
  const prefix = library === 'SSL' ? '' : 'OSSL_'
  return `ERR_${prefix}${library && `${library}_`}${upperCase(reason)}`
}

const upperCase = (reason: string): string => reason.toUpperCase().replaceAll(' ', '_')

/** openssl/err.h's ERR_LIB_*: those that Node names. */
const LIBRARIES: Record<number, string> = {
  2: 'SYS',
  3: 'BN',
  4: 'RSA',
  5: 'DH',
  6: 'EVP',
  7: 'BUF',
  8: 'OBJ',
  9: 'PEM',
  10: 'DSA',
  11: 'X509',
  13: 'ASN1',
  14: 'CONF',
  15: 'CRYPTO',
  16: 'EC',
  20: 'SSL',
  32: 'BIO',
  33: 'PKCS7',
  34: 'X509V3',
  35: 'PKCS12',
  36: 'RAND',
  37: 'DSO',
  38: 'ENGINE',
  39: 'OCSP',
  40: 'UI',
  41: 'COMP',
  42: 'ECDSA',
  43: 'ECDH',
  44: 'OSSL_STORE',
  45: 'FIPS',
  46: 'CMS',
  47: 'TS',
  48: 'HMAC',
  50: 'CT',
  51: 'ASYNC',
  52: 'KDF',
  53: 'SM2',
}

/** X509_verify_cert_error_string(3). */
const VERIFY_MESSAGES: Record<string, string> = {
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  UNABLE_TO_GET_CRL: 'unable to get certificate CRL',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: "unable to decrypt certificate's signature",
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: "unable to decrypt CRL's signature",
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'unable to decode issuer public key',
  CERT_SIGNATURE_FAILURE: 'certificate signature failure',
  CRL_SIGNATURE_FAILURE: 'CRL signature failure',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CRL_NOT_YET_VALID: 'CRL is not yet valid',
  CRL_HAS_EXPIRED: 'CRL has expired',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: "format error in certificate's notBefore field",
  ERROR_IN_CERT_NOT_AFTER_FIELD: "format error in certificate's notAfter field",
  ERROR_IN_CRL_LAST_UPDATE_FIELD: "format error in CRL's lastUpdate field",
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: "format error in CRL's nextUpdate field",
  OUT_OF_MEM: 'out of memory',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to verify the first certificate',
  CERT_CHAIN_TOO_LONG: 'certificate chain too long',
  CERT_REVOKED: 'certificate revoked',
  INVALID_CA: 'invalid CA certificate',
  PATH_LENGTH_EXCEEDED: 'path length constraint exceeded',
  INVALID_PURPOSE: 'unsuitable certificate purpose',
  CERT_UNTRUSTED: 'certificate not trusted',
  CERT_REJECTED: 'certificate rejected',
  HOSTNAME_MISMATCH: 'hostname mismatch',
}

/** What a client gets whose peer went away before the handshake was done. */
export const lostInHandshake = (where: object): CodedError =>
  errors.connReset('Client network socket disconnected before secure TLS connection was established', where)
