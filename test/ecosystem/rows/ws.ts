// ws: wss through nginx, and to a server of its own on membio's HTTPS server; on tls.connect, which it calls itself, and by an agent.
import { certificates, expectCode, expectHash, factsOf, MiB, newestSocket, noise, noteAgreed } from '../rows.ts'
import { OTHER_NAME, recordAccepted, rows, UNKNOWN_CA } from '../rows.ts'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as assert from 'uvu/assert'
import { WebSocket, WebSocketServer, type WebSocketOptions } from 'ws'
import { nginx } from '../servers/nginx.ts'
import { https } from '../web.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('ws')
const { port: nginxPort, webSocketPort } = factsOf(nginx)
const { ca, wrongCa, server: identity } = certificates

/** It sends back what it gets, and says the SHA-256 of what was binary. Resolves with the port. */
async function echo(t: Case, server: http.Server, port = 0): Promise<number> {
  const sockets = new WebSocketServer({ server, maxPayload: 64 * MiB })
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) socket.send(createHash('sha256').update(data).digest('hex'))
      socket.send(isBinary ? data : data.toString())
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.defer(async () => {
    sockets.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

const SERVERS: Record<string, (t: Case) => Promise<number>> = {
  async nginx(t) {
    await echo(t, http.createServer(), webSocketPort)
    return nginxPort
  },
  async 'its own on membio'(t) {
    const server = https.createServer({ ...identity })
    recordAccepted(server)
    return echo(t, server)
  },
}

async function open(t: Case, port: number, options: WebSocketOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(`wss://localhost:${port}/ws`, { ca, maxPayload: 64 * MiB, ...options })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  t.defer(() => {
    socket.terminate()
    return closed
  })
  await once(socket, 'open')
  socket.on('error', () => {})
  return socket
}

async function expectMessages(socket: WebSocket, sent: string | Buffer, count: number): Promise<Buffer[]> {
  const received: Buffer[] = []
  const all = new Promise<void>((resolve) => socket.on('message', (data: Buffer) => received.push(data) === count && resolve()))
  socket.send(sent)
  await all
  return received
}

for (const [name, start] of Object.entries(SERVERS)) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    row(`${name}: ${version}, a message there and back`, async (t) => {
      const socket = await open(t, await start(t), { minVersion: version, maxVersion: version })
      assert.is(newestSocket().getProtocol(), version)
      noteAgreed(t)
      const [back] = await expectMessages(socket, 'hello', 1)
      assert.is(`${back}`, 'hello')
    })
  }

  row(`${name}: 20 MB there and back`, async (t) => {
    const socket = await open(t, await start(t))
    const sent = noise(20 * MiB)
    const [hash, back] = await expectMessages(socket, sent, 2)
    expectHash(sent, `${hash}`)
    assert.ok(sent.equals(back!))
  })

  row(`${name}: 5,000 messages`, async (t) => {
    const socket = await open(t, await start(t))
    for (let at = 1; at < 5000; at++) socket.send(`${at}`)
    const received = await expectMessages(socket, '5000', 5000)
    assert.equal(received.map(Number), Array.from({ length: 5000 }, (_, at) => at + 1))
  })

  row(`${name}: by an agent of membio/https, a ping and a close`, async (t) => {
    const agent = new https.Agent({ ca })
    t.defer(() => agent.destroy())
    const socket = await open(t, await start(t), { agent })
    const pong = once(socket, 'pong')
    socket.ping()
    await pong
    const closed = once(socket, 'close')
    socket.close(1000, 'done')
    assert.is((await closed)[0], 1000)
  })

  row(`${name}: a server of another CA: refused`, async (t) => {
    await expectCode(open(t, await start(t), { ca: wrongCa }), UNKNOWN_CA)
  })

  row(`${name}: a server of another name: refused`, async (t) => {
    await expectCode(open(t, await start(t), { servername: 'other.test' }), OTHER_NAME)
  })
}
