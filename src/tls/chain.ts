// Certificates that a context sends along with its own: those between it and a root, from `ca`, as OpenSSL completes a chain for Node.
import type { Encoded } from '../engine/options.ts'
import { parseCertificate, splitCertificates } from '../x509/parse.ts'
import type { Certificate } from '../x509/shapes.ts'

/** The chain in DER, leaf first: what is in `cert`, and above it what `ca` can add. */
export function completeChain(cert: Encoded, ca: readonly Encoded[]): Uint8Array[] {
  const own = splitCertificates(cert)
  if (!ca.length) return own
  const known = ca.flatMap((one) => splitCertificates(one))
  const chain = own.map(parseCertificate)
  for (let top = chain.at(-1)!; !top.selfIssued; top = chain.at(-1)!) {
    const issuer = known.map(parseCertificate).find((candidate) => isIssuer(candidate, top))
    if (!issuer || chain.length > known.length + own.length) break
    chain.push(issuer)
  }
  return chain.map(({ der }) => der)
}

/** By name and key identifier; whether it has signed, the peer finds out. */
const isIssuer = (candidate: Certificate, { issuer, authorityKeyId }: Certificate): boolean =>
  candidate.subject === issuer && (!authorityKeyId || !candidate.subjectKeyId || candidate.subjectKeyId === authorityKeyId)

/** One PEM bundle of certificates in DER. */
export const pemBundle = (certificates: readonly Uint8Array[]): string => certificates.map(pem).join('')

const pem = (der: Uint8Array): string => {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
