// TLS through HTTP proxies, and TLS in TLS: one, two and three of them, each with its own trust; and which of them failed.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import type { RequestOptions } from 'node:https'
import * as net from 'node:net'
import { issue, strangeRoot, type Identity } from '../support/certs.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { connectProxy, type Proxy, type ProxyBehaviour } from './proxies.ts'
import { answered, ask, at, failure, http2, https, httpsNames, identity, listen } from './support.ts'
import { serve, sha256, text, toLoopback, trust } from './support.ts'

type Kind = 'plain' | 'membio' | 'node'
type Hop = httpsNames.ProxyHopOptions

/** Proxies with a root each, which is nobody else's. */
function privateRoot(name: string): { root: Identity; leaf: Identity } {
  const root = issue({ subject: { CN: `root of ${name}` }, ca: true })
  return { root, leaf: issue({ subject: { CN: name }, hosts: ['localhost', '127.0.0.1'] }, root) }
}

async function chain(t: Case, kinds: readonly Kind[], behaviours: readonly ProxyBehaviour[] = []) {
  const proxies: Proxy[] = []
  const hops: Hop[] = []
  for (const [index, kind] of kinds.entries()) {
    const { root, leaf } = privateRoot(`proxy ${index + 1}`)
    const proxy = await connectProxy(t, kind, { identity: leaf, ...behaviours[index] })
    proxies.push(proxy)
    hops.push({ url: proxy.url, lookup: toLoopback, ...(kind !== 'plain' && { ca: root.cert }) })
  }
  return { proxies, hops }
}

function through(t: Case, proxy: httpsNames.AgentOptions['proxy'], options: httpsNames.AgentOptions = {}) {
  const agent = new https.Agent({ ...trust(), proxy, ...options })
  t.defer(() => agent.destroy())
  return agent
}

// ---- So many of them. ----

const depth = suite('https: through proxies')

const CHAINS: readonly (readonly Kind[])[] = [
  ['plain'],
  ['membio'],
  ['node'],
  ['plain', 'plain'],
  ['membio', 'plain'],
  ['plain', 'membio'],
  ['membio', 'membio'],
  ['membio', 'membio', 'membio'],
  ['node', 'plain', 'node'],
]
for (const kinds of CHAINS) {
  depth(`${kinds.join(', ')}: a megabyte there and back, and a second request in the same tunnel`, async (t) => {
    const { proxies, hops } = await chain(t, kinds)
    const { port } = await serve(t, 'membio', (request, response) => request.pipe(response))
    const agent = through(t, hops, { keepAlive: true })
    const sent = pattern(1 << 20)
    for (const reused of [false, true]) {
      const request = https.request({ host: '127.0.0.1', servername: 'localhost', port, agent, method: 'POST' })
      request.end(sent)
      const [response] = await once(request, 'response')
      const { hash } = await sha256(response)
      const { createHash } = await import('node:crypto')
      assert.is(hash, createHash('sha256').update(sent).digest('hex'))
      assert.is(request.reusedSocket, reused)
    }
    const asked = [...proxies.slice(1).map((next) => `localhost:${next.port}`), `127.0.0.1:${port}`]
    assert.equal(proxies.map((proxy) => proxy.asked), asked.map((one) => [one]))
  })
}

depth('its user and password, decoded; headers of one’s own; none of it reaches the target or the next proxy', async (t) => {
  const { proxies, hops } = await chain(t, ['membio', 'plain'], [{ credentials: 'user:p@ss' }])
  const { port } = await serve(t, 'node', (request, response) => response.end(JSON.stringify(request.headers)))
  hops[0]!.url = String(hops[0]!.url).replace('//', '//user:p%40ss@')
  hops[0]!.headers = { 'x-tenant': 'seven' }
  const { body } = await ask('membio', { port, agent: through(t, hops) })
  assert.is(proxies[0]!.headers[0]!['x-tenant'], 'seven')
  for (const headers of [proxies[1]!.headers[0]!, JSON.parse(body) as object]) {
    assert.not.ok('proxy-authorization' in headers)
    assert.not.ok('x-tenant' in headers)
  }
})

