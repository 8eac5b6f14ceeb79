// What programs may change for all connections to come, as they do with node:tls: `tls.DEFAULT_MIN_VERSION = 'TLSv1.3'`. It starts with what
// the host's own module says, and so follows its command line (--tls-cipher-list, --tls-min-v1.3, ...).
import type { SecureVersion } from 'node:tls'
import { host } from './host.ts'
import type { createSecureContext } from './secure-context.ts'

export interface Defaults {
  /** Renegotiations a client may start in CLIENT_RENEG_WINDOW seconds. Node's value. */
  CLIENT_RENEG_LIMIT: number
  CLIENT_RENEG_WINDOW: number
  DEFAULT_CIPHERS: string
  DEFAULT_ECDH_CURVE: string
  DEFAULT_MIN_VERSION: SecureVersion
  DEFAULT_MAX_VERSION: SecureVersion
  /** index.ts's: a program may have put another in its place. */
  createSecureContext?: typeof createSecureContext
}

/** Node's own list: ours for membio's other surfaces begins with what is fastest, but programs written for Node see their order. */
const NODE_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'DHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'DHE-RSA-AES128-SHA256',
  'ECDHE-RSA-AES256-SHA384',
  'DHE-RSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA256',
  'DHE-RSA-AES256-SHA256',
  'HIGH',
  '!aNULL',
  '!eNULL',
  '!EXPORT',
  '!DES',
  '!RC4',
  '!MD5',
  '!PSK',
  '!SRP',
  '!CAMELLIA',
].join(':')

/** The very object that `import tls from 'membio/tls'` gives: index.ts adds the functions. */
export const defaults: Defaults = {
  CLIENT_RENEG_LIMIT: host.CLIENT_RENEG_LIMIT ?? 3,
  CLIENT_RENEG_WINDOW: host.CLIENT_RENEG_WINDOW ?? 600,
  DEFAULT_CIPHERS: host.DEFAULT_CIPHERS || NODE_CIPHERS,
  DEFAULT_ECDH_CURVE: host.DEFAULT_ECDH_CURVE ?? 'auto',
  DEFAULT_MIN_VERSION: host.DEFAULT_MIN_VERSION ?? 'TLSv1.2',
  DEFAULT_MAX_VERSION: host.DEFAULT_MAX_VERSION ?? 'TLSv1.3',
}
