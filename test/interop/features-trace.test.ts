// What `trace` shows of a connection is what the peer's own trace shows of it (`-msg`): the same messages with the same lengths, in the same
// order, sent and received swapped. And alerts of our own choice, as the peer words them.
import * as assert from 'uvu/assert'
import { client as clientIdentity, root, server as serverIdentity } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { file, gnutlsClient, opensslServer, type Program } from '../support/peers.ts'
import { echoed, exchanged, failureOf, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'

// ---- Traces. ----

/** Handshake messages as openssl calls them. */
const MESSAGES: Record<number, string> = {
  1: 'ClientHello',
  2: 'ServerHello',
  4: 'NewSessionTicket',
  8: 'EncryptedExtensions',
  11: 'Certificate',
  12: 'ServerKeyExchange',
  13: 'CertificateRequest',
  14: 'ServerHelloDone',
  15: 'CertificateVerify',
  16: 'ClientKeyExchange',
  20: 'Finished',
  24: 'KeyUpdate',
}

const ours = (party: Party, direction: 'sent' | 'received') =>
  party
    .eventsOf('message')
    .filter((event) => event.content === 'handshake' && event.direction === direction)
    .map(({ bytes }) => `${MESSAGES[bytes[0]!]} ${bytes.length}`)

const theirs = (program: Program, arrow: '<<<' | '>>>') =>
  [...program.output.matchAll(new RegExp(`${arrow} [^,]+, Handshake \\[length ([0-9a-f]+)\\], (\\w+)`, 'g'))].map(
    ([, length, name]) => `${name} ${parseInt(length!, 16)}`,
  )

const alerts = (party: Party) => party.eventsOf('alert').map(({ direction, level, name }) => `${direction} ${level} ${name}`)

const traces = withPeer('trace', 'openssl')

for (const version of VERSIONS) {
  for (const mutual of [false, true]) {
    const title = `${version}${mutual ? ', client certificate' : ''}`

    traces(`openssl s_client -msg to membio, ${title}`, async (t) => {
      const engine = { trace: true, clientCertificate: mutual ? 'require' : 'none' } as const
      const server = await serveMembio(t, { settings: { ca: root().cert }, engine }, echo)
      const { cert, key } = clientIdentity()
      const identity = mutual ? ['-cert', file(t, 'cert.pem', cert), '-key', file(t, 'key.pem', key)] : []
      const program = sClient(t, server.port, ['-msg', OPENSSL_ONLY[version], ...identity])
      await echoed(program)
      program.end()
      await program.succeeded()
      const party = await server.accept()
      assert.is(await party.closed, undefined)
      assert.equal(ours(party, 'sent'), theirs(program, '<<<'))
      assert.equal(ours(party, 'received'), theirs(program, '>>>'))
      assert.equal(alerts(party), ['received warning close_notify', 'sent warning close_notify'])
    })

    traces(`membio to openssl s_server -msg, ${title}`, async (t) => {
      const program = await opensslServer(t, {
        version,
        identity: serverIdentity(),
        ca: mutual ? root().cert : undefined,
        args: ['-msg'],
      })
      const client = dialMembio(t, program.port, { settings: mutual ? clientIdentity() : {}, engine: { trace: true } })
      await exchanged(program, client)
      await program.write('Q\n')
      await program.exit
      await client.closed
      assert.equal(ours(client, 'sent'), theirs(program, '<<<'))
      assert.equal(ours(client, 'received'), theirs(program, '>>>'))
    })
  }
}

// ---- Alerts. ----

const ACCESS_DENIED = 49

for (const version of VERSIONS) {
  const only = { minVersion: version, maxVersion: version }

  withPeer(`abort, ${version}, openssl s_client`, 'openssl')('access_denied is what it is told', async (t) => {
    const server = await serveMembio(t, { settings: only }, echo)
    const program = sClient(t, server.port, ['-brief'])
    const party = await server.accept()
    await echoed(program)
    expectThrow(() => party.engine.abort(ACCESS_DENIED), { kind: 'protocol' })
    party.poller.wake()
    assert.is(expectError(await party.closed, { kind: 'protocol' }).alert!.name, 'access_denied')
    await program.until(/alert access denied/)
  })

  withPeer(`abort, ${version}, gnutls-cli`, 'gnutls-cli')('access_denied is what it is told', async (t) => {
    const server = await serveMembio(t, { settings: only }, echo)
    const program = gnutlsClient(t, server.port)
    const party = await server.accept()
    await echoed(program)
    expectThrow(() => party.engine.abort(ACCESS_DENIED), { kind: 'protocol' })
    party.poller.wake()
    await program.until(/Access was denied/)
  })

  withPeer(`abort, ${version}, node:tls`)('access_denied is what it is told', async (t) => {
    const server = await serveMembio(t, { settings: only }, echo)
    const peer = dialNode(t, server.port)
    const party = await server.accept()
    peer.socket.write('line\n')
    await peer.until(() => peer.text === 'line\n')
    expectThrow(() => party.engine.abort(ACCESS_DENIED), { kind: 'protocol' })
    party.poller.wake()
    assert.match((await failureOf(peer)).message, /alert access denied/)
  })
}

