// samples/dtls-echo-server.ts and samples/dtls-echo-client.ts, with each other and with openssl.
import * as assert from 'uvu/assert'
import { bad } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite } from '../support/suite.ts'
import { file, Program, rootFile, startSample, startServer } from './program.ts'

const echo = suite('sample: dtls-echo')

echo('each line comes back, and both say goodbye', async (t) => {
  const { program, port } = await startServer(t, 'dtls-echo-server')
  const client = startSample(t, 'dtls-echo-client', 'localhost', String(port), '--ca', rootFile(t))
  const { code, stdout, stderr } = await client.end('one\ntwo\nthree\n')
  assert.equal([code, stderr], [0, ''])
  assert.match(stdout, /^protocol +DTLSv1\.2$/m)
  assert.ok(stdout.endsWith('\none\ntwo\nthree\n'), stdout)
  await program.printed(/^127\.0\.0\.1:\d+: closed cleanly$/m)
  const { code: left } = await program.kill('SIGINT')
  assert.is(left, 0)
})

echo('the end of the server is the end of its clients', async (t) => {
  const { program, port } = await startServer(t, 'dtls-echo-server', '--trace')
  const client = startSample(t, 'dtls-echo-client', 'localhost', String(port), '--ca', rootFile(t))
  client.write('still here\n')
  await client.printed(/^still here$/m)
  assert.is((await program.kill('SIGTERM')).code, 0)
  assert.is((await client.ended).code, 0)
})

echo('a client that does not trust the server says so', async (t) => {
  const { cert } = bad('selfSigned')
  const { program, port } = await startServer(t, 'dtls-echo-server')
  const { code, stderr } = await startSample(t, 'dtls-echo-client', 'localhost', String(port), '--ca', file(t, cert)).end('one\n')
  assert.is(code, 1)
  assert.match(stderr, /^(UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN): /)
  await program.printed(/: ERR_SSL_/)
})

echo.unless(missing('openssl'))('openssl s_client is a client, too', async (t) => {
  const { port } = await startServer(t, 'dtls-echo-server')
  const words = ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${port}`, '-CAfile', rootFile(t), '-brief', '-verify_return_error']
  const client = new Program(t, 'openssl', words)
  await client.printed(/CONNECTION ESTABLISHED/)
  client.write('Hello\n')
  await client.printed(/^Hello$/m)
  assert.is((await client.end()).code, 0)
})
