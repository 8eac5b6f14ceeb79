// `membio/https`, where the runtime's HTTP takes connections that others have made.
import type { IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'
import { concat } from '../../support/chunk.ts'
import { pattern } from '../../support/random.ts'
import { HOST } from '../world.ts'
import { decode, fails, group, MiB, same, sameBytes, sha256, type Case } from './kit.ts'
import { LEAVES, listen, membioHttps, once, PEERS } from './node-support.ts'

const web = group('membio/https', ['node:https'])

const body = async (response: AsyncIterable<unknown>): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of response) chunks.push(chunk as Uint8Array)
  return concat(chunks)
}

async function request(t: Case, port: number, options: RequestOptions, sent?: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const https = await membioHttps()
  const asked = https.request({ host: '127.0.0.1', port, servername: HOST, ca: t.world.certificates.ca, ...options })
  const answer = once<IncomingMessage>(asked, 'response')
  asked.end(sent)
  return body(await answer)
}

for (const peer of PEERS) {
  web(
    `${peer}: ten requests on one connection`,
    async (t) => {
      const https = await membioHttps()
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
      t.defer(() => agent.destroy())
      const ports = new Set<number>()
      for (let at = 0; at < 10; at++) {
        const answer = await request(t, t.world.peers[peer].https, { agent, path: `/${at}` })
        const told = JSON.parse(decode(answer)) as { url: string; port: number }
        same(told.url, `/${at}`)
        ports.add(told.port)
      }
      same(ports.size, 1, 'connections')
    },
    LEAVES,
  )

  web(
    `${peer}: 5 MiB there and back`,
    async (t) => {
      const bytes = pattern(5 * MiB, 13)
      const back = await request(t, t.world.peers[peer].https, { agent: false, path: '/echo', method: 'POST' }, bytes)
      same(await sha256(back), await sha256(bytes))
    },
    LEAVES,
  )

  web(
    `${peer}: a server of another CA is refused`,
    async (t) => {
      const { wrongCa } = t.world.certificates
      const attempt = () => request(t, t.world.peers[peer].https, { agent: false, ca: wrongCa })
      await fails(attempt, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    },
    LEAVES,
  )
}

const webServers = group('membio/https: server', ['node:https', 'listening'])

webServers(
  'serves our own client',
  async (t) => {
    const https = await membioHttps()
    const server = https.createServer(t.world.certificates.server, (request, response) => void request.pipe(response))
    const bytes = pattern(MiB, 14)
    sameBytes(await request(t, await listen(t, server), { agent: false, method: 'POST' }, bytes), bytes)
  },
  LEAVES,
)

const http2Servers = group('membio/http2', ['node:https', 'listening'])

http2Servers(
  'a server and a client, eight streams of one session, 300 kB each way on each',
  async (t) => {
    const http2 = (await import('membio/http2')).default as unknown as typeof import('node:http2')
    const server = http2.createSecureServer(t.world.certificates.server)
    server.on('stream', (stream) => void stream.pipe(stream))
    const port = await listen(t, server)
    const session = http2.connect(`https://127.0.0.1:${port}`, { servername: HOST, ca: t.world.certificates.ca })
    t.defer(() => session.destroy())
    await once(session, 'connect')
    const one = async (seed: number) => {
      const bytes = pattern(300_000, seed)
      const stream = session.request({ ':method': 'POST' }, { endStream: false })
      stream.end(bytes)
      sameBytes(await body(stream), bytes)
    }
    await Promise.all(Array.from({ length: 8 }, (_, seed) => one(seed + 1)))
  },
  LEAVES,
)
