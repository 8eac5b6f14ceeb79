// What createSecureContext takes and what it refuses, option by option. The rows are functions, for their certificates take a moment.
import { constants } from 'node:crypto'
import { intermediate, root, server, strangeRoot } from '../../support/certs.ts'
import {
  bytesOf,
  dhparam,
  encryptedKey,
  hollow,
  keyOfAnother,
  keyOnAnotherCurve,
  PASSPHRASE,
  pfx,
  publicHalf,
  shortRsa,
  traditionalKey,
  viewOf,
  WRONG_PASSPHRASE,
} from './context-fixtures.ts'
import { invalidType, invalidValue, outOfRange, ssl, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import type { Difference } from './subject.ts'

type Options = () => object | null | undefined

/** Name, options, and since when. */
export type Taken = readonly [name: string, options: Options, since?: Difference]
/** Name, options, the error, and since when. */
export type Refused = readonly [name: string, options: Options, error: ExpectedError, since?: Difference]

const KEY_TYPES = 'of type string or an instance of Buffer, TypedArray, or DataView'
const wrongType = (name: string, expected: string, received: string) =>
  invalidType(`The "options.${name}" property must be ${expected}. Received ${received}`)
const wrongNumber = (name: string, expected: string, received: string) =>
  outOfRange(`The value of "options.${name}" is out of range. It must be ${expected}. Received ${received}`)
const text = `type string ('x')`
const five = 'type number (5)'

const openssl = (code: string, library: string, reason: string): ExpectedError => ({ code, library, reason })
const failed = (message: string): ExpectedError => ({ code: 'ERR_CRYPTO_OPERATION_FAILED', message })

const withKey =
  (key: unknown, more: object = {}) =>
  () => ({ cert: server().cert, key, ...more })

export const TAKEN: readonly Taken[] = [
  ['nothing', () => undefined],
  ['null', () => null],
  ['no options', () => ({})],
  ['a certificate and its key', () => server()],
  ['a certificate alone', () => ({ cert: server().cert })],
  ['a key alone', () => ({ key: server().key })],
  ['Buffers', () => ({ cert: Buffer.from(server().cert), key: Buffer.from(server().key) })],
  ['other views', () => ({ cert: bytesOf(server().cert), key: viewOf(server().key), ca: viewOf(root().cert) })],
  [
    'lists of certificates and keys',
    () => ({ cert: [server().cert, server('RSA-2048').cert], key: [server().key, server('RSA-2048').key] }),
  ],
  ['keys as objects', () => ({ cert: server().cert, key: [{ pem: server().key }] })],
  ['an encrypted key', () => withKey(encryptedKey(), { passphrase: PASSPHRASE })()],
  ['an encrypted key in the old form', () => withKey(traditionalKey(), { passphrase: PASSPHRASE })()],
  ['an encrypted key with its own passphrase', () => withKey([{ pem: encryptedKey(), passphrase: PASSPHRASE }], { passphrase: 'x' })()],
  ['an encrypted key as an object, with the common passphrase', () => withKey([{ pem: encryptedKey() }], { passphrase: PASSPHRASE })()],
  ['a passphrase that is not needed', () => ({ ...server(), passphrase: 'x' })],
  ['falsy values for cert, key and ca', () => ({ cert: '', key: '', ca: '' })],
  ['empty lists', () => ({ cert: [], key: [], ca: [], crl: [], pfx: [] })],
  ['a bundle of CAs', () => ({ ca: root().cert + strangeRoot().cert })],
  ['a list of CAs', () => ({ ca: [root().cert, bytesOf(intermediate().cert)] })],
  ['no CA at all in what is given as one', () => ({ ca: 'garbage' })],
  ['a PFX', () => ({ pfx: pfx(), passphrase: PASSPHRASE })],
  ['a list of PFX', () => ({ pfx: [pfx()], passphrase: PASSPHRASE })],
  ['a PFX with its own passphrase', () => ({ pfx: [{ buf: pfx(), passphrase: PASSPHRASE }] })],
  ['a PFX as an object, with the common passphrase', () => ({ pfx: [{ buf: pfx() }], passphrase: PASSPHRASE })],
  ['a PFX in a Uint8Array', () => ({ pfx: Uint8Array.from(pfx()), passphrase: PASSPHRASE })],
  ['ciphers of TLS 1.2 and 1.3 mixed', () => ({ ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256' })],
  ['ciphers empty or null: the default', () => ({ ciphers: '' })],
  ['ciphers of which one is unknown', () => ({ ciphers: 'NOPE:ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256:TLS_NOPE' })],
  ['ciphers with a security level', () => ({ ciphers: 'DEFAULT:@SECLEVEL=1' })],
  ['short keys at security level 0', () => ({ ...shortRsa(512), ciphers: 'DEFAULT@SECLEVEL=0' })],
  ['curves', () => ({ ecdhCurve: 'P-256:X25519' })],
  ["curves by OpenSSL's names", () => ({ ecdhCurve: 'prime256v1:secp384r1' })],
  ['post-quantum groups', () => ({ ecdhCurve: 'X25519MLKEM768' }), DIFFERENCES.openssl35],
  ['sigalgs by algorithm', () => ({ sigalgs: 'RSA-PSS+SHA256:ECDSA+SHA256:ed25519' })],
  ['sigalgs by name', () => ({ sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256' })],
  ['automatic DH parameters', () => ({ dhparam: 'auto' })],
  ['DH parameters', () => ({ dhparam: dhparam(2048) })],
  ['DH parameters in bytes', () => ({ dhparam: bytesOf(dhparam(2048)) })],
  ['DH parameters that are none', () => ({ dhparam: 'garbage' })],
  ['a sessionIdContext of 32 bytes', () => ({ sessionIdContext: 'x'.repeat(32) })],
  ['session timeouts', () => ({ sessionTimeout: 0 })],
  ['ticket keys', () => ({ ticketKeys: Buffer.alloc(48) })],
  ['ticket keys in any view', () => ({ ticketKeys: new Uint16Array(24) })],
  ['secureOptions', () => ({ secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_TLSv1_1, honorCipherOrder: true })],
  ['allowPartialTrustChain', () => ({ allowPartialTrustChain: true })],
  [
    'null for whatever may be left out',
    () => ({
      ...{ passphrase: null, pfx: null, ciphers: null, sigalgs: null, dhparam: null, crl: null, sessionIdContext: null, ticketKeys: null },
      ...{
        sessionTimeout: null,
        minVersion: null,
        maxVersion: null,
        clientCertEngine: null,
        privateKeyIdentifier: null,
        privateKeyEngine: null,
      },
    }),
  ],
]

export const REFUSED: readonly Refused[] = [
  ['text', () => 'x' as unknown as object, invalidType(`The "options" argument must be of type object. Received ${text}`)],
  ['a number', () => 5 as unknown as object, invalidType(`The "options" argument must be of type object. Received ${five}`)],
  ['cert: a number', () => ({ cert: 5 }), wrongType('cert', KEY_TYPES, five)],
  ['cert: true', () => ({ cert: true }), wrongType('cert', KEY_TYPES, 'type boolean (true)')],
  ['cert: an object', () => ({ cert: {} }), wrongType('cert', KEY_TYPES, 'an instance of Object')],
  ['cert: a number in a list', () => ({ cert: [5] }), wrongType('cert', KEY_TYPES, five)],
  ['cert: undefined in a list', () => ({ cert: [undefined] }), wrongType('cert', KEY_TYPES, 'undefined')],
  ['cert: no PEM', () => ({ cert: 'garbage' }), openssl('ERR_OSSL_PEM_NO_START_LINE', 'PEM routines', 'no start line')],
  ['cert: a key', () => ({ cert: server().key }), openssl('ERR_OSSL_PEM_NO_START_LINE', 'PEM routines', 'no start line')],
  [
    'cert: PEM of something else',
    () => ({ cert: hollow('CERTIFICATE') }),
    openssl('ERR_OSSL_ASN1_WRONG_TAG', 'asn1 encoding routines', 'wrong tag'),
  ],
  ['cert: a short RSA key', () => shortRsa(512), ssl('ee key too small')],
  ['cert: an RSA key of 1024 bits', () => shortRsa(1024), ssl('ee key too small'), DIFFERENCES.openssl35],
  ['key: a number', () => ({ key: 5 }), wrongType('key', KEY_TYPES, five)],
  ['key: an object that is in no list', () => withKey({ pem: server().key })(), wrongType('key', KEY_TYPES, 'an instance of Object')],
  ['key: null in a list', () => ({ key: [null] }), wrongType('key', KEY_TYPES, 'null')],
  ['key: an empty object', () => ({ key: [{}] }), wrongType('key', KEY_TYPES, 'an instance of Object')],
  ['key: no PEM', () => ({ key: 'garbage' }), openssl('ERR_OSSL_UNSUPPORTED', 'DECODER routines', 'unsupported')],
  ['key: a certificate', () => ({ key: server().cert }), openssl('ERR_OSSL_UNSUPPORTED', 'DECODER routines', 'unsupported')],
  ['key: a public one', () => ({ key: publicHalf() }), openssl('ERR_OSSL_UNSUPPORTED', 'DECODER routines', 'unsupported')],
  [
    'key: of another certificate',
    () => withKey(keyOfAnother())(),
    openssl('ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'x509 certificate routines', 'key values mismatch'),
  ],
  [
    'key: on another curve',
    () => withKey(keyOnAnotherCurve())(),
    openssl('ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'x509 certificate routines', 'key values mismatch'),
  ],
  [
    'passphrase: wrong',
    () => withKey(encryptedKey(), { passphrase: WRONG_PASSPHRASE })(),
    openssl('ERR_OSSL_BAD_DECRYPT', 'Provider routines', 'bad decrypt'),
  ],
  [
    'passphrase: wrong, old form',
    () => withKey(traditionalKey(), { passphrase: WRONG_PASSPHRASE })(),
    openssl('ERR_OSSL_BAD_DECRYPT', 'Provider routines', 'bad decrypt'),
  ],
  ['passphrase: missing', () => withKey(encryptedKey())(), openssl('ERR_OSSL_BAD_DECRYPT', 'Provider routines', 'bad decrypt')],
  ['passphrase: a number', () => withKey(encryptedKey(), { passphrase: 5 })(), wrongType('passphrase', 'of type string', five)],
  [
    'passphrase: a Buffer',
    () => withKey(encryptedKey(), { passphrase: Buffer.from('x') })(),
    wrongType('passphrase', 'of type string', 'an instance of Buffer'),
  ],
  ['ca: a number', () => ({ ca: 5 }), wrongType('ca', KEY_TYPES, five)],
  ['ca: a number in a list', () => ({ ca: [root().cert, 5] }), wrongType('ca', KEY_TYPES, five)],
  ['pfx: the wrong passphrase', () => ({ pfx: pfx(), passphrase: WRONG_PASSPHRASE }), { code: null, message: 'mac verify failure' }],
  ['pfx: no passphrase', () => ({ pfx: pfx() }), { code: null, message: 'mac verify failure' }],
  ['pfx: garbage', () => ({ pfx: 'garbage' }), { message: /^(not enough data|too long|too small)$/ }],
  ['pfx: nothing', () => ({ pfx: '' }), { message: /^(not enough data|too long|too small)$/ }],
  ['ciphers: a number', () => ({ ciphers: 5 }), wrongType('ciphers', 'of type string', five)],
  ['ciphers: unknown', () => ({ ciphers: 'NOPE' }), ssl('no cipher match')],
  ['ciphers: unknown ones of TLS 1.3', () => ({ ciphers: 'TLS_NOPE' }), ssl('no cipher match')],
  ['ciphers: none known of TLS 1.2', () => ({ ciphers: 'TLS_AES_128_GCM_SHA256:NOPE' }), ssl('no cipher match')],
  ['ciphers: names of TLS 1.3 in lower case', () => ({ ciphers: 'tls_aes_128_gcm_sha256' }), ssl('no cipher match')],
  ['ciphers: nothing but colons', () => ({ ciphers: ':' }), invalidValue("The property 'options.ciphers' is invalid. Received [ '', '' ]")],
  ['ecdhCurve: a number', () => ({ ecdhCurve: 5 }), wrongType('ecdhCurve', 'of type string', five)],
  ['ecdhCurve: null', () => ({ ecdhCurve: null }), wrongType('ecdhCurve', 'of type string', 'null')],
  ['ecdhCurve: unknown', () => ({ ecdhCurve: 'nope' }), failed('Failed to set ECDH curve')],
  ['ecdhCurve: one of them unknown', () => ({ ecdhCurve: 'P-256:nope' }), failed('Failed to set ECDH curve')],
  ['sigalgs: a number', () => ({ sigalgs: 5 }), wrongType('sigalgs', 'of type string', five)],
  ['sigalgs: empty', () => ({ sigalgs: '' }), invalidValue("The property 'options.sigalgs' is invalid. Received ''")],
  ['sigalgs: unknown', () => ({ sigalgs: 'nope' }), { message: /./ }],
  ['dhparam: a number', () => ({ dhparam: 5 }), wrongType('dhparam', KEY_TYPES, five)],
  ['dhparam: true', () => ({ dhparam: true }), wrongType('dhparam', KEY_TYPES, 'type boolean (true)')],
  ['dhparam: 768 bits', () => ({ dhparam: dhparam(768) }), invalidValue('DH parameter is less than 1024 bits')],
  ['crl: a number', () => ({ crl: 5 }), wrongType('crl', KEY_TYPES, five)],
  ['crl: a number in a list', () => ({ crl: [5] }), wrongType('crl', KEY_TYPES, five)],
  ['crl: garbage', () => ({ crl: 'garbage' }), failed('Failed to parse CRL')],
  ['crl: nothing', () => ({ crl: '' }), failed('Failed to parse CRL')],
  ['sessionIdContext: a number', () => ({ sessionIdContext: 5 }), wrongType('sessionIdContext', 'of type string', five)],
  [
    'sessionIdContext: too long',
    () => ({ sessionIdContext: 'x'.repeat(33) }),
    { name: 'TypeError', message: /ssl session id context too long/ },
  ],
  ['sessionTimeout: text', () => ({ sessionTimeout: 'x' }), wrongType('sessionTimeout', 'of type number', text)],
  ['sessionTimeout: negative', () => ({ sessionTimeout: -1 }), wrongNumber('sessionTimeout', '>= 0 && <= 2147483647', '-1')],
  ['sessionTimeout: a fraction', () => ({ sessionTimeout: 1.5 }), wrongNumber('sessionTimeout', 'an integer', '1.5')],
  ['sessionTimeout: too much', () => ({ sessionTimeout: 2 ** 31 }), wrongNumber('sessionTimeout', '>= 0 && <= 2147483647', '2147483648')],
  ['ticketKeys: text', () => ({ ticketKeys: 'x' }), wrongType('ticketKeys', 'an instance of Buffer, TypedArray, or DataView', text)],
  [
    'ticketKeys: 47 bytes',
    () => ({ ticketKeys: Buffer.alloc(47) }),
    invalidValue("The property 'options.ticketKeys' must be exactly 48 bytes. Received 47"),
  ],
  [
    'secureOptions: text',
    () => ({ secureOptions: 'x' }),
    invalidType(`The "secureOptions" argument must be of type number. Received ${text}`),
  ],
  [
    'secureOptions: a fraction',
    () => ({ secureOptions: 1.5 }),
    outOfRange('The value of "secureOptions" is out of range. It must be an integer. Received 1.5'),
  ],
  [
    'privateKeyIdentifier: without an engine',
    () => ({ privateKeyIdentifier: 'x' }),
    invalidValue("The property 'options.privateKeyEngine' is invalid. Received undefined"),
  ],
  [
    'privateKeyIdentifier: beside a key',
    () => ({ privateKeyIdentifier: 'x', privateKeyEngine: 'y', key: server().key }),
    invalidValue("The property 'options.privateKeyIdentifier' is invalid. Received 'x'"),
  ],
  [
    'privateKeyIdentifier: a number',
    () => ({ privateKeyIdentifier: 5, privateKeyEngine: 'y' }),
    wrongType('privateKeyIdentifier', 'of type string or one of null or undefined', five),
  ],
  [
    'privateKeyEngine: a number',
    () => ({ privateKeyIdentifier: 'x', privateKeyEngine: 5 }),
    wrongType('privateKeyEngine', 'of type string or one of null or undefined', five),
  ],
  [
    'clientCertEngine: a number',
    () => ({ clientCertEngine: 5 }),
    wrongType('clientCertEngine', 'of type string or one of null or undefined', five),
  ],
]
