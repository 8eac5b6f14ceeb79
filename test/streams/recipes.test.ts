// The recipes of docs/streams.md, as they stand there: other people's clients on a TlsSocket.
import { createSecureServer } from 'node:http2'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import * as assert from 'uvu/assert'
import { Agent, fetch } from 'undici'
import { connect, type TlsSocket } from '../../src/streams/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { suite, type Case } from '../support/suite.ts'
import { listen, nodeHttps } from '../samples/program.ts'

const test = suite('streams: recipes')

const ca = root().cert

function duplexOf(socket: TlsSocket): Duplex {
  return Duplex.fromWeb(socket as never)
}

/** An HTTP/2 server of Node's, which speaks HTTP/1.1, too. */
const nodeHttp2 = (t: Case): Promise<number> => {
  const http2 = createSecureServer({ ...server(), allowHTTP1: true }, (request, response) => {
    response.end(`HTTP/${request.httpVersion} ${request.url}`)
  })
  return listen(t, http2 as never)
}

function undiciAgent(options: object = {}): Agent {
  return new Agent({
    ...options,
    async connect({ hostname, port }, callback) {
      const alpn = 'allowH2' in options ? ['h2', 'http/1.1'] : ['http/1.1']
      const socket = connect({ hostname, port: Number(port || 443) }, { ca, servername: HOST, alpn })
      try {
        const { alpn: alpnProtocol } = await socket.opened
        callback(null, Object.assign(duplexOf(socket), { alpnProtocol, ref() {}, unref() {} }) as never)
      } catch (error) {
        callback(error as Error, null)
      }
    },
  })
}

test('undici: fetch with HTTP/1.1, the connection used again', async (t) => {
  const ports = new Set<number>()
  const port = await nodeHttps(t, (request, response) => {
    ports.add(request.socket.remotePort!)
    request.pipe(response)
  })
  const dispatcher = undiciAgent()
  t.defer(() => dispatcher.close())
  const body = 'x'.repeat(1_000_000)
  for (let turn = 0; turn < 3; turn++) {
    const response = await fetch(`https://localhost:${port}/`, { dispatcher, method: 'POST', body })
    assert.ok((await response.text()) === body)
  }
  assert.ok(ports.size < 3, `${ports.size} connections for three requests`)
})

test('undici: fetch with HTTP/2', async (t) => {
  const port = await nodeHttp2(t)
  const dispatcher = undiciAgent({ allowH2: true })
  t.defer(() => dispatcher.close())
  const response = await fetch(`https://localhost:${port}/path`, { dispatcher })
  assert.is(await response.text(), 'HTTP/2.0 /path')
})

test('node:http2', async (t) => {
  const port = await nodeHttp2(t)
  const socket = connect({ hostname: '127.0.0.1', port }, { ca, servername: HOST, alpn: ['h2'] })
  assert.is((await socket.opened).alpn, 'h2')
  const session: ClientHttp2Session = connectHttp2(`https://${HOST}`, { createConnection: () => duplexOf(socket) as Socket })
  t.defer(() => session.destroy())
  const request = session.request({ ':path': '/path' })
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  assert.is(text, 'HTTP/2.0 /path')
  await new Promise<void>((resolve) => session.close(resolve))
  await socket.closed.catch(() => {}) // Node's server says GOAWAY, and not close_notify
})
