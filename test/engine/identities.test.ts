// Several certificates and keys in one context: in pairs, apart and out of order, as PKCS#12; and lists in which something is missing.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type Identity } from '../../src/index.ts'
import { createPkcs12, exportKey, parseCertificate } from '../../src/x509/index.ts'
import { client, HOST, HOSTS, issue, root, server, serverWithChain } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { makePair } from '../support/pair.ts'
import { nodeSigner } from '../support/signers.ts'
import { suite, type Case } from '../support/suite.ts'

const TYPES = ['RSA-2048', 'P-256', 'Ed25519'] as const
type Type = (typeof TYPES)[number]
const SCHEMES: Record<Type, string> = { 'RSA-2048': 'rsa_pss_rsae_sha256', 'P-256': 'ecdsa_secp256r1_sha256', Ed25519: 'ed25519' }

/** Each peer that can check one scheme only gets a certificate of that type, and its signature is good. */
function allWork(t: Case, identities: readonly Identity[], types: readonly Type[] = TYPES, role: 'client' | 'server' = 'server'): void {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const type of types) {
      const signatureSchemes = [SCHEMES[type]]
      const none = { cert: undefined, key: undefined }
      const all = TYPES.map((each) => server(each))
      const pair = t.own(
        role === 'server'
          ? makePair({ client: { signatureSchemes, maxVersion: version }, server: { ...none, identities } })
          : makePair({
              client: { identities, maxVersion: version },
              server: { ...none, identities: all, ca: root().cert, signatureSchemes },
              serverEngine: { clientCertificate: 'require' },
            }),
      ).establish()
      const { peerChain } = pair[role === 'server' ? 'client' : 'server'].engine.agreed!
      assert.is(parseCertificate(peerChain[0]!).key.type, { 'RSA-2048': 'RSA', 'P-256': 'EC', Ed25519: 'ED25519' }[type])
    }
  }
}

const test = suite('engine: several identities')

const certs = (of = server) => TYPES.map((type) => ({ cert: of(type).cert }))
const keys = (of = server) => TYPES.map((type) => ({ key: of(type).key }))

const ORDERS: readonly { name: string; order: (of: typeof server) => Identity[] }[] = [
  { name: 'pairs', order: (of) => TYPES.map((type) => of(type)) },
  { name: 'certificates, then keys', order: (of) => [...certs(of), ...keys(of)] },
  { name: 'certificates, then keys in another order', order: (of) => [...certs(of), ...keys(of).reverse()] },
  { name: 'keys, then certificates', order: (of) => [...keys(of).reverse(), ...certs(of)] },
  { name: 'in turns, shifted by one', order: (of) => TYPES.flatMap((type, i) => [{ key: of(type).key }, { cert: of(TYPES[(i + 1) % 3]!).cert }]) },
  { name: 'a pair among them', order: (of) => [{ key: of('Ed25519').key }, of('P-256'), { cert: of('RSA-2048').cert }, { key: of('RSA-2048').key }, { cert: of('Ed25519').cert }] },
]

for (const role of ['server', 'client'] as const) {
  for (const { name, order } of ORDERS) test(`${role}: ${name}`, (t) => allWork(t, order(role === 'server' ? server : client), TYPES, role))
}

test('keys with passphrases of their own', (t) => {
  const locked = TYPES.map((type) => ({ key: exportKey(server(type).key, { encrypt: { passphrase: `of ${type}`, iterations: 1000 } }), passphrase: `of ${type}` }))
  allWork(t, [...locked, ...certs().reverse()])
  const [first, ...rest] = locked
  expectThrow(() => createContext({ identities: [...certs(), { ...first!, passphrase: 'wrong' }, ...rest] }), { kind: 'usage', message: /`key` was refused/ })
})

test('each certificate with its chain', (t) => {
  const chained = serverWithChain()
  const identities = [{ key: server('RSA-2048').key }, { cert: chained.cert }, { cert: server('RSA-2048').cert }, { key: chained.key }]
  for (const [scheme, length] of [['ecdsa_secp256r1_sha256', 2], ['rsa_pss_rsae_sha256', 1]] as const) {
    const pair = t.own(makePair({ client: { signatureSchemes: [scheme] }, server: { cert: undefined, key: undefined, identities } }).establish())
    assert.is(pair.client.engine.agreed!.peerChain.length, length)
  }
})

test('PKCS#12 files, each with a passphrase of its own', (t) => {
  const files = TYPES.map((type) => ({ pkcs12: createPkcs12({ ...server(type), passphrase: `of ${type}`, iterations: 1000 }), passphrase: `of ${type}` }))
  allWork(t, files)
  allWork(t, [files[0]!, { key: server('Ed25519').key }, files[1]!, { cert: server('Ed25519').cert }])
  expectThrow(() => createContext({ identities: [files[0]!, { ...files[1]!, passphrase: 'of nothing' }] }), { kind: 'usage', code: 'ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE' })
})

test('a signer among keys', (t) => {
  const { cert, key } = server('P-256')
  allWork(t, [{ key: server('Ed25519').key }, { cert, signer: nodeSigner(key) }, { cert: server('Ed25519').cert }], ['P-256', 'Ed25519'])
})

test('of two certificates for keys of the same type the later counts', (t) => {
  const other = issue({ subject: { CN: HOST, O: 'the other' }, hosts: HOSTS }, root())
  const pair = t.own(makePair({ server: { cert: undefined, key: undefined, identities: [server(), other] } }).establish())
  assert.match(parseCertificate(pair.client.engine.agreed!.peerChain[0]!).subject, /the other/)
})

const wrong = suite('engine: several identities, something is wrong')

const WRONG: readonly { name: string; identities: () => Identity[]; options?: ContextOptions; message: RegExp }[] = [
  { name: 'a certificate without its key', identities: () => [...certs(), ...keys().slice(1)], message: /`identities` were refused: a certificate has no key/ },
  { name: 'a key without its certificate', identities: () => [...certs().slice(1), ...keys()], message: /`key` was refused: key values mismatch: it fits none of 2 certificates/ },
  { name: 'certificates without any key', identities: () => certs(), message: /`cert` is given without `key` or `signer`/ },
  { name: 'keys without any certificate', identities: () => keys(), message: /`key` is given without `cert`/ },
  { name: 'a pair that is none', identities: () => [server('P-256'), { cert: server('RSA-2048').cert, key: server('P-256').key }], message: /`identities` were refused: a certificate has no key/ },
  { name: 'a pair that is none, alone', identities: () => [{ cert: server('RSA-2048').cert, key: server('P-256').key }], message: /`key` was refused: different key types/ },
]

for (const { name, identities, message } of WRONG) {
  wrong(name, () => void expectThrow(() => createContext({ identities: identities() }), { kind: 'usage', message }))
}
