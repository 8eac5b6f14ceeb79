// Keys, certificates and parameters in the forms that createSecureContext is given them, good and bad.
import { createPrivateKey, generateKeyPairSync, getDiffieHellman } from 'node:crypto'
import { createKey, createPkcs12, exportKey, publicKey } from '../../../src/x509/index.ts'
import { issue, root, server, type Identity } from '../../support/certs.ts'

export const PASSPHRASE = 'a secret'
export const WRONG_PASSPHRASE = 'wrong'

const cache = new Map<string, unknown>()

function once<T>(name: string, make: () => T): T {
  if (!cache.has(name)) cache.set(name, make())
  return cache.get(name) as T
}

/** As views of bytes that are not Buffers. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text))
export const viewOf = (text: string): DataView => new DataView(bytesOf(text).buffer)

/** PKCS #8, as `openssl pkey -aes256` writes it. */
export const encryptedKey = (): string =>
  once('encrypted', () => sealed(() => exportKey(server().key, { encrypt: { passphrase: PASSPHRASE, iterations: 1000 } })))

/** With a DEK-Info header, as OpenSSL has written it for ages. */
export const traditionalKey = (): string => once('traditional', () => sealed(writeTraditional))

const writeTraditional = () =>
  createPrivateKey(server().key).export({ type: 'sec1', format: 'pem', cipher: 'aes-128-cbc', passphrase: PASSPHRASE }) as string

/** One in 256 keys has a padding that looks right with the wrong passphrase, and the error is another one: not such a key. */
function sealed(encrypt: () => string): string {
  for (;;) {
    const key = encrypt()
    if ([WRONG_PASSPHRASE, ''].every((passphrase) => isBadDecrypt(key, passphrase))) return key
  }
}

function isBadDecrypt(key: string, passphrase: string): boolean {
  try {
    createPrivateKey({ key, passphrase })
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_OSSL_BAD_DECRYPT'
  }
}

export const pfx = (): Buffer =>
  once('pfx', () => {
    const { key, cert } = server()
    return Buffer.from(createPkcs12({ key, cert: cert + root().cert, passphrase: PASSPHRASE, iterations: 1000 }))
  })

export const keyOfAnother = (): string => once('another', () => createKey('P-256'))
export const keyOnAnotherCurve = (): string => once('another curve', () => createKey('P-384'))
export const publicHalf = (): string => publicKey(server().key)

/** Shorter than what security level 2 allows. */
export const shortRsa = (modulusLength: number): Identity =>
  once(`RSA-${modulusLength}`, () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength })
    return issue({ subject: { CN: 'short.test' }, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string })
  })

/** PEM around what is no such thing. */
export const hollow = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`

const GROUPS = { 768: 'modp1', 1024: 'modp2', 1536: 'modp5', 2048: 'modp14' } as const

/** DHParameter of PKCS #3, for the groups of RFC 2409 and RFC 3526. */
export function dhparam(bits: keyof typeof GROUPS): string {
  const group = getDiffieHellman(GROUPS[bits])
  const body = tlv(0x30, Buffer.concat([integer(group.getPrime()), integer(group.getGenerator())])).toString('base64')
  return `-----BEGIN DH PARAMETERS-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END DH PARAMETERS-----\n`
}

const integer = (value: Buffer) => tlv(2, value[0]! < 0x80 ? value : Buffer.concat([Buffer.from([0]), value]))

const tlv = (tag: number, value: Buffer) => Buffer.concat([Buffer.from([tag, ...lengthOf(value.length)]), value])

const lengthOf = (length: number) => (length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff])
