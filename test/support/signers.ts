// Private keys outside of membio, for tests: node:crypto signs.
import { constants, createPrivateKey, sign, type KeyObject } from 'node:crypto'
import type { Signer, SignRequest } from '../../src/index.ts'

/** "rsa_pss_rsae_sha256" to "sha256"; null where the scheme signs messages. */
const hashOf = (scheme: string): string | null => /sha\d+$/.exec(scheme)?.[0] ?? null

export function nodeSign(key: KeyObject, { scheme, message }: SignRequest): Uint8Array {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  return sign(hashOf(scheme), message, { key, ...(scheme.startsWith('rsa_pss') && pss) })
}

/** Signs with this key (PEM), and writes down what it was asked for. */
export function nodeSigner(key: string, requests: SignRequest[] = []): Signer {
  const parsed = createPrivateKey(key)
  return (request) => {
    requests.push(request)
    return nodeSign(parsed, request)
  }
}
