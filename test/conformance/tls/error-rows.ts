// Handshakes that fail: the situation, and the error at each end.
import type { ConnectionOptions, SecureVersion, TlsOptions } from 'node:tls'
import { createCrl } from '../../../src/x509/index.ts'
import { bad, client as goodClient, HOST, issue, root, server as goodServer, strangeRoot } from '../../support/certs.ts'
import { X509Certificate } from 'node:crypto'
import { alert, disconnected, hangUp, ssl, verdictAlert, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { has, type Subject } from './subject.ts'

/** `secure`: the handshake succeeds for this end; it may be told better (`or`). */
export type End = ExpectedError | { secure: true; or?: ExpectedError }

export interface ErrorRow {
  readonly situation: string
  readonly server?: TlsOptions
  readonly client?: ConnectionOptions
  readonly expected: { readonly server: End; readonly client: End }
}

/** The rows, where both ends speak at most this version. */
export const errorRows = (subject: Subject, version: SecureVersion): readonly ErrorRow[] => [
  ...negotiationRows(subject, version),
  ...trustRows(subject, version),
]

/** OpenSSL refuses, and tells the other end why. */
function negotiationRows(subject: Subject, version: SecureVersion): ErrorRow[] {
  const handshakeFailure = alert(subject, 'handshake failure', 'ssl/tls')
  const wrongVersion = { server: ssl('unsupported protocol'), client: alert(subject, 'protocol version', 'tlsv1') }
  const noApplication = { server: ssl('no application protocol'), client: alert(subject, 'no application protocol', 'tlsv1') }
  const noSignature = { server: ssl('no shared signature algorithms'), client: handshakeFailure }
  const noCipher = { server: ssl('no shared cipher'), client: handshakeFailure }
  const tls12 = version === 'TLSv1.2'
  const refusedClient = (code: string): End => ({ ...(tls12 ? disconnected : { secure: true }), or: verdictAlert(subject, code) })
  const [ours, theirs] = tls12
    ? ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']
    : ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384']
  return [
    tls12
      ? { situation: 'the client wants a newer version', client: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }, expected: wrongVersion }
      : {
          situation: 'the server wants a newer version',
          server: { minVersion: version },
          client: { maxVersion: 'TLSv1.2' },
          expected: wrongVersion,
        },
    { situation: 'no cipher in common', server: { ciphers: ours }, client: { ciphers: theirs }, expected: noCipher },
    {
      situation: 'no group in common',
      server: { ecdhCurve: 'P-256' },
      client: { ecdhCurve: 'P-384' },
      expected: tls12 ? noCipher : { server: ssl('no suitable key share'), client: handshakeFailure },
    },
    {
      situation: 'no signature algorithm in common',
      server: { sigalgs: 'ecdsa_secp256r1_sha256' },
      client: { sigalgs: 'rsa_pss_rsae_sha256' },
      expected: noSignature,
    },
    {
      situation: 'no protocol in common',
      server: { ALPNProtocols: ['h2'] },
      client: { ALPNProtocols: ['http/1.1'] },
      expected: noApplication,
    },
    {
      situation: 'no certificate at all',
      server: { cert: undefined, key: undefined },
      // With keys of other kinds in mind, a server may find earlier that nothing will do.
      expected: tls12
        ? noCipher
        : { server: { ...ssl('no suitable signature algorithm'), or: ssl('no shared cipher') }, client: handshakeFailure },
    },
    {
      situation: 'a client certificate is required, and there is none',
      server: { requestCert: true, ca: root().cert },
      expected: {
        server: ssl('peer did not return a certificate'),
        client: tls12 ? handshakeFailure : alert(subject, 'certificate required', 'tlsv13'),
      },
    },
    {
      situation: 'a client certificate is required, and nobody trusts it',
      server: { requestCert: true, ca: root().cert },
      client: issue({ subject: { CN: 'client.test' }, usage: ['client'] }, strangeRoot()),
      expected: { server: hangUp, client: refusedClient('UNABLE_TO_VERIFY_LEAF_SIGNATURE') },
    },
    {
      situation: 'a client certificate is required, and it is revoked',
      server: { requestCert: true, ca: root().cert, crl: crlFor(goodClient().cert) },
      client: goodClient(),
      expected: { server: hangUp, client: refusedClient('CERT_REVOKED') },
    },
    {
      situation: 'the SNI callback has an error',
      server: { SNICallback: (_, done) => done(Object.assign(new Error('no such host'), { code: 'ENOHOST' })) },
      expected: { server: { code: 'ENOHOST', message: 'no such host' }, client: disconnected },
    },
  ]
}

const crlFor = (cert: string) => createCrl({ issuer: root(), revoked: [{ serialNumber: new X509Certificate(cert).serialNumber }] })

