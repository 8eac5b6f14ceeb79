// `secureContext.context`: the names that some drivers, and programs that patch their way to an option, know from Node's native context. Each
// takes what Node's own JavaScript would hand it, and holds for connections to come.
import type { ContextOptions, Encoded, LegacyVersion, Version } from '../engine/options.ts'
import { TlsError } from '../errors.ts'
import { publicKey } from '../x509/keys.ts'
import { parseCertificate, splitCertificates } from '../x509/parse.ts'
import { completeChain, pemBundle } from './chain.ts'
import { ContextHandle } from './context-handle.ts'
import { dhParameters } from './dh-parameters.ts'
import { bufferOf, errors, validateBuffer, validateInteger, validateString } from './errors.ts'
import { encoded, ownCertificates } from './identities.ts'
import { nodeError } from './node-errors.ts'

type Pem = string | NodeJS.ArrayBufferView

interface Key {
  key: Encoded
  passphrase?: string
}

/** openssl/prov_ssl.h: TLS1_VERSION and so on. */
const VERSIONS: Record<number, Version | LegacyVersion> = { 0x0301: 'TLSv1', 0x0302: 'TLSv1.1', 0x0303: 'TLSv1.2', 0x0304: 'TLSv1.3' }

/** An OpenSSL cipher list without TLS 1.3's suites, and the security level that may stand in it. */
export function cipherListOf(cipherList: string): Pick<ContextOptions, 'cipherList' | 'securityLevel'> {
  const level = /@SECLEVEL=(\d)/.exec(cipherList)?.[1]
  return { cipherList, ...(level && { securityLevel: Number(level) }) }
}

export class NativeContext extends ContextHandle {
  /** What setCert and setKey were given last: each waits for the other. */
  #cert: { pem: Encoded; spki: Uint8Array } | undefined
  #key: Key | undefined

  /** @throws TypeError for what only inherits from a context */
  /** Node: a handle for native code. */
  get _external(): object {
    return this.#cert ?? this.options
  }

  // ---- Who we are. ----

  /** A certificate, with the chain above it. Takes effect with its key, which may be there already. */
  setCert(cert: Pem): void {
    const { ca } = this.options
    const chain = inNodesWords(() => completeChain(encoded('cert', cert), ca ? [ca].flat() : []))
    this.ownChain = chain
    this.#cert = { pem: pemBundle(chain), spki: parseCertificate(chain[0]!).key.spki }
    this.#pair()
  }

  setKey(key: Pem, passphrase?: string | null): void {
    const given = { key: encoded('key', key), ...(passphrase != null && { passphrase }) }
    inNodesWords(() => publicKey(given.key, { passphrase: given.passphrase })) // a key that cannot be read
    this.#key = given
    this.#pair()
  }

  #pair(): void {
    const cert = this.#cert
    if (!cert) return
    const { identities = [] } = this.options
    const owner = [this.#key, ...identities].find((one) => one?.key !== undefined && Buffer.from(spkiOf(one as Key)).equals(cert.spki))
    if (!owner) return
    const others = identities.filter((one) => one.key === undefined || !Buffer.from(spkiOf(one as Key)).equals(cert.spki))
    this.change({ identities: [...others, { cert: cert.pem, key: owner.key, passphrase: owner.passphrase }] })
  }

  loadPKCS12(pfx: Pem, passphrase?: Pem | null): void {
    const text = passphrase == null || typeof passphrase === 'string' ? passphrase : bufferOf(passphrase).toString()
    const own = ownCertificates({ pfx: [{ buf: pfx as Buffer, passphrase: text ?? undefined }] }, [])
    const { identities = [] } = this.options
    this.ownChain = own.chain
    this.change({ identities: [...identities, ...own.identities] })
    for (const one of own.trusted) this.addCACert(bufferOf(one as Uint8Array))
  }

  setEngineKey(): never {
    throw errors.engineNotSupported()
  }

  setClientCertEngine(): never {
    throw errors.engineNotSupported()
  }

  // ---- Whom to trust. ----

