// The client's cases on Node: over its sockets, over pairs of streams, byte by byte; against Node's own tls and against our own listener.
import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { connect, secure, type ClientOptions, type TlsSocket } from '../../src/streams/index.ts'
import { nodeSocket } from '../../src/transport/index.ts'
import { client, HOST, root, strangeRoot } from '../support/certs.ts'
import { suite, type Case } from '../support/suite.ts'
import { clientCases, type Stage } from './cases.ts'
import { echo, nodeEcho, own, serve } from './echo.ts'

type Dial = (t: Case, options: ClientOptions) => Promise<TlsSocket>

const trust = () => ({ servername: HOST, ca: root().cert, strangeCa: strangeRoot().cert, client: client() })
const stage = (dial: Dial): Stage => ({ dial, ...trust(), holdsBack: true })

/** As nodeEcho, of our own. */
async function ownEcho(t: Case): Promise<number> {
  const listener = await own(t, { ca: root().cert, clientCertificate: 'request' })
  serve(t, listener, echo)
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
    return secure(Duplex.toWeb(socket) as never, options)
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
