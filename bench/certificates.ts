// The certificates of a run: a root and a server for each type of key, made with membio/x509, the same for all contenders.
import { createCertificate, createKey } from 'membio/x509'
import { HOST, type Certificates, type Identity, type Terms } from './work.ts'

/** Not every peer verifies every signature, so a server's root has an RSA key where the server has one, and else one on P-256. */
function identity(type: Terms['key'], root: { cert: string; key: string }): Identity {
  const key = createKey(type)
  const cert = createCertificate({ key, subject: { CN: HOST }, hosts: [HOST, '127.0.0.1'], usage: ['server'], issuer: root })
  return { key, cert, ca: root.cert }
}

function root(type: Terms['key']): { cert: string; key: string } {
  const key = createKey(type)
  return { key, cert: createCertificate({ key, subject: { CN: `membio bench ${type}` }, ca: true }) }
}

export function makeCertificates(): Certificates {
  const elliptic = root('P-256')
  return { 'P-256': identity('P-256', elliptic), 'RSA-2048': identity('RSA-2048', root('RSA-2048')), Ed25519: identity('Ed25519', elliptic) }
}
