// The errors of Node's surface: code, class and words as programs written for node:tls know them. Where OpenSSL's errors become Node's
// is node-errors.ts.
import { inspect } from 'node:util'

/** An Error with a `code`, and whatever else Node gives it. */
export interface CodedError extends Error {
  code: string
}

/** Node's major version, where codes have been respelled. */
export const hostMajor = Number(process.versions.node?.split('.')[0] ?? 24)

type ErrorClass = new (message: string) => Error

function coded(Class: ErrorClass, code: string, message: string, fields: object = {}): CodedError {
  return Object.assign(new Class(message), { code }, fields)
}

/** One line an error: its arguments, class and words. */
export const errors = {
  alpnCallbackInvalidResult: (value: unknown, offered: readonly string[]) =>
    coded(
      TypeError,
      'ERR_TLS_ALPN_CALLBACK_INVALID_RESULT',
      `ALPN callback returned a value (${String(value)}) that did not match any of the client's offered protocols (${offered.join(', ')})`,
    ),
  alpnCallbackWithProtocols: () =>
    coded(TypeError, 'ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS', 'The ALPNCallback and ALPNProtocols TLS options are mutually exclusive'),
  altnameFormat: () => coded(SyntaxError, 'ERR_TLS_CERT_ALTNAME_FORMAT', 'Invalid subject alternative name string'),
  altnameInvalid: (reason: string, host: string, cert: unknown) =>
    coded(Error, 'ERR_TLS_CERT_ALTNAME_INVALID', `Hostname/IP does not match certificate's altnames: ${reason}`, { reason, host, cert }),
  noCertificates: () => coded(Error, 'ERR_CRYPTO_OPERATION_FAILED', 'No valid certificates found in the provided array'),
  /** The words of older Nodes, the code of newer ones. */
  minDhSize: (value: unknown) =>
    typeof value === 'number'
      ? coded(RangeError, 'ERR_OUT_OF_RANGE', `options.minDHSize is not a positive number: ${value}`)
      : coded(TypeError, 'ERR_INVALID_ARG_TYPE', `options.minDHSize is not a number: ${String(value)}`),
  dhParameterTooSmall: () => coded(TypeError, 'ERR_INVALID_ARG_VALUE', 'DH parameter is less than 1024 bits'),
  invalidSniContext: () => coded(TypeError, 'ERR_TLS_INVALID_CONTEXT', 'Invalid SNI context'),
  closedBeforeConnection: () => coded(Error, 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION', 'Socket closed before the connection was established'),
  protocol: (syscall: string, cause: Error) =>
    Object.assign(new Error(`${syscall} EPROTO ${cause.message}`, { cause }), { errno: -71, code: 'EPROTO', syscall }),
  canceled: (syscall: string) => coded(Error, 'ECANCELED', `${syscall} ECANCELED`, { errno: -125, syscall }),
  ocspResponseType: () => coded(TypeError, 'ERR_INVALID_ARG_TYPE', 'OCSP response must be a buffer'),
  sessionIdContextTooLong: () => new TypeError('error:0A000111:SSL routines::ssl session id context too long'),
  ticketKeysSize: () => coded(Error, 'ERR_INTERNAL_ASSERTION', 'Session ticket keys must be a 48-byte buffer'),
  unsupportedContainer: () => coded(Error, 'ERR_CRYPTO_UNSUPPORTED_OPERATION', 'Unsupported PKCS12 PFX data'),
  dhParamSize: (bits: number) => coded(Error, 'ERR_TLS_DH_PARAM_SIZE', `DH parameter size ${bits} is less than 2048`),
  handshakeTimeout: () => coded(Error, 'ERR_TLS_HANDSHAKE_TIMEOUT', 'TLS handshake timeout'),
  invalidContext: (name: string) => coded(TypeError, 'ERR_TLS_INVALID_CONTEXT', `${name} must be a SecureContext`),
  invalidProtocolMethod: (message: string) => coded(TypeError, 'ERR_TLS_INVALID_PROTOCOL_METHOD', message),
  invalidProtocolVersion: (version: unknown, which: string) =>
    coded(TypeError, 'ERR_TLS_INVALID_PROTOCOL_VERSION', `${JSON.stringify(version)} is not a valid ${which} TLS protocol version`),
  invalidState: () => coded(Error, 'ERR_TLS_INVALID_STATE', 'TLS socket connection must be securely established'),
  protocolVersionConflict: (version: unknown, method: unknown) =>
    coded(
      TypeError,
      'ERR_TLS_PROTOCOL_VERSION_CONFLICT',
      `TLS protocol version ${JSON.stringify(version)} conflicts with secureProtocol ${JSON.stringify(method)}`,
    ),
  pskHintTooLong: () => coded(Error, hostMajor >= 24 ? 'ERR_TLS_PSK_SET_IDENTITY_HINT_FAILED' : 'ERR_TLS_PSK_SET_IDENTIY_HINT_FAILED', 'Failed to set PSK identity hint'),
  renegotiationDisabled: () => coded(Error, 'ERR_TLS_RENEGOTIATION_DISABLED', 'TLS session renegotiation disabled for this socket'),
  requiredServerName: () => coded(Error, 'ERR_TLS_REQUIRED_SERVER_NAME', '"servername" is required parameter for Server.addContext'),
  sessionAttack: () => coded(Error, 'ERR_TLS_SESSION_ATTACK', 'TLS session renegotiation attack detected'),
  sniFromServer: () => coded(Error, 'ERR_TLS_SNI_FROM_SERVER', 'Cannot issue SNI from a TLS server-side socket'),
  multipleCallback: () => coded(Error, 'ERR_MULTIPLE_CALLBACK', 'Callback called multiple times'),
  socketClosed: () => coded(Error, 'ERR_SOCKET_CLOSED', 'Socket is closed'),
  engineNotSupported: () =>
    coded(Error, 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED', 'Custom engines not supported by this OpenSSL'),
  invalidArgType: (name: string, expected: string | readonly string[], actual: unknown) =>
    coded(TypeError, 'ERR_INVALID_ARG_TYPE', argTypeMessage(name, typeof expected === 'string' ? [expected] : expected, actual)),
  invalidArgValue: (name: string, value: unknown, reason = 'is invalid') => {
    const shown = inspect(value)
    const kind = name.includes('.') ? 'property' : 'argument'
    const text = shown.length > 128 ? `${shown.slice(0, 128)}...` : shown
    return coded(TypeError, 'ERR_INVALID_ARG_VALUE', `The ${kind} '${name}' ${reason}. Received ${text}`)
  },
  outOfRange: (name: string, range: string, value: unknown) =>
    coded(RangeError, 'ERR_OUT_OF_RANGE', `The value of "${name}" is out of range. It must be ${range}. Received ${grouped(value)}`),
  protocolTooLong: (index: number, length: number) =>
    coded(
      RangeError,
      'ERR_OUT_OF_RANGE',
      `The byte length of the protocol at index ${index} exceeds the maximum length. It must be <= 255. Received ${length}`,
    ),
  /** A peer that went away before the handshake was done. */
  connReset: (message: string, fields?: object) => coded(Error, 'ECONNRESET', message, fields),
}

// ---- Checks of arguments. ----

export const isBytes = (value: unknown): value is NodeJS.ArrayBufferView => ArrayBuffer.isView(value)

export function validateString(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') throw errors.invalidArgType(name, 'string', value)
}
export function validateFunction(value: unknown, name: string): asserts value is (...args: never[]) => unknown {
  if (typeof value !== 'function') throw errors.invalidArgType(name, 'Function', value)
}
export function validateBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw errors.invalidArgType(name, 'boolean', value)
}
export function validateObject(value: unknown, name: string): asserts value is object {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw errors.invalidArgType(name, 'Object', value)
}
export function validateBuffer(value: unknown, name = 'buffer'): asserts value is NodeJS.ArrayBufferView {
  if (!isBytes(value)) throw errors.invalidArgType(name, ['Buffer', 'TypedArray', 'DataView'], value)
}
export function validateNumber(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number') throw errors.invalidArgType(name, 'number', value)
}
export function validateInteger(value: unknown, name: string, minimum: number, maximum: number): asserts value is number {
  validateNumber(value, name)
  if (!Number.isInteger(value)) throw errors.outOfRange(name, 'an integer', value)
  if (value < minimum || value > maximum) throw errors.outOfRange(name, `>= ${minimum} && <= ${maximum}`, value)
}
export function validateInt32(value: unknown, name: string, minimum = -2147483648): asserts value is number {
  validateInteger(value, name, minimum, 2147483647)
}

/** Bytes as a Buffer over the same memory. */
export const bufferOf = (view: NodeJS.ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)

// ---- Node's words for arguments of the wrong kind. ----

const PRIMITIVES = ['string', 'function', 'number', 'object', 'boolean', 'bigint', 'symbol', 'Function', 'Object']

function argTypeMessage(name: string, expected: readonly string[], actual: unknown): string {
  const kind = name.endsWith(' argument') ? name : `"${name}" ${name.includes('.') ? 'property' : 'argument'}`
  const types = expected.filter((type) => PRIMITIVES.includes(type) && type !== 'Object').map((type) => type.toLowerCase())
  const words: string[] = expected.filter((type) => type === 'null' || type === 'undefined')
  const instances = expected.filter((type) => type === 'Object' || (!PRIMITIVES.includes(type) && !words.includes(type)))
  const objectOnly = instances.length === 1 && instances[0] === 'Object'
  const parts: string[] = []
  if (types.length) parts.push(`${types.length > 1 ? 'one of type' : 'of type'} ${orList(types)}`)
  if (objectOnly && !types.length) parts.push('of type object')
  else if (instances.length) parts.push(`an instance of ${orList(instances)}`)
  if (words.length) parts.push(words.length > 1 ? `one of ${orList(words)}` : words[0]!)
  return `The ${kind} must be ${parts.join(' or ')}.${received(actual)}`
}

function orList(words: readonly string[]): string {
  if (words.length < 3) return words.join(' or ')
  return `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`
}

function received(value: unknown): string {
  if (value === undefined || value === null) return ` Received ${String(value)}`
  if (typeof value === 'function') return ` Received function ${value.name}`
  if (typeof value === 'object') {
    const made = (value as { constructor?: { name?: string } }).constructor?.name
    return made ? ` Received an instance of ${made}` : ` Received ${inspect(value, { depth: -1 })}`
  }
  const shown = inspect(value, { colors: false })
  return ` Received type ${typeof value} (${shown.length > 28 ? `${shown.slice(0, 25)}...` : shown})`
}

/** Node groups the digits of large numbers: 4_294_967_296. */
function grouped(value: unknown): string {
  if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) <= 2 ** 32) return inspect(value)
  return String(value).replace(/\B(?=(\d{3})+$)/g, '_')
}
