// Private keys: made, encrypted, decrypted, written in another encoding; and their public halves.
import { library } from '../abi/instance.ts'
import { usageError } from '../errors.ts'
import { callWith, encoded, took, toPem, type Encoded } from './call.ts'
import { withoutNul, type Field } from './fields.ts'

/** RSA by size, EC by NIST's name, Edwards curves (RFC 8410), and ML-DSA (FIPS 204), which resists quantum computers. */
export type KeyType = (typeof KEY_TYPES)[number]
const KEY_TYPES = [
  'RSA-2048',
  'RSA-3072',
  'RSA-4096',
  'P-256',
  'P-384',
  'P-521',
  'Ed25519',
  'Ed448',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const

/**
 * PBKDF2's work for an encrypted PKCS#8 key: what OWASP's Password Storage Cheat Sheet asks of HMAC-SHA-256. It takes about a
 * second here, and 300 times as long to guess as with the 2,048 of the openssl command.
 */
const ITERATIONS = 600_000
const MAX_ITERATIONS = 100_000_000

/** What it takes to read a private key. */
export interface ReadKeyOptions {
  /** Decrypts the key. */
  passphrase?: string
}

/** How a private key is written. */
export interface ExportKeyOptions extends ReadKeyOptions {
  /** Default 'pem'. */
  format?: 'pem' | 'der'
  /** Left out, the key is written in the clear. */
  encrypt?: {
    /** Encrypts what is written; `passphrase` is for what is read. */
    passphrase: string
    /** Of PBKDF2, 1,000 to 100,000,000. Default 600,000, as OWASP recommends for HMAC-SHA-256. */
    iterations?: number
  }
}

/** How the public half of a key is written. */
export interface PublicKeyOptions extends ReadKeyOptions {
  /** Default 'pem'. */
  format?: 'pem' | 'der'
}

/**
 * A new private key as PKCS#8 PEM. Default P-256: small, fast and known to every peer. RSA keys take their time: primes are
 * searched for, for a second (RSA-2048) or ten (RSA-4096).
 * @throws TlsError of kind `usage`
 */
export function createKey(type: KeyType = 'P-256'): string {
  if (!KEY_TYPES.includes(type)) throw usageError(`createKey: ${JSON.stringify(type)} is none of ${KEY_TYPES.join(', ')}`)
  const { exports, memory } = library()
  return keyPem('PRIVATE KEY', took('createKey', memory.lend([type], (at) => exports.tls_key_create(at))))
}

/**
 * A private key (PEM or DER; PKCS#8, encrypted or not, PKCS#1 or SEC1) as PKCS#8, encrypted or not. Encryption is PBES2 with
 * AES-256-CBC and PBKDF2 with HMAC-SHA-256 (RFC 8018). Bytes that are returned are the caller's to wipe.
 * @throws TlsError of kind `usage`
 */
export function exportKey(key: Encoded, options: ExportKeyOptions & { format: 'der' }): Uint8Array
export function exportKey(key: Encoded, options?: ExportKeyOptions & { format?: 'pem' }): string
export function exportKey(key: Encoded, options: ExportKeyOptions = {}): Uint8Array | string {
  const { encrypt } = options
  const der = convert('exportKey', key, options, [
    ['form', encrypt ? 'encrypted' : 'private'],
    ...(encrypt ? passphraseFields('exportKey', 'encryptPassphrase', encrypt.passphrase) : []),
    ['iterations', String(iterationsOf('exportKey', encrypt?.iterations, ITERATIONS))],
  ])
  return isDer('exportKey', options) ? der : keyPem(encrypt ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY', der)
}

/** The public half of a private key, as SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). @throws TlsError of kind `usage` */
export function publicKey(key: Encoded, options: PublicKeyOptions & { format: 'der' }): Uint8Array
export function publicKey(key: Encoded, options?: PublicKeyOptions & { format?: 'pem' }): string
export function publicKey(key: Encoded, options: PublicKeyOptions = {}): Uint8Array | string {
  const der = convert('publicKey', key, options, [['form', 'public']])
  return isDer('publicKey', options) ? der : toPem('PUBLIC KEY', der)
}

function convert(call: string, key: Encoded, { passphrase }: ReadKeyOptions, fields: readonly Field[]): Uint8Array {
  return callWith(call, [...keyFields(call, 'key', key, passphrase), ...fields], 'tls_key_convert')
}

/** PEM, and the DER it was made from wiped. */
export function keyPem(label: string, der: Uint8Array): string {
  const pem = toPem(label, der)
  der.fill(0)
  return pem
}

/** A key and the passphrase to read it with, as fields; the second is called `${name}Passphrase`, or `passphrase` for `key`. */
export function keyFields(call: string, name: string, key: Encoded, passphrase: string | undefined): Field[] {
  const field: Field = [name, encoded(`${call}: \`${name}\``, key)]
  if (passphrase === undefined) return [field]
  return [field, ...passphraseFields(call, name === 'key' ? 'passphrase' : name.replace(/Key$/, 'Passphrase'), passphrase)]
}

export function passphraseFields(call: string, name: string, passphrase: string): Field[] {
  if (typeof passphrase !== 'string') throw usageError(`${call}: the \`passphrase\` must be text, not ${typeof passphrase}`)
  return [[name, withoutNul(`${call}: the \`passphrase\``, passphrase)]]
}

export function iterationsOf(call: string, iterations: number | undefined, otherwise: number): number {
  if (iterations === undefined) return otherwise
  if (Number.isInteger(iterations) && iterations >= 1000 && iterations <= MAX_ITERATIONS) return iterations
  throw usageError(`${call}: \`iterations\` must be a whole number from 1,000 (RFC 8018, 4.2) to ${MAX_ITERATIONS.toLocaleString('en')}`)
}

function isDer(call: string, { format = 'pem' }: { format?: string }): boolean {
  if (format !== 'pem' && format !== 'der') throw usageError(`${call}: \`format\` is ${JSON.stringify(format)}; it must be 'pem' or 'der'`)
  return format === 'der'
}
