// The certificates of a run: a root and a server for each type of key, made with membio/x509, the same for all contenders. Pages
// have one of their own, with the name that root-swap.ts needs.
import { createCertificate, createKey, type Subject } from 'membio/x509'
import { STAND_IN } from './root-swap.ts'
import { HOST, type Certificates, type Identity, type Terms } from './work.ts'

/** Not every peer verifies every signature, so a server's root has an RSA key where the server has one, and else one on P-256. */
function identity(type: Terms['key'], root: { cert: string; key: string }): Identity {
  const key = createKey(type)
  const cert = createCertificate({ key, subject: { CN: HOST }, hosts: [HOST, '127.0.0.1'], usage: ['server'], issuer: root })
  return { key, cert, ca: root.cert }
}

function root(type: Terms['key'], subject: Subject): { cert: string; key: string } {
  const key = createKey(type)
  return { key, cert: createCertificate({ key, subject, ca: true }) }
}

export function makeCertificates(): Certificates {
  const elliptic = root('P-256', { CN: 'membio bench P-256' })
  return {
    'P-256': identity('P-256', elliptic),
    'RSA-2048': identity('RSA-2048', root('RSA-2048', { CN: 'membio bench RSA-2048' })),
    'Ed25519': identity('Ed25519', elliptic),
    'page': identity('P-256', root('P-256', STAND_IN)),
  }
}
