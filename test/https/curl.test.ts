// curl as the client of membio's HTTPS and HTTP/2 servers, and of a proxy made of them.
import * as assert from 'uvu/assert'
import { createHash } from 'node:crypto'
import type * as http from 'node:http'
import type { Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { client as goodClient, HOST, root, strangeRoot } from '../support/certs.ts'
import { curl, file, missing, type PeerOptions } from '../support/peers.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { connectProxy } from './proxies.ts'
import { http2, identity, listen, serve, sha256, trust, type Handler } from './support.ts'

const skip = missing('curl')
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** Both servers, by what they speak. */
const SERVERS = {
  '1.1': async (t: Case, handler: Handler, options: object = {}) => (await serve(t, 'membio', handler, options)).port,
  '2': (t: Case, handler: Handler, options: object = {}) =>
    listen(t, http2.createSecureServer({ ...identity(), allowHTTP1: true, ...options }, handler as never) as unknown as Server),
}

async function ask(t: Case, port: number, path: string, options: PeerOptions = {}): Promise<string> {
  const program = curl(t, port, path, options)
  await program.succeeded()
  return Buffer.from(program.plaintext).toString()
}

for (const version of ['1.1', '2'] as const) {
  const test = suite(`https: curl, HTTP/${version}`).unless(skip)
  const start = SERVERS[version]

  for (const tls of VERSIONS) {
    test(`${tls}: what was agreed, and an answer`, async (t) => {
      const agent = (request: http.IncomingMessage) => request.headers['user-agent']?.split('/')[0]
      const port = await start(t, (request, response) => response.end(`${request.httpVersion} ${agent(request)}`))
      const answer = await ask(t, port, '/', { version: tls, args: ['--write-out', ' %{http_version} %{ssl_verify_result}'] })
      assert.match(answer, new RegExp(`^${version === '2' ? '2.0' : '1.1'} curl ${version} 0$`))
    })
  }

  test('three requests over one connection', async (t) => {
    const port = await start(t, (request, response) => response.end(request.url))
    const more = ['/b', '/c'].map((path) => `https://${HOST}:${port}${path}`)
    assert.is(await ask(t, port, '/a', { args: ['--write-out', ' %{num_connects} ', ...more] }), '/b 1 /c 0 /a 0 ')
  })

  test('four megabytes up, and down again', async (t) => {
    const sent = pattern(4 << 20, 3)
    const port = await start(t, async (request, response) => {
      const { bytes, hash } = await sha256(request)
      response.writeHead(200, { 'x-hash': hash, 'x-bytes': bytes }).end(sent)
    })
    const args = ['--data-binary', `@${file(t, 'body', sent)}`, '--write-out', '%{stderr}x-hash: %header{x-hash}']
    const program = curl(t, port, '/', { args })
    await program.succeeded()
    const hash = createHash('sha256').update(sent).digest('hex')
    assert.is(createHash('sha256').update(program.plaintext).digest('hex'), hash)
    assert.match(program.output, `x-hash: ${hash}`)
  })

  test('many at once', async (t) => {
    const port = await start(t, (request, response) => response.end(`${request.url}\n`))
    const answer = await ask(t, port, '/[1-40]', { args: ['--parallel', '--parallel-max', '10'] })
    const expected = Array.from({ length: 40 }, (_, index) => `/${index + 1}`)
    assert.equal(answer.trim().split('\n').sort(), expected.sort())
  })

  test('HEAD, and statuses', async (t) => {
    const port = await start(t, ({ method }, response) => {
      response.writeHead(418, { 'content-length': '5' }).end(method === 'HEAD' ? undefined : 'short')
    })
    const status = ['--write-out', '%{http_code}']
    assert.match(await ask(t, port, '/', { args: ['--head', ...status] }), /content-length: 5[^]*418$/i)
    assert.is(await ask(t, port, '/', { args: status }), 'short418')
  })

  test('a client certificate', async (t) => {
    const name = (request: http.IncomingMessage) => (request.socket as TLSSocket).getPeerCertificate().subject.CN
    const port = await start(t, (request, response) => response.end(name(request)), { requestCert: true, ...trust() })
    assert.is(await ask(t, port, '/', { identity: goodClient() }), 'client.test')
    const { code } = await curl(t, port, '/').exit
    assert.ok(code === 35 || code === 56 || code === 55 || code === 16, `curl left with ${code}`)
  })

  test('curl does not take a server that it does not know', async (t) => {
    const port = await start(t, () => assert.unreachable())
    assert.is((await curl(t, port, '/', { ca: strangeRoot().cert }).exit).code, 60)
  })
}

const proxy = suite('https: curl by a proxy').unless(skip)

proxy('TLS in TLS: a proxy on membio, a server on membio', async (t) => {
  const { url, asked } = await connectProxy(t, 'membio', { credentials: 'me:secret' })
  const { port } = await serve(t, 'membio', (request, response) => response.end(`by ${request.url}`))
  const proxyUrl = url.replace('localhost', '127.0.0.1').replace('//', '//me:secret@')
  const by = ['--noproxy', '', '--proxy', proxyUrl, '--proxy-cacert', file(t, 'proxy-ca.pem', root().cert)]
  const args = [...by, '--connect-to', `${HOST}:${port}:127.0.0.1:${port}`]
  assert.is(await ask(t, port, '/proxy', { args }), 'by /proxy')
  assert.equal(asked, [`127.0.0.1:${port}`])
})

const upgrade = suite('https: curl, Expect and trailers').unless(skip)

upgrade('Expect: 100-continue, refused', async (t) => {
  const { server, port } = await serve(t, 'membio', () => assert.unreachable())
  server.on('checkContinue', (_request: http.IncomingMessage, response: http.ServerResponse) => response.writeHead(417).end('no'))
  const args = ['--header', 'Expect: 100-continue', '--data', 'x', '--write-out', '%{http_code}']
  assert.is(await ask(t, port, '/', { args }), 'no417')
})

upgrade('chunks and trailers', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('one,')
    response.addTrailers({ 'x-sum': 'two' })
    response.end('two')
  })
  const program = curl(t, port, '/', { args: ['--raw'] })
  await program.succeeded()
  assert.is(Buffer.from(program.plaintext).toString(), '4\r\none,\r\n3\r\ntwo\r\n0\r\nx-sum: two\r\n\r\n')
})
