// Certificates for tests: a root, an intermediate, and leaves good and bad; made with membio/x509 at first use, once a process.
// PEM only, so that nothing of it counts as a live handle.
import { createCertificate, createKey, type CertificateOptions, type KeyType } from '../../src/x509/index.ts'

export interface Identity {
  cert: string
  key: string
}

/** The host all good server certificates are for, beside 127.0.0.1 and ::1. */
export const HOST = 'server.test'
export const HOSTS = [HOST, 'localhost', '127.0.0.1', '::1']

/** The key types the handshake matrix runs over. */
export const KEY_TYPES = ['RSA-2048', 'P-256', 'Ed25519'] as const satisfies readonly KeyType[]

const DAY = 86_400_000
/** Counted from now, so that peers with a clock of their own agree. */
export const daysFromNow = (days: number): Date => new Date(Date.now() + days * DAY)

const cache = new Map<string, unknown>()

function once<T>(name: string, make: () => T): T {
  if (!cache.has(name)) cache.set(name, make())
  return cache.get(name) as T
}

/** One key of each type: an RSA key takes a second to find, and nothing here depends on keys being different. */
export const keyOf = (type: KeyType): string => once(`key ${type}`, () => createKey(type))

/** Signed by `issuer`, or by itself. */
export function issue(options: Partial<CertificateOptions>, issuer?: Identity, type: KeyType = 'P-256'): Identity {
  const key = (options.key as string | undefined) ?? (options.ca ? createKey(type) : keyOf(type))
  return { key, cert: createCertificate({ ...options, key, ...(issuer && { issuer }) }) }
}

/** The root that clients trust. */
export const root = (): Identity => once('root', () => issue({ subject: { CN: 'membio test root' }, ca: true }))

/** A root with the same name as nobody's: what it signs is trusted by nobody. */
export const strangeRoot = (): Identity => once('strange root', () => issue({ subject: { CN: 'membio strange root' }, ca: true }))

export const intermediate = (): Identity =>
  once('intermediate', () => issue({ subject: { CN: 'membio test intermediate' }, ca: true }, root()))

/** A good server, by type of key. */
export const server = (type: KeyType = 'P-256'): Identity =>
  once(`server ${type}`, () => issue({ subject: { O: 'membio', CN: HOST }, hosts: HOSTS }, root(), type))

/** A good client. */
export const client = (type: KeyType = 'P-256'): Identity =>
  once(`client ${type}`, () => issue({ subject: { CN: 'client.test' }, usage: ['client'] }, root(), type))

/** A server for another host. */
export const serverFor = (host: string): Identity =>
  once(`server for ${host}`, () => issue({ subject: { CN: host }, hosts: [host] }, root()))

const behindIntermediate = (): Identity => once('leaf behind', () => issue({ subject: { CN: HOST }, hosts: HOSTS }, intermediate()))

/** As it should be sent: the leaf, then its issuer. */
export const serverWithChain = (): Identity =>
  once('chain', () => ({ key: behindIntermediate().key, cert: behindIntermediate().cert + intermediate().cert }))

/** The identities that a client must refuse, or a server. */
export type Bad =
  'expired' | 'notYetValid' | 'selfSigned' | 'wrongHost' | 'wrongUsage' | 'unknownCa' | 'withoutIntermediate' | 'expiredIntermediate'

const MAKE_BAD: Record<Bad, () => Identity> = {
  expired: () => issue({ subject: { CN: HOST }, hosts: HOSTS, notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) }, root()),
  notYetValid: () => issue({ subject: { CN: HOST }, hosts: HOSTS, notBefore: daysFromNow(1), notAfter: daysFromNow(30) }, root()),
  selfSigned: () => issue({ subject: { CN: HOST }, hosts: HOSTS }),
  wrongHost: () => serverFor('other.test'),
  wrongUsage: () => issue({ subject: { CN: HOST }, hosts: HOSTS, usage: ['client'] }, root()),
  unknownCa: () => issue({ subject: { CN: HOST }, hosts: HOSTS }, strangeRoot()),
  withoutIntermediate: behindIntermediate,
  expiredIntermediate: () => {
    const old = issue({ subject: { CN: 'expired intermediate' }, ca: true, notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) }, root())
    const leaf = issue({ subject: { CN: HOST }, hosts: HOSTS }, old)
    return { key: leaf.key, cert: leaf.cert + old.cert }
  },
}

export const bad = (kind: Bad): Identity => once(`bad ${kind}`, MAKE_BAD[kind])

/** PEM to DER, the first block of it. */
export function derOf(pem: string): Uint8Array<ArrayBuffer> {
  const body = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(pem)![1]!
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0))
}
