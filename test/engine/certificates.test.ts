// Whom to trust: each bad certificate is refused with its X509_V_ERR name and depth, in both directions, and the other side is told.
import * as assert from 'uvu/assert'
import type { ContextOptions, EngineOptions, Version } from '../../src/index.ts'
import {
  bad,
  client,
  derOf,
  HOST,
  intermediate,
  issue,
  root,
  server,
  serverFor,
  serverWithChain,
  strangeRoot,
  daysFromNow,
  type Bad,
  type Identity,
} from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { makePair, type PairOptions } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const certificates = suite('engine: certificates')

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

interface Refusal {
  verify: string
  depth: number
  alert: string
  message: RegExp
}

const REFUSALS: Record<Bad, Refusal> = {
  expired: { verify: 'CERT_HAS_EXPIRED', depth: 0, alert: 'certificate_expired', message: /certificate has expired/ },
  notYetValid: { verify: 'CERT_NOT_YET_VALID', depth: 0, alert: 'bad_certificate', message: /certificate is not yet valid/ },
  selfSigned: {
    verify: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    depth: 0,
    alert: 'unknown_ca',
    message: /self-signed certificate.*pass this very certificate as `ca`/,
  },
  wrongHost: { verify: 'HOSTNAME_MISMATCH', depth: 0, alert: 'bad_certificate', message: /hostname mismatch \(expected "server.test"\)/ },
  wrongUsage: { verify: 'INVALID_PURPOSE', depth: 0, alert: 'unsupported_certificate', message: /extended key usage/ },
  unknownCa: {
    verify: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    depth: 0,
    alert: 'unknown_ca',
    message: /unable to get local issuer certificate.*`ca`/,
  },
  withoutIntermediate: {
    verify: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    depth: 0,
    alert: 'unknown_ca',
    message: /let the peer send its intermediates/,
  },
  expiredIntermediate: { verify: 'CERT_HAS_EXPIRED', depth: 1, alert: 'certificate_expired', message: /depth 1/ },
}

for (const maxVersion of VERSIONS) {
  for (const [kind, expected] of Object.entries(REFUSALS) as [Bad, Refusal][]) {
    certificates(`a client refuses a server: ${kind}, ${maxVersion}`, (t) => {
      const pair = t.own(makePair({ client: { maxVersion }, server: bad(kind) })).run()
      const error = expectError(pair.client.error, {
        kind: 'certificate',
        code: expected.verify,
        verify: { name: expected.verify, depth: expected.depth },
        message: expected.message,
      })
      assert.is(error.alert?.name, expected.alert)
      expectError(pair.server.error, { kind: 'alert', alert: { ...error.alert!, direction: 'received' } })
      assert.is(pair.client.engine.agreed, undefined)
    })

    certificates(`a client goes on with a server that it was told to accept: ${kind}, ${maxVersion}`, (t) => {
      const pair = t
        .own(makePair({ client: { maxVersion }, server: bad(kind), clientEngine: { dangerouslyAcceptAnyCertificate: true } }))
        .establish()
      const { agreed } = pair.client.engine
      assert.is(agreed!.authorized, false)
      assert.is(agreed!.authorizationError, expected.verify)
      assert.ok(agreed!.peerChain.length > 0)
      pair.send(pair.client, 'ping')
      assert.is(pair.server.text, 'ping')
    })
  }
}

// ---- Names. ----

const NAMES: { name: string; hosts: string[]; ask: string; ok: boolean }[] = [
  { name: 'case does not count', hosts: ['Server.TEST'], ask: 'sERVER.test', ok: true },
  { name: 'a wildcard stands for one label', hosts: ['*.server.test'], ask: 'a.server.test', ok: true },
  { name: 'but not for two', hosts: ['*.server.test'], ask: 'a.b.server.test', ok: false },
  { name: 'nor for none', hosts: ['*.server.test'], ask: 'server.test', ok: false },
  { name: 'nor for a part of one', hosts: ['s*.test'], ask: 'server.test', ok: false },
  { name: 'the second of two names', hosts: ['a.test', 'b.test'], ask: 'b.test', ok: true },
  { name: 'a name that only begins right', hosts: ['server.test'], ask: 'server.test.evil.test', ok: false },
  { name: 'a name that only ends right', hosts: ['server.test'], ask: 'evilserver.test', ok: false },
  { name: 'an IPv4 address', hosts: ['192.0.2.1'], ask: '192.0.2.1', ok: true },
  { name: 'another IPv4 address', hosts: ['192.0.2.1'], ask: '192.0.2.2', ok: false },
  { name: 'an IPv6 address in another spelling', hosts: ['2001:db8::1'], ask: '2001:0db8:0:0::1', ok: true },
  { name: 'an address does not stand for a name', hosts: ['192.0.2.1'], ask: 'server.test', ok: false },
  { name: 'a name does not stand for an address', hosts: ['server.test'], ask: '192.0.2.1', ok: false },
]

