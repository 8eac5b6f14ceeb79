// The roots the host trusts, where it shows them: Node, Deno and Bun do through node:tls. Asked for only when a caller names no
// roots of its own, and without an import, so that bundles for browsers and workerd stay free of it. Stands beside engine and x509.
import { usageError } from './errors.ts'

interface HostTls {
  /** Node >= 22.15: what --use-system-ca and NODE_EXTRA_CA_CERTS ask for is in it. */
  getCACertificates?(type: 'default'): readonly string[]
  rootCertificates?: readonly string[]
}
interface HostProcess {
  getBuiltinModule?(name: string): unknown
  env?: Record<string, string | undefined>
}

/**
 * PEM certificates.
 * @param option the caller's, for the error where the host shows none
 */
export function hostRoots(option = 'ca'): string {
  const host = (globalThis as { process?: HostProcess }).process
  const tls = host?.getBuiltinModule?.('node:tls') as HostTls | undefined
  const roots = tls?.getCACertificates?.('default') ?? [...(tls?.rootCertificates ?? []), ...extraRoots(host)]
  if (!roots.length) {
    const advice = `pass the ones to trust as \`${option}\`, Mozilla's for instance: \`mozillaRoots\` from 'membio/roots'`
    throw usageError(`this runtime shows no root certificates: ${advice}`, 'ERR_TLS_NO_CA')
  }
  return roots.join('\n')
}

/** NODE_EXTRA_CA_CERTS, for versions of Node that do not tell. */
function extraRoots(host: HostProcess | undefined): string[] {
  const path = host?.env?.NODE_EXTRA_CA_CERTS
  const fs = host?.getBuiltinModule?.('node:fs') as { readFileSync(path: string, encoding: 'utf8'): string } | undefined
  return path && fs ? [fs.readFileSync(path, 'utf8')] : []
}
