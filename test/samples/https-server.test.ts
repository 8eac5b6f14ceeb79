// samples/https-server.ts with clients that are not ours.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import { Agent, get } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { root } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { Program, rootFile, runTool, startServer } from './program.ts'

const withCurl = suite('sample: https-server, with curl').unless(missing('curl'))

const curl = (t: Case, ...args: string[]) => runTool(t, 'curl', ['-sS', '--cacert', rootFile(t), ...args])

withCurl('GET /hello', async (t) => {
  const { port } = await startServer(t, 'https-server')
  const { code, stdout, stderr } = await curl(t, '-i', `https://localhost:${port}/hello`)
  assert.is(code, 0, stderr)
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello world$/)
})

const OTHERS = [
  { name: 'another path', args: [], path: '/', status: 404, body: 'not found' },
  { name: 'a query', args: [], path: '/hello?who=me', status: 200, body: 'hello world' },
  { name: 'another method', args: ['-d', 'x'], path: '/hello', status: 405, body: 'method not allowed' },
  { name: 'HEAD', args: ['--head'], path: '/hello', status: 200, body: '' },
]
for (const { name, args, path, status, body } of OTHERS) {
  withCurl(`${name}: ${status}`, async (t) => {
    const { port } = await startServer(t, 'https-server')
    const { stdout, stderr } = await curl(t, '-i', ...args, `https://localhost:${port}${path}`)
    assert.match(stdout, `HTTP/1.1 ${status} `, stderr)
    assert.is(stdout.split('\r\n\r\n')[1], body)
  })
}

withCurl('keeps the connection for the next request', async (t) => {
  const { port } = await startServer(t, 'https-server')
  const url = `https://localhost:${port}/hello`
  const { stdout } = await curl(t, '-w', ' %{num_connects}\n', url, url, url)
  assert.is(stdout, 'hello world 1\nhello world 0\nhello world 0\n')
})

withCurl('agrees on http/1.1 by ALPN', async (t) => {
  const { port } = await startServer(t, 'https-server')
  const { stderr } = await curl(t, '-v', '--http2', `https://localhost:${port}/hello`)
  assert.match(stderr, 'ALPN: server accepted http/1.1')
})

const withNode = suite('sample: https-server, with Node')

withNode('many requests over two connections kept alive', async (t) => {
  const { port } = await startServer(t, 'https-server')
  const agent = new Agent({ keepAlive: true, maxSockets: 2, ca: root().cert })
  t.defer(() => agent.destroy())
  const ask = async () => {
    const [response] = await once(get({ agent, port, host: 'localhost', path: '/hello' }), 'response')
    let body = ''
    for await (const chunk of response) body += chunk
    return body
  }
  const bodies = await Promise.all(Array.from({ length: 40 }, ask))
  assert.equal([...new Set(bodies)], ['hello world'])
})

withNode('requests one byte at a time, and two in one piece', async (t) => {
  const { port } = await startServer(t, 'https-server')
  const socket = connectTls({ port, host: 'localhost', ca: root().cert })
  t.defer(() => socket.destroy())
  const request = (more: string) => `GET /hello HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
  for (const byte of request('')) socket.write(byte)
  socket.write(request('') + request('Connection: close\r\n'))
  let text = ''
  for await (const chunk of socket) text += chunk
  assert.is(text.match(/hello world/g)?.length, 3)
})

withNode('what is no HTTP gets 400; a client that dies harms nobody', async (t) => {
  const { program, port } = await startServer(t, 'https-server')
  const open = () => {
    const socket = connectTls({ port, host: 'localhost', ca: root().cert })
    t.defer(() => socket.destroy())
    return socket
  }
  const confused = open()
  confused.write('EHLO localhost\r\n\r\n')
  let text = ''
  for await (const chunk of confused) text += chunk
  assert.match(text, /^HTTP\/1\.1 400 /)
  const dying = open()
  await once(dying, 'secureConnect')
  dying.destroy()
  await program.printed(/^(ERR_TLS_TRUNCATED|ECONNRESET): /m)
  const [response] = await once(get({ port, host: 'localhost', path: '/hello', ca: root().cert, agent: false }), 'response')
  assert.is(response.resume().statusCode, 200)
})

withNode('SIGINT closes a connection kept alive in good order, and leaves with 0', async (t) => {
  const { program, port } = await startServer(t, 'https-server')
  const socket = connectTls({ port, host: 'localhost', ca: root().cert })
  t.defer(() => socket.destroy())
  socket.write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  socket.resume()
  const goodbye = once(socket, 'end')
  const { code, stderr } = await program.kill('SIGINT')
  await goodbye
  assert.is(code, 0, stderr)
})

const withGnutls = suite('sample: https-server, with gnutls-cli').unless(missing('gnutls-cli'))

withGnutls('two requests on one connection', async (t) => {
  const { port } = await startServer(t, 'https-server')
  const program = new Program(t, 'gnutls-cli', ['--x509cafile', rootFile(t), '-p', String(port), 'localhost'])
  program.write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await program.printed(/hello world/)
  program.write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await program.printed(/hello world[^]*hello world/)
  assert.is((await program.end()).code, 0)
})
