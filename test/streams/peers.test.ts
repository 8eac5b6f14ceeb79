// membio/streams with programs that nobody here wrote, on both ends: openssl, and Node's own tls; client certificates, resumption, 0-RTT.
import * as assert from 'uvu/assert'
import { createContext, type TlsError } from '../../src/index.ts'
import type { TlsSocket } from '../../src/streams/index.ts'
import { client, root, server, strangeRoot, issue } from '../support/certs.ts'
import { expectRejection, sameBytes } from '../support/expect.ts'
import { file, folder, missing, opensslClient, opensslServer } from '../support/peers.ts'
import { echoed, sClient } from '../support/peers-more.ts'
import { pattern } from '../support/random.ts'
import { dialNode, serveNode, sha256 } from '../support/sockets-node.ts'
import { splittingProxy } from '../support/sockets-splitter.ts'
import { suite } from '../support/suite.ts'
import { readAll, readBytes } from './cases.ts'
import { decode, dial, echo, encode, nodeEcho, own, readSome, serve, write } from './echo.ts'

const withOpenssl = suite('streams: with openssl').unless(missing('openssl'))

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  withOpenssl(`${version}: a client of s_server`, async (t) => {
    const program = await opensslServer(t, { identity: server(), version, alpn: ['lines/1'], args: ['-rev'] })
    const socket = dial(t, program.port, { alpn: ['other/1', 'lines/1'] })
    const info = await socket.opened
    assert.is(info.version, version)
    assert.is(info.alpn, 'lines/1')
    assert.is(info.remoteAddress, `127.0.0.1:${program.port}`)
    assert.match(info.localAddress!, /^127\.0\.0\.1:\d+$/)
    await write(socket, 'hello\n')
    assert.is(await readSome(socket, /\n/), 'olleh\n')
  })

  withOpenssl(`${version}: a server of s_client, that shows a certificate`, async (t) => {
    const listener = await own(t, { ca: root().cert, clientCertificate: 'require', alpn: ['lines/1'], hostname: '127.0.0.1' })
    const program = opensslClient(t, listener.address.port, { version, alpn: ['lines/1'], identity: client(), args: ['-quiet'] })
    const socket = await listener.accept()
    t.defer(() => socket.close())
    assert.is(socket.info!.version, version)
    assert.is(socket.info!.alpn, 'lines/1')
    assert.is(socket.info!.authorized, true)
    await program.write('question\n')
    assert.is(await readSome(socket, /\n/), 'question\n')
    await write(socket, 'answer\n')
    await program.until(/answer/)
    await socket.close()
  })
}

withOpenssl('5 MiB from s_client, by their hash', async (t) => {
  const listener = await own(t)
  const program = opensslClient(t, listener.address.port, { args: ['-quiet'] })
  const socket = await listener.accept()
  t.defer(() => socket.close())
  const sent = pattern(5 * 1_048_576)
  const received = readBytes(socket.readable.getReader(), sent.length)
  await program.write(sent)
  assert.is(sha256(await received), sha256(sent))
})

withOpenssl('0-RTT: taken by the server, and sent again where it is not', async (t) => {
  for (const accepts of [true, false]) {
    const args = accepts ? ['-tls1_3', '-early_data', '-max_early_data', '1000'] : ['-tls1_3']
    const first = await opensslServer(t, { identity: server(), args: ['-tls1_3', '-early_data', '-max_early_data', '1000'] })
    const context = createContext({ ca: root().cert })
    t.own(context)
    let session: Uint8Array | undefined
    const visit = dial(t, first.port, { context, onEvent: (event) => event.type === 'session' && (session = event.session) })
    const reading = visit.readable.getReader().read() // s_server says nothing but its tickets
    reading.catch(() => {})
    await visit.opened
    while (!session) await new Promise((resolve) => setTimeout(resolve, 1))
    await visit.close()
    const second = accepts ? first : await opensslServer(t, { identity: server(), args })
    const socket = dial(t, second.port, { context, session, earlyData: encode('early bird\n') })
    await write(socket, 'later\n')
    const { earlyData, resumed } = await socket.opened
    assert.equal([earlyData, resumed], accepts ? ['accepted', true] : ['rejected', false])
    await second.until(/early bird[^]*later/)
    await socket.close()
  }
})

withOpenssl('early data without a session is sent after the handshake', async (t) => {
  const program = await opensslServer(t, { identity: server() })
  const socket = dial(t, program.port, { earlyData: encode('early bird\n') })
  await write(socket, 'later\n')
  await program.until(/early bird\nlater/)
  assert.is((await socket.opened).earlyData, 'none')
})

