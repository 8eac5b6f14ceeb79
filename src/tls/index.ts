// The package's entry `membio/tls`: everything node:tls exports, by the same names.
import { tls } from './module.ts'
import type { TlsModule } from './types.ts'

export type { TraceField, TraceMessage } from './trace-decode.ts'
export type { Connect, ConnectionOptions, CreateServer, SecurePair, ServerConstructor, TlsModule, TlsOptions, TLSSocketConstructor } from './types.ts'

/** All of it as one object: what is changed there holds for connections to come. */
export default tls
/** What `require` gives. */
export { tls as 'module.exports' }

/** Renegotiations a client may start in CLIENT_RENEG_WINDOW seconds. */
export const CLIENT_RENEG_LIMIT: TlsModule['CLIENT_RENEG_LIMIT'] = tls.CLIENT_RENEG_LIMIT
/** In seconds. */
export const CLIENT_RENEG_WINDOW: TlsModule['CLIENT_RENEG_WINDOW'] = tls.CLIENT_RENEG_WINDOW
/** As it is at the start: `default.DEFAULT_CIPHERS` can be changed. */
export const DEFAULT_CIPHERS: TlsModule['DEFAULT_CIPHERS'] = tls.DEFAULT_CIPHERS
/** 'auto': OpenSSL's list. */
export const DEFAULT_ECDH_CURVE: TlsModule['DEFAULT_ECDH_CURVE'] = tls.DEFAULT_ECDH_CURVE
/** As it is at the start: `default.DEFAULT_MIN_VERSION` can be changed. */
export const DEFAULT_MIN_VERSION: TlsModule['DEFAULT_MIN_VERSION'] = tls.DEFAULT_MIN_VERSION
/** As it is at the start: `default.DEFAULT_MAX_VERSION` can be changed. */
export const DEFAULT_MAX_VERSION: TlsModule['DEFAULT_MAX_VERSION'] = tls.DEFAULT_MAX_VERSION
/** A client's connection: `connect(options)`, `connect(port, host, options)`. */
export const connect: TlsModule['connect'] = tls.connect
/** A server: 'secureConnection' hands out its sockets. */
export const createServer: TlsModule['createServer'] = tls.createServer
/** Certificates and settings for many connections. */
export const createSecureContext: TlsModule['createSecureContext'] = tls.createSecureContext
/** Whether a certificate is for this host (RFC 6125); undefined if it is. */
export const checkServerIdentity: TlsModule['checkServerIdentity'] = tls.checkServerIdentity
/** ALPN names in wire format. */
export const convertALPNProtocols: TlsModule['convertALPNProtocols'] = tls.convertALPNProtocols
/** Trusted certificates in PEM, by where they come from. */
export const getCACertificates: TlsModule['getCACertificates'] = tls.getCACertificates
/** Whom contexts trust that name no `ca`. */
export const setDefaultCACertificates: TlsModule['setDefaultCACertificates'] = tls.setDefaultCACertificates
/** @deprecated `new TLSSocket` takes any Duplex. */
export const createSecurePair: TlsModule['createSecurePair'] = tls.createSecurePair
/** OpenSSL's names, in lower case. */
export const getCiphers: TlsModule['getCiphers'] = tls.getCiphers
/** None. */
export const getCertificateCompressionAlgorithms: TlsModule['getCertificateCompressionAlgorithms'] = tls.getCertificateCompressionAlgorithms
/** A net.Socket that speaks TLS, over a stream of its own or a given one. */
export const TLSSocket: TlsModule['TLSSocket'] = tls.TLSSocket
/** A net.Server whose connections are TLS. */
export const Server: TlsModule['Server'] = tls.Server
/** What `createSecureContext` makes. */
export const SecureContext: TlsModule['SecureContext'] = tls.SecureContext
/** Mozilla's list, as the host ships it. */
export const rootCertificates: TlsModule['rootCertificates'] = tls.rootCertificates
