// Whether a certificate is to be believed, without a connection: OpenSSL's chain verification, told to find every reason.
import { usageError } from '../errors.ts'
import { hostRoots } from '../host-roots.ts'
import { callWith, encodedFields, type Encoded } from './call.ts'
import { Fields, type Field } from './fields.ts'
import { emailAddress, hostName, isIpAddress, objectIdentifier } from './names.ts'
import { parseCertificate, type Certificate } from './parse.ts'

const PURPOSES = {
  server: 'sslserver',
  client: 'sslclient',
  emailSigning: 'smimesign',
  emailEncryption: 'smimeencrypt',
  codeSigning: 'codesign',
  timestamping: 'timestampsign',
  crlSigning: 'crlsign',
  any: undefined,
} as const
/** What a certificate is used for; 'any' asks no question. */
export type Purpose = keyof typeof PURPOSES

/** Which certificate, whom to trust, and what else must hold. */
export interface VerifyOptions {
  /** The certificate in question, PEM or DER. Of a PEM bundle it is the first; the others join `intermediates`. */
  leaf: Encoded
  /** Certificates that may lead to a root. Nobody needs to trust them. */
  intermediates?: Encoded | readonly Encoded[]
  /** Certificates to trust, PEM bundles or DER. Default: the host's (Node, Deno, Bun); elsewhere they must be given. */
  roots?: Encoded | readonly Encoded[]
  /**
   * Revocation lists, PEM or DER. Where there is one at least, each certificate that `crlCheck` asks about must be covered by one
   * (UNABLE_TO_GET_CRL).
   */
  crls?: Encoded | readonly Encoded[]
  /** Which certificates the lists must cover. Default 'chain': all. */
  crlCheck?: 'chain' | 'leaf'
  /** An OCSP response (DER) about the leaf, stapled or fetched: its signature, its dates and the status it gives are checked. */
  ocsp?: Uint8Array
  /**
   * Whether a missing `ocsp` is a reason (OCSP_VERIFY_NEEDED): always, or for a leaf that says so itself (RFC 7633). Default: neither; a
   * program that did not ask for a response cannot miss it.
   */
  requireOcsp?: 'always' | 'must-staple'
  /** The time to verify for. Default: now. */
  time?: Date
  /** A host name or IP address, written as in a URL's host; the leaf must be valid for it. Only subjectAltName counts (RFC 9525). */
  hostname?: string
  /** An IP address that the leaf must be valid for. */
  ip?: string
  /** An email address that the leaf must be valid for. */
  email?: string
  /** What the leaf is used for: extended key usages all along the chain must allow it. Default 'server'. */
  purpose?: Purpose
  /** How many intermediates may stand between leaf and root. Default 100. */
  depth?: number
  /** Default false. True: any certificate in `roots` is trusted, though it is no root. */
  partialChain?: boolean
  /** Default false. True: checks too what RFC 5280 demands of CAs and OpenSSL otherwise lets pass (X509_V_FLAG_X509_STRICT). */
  strict?: boolean
  /**
   * How strong keys and signatures must be, 0 to 5 (SSL_CTX_set_security_level(3)). Default 2, as in TLS: 112 bits; RSA from 2048, no
   * SHA-1.
   */
  securityLevel?: number
  /** Object identifiers of policies, one of which must hold for the chain (RFC 5280, 6.1). Default: any. */
  policies?: readonly string[]
}

/** One reason against a certificate. */
export interface VerifyFailure {
  /** Where in the chain: 0 is the leaf. */
  depth: number
  /**
   * OpenSSL's X509_V_ERR_* name without its prefix: `CERT_HAS_EXPIRED` (openssl-verify(1)). About an OCSP response: CERT_REVOKED,
   * OCSP_CERT_UNKNOWN, OCSP_VERIFY_NEEDED, OCSP_RESP_INVALID, OCSP_SIGNATURE_FAILURE, OCSP_NOT_YET_VALID, OCSP_HAS_EXPIRED,
   * OCSP_NO_RESPONSE (it is about other certificates).
   */
  code: string
  /** In words. */
  message: string
  /** Which certificate: its subject (RFC 4514). Undefined where the chain has none at that depth. */
  subject?: string
}

/** The verdict. Where `ok` is false there is at least one reason, and the chain is to be shown and not to be believed. */
export type VerifyResult =
  /** The chain, leaf first, trust anchor last. */
  | { ok: true; chain: Certificate[] }
  /** Every reason, and the chain as far as it could be built. */
  | { ok: false; errors: VerifyFailure[]; chain: Certificate[] }

/**
 * Verifies a certificate: chain, signatures, dates, names, usages, constraints, policies, and revocation where CRLs or an OCSP response are
 * given. Nothing is fetched. A certificate that is valid for somebody says little: give `hostname`, `ip` or `email` where you know whom
 * you mean.
 * @throws TlsError of kind `usage` where an option is wrong or a certificate cannot be read; what is wrong with the chain is a result
 */
