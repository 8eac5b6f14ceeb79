// `membio/streams`: the client's cases of test/streams on every runtime's sockets; servers, where a program can listen; STARTTLS.
import { connect, listen, secure, startTls, type ListenOptions, type TlsListener, type TlsSocket } from 'membio/streams'
import { clientCases, readAll, readBytes } from '../../streams/cases.ts'
import { HOST, type PeerName } from '../world.ts'
import { Client } from './client.ts'
import { decode, encode, group, needing, same, world, type Case } from './kit.ts'
import { suite } from './shared-suite.ts'

const { ca, wrongCa: strangeCa, client } = world().certificates
const common = { servername: HOST, ca, strangeCa, client }

const PEERS: PeerName[] = ['membio', 'node24']

for (const peer of PEERS) {
  const port = world().peers[peer].echo
  const hostname = '127.0.0.1'
  needing(['connecting'], () =>
    clientCases(suite(`membio/streams: connect, to ${peer}`), { ...common, dial: (_t, options) => connect({ hostname, port }, options) }),
  )
  clientCases(suite(`membio/streams: secure, to ${peer}`), {
    ...common,
    dial: async (_t, options) => secure(await world().pipes.native.dial(port), options),
  })
}

const upgrade = group('membio/streams: STARTTLS', ['connecting'])

for (const peer of PEERS) {
  upgrade(peer, async (t) => {
    const { startTls: port } = t.world.peers[peer]
    const plain = connect({ hostname: '127.0.0.1', port }, { secureTransport: 'starttls' })
    const [writer, reader] = [plain.writable.getWriter(), plain.readable.getReader()]
    await writer.write(encode('STARTTLS\n'))
    same(decode(await readBytes(reader, 3)), 'GO\n')
    writer.releaseLock()
    reader.releaseLock()
    const socket = startTls(plain, { ca, servername: HOST })
    t.defer(() => socket.close().catch(() => {}))
    same((await socket.opened).authorized, true)
    const secret = socket.writable.getWriter()
    await secret.write(encode('info\nend\n'))
    same(JSON.parse(decode(await readAll(socket.readable))).version, 'TLSv1.3')
  })
}

// ---- Servers. ----

const servers = group('membio/streams: listen', ['listening'])

async function serve(t: Case, options: Partial<ListenOptions>, handle: (socket: TlsSocket) => Promise<unknown>): Promise<TlsListener> {
  const listener = await listen({ ...t.world.certificates.server, hostname: '127.0.0.1', port: 0, ...options })
  const handled: Promise<unknown>[] = []
  t.defer(async () => {
    listener.close()
    await Promise.allSettled([listener.closed, ...handled])
  })
  void (async () => {
    for await (const socket of listener) handled.push(handle(socket).catch(() => {}))
  })()
  return listener
}

const shout = async (socket: TlsSocket): Promise<void> => {
  const text = decode(await readAll(socket.readable)).toUpperCase()
  const writer = socket.writable.getWriter()
  await writer.write(encode(text))
  await writer.close()
  await socket.closed
}

/** A peer connects to a server of ours. */
async function dialled(t: Case, peer: PeerName, options: object): Promise<Record<string, string>> {
  const client = new Client(t, await t.world.pipes.native.dial(t.world.peers[peer].good))
  await client.secure()
  const answer = await client.ask(`dial ${JSON.stringify({ servername: HOST, text: 'text', ...options })}`)
  await client.close()
  return JSON.parse(answer) as Record<string, string>
}

for (const peer of PEERS) {
  servers(`${peer} connects: ALPN, an answer, the end`, async (t) => {
    const listener = await serve(t, { alpn: ['b', 'a'], allowHalfOpen: true }, shout)
    same(await dialled(t, peer, { port: listener.address.port, alpn: ['a', 'c'] }), { version: 'TLSv1.3', alpn: 'a', answer: 'TEXT' })
  })

  servers(`${peer} connects with a certificate, and without`, async (t) => {
    const options = { ca, clientCertificate: 'require', allowHalfOpen: true } as const
    const { port } = (await serve(t, options, shout)).address
    same((await dialled(t, peer, { port, identity: client })).answer, 'TEXT')
    same((await dialled(t, peer, { port })).answer === 'TEXT', false, 'without a certificate it is answered')
  })
}

const echo = (socket: TlsSocket) => socket.readable.pipeTo(socket.writable)

needing(['listening'], () =>
  clientCases(suite('membio/streams: connect, to listen'), {
    ...common,
    dial: async (t, options) => {
      const listener = await serve(t as unknown as Case, { ca, clientCertificate: 'request', allowHalfOpen: true }, echo)
      return connect({ hostname: '127.0.0.1', port: listener.address.port }, options)
    },
  }),
)
