// Whom a context trusts that names no `ca`: the host's roots, or what setDefaultCACertificates has put in their place.
import type { ContextOptions, Encoded } from '../engine/options.ts'
import { TlsError } from '../errors.ts'
import { extraRoots, hostRootList } from '../host-roots.ts'
import { splitCertificates } from '../x509/parse.ts'
import { bufferOf, errors, isBytes } from './errors.ts'
import { host } from './host.ts'
import { nodeError } from './node-errors.ts'

type Kind = 'default' | 'system' | 'bundled' | 'extra'
const KINDS: readonly unknown[] = ['default', 'system', 'bundled', 'extra']

const hostLists = {
  bundled: () => [...host.rootCertificates],
  system: () => [...hostList('system')],
  default: () => [...hostList('default')],
}

let replaced: readonly string[] | undefined
const lists = new Map<Kind, readonly string[]>()

/** For createSecureContext. @param more certificates to trust besides */
export const defaultCertificates = (more: readonly Encoded[]): Pick<ContextOptions, 'ca' | 'hostRoots' | 'extraCa'> => {
  if (replaced ?? !hostList('default').length) return { ca: [...(replaced ?? []), ...more] }
  return { hostRoots: 'default', ...(more.length && { extraCa: more }) }
}

/** Certificates in PEM, by where they come from: the same frozen list each time. */
export function getCACertificates(kind: Kind = 'default'): readonly string[] {
  if (typeof kind !== 'string') throw errors.invalidArgType('type', 'string', kind)
  if (!KINDS.includes(kind)) throw errors.invalidArgValue('type', kind)
  const known = lists.get(kind)
  if (known) return known
  const list = Object.freeze(kind === 'default' && replaced ? [...replaced] : kind === 'extra' ? [...extra()] : hostLists[kind]())
  lists.set(kind, list)
  return list
}

/** Replaces the default for contexts to come. @throws and changes nothing where one of them is no certificate */
export function setDefaultCACertificates(certificates: readonly (string | NodeJS.ArrayBufferView)[]): void {
  if (!Array.isArray(certificates)) throw errors.invalidArgType('certs', 'Array', certificates)
  const given = certificates.map((one, index) => {
    if (typeof one === 'string') return one
    if (isBytes(one)) return bufferOf(one).toString()
    throw errors.invalidArgType(`certs[${index}]`, ['string', 'ArrayBufferView'], one)
  })
  const pem = given.flatMap(split)
  if (given.length && !pem.length) throw errors.noCertificates()
  replaced = [...new Set(pem.map(checked))]
  lists.delete('default')
}

function checked(pem: string): string {
  try {
    splitCertificates(pem)
    return pem
  } catch (error) {
    throw error instanceof TlsError ? nodeError(error) : error
  }
}

function extra(): readonly string[] {
  return (host.getCACertificates as ((kind: Kind) => string[]) | undefined)?.('extra') ?? extraRoots()
}

/** None is an answer here, and no error: a program may have emptied the store, to trust nobody. */
function hostList(kind: 'default' | 'system'): readonly string[] {
  try {
    return hostRootList('ca', kind)
  } catch (error) {
    if (error instanceof TlsError && error.code === 'ERR_TLS_NO_CA') return []
    throw error
  }
}

const split = (pem: string): string[] => pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
