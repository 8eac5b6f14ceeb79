// Raw public keys instead of certificates (RFC 7250) with GnuTLS 3.7, the one peer here that has them: OpenSSL has since 3.2, Node's tls and
// Java's JSSE have not.
import * as assert from 'uvu/assert'
import { createPublicKey } from 'node:crypto'
import type { ContextOptions, Version } from '../../src/index.ts'
import { keyOf, server as serverIdentity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { file, gnutlsClient, gnutlsServer, opensslServer } from '../support/peers.ts'
import { answered, echoed, gnutlsAsking, GNUTLS_ONLY, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialMembio, echo, serveMembio, type SideOptions } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

const TYPES = ['P-256', 'Ed25519', 'RSA-2048'] as const
type Type = (typeof TYPES)[number]

/** SubjectPublicKeyInfo in DER. */
const spki = (type: Type) => new Uint8Array(createPublicKey(keyOf(type)).export({ type: 'spki', format: 'der' }))

const keyPair = (t: Case, type: Type) => [
  '--rawpkkeyfile',
  file(t, 'key.pem', keyOf(type)),
  '--rawpkfile',
  file(t, 'public.pem', createPublicKey(keyOf(type)).export({ type: 'spki', format: 'pem' }) as string),
]

/** Keys only, in both directions. */
const priority = (version: Version) => ['--priority', `${GNUTLS_ONLY[version]}:-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK`]

const raw = (key?: string): ContextOptions => ({ ca: undefined, cert: undefined, key, rawPublicKeys: 'require' })

// ---- membio is the client. ----

for (const version of VERSIONS) {
  const test = withPeer(`raw public keys, membio to gnutls-serv, ${version}`, 'gnutls-serv')
  const dial = async (t: Case, type: Type, options: SideOptions) => {
    const { port } = await gnutlsServer(t, { args: ['--echo', ...keyPair(t, type), ...priority(version)] })
    return dialMembio(t, port, options)
  }

  for (const type of TYPES) {
    test(`the expected key is accepted: ${type}`, async (t) => {
      const client = await dial(t, type, { settings: raw(), engine: { expectedKeys: [spki(type)] } })
      await answered(client)
      const { authorized, peerChain, peerPublicKey } = client.agreed
      assert.equal([authorized, peerChain, peerPublicKey], [true, [], spki(type)])
    })
  }

  test('one of several expected keys', async (t) => {
    const expectedKeys = TYPES.map(spki)
    await answered(await dial(t, 'Ed25519', { settings: raw(), engine: { expectedKeys } }))
  })

  test('another key is refused', async (t) => {
    const client = await dial(t, 'P-256', { settings: raw(), engine: { expectedKeys: [spki('Ed25519')] } })
    expectError(await client.closed, { kind: 'certificate', code: 'RPK_UNTRUSTED' })
  })

  test('our key is shown where it is required', async (t) => {
    const program = await gnutlsAsking(t, [...keyPair(t, 'P-256'), ...priority(version)])
    const client = dialMembio(t, program.port, { settings: raw(keyOf('Ed25519')), engine: { expectedKeys: [spki('P-256')] } })
    await answered(client)
    await program.until(/PK algo: EdDSA/)
    const without = dialMembio(t, program.port, { settings: raw(), engine: { expectedKeys: [spki('P-256')] } })
    expectError(await without.closed, { kind: 'alert' })
  })

  test('a client that only knows certificates is refused', async (t) => {
    const client = await dial(t, 'P-256', {})
    assert.ok(await client.closed)
    assert.not.ok(client.calls.includes('onSecure'))
  })
}

withPeer('raw public keys, membio to gnutls-serv', 'gnutls-serv')('accept: a server that has a certificate shows that', async (t) => {
  const { port } = await gnutlsServer(t, { identity: serverIdentity() })
  const client = dialMembio(t, port, { settings: { rawPublicKeys: 'accept' } })
  await answered(client)
  assert.equal([client.agreed.authorized, client.agreed.peerPublicKey], [true, undefined])
})

const unaware = withPeer('raw public keys, membio to openssl s_server, which does not know them', 'openssl')

unaware('a certificate counts by its key: it is the expected one', async (t) => {
  const { port } = await opensslServer(t, { identity: serverIdentity('P-256'), args: ['-rev'] })
  const client = dialMembio(t, port, { settings: raw(), engine: { expectedKeys: [spki('P-256')] } })
  await answered(client)
  assert.equal([client.agreed.authorized, client.agreed.peerPublicKey], [true, undefined])
})

unaware('a certificate with another key is refused', async (t) => {
  const { port } = await opensslServer(t, { identity: serverIdentity('P-256'), args: ['-rev'] })
  const client = dialMembio(t, port, { settings: raw(), engine: { expectedKeys: [spki('Ed25519')] } })
  expectError(await client.closed, { kind: 'certificate' })
})

// ---- membio is the server. ----

for (const version of VERSIONS) {
  const test = withPeer(`raw public keys, gnutls-cli to membio, ${version}`, 'gnutls-cli')
  // gnutls-cli has no file of trusted keys: it says that it cannot verify ours, and with --insecure goes on.
  const start = (t: Case, port: number, words: readonly string[]) => gnutlsClient(t, port, { args: ['--insecure', ...priority(version), ...words] })

  for (const type of TYPES) {
    test(`our key is shown: ${type}`, async (t) => {
      const server = await serveMembio(t, { settings: raw(keyOf(type)) }, echo)
      const program = start(t, server.port, keyPair(t, 'P-256'))
      await echoed(program)
      assert.match(program.output, /Got 1 Raw public-key/)
      assert.is((await server.accept()).agreed.authorized, false)
    })

    test(`a client's key is asked for, and the expected one: ${type}`, async (t) => {
      const engine = { clientCertificate: 'require', expectedKeys: [spki('P-256'), spki(type)] } as const
      const server = await serveMembio(t, { settings: raw(keyOf('P-256')), engine }, echo)
      await echoed(start(t, server.port, keyPair(t, type)))
      const { authorized, peerPublicKey } = (await server.accept()).agreed
      assert.equal([authorized, peerPublicKey], [true, spki(type)])
    })
  }

  test("another client's key is refused", async (t) => {
    const engine = { clientCertificate: 'require', expectedKeys: [spki('P-256')] } as const
    const server = await serveMembio(t, { settings: raw(keyOf('P-256')), engine }, echo)
    const program = start(t, server.port, keyPair(t, 'Ed25519'))
    expectError(await (await server.accept()).closed, { kind: 'certificate', code: 'RPK_UNTRUSTED' })
    assert.is.not((await program.exit).code, 0)
  })
}
