// Servers of `membio/tls`, used as those of node:tls are, where a program can listen. The peers come as clients.
import type { Server, TlsOptions } from 'node:tls'
import { pattern } from '../../support/random.ts'
import { HOST, type PeerName } from '../world.ts'
import { group, MiB, ok, same, sameBytes, type Case } from './kit.ts'
import { ask, connect, end, LEAVES, listen, membioTls, once, PEERS, read, secure } from './node-support.ts'

const servers = group('membio/tls: server', ['node:net', 'listening'])

/** Every connection is answered with what it says, in upper case. */
async function shouting(t: Case, options: TlsOptions = {}): Promise<{ port: number; server: Server }> {
  const tls = await membioTls()
  const server = tls.createServer({ ...t.world.certificates.server, ...options }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => socket.write(String(chunk).toUpperCase()))
    socket.on('end', () => socket.end())
  })
  return { port: await listen(t, server), server }
}

interface Dialled {
  version?: string
  alpn?: string
  answer?: string
  error?: string
}

/** A peer connects to a server of ours. */
async function dialled(t: Case, peer: PeerName, options: object): Promise<Dialled> {
  const socket = await secure(t, t.world.peers[peer].good)
  const answer = JSON.parse(await ask(socket, `dial ${JSON.stringify({ servername: HOST, text: 'text', ...options })}`)) as Dialled
  await end(socket)
  return answer
}

for (const peer of PEERS) {
  servers(
    `${peer} connects: ALPN, an answer, the end`,
    async (t) => {
      const { port } = await shouting(t, { ALPNProtocols: ['b', 'a'] })
      same(await dialled(t, peer, { port, alpn: ['a', 'c'] }), { version: 'TLSv1.3', alpn: 'a', answer: 'TEXT' })
    },
    LEAVES,
  )

  servers(
    `${peer} connects with a certificate, without, and with one of another CA`,
    async (t) => {
      const { client, strangeClient, ca } = t.world.certificates
      const { port } = await shouting(t, { requestCert: true, rejectUnauthorized: true, ca })
      same((await dialled(t, peer, { port, identity: client })).answer, 'TEXT')
      ok((await dialled(t, peer, { port })).answer !== 'TEXT', 'without a certificate')
      ok((await dialled(t, peer, { port, identity: strangeClient })).answer !== 'TEXT', 'with a certificate of another CA')
    },
    LEAVES,
  )

  servers(
    `${peer} connects: the SNI callback chooses the certificate`,
    async (t) => {
      const tls = await membioTls()
      const names: string[] = []
      const good = tls.createSecureContext(t.world.certificates.server)
      const { port } = await shouting(t, {
        ...t.world.certificates.strangeClient,
        SNICallback: (name, tell) => {
          names.push(name)
          setTimeout(() => tell(null, good), 1)
        },
      })
      same((await dialled(t, peer, { port })).answer, 'TEXT')
      same(names, [HOST])
    },
    LEAVES,
  )
}

servers(
  'our own client: resumed, and 5 MiB both ways at once',
  async (t) => {
    const tls = await membioTls()
    const bytes = pattern(5 * MiB, 12)
    const server = tls.createServer(t.world.certificates.server, (socket) => void socket.pipe(socket))
    const port = await listen(t, server)
    const first = await connect(t, port)
    const session = once<Buffer>(first, 'session')
    first.write('x')
    await read(first, 1)
    const second = await secure(t, port, { session: await session })
    ok(second.isSessionReused(), 'not resumed')
    second.write(bytes)
    sameBytes(await read(second, bytes.length), bytes)
    await Promise.all([end(first), end(second)])
  },
  LEAVES,
)

servers(
  'STARTTLS on an accepted net.Socket',
  async (t) => {
    const [net, tls] = [await import('node:net'), await membioTls()]
    const port = await listen(
      t,
      net.createServer((plain) => {
        plain.once('data', () => {
          plain.write('GO\n')
          const socket = new tls.TLSSocket(plain, { isServer: true, ...t.world.certificates.server })
          socket.on('data', (chunk: Buffer) => socket.end(`secret ${String(chunk)}`))
        })
      }),
    )
    const plain = net.connect(port, '127.0.0.1')
    t.defer(() => plain.destroy())
    same(await ask(plain, 'STARTTLS'), 'GO')
    const socket = await secure(t, 0, { socket: plain })
    same(await ask(socket, 'word'), 'secret word')
    await end(socket)
  },
  LEAVES,
)
