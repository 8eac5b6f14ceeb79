// A private key somewhere else, asked by a callback: which signatures are asked for, what a signer may do wrong, how long it lives.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import {
  createContext,
  type ContextOptions,
  type Role,
  type Signer,
  type SignRequest,
  type TlsEngine,
  type Version,
} from '../../src/index.ts'
import { createCertificate, createKey, type KeyType } from '../../src/x509/index.ts'
import { client, HOST, HOSTS, keyOf, root, server, type Identity } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair, type Side } from '../support/pair.ts'
import { nodeSigner } from '../support/signers.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const ROLES: readonly Role[] = ['server', 'client']

/** What each key is asked for by peers that leave the choice to us. */
const EXPECTED = {
  'RSA-2048': 'rsa_pss_rsae_sha256',
  'P-256': 'ecdsa_secp256r1_sha256',
  'P-384': 'ecdsa_secp384r1_sha384',
  'P-521': 'ecdsa_secp521r1_sha512',
  Ed25519: 'ed25519',
} as const satisfies Partial<Record<KeyType, string>>
const TYPES = Object.keys(EXPECTED) as (keyof typeof EXPECTED)[]

interface Setting {
  role?: Role
  type?: KeyType
  identity?: Identity
  version?: Version
  signer: Signer
  options?: ContextOptions
  peerOptions?: ContextOptions
}

/** Two engines; the one in `role` has the signer. The client's side of it is authentication by certificate. */
function signedPair(t: Case, { role = 'server', type = 'P-256', version, signer, options, peerOptions, identity }: Setting): Pair {
  const { cert } = identity ?? (role === 'server' ? server(type) : client(type))
  const signing = { cert, key: undefined, signer, maxVersion: version, ...options }
  return t.own(
    makePair({
      client: role === 'client' ? signing : { ...peerOptions },
      server: role === 'server' ? signing : { ...server(), ca: root().cert, ...peerOptions },
      serverEngine: { clientCertificate: role === 'client' ? 'require' : 'none' },
    }),
  )
}

function sides({ client, server }: Pair, role: Role): [own: Side, peer: Side] {
  return role === 'server' ? [server, client] : [client, server]
}

const handshakes = suite('signer: handshakes')

for (const version of VERSIONS) {
  for (const type of TYPES) {
    for (const role of ROLES) {
      handshakes(`${version}, ${type}, ${role}`, (t) => {
        const requests: SignRequest[] = []
        const pair = signedPair(t, { role, type, version, signer: nodeSigner(keyOf(type), requests) }).establish()
        const [own, peer] = sides(pair, role)
        assert.equal(requests.map(({ scheme }) => scheme), [EXPECTED[type]])
        assert.is(own.engine.agreed!.version, version)
        assert.is(own.engine.agreed!.signatureScheme, EXPECTED[type])
        assert.is(peer.engine.agreed!.peerSignatureScheme, EXPECTED[type])
        assert.is(peer.engine.agreed!.authorized, true)
        pair.send(pair.client, 'ping').send(pair.server, 'pong')
        assert.is(pair.client.text, 'pong')
      })
    }
  }
}

handshakes('the message is what the RFC says, whole', (t) => {
  for (const role of ROLES) {
    const requests: SignRequest[] = []
    signedPair(t, { role, signer: nodeSigner(keyOf('P-256'), requests) }).establish()
    const expected = `${' '.repeat(64)}TLS 1.3, ${role} CertificateVerify\0` // RFC 8446, 4.4.3
    const { message } = requests[0]!
    assert.is(new TextDecoder().decode(message.subarray(0, expected.length)), expected)
    assert.is(message.length, expected.length + 32)
  }
})

handshakes('one context signs for many connections', (t) => {
  const requests: SignRequest[] = []
  const serverContext = t.own(createContext({ cert: server().cert, signer: nodeSigner(keyOf('P-256'), requests) }))
  for (let i = 0; i < 5; i++) t.own(makePair({ serverContext })).establish()
  assert.is(requests.length, 5)
})

