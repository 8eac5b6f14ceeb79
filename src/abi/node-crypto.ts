// node:crypto as HostCrypto, for the runtimes where it is native code: Node and Bun.
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createSecretKey,
  privateDecrypt,
  type CipherGCMTypes,
  type KeyObject,
} from 'node:crypto'
import type { HostCrypto } from './acceleration.ts'

export interface NodeKey {
  /** For AES. */
  cipher?: CipherGCMTypes
  /** Not the raw bytes: Node 24 takes ten times as long to make a cipher of them. */
  object: KeyObject
}

const CIPHERS: Record<number, CipherGCMTypes> = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' }

/** @param faster what was measured: bench/acceleration.ts */
export function nodeCrypto(faster: Pick<HostCrypto, 'aesGcmFrom' | 'rsaIsFaster' | 'aesBeatsChaCha'>): HostCrypto<NodeKey> {
  return {
    ...faster,

    aesKey: (bytes) => ({ cipher: CIPHERS[bytes.length], object: createSecretKey(bytes) }),

    rsaKey: (der) => ({ object: createPrivateKey({ key: der as Buffer, format: 'der', type: 'pkcs1' }) }),

    seal(key, nonce, aad, text, out, tag) {
      const cipher = createCipheriv(key.cipher!, key.object, nonce)
      cipher.setAAD(aad)
      const ciphertext = cipher.update(text)
      cipher.final()
      tag.set(cipher.getAuthTag())
      out.set(ciphertext)
    },

    // The plaintext stays out of WebAssembly's memory until the tag has been found right.
    open(key, nonce, aad, text, out, tag) {
      const decipher = createDecipheriv(key.cipher!, key.object, nonce)
      decipher.setAAD(aad)
      decipher.setAuthTag(tag)
      const plaintext = decipher.update(text)
      try {
        decipher.final()
        out.set(plaintext)
        return true
      } catch {
        return false
      } finally {
        plaintext.fill(0)
      }
    },

    power(key, number) {
      const result = privateDecrypt({ key: key.object, padding: constants.RSA_NO_PADDING }, number)
      if (result.length !== number.length) throw new RangeError('RSA: a number of another length')
      number.set(result)
    },
  }
}
