// Whom a context trusts that names no `ca`: the host's roots, or what setDefaultCACertificates has put in their place.
import * as host from 'node:tls'
import type { ContextOptions, Encoded } from '../engine/options.ts'
import { hostRoots } from '../host-roots.ts'
import { splitCertificates } from '../x509/parse.ts'
import { bufferOf, errors, isBytes } from './errors.ts'

type Kind = 'default' | 'system' | 'bundled' | 'extra'

let replaced: readonly string[] | undefined

/** For createSecureContext. @param more certificates to trust besides */
export const defaultCertificates = (more: readonly Encoded[]): Pick<ContextOptions, 'ca' | 'hostRoots' | 'extraCa'> => {
  if (replaced) return { ca: [...replaced, ...more] }
  return { hostRoots: 'default', ...(more.length && { extraCa: more }) }
}

/** Certificates in PEM, by where they come from. */
export function getCACertificates(kind: Kind = 'default'): string[] {
  if (typeof kind !== 'string') throw errors.invalidArgType('type', 'string', kind)
  if (kind === 'default' && replaced) return [...replaced]
  if (kind === 'extra') return (host.getCACertificates as ((kind: Kind) => string[]) | undefined)?.('extra') ?? []
  if (!['default', 'system', 'bundled'].includes(kind)) throw errors.invalidArgValue('type', kind)
  return split(hostRoots('ca', kind))
}

/** Replaces the default for contexts to come. */
export function setDefaultCACertificates(certificates: readonly (string | NodeJS.ArrayBufferView)[]): void {
  if (!Array.isArray(certificates)) throw errors.invalidArgType('certs', 'Array', certificates)
  const pem = certificates.map((one, index) => {
    if (typeof one === 'string') return one
    if (isBytes(one)) return bufferOf(one).toString()
    throw errors.invalidArgType(`certs[${index}]`, ['string', 'ArrayBufferView'], one)
  })
  for (const one of pem) splitCertificates(one)
  replaced = pem
}

const split = (pem: string): string[] => pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
