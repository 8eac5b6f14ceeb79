// The roots the host trusts, where it shows them: Node, Deno and Bun do through node:tls. Asked for only when a caller names no
// roots of its own, and without an import, so that bundles for browsers and workerd stay free of it. Stands beside engine and x509.
import { usageError } from './errors.ts'

/**
 * 'default': what the runtime itself trusts, with its switches and NODE_EXTRA_CA_CERTS; 'bundled': Mozilla's list as the runtime ships it;
 * 'system': the operating system's.
 */
export type HostRoots = 'default' | 'bundled' | 'system'

interface HostTls {
  /** Node >= 22.15 */
  getCACertificates?(type: HostRoots): readonly string[]
  rootCertificates?: readonly string[]
}
interface HostFs {
  existsSync(path: string): boolean
  readFileSync(path: string, encoding: 'utf8'): string
}
interface HostProcess {
  getBuiltinModule?(name: string): unknown
  env?: Record<string, string | undefined>
}

/** Where systems keep their roots in one file: Debian, Red Hat, SUSE, Alpine and BSD, as Go's crypto/x509 looks for them. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * Certificates in PEM: the same array as long as they are the same.
 * @param option the caller's, for the error where the host shows none
 */
export function hostRootList(option: string, which: HostRoots): readonly string[] {
  const host = (globalThis as { process?: HostProcess }).process
  const tls = host?.getBuiltinModule?.('node:tls') as HostTls | undefined
  const roots = tls?.getCACertificates?.(which) ?? keptRoots(which, host, tls)
  const kind = which === 'default' ? '' : `${which} `
  if (!roots.length) {
    const advice = `pass the ones to trust as \`${option}\`, Mozilla's for instance: \`mozillaRoots\` from 'membio/roots'`
    throw usageError(`this runtime shows no ${kind}root certificates: ${advice}`, 'ERR_TLS_NO_CA')
  }
  return roots
}

/** All of them in one PEM bundle. */
export const hostRoots = (option = 'ca', which: HostRoots = 'default'): string => hostRootList(option, which).join('\n')

const kept = new Map<HostRoots, readonly string[]>()

function keptRoots(which: HostRoots, host: HostProcess | undefined, tls: HostTls | undefined): readonly string[] {
  const fs = host?.getBuiltinModule?.('node:fs') as HostFs | undefined
  const roots = kept.get(which) ?? rootsOfOlderHosts(which, tls, fs, host?.env ?? {})
  if (roots.length) kept.set(which, roots)
  return roots
}

function rootsOfOlderHosts(which: HostRoots, tls: HostTls | undefined, fs: HostFs | undefined, env: Record<string, string | undefined>): string[] {
  const bundled = [...(tls?.rootCertificates ?? [])]
  if (which === 'bundled' || !fs) return bundled
  if (which === 'default') return env.NODE_EXTRA_CA_CERTS ? [...bundled, fs.readFileSync(env.NODE_EXTRA_CA_CERTS, 'utf8')] : bundled
  const file = env.SSL_CERT_FILE ?? SYSTEM_FILES.find((path) => fs.existsSync(path))
  return file ? [fs.readFileSync(file, 'utf8')] : []
}
