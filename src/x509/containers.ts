// Several things in one file: PKCS #12 (key, certificate and chain under a passphrase) and PKCS #7 bundles.
import { library } from '../abi/instance.ts'
import { usageError } from '../errors.ts'
import { callOn, callWith, encoded, took, type Encoded } from './call.ts'
import { Fields, withoutNul } from './fields.ts'
import { iterationsOf, keyFields, keyPem, passphraseFields } from './keys.ts'
import { parseCertificate, parseCrl, type Certificate, type Crl } from './parse.ts'

/**
 * PBKDF2's and the MAC's work for a PKCS #12 file: a hundred times the openssl command's 2,048, and below the 300,000 that .NET reads
 * at most (Pkcs12LoaderLimits).
 */
const ITERATIONS = 200_000

/** What a PKCS #12 file holds. Its key is a secret, and a string cannot be wiped: keep it no longer than needed. */
export interface Pkcs12 {
  /** PKCS#8 PEM, in the clear. Undefined where the file has none. */
  key?: string
  /** The one that belongs to the key. */
  certificate?: Certificate
  /** The other certificates. */
  chain: Certificate[]
  /** The friendly name of the certificate. */
  name?: string
}

/** What goes into a PKCS #12 file, and what protects it. */
export interface Pkcs12Options {
  /** The private key, PEM or DER. */
  key: Encoded
  /** Decrypts `key`. */
  keyPassphrase?: string
  /** The key's certificate first, then its chain: a PEM bundle, or one certificate in DER. */
  cert: Encoded
  /** Encrypts the file, and protects it against changes. */
  passphrase: string
  /** What programs show of it. Default: none. */
  name?: string
  /** Of PBKDF2 and of the MAC, from 1,000. Default 200,000: the most that all common readers take is 300,000 (.NET). */
  iterations?: number
}

/**
 * Reads a PKCS #12 file (.p12, .pfx; RFC 7292). The MAC is checked first: a wrong passphrase, or a changed file, is refused. Old files
 * under RC2 or RC4 cannot be read. A file may ask for any amount of work: do not read strangers' files.
 * @throws TlsError of kind `usage`
 */
export function parsePkcs12(bytes: Uint8Array, passphrase?: string): Pkcs12 {
  const call = 'parsePkcs12'
  if (!(bytes instanceof Uint8Array)) throw usageError(`${call}: the file must be bytes: PKCS #12 has no PEM form`)
  if (passphrase !== undefined && typeof passphrase !== 'string') throw usageError(`${call}: the passphrase must be text`)
  const { exports, memory } = library()
  const text = passphrase && withoutNul(`${call}: the passphrase`, passphrase)
  const result = took(call, memory.lend([bytes, text], (at, textAt) => exports.tls_pkcs12_parse(at!, bytes.length, textAt!)))
  const fields = new Fields(result)
  result.fill(0)
  const [key, certificate, name] = [fields.bytes('key'), fields.bytes('certificate'), fields.text('name')]
  return {
    ...(key && { key: keyPem('PRIVATE KEY', key) }),
    ...(certificate && { certificate: parseCertificate(certificate) }),
    chain: fields.all('chain').map(parseCertificate),
    ...(name && { name }),
  }
}

/**
 * A PKCS #12 file: key and certificates under AES-256-CBC with PBKDF2 and HMAC-SHA-256, and an HMAC-SHA-256 over all of it: the openssl
 * command's own defaults since OpenSSL 3, but for the iterations. Programs that only know 3DES or RC2 cannot read it.
 * @throws TlsError of kind `usage`, which names the option
 */
export function createPkcs12(options: Pkcs12Options): Uint8Array {
  const call = 'createPkcs12'
  const { key, keyPassphrase, cert, passphrase, name, iterations } = options
  const [keyField, ...rest] = keyFields(call, 'key', key, undefined)
  return callWith(
    call,
    [
      keyField!,
      ...rest,
      ...(keyPassphrase === undefined ? [] : passphraseFields(call, 'keyPassphrase', keyPassphrase)),
      ['cert', encoded(`${call}: \`cert\``, cert)],
      ...passphraseFields(call, 'passphrase', passphrase),
      ['iterations', String(iterationsOf(call, iterations, ITERATIONS))],
      ...(name === undefined ? [] : [['name', withoutNul(`${call}: \`name\``, name)] as const]),
    ],
    'tls_pkcs12_create',
  )
}

/** The certificates and CRLs of a PKCS #7 bundle (.p7b, .p7c), PEM or DER. Signatures are not looked at. @throws TlsError of kind `usage` */
export function parsePkcs7(bundle: Encoded): { certificates: Certificate[]; crls: Crl[] } {
  const call = 'parsePkcs7'
  const fields = new Fields(callOn(`${call}: this is no PKCS #7 bundle`, encoded(`${call}: the bundle`, bundle), library().exports.tls_pkcs7_parse))
  return { certificates: fields.all('certificate').map(parseCertificate), crls: fields.all('crl').map(parseCrl) }
}
