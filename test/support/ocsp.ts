// OCSP responses (RFC 6960), made by `openssl ocsp`.
import { X509Certificate } from 'node:crypto'
import { HOST, type Identity } from './certs.ts'
import { Workshop } from './openssl.ts'
import type { Case } from './suite.ts'

export interface ResponseOptions {
  /** V: valid, R: revoked; left out: the responder does not know it. */
  status?: 'V' | 'R'
  /** Who signs. Default: the issuer. */
  signer?: Identity
  days?: number
}

/** A response about `leaf`, which `issuer` has signed. */
export function respond(t: Case, leaf: string, issuer: Identity, { status, signer = issuer, days = 7 }: ResponseOptions): Uint8Array {
  const shop = t.own(new Workshop())
  const { serialNumber } = new X509Certificate(leaf)
  const row = [status, '350101000000Z', status === 'R' ? '260101000000Z' : '', serialNumber, 'unknown', `/CN=${HOST}`].join('\t')
  const ca = shop.write('ca.pem', issuer.cert)
  const question = ['-index', shop.write('index.txt', status ? `${row}\n` : ''), '-CA', ca, '-issuer', ca, '-cert', shop.write('leaf.pem', leaf)]
  const answer = ['-rsigner', shop.write('signer.pem', signer.cert), '-rkey', shop.write('signer.key', signer.key)]
  shop.openssl('ocsp', ...question, ...answer, '-ndays', String(days), '-no_nonce', '-respout', shop.path('response.der'))
  return shop.read('response.der')
}
