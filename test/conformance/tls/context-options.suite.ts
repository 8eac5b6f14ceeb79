// createSecureContext, option by option: what it takes, what it refuses and how; and which versions and ciphers two ends agree upon.
import { constants } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { server as goodServer } from '../../support/certs.ts'
import { REFUSED, TAKEN } from './context-rows.ts'
import { throwsError, type ExpectedError } from './error-support.ts'
import { attempt, contextFor, listen, suiteOf } from './server-support.ts'
import { has, type Difference, type Subject } from './subject.ts'

const { SSL_OP_NO_TLSv1_2, SSL_OP_NO_TLSv1_3 } = constants

const invalidVersion = (shown: string, which: string): ExpectedError => ({
  name: 'TypeError',
  code: 'ERR_TLS_INVALID_PROTOCOL_VERSION',
  message: `${shown} is not a valid ${which} TLS protocol version`,
})
const invalidMethod = (message: string): ExpectedError => ({ name: 'TypeError', code: 'ERR_TLS_INVALID_PROTOCOL_METHOD', message })
const conflict = (version: string, method: string): ExpectedError => ({
  name: 'TypeError',
  code: 'ERR_TLS_PROTOCOL_VERSION_CONFLICT',
  message: `TLS protocol version "${version}" conflicts with secureProtocol "${method}"`,
})

export function contextOptionsSuite(subject: Subject): void {
  rowsSuite(subject)
  refusedSuite(subject)
  agreedSuite(subject)
  ciphersSuite(subject)
}

function rowsSuite(subject: Subject): void {
  const applies = (since: Difference | undefined) => !since || has(subject, since)

  const taken = suiteOf(subject, 'createSecureContext takes')
  for (const [name, options, since] of TAKEN) if (applies(since)) taken(name, (t) => void contextFor(t, subject, options() as object))

  const refused = suiteOf(subject, 'createSecureContext refuses')
  for (const [name, options, error, since] of REFUSED) {
    if (applies(since)) refused(name, () => throwsError(() => subject.tls.createSecureContext(options() as object), error))
  }
}

function refusedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'versions refused')
  const rows: [object, ExpectedError][] = [
    [{ minVersion: 'nope' }, invalidVersion('"nope"', 'minimum')],
    [{ maxVersion: 'nope' }, invalidVersion('"nope"', 'maximum')],
    [{ minVersion: '' }, invalidVersion('""', 'minimum')],
    [{ minVersion: 'SSLv3' }, invalidVersion('"SSLv3"', 'minimum')],
    [{ minVersion: 'tlsv1.2' }, invalidVersion('"tlsv1.2"', 'minimum')],
    [{ maxVersion: 5 }, invalidVersion('5', 'maximum')],
    [{ secureProtocol: 'TLS_method', minVersion: 'TLSv1.2' }, conflict('TLSv1.2', 'TLS_method')],
    [{ secureProtocol: 'TLS_method', maxVersion: 'TLSv1.3' }, conflict('TLSv1.3', 'TLS_method')],
    [{ secureProtocol: 'TLSv1_2_method', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }, conflict('TLSv1.2', 'TLSv1_2_method')],
    [{ secureProtocol: 'nope' }, invalidMethod('Unknown method: nope')],
    [{ secureProtocol: '' }, invalidMethod('Unknown method: ')],
    [{ secureProtocol: 'TLSv1_3_method' }, invalidMethod('Unknown method: TLSv1_3_method')],
    [{ secureProtocol: 'SSLv2_method' }, invalidMethod('SSLv2 methods disabled')],
    [{ secureProtocol: 'SSLv3_server_method' }, invalidMethod('SSLv3 methods disabled')],
  ]
  for (const [options, error] of rows)
    test(JSON.stringify(options), () => throwsError(() => subject.tls.createSecureContext(options), error))
}

function agreedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'versions agreed')
  /** What both ends are set to, and what comes of it; null: nothing. */
  const rows: [server: SecureContextOptions, client: SecureContextOptions, string | null][] = [
    [{}, {}, 'TLSv1.3'],
    [{ maxVersion: 'TLSv1.2' }, {}, 'TLSv1.2'],
    [{}, { maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.3' }, { minVersion: 'TLSv1.3' }, 'TLSv1.3'],
    [{ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, null],
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }, null],
    [{ secureProtocol: 'TLS_method' }, {}, 'TLSv1.3'],
    [{ secureProtocol: 'TLS_server_method' }, { secureProtocol: 'TLS_client_method' }, 'TLSv1.3'],
    [{ secureProtocol: 'TLSv1_2_method' }, {}, 'TLSv1.2'],
    [{}, { secureProtocol: 'TLSv1_2_client_method' }, 'TLSv1.2'],
    [{}, { secureProtocol: 'SSLv23_method' }, 'TLSv1.2'],
    [{ secureProtocol: 'SSLv23_server_method' }, {}, 'TLSv1.2'],
    [{ secureProtocol: 'TLSv1_method' }, {}, null],
    [{ secureOptions: SSL_OP_NO_TLSv1_3 }, {}, 'TLSv1.2'],
    [{}, { secureOptions: SSL_OP_NO_TLSv1_2 }, 'TLSv1.3'],
    [{ secureOptions: SSL_OP_NO_TLSv1_3 }, { secureOptions: SSL_OP_NO_TLSv1_2 }, null],
    [{ secureProtocol: 5 } as object, {}, 'TLSv1.3'],
    [oldVersion('TLSv1.1'), oldVersion('TLSv1.1'), 'TLSv1.1'],
    [oldVersion('TLSv1'), oldVersion('TLSv1'), 'TLSv1'],
    [oldVersion('TLSv1.1'), {}, null],
  ]
  for (const [server, client, expected] of rows) {
    test(`${JSON.stringify(server)} and ${JSON.stringify(client)}: ${expected ?? 'nothing'}`, async (t) => {
      const outcome = await attempt(t, subject, await listen(t, subject, server), client)
      assert.is(outcome.client.protocol, expected)
      assert.is(outcome.server.secure, expected !== null)
    })
  }
}

/** TLS 1.0 and 1.1 sign with SHA-1, which needs security level 0. */
const oldVersion = (version: 'TLSv1' | 'TLSv1.1'): SecureContextOptions => ({
  minVersion: version,
  maxVersion: version,
  ciphers: 'DEFAULT@SECLEVEL=0',
})

const AES128 = 'ECDHE-ECDSA-AES128-GCM-SHA256'
const AES256 = 'ECDHE-ECDSA-AES256-GCM-SHA384'
const both = (one: string, other: string): SecureContextOptions => ({ ciphers: `${one}:${other}` })
const in12 = (options: SecureContextOptions): SecureContextOptions => ({ ...options, maxVersion: 'TLSv1.2' })

function ciphersSuite(subject: Subject): void {
  const test = suiteOf(subject, 'ciphers agreed')
  const rows: [string, server: SecureContextOptions, client: SecureContextOptions, string | undefined][] = [
    ["TLS 1.2: the server's order counts", in12(both(AES256, AES128)), both(AES128, AES256), AES256],
    [
      "TLS 1.2: honorCipherOrder false: the client's",
      in12({ ...both(AES256, AES128), honorCipherOrder: false }),
      both(AES128, AES256),
      AES128,
    ],
    ['TLS 1.3: its own names', { ciphers: 'TLS_AES_128_GCM_SHA256' }, {}, 'TLS_AES_128_GCM_SHA256'],
    [
      "TLS 1.3: the server's order counts",
      both('TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'),
      both('TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'),
      'TLS_CHACHA20_POLY1305_SHA256',
    ],
    ['only names of TLS 1.3: no TLS 1.2', { ciphers: 'TLS_AES_128_GCM_SHA256' }, { maxVersion: 'TLSv1.2' }, undefined],
    ['only names of TLS 1.2: TLS 1.3 with its default', { ciphers: AES128 }, {}, 'TLS_AES_256_GCM_SHA384'],
    ['both kinds, for TLS 1.2', both('TLS_AES_128_GCM_SHA256', AES256), { maxVersion: 'TLSv1.2' }, AES256],
    ['both kinds, for TLS 1.3', both('TLS_AES_128_GCM_SHA256', AES256), {}, 'TLS_AES_128_GCM_SHA256'],
    ['the kind of key has a say', { ...goodServer('RSA-2048'), maxVersion: 'TLSv1.2' }, {}, 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['nothing in common', in12({ ciphers: AES128 }), { ciphers: AES256 }, undefined],
  ]
  for (const [name, server, client, expected] of rows) {
    test(name, async (t) => {
      const outcome = await attempt(t, subject, await listen(t, subject, server), client)
      assert.is(outcome.client.cipher, expected)
    })
  }

  test('two certificates: the cipher decides which', async (t) => {
    const [ec, rsa] = [goodServer('P-256'), goodServer('RSA-2048')]
    const listening = await listen(t, subject, { cert: [ec.cert, rsa.cert], key: [ec.key, rsa.key], maxVersion: 'TLSv1.2' })
    for (const ciphers of [AES256, 'ECDHE-RSA-AES256-GCM-SHA384'])
      assert.is((await attempt(t, subject, listening, { ciphers })).client.cipher, ciphers)
  })
}
