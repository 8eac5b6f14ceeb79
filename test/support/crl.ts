// Revocation lists (RFC 5280, 5), made by `openssl ca`.
import type { Identity } from './certs.ts'
import { Workshop } from './openssl.ts'
import type { Case } from './suite.ts'

/** A CRL of `issuer` that revokes the given certificates. */
export function crlOf(t: Case, issuer: Identity, revoked: readonly string[]): string {
  const shop = t.own(new Workshop())
  const [index, number] = [shop.write('index.txt', ''), shop.write('crlnumber', '01')]
  const section = `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\ncrlnumber=${number}\ndefault_md=sha256\ndefault_crl_days=7\n`
  const ca = ['ca', '-config', shop.write('ca.cnf', section), '-cert', shop.write('ca.pem', issuer.cert), '-keyfile', shop.write('ca.key', issuer.key)]
  for (const cert of revoked) shop.openssl(...ca, '-revoke', shop.write('revoked.pem', cert))
  shop.openssl(...ca, '-gencrl', '-out', shop.path('crl.pem'))
  return new TextDecoder().decode(shop.read('crl.pem'))
}
