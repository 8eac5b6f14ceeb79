// samples/async-client.ts against servers that are not ours.
import * as assert from 'uvu/assert'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:tls'
import { client, root, server, strangeRoot } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite } from '../support/suite.ts'
import { hasIpv6 } from '../sync/ipv6.ts'
import { file, listen, nodeHttps, opensslServer, rootFile, runSample } from './program.ts'

const withOpenssl = suite('sample: async-client, with openssl s_server').unless(missing('openssl'))

for (const [option, version] of [['-tls1_2', 'TLSv1.2'], ['-tls1_3', 'TLSv1.3']] as const) {
  withOpenssl(`${version}: prints what was agreed, and the first 256 bytes of the answer`, async (t) => {
    const port = await opensslServer(t, option)
    const { code, stdout, stderr } = await runSample(t, 'async-client', 'localhost', String(port), '--ca', rootFile(t))
    assert.is(code, 0, stderr)
    assert.is(stderr, '')
    assert.match(stdout, new RegExp(`^protocol +${version}$`, 'm'))
    assert.match(stdout, /^cipher suite TLS_\w*(AES_128_GCM|CHACHA20_POLY1305)_SHA256$/m)
    assert.match(stdout, /^group +x25519$/im)
    assert.match(stdout, /^certificate +CN=server\.test,O=membio$/m)
    assert.match(stdout, /^issuer +CN=membio test root$/m)
    assert.match(stdout, /^valid +\d{4}-\S+Z to \d{4}-\S+Z$/m)
    assert.match(stdout, /^fingerprint +SHA-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/m)
    const answer = stdout.split('the answer, first 256 bytes:\n')[1]!
    assert.match(answer, /^HTTP\/1\.0 200 ok\r\n/)
    assert.is(answer.length, 256 + '\n'.length)
  })
}

withOpenssl('--trace shows states, wants, records and messages', async (t) => {
  const port = await opensslServer(t, '-tls1_2')
  const { code, stdout, stderr } = await runSample(t, 'async-client', 'localhost', String(port), '--ca', rootFile(t), '--trace')
  assert.is(code, 0, stderr)
  assert.match(stdout, /^ {4}state +SSLv3\/TLS write client hello$/m)
  assert.match(stdout, /^ {4}want +WANT_READ: /m)
  assert.match(stdout, /^--> record +handshake, TLS 1\.0 +\d+ bytes$/m)
  for (const name of ['ClientHello', 'ClientKeyExchange', 'ChangeCipherSpec', 'Finished']) {
    assert.match(stdout, new RegExp(`^--> message +${name} +\\d+ bytes$`, 'm'))
  }
  for (const name of ['ServerHello', 'Certificate', 'ServerKeyExchange', 'ServerHelloDone', 'Finished']) {
    assert.match(stdout, new RegExp(`^<-- message +${name} +\\d+ bytes$`, 'm'))
  }
  assert.match(stdout, /^ {4}done /m)
  assert.match(stdout, /^--> alert +warning: close_notify$/m)
  assert.not.match(stdout, '\x1b') // no colours where no terminal is
})

withOpenssl('a HelloRetryRequest is called by its name', async (t) => {
  const port = await opensslServer(t, '-tls1_3', '-groups', 'secp384r1')
  const { code, stdout, stderr } = await runSample(t, 'async-client', 'localhost', String(port), '--ca', rootFile(t), '--trace')
  assert.is(code, 0, stderr)
  assert.match(stdout, /^<-- message +HelloRetryRequest .*[^]*^<-- message +ServerHello /m)
  assert.match(stdout, /^group +secp384r1$/m)
})

const withNode = suite('sample: async-client, with Node')