handshakes('resumption needs no signature', (t) => {
  const requests: SignRequest[] = []
  const serverContext = t.own(createContext({ cert: server().cert, signer: nodeSigner(keyOf('P-256'), requests) }))
  const first = t.own(makePair({ serverContext })).establish()
  const { session } = first.client.eventsOf('session')[0]!
  const second = t.own(makePair({ serverContext, clientEngine: { session } })).establish()
  assert.is(second.client.engine.agreed!.resumed, true)
  assert.is(requests.length, 1)
})

// ---- Which schemes. ----

const schemes = suite('signer: schemes')

interface SchemeCase {
  name: string
  type?: KeyType
  identity?: () => Identity
  version?: Version
  ours?: readonly string[]
  peers?: readonly string[]
  expect: string
}

/** Keys that createKey does not make. */
function strangeIdentity({ privateKey }: { privateKey: KeyObject }): Identity {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { key, cert: createCertificate({ key, subject: { CN: HOST }, hosts: HOSTS, issuer: root() }) }
}

const rsaPss = () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 })

/** Which the certificates are signed with. */
const FOR_ROOT = ['ecdsa_secp256r1_sha256']

const SCHEME_CASES: readonly SchemeCase[] = [
  { name: 'our restriction, TLS 1.2', type: 'RSA-2048', version: 'TLSv1.2', ours: ['rsa_pkcs1_sha384'], expect: 'rsa_pkcs1_sha384' },
  { name: 'our restriction, TLS 1.3', type: 'RSA-2048', ours: ['rsa_pss_rsae_sha512'], expect: 'rsa_pss_rsae_sha512' },
  {
    name: "the peer's restriction, TLS 1.2",
    type: 'RSA-2048',
    version: 'TLSv1.2',
    peers: ['rsa_pkcs1_sha256', ...FOR_ROOT],
    expect: 'rsa_pkcs1_sha256',
  },
  { name: "the peer's restriction, TLS 1.3", type: 'RSA-2048', peers: ['rsa_pss_rsae_sha384', ...FOR_ROOT], expect: 'rsa_pss_rsae_sha384' },
  {
    name: 'TLS 1.2: P-384 goes with SHA-384, though the peer prefers SHA-256',
    type: 'P-384',
    version: 'TLSv1.2',
    peers: ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384'],
    expect: 'ecdsa_secp384r1_sha384',
  },
  { name: 'an RSA-PSS key', identity: () => strangeIdentity(rsaPss()), expect: 'rsa_pss_pss_sha256' },
  { name: 'an Ed448 key', identity: () => strangeIdentity(generateKeyPairSync('ed448')), expect: 'ed448' },
]

for (const { name, type = 'P-256', identity = () => server(type), version, ours, peers, expect } of SCHEME_CASES) {
  schemes(name, (t) => {
    const requests: SignRequest[] = []
    const made = identity()
    const setting = { identity: made, version, signer: nodeSigner(made.key, requests) }
    signedPair(t, { ...setting, options: { signatureSchemes: ours }, peerOptions: { signatureSchemes: peers } }).establish()
    assert.equal(requests.map(({ scheme }) => scheme), [expect])
  })
}

