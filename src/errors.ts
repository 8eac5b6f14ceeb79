// TlsError, its kinds and codes: the only file that names error codes. Built from OpenSSL's drained error queue (wasm/error.c)
// or from words of our own; knows no engine and no transport.

/**
 * Who is to blame, and so what a program can do about it:
 *
 * - `protocol`: the peer broke the protocol, or both sides share no version, suite or group.
 * - `alert`: the peer refused us, and said why.
 * - `certificate`: the peer's certificate was not accepted; see `verify`.
 * - `closed`: the stream ended without close_notify, or before the handshake was done.
 * - `usage`: the caller's fault: an option, a key, a signer, a call in the wrong phase.
 * - `io`: the transport failed or a deadline passed; see `cause`.
 * - `internal`: membio's or OpenSSL's fault.
 */
export type TlsErrorKind = 'protocol' | 'alert' | 'certificate' | 'closed' | 'usage' | 'io' | 'internal'

/** What a TlsError tells beside its kind and message. */
export interface TlsErrorFields {
  /** A stable name: `CERT_HAS_EXPIRED`, `ERR_SSL_WRONG_VERSION_NUMBER`, `ERR_TLS_TRUNCATED`... */
  code: string
  /** OpenSSL's reason, as it words it: "certificate verify failed". */
  reason?: string
  /** The alert that goes with it (RFC 8446, section 6): by name, and who sent it. */
  alert?: { direction: 'sent' | 'received'; description: number; name: string }
  /** Why a certificate was refused: X509_V_ERR name without prefix, and its depth in the chain (0 is the leaf). */
  verify?: { name: string; depth: number }
  /** The part of OpenSSL it comes from: "SSL routines". */
  library?: string
  /** OpenSSL's packed number of library and reason (ERR_GET_LIB(3)). */
  opensslCode?: number
  /** OpenSSL's whole error queue, a line an entry, oldest first. */
  opensslErrors?: string[]
  /** What it comes from: a socket's error, a rejected decision. */
  cause?: unknown
}

const BRAND = Symbol.for('membio.TlsError')

/** Every error membio throws or reports. The same failure is always the same object. */
export class TlsError extends Error {
  /** "TlsError" */
  override readonly name = 'TlsError'
  /** Who is to blame. */
  readonly kind: TlsErrorKind
  /** A stable name, to be compared in programs. */
  readonly code: string
  // Declared only: what an error does not have shall not be printed as undefined.
  /** OpenSSL's reason, where it is OpenSSL's error. */
  declare readonly reason?: string
  /** The alert that was sent or received with it. */
  declare readonly alert?: TlsErrorFields['alert']
  /** Why a certificate was refused. */
  declare readonly verify?: TlsErrorFields['verify']
  /** The part of OpenSSL it comes from. */
  declare readonly library?: string
  /** OpenSSL's number for it. */
  declare readonly opensslCode?: number
  /** OpenSSL's error queue. */
  declare readonly opensslErrors?: string[]

  constructor(kind: TlsErrorKind, message: string, fields: TlsErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.kind = kind
    this.code = fields.code
    if (fields.reason) this.reason = fields.reason
    if (fields.alert) this.alert = fields.alert
    if (fields.verify) this.verify = fields.verify
    if (fields.library) this.library = fields.library
    if (fields.opensslCode) this.opensslCode = fields.opensslCode
    if (fields.opensslErrors?.length) this.opensslErrors = fields.opensslErrors
  }

  /** `instanceof` that survives two copies of the package in one program. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value
  }

  /** @internal */
  get [BRAND](): true {
    return true
  }
}

/** A mistake of the caller's, told in words that name the option or call and the way out. */
export function usageError(message: string, code = 'ERR_TLS_USAGE', cause?: unknown): TlsError {
  return new TlsError('usage', message, { code, cause })
}

/** What wasm/error.c leaves in a tls_error, decoded. */
export interface ErrorRecord {
  code: number
  verifyDepth: number
  alertSent: number
  alertReceived: number
  eof: number
  library: string
  reason: string
  detail: string
  verifyName: string
  verifyText: string
  stack: string
}

