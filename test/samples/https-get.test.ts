// samples/https-get.ts against Node's server and the sample server, directly and through proxies.
import * as assert from 'uvu/assert'
import { connectProxy } from '../https/proxies.ts'
import { suite } from '../support/suite.ts'
import { nodeHttps, rootFile, runSample } from './program.ts'

const test = suite('sample: https-get')

const LINES = [
  '200 OK, TLSv1.3, a new session: hello from /path',
  '200 OK, TLSv1.3, the same connection: hello from /path',
  '200 OK, TLSv1.3, a resumed session: hello from /path',
]

test('three requests: a connection and a session are used again', async (t) => {
  const port = await nodeHttps(t, ({ url }, response) => void response.end(`hello from ${url}`))
  const args = ['127.0.0.1', String(port), '/path', '--servername', 'localhost', '--ca', rootFile(t)]
  const { code, stdout, stderr } = await runSample(t, 'https-get', ...args)
  assert.is(code, 0, stderr)
  assert.equal(stdout.trim().split('\n'), LINES)
})

test('through two proxies, the first over TLS', async (t) => {
  const port = await nodeHttps(t, ({ url }, response) => void response.end(`hello from ${url}`))
  const proxies = [await connectProxy(t, 'node'), await connectProxy(t, 'plain')]
  const urls = proxies.map(({ url }) => url.replace('localhost', '127.0.0.1')).join()
  const args = ['127.0.0.1', String(port), '/path', '--servername', 'localhost', '--ca', rootFile(t), '--proxy', urls]
  const { code, stdout, stderr } = await runSample(t, 'https-get', ...args)
  assert.is(code, 0, stderr)
  assert.equal(stdout.trim().split('\n'), LINES)
  assert.equal(proxies.map(({ asked }) => asked.length), [2, 2])
})

test('a proxy that says no is named', async (t) => {
  const proxies = [await connectProxy(t, 'plain'), await connectProxy(t, 'plain', { credentials: 'me:secret' })]
  const urls = proxies.map(({ url }) => url.replace('localhost', '127.0.0.1')).join()
  const { code, stderr } = await runSample(t, 'https-get', '127.0.0.1', '1', '--ca', rootFile(t), '--proxy', urls)
  assert.is(code, 1)
  assert.match(stderr, /at proxy 2:\nERR_PROXY_TUNNEL: proxy 2 of 2, http:\/\/127\.0\.0\.1:\d+: .*407/)
})