schemes('none that fits: the handshake fails before anything is signed', (t) => {
  const signer = () => assert.unreachable('signed') as never
  const pair = signedPair(t, { type: 'RSA-2048', signer, peerOptions: { signatureSchemes: ['ecdsa_secp256r1_sha256', 'ed25519'] } }).run()
  expectError(pair.server.error, { code: 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', kind: 'protocol' })
})

schemes('static RSA key exchange is refused in words', (t) => {
  const cipherList = 'AES128-GCM-SHA256'
  const setting = { type: 'RSA-2048', version: 'TLSv1.2', signer: nodeSigner(keyOf('RSA-2048')), options: { cipherList } } as const
  const pair = signedPair(t, { ...setting, peerOptions: { cipherList, maxVersion: 'TLSv1.2' } }).run()
  expectError(pair.server.error, { code: 'ERR_TLS_SIGNER', kind: 'usage', message: /signs and does not decrypt/ })
})

// ---- What a signer may do wrong. ----

const failures = suite('signer: failures')

interface FailureCase {
  name: string
  type?: KeyType
  signer: Signer
  message: RegExp
  cause?: boolean
}

const FAILURE_CASES: readonly FailureCase[] = [
  {
    name: 'it throws',
    signer: () => {
      throw new Error('the HSM is on fire')
    },
    message: /the signer failed: the HSM is on fire/,
    cause: true,
  },
  { name: 'it returns nothing', signer: (() => undefined) as never, message: /must return a Uint8Array, not undefined/, cause: true },
  { name: 'it returns text', signer: (() => 'signature') as never, message: /must return a Uint8Array, not string/, cause: true },
  { name: 'it returns a promise', signer: (async () => new Uint8Array(64)) as never, message: /not a promise.*'event'/, cause: true },
  { name: 'it returns too much', signer: () => new Uint8Array(73), message: /returned 73 bytes.* at most 72/, cause: true },
  { name: 'it returns no bytes', signer: () => new Uint8Array(0), message: /does not verify/ },
  { name: 'RSA, too short', type: 'RSA-2048', signer: () => new Uint8Array(255), message: /has 255 bytes, 256 are expected/ },
  { name: 'Ed25519, too short', type: 'Ed25519', signer: () => new Uint8Array(63), message: /has 63 bytes, 64 are expected/ },
  { name: 'its first signature is of another key', signer: nodeSigner(createKey()), message: /does not verify with the certificate's key/ },
]

for (const { name, type, signer, message, cause } of FAILURE_CASES) {
  for (const role of ROLES) {
    for (const version of VERSIONS) {
      failures(`${name}: ${role}, ${version}`, (t) => {
        const pair = signedPair(t, { role, type, version, signer }).run()
        const [own, peer] = sides(pair, role)
        const alert = { description: 80, name: 'internal_error' }
        const error = expectError(own.error, { kind: 'usage', code: 'ERR_TLS_SIGNER', message, alert: { direction: 'sent', ...alert } })
        assert.is(error.cause !== undefined, cause === true)
        expectError(peer.error, { kind: 'alert', alert: { direction: 'received', ...alert } })
        expectThrow(() => own.engine.handshake(), { code: 'ERR_TLS_SIGNER' })
      })
    }
  }
}

failures('what it throws is kept as it is', (t) => {
  for (const thrown of [new RangeError('far'), 'text', { reason: 7 }, null]) {
    const signer = () => {
      throw thrown
    }
    assert.is(signedPair(t, { signer }).run().server.error!.cause, thrown)
  }
})

failures('garbage after a first good signature is for the peer to refuse', (t) => {
  for (const version of VERSIONS) {
    const good = nodeSigner(keyOf('Ed25519'))
    let signed = 0
    const signer: Signer = (request) => (signed++ ? new Uint8Array(64).fill(7) : good(request))
    const serverContext = t.own(createContext({ cert: server('Ed25519').cert, signer, maxVersion: version }))
    t.own(makePair({ serverContext })).establish()
    const pair = t.own(makePair({ serverContext })).run()
    expectError(pair.client.error, { kind: 'protocol', alert: { direction: 'sent', description: 51, name: 'decrypt_error' } })
    expectError(pair.server.error, { kind: 'alert', alert: { direction: 'received', description: 51, name: 'decrypt_error' } })
  }
})

failures('the next connection knows nothing of the last one', (t) => {
  const good = nodeSigner(keyOf('P-256'))
  let up = false
  const signer: Signer = (request) => {
    if (!up) throw new Error('down')
    return good(request)
  }
  const serverContext = t.own(createContext({ cert: server().cert, signer }))
  expectError(t.own(makePair({ serverContext })).run().server.error, { code: 'ERR_TLS_SIGNER' })
  up = true
  t.own(makePair({ serverContext })).establish()
})

/** Calls into membio while OpenSSL is on the stack. */
const REENTRIES: Record<string, (engine: TlsEngine, context: Disposable) => unknown> = {
  handshake: (engine) => engine.handshake(),
  receiveCiphertext: (engine) => engine.receiveCiphertext(new Uint8Array(5)),
  takeCiphertext: (engine) => engine.takeCiphertext(),
  'engine.free': (engine) => engine.free(),
  'context.free': (_, context) => context[Symbol.dispose](),
  createContext: () => createContext(),
  createKey: () => createKey(),
}

for (const [name, reenter] of Object.entries(REENTRIES)) {
  for (const swallowed of [false, true]) {
    failures(`it calls ${name}${swallowed ? ', and swallows the error' : ''}`, (t) => {
      const good = nodeSigner(keyOf('P-256'))
      let engine: TlsEngine
      const signer: Signer = (request) => {
        try {
          reenter(engine, context)
        } catch (error) {
          if (!swallowed) throw error
        }
        return good(request)
      }
      const context = t.own(createContext({ cert: server().cert, signer }))
      const pair = t.own(makePair({ serverContext: context }))
      engine = pair.server.engine
      const error = expectError(pair.run().server.error, { code: 'ERR_TLS_SIGNER', message: /called from inside a signer/ })
      expectError(error.cause, { kind: 'usage', code: 'ERR_TLS_REENTERED' })
    })
  }
}

// ---- Options. ----

const options = suite('signer: options')

const signer: Signer = () => new Uint8Array(0)
/** Signing on secp256k1 is no scheme of TLS. */
const secp256k1 = () => strangeIdentity(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })).cert

const REFUSED: readonly { name: string; options: () => ContextOptions; message: RegExp }[] = [
  { name: 'with a key', options: () => ({ ...server(), signer }), message: /either `key` or `signer`, not both/ },
  { name: 'with PKCS#12', options: () => ({ pkcs12: new Uint8Array(9), signer }), message: /either `pkcs12` or `signer`, not both/ },
  { name: 'without a certificate', options: () => ({ signer }), message: /`signer` is given without `cert`/ },
  { name: 'no function', options: () => ({ cert: server().cert, signer: 'x' as never }), message: /a function or 'event', not "x"/ },
  { name: 'for a key that TLS cannot sign with', options: () => ({ cert: secp256k1(), signer }), message: /no signature scheme/ },
]

for (const { name, options: given, message } of REFUSED) {
  options(`refused: ${name}`, () => {
    expectThrow(() => createContext(given()), { kind: 'usage', message })
    assert.is(library().signers.size, 0)
  })
}

options('a certificate alone asks for one of them', () => {
  expectThrow(() => createContext({ cert: server().cert }), { kind: 'usage', message: /`cert` is given without `key` or `signer`/ })
})

// ---- How long it lives. ----

const lifetime = suite('signer: lifetime')

lifetime('1000 contexts leave no signer behind', () => {
  const { cert } = server()
  for (let i = 0; i < 1000; i++) createContext({ cert, signer }).free()
  assert.is(library().signers.size, 0)
})

lifetime('a connection goes on without its context, and takes the signer with it', (t) => {
  const serverContext = createContext({ cert: server().cert, signer: nodeSigner(keyOf('P-256')) })
  const pair = t.own(makePair({ serverContext }))
  serverContext.free()
  assert.is(library().signers.size, 1)
  pair.establish()
  pair.server.engine.free()
  assert.is(library().signers.size, 0)
})

lifetime('a context chosen at the ClientHello brings its signer', (t) => {
  const requests: SignRequest[] = []
  const chosen = createContext({ cert: server('Ed25519').cert, signer: nodeSigner(keyOf('Ed25519'), requests) })
  const pair = t.own(makePair({ serverEngine: { park: ['clientHello'] } }))
  pair.server.onClientHello = (_, engine) => {
    engine.resume({ context: chosen })
    chosen.free()
  }
  pair.establish()
  assert.equal(requests.map(({ scheme }) => scheme), ['ed25519'])
})

lifetime('keys stay keys beside it', (t) => {
  const context = t.own(createContext({ cert: server().cert, signer }))
  assert.is(library().signers.size, 1)
  for (const type of TYPES) {
    const key = createKey(type)
    const cert = createCertificate({ key, subject: { CN: HOST }, hosts: HOSTS, issuer: root() })
    t.own(makePair({ server: { key, cert } })).establish()
  }
  context.free()
})