  addCACert(certificate: Pem): void {
    const one = encoded('cert', certificate)
    inNodesWords(() => splitCertificates(one))
    const { ca, extraCa } = this.options
    if (ca) this.configure({ ca: [...[ca].flat(), one] })
    else this.configure({ extraCa: [...(extraCa ? [extraCa].flat() : []), one] })
  }

  /** The host's roots beside those that are trusted already. */
  addRootCerts(): void {
    const { ca, extraCa } = this.options
    const own = [...(ca ? [ca].flat() : []), ...(extraCa ? [extraCa].flat() : [])]
    this.configure({ hostRoots: 'default', ca: undefined, ...(own.length && { extraCa: own }) })
  }

  addCRL(crl: Pem): void {
    const { crls } = this.options
    this.change({ crls: [...(crls ? [crls].flat() : []), encoded('crl', crl)] })
  }

  setAllowPartialTrustChain(): void {
    this.change({ partialChain: true })
  }

  // ---- What to speak. ----

  /** TLS 1.2 and below. */
  setCiphers(list: string): void {
    validateString(list, 'ciphers')
    this.change(cipherListOf(list))
  }

  /** TLS 1.3. */
  setCipherSuites(list: string): void {
    validateString(list, 'ciphers')
    this.change({ cipherSuites: list.split(':').filter(Boolean) })
  }

  setSigalgs(list: string): void {
    validateString(list, 'sigalgs')
    this.change({ signatureSchemes: list.split(':') })
  }

  setECDHCurve(list: string): void {
    validateString(list, 'ecdhCurve')
    if (list !== 'auto') this.change({ groups: list.split(':') })
  }

  /** @param parameters PEM; true for those that fit the certificate's key */
  setDHParam(parameters: true | Pem): void {
    this.change({ dhParameters: dhParameters(parameters === true ? 'auto' : parameters) })
  }

  /** @param version OpenSSL's number, 0x0303 for TLS 1.2; 0 for the lowest there is */
  setMinProto(version: number): void {
    this.change({ minVersion: versionOf(version, 'TLSv1') })
  }

  /** @param version 0 for the highest there is */
  setMaxProto(version: number): void {
    this.change({ maxVersion: versionOf(version, 'TLSv1.3') })
  }

  getMinProto(): number {
    return numberOf(this.options.minVersion ?? 'TLSv1.2')
  }

  getMaxProto(): number {
    return numberOf(this.options.maxVersion ?? 'TLSv1.3')
  }

  /** @param bits SSL_OP_*, beside those that are set */
  setOptions(bits: number): void {
    validateInteger(bits, 'options', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const { dangerousOpensslOptions: before = 0 } = this.options
    this.change({ dangerousOpensslOptions: BigInt.asUintN(64, BigInt(before) | BigInt(bits)) })
  }

  // ---- Sessions; the keys for tickets are context-handle.ts's. ----

  setSessionIdContext(context: string): void {
    validateString(context, 'sessionIdContext')
    this.change({ sessionIdContext: Buffer.from(context) })
  }

  /** @param seconds as long as a session can be resumed */
  setSessionTimeout(seconds: number): void {
    validateInteger(seconds, 'sessionTimeout', 0, 2147483647)
    if (seconds) this.change({ sessionLifetime: seconds })
  }

  override setTicketKeys(keys: NodeJS.ArrayBufferView): boolean {
    validateBuffer(keys, 'keys')
    return super.setTicketKeys(keys)
  }

  /** Node calls it once for its own callback; there is none to enable here. */
  override enableTicketKeyCallback(): void {}
}

function versionOf(number: number, unset: Version | LegacyVersion): Version | LegacyVersion {
  const version = number === 0 ? unset : VERSIONS[number]
  if (!version) throw errors.invalidArgValue('version', number)
  return version
}

const numberOf = (version: Version | LegacyVersion): number => Number(Object.entries(VERSIONS).find(([, name]) => name === version)![0])

const spkiOf = ({ key, passphrase }: Key): Uint8Array => publicKey(key, { passphrase, format: 'der' })

function inNodesWords<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw error instanceof TlsError ? nodeError(error) : error
  }
}