withOpenssl('0-RTT from s_client comes by an event', async (t) => {
  const early: string[] = []
  const listener = await own(t, {
    maxEarlyData: 1000,
    onEvent: (event) => void (event.type === 'earlyData' && early.push(decode(event.plaintext))),
  })
  serve(t, listener, echo)
  const session = `${folder(t)}/session.pem`
  const { port } = listener.address
  const first = sClient(t, port, ['-tls1_3', '-sess_out', session])
  await echoed(first)
  first.end()
  await first.succeeded()
  const second = sClient(t, port, ['-tls1_3', '-sess_in', session, '-early_data', file(t, 'early.txt', 'early bird')])
  await second.until(/Early data was accepted/)
  await echoed(second)
  second.end()
  await second.succeeded()
  assert.equal(early, ['early bird'])
})

const withNode = suite('streams: with node:tls')

withNode('a server of node:tls clients: a client certificate, SNI and ALPN decided by promises', async (t) => {
  const other = issue({ subject: { CN: 'other.test' }, hosts: ['other.test'] }, root())
  const context = createContext({ ...other, ca: root().cert })
  t.own(context)
  const listener = await own(t, {
    ca: root().cert,
    clientCertificate: 'require',
    decisions: {
      clientHello: async ({ hello }) => {
        await new Promise((resolve) => setTimeout(resolve, 1))
        return hello.servername === 'other.test' ? { context, alpn: ['b'] } : { alpn: ['a'] }
      },
    },
  })
  serve(t, listener, echo)
  for (const [servername, alpn] of [['server.test', 'a'], ['other.test', 'b']] as const) {
    const peer = dialNode(t, listener.address.port, { ...client(), servername, ALPNProtocols: ['a', 'b'] })
    await peer.until(() => peer.socket.authorized)
    assert.is(peer.socket.alpnProtocol, alpn)
    assert.is(peer.socket.getPeerCertificate().subject.CN, servername)
    peer.socket.end('hello')
    assert.is(await peer.close(), undefined)
    assert.is(peer.text, 'hello')
  }
})

withNode('a client without the certificate that is asked for is told to `onClientError`; others are served', async (t) => {
  const errors: [TlsError, string | undefined][] = []
  const listener = await own(t, {
    ca: root().cert,
    clientCertificate: 'require',
    onClientError: (error, { remoteAddress }) => void errors.push([error, remoteAddress]),
  })
  serve(t, listener, echo)
  const stranger = issue({ subject: { CN: 'stranger' }, usage: ['client'] }, strangeRoot())
  const refused = [dialNode(t, listener.address.port), dialNode(t, listener.address.port, stranger)]
  for (const peer of refused) assert.ok(await peer.failure())
  const peer = dialNode(t, listener.address.port, client())
  peer.socket.end('hello')
  await peer.close()
  assert.is(peer.text, 'hello')
  assert.equal(errors.map(([{ code }]) => code).sort(), ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'])
  for (const [, address] of errors) assert.match(address!, /^127\.0\.0\.1:\d+$/)
})

withNode('a session is resumed', async (t) => {
  const port = await nodeEcho(t)
  const context = createContext({ ca: root().cert })
  t.own(context)
  let session: Uint8Array | undefined
  const visit = async (): Promise<TlsSocket> => {
    const socket = dial(t, port, { context, session, onEvent: (event) => event.type === 'session' && (session = event.session) })
    await write(socket, 'x')
    await readSome(socket, /x/)
    await socket.close()
    return socket
  }
  assert.is((await visit()).info!.resumed, false)
  assert.ok(session)
  assert.is((await visit()).info!.resumed, true)
})

withNode('one byte at a time, both ways', async (t) => {
  const port = await splittingProxy(t, await nodeEcho(t))
  const socket = dial(t, port)
  const sent = pattern(3000)
  const reading = readAll(socket.readable)
  const writer = socket.writable.getWriter()
  await writer.write(sent)
  await writer.close()
  sameBytes(await reading, sent)
  await socket.closed
}, { deadline: 60 })

withNode('a context given is used, and stays its owner\'s', async (t) => {
  const port = await nodeEcho(t)
  const context = createContext({ ca: root().cert })
  t.own(context)
  const sockets = [dial(t, port, { context }), dial(t, port, { context })]
  await Promise.all(sockets.map(({ opened }) => opened))
  await Promise.all(sockets.map((socket) => socket.close()))
  await expectRejection(
    (async () => dial(t, port, { context, minVersion: 'TLSv1.3' }))(),
    { kind: 'usage', message: '`minVersion` is given beside `context`' },
  )
})

withNode('what the engine can do beside: keying material and key updates', async (t) => {
  const { port, accept } = await serveNode(t, {}, ({ socket }) => void socket.pipe(socket))
  const socket = dial(t, port)
  await socket.opened
  const { engine } = socket.poller!
  const ours = engine.exportKeyingMaterial(32, 'membio test', encode('context'))
  sameBytes(ours, (await accept()).socket.exportKeyingMaterial(32, 'membio test', Buffer.from('context')))
  engine.keyUpdate('requested')
  socket.poller!.wake()
  await write(socket, 'under new keys')
  assert.is(await readSome(socket, /keys/), 'under new keys')
})
