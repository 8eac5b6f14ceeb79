// Our own certificates: Node's `cert`, `key` and `pfx` in all their forms, as the engine's identities.
import type { SecureContextOptions } from 'node:tls'
import { TlsError } from '../errors.ts'
import type { Encoded, Identity } from '../engine/options.ts'
import { parsePkcs12, type Pkcs12 } from '../x509/containers.ts'
import { publicKey } from '../x509/keys.ts'
import { parseCertificate } from '../x509/parse.ts'
import { completeChain, pemBundle } from './chain.ts'
import { bufferOf, errors, isBytes, validateString } from './errors.ts'
import { nodeError } from './node-errors.ts'

type Options = SecureContextOptions & Record<string, unknown>

interface Key {
  key: Encoded
  passphrase?: string
}

export interface OwnCertificates {
  identities: Identity[]
  /** Certificates that came with a PKCS #12 file: Node trusts them. */
  trusted: Encoded[]
  /** The first certificate's chain in DER, with or without a key to it. */
  chain: Uint8Array[]
}

/** PEM or DER, or several of them. */
export const encodedList = (name: string, values: unknown): Encoded[] => [values].flat().map((value) => encoded(name, value))

export function encoded(name: string, value: unknown): Encoded {
  if (typeof value === 'string') return value
  if (!isBytes(value)) throw errors.invalidArgType(name, ['string', 'Buffer', 'TypedArray', 'DataView'], value)
  return bufferOf(value)
}

/** @param ca what completes the chains */
export function ownCertificates(options: Options, ca: readonly Encoded[]): OwnCertificates {
  const { cert, key, passphrase, pfx } = options
  refuseEngines(options)
  const certs = cert ? encodedList('options.cert', cert) : []
  if (key && !Array.isArray(key)) encoded('options.key', key) // only in a list a key may have its own passphrase
  const keys = key ? [key].flat().map((one) => keyOf(one, passphrase)) : []
  const chains = certs.map((one) => inNodesWords(() => completeChain(one, ca)))
  const files = pfx == null ? [] : [pfx].flat().map((one) => container(one, passphrase))
  const trusted = files.flatMap((file) => file.chain.map(({ der }) => der))
  return {
    identities: [...pairs(certs, chains, keys), ...files.map(identityOf)],
    trusted,
    chain: chains[0] ?? files.map(({ certificate, chain }) => [certificate!, ...chain].map(({ der }) => der))[0] ?? [],
  }
}

/** Each key goes with its certificate, whatever their order; one that is alone is left out, as Node does, but must be one. */
function pairs(certs: readonly Encoded[], chains: readonly Uint8Array[][], keys: readonly Key[]): Identity[] {
  const bundles = chains.map((chain, index) => (chain.length > 1 ? pemBundle(chain) : certs[index]!))
  if (!certs.length) for (const { key, passphrase } of keys) inNodesWords(() => publicKey(key, { passphrase }))
  if (certs.length < 2 && keys.length < 2) return certs.length && keys.length ? [{ cert: bundles[0]!, ...keys[0] }] : []
  const owners = chains.map((chain) => Buffer.from(parseCertificate(chain[0]!).key.spki))
  return keys.flatMap((key, index) => {
    const own = Buffer.from(inNodesWords(() => publicKey(key.key, { passphrase: key.passphrase, format: 'der' })))
    const at = owners.findIndex((owner) => owner.equals(own))
    const cert = bundles[at] ?? bundles[index]
    return cert ? [{ cert, ...key }] : []
  })
}

function keyOf(given: unknown, passphrase: unknown): Key {
  const isBare = typeof given !== 'object' || isBytes(given)
  const { pem = given, passphrase: own = passphrase } = (isBare ? {} : (given ?? {})) as { pem?: unknown; passphrase?: unknown }
  const key = encoded('options.key', pem)
  if (own !== undefined && own !== null) validateString(own, 'options.passphrase')
  return { key, ...(own != null && { passphrase: own as string }) }
}

// ---- PKCS #12. ----

function container(given: unknown, passphrase: unknown): Pkcs12 {
  const isBare = typeof given === 'string' || isBytes(given)
  const { buf = given, passphrase: own = passphrase } = (isBare ? {} : given) as { buf?: unknown; passphrase?: unknown }
  if (typeof buf !== 'string' && !isBytes(buf)) throw errors.invalidArgType('options.pfx', ['string', 'Buffer', 'TypedArray', 'DataView'], buf)
  const bytes = typeof buf === 'string' ? Buffer.from(buf, 'latin1') : bufferOf(buf)
  const file = readContainer(bytes, own == null ? undefined : String(own))
  if (!file.key) throw new Error('Unable to load private key from PFX data')
  if (!file.certificate) throw new Error('Unable to load certificate from PFX data')
  return file
}

function readContainer(bytes: Uint8Array, passphrase: string | undefined): Pkcs12 {
  try {
    return parsePkcs12(bytes, passphrase)
  } catch (error) {
    const { reason } = error as TlsError
    if (reason === 'unsupported') throw errors.unsupportedContainer()
    throw reason ? new Error(reason, { cause: error }) : error
  }
}

const identityOf = ({ key, certificate, chain }: Pkcs12): Identity => ({
  cert: pemBundle([certificate!, ...chain].map(({ der }) => der)),
  key: key!,
})

// ---- Engines. ----

/** OpenSSL's engines are shared libraries: there is nothing to load here. */
function refuseEngines({ key, privateKeyIdentifier, privateKeyEngine, clientCertEngine }: Options): void {
  const kinds = ['string', 'null', 'undefined']
  if (privateKeyIdentifier !== undefined && privateKeyIdentifier !== null) {
    if (privateKeyEngine === undefined || privateKeyEngine === null) throw errors.invalidArgValue('options.privateKeyEngine', privateKeyEngine)
    if (key) throw errors.invalidArgValue('options.privateKeyIdentifier', privateKeyIdentifier)
    if (typeof privateKeyIdentifier !== 'string') throw errors.invalidArgType('options.privateKeyIdentifier', kinds, privateKeyIdentifier)
    if (typeof privateKeyEngine !== 'string') throw errors.invalidArgType('options.privateKeyEngine', kinds, privateKeyEngine)
    throw errors.engineNotSupported()
  }
  if (clientCertEngine === undefined || clientCertEngine === null) return
  if (typeof clientCertEngine !== 'string') throw errors.invalidArgType('options.clientCertEngine', kinds, clientCertEngine)
  throw errors.engineNotSupported()
}

function inNodesWords<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw error instanceof TlsError ? nodeError(error) : error
  }
}