/** The client refuses after its handshake; it hangs up, and a server of TLS 1.2 was done by then. */
function trustRows(subject: Subject, version: SecureVersion): ErrorRow[] {
  const server = (code: string): End => ({ ...(version === 'TLSv1.2' ? { secure: true } : hangUp), or: verdictAlert(subject, code) })
  const unverified = { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', message: /^unable to verify the first certificate/ }
  const rows: [string, TlsOptions, ExpectedError, ConnectionOptions?][] = [
    ['a certificate that has expired', bad('expired'), { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }],
    ['a certificate that is not yet valid', bad('notYetValid'), { code: 'CERT_NOT_YET_VALID', message: 'certificate is not yet valid' }],
    [
      'a certificate signed by itself',
      bad('selfSigned'),
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: /^self-signed certificate(;|$)/ },
    ],
    ['a certificate of an unknown CA', bad('unknownCa'), unverified],
    ['a certificate whose issuer was not sent', bad('withoutIntermediate'), unverified],
    [
      'a chain that ends in a root nobody trusts',
      chained(),
      { code: 'SELF_SIGNED_CERT_IN_CHAIN', message: /^self-signed certificate in certificate chain/ },
    ],
    ['an issuer that has expired', bad('expiredIntermediate'), { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }],
    ['a certificate for clients', bad('wrongUsage'), { code: 'INVALID_PURPOSE', message: 'unsuitable certificate purpose' }],
    [
      'a certificate for another host',
      bad('wrongHost'),
      {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        message: `Hostname/IP does not match certificate's altnames: Host: ${HOST}. is not in the cert's altnames: DNS:other.test`,
        fields: { host: HOST, reason: `Host: ${HOST}. is not in the cert's altnames: DNS:other.test` },
      },
    ],
    [
      'a certificate that is revoked',
      goodServer(),
      { code: 'CERT_REVOKED', message: 'certificate revoked' },
      { crl: crlFor(goodServer().cert) },
    ],
    [
      'a revocation list of another CA',
      goodServer(),
      { code: 'UNABLE_TO_GET_CRL', message: 'unable to get certificate CRL' },
      { crl: createCrl({ issuer: strangeRoot() }) },
    ],
  ]
  return rows.map(([situation, options, error, client]) => ({
    situation,
    server: options,
    client,
    expected: { server: server(error.code!), client: error },
  }))
}

/** A leaf of a stranger, who sends his root as well. */
function chained(): TlsOptions {
  const leaf = bad('unknownCa')
  return { key: leaf.key, cert: leaf.cert + strangeRoot().cert }
}

/** Bytes that a client, or a server, sends in place of TLS; and what the end that speaks TLS makes of it. */
export const wireRows = (subject: Subject): readonly (readonly [string, Buffer, server: ExpectedError, client: ExpectedError])[] => {
  const wrongVersion = ssl('wrong version number')
  const tooLong = ssl(has(subject, DIFFERENCES.openssl35) ? 'data length too long' : 'packet length too long')
  return [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), ssl('http request'), ssl('http request')],
    ['an answer of HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), wrongVersion, wrongVersion],
    [
      'a request to a proxy',
      Buffer.from('CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n'),
      ssl('https proxy request'),
      ssl('https proxy request'),
    ],
    ["SSH's greeting", Buffer.from('SSH-2.0-OpenSSH_9.0\r\n'), wrongVersion, wrongVersion],
    ['garbage', Buffer.alloc(100, 0xff), wrongVersion, wrongVersion],
    ['a record that is too long', Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(1000)]), tooLong, tooLong],
    [
      'plaintext',
      Buffer.concat([Buffer.from('1703030020', 'hex'), Buffer.alloc(32)]),
      ssl('unexpected message'),
      ssl('unexpected message'),
    ],
  ]
}

/** Alerts (RFC 8446, 6) by number, and what OpenSSL calls them. */
export const ALERTS: readonly (readonly [number, string, prefix: 'ssl/tls' | 'tlsv1' | 'tlsv13' | 'tlsv1 extension'])[] = [
  [10, 'unexpected message', 'ssl/tls'],
  [20, 'bad record mac', 'ssl/tls'],
  [22, 'record overflow', 'tlsv1'],
  [40, 'handshake failure', 'ssl/tls'],
  [42, 'bad certificate', 'ssl/tls'],
  [43, 'unsupported certificate', 'ssl/tls'],
  [44, 'certificate revoked', 'ssl/tls'],
  [45, 'certificate expired', 'ssl/tls'],
  [46, 'certificate unknown', 'ssl/tls'],
  [47, 'illegal parameter', 'ssl/tls'],
  [48, 'unknown ca', 'tlsv1'],
  [49, 'access denied', 'tlsv1'],
  [50, 'decode error', 'tlsv1'],
  [51, 'decrypt error', 'tlsv1'],
  [70, 'protocol version', 'tlsv1'],
  [71, 'insufficient security', 'tlsv1'],
  [80, 'internal error', 'tlsv1'],
  [86, 'inappropriate fallback', 'tlsv1'],
  [90, 'user cancelled', 'tlsv1'],
  [109, 'missing extension', 'tlsv13'],
  [110, 'unsupported extension', 'tlsv1 extension'],
  [112, 'unrecognized name', 'tlsv1 extension'],
  [113, 'bad certificate status response', 'tlsv1 extension'],
  [115, 'unknown psk identity', 'tlsv1'],
  [116, 'certificate required', 'tlsv13'],
  [120, 'no application protocol', 'tlsv1'],
]
