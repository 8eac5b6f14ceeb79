// The ends of connections on kernel sockets: half-close in both directions, and streams that are cut off. openssl s_client is not
// among the peers that half-close: at the end of its input it sends close_notify and leaves without reading the answer.
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import type { PollerHandlers } from '../../src/transport/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { gnutlsClient, gnutlsServer, missing, opensslClient, opensslServer } from '../support/peers.ts'
import { pattern } from '../support/random.ts'
import { dialNode, serveNode, sha256 } from '../support/sockets-node.ts'
import { dialMembio, dialTcp, listenTcp, serveMembio, type Party } from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const ANSWER = pattern(300_000)

/** Asks, ends its direction, and takes the answer. */
async function askAndEnd(client: Party): Promise<void> {
  client.poller.write('question\n')
  client.poller.closeWrite()
  assert.is(await client.closed, undefined)
  assert.is(client.engine.readSide, 'closeNotify')
}

const NOTHING_AT_END: PollerHandlers = { onEnd: () => {} }

for (const version of VERSIONS) {
  const half = suite(`interop: half-close, ${version}`)

  half('membio ends first, node:tls answers', async (t) => {
    const { port, accept } = await serveNode(t, { maxVersion: version }, ({ socket }) => socket.on('end', () => socket.end(ANSWER)))
    const client = dialMembio(t, port, { handlers: NOTHING_AT_END })
    await askAndEnd(client)
    assert.is((await accept()).text, 'question\n')
    assert.is(sha256(client.received), sha256(ANSWER))
  })

  half('node:tls ends first, membio answers', async (t) => {
    const { port, accept } = await serveMembio(t, { settings: { maxVersion: version } }, (party) => ({
      onEnd() {
        party().poller.write(ANSWER)
        party().poller.closeWrite()
      },
    }))
    const peer = dialNode(t, port)
    peer.socket.end('question')
    assert.is(await peer.close(), undefined)
    assert.is(sha256(peer.received), sha256(ANSWER))
    const party = await accept()
    assert.is(await party.closed, undefined)
    assert.is(party.text, 'question')
  })

  half('a membio server ends first, and node:tls goes on sending', async (t) => {
    const { port, accept } = await serveMembio(t, { settings: { maxVersion: version } }, (party) => ({
      ...NOTHING_AT_END,
      onSecure: () => party().poller.closeWrite(),
    }))
    const peer = dialNode(t, port)
    await peer.until(() => peer.ended)
    await peer.send(ANSWER)
    peer.socket.end()
    const party = await accept()
    assert.is(await party.closed, undefined)
    assert.is(sha256(party.received), sha256(ANSWER))
  })

  half('a node:tls server ends first, and membio goes on sending', async (t) => {
    // Not at once: called from the handler of 'secureConnection', Node's end() sends no close_notify in TLS 1.3.
    const { port, accept } = await serveNode(
      t,
      { maxVersion: version },
      ({ socket }) => void setImmediate(() => socket.end('that was all')),
    )
    const client = dialMembio(t, port, { handlers: NOTHING_AT_END })
    await client.until(() => client.calls.includes('onEnd'))
    assert.is(client.text, 'that was all')
    await client.send(ANSWER)
    client.poller.closeWrite()
    assert.is(await client.closed, undefined)
    const peer = await accept()
    await peer.until(() => peer.bytesReceived === ANSWER.length)
    assert.is(sha256(peer.received), sha256(ANSWER))
  })

  const openssl = suite(`interop: half-close, openssl, ${version}`).unless(missing('openssl'))

  openssl('membio ends, s_server answers what came before', async (t) => {
    const { port } = await opensslServer(t, { version, identity: serverIdentity(), args: ['-rev'] })
    const client = dialMembio(t, port, { handlers: NOTHING_AT_END })
    await askAndEnd(client)
    assert.is(client.text, 'noitseuq\n')
  })

  openssl('s_client ends when membio does, and leaves with 0', async (t) => {
    const { port, accept } = await serveMembio(t, {}, (party) => ({ onPlaintext: () => party().poller.close() }))
    const program = opensslClient(t, port, { version })
    await program.write('hello\n')
    await program.succeeded()
    assert.is(await (await accept()).closed, undefined)
  })

  const gnutls = suite(`interop: half-close, gnutls, ${version}`).unless(missing('gnutls-serv'))

  gnutls('membio ends, gnutls-serv answers what came before', async (t) => {
    const { port } = await gnutlsServer(t, { version, identity: serverIdentity() })
    const client = dialMembio(t, port, { handlers: NOTHING_AT_END })
    await askAndEnd(client)
    assert.is(client.text, 'question\n')
  })

  gnutls('gnutls-cli ends, membio answers', async (t) => {
    const { port } = await serveMembio(t, {}, (party) => ({
      onEnd() {
        party().poller.write(`answer to ${party().text}`)
        party().poller.closeWrite()
      },
    }))
    const program = gnutlsClient(t, port, { version })
    await program.until(/Simple Client Mode/)
    await program.write('question\n')
    program.end()
    await program.until(/^answer to question$/m)
    await program.succeeded()
  })
}