depth('a second tunnel resumes the session with the proxy, and with the target', async (t) => {
  const { root, leaf } = privateRoot('proxy')
  const proxy = https.createServer({ ...leaf, maxVersion: 'TLSv1.2' })
  const resumed: boolean[] = []
  proxy.on('secureConnection', (socket) => resumed.push(socket.isSessionReused()))
  proxy.on('connect', (request: { url: string }, client: net.Socket) => {
    const upstream = net.connect(Number(request.url.split(':')[1]), '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'))
    client.pipe(upstream).pipe(client).on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  const url = `https://localhost:${await listen(t, proxy)}`
  const { port } = await serve(t, 'membio', (_request, response) => response.end())
  const agent = through(t, { url, lookup: toLoopback, ca: root.cert })
  assert.is((await ask('membio', { port, agent })).socket.isSessionReused(), false)
  assert.is((await ask('membio', { port, agent })).socket.isSessionReused(), true)
  assert.equal(resumed, [false, true])
})

depth('a Unix socket and hosts of NO_PROXY are reached directly', async (t) => {
  const { proxies, hops } = await chain(t, ['plain'])
  const { port } = await serve(t, 'membio', (_request, response) => response.end('direct'))
  const proxyEnv = { HTTPS_PROXY: String(hops[0]!.url), NO_PROXY: 'example.com, 127.0.0.1' }
  const agent = new https.Agent({ ...trust(), proxyEnv })
  t.defer(() => agent.destroy())
  assert.is((await ask('membio', { port, agent })).body, 'direct')
  assert.equal(proxies[0]!.asked, [])
})

depth('http2.connect by a proxy', async (t) => {
  const { proxies, hops } = await chain(t, ['membio'])
  const server = http2.createSecureServer(identity(), (_request, response) => response.end('h2'))
  const port = await listen(t, server as unknown as net.Server)
  const session = http2.connect(`https://localhost:${port}`, { ...trust(), proxy: hops })
  t.defer(() => session.destroy())
  assert.is(await text(session.request()), 'h2')
  assert.equal(proxies[0]!.asked, [`localhost:${port}`])
})

// ---- Which one failed. ----

const errors = suite('https: errors of proxies')

const fails = (agent: InstanceType<typeof https.Agent>, port: number, options: RequestOptions = {}) =>
  failure(https.get({ host: '127.0.0.1', servername: 'localhost', port, agent, ...options })) as Promise<httpsNames.ProxyError>

for (const [at, kinds] of [
  [1, ['membio']],
  [2, ['membio', 'membio']],
  [3, ['plain', 'membio', 'membio']],
] as const) {
  errors(`proxy ${at} of ${kinds.length} is not the one that is trusted; it is not asked for anything`, async (t) => {
    const { proxies, hops } = await chain(t, kinds)
    hops[at - 1]!.ca = strangeRoot().cert
    const error = await fails(through(t, hops), 1)
    assert.instance(error, httpsNames.ProxyError)
    assert.equal([error.hop, error.code, error.proxy], [at, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', proxies[at - 1]!.url])
    assert.equal(proxies[at - 1]!.asked, [])
  })

  errors(`proxy ${at} of ${kinds.length} says no`, async (t) => {
    const behaviours = kinds.map((_, index) => (index === at - 1 ? { credentials: 'me:secret' } : {}))
    const { proxies, hops } = await chain(t, kinds, behaviours)
    const error = await fails(through(t, hops), 1)
    assert.equal([error.hop, error.code, error.statusCode, error.proxy], [at, 'ERR_PROXY_TUNNEL', 407, proxies[at - 1]!.url])
    assert.match(error.message, 'HTTP/1.1 407 Proxy Authentication Required')
  })
}

errors('the trust of the target is not that of a proxy, nor the other way round', async (t) => {
  const { hops } = await chain(t, ['membio'])
  const { port } = await serve(t, 'membio', () => assert.unreachable())
  const proxyRoot = hops[0]!.ca
  const first = await fails(through(t, [{ ...hops[0]!, ca: trust().ca }]), port)
  assert.equal([first.hop, first.code], [1, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])
  const second = await fails(through(t, hops, { ca: proxyRoot as string }), port)
  assert.equal([second.hop, second.code], [undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])
})

errors('nobody listens there', async (t) => {
  const gone = net.createServer()
  const port = await listen(t, gone)
  gone.close()
  await once(gone, 'close')
  const error = await fails(through(t, `http://127.0.0.1:${port}`), 1)
  assert.equal([error.hop, error.code], [1, 'ECONNREFUSED'])
})

errors('a target that the proxy cannot reach', async (t) => {
  const { hops } = await chain(t, ['plain'])
  const gone = net.createServer()
  const port = await listen(t, gone)
  gone.close()
  await once(gone, 'close')
  const error = await fails(through(t, hops), port)
  assert.equal([error.statusCode, error.message.split(': ').at(-1)], [502, 'HTTP/1.1 502 ECONNREFUSED'])
})

const ANSWERS: { name: string; answer: string; message: RegExp }[] = [
  { name: 'nothing', answer: '', message: /ended unexpectedly/ },
  { name: 'half a head', answer: 'HTTP/1.1 200 OK\r\nX: y\r\n', message: /ended unexpectedly/ },
  { name: 'what is no HTTP', answer: 'SSH-2.0-other\r\n\r\n', message: /SSH-2\.0-other/ },
  { name: 'a head without end', answer: `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(10_000)}`, message: /16384 bytes/ },
]
for (const { name, answer, message } of ANSWERS) {
  errors(`a proxy that answers ${name}`, async (t) => {
    const { hops } = await chain(t, ['plain'], [{ answer }])
    const error = await fails(through(t, hops), 1)
    assert.is(error.code, 'ERR_PROXY_TUNNEL')
    assert.match(error.message, message)
  })
}

errors('interim answers are passed over; what comes with the final one is the target’s', async (t) => {
  const { port } = await serve(t, 'membio', (_request, response) => response.end('in one piece'))
  const proxy = net.createServer((client) => {
    client.once('data', () => {
      client.write('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n')
      const upstream = net.connect(port, '127.0.0.1', () => {
        client.write('Via: byte\r\n\r\n')
        client.pipe(upstream).pipe(client).on('error', () => upstream.destroy())
      })
      upstream.on('error', () => client.destroy())
    })
  })
  const agent = through(t, `http://127.0.0.1:${await listen(t, proxy)}`)
  assert.is((await ask('membio', { port, agent })).body, 'in one piece')
})

errors('timeout: a proxy that does not answer', async (t) => {
  const port = await listen(t, net.createServer((client) => client.on('error', () => {}).resume()))
  const request = https.get({ host: '127.0.0.1', port: 1, agent: through(t, `http://127.0.0.1:${port}`), timeout: 50 })
  let timeouts = 0
  request.on('timeout', () => timeouts++)
  const error = (await failure(request)) as httpsNames.ProxyError
  assert.equal([error.code, error.proxyTunnelTimeout, timeouts], ['ERR_PROXY_TUNNEL', 50, 1])
})

errors('a request that is destroyed meanwhile closes the connection to the proxy', async (t) => {
  const proxy = net.createServer((client) => client.on('error', () => {}))
  const agent = through(t, `http://127.0.0.1:${await listen(t, proxy)}`)
  const request = https.get({ host: '127.0.0.1', port: 1, agent })
  const [client] = (await once(proxy, 'connection')) as [net.Socket]
  await once(client, 'data')
  const closed = once(client, 'close')
  request.destroy()
  assert.is((await failure(request)).message, 'socket hang up')
  await closed
})

errors('a proxy that goes away later ends the request', async (t) => {
  const { server, port } = await serve(t, 'membio', () => {})
  const clients: net.Socket[] = []
  const proxy = net.createServer((client) => {
    clients.push(client.on('error', () => {}))
    client.once('data', () => {
      const upstream = net.connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'))
      client.pipe(upstream).pipe(client)
      upstream.on('error', () => {})
      client.on('close', () => upstream.destroy())
    })
  })
  const request = https.get({ ...at(port), agent: through(t, `http://127.0.0.1:${await listen(t, proxy)}`) })
  await once(server, 'request')
  clients[0]!.destroy()
  assert.is((await failure(request)).code, 'ECONNRESET')
})

// ---- What is said of them. ----

const options = suite('https: the proxy option')

const INVALID: { name: string; proxy: httpsNames.AgentOptions['proxy'] }[] = [
  { name: 'no URL', proxy: 'proxy.test:8080' },
  { name: 'another protocol', proxy: 'socks5://proxy.test' },
  { name: 'a line break', proxy: 'http://proxy.test\r\n' },
  { name: 'a password that cannot be decoded', proxy: 'http://user:%E0@proxy.test' },
]
for (const { name, proxy } of INVALID) {
  options(`${name} is refused when it is given`, () => {
    assert.throws(() => new https.Agent({ proxy }), (error: { code?: string }) => error.code === 'ERR_PROXY_INVALID_CONFIG')
  })
}

options('a URL that is refused is shown without its password', () => {
  assert.throws(() => new https.Agent({ proxy: 'ftp://user:secret@proxy.test' }), (error: Error) => !/secret/.test(error.message))
})

options('headers that would break the request are refused', () => {
  assert.throws(() => new https.Agent({ proxy: { url: 'http://proxy.test', headers: { a: 'b\r\nc: d' } } }))
})

const EXCEPTIONS: { list: string; host: string; port?: number; direct: boolean }[] = [
  { list: '*', host: 'a.test', direct: true },
  { list: 'a.test', host: 'A.test', direct: true },
  { list: 'a.test', host: 'b.a.test', direct: false },
  { list: '.a.test', host: 'b.a.test', direct: true },
  { list: '.a.test', host: 'a.test', direct: true },
  { list: '.a.test', host: 'ba.test', direct: false },
  { list: '*.a.test', host: 'b.a.test', direct: true },
  { list: '*.a.test', host: 'a.test', direct: false },
  { list: 'x, a.test:8443', host: 'a.test', port: 8443, direct: true },
  { list: 'a.test:8443', host: 'a.test', direct: false },
  { list: '10.0.0.1-10.0.0.9', host: '10.0.0.5', direct: true },
  { list: '10.0.0.1-10.0.0.9', host: '10.0.0.10', direct: false },
  { list: '', host: 'a.test', direct: false },
]
for (const { list, host, port = 443, direct } of EXCEPTIONS) {
  options(`NO_PROXY=${list}: ${host}:${port} ${direct ? 'directly' : 'by the proxy'}`, async (t) => {
    const { proxies, hops } = await chain(t, ['plain'], [{ answer: 'HTTP/1.1 500 no\r\n\r\n' }])
    const proxyEnv = { https_proxy: String(hops[0]!.url).replace('localhost', '127.0.0.1'), no_proxy: list }
    const agent = new https.Agent({ proxyEnv })
    t.defer(() => agent.destroy())
    const lookup = (_host: string, _options: unknown, done: (error: Error) => void) => done(new Error('directly'))
    const error = await failure(https.get({ host, port, agent, lookup: lookup as unknown as net.LookupFunction }))
    const asked = proxies[0]!.asked.length > 0
    assert.is(asked, !direct, error.message)
  })
}

options('the environment has no say where nobody asks for it', async (t) => {
  const { HTTPS_PROXY } = process.env
  t.defer(() => (HTTPS_PROXY === undefined ? void delete process.env.HTTPS_PROXY : void (process.env.HTTPS_PROXY = HTTPS_PROXY)))
  process.env.HTTPS_PROXY = 'http://127.0.0.1:1'
  const { port } = await serve(t, 'membio', (_request, response) => response.end('direct'))
  const agent = new https.Agent(trust())
  t.defer(() => agent.destroy())
  const { body } = await answered(https.get({ host: '127.0.0.1', servername: 'localhost', port, agent }))
  assert.is(body, 'direct')
})
