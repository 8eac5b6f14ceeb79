// The roots the host trusts, where it shows them: Node, Deno and Bun do through node:tls. Asked for only when a caller names no
// roots of its own, and without an import, so that bundles for browsers and workerd stay free of it. Stands beside engine and x509.
import { usageError } from './errors.ts'
import { hostFlag } from './host-flags.ts'

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
  readdirSync(path: string): string[]
}
interface HostProcess {
  getBuiltinModule?(name: string): unknown
  env?: Environment
}
type Environment = Record<string, string | undefined>

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
  const roots = rootsOf(which, host, tls)
  const kind = which === 'default' ? '' : `${which} `
  if (!roots.length) {
    const advice = `pass the ones to trust as \`${option}\`, Mozilla's for instance: \`mozillaRoots\` from 'membio/roots'`
    throw usageError(`this runtime shows no ${kind}root certificates: ${advice}`, 'ERR_TLS_NO_CA')
  }
  return roots
}

/** All of them in one PEM bundle. */
export const hostRoots = (option = 'ca', which: HostRoots = 'default'): string => hostRootList(option, which).join('\n')

/** For hosts that do not tell: those of NODE_EXTRA_CA_CERTS. */
export function extraRoots(): readonly string[] {
  const host = (globalThis as { process?: HostProcess }).process
  const fs = host?.getBuiltinModule?.('node:fs') as HostFs | undefined
  return fs ? certificatesIn(fs, host?.env?.NODE_EXTRA_CA_CERTS) : []
}

const kept = new Map<HostRoots, readonly string[]>()

function rootsOf(which: HostRoots, host: HostProcess | undefined, tls: HostTls | undefined): readonly string[] {
  const known = tls?.getCACertificates?.(which)
  const store = which === 'default' && hostFlag('use-openssl-ca') === true // what is in it, no host tells
  if (known && !store) return known
  const before = kept.get(which)
  if (before) return before
  const fs = host?.getBuiltinModule?.('node:fs') as HostFs | undefined
  const env = host?.env ?? {}
  const roots = [...(known ?? rootsOfOlderHosts(which, store, tls, fs, env)), ...(store && fs ? opensslStore(fs, env) : [])]
  if (roots.length) kept.set(which, roots)
  return roots
}

function rootsOfOlderHosts(which: HostRoots, store: boolean, tls: HostTls | undefined, fs: HostFs | undefined, env: Environment): string[] {
  const bundled = store ? [] : [...(tls?.rootCertificates ?? [])]
  if (which === 'bundled' || !fs) return bundled
  if (which === 'default') return [...bundled, ...certificatesIn(fs, env.NODE_EXTRA_CA_CERTS)]
  return opensslStore(fs, env)
}

/** Where OpenSSL looks by itself: a file, and a folder of files named by hash (X509_STORE_set_default_paths(3), openssl-rehash(1)). */
function opensslStore(fs: HostFs, { SSL_CERT_FILE, SSL_CERT_DIR = '' }: Environment): string[] {
  const folders = SSL_CERT_DIR.split(':').filter((folder) => folder && fs.existsSync(folder))
  const hashed = folders.flatMap((folder) => fs.readdirSync(folder).filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name)).map((name) => `${folder}/${name}`))
  return [SSL_CERT_FILE ?? SYSTEM_FILES.find((path) => fs.existsSync(path)), ...hashed].flatMap((path) => certificatesIn(fs, path))
}

/** None where it cannot be read: Node says so itself when it starts, and goes on. */
function certificatesIn(fs: HostFs, path: string | undefined): string[] {
  try {
    return path ? (fs.readFileSync(path, 'utf8').match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----\n?/g) ?? []) : []
  } catch {
    return []
  }
}
