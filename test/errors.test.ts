// TlsError alone: its fields, its brand, and how OpenSSL's record of a failure becomes one.
import * as assert from 'uvu/assert'
import { alertName, TlsError } from '../src/index.ts'
import { connectionError, settingError, type ErrorRecord } from '../src/errors.ts'
import { expectError } from './support/expect.ts'
import { suite } from './support/suite.ts'

const errors = suite('errors')

/** What wasm/error.c leaves when nothing in particular happened. */
const record = (fields: Partial<ErrorRecord>): ErrorRecord => ({
  code: 0,
  verifyDepth: 0,
  alertSent: -1,
  alertReceived: -1,
  eof: 0,
  library: '',
  reason: '',
  detail: '',
  verifyName: '',
  verifyText: '',
  stack: '',
  ...fields,
})

const CONNECTION: { name: string; given: Partial<ErrorRecord>; kind: TlsError['kind']; code: string; message: RegExp }[] = [
  {
    name: 'a protocol failure',
    given: { library: 'SSL routines', reason: 'wrong version number', alertSent: 70 },
    kind: 'protocol',
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    message: /^the handshake failed: wrong version number \(the peer does not seem to speak TLS on this port\)$/,
  },
  {
    name: 'an alert',
    given: { code: 1048, library: 'SSL routines', reason: 'alert', alertReceived: 48 },
    kind: 'alert',
    code: 'ERR_SSL_ALERT',
    message: /alert/,
  },
  {
    name: 'a refused certificate',
    given: {
      verifyName: 'HOSTNAME_MISMATCH',
      verifyText: 'hostname mismatch',
      library: 'SSL routines',
      reason: 'certificate verify failed',
    },
    kind: 'certificate',
    code: 'HOSTNAME_MISMATCH',
    message: /hostname mismatch \(expected "a.test"\) \[HOSTNAME_MISMATCH, depth 0\]/,
  },
  {
    name: 'truncation, whatever else is there',
    given: { eof: 1, verifyName: 'X', reason: 'eof' },
    kind: 'closed',
    code: 'ERR_TLS_TRUNCATED',
    message: /without close_notify during the handshake/,
  },
  {
    name: "a cipher's complaint about the peer's bytes",
    given: { library: 'Provider routines', reason: 'bad decrypt', alertSent: 20 },
    kind: 'protocol',
    code: 'ERR_OSSL_PROVIDER_BAD_DECRYPT',
    message: /bad decrypt/,
  },
  {
    name: 'a failure of our own',
    given: { library: 'Provider routines', reason: 'out of memory', alertSent: 80 },
    kind: 'internal',
    code: 'ERR_OSSL_PROVIDER_OUT_OF_MEMORY',
    message: /out of memory/,
  },
  { name: 'nothing known', given: {}, kind: 'internal', code: 'ERR_TLS_INTERNAL', message: /unknown error/ },
  {
    name: 'a detail',
    given: { library: 'SSL routines', reason: 'tls alert', detail: 'SSL alert number 40' },
    kind: 'protocol',
    code: 'ERR_SSL_TLS_ALERT',
    message: /tls alert: SSL alert number 40/,
  },
]

for (const { name, given, kind, code, message } of CONNECTION) {
  errors(`of a connection: ${name}`, () => {
    expectError(connectionError(record(given), { during: 'the handshake', identity: 'a.test' }), { kind, code, message })
  })
}

errors('of a setting are the usage errors', () => {
  const given = record({ library: 'PEM routines', reason: 'no start line', stack: 'PEM routines: no start line\nsecond' })
  const error = expectError(settingError(given, '`cert` was refused'), {
    kind: 'usage',
    code: 'ERR_OSSL_PEM_NO_START_LINE',
    message: '`cert` was refused: no start line (expected PEM or DER)',
  })
  assert.equal(error.opensslErrors, ['PEM routines: no start line', 'second'])
})

errors('what OpenSSL did not give is not there', () => {
  const error = connectionError(record({}), { during: 'reading' })
  assert.equal([error.alert, error.verify, error.opensslErrors, error.cause], [undefined, undefined, undefined, undefined])
})

errors('close_notify is no alert to tell', () => {
  assert.is(connectionError(record({ alertReceived: 0, alertSent: 0 }), { during: 'reading' }).alert, undefined)
})

errors('instanceof knows a TlsError of another copy of the package, and nothing else', () => {
  const other = Object.assign(new Error('x'), { [Symbol.for('membio.TlsError')]: true })
  assert.ok(other instanceof TlsError)
  for (const value of [new Error('x'), undefined, null, 'TlsError', {}]) assert.not.ok((value as unknown) instanceof TlsError)
})

errors('a cause is carried', () => {
  const cause = new Error('underneath')
  assert.is(new TlsError('io', 'message', { code: 'X', cause }).cause, cause)
})

for (const [description, name] of [
  [0, 'close_notify'],
  [40, 'handshake_failure'],
  [120, 'no_application_protocol'],
  [255, 'alert_255'],
] as const) {
  errors(`alert ${description} is ${name}`, () => assert.is(alertName(description), name))
}