/** What an error message may mention beyond OpenSSL's own words. */
export interface ErrorScene {
  /** What was being done: "the handshake", "reading". */
  during: string
  /** The host name or address the peer's certificate had to carry. */
  identity?: string
  /** Why a decision refused the handshake. */
  cause?: unknown
  /** What our signer threw, if it did. */
  signerThrew?: { error: unknown }
  /** What our `psk` function threw, if it did. */
  pskThrew?: { error: unknown }
}

/** The failure of a connection. */
export function connectionError(record: ErrorRecord, scene: ErrorScene): TlsError {
  const alert = alertOf(record)
  const fields = { reason: record.reason, ...sourceOf(record), cause: scene.cause, ...(alert && { alert }) }
  if (record.library === 'signer routines') return signerError(record, scene, fields)
  if (scene.pskThrew) return pskError(scene.pskThrew.error, scene, fields)
  if (record.eof) {
    const message = `the peer ended the stream without close_notify during ${scene.during}: what arrived may be incomplete`
    return new TlsError('closed', message, { ...fields, code: 'ERR_TLS_TRUNCATED' })
  }
  if (record.verifyName) {
    const verify = { name: record.verifyName, depth: record.verifyDepth }
    return new TlsError('certificate', certificateMessage(record, scene), { ...fields, verify, code: record.verifyName })
  }
  const code = opensslCode(record)
  const kind = isPeerAlert(record) ? 'alert' : code === NO_ANSWER ? 'io' : blamesPeer(record) ? 'protocol' : 'internal'
  const hint = HINTS[code] ? ` (${HINTS[code]})` : ''
  return new TlsError(kind, `${scene.during} failed: ${reasonText(record)}${hint}`, { ...fields, code })
}

/** What moves the bytes has failed. @param cause the runtime's error, whose code is kept */
export function ioError(cause: unknown, what: string): TlsError {
  const { code, message } = cause instanceof Error ? (cause as Error & { code?: unknown }) : { code: undefined, message: String(cause) }
  const fields = { code: typeof code === 'string' ? code : 'ERR_TLS_TRANSPORT', cause }
  return new TlsError('io', `${what} failed: ${message || fields.code}`, fields)
}

/** close_notify before there was a connection. */
export const closedInHandshake = (): TlsError =>
  new TlsError('closed', 'the connection was closed before the handshake was done', { code: 'ERR_TLS_CLOSED_IN_HANDSHAKE' })

/** Our private key is somewhere else and did not sign: no fault of the peer's or of OpenSSL's. */
function signerError(record: ErrorRecord, { during, signerThrew }: ErrorScene, fields: Omit<TlsErrorFields, 'code'>): TlsError {
  const cause = signerThrew?.error
  const reason = cause instanceof Error ? `${record.reason}: ${cause.message}` : reasonText(record)
  return new TlsError('usage', `${during} failed: ${reason}`, { ...fields, code: 'ERR_TLS_SIGNER', cause })
}

function pskError(cause: unknown, { during }: ErrorScene, fields: Omit<TlsErrorFields, 'code'>): TlsError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new TlsError('usage', `${during} failed: the \`psk\` function threw${why}`, { ...fields, code: 'ERR_TLS_PSK', cause })
}

/** The failure of a setting: a certificate, key or list that OpenSSL would not take. */
export function settingError(record: ErrorRecord, what: string): TlsError {
  const code = opensslCode(record)
  const hint = HINTS[code] ? ` (${HINTS[code]})` : ''
  const kind = code === NO_ENTROPY || code === NO_MEMORY || code.endsWith('_MALLOC_FAILURE') ? 'internal' : 'usage'
  return new TlsError(kind, `${what}: ${reasonText(record)}${hint}`, { code, reason: record.reason, ...sourceOf(record) })
}

const sourceOf = ({ library, code, stack }: ErrorRecord) => ({
  library,
  opensslCode: code,
  opensslErrors: stack ? stack.split('\n') : undefined,
})

function certificateMessage(record: ErrorRecord, { identity }: ErrorScene): string {
  const expected = identity && record.verifyName.endsWith('MISMATCH') ? ` (expected "${identity}")` : ''
  const hint = HINTS[record.verifyName] ? `; ${HINTS[record.verifyName]}` : ''
  return `the peer's certificate was refused: ${record.verifyText}${expected} [${record.verifyName}, depth ${record.verifyDepth}]${hint}`
}

