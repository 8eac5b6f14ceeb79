// The client's cases on Node: over its sockets, over pairs of streams, byte by byte; against Node's own tls and against our own listener.
import type { Duplex } from 'node:stream'
import { connect, listen, secure, type ClientOptions, type TlsSocket } from '../../src/streams/index.ts'
import { connect as connectTcp } from 'node:net'
import { Duplex as NodeDuplex } from 'node:stream'
import { nodeSocket } from '../../src/transport/index.ts'
import { client, HOST, root, server, strangeRoot } from '../support/certs.ts'
import { serveNode } from '../support/sockets-node.ts'
import { suite, type Case } from '../support/suite.ts'
import { clientCases, type Stage } from './cases.ts'

type Dial = (t: Case, options: ClientOptions) => Promise<TlsSocket>

const stage = (dial: Dial): Stage => ({ dial, servername: HOST, ca: root().cert, strangeCa: strangeRoot().cert, client: client() })

/** A server of node:tls that sends back what it gets. */
export async function nodeEcho(t: Case): Promise<number> {
  const options = { requestCert: true, rejectUnauthorized: false, ca: root().cert }
  const { port } = await serveNode(t, options, ({ socket }) => void (socket as Duplex).pipe(socket))
  return port
}

/** The same, of our own. */
async function ownEcho(t: Case): Promise<number> {
  const listener = await listen({ ...server(), ca: root().cert, clientCertificate: 'request', hostname: '127.0.0.1', port: 0 })
  const accepted: TlsSocket[] = []
  t.defer(async () => {
    listener.close()
    await listener.closed
    await Promise.allSettled(accepted.map(({ closed }) => closed))
  })
  void (async () => {
    for await (const socket of listener) {
      accepted.push(socket)
      socket.readable.pipeTo(socket.writable).catch(() => {})
    }
  })()
  return listener.address.port
}

clientCases(
  suite('streams: connect, with node:tls'),
  stage(async (t, options) => connect({ hostname: '127.0.0.1', port: await nodeEcho(t) }, options)),
)

clientCases(
  suite('streams: connect, with listen'),
  stage(async (t, options) => connect(`127.0.0.1:${await ownEcho(t)}`, options)),
)

clientCases(
  suite('streams: secure, over a pair of streams'),
  stage(async (t, options) => {
    const socket = connectTcp({ port: await nodeEcho(t), host: '127.0.0.1', allowHalfOpen: true })
    t.defer(() => socket.destroy())
    return secure(NodeDuplex.toWeb(socket) as never, options)
  }),
)

clientCases(
  suite('streams: secure, over a ByteTransport'),
  stage(async (t, options) => {
    const socket = connectTcp({ port: await nodeEcho(t), host: '127.0.0.1' })
    t.defer(() => socket.destroy())
    return secure(nodeSocket(socket), options)
  }),
)
