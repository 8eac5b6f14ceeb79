// samples/streams-client.ts and streams-server.ts: with each other, and with programs that are not ours.
import * as assert from 'uvu/assert'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls'
import { client, root, server, strangeRoot } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite } from '../support/suite.ts'
import { file, listen, Program, rootFile, runSample, startSample, startServer } from './program.ts'

const both = suite('sample: streams-client with streams-server')

both('lines there and back, and the goodbye of both', async (t) => {
  const { program, port } = await startServer(t, 'streams-server')
  const sample = startSample(t, 'streams-client', 'localhost', String(port), '--ca', rootFile(t))
  sample.write('hello\n')
  await sample.printed(/^HELLO$/m)
  const { code, stdout, stderr } = await sample.end('and goodbye\n')
  assert.is(code, 0, stderr)
  assert.match(stdout, /^protocol +TLSv1\.3$/m)
  assert.match(stdout, /^AND GOODBYE$/m)
  await program.printed(/^127\.0\.0\.1:\d+|\[::.*\]:\d+: closed cleanly$/m)
})

both('a megabyte through all pipes', async (t) => {
  const { port } = await startServer(t, 'streams-server')
  const sample = startSample(t, 'streams-client', 'localhost', String(port), '--ca', rootFile(t))
  const text = 'the quick brown fox jumps over the lazy dog\n'.repeat(24_000)
  const { code, stdout, stderr } = await sample.end(text)
  assert.is(code, 0, stderr)
  assert.ok(stdout.endsWith(text.toUpperCase()))
})

const theServer = suite('sample: streams-server')

theServer.unless(missing('openssl'))('answers openssl s_client, which shows a certificate, and ends at SIGINT', async (t) => {
  const { program, port } = await startServer(t, 'streams-server', '--ca', rootFile(t))
  const { cert, key } = client()
  const words = ['s_client', '-connect', `localhost:${port}`, '-CAfile', rootFile(t), '-quiet', '-verify_return_error']
  const openssl = new Program(t, 'openssl', [...words, '-cert', file(t, cert), '-key', file(t, key)])
  openssl.write('hello\n')
  await openssl.printed(/HELLO/)
  assert.is((await program.kill('SIGINT')).code, 0)
})

theServer('passes over a client without the certificate that is asked for', async (t) => {
  const { program, port } = await startServer(t, 'streams-server', '--ca', rootFile(t))
  const stranger = connectTls({ port, host: 'localhost', ca: root().cert }).on('error', () => {})
  t.defer(() => stranger.destroy())
  await program.printed(/ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/)
})

const theClient = suite('sample: streams-client')

theClient('speaks SMTP first, with --starttls', async (t) => {
  const mail = createServer((raw: Socket) => {
    raw.write('220 mail.test ESMTP\r\n')
    raw.on('data', (line: Buffer) => {
      if (line.toString().startsWith('EHLO')) return void raw.write('250-mail.test\r\n250 STARTTLS\r\n')
      assert.is(line.toString(), 'STARTTLS\r\n')
      raw.removeAllListeners('data')
      raw.write('220 go ahead\r\n', () => {
        const secured = new TLSSocket(raw, { isServer: true, ...server() })
        secured.on('error', () => {}).once('data', (text) => secured.end(`you said ${text}`))
      })
    })
  })
  const port = await listen(t, mail)
  const sample = startSample(t, 'streams-client', 'localhost', String(port), '--ca', rootFile(t), '--starttls')
  sample.write('EHLO again\n')
  const { code, stdout, stderr } = await sample.ended
  assert.is(code, 0, stderr)
  assert.match(stdout, /^you said EHLO again$/m)
})

theClient('tells why it is refused, and why it refuses', async (t) => {
  const port = await listen(t, createTlsServer(server()))
  const refuses = await runSample(t, 'streams-client', 'localhost', String(port), '--ca', file(t, strangeRoot().cert))
  assert.is(refuses.code, 1)
  assert.match(refuses.stderr, /^UNABLE_TO_GET_ISSUER_CERT_LOCALLY: /)
  const nobody = await runSample(t, 'streams-client', 'localhost', '1', '--ca', rootFile(t))
  assert.is(nobody.code, 1)
  assert.match(nobody.stderr, /^ECONNREFUSED: connecting to localhost:1 failed/)
})

theClient('a truncated answer is printed, and is a failure', async (t) => {
  const cuts = createTlsServer(server(), (socket) => void socket.write('good eve', () => socket.destroy()))
  const port = await listen(t, cuts)
  const sample = startSample(t, 'streams-client', 'localhost', String(port), '--ca', rootFile(t))
  const { code, stdout, stderr } = await sample.ended
  assert.is(code, 1)
  assert.match(stdout, 'good eve')
  assert.match(stderr, /^(ERR_TLS_TRUNCATED|ECONNRESET): /)
})