for (const { name, hosts, ask, ok } of NAMES) {
  certificates(`names: ${name}`, (t) => {
    const pair = t.own(makePair({ server: issue({ hosts }, root()), clientEngine: { servername: ask } })).run()
    if (ok) {
      if (pair.client.error) throw pair.client.error
      assert.is(pair.client.engine.agreed!.authorized, true)
    } else {
      const code = /^[\d.]+$/.test(ask) ? 'IP_ADDRESS_MISMATCH' : 'HOSTNAME_MISMATCH'
      expectError(pair.client.error, { kind: 'certificate', code, message: new RegExp(`expected "${ask}"`) })
    }
  })
}

certificates("the subject's CN is no host name (RFC 9525)", (t) => {
  const pair = t.own(makePair({ server: issue({ subject: { CN: HOST } }, root()) })).run()
  expectError(pair.client.error, { kind: 'certificate', code: 'HOSTNAME_MISMATCH' })
})

// ---- Chains. ----

/** Signed with the key of a leaf; membio itself refuses to, so by way of a CA that has the leaf's name and key. */
const leafAsIssuer = (): Identity => {
  const twin = issue({ subject: { O: 'membio', CN: HOST }, ca: true, key: server().key }, root())
  const fake = issue({ subject: { CN: HOST }, hosts: [HOST] }, twin)
  return { key: fake.key, cert: fake.cert + server().cert }
}
const rootSent = (): Identity => ({ key: bad('unknownCa').key, cert: bad('unknownCa').cert + strangeRoot().cert })
const expiredRoot = (): Identity => issue({ subject: { CN: 'old root' }, ca: true, notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) })

const CHAINS: { name: string; server: () => Identity; verify: string; depth: number }[] = [
  { name: 'an unknown root that was sent along', server: rootSent, verify: 'SELF_SIGNED_CERT_IN_CHAIN', depth: 1 },
  { name: 'a leaf that plays CA', server: leafAsIssuer, verify: 'INVALID_CA', depth: 1 },
]

for (const { name, server, verify, depth } of CHAINS) {
  certificates(`a chain with ${name} is refused`, (t) => {
    const pair = t.own(makePair({ server: server() })).run()
    expectError(pair.client.error, { kind: 'certificate', code: verify, verify: { name: verify, depth } })
  })
}

certificates('a chain under a trusted root that has expired is refused', (t) => {
  const old = expiredRoot()
  const pair = t.own(makePair({ client: { ca: old.cert }, server: issue({ subject: { CN: HOST }, hosts: [HOST] }, old) })).run()
  expectError(pair.client.error, { kind: 'certificate', verify: { name: 'CERT_HAS_EXPIRED', depth: 1 } })
})

const TRUSTED: { name: string; ca: () => ContextOptions['ca']; server: () => Identity }[] = [
  { name: 'a chain by its intermediate', ca: () => root().cert, server: serverWithChain },
  {
    name: 'a missing intermediate that is given as `ca`',
    ca: () => [root().cert, intermediate().cert],
    server: () => bad('withoutIntermediate'),
  },
  { name: 'several roots in one bundle', ca: () => strangeRoot().cert + root().cert, server: () => bad('unknownCa') },
  { name: 'a self-signed certificate that is given as `ca`', ca: () => bad('selfSigned').cert, server: () => bad('selfSigned') },
  { name: 'bytes for a `ca`', ca: () => [new TextEncoder().encode(root().cert)], server },
]

for (const { name, ca, server } of TRUSTED) {
  certificates(`trusts ${name}`, (t) => {
    const pair = t.own(makePair({ client: { ca: ca() }, server: server() })).establish()
    assert.is(pair.client.engine.agreed!.authorized, true)
  })
}

// ---- Time. ----

certificates('verifyTime: a certificate that has expired was valid in its days', (t) => {
  const pair = t
    .own(makePair({ client: { verifyTime: daysFromNow(-10), ca: expiredRootWithLeaf().ca }, server: expiredRootWithLeaf().leaf }))
    .establish()
  assert.is(pair.client.engine.agreed!.authorized, true)
})

certificates('verifyTime: a certificate that is valid now will expire', (t) => {
  const pair = t.own(makePair({ client: { verifyTime: daysFromNow(3000) } })).run()
  expectError(pair.client.error, { kind: 'certificate', verify: { name: 'CERT_HAS_EXPIRED', depth: 1 } })
})

