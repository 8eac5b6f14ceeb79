// samples/async-server.ts with clients that are not ours.
import * as assert from 'uvu/assert'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { client, root } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { file, Program, rootFile, runTool, startSample, startServer } from './program.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Node's TLS client, ended after the case. */
function nodeClient(t: Case, port: number): TLSSocket {
  const socket = connectTls({ port, host: 'localhost', ca: root().cert })
  t.defer(() => socket.destroy())
  return socket
}

/** Sends a request and reads to the end. */
async function ask(socket: TLSSocket): Promise<string> {
  socket.end(REQUEST)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

const withTools = suite('sample: async-server')

withTools.unless(missing('curl'))('answers curl', async (t) => {
  const { program, port } = await startServer(t, 'async-server')
  const curl = await runTool(t, 'curl', ['-sS', '-D', '-', '--cacert', rootFile(t), `https://localhost:${port}/`])
  assert.is(curl.code, 0, curl.stderr)
  assert.match(curl.stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello from OpenSSL 3\.5\.\d+ /)
  assert.match(curl.stdout, /you asked for localhost\n$/)
  await program.printed(/^#1 closed cleanly$/m)
})

for (const version of ['-tls1_2', '-tls1_3']) {
  withTools.unless(missing('openssl'))(`answers openssl s_client ${version}`, async (t) => {
    const { program, port } = await startServer(t, 'async-server')
    const trust = ['-CAfile', rootFile(t), '-verify_return_error']
    const args = ['s_client', '-connect', `localhost:${port}`, ...trust, '-quiet', '-ign_eof', version]
    const { code, stdout, stderr } = await runTool(t, 'openssl', args, REQUEST)
    assert.is(code, 0, stderr)
    assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/)
    await program.printed(/^#1 closed cleanly$/m)
  })
}

withTools.unless(missing('gnutls-cli'))('answers gnutls-cli, which does not say goodbye to a server that has', async (t) => {
  const { program, port } = await startServer(t, 'async-server')
  const gnutls = new Program(t, 'gnutls-cli', ['--x509cafile', rootFile(t), '-p', String(port), 'localhost'])
  gnutls.write(REQUEST)
  await gnutls.printed(/HTTP\/1\.1 200 OK[^]*you asked for localhost/)
  assert.is((await gnutls.end()).code, 0)
  await program.printed(/^#1 answered; then the client left without close_notify$/m)
})

withTools('serves fifty clients at once, and one that says nothing holds up none of them', async (t) => {
  const { program, port } = await startServer(t, 'async-server')
  const silent = nodeClient(t, port)
  await once(silent, 'secureConnect')
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(nodeClient(t, port))))
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  await program.printed(/^#51 closed cleanly$/m)
  assert.not.match((await program.kill('SIGTERM')).stdout, 'aborted')
})

withTools.unless(missing('openssl'))('tells an aborted connection from a clean one', async (t) => {
  const { program, port } = await startServer(t, 'async-server')
  const victim = new Program(t, 'openssl', ['s_client', '-connect', `localhost:${port}`, '-CAfile', rootFile(t)])
  await victim.printed(/Verify return code: 0/)
  await victim.kill('SIGKILL')
  await program.printed(/^#1 aborted: (ERR_TLS_TRUNCATED|ECONNRESET): /m)
  const polite = nodeClient(t, port)
  await once(polite, 'secureConnect')
  polite.end()
  await program.printed(/^#2 closed cleanly$/m)
})

withTools('tells a handshake that came to nothing', async (t) => {
  const { program, port } = await startServer(t, 'async-server')
  const socket = connect(port)
  t.defer(() => socket.destroy())
  socket.write(REQUEST)
  await program.printed(/^#1 failed: ERR_SSL_HTTP_REQUEST: /m)
})

withTools.unless(missing('curl'))('asks for client certificates with --ca', async (t) => {
  const ca = rootFile(t)
  const { program, port } = await startServer(t, 'async-server', '--ca', ca)
  const { cert, key } = client()
  const url = `https://localhost:${port}/`
  const known = await runTool(t, 'curl', ['-sS', '--cacert', ca, '--cert', file(t, cert), '--key', file(t, key), url])
  assert.match(known.stdout, 'hello from', known.stderr)
  const stranger = await runTool(t, 'curl', ['-sS', '--cacert', ca, url])
  assert.is.not(stranger.code, 0)
  await program.printed(/^#2 failed: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: /m)
})

withTools.unless(missing('curl'))('makes a development certificate where none is given', async (t) => {
  const program = startSample(t, 'async-server', '0')
  const [, ca = ''] = await program.printed(/--ca (\S+)$/m)
  const [, port = ''] = await program.printed(/listening on localhost:(\d+)/)
  for (const host of ['localhost', '127.0.0.1']) {
    const { code, stderr } = await runTool(t, 'curl', ['-sS', '--cacert', ca, `https://${host}:${port}/`])
    assert.is(code, 0, stderr)
  }
  const trusting = await runTool(t, 'curl', ['-sS', `https://localhost:${port}/`])
  assert.is.not(trusting.code, 0)
})

withTools('SIGINT says goodbye to open connections, and leaves with 0', async (t) => {
  const { program, port } = await startServer(t, 'async-server')
  const socket = nodeClient(t, port)
  await once(socket, 'secureConnect')
  socket.resume()
  const goodbye = once(socket, 'end') // without close_notify it would be an error
  const { code, stdout, stderr } = await program.kill('SIGINT')
  await goodbye
  assert.is(code, 0, stderr)
  assert.match(stdout, /^#1 closed cleanly$/m)
})

withTools('--trace shows states, wants, records and messages of each connection', async (t) => {
  const { program, port } = await startServer(t, 'async-server', '--trace')
  await ask(nodeClient(t, port))
  await program.printed(/^#1 closed cleanly$/m)
  const { stdout } = await program.kill('SIGINT')
  assert.match(stdout, /^#1 {5}state +\S/m)
  assert.match(stdout, /^#1 {5}want +WANT_READ: /m)
  assert.match(stdout, /^#1 <-- message +ClientHello +\d+ bytes$/m)
  assert.match(stdout, /^#1 --> record +application_data, TLS 1\.2 +\d+ bytes$/m)
})