/** OpenSSL numbers the reasons that stand for a received alert from 1000 (SSL_AD_REASON_OFFSET). */
const isPeerAlert = (record: ErrorRecord) => record.library === 'SSL routines' && (record.code & 0x7fffff) >= 1000

/** The alert tells best: the root cause may be a cipher's or signature's complaint about the peer's bytes. 80 is internal_error. */
const blamesPeer = ({ alertSent, library }: ErrorRecord) => (alertSent > 0 ? alertSent !== 80 : library === 'SSL routines')

function alertOf({ alertSent, alertReceived }: ErrorRecord): TlsErrorFields['alert'] {
  const description = alertReceived > 0 ? alertReceived : alertSent
  if (description <= 0) return undefined // -1: none; 0: close_notify, which is no failure
  return { direction: alertReceived > 0 ? 'received' : 'sent', description, name: alertName(description) }
}

const reasonText = ({ reason, detail }: ErrorRecord) => (detail ? `${reason}: ${detail}` : reason || 'unknown error')

/** Node's spelling: ERR_SSL_WRONG_VERSION_NUMBER, ERR_OSSL_PEM_NO_START_LINE. */
function opensslCode({ library, reason }: ErrorRecord): string {
  const name = (text: string) => text.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
  if (!reason) return 'ERR_TLS_INTERNAL'
  if (library === 'SSL routines') return `ERR_SSL_${name(reason)}`
  return library ? `ERR_OSSL_${name(library.replace(/ routines$/, ''))}_${name(reason)}` : `ERR_TLS_${name(reason)}`
}

/** A failure of a setting that is not the caller's fault. */
const NO_ENTROPY = 'ERR_OSSL_PROVIDER_ERROR_RETRIEVING_ENTROPY'

/** wasm/error.c says so where OpenSSL gives no reason. */
const NO_MEMORY = 'ERR_TLS_OUT_OF_MEMORY'

/** DTLS: retransmitted in vain. */
const NO_ANSWER = 'ERR_SSL_READ_TIMEOUT_EXPIRED'

/** What to do about it, for the failures that people meet most. */
const HINTS: Record<string, string> = {
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "pass the issuer's certificate as `ca`, or let the peer send its intermediates",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "pass the issuer's certificate as `ca`, or let the peer send its intermediates",
  DEPTH_ZERO_SELF_SIGNED_CERT: 'pass this very certificate as `ca` if you trust it',
  SELF_SIGNED_CERT_IN_CHAIN: 'pass the root as `ca` if you trust it',
  INVALID_PURPOSE: "the certificate's extended key usage does not allow this role",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer does not seem to speak TLS on this port',
  ERR_SSL_HTTP_REQUEST: 'the peer sent plain HTTP to a TLS port',
  ERR_SSL_NO_SHARED_CIPHER: 'the lists of both sides have nothing in common, or the server has no certificate for them',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'both sides share no protocol version',
  [NO_ANSWER]: 'the peer does not answer, however often it is asked',
  ERR_OSSL_PEM_NO_START_LINE: 'expected PEM or DER',
  ERR_OSSL_DECODER_UNSUPPORTED: 'expected a key in PEM or DER',
  ERR_OSSL_PEM_BAD_PASSWORD_READ: 'the key is encrypted: pass its `passphrase`',
  ERR_OSSL_COMMON_LIBCRYPTO_INTERRUPTED_OR_CANCELLED: 'the key is encrypted: pass its `passphrase`',
  ERR_OSSL_PEM_BAD_DECRYPT: 'wrong passphrase',
  ERR_OSSL_PROVIDER_BAD_DECRYPT: 'wrong passphrase',
  ERR_OSSL_X509_CERTIFICATE_KEY_VALUES_MISMATCH: 'the key belongs to another certificate',
  ERR_OSSL_X509_CERTIFICATE_KEY_TYPE_MISMATCH: 'the key is of another type than the certificate',
  ERR_OSSL_DIGITAL_ENVELOPE_DIFFERENT_KEY_TYPES: 'the key is of another type than the certificate',
  ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE: 'wrong passphrase',
  [NO_ENTROPY]: 'the host gave no randomness; workerd has none in global scope: do this where a request is handled',
}

/** RFC 8446, section 6, and its ancestors. */
const ALERTS: Record<number, string> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
}

/** The RFC's name of an AlertDescription, or its number in words. */
export const alertName = (description: number): string => ALERTS[description] ?? `alert_${description}`
