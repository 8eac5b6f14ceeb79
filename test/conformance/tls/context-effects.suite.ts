// What the options of a context do to connections: whom it trusts, what it has revoked, groups, signatures, sessions, keys in all forms.
import { X509Certificate } from 'node:crypto'
import { PassThrough } from 'node:stream'
import type { ConnectionOptions, SecureContext, SecureContextOptions, TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { createCrl } from '../../../src/x509/index.ts'
import { client as goodClient, intermediate, root, server as goodServer, serverWithChain, strangeRoot } from '../../support/certs.ts'
import { bytesOf, dhparam, encryptedKey, PASSPHRASE, pfx, traditionalKey } from './context-fixtures.ts'
import { throwsError } from './error-support.ts'
import { attempt, connected, contextFor, dial, listen, suiteOf } from './server-support.ts'
import type { Subject } from './subject.ts'

export function contextEffectsSuite(subject: Subject): void {
  identitySuite(subject)
  trustSuite(subject)
  revocationSuite(subject)
  groupsSuite(subject)
  sharedSuite(subject)
}

function identitySuite(subject: Subject): void {
  const test = suiteOf(subject, 'identities that serve')
  const { cert, key } = goodServer()
  const rows: [string, () => TlsOptions][] = [
    ['text', () => ({ cert, key })],
    ['bytes', () => ({ cert: Buffer.from(cert), key: bytesOf(key) as Buffer })],
    ['an encrypted key', () => ({ cert, key: encryptedKey(), passphrase: PASSPHRASE })],
    ['an encrypted key in the old form', () => ({ cert, key: traditionalKey(), passphrase: PASSPHRASE })],
    ['an encrypted key in a list', () => ({ cert, key: [{ pem: encryptedKey(), passphrase: PASSPHRASE }] })],
    ['a PFX', () => ({ pfx: pfx(), passphrase: PASSPHRASE })],
    ['a PFX in a list', () => ({ pfx: [{ buf: pfx(), passphrase: PASSPHRASE }] })],
    ['a chain in one file', () => serverWithChain()],
    ['RSA', () => goodServer('RSA-2048')],
    ['Ed25519', () => goodServer('Ed25519')],
  ]
  for (const [name, options] of rows) {
    test(name, async (t) => {
      const { client } = await attempt(t, subject, await listen(t, subject, options()))
      assert.equal([client.text, client.authorized], ['hello', true])
    })
  }

  test('a client with a PFX', async (t) => {
    const listening = await listen(t, subject, { requestCert: true, rejectUnauthorized: false, ca: root().cert })
    listening.server.on('secureConnection', (socket) => assert.is(socket.getPeerCertificate().subject.CN, 'server.test'))
    assert.is((await attempt(t, subject, listening, { pfx: pfx(), passphrase: PASSPHRASE })).client.text, 'hello')
  })
}

function trustSuite(subject: Subject): void {
  const test = suiteOf(subject, 'whom a context trusts')
  const chained = serverWithChain()
  const leaf = chained.cert.slice(0, chained.cert.indexOf('-----END') + 30).trim()
  const alone = { key: chained.key, cert: leaf }

  const rows: [string, TlsOptions, ConnectionOptions, string | undefined][] = [
    ['one of several CAs', {}, { ca: [strangeRoot().cert, root().cert] }, undefined],
    ['one of several CAs in one file', {}, { ca: strangeRoot().cert + root().cert }, undefined],
    ['nobody: an empty list', {}, { ca: [] }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['a stranger only', {}, { ca: strangeRoot().cert }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['a chain', chained, {}, undefined],
    ['an issuer the server left out', alone, { ca: [root().cert, intermediate().cert] }, undefined],
    ['not an issuer alone, without its root', chained, { ca: intermediate().cert }, 'UNABLE_TO_GET_ISSUER_CERT'],
    ['with allowPartialTrustChain, an issuer alone', chained, { ca: intermediate().cert, allowPartialTrustChain: true }, undefined],
    ['with allowPartialTrustChain, the certificate itself', alone, { ca: leaf, allowPartialTrustChain: true }, undefined],
    ["the server's CA completes its chain", { ...alone, ca: [intermediate().cert] }, {}, undefined],
  ]
  for (const [name, server, client, expected] of rows) {
    test(name, async (t) => {
      const outcome = await attempt(t, subject, await listen(t, subject, server), client)
      assert.is(outcome.client.error?.code, expected)
      assert.is(outcome.client.authorized, expected === undefined)
    })
  }
}

const crlFor = (...certs: string[]): string =>
  createCrl({ issuer: root(), revoked: certs.map((cert) => ({ serialNumber: new X509Certificate(cert).serialNumber })) })

function revocationSuite(subject: Subject): void {
  const test = suiteOf(subject, 'revocation lists')
  const stale = () => {
    const [thisUpdate, nextUpdate] = [new Date(Date.now() - 864e5 * 9), new Date(Date.now() - 864e5 * 2)]
    return createCrl({ issuer: root(), thisUpdate, nextUpdate })
  }
  const rows: [string, () => SecureContextOptions['crl'], string | undefined][] = [
    ['a list without it', () => crlFor(goodClient().cert), undefined],
    ['a list with it', () => crlFor(goodServer().cert), 'CERT_REVOKED'],
    ['a list in bytes', () => Buffer.from(crlFor(goodServer().cert)), 'CERT_REVOKED'],
    ['a list of lists', () => [crlFor(goodServer().cert)], 'CERT_REVOKED'],
    ["a list of another issuer's", () => createCrl({ issuer: strangeRoot() }), 'UNABLE_TO_GET_CRL'],
    ['a list that is out of date', stale, 'CRL_HAS_EXPIRED'],
  ]
  for (const [name, crl, expected] of rows) {
    test(`clients: ${name}`, async (t) => {
      const { client } = await attempt(t, subject, await listen(t, subject), { crl: crl() })
      assert.equal([client.error?.code, client.authorized], [expected, expected === undefined])
    })
  }

  test('servers: a client that is revoked', async (t) => {
    const options = { requestCert: true, rejectUnauthorized: false, ca: root().cert, crl: crlFor(goodClient().cert) }
    const { server } = await attempt(t, subject, await listen(t, subject, options), goodClient())
    assert.equal([server.authorized, server.authorizationError], [false, 'CERT_REVOKED'])
  })
}

function groupsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'groups and signatures')
  const AUTO_DH = { ...goodServer('RSA-2048'), maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' } as const
  const rows: [string, TlsOptions, ConnectionOptions, object | undefined][] = [
    ['one group', { ecdhCurve: 'P-384' }, {}, { type: 'ECDH', name: 'secp384r1', size: 384 }],
    ['the client has another one', { ecdhCurve: 'P-256' }, { ecdhCurve: 'P-384' }, undefined],
    [
      'the second in common',
      { ecdhCurve: 'P-521:P-256' },
      { ecdhCurve: 'P-384:prime256v1' },
      { type: 'ECDH', name: 'prime256v1', size: 256 },
    ],
    ['X25519', { ecdhCurve: 'X25519' }, {}, { type: 'ECDH', name: 'X25519', size: 253 }],
    ['automatic DH', { ...AUTO_DH, dhparam: 'auto' }, {}, { type: 'DH', size: 2048 }],
    ['DH by parameters', { ...AUTO_DH, dhparam: dhparam(2048) }, {}, { type: 'DH', size: 2048 }],
    ['no DH without parameters', AUTO_DH, {}, undefined],
    ['DH that is too short for the client', { ...AUTO_DH, dhparam: dhparam(2048) }, { minDHSize: 3072 }, undefined],
    ['no key of that type', { sigalgs: 'rsa_pss_rsae_sha256' }, {}, undefined],
    ['no signature in common', {}, { sigalgs: 'rsa_pss_rsae_sha256' }, undefined],
  ]
  for (const [name, server, client, expected] of rows) {
    test(name, async (t) => {
      const listening = await listen(t, subject, server)
      const dialled = dial(t, subject, listening.port, client)
      let info: object | undefined
      dialled.socket.on('secureConnect', () => {
        info = { ...dialled.socket.getEphemeralKeyInfo() }
        dialled.socket.end()
      })
      await dialled.close()
      assert.equal(info && JSON.parse(JSON.stringify(info)), expected)
      assert.is(dialled.error === undefined, expected !== undefined)
    })
  }
}

function sharedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'contexts that are shared')

  test('one context, many clients', async (t) => {
    const secureContext = contextFor(t, subject, { ca: root().cert, maxVersion: 'TLSv1.2' })
    const listening = await listen(t, subject)
    for (let i = 0; i < 3; i++) {
      const { client } = await attempt(t, subject, listening, { secureContext, ca: undefined })
      assert.equal([client.text, client.protocol, client.authorized], ['hello', 'TLSv1.2', true])
    }
  })

  test('one context at both ends', async (t) => {
    const secureContext = contextFor(t, subject, { ...goodServer(), ca: root().cert })
    const { client, server } = await connected(t, subject, { ...goodServer(), requestCert: true, ca: root().cert }, { secureContext })
    assert.equal([client.socket.authorized, server.socket.authorized], [true, true])
  })

  test('a context that is none', () => {
    throwsError(() => new subject.tls.TLSSocket(new PassThrough() as never, { secureContext: {} as SecureContext }), {
      name: 'TypeError',
      code: 'ERR_TLS_INVALID_CONTEXT',
      message: 'context must be a SecureContext',
    })
  })
}
