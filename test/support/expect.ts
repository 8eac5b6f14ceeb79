// Assertions about failures: what is thrown must be a TlsError, and the expected fields must be there, each in full.
import { TlsError, type TlsErrorFields, type TlsErrorKind } from '../../src/index.ts'
import * as assert from 'uvu/assert'

export interface Expected {
  kind?: TlsErrorKind
  code?: string
  /** What the message must contain. */
  message?: string | RegExp
  reason?: string
  alert?: TlsErrorFields['alert']
  verify?: TlsErrorFields['verify']
}

/** Equal, byte for byte. uvu's `equal` would print both in full, and take minutes over it. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  const shared = Math.min(actual.length, expected.length)
  let at = 0
  while (at < shared && actual[at] === expected[at]) at++
  if (at < shared) throw new Error(`byte ${at} of ${expected.length} is ${actual[at]}, expected ${expected[at]}`)
  if (actual.length !== expected.length) throw new Error(`${actual.length} bytes, expected ${expected.length}`)
}

/** The error has all the expected fields. Returns it. */
export function expectError(error: unknown, expected: Expected): TlsError {
  assert.ok(
    error instanceof TlsError,
    error === undefined ? 'no error at all' : `not a TlsError: ${error instanceof Error ? error.stack : String(error)}`,
  )
  const { message, ...fields } = expected
  const actual = Object.fromEntries(Object.keys(fields).map((name) => [name, error[name as keyof TlsError]]))
  assert.equal(actual, fields, `${error.code}: ${error.message}`)
  if (message !== undefined)
    assert.ok(matches(error.message, message), `the message does not match ${message}: ${error.code}: ${error.message}`)
  return error
}

const matches = (text: string, wanted: string | RegExp) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))

/** The call throws a TlsError with these fields. Returns it. */
export function expectThrow(call: () => unknown, expected: Expected): TlsError {
  try {
    call()
  } catch (error) {
    return expectError(error, expected)
  }
  throw new Error('expected a TlsError, but nothing was thrown')
}

/** The promise rejects with a TlsError with these fields. Resolves to it. */
export async function expectRejection(promise: Promise<unknown>, expected: Expected): Promise<TlsError> {
  try {
    await promise
  } catch (error) {
    return expectError(error, expected)
  }
  throw new Error('expected a TlsError, but the promise was fulfilled')
}
