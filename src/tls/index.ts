// The package's entry `membio/tls`: everything node:tls exports, by the same names, as named exports and as one object that programs may
// change (`tls.DEFAULT_MIN_VERSION = 'TLSv1.3'`).
import { ciphers } from '../engine/ciphers.ts'
import { convertALPNProtocols } from './alpn.ts'
import { connect } from './connect.ts'
import { defaults } from './defaults.ts'
import { checkServerIdentity } from './identity.ts'
import { getCACertificates, setDefaultCACertificates } from './roots.ts'
import { createSecureContext, SecureContext } from './secure-context.ts'
import { createServer, Server } from './server.ts'
import { TLSSocket } from './socket.ts'

let cipherNames: string[] | undefined
let roots: readonly string[] | undefined

/** OpenSSL's names in lower case. */
export const getCiphers = (): string[] => (cipherNames ??= ciphers().map((name) => name.toLowerCase())).slice()

const tls = Object.assign(defaults, {
  getCiphers,
  convertALPNProtocols,
  checkServerIdentity,
  createSecureContext,
  SecureContext,
  TLSSocket,
  Server,
  createServer,
  connect,
  getCACertificates,
  setDefaultCACertificates,
})

/** Mozilla's list, as the host ships it. */
Object.defineProperty(tls, 'rootCertificates', {
  enumerable: true,
  get: () => (roots ??= Object.freeze(getCACertificates('bundled'))),
})

export default tls
export const { CLIENT_RENEG_LIMIT, CLIENT_RENEG_WINDOW, DEFAULT_CIPHERS, DEFAULT_ECDH_CURVE, DEFAULT_MIN_VERSION, DEFAULT_MAX_VERSION } = defaults
export {
  checkServerIdentity,
  connect,
  convertALPNProtocols,
  createSecureContext,
  createServer,
  getCACertificates,
  SecureContext,
  Server,
  setDefaultCACertificates,
  TLSSocket,
}