export function verifyCertificate(options: VerifyOptions): VerifyResult {
  const result = new Fields(callWith('verifyCertificate', requestFields(options), 'tls_certificate_verify'))
  const errors = result.groups('error').map((error): VerifyFailure => {
    const subject = error.has('subject') ? error.group('subject').text('text') : undefined
    return { depth: error.number('depth')!, code: error.text('code')!, message: error.text('text')!, ...(subject !== undefined && { subject }) }
  })
  const chain = result.all('certificate').map(parseCertificate)
  return errors.length ? { ok: false, errors, chain } : { ok: true, chain }
}

const CALL = 'verifyCertificate'

function requestFields(options: VerifyOptions): Field[] {
  const { ocsp, time, crlCheck, requireOcsp, policies = [] } = options
  if (options.leaf === undefined) throw usageError(`${CALL}: \`leaf\` is missing: which certificate?`)
  if (ocsp !== undefined && !(ocsp instanceof Uint8Array)) throw usageError(`${CALL}: \`ocsp\` must be a response in DER, as bytes`)
  oneOf('crlCheck', crlCheck, ['chain', 'leaf'])
  oneOf('requireOcsp', requireOcsp, ['always', 'must-staple'])
  if (crlCheck && options.crls === undefined) throw usageError(`${CALL}: \`crlCheck\` is about \`crls\`, and there are none`)
  return [
    ...encodedFields(CALL, 'leaf', options.leaf),
    ...encodedFields(CALL, 'intermediates', options.intermediates),
    ...encodedFields(CALL, 'roots', options.roots ?? hostRoots('roots')),
    ...encodedFields(CALL, 'crls', options.crls),
    ...flag('crlLeafOnly', crlCheck === 'leaf'),
    ...(ocsp ? [['ocsp', ocsp] as const] : []),
    ...flag('ocspAlways', requireOcsp === 'always'),
    ...flag('ocspMustStaple', requireOcsp === 'must-staple'),
    ...(time === undefined ? [] : [timeField(time)]),
    ...identityFields(options),
    ...purposeFields(options.purpose),
    ...numberField('depth', options.depth, 1000),
    ...flag('partialChain', options.partialChain),
    ...flag('strict', options.strict),
    ...numberField('securityLevel', options.securityLevel, 5),
    ...policies.map((oid): Field => ['policy', objectIdentifier(CALL, 'policies', oid)]),
  ]
}

const flag = (name: string, on: boolean | undefined): Field[] => (on ? [[name, '']] : [])

function oneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return
  throw usageError(`${CALL}: \`${name}\` is ${JSON.stringify(value)}; it must be one of ${allowed.join(', ')}`)
}

/** OpenSSL reads an empty name as "do not check", and one with a leading dot as "any below it": neither gets through. */
function identityFields({ hostname, ip, email }: VerifyOptions): Field[] {
  if (ip !== undefined && !isIpAddress(ip)) throw usageError(`${CALL}: \`ip\` is ${JSON.stringify(ip)}, which is no IP address`)
  if (hostname !== undefined && isIpAddress(hostname)) {
    if (ip !== undefined) throw usageError(`${CALL}: \`hostname\` is an IP address: leave out \`ip\``)
    return identityFields({ ip: hostname, email } as VerifyOptions)
  }
  if (hostname?.includes('*')) throw usageError(`${CALL}: \`hostname\` is ${JSON.stringify(hostname)}: certificates have wildcards, hosts have not`)
  return [
    ...(hostname === undefined ? [] : [['hostname', hostName(CALL, 'hostname', hostname)] as const]),
    ...(ip === undefined ? [] : [['ip', ip] as const]),
    ...(email === undefined ? [] : [['email', emailAddress(CALL, 'email', email)] as const]),
  ]
}

function purposeFields(purpose: Purpose = 'server'): Field[] {
  if (!Object.hasOwn(PURPOSES, purpose)) {
    throw usageError(`${CALL}: \`purpose\` is ${JSON.stringify(purpose)}; it must be one of ${Object.keys(PURPOSES).join(', ')}`)
  }
  const name = PURPOSES[purpose]
  return name ? [['purpose', name]] : []
}

function numberField(name: string, value: number | undefined, max: number): Field[] {
  if (value === undefined) return []
  if (Number.isInteger(value) && value >= 0 && value <= max) return [[name, String(value)]]
  throw usageError(`${CALL}: \`${name}\` must be a whole number from 0 to ${max}`)
}

function timeField(time: Date): Field {
  if (time instanceof Date && time.getTime() >= 0) return ['time', String(Math.floor(time.getTime() / 1000))]
  throw usageError(`${CALL}: \`time\` must be a valid Date from 1970 on`)
}
