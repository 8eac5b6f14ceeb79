// Much of it: large bodies in both directions, readers that take their time, many requests at once.
import * as assert from 'uvu/assert'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type * as http from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pattern, Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'
import { agentOf, answered, ask, at, https, MODULES, PAIRS, serve, sha256, type Handler } from './support.ts'

const MEGABYTES = 8
const body = pattern(MEGABYTES << 20, 7)
const HASH = createHash('sha256').update(body).digest('hex')

/** In pieces of every size. */
function* pieces(seed: number): Generator<Uint8Array> {
  const random = new Random(seed)
  for (let at = 0; at < body.length; ) {
    const length = random.below(100_000) + 1
    yield body.subarray(at, at + length)
    at += length
  }
}

const bulk = suite('https: large bodies')

for (const [client, server] of PAIRS) {
  bulk(`${client} uploads to ${server} and downloads at the same time, chunked`, async (t) => {
    let received: Promise<{ hash: string }> | undefined
    const { port } = await serve(t, server, async (request, response) => {
      received = sha256(request)
      await pipeline(Readable.from(pieces(1)), response, { end: false })
      await received // node:http's client stops sending when it has the whole answer
      response.end()
    })
    const agent = agentOf(t, client, { keepAlive: true })
    const request = MODULES[client].https.request({ ...at(port), agent, method: 'POST' })
    const sent = pipeline(Readable.from(pieces(2)), request)
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    assert.is((await sha256(response)).hash, HASH)
    await sent
    assert.is((await received)?.hash, HASH)
  })

  bulk(`${client} downloads from ${server} with Content-Length, in one write`, async (t) => {
    const { port } = await serve(t, server, (_request, response) => response.writeHead(200, { 'content-length': body.length }).end(body))
    const request = MODULES[client].https.get({ host: '127.0.0.1', servername: 'localhost', port, agent: agentOf(t, client) })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    assert.equal(await sha256(response), { bytes: body.length, hash: HASH })
  })
}

bulk('a reader that pauses holds the server back, and loses nothing', async (t) => {
  let written = 0
  let sending: http.ServerResponse | undefined
  const { port } = await serve(t, 'membio', async (_request, response) => {
    sending = response
    for (const piece of pieces(3)) {
      written += piece.length
      if (!response.write(piece)) await once(response, 'drain')
    }
    response.end()
  })
  const request = https.get({ host: '127.0.0.1', servername: 'localhost', port, agent: agentOf(t, 'membio') })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.once('readable', () => {})
  while (!sending?.writableNeedDrain) await new Promise((resolve) => setImmediate(resolve))
  // What is between them: kernel buffers and our own, all of them bounded.
  assert.ok(written < body.length, `${written} bytes written with nobody reading`)
  assert.equal(await sha256(response), { bytes: body.length, hash: HASH })
})

bulk('fifty requests at once, of every size, each with its own answer', async (t) => {
  const { port } = await serve(t, 'membio', async (request, response) => {
    const { bytes, hash } = await sha256(request)
    response.end(`${request.url} ${bytes} ${hash}`)
  })
  const agent = agentOf(t, 'membio', { keepAlive: true, maxSockets: 8 })
  const random = new Random(4)
  const all = Array.from({ length: 50 }, async (_, index) => {
    const part = body.subarray(0, random.below(200_000))
    const request = https.request({ host: '127.0.0.1', servername: 'localhost', port, agent, method: 'POST', path: `/${index}` })
    request.end(part)
    const answer = await answered(request)
    assert.is(answer.body, `/${index} ${part.length} ${createHash('sha256').update(part).digest('hex')}`)
  })
  await Promise.all(all)
})

// ---- The end of a body. ----

const ends = suite('https: the end of a body')

for (const [client, server] of PAIRS) {
  ends(`${client} reads from ${server} until the connection ends`, async (t) => {
    const { port } = await serve(t, server, (request) => {
      const socket = request.socket
      socket.write('HTTP/1.0 200 OK\r\n\r\n')
      socket.end(body.subarray(0, 300_000))
    })
    const request = MODULES[client].https.get({ host: '127.0.0.1', servername: 'localhost', port, agent: agentOf(t, client) })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const { hash } = await sha256(response)
    assert.is(hash, createHash('sha256').update(body.subarray(0, 300_000)).digest('hex'))
  })
}

ends('a client that has ended its direction is answered all the same, where the server allows it', async (t) => {
  const answer: Handler = (request, response) => {
    request.resume().on('end', () => setImmediate(() => response.end(body.subarray(0, 100_000))))
  }
  const { server, port } = await serve(t, 'membio', answer, { allowHalfOpen: true })
  Object.assign(server, { httpAllowHalfOpen: true })
  const agent = agentOf(t, 'membio')
  const request = https.request({ ...at(port), agent, method: 'POST', headers: { connection: 'close' } })
  request.end('x', () => (request.socket as Socket).end())
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  assert.is((await sha256(response)).bytes, 100_000)
})

ends('an answer before the request has come is heard', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.writeHead(413, { connection: 'close' }).end('too much'))
  const request = https.request({ host: '127.0.0.1', servername: 'localhost', port, agent: agentOf(t, 'membio'), method: 'POST' })
  request.on('error', () => {}) // what is still to be sent meets a closed connection
  request.write(body.subarray(0, 10_000))
  const answer = await answered(request)
  assert.equal([answer.status, answer.body], [413, 'too much'])
  request.destroy()
})

ends('HEAD, 204 and 304 have none', async (t) => {
  const answer: Handler = (request, response) => response.writeHead(Number(request.url!.slice(1)), { 'x-is': 'there' }).end()
  const { port } = await serve(t, 'membio', answer)
  const agent = agentOf(t, 'membio', { keepAlive: true })
  for (const [method, path] of [['HEAD', '/200'], ['GET', '/204'], ['GET', '/304']] as const) {
    const answer = await ask('membio', { port, agent, method, path })
    assert.equal([answer.body, answer.headers['x-is']], ['', 'there'])
  }
})