let old: { ca: string; leaf: Identity } | undefined
function expiredRootWithLeaf() {
  if (old) return old
  const ca = expiredRoot()
  const leaf = issue({ subject: { CN: HOST }, hosts: [HOST], notBefore: daysFromNow(-20), notAfter: daysFromNow(-2) }, ca)
  return (old = { ca: ca.cert, leaf })
}

// ---- Clients' certificates. ----

const mutual = (client: Identity | undefined, maxVersion: Version, serverEngine: Partial<EngineOptions>): PairOptions => ({
  client: { ...client, maxVersion },
  server: { ca: root().cert },
  serverEngine,
})

const CLIENT_REFUSALS: { kind: Bad; verify: string; depth: number; alert: string }[] = [
  { kind: 'expired', verify: 'CERT_HAS_EXPIRED', depth: 0, alert: 'certificate_expired' },
  { kind: 'selfSigned', verify: 'DEPTH_ZERO_SELF_SIGNED_CERT', depth: 0, alert: 'unknown_ca' },
  { kind: 'unknownCa', verify: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', depth: 0, alert: 'unknown_ca' },
]

for (const maxVersion of VERSIONS) {
  for (const { kind, verify, depth, alert } of CLIENT_REFUSALS) {
    for (const clientCertificate of ['request', 'require'] as const) {
      certificates(`a server (${clientCertificate}) refuses a client: ${kind}, ${maxVersion}`, (t) => {
        const pair = t.own(makePair(mutual(bad(kind), maxVersion, { clientCertificate }))).run()
        expectError(pair.server.error, { kind: 'certificate', code: verify, verify: { name: verify, depth } })
        // With TLS 1.3 the client is done before the server has looked: it learns of it when it reads.
        const error = expectError(pair.client.error, { kind: 'alert' })
        assert.is(error.alert?.name, alert)
      })
    }

    certificates(`a server goes on with a client that it was told to accept: ${kind}, ${maxVersion}`, (t) => {
      const options = mutual(bad(kind), maxVersion, { clientCertificate: 'require', dangerouslyAcceptAnyCertificate: true })
      const { agreed } = t.own(makePair(options)).establish().server.engine
      assert.equal([agreed!.authorized, agreed!.authorizationError, agreed!.peerChain[0]], [false, verify, derOf(bad(kind).cert)])
    })
  }

  certificates(`a certificate for servers only is no client's, ${maxVersion}`, (t) => {
    const wrong = issue({ subject: { CN: 'x' }, usage: ['server'] }, root())
    const pair = t.own(makePair(mutual(wrong, maxVersion, { clientCertificate: 'require' }))).run()
    expectError(pair.server.error, { kind: 'certificate', code: 'INVALID_PURPOSE' })
  })

  certificates(`a client without a certificate where one is required, ${maxVersion}`, (t) => {
    const pair = t.own(makePair(mutual(undefined, maxVersion, { clientCertificate: 'require' }))).run()
    expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
    const { alert } = expectError(pair.client.error, { kind: 'alert' })
    assert.is(alert?.name, maxVersion === 'TLSv1.3' ? 'certificate_required' : 'handshake_failure')
  })

  certificates(`a client without a certificate where one is only requested, ${maxVersion}`, (t) => {
    const { agreed } = t.own(makePair(mutual(undefined, maxVersion, { clientCertificate: 'request' }))).establish().server.engine
    assert.equal([agreed!.authorized, agreed!.authorizationError, agreed!.peerChain], [false, undefined, []])
  })

  certificates(`a client with a certificate that nobody asks for, ${maxVersion}`, (t) => {
    const { agreed } = t.own(makePair(mutual(client(), maxVersion, {}))).establish().server.engine
    assert.equal([agreed!.authorized, agreed!.peerChain], [false, []])
  })
}

certificates('a client certificate is not checked for a host name', (t) => {
  const identity = issue({ subject: { CN: 'no host' }, hosts: ['elsewhere.test'], usage: ['client'] }, root())
  const pair = t.own(makePair(mutual(identity, 'TLSv1.3', { clientCertificate: 'require' }))).establish()
  assert.is(pair.server.engine.agreed!.authorized, true)
})

certificates('a wrong host is refused even when its chain is good and another name was sent as SNI', (t) => {
  const pair = t.own(makePair({ server: serverFor('other.test'), clientEngine: { servername: 'other.test', identity: HOST } })).run()
  expectError(pair.client.error, { kind: 'certificate', code: 'HOSTNAME_MISMATCH' })
})