// ---- Cut off. ----

const cut = suite('interop: a stream that is cut off')

for (const version of VERSIONS) {
  cut(`node:tls dies without close_notify: all that it sent is delivered, then truncation, ${version}`, async (t) => {
    const { port, sockets } = await listenTcp(t, (socket) => {
      const upstream = dialTcp(t, node.port)
      socket.pipe(upstream)
      upstream.on('data', (chunk) => socket.write(chunk))
    })
    const node = await serveNode(t, { maxVersion: version }, ({ socket }) => void socket.write(ANSWER))
    const client = dialMembio(t, port)
    await client.until(() => client.bytesReceived === ANSWER.length)
    for (const socket of sockets) socket.end() // a FIN with no close_notify before it
    expectError(await client.closed, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
    assert.is(sha256(client.received), sha256(ANSWER))
  })

  cut(`node:tls is reset: all that had arrived is delivered, then the reset, ${version}`, async (t) => {
    const server = await serveMembio(t, { settings: { maxVersion: version } })
    const socket = dialTcp(t, server.port)
    const peer = dialNode(t, server.port, { socket })
    const party = await server.accept()
    await Promise.all([party.secure(), peer.until(() => peer.socket.authorized)])
    await peer.send(ANSWER)
    await party.until(() => party.bytesReceived === ANSWER.length)
    socket.resetAndDestroy()
    const error = expectError(await party.closed, { kind: 'io', code: 'ECONNRESET' })
    assert.ok(error.cause instanceof Error)
  })
}

cut('openssl s_client is killed', async (t) => {
  const server = await serveMembio(t)
  const program = opensslClient(t, server.port, { version: 'TLSv1.2' }) // has read all there is: else the kernel would reset
  await program.write('hello\n')
  const party = await server.accept()
  await party.until(() => party.text === 'hello\n')
  await program.stop()
  expectError(await party.closed, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
})

cut('destroy: the peer is reset', async (t) => {
  const server = await serveNode(t, {}, ({ socket }) => void socket.write('hello'))
  const client = dialMembio(t, server.port)
  const peer = await server.accept()
  await client.until(() => client.text === 'hello') // a reset that meets Node's own writes is told as an end
  client.poller.destroy()
  assert.is((await peer.failure()).code, 'ECONNRESET')
  assert.is(await client.closed, undefined)
})

cut('a membio program that closes while the peer still sends ends in good order', async (t) => {
  const server = await serveNode(t, {}, ({ socket }) => void socket.write(pattern(2_000_000)))
  const client = dialMembio(t, server.port)
  const peer = await server.accept()
  peer.socket.on('end', () => peer.socket.end())
  await client.until(() => client.bytesReceived > 0)
  client.poller.close()
  assert.is(await client.closed, undefined)
  while (!peer.ended) await nextTurn()
})
