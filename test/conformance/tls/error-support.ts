// What an error must look like: the fields that programs look at. Text of OpenSSL is matched without thread numbers, file names and
// line numbers, which are of the build and not of the interface.
import * as assert from 'uvu/assert'
import { has, type Subject } from './subject.ts'
import { DIFFERENCES } from './server-differences.ts'

export interface ExpectedError {
  /** Default: Error. */
  name?: 'TypeError' | 'RangeError' | 'SyntaxError'
  /** Null: there is none. */
  code?: string | null
  /** All of it, or a pattern. Left out where `reason` stands for it. */
  message?: string | RegExp
  /** Of OpenSSL's queue; then the message is OpenSSL's line about it, with library and reason. */
  library?: string
  reason?: string
  /** Further properties of the error, by name. */
  fields?: Record<string, unknown>
  /** What will do as well: where Node hangs up without a word, an alert that says why (RFC 8446, 6.2) is better. */
  or?: ExpectedError
}

/** The alert for each verdict on a certificate. */
const VERDICT_ALERTS: Readonly<Record<string, Parameters<typeof alert> extends [unknown, ...infer Rest] ? Rest : never>> = {
  CERT_HAS_EXPIRED: ['certificate expired', 'ssl/tls'],
  CERT_NOT_YET_VALID: ['bad certificate', 'ssl/tls'],
  CERT_REVOKED: ['certificate revoked', 'ssl/tls'],
  INVALID_PURPOSE: ['unsupported certificate', 'ssl/tls'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['bad certificate', 'ssl/tls'],
}

/** What whoever has the certificate may be told of this verdict. */
export const verdictAlert = (subject: Subject, verdict: string): ExpectedError =>
  alert(subject, ...(VERDICT_ALERTS[verdict] ?? ['unknown ca', 'tlsv1']))

/** An error of libssl: the code follows from the reason. */
export const ssl = (reason: string): ExpectedError => ({ code: codeOf('ERR_SSL_', reason), library: 'SSL routines', reason })

/** An alert of the peer. Those that SSL 3.0 had already are called otherwise by OpenSSL 3.0. */
export const alert = (subject: Subject, name: string, prefix: 'ssl/tls' | 'tlsv1' | 'tlsv13'): ExpectedError =>
  ssl(`${prefix === 'ssl/tls' && !has(subject, DIFFERENCES.alertNames) ? 'sslv3' : prefix} alert ${name}`)

/** Of a client whose server has gone before the handshake was done. */
export const disconnected: ExpectedError = {
  code: 'ECONNRESET',
  message: 'Client network socket disconnected before secure TLS connection was established',
  fields: { host: '127.0.0.1' },
}

/** Of a server whose client has gone before the handshake was done. */
export const hangUp: ExpectedError = { code: 'ECONNRESET', message: 'socket hang up' }

export const invalidType = (message: string): ExpectedError => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message })
export const invalidValue = (message: string | RegExp): ExpectedError => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
export const outOfRange = (message: string): ExpectedError => ({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message })

const codeOf = (prefix: string, reason: string) => prefix + reason.toUpperCase().replaceAll(' ', '_')

/** The error has all that is expected of it. */
export function matchError(actual: unknown, expected: ExpectedError): void {
  if (expected.or && (actual as { code?: string } | undefined)?.code === expected.or.code) return matchError(actual, expected.or)
  assert.ok(actual instanceof Error, `expected ${expected.code ?? expected.message}, not ${String(actual)}`)
  const { name = 'Error', message, fields = {} } = expected
  const got = actual as Error & { code?: string; library?: string; reason?: string }
  const { code, library, reason } = got
  const full = `${got.name} ${code}: ${got.message}`
  assert.is(got.name, name, full)
  if (expected.code !== undefined) assert.is(code, expected.code ?? undefined, full)
  if (expected.library) assert.equal({ library, reason }, { library: expected.library, reason: expected.reason }, full)
  if (typeof message === 'string') assert.is(got.message, message)
  else assert.match(got.message, message ?? lineOf(expected))
  for (const [field, value] of Object.entries(fields))
    assert.equal((got as Error & Record<string, unknown>)[field], value, `${field}: ${full}`)
}

/** `error:0A000102:SSL routines:some_function:unsupported protocol`, with whatever stands before and after it. */
const lineOf = ({ library = '', reason = '' }: ExpectedError) => new RegExp(`error:[0-9A-F]{8}:${literal(library)}:\\w*:${literal(reason)}`)

const literal = (text: string) => text.replace(/[^\w ]/g, '\\$&')

/** The call throws such an error. */
export function throwsError(call: () => unknown, expected: ExpectedError): void {
  let error: unknown
  try {
    call()
  } catch (thrown) {
    error = thrown
  }
  matchError(error, expected)
}
