// samples/https-client.ts against servers that are not ours.
import * as assert from 'uvu/assert'
import type { ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:tls'
import { server } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite } from '../support/suite.ts'
import { listen, nodeHttps, opensslServer, rootFile, runSample } from './program.ts'

const client = suite('sample: https-client')

client.unless(missing('openssl'))('openssl s_server: a body up to the end of the stream', async (t) => {
  const port = await opensslServer(t)
  const { code, stdout, stderr } = await runSample(t, 'https-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.match(stdout, /^---- raw: \d+ characters ----\nHTTP\/1\.0 200 ok\r\nContent-type: text\/html\r\n\r\n/m)
  assert.match(stdout, /^---- parsed: \d+ characters ----\nstatus: 200 ok\ncontent-type: text\/html\nbody: \n?<HTML>[^]*<\/HTML>/m)
})

client('Node: a body by Content-Length', async (t) => {
  const port = await nodeHttps(t, ({ url }, response) => {
    response.setHeader('Content-Length', 5).end(url === '/path' ? 'right' : 'wrong')
  })
  const { code, stdout, stderr } = await runSample(t, 'https-client', 'localhost', String(port), '/path', '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nright$/m)
  assert.match(stdout, /^status: 200 OK\ncontent-length: 5\n[^]*^body: right$/m)
})

client('Node: a body in chunks', async (t) => {
  const port = await nodeHttps(t, (_, response) => {
    response.write('one, ')
    setTimeout(() => response.end('two'), 20)
  })
  const { code, stdout, stderr } = await runSample(t, 'https-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.match(stdout, '5\r\none, \r\n') // raw: as on the wire
  assert.match(stdout, /^transfer-encoding: chunked\n[^]*^body: one, two$/m)
})

client('both connections are open at once', async (t) => {
  const waiting: ServerResponse[] = []
  const port = await nodeHttps(t, (_, response) => {
    if (waiting.push(response) === 2) for (const each of waiting) each.end('together')
  })
  const { code, stdout, stderr } = await runSample(t, 'https-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.is(stdout.match(/together/g)?.length, 2)
})

client('another status is no failure', async (t) => {
  const port = await nodeHttps(t, (_, response) => void response.writeHead(404).end('nothing here'))
  const { code, stdout } = await runSample(t, 'https-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 0)
  assert.match(stdout, /^status: 404 Not Found$/m)
})

client('a truncated body is a failure', async (t) => {
  const cut = createTlsServer(server(), (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this', () => socket.destroy()))
  })
  const { code, stdout, stderr } = await runSample(t, 'https-client', 'localhost', String(await listen(t, cut)), '--ca', rootFile(t))
  assert.is(code, 1)
  assert.match(stdout, 'only this')
  assert.match(stderr, /^(ERR_TLS_TRUNCATED|ECONNRESET): /m)
})

client('a server whose CA it does not know is refused on both', async (t) => {
  const port = await nodeHttps(t, (_, response) => void response.end())
  const { code, stderr } = await runSample(t, 'https-client', 'localhost', String(port))
  assert.is(code, 1)
  assert.is(stderr.match(/^UNABLE_TO_GET_ISSUER_CERT_LOCALLY: /gm)?.length, 2)
})
