// What binds a login to a connection (RFC 5929, RFC 9266), exported keying material and Finished messages: both sides must see the same bytes.
// That Node's exporter agrees is in agreement.test.ts.
import * as assert from 'uvu/assert'
import { createHash } from 'node:crypto'
import type { ChannelBinding, Version } from '../../src/index.ts'
import { derOf, HOST, issue, server as serverIdentity } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { gnutlsClient, gnutlsServer, type Program } from '../support/peers.ts'
import { answered, cannot, echoed, hex, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'
import type { KeyType } from '../../src/x509/index.ts'

const LABEL = 'EXPORTER-membio-test'

// ---- gnutls-cli and gnutls-serv print all three. ----

/** What the program says of a binding: its bytes in hexadecimal. */
const printed = async (program: Program, type: ChannelBinding) =>
  (await program.until(new RegExp(`- '${type}': ([0-9a-f]{24,}|not available|error)`)))[1]!

async function assertBindings(program: Program, party: Party, version: Version): Promise<void> {
  const { engine } = party
  assert.is(hex(engine.channelBinding('tls-exporter')), await printed(program, 'tls-exporter'))
  if (version === 'TLSv1.2') assert.is(hex(engine.channelBinding('tls-unique')), await printed(program, 'tls-unique'))
  else {
    expectThrow(() => engine.channelBinding('tls-unique'), { kind: 'usage' })
    assert.is(await printed(program, 'tls-unique'), 'not available')
  }
}

for (const version of VERSIONS) {
  withPeer(`channel bindings, ${version}, gnutls-serv`, 'gnutls-serv')('are what it prints', async (t) => {
    const program = await gnutlsServer(t, { version, identity: serverIdentity() })
    const client = dialMembio(t, program.port)
    await answered(client)
    await assertBindings(program, client, version)
    assert.is(hex(client.engine.channelBinding('tls-server-end-point')), await printed(program, 'tls-server-end-point'))
  })

  withPeer(`channel bindings, ${version}, gnutls-cli`, 'gnutls-cli')('are what it prints', async (t) => {
    const server = await serveMembio(t, {}, echo)
    const program = gnutlsClient(t, server.port, { version, args: ['--verbose', '--keymatexport', LABEL, '--keymatexportsize', '24'] })
    await echoed(program)
    const party = await server.accept()
    await assertBindings(program, party, version)
    assert.is(hex(party.engine.channelBinding('tls-server-end-point')), await printed(program, 'tls-server-end-point'))
    assert.is(hex(party.engine.exportKeyingMaterial(24, LABEL)), (await program.until(/- Key material: ([0-9a-f]{48})/))[1])
  })
}

// ---- openssl s_client exports; s_server is in agreement.test.ts. ----

const openssl = withPeer('exported keying material, openssl s_client', 'openssl')

for (const version of VERSIONS) {
  openssl(`${version}: is what it prints`, async (t) => {
    const server = await serveMembio(t, {}, echo)
    const program = sClient(t, server.port, [OPENSSL_ONLY[version], '-keymatexport', LABEL, '-keymatexportlen', '40'])
    await echoed(program)
    const party = await server.accept()
    const [, told] = await program.until(/Keying material: ([0-9A-F]{80})/)
    assert.is(hex(party.engine.exportKeyingMaterial(40, LABEL)).toUpperCase(), told)
  })
}

// ---- Node has the Finished messages, from which tls-unique is made (RFC 5929, 3): the first one of a handshake. ----

const bytesOf = (finished: Buffer | undefined) => new Uint8Array(finished!)

for (const version of VERSIONS) {
  const node = suite(`interop: Finished and channel bindings, node:tls, ${version}`)
  const only = { minVersion: version, maxVersion: version }

  node('as the server', async (t) => {
    const server = await serveNode(t, only)
    const client = dialMembio(t, server.port)
    const [peer] = await Promise.all([server.accept(), client.secure()])
    const { engine } = client
    assert.equal(engine.finished('own'), bytesOf(peer.socket.getPeerFinished()))
    assert.equal(engine.finished('peer'), bytesOf(peer.socket.getFinished()))
    if (version === 'TLSv1.2') assert.equal(engine.channelBinding('tls-unique'), bytesOf(peer.socket.getPeerFinished()))
    const exported = peer.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    assert.equal(engine.channelBinding('tls-exporter'), new Uint8Array(exported))
  })

  node('as the client', async (t) => {
    const server = await serveMembio(t, { settings: only })
    const peer = dialNode(t, server.port)
    const party = await server.accept()
    await Promise.all([party.secure(), peer.until(() => peer.socket.authorized)])
    const { engine } = party
    assert.equal(engine.finished('own'), bytesOf(peer.socket.getPeerFinished()))
    assert.equal(engine.finished('peer'), bytesOf(peer.socket.getFinished()))
    if (version === 'TLSv1.2') assert.equal(engine.channelBinding('tls-unique'), bytesOf(peer.socket.getFinished()))
    const exported = peer.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    assert.equal(engine.channelBinding('tls-exporter'), new Uint8Array(exported))
    const { raw } = peer.socket.getPeerCertificate()
    assert.equal(engine.channelBinding('tls-server-end-point'), new Uint8Array(createHash('sha256').update(raw).digest()))
  })

  if (version === 'TLSv1.2') {
    node("a resumed connection: tls-unique is the server's Finished", async (t) => {
      const server = await serveNode(t, only)
      const first = dialMembio(t, server.port)
      await first.until(() => first.eventsOf('session').length > 0)
      const client = dialMembio(t, server.port, { engine: { session: first.eventsOf('session')[0]!.session } })
      await server.accept()
      const [peer] = await Promise.all([server.accept(), client.secure()])
      assert.is(client.agreed.resumed, true)
      assert.equal(client.engine.channelBinding('tls-unique'), bytesOf(peer.socket.getFinished()))
    })

    node('after renegotiation: tls-unique is that of the last handshake', async (t) => {
      const server = await serveNode(t, only)
      const client = dialMembio(t, server.port, { settings: { renegotiations: 1 } })
      const [peer] = await Promise.all([server.accept(), client.secure()])
      const before = client.engine.channelBinding('tls-unique')
      client.engine.renegotiate()
      client.poller.wake()
      await client.until(() => client.eventsOf('agreed').length === 1)
      const binding = client.engine.channelBinding('tls-unique')
      assert.not.equal(binding, before)
      const { resumed } = client.agreed
      assert.equal(binding, bytesOf(resumed ? peer.socket.getFinished() : peer.socket.getPeerFinished()))
    })
  }
}

// ---- tls-server-end-point: the digest of the certificate's own signature (RFC 5929, 4.1). ----

const endPoint = withPeer('tls-server-end-point, gnutls-serv', 'gnutls-serv')

const SIGNED: readonly [KeyType, string][] = [['P-256', 'sha256'], ['P-384', 'sha384'], ['P-521', 'sha512'], ['RSA-2048', 'sha256']]

for (const [type, digest] of SIGNED) {
  endPoint(`a certificate that a CA with a key of ${type} has signed: ${digest}`, async (t) => {
    const ca = issue({ subject: { CN: 'another root' }, ca: true }, undefined, type)
    const identity = issue({ subject: { CN: HOST }, hosts: [HOST] }, ca)
    const program = await gnutlsServer(t, { identity })
    const client = dialMembio(t, program.port, { settings: { ca: ca.cert } })
    await answered(client)
    const binding = hex(client.engine.channelBinding('tls-server-end-point'))
    assert.is(binding, createHash(digest).update(derOf(identity.cert)).digest('hex'))
    assert.is(await printed(program, 'tls-server-end-point'), binding)
  })
}

endPoint.skip(
  cannot('the RFC leaves Ed25519 undefined, for it names no digest: GnuTLS takes SHA-512, we take SHA-256'),
  'a certificate that a CA with a key of Ed25519 has signed',
)

suite('interop: channel bindings, openssl').skip(cannot('s_client and s_server print no channel bindings'), 'are what they print')
