// Whom a context trusts beyond its list of CAs: revocation lists, pins, partial chains, depth, policies, purpose. Lists and odd
// certificates come from the openssl command.
import { createHash, X509Certificate } from 'node:crypto'
import type { ContextOptions } from '../../src/index.ts'
import { bad, intermediate, root, server, serverWithChain, strangeRoot } from '../support/certs.ts'
import { crlOf } from '../support/crl.ts'
import { expectError } from '../support/expect.ts'
import { makePair } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

/** The client's configuration decides; undefined: accepted. */
function check(t: Case, client: ContextOptions, identity: { cert: string; key: string }, code?: string): void {
  const pair = t.own(makePair({ client, server: identity }))
  pair.run()
  if (!code) return void pair.establish()
  expectError(pair.client.error, { kind: 'certificate', code })
}

// ---- Revocation. ----

const revocation = suite('engine: revocation lists')

revocation('a leaf that is not on the list is accepted', (t) => check(t, { crls: crlOf(t, root(), []) }, server()))

revocation('a leaf on the list is refused', (t) => check(t, { crls: crlOf(t, root(), [server().cert]) }, server(), 'CERT_REVOKED'))

revocation('an intermediate on the list is refused', (t) => {
  const crls = [crlOf(t, root(), [intermediate().cert]), crlOf(t, intermediate(), [])]
  check(t, { crls }, serverWithChain(), 'CERT_REVOKED')
  check(t, { crls, crlCheck: 'leaf' }, serverWithChain())
})

revocation('a list is missing for one issuer', (t) => check(t, { crls: crlOf(t, root(), []) }, serverWithChain(), 'UNABLE_TO_GET_CRL'))

revocation('a list that has expired is no list', (t) => {
  const verifyTime = new Date(Date.now() + 8 * 86_400_000)
  check(t, { crls: crlOf(t, root(), []), verifyTime }, server(), 'CRL_HAS_EXPIRED')
})

// ---- Pins. ----

const pinOf = (pem: string) => {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`
}

const pinning = suite('engine: pins')

const PINS: readonly { name: string; pins: () => string[]; code?: string }[] = [
  { name: "the leaf's key", pins: () => [pinOf(server().cert)] },
  { name: "the root's key", pins: () => [pinOf(root().cert)] },
  { name: "the leaf's fingerprint", pins: () => [new X509Certificate(server().cert).fingerprint256] },
  { name: 'one of several', pins: () => [pinOf(strangeRoot().cert), pinOf(root().cert)] },
  { name: 'none of the chain', pins: () => [pinOf(strangeRoot().cert)], code: 'PIN_MISMATCH' },
]

for (const { name, pins, code } of PINS) pinning(`${code ? 'refuse' : 'accept'}: ${name}`, (t) => check(t, { pins: pins() }, server(), code))

pinning('come on top of verification: a pinned certificate of an unknown CA is refused', (t) => {
  const { cert, key } = bad('unknownCa')
  check(t, { pins: [pinOf(cert)] }, { cert, key }, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
})

// ---- Chains. ----

const chains = suite('engine: chains')

chains('an intermediate is no anchor, unless partialChain says so', (t) => {
  const ca = intermediate().cert
  check(t, { ca }, serverWithChain(), 'UNABLE_TO_GET_ISSUER_CERT')
  check(t, { ca, partialChain: true }, serverWithChain())
})

chains('verifyDepth bounds the intermediates', (t) => {
  check(t, { verifyDepth: 0 }, serverWithChain(), 'CERT_CHAIN_TOO_LONG')
  check(t, { verifyDepth: 1 }, serverWithChain())
})

chains('dangerouslyIgnorePurpose takes a client certificate for a server', (t) => {
  check(t, {}, bad('wrongUsage'), 'INVALID_PURPOSE')
  check(t, { dangerouslyIgnorePurpose: true }, bad('wrongUsage'))
})

chains('a policy that the chain does not have is refused', (t) => check(t, { policies: ['1.3.6.1.4.1.99999.1'] }, server(), 'NO_EXPLICIT_POLICY'))

chains('verifyTime decides what has expired', (t) => {
  const later = new Date(Date.now() + 200 * 86_400_000)
  check(t, { verifyTime: later }, server(), 'CERT_HAS_EXPIRED')
  check(t, { verifyTime: new Date(Date.now() - 10 * 86_400_000), ca: root().cert }, bad('expired'), 'CERT_NOT_YET_VALID')
})