withNode('shows its certificate, names the server, offers ALPN', async (t) => {
  let seen: unknown
  const evening = createTlsServer({ ...server(), ca: root().cert, requestCert: true, ALPNProtocols: ['echo/2'] }, (socket) => {
    seen = [socket.authorized, socket.getPeerCertificate().subject.CN, socket.servername, socket.alpnProtocol]
    socket.once('data', () => socket.end('good evening'))
  })
  const port = await listen(t, evening)
  const { cert, key } = client()
  const mine = ['--cert', file(t, cert), '--key', file(t, key), '--servername', 'server.test', '--alpn', 'echo/1,echo/2']
  const { code, stdout, stderr } = await runSample(t, 'async-client', '127.0.0.1', String(port), '--ca', rootFile(t), ...mine)
  assert.is(code, 0, stderr)
  assert.equal(seen, [true, 'client.test', 'server.test', 'echo/2'])
  assert.match(stdout, /^alpn +echo\/2$/m)
  assert.match(stdout, 'the answer, first 12 bytes:\ngood evening\n')
})

const withIpv6 = withNode.unless(hasIpv6 ? undefined : { kind: 'no-ipv6', reason: 'this machine has no ::1' })
withIpv6('takes an IPv6 address, which HTTP writes in brackets', async (t) => {
  const port = await nodeHttps(t, ({ headers }, response) => void response.end(`you asked ${headers.host}`))
  const { code, stdout, stderr } = await runSample(t, 'async-client', '::1', String(port), '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.match(stdout, `you asked [::1]:${port}\n`)
})

withNode('a long answer is not waited for', async (t) => {
  const port = await nodeHttps(t, (_, response) => void response.write('x'.repeat(1000))) // and then nothing, for ever
  const { code, stdout, stderr } = await runSample(t, 'async-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.match(stdout, 'the answer, first 256 bytes:\nHTTP/1.1 200 OK')
})

withNode('a truncated answer is printed, and is a failure', async (t) => {
  const port = await listen(
    t,
    createTlsServer(server(), (socket) => void socket.write('good eve', () => socket.destroy())),
  )
  const { code, stdout, stderr } = await runSample(t, 'async-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 1)
  assert.match(stdout, 'the answer, first 8 bytes:\ngood eve\n')
  assert.match(stderr, /^(ERR_TLS_TRUNCATED|ECONNRESET): /)
})

const refusals = suite('sample: async-client refuses')

refusals('a server whose CA it does not know', async (t) => {
  const port = await nodeHttps(t, (_, response) => void response.end())
  for (const trust of [[], ['--ca', file(t, strangeRoot().cert)]]) {
    const { code, stdout, stderr } = await runSample(t, 'async-client', 'localhost', String(port), ...trust)
    assert.is(code, 1)
    assert.match(stderr, /^UNABLE_TO_GET_ISSUER_CERT_LOCALLY: /)
    assert.not.match(stdout, 'protocol')
  }
})

refusals('a certificate for another host', async (t) => {
  const port = await nodeHttps(t, (_, response) => void response.end())
  const args = ['localhost', String(port), '--ca', rootFile(t), '--servername', 'example.com']
  const { code, stderr } = await runSample(t, 'async-client', ...args)
  assert.is(code, 1)
  assert.match(stderr, /^HOSTNAME_MISMATCH: .*expected "example\.com"/)
})

refusals('a port that speaks plain HTTP', async (t) => {
  const port = await listen(t, createHttpServer())
  const { code, stderr } = await runSample(t, 'async-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 1)
  assert.match(stderr, /^ERR_SSL_\w+: .*does not seem to speak TLS/)
})

refusals('a port where nobody listens', async (t) => {
  const { code, stderr } = await runSample(t, 'async-client', 'localhost', '1', '--ca', rootFile(t))
  assert.is(code, 1)
  assert.match(stderr, /^ECONNREFUSED: /)
})

refusals('files that are not what they should be', async (t) => {
  const { code, stderr } = await runSample(t, 'async-client', 'localhost', '1', '--ca', file(t, 'no certificate'))
  assert.is(code, 1)
  assert.match(stderr, /^ERR_OSSL_\w+: `ca` was refused/)
  const half = await runSample(t, 'async-client', 'localhost', '1', '--ca', rootFile(t), '--cert', file(t, client().cert))
  assert.is(half.code, 1)
  assert.match(half.stderr, /^ERR_TLS_USAGE: .*`cert` is given without `key`/)
})
