// Everything node:tls exports as one object, which programs may change (`tls.DEFAULT_MIN_VERSION = 'TLSv1.3'`).
import { ciphers } from '../engine/ciphers.ts'
import { convertALPNProtocols } from './alpn.ts'
import { connect } from './connect.ts'
import { defaults } from './defaults.ts'
import { checkServerIdentity } from './identity.ts'
import { getCACertificates, setDefaultCACertificates } from './roots.ts'
import { createSecureContext, SecureContext } from './secure-context.ts'
import { createSecurePair } from './secure-pair.ts'
import { createServer, Server } from './server.ts'
import { TLSSocket } from './socket.ts'
import type { TlsModule } from './types.ts'

let cipherNames: string[] | undefined

/** OpenSSL's names in lower case, sorted. */
const getCiphers = (): string[] => (cipherNames ??= ciphers().map((name) => name.toLowerCase()).sort()).slice()

/** None: there is neither zlib nor another in openssl.wasm. */
const getCertificateCompressionAlgorithms = (): string[] => []

/** The very object whose DEFAULT_* the other files read. Its functions are Node's by contract; test/conformance/tls holds them to it. */
export const tls = Object.assign(defaults, {
  getCiphers,
  getCertificateCompressionAlgorithms,
  convertALPNProtocols,
  checkServerIdentity,
  createSecureContext,
  // As in Node, to be called with `new` or without.
  SecureContext: new Proxy(SecureContext, { apply: (Class, _this, args) => new Class(...(args as [])) }),
  TLSSocket,
  Server,
  createServer,
  connect,
  createSecurePair,
  getCACertificates,
  setDefaultCACertificates,
}) as unknown as TlsModule

// A getter: Mozilla's list is read from the host when somebody asks for it.
Object.defineProperty(tls, 'rootCertificates', { enumerable: true, get: () => getCACertificates('bundled') })
