// The blocking samples, run as a user runs them, against programs that are not ours.
import * as assert from 'uvu/assert'
import { connect as connectTls } from 'node:tls'
import { client, HOST, root, server, type Identity } from '../support/certs.ts'
import { run } from '../support/node.ts'
import { repository } from '../support/paths.ts'
import { curl, file, missing, opensslServer, Program } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { nodeServer } from './peers.ts'

const runner = 'build/samples/run.js'
const sample = (...args: string[]) => run(process.execPath, [runner, ...args])

const rootFile = (t: Case): string => file(t, 'ca.pem', root().cert)

function identityFiles(t: Case, { cert, key }: Identity): string[] {
  return ['--cert', file(t, 'cert.pem', cert), '--key', file(t, 'key.pem', key)]
}

const clients = suite('sample: sync-client').unless(missing('openssl'))

clients('prints the first 256 bytes of the answer', async (t) => {
  const { port } = await opensslServer(t, { identity: server(), args: ['-www'] })
  const { code, stdout, stderr } = sample('sync-client', 'localhost', String(port), '--ca', rootFile(t))
  assert.is(code, 0, stderr)
  assert.match(stdout, /^protocol +TLSv1\.3$/m)
  assert.match(stdout, 'the answer, first 256 bytes:\nHTTP/1.0 200 ok')
})

clients('shows its certificate, and the handshake with --trace', async (t) => {
  const port = await nodeServer(t, 'goodbye', { requestCert: true, ca: root().cert })
  const mine = ['--ca', rootFile(t), ...identityFiles(t, client())]
  const { code, stdout, stderr } = sample('sync-client', '127.0.0.1', String(port), ...mine, '--servername', HOST, '--trace')
  assert.is(code, 0, stderr)
  for (const line of ['--> message  ClientHello', 'WANT_READ', '<-- message  Finished', 'goodbye']) assert.match(stdout, line)
})

clients('leaves with 1 where the server is not trusted, and where the answer is cut off: what came before is printed', async (t) => {
  const refused = sample('sync-client', 'localhost', String(await nodeServer(t, 'goodbye')))
  assert.is(refused.code, 1)
  assert.match(refused.stderr, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
  const cut = sample('sync-client', 'localhost', String(await nodeServer(t, 'truncate')), '--ca', rootFile(t))
  assert.is(cut.code, 1)
  assert.match(cut.stderr, 'ERR_TLS_TRUNCATED')
  assert.match(cut.stdout, 'the answer, first 7 bytes:\npartial')
})

const servers = suite('sample: sync-server').unless(missing('curl') ?? missing('openssl'))

async function startServer(t: Case, ...args: string[]): Promise<Program> {
  const program = new Program(t, process.execPath, [runner, 'sync-server', '0', ...args], repository)
  program.port = Number((await program.until(/listening on localhost:(\d+)\n/))[1])
  return program
}

servers('answers one client after the other, and tells how each ended', async (t) => {
  const program = await startServer(t, ...identityFiles(t, server()))
  const { port } = program
  for (let i = 0; i < 2; i++) await curl(t, port, '/').until(/hello from OpenSSL 3\.5/)
  await program.until(/#2 closed cleanly\n/)
  assert.is.not(run('curl', ['-sS', `http://localhost:${port}/`]).code, 0)
  await program.until(/#3 failed: ERR_SSL_HTTP_REQUEST/)
  const socket = connectTls({ port, servername: HOST, ca: root().cert }, () => socket.destroy())
  await program.until(/#4 aborted: (ERR_TLS_TRUNCATED|ECONNRESET)/)
  const s_client = ['s_client', '-connect', `localhost:${port}`, '-CAfile', rootFile(t), '-quiet', '-ign_eof']
  assert.match(run('openssl', s_client, 'GET / HTTP/1.0\r\n\r\n').stdout, '200 OK')
  await program.until(/#5 closed cleanly\n/)
})

servers('asks for client certificates with --ca', async (t) => {
  const program = await startServer(t, ...identityFiles(t, server()), '--ca', rootFile(t))
  await curl(t, program.port, '/', { identity: client() }).until(/hello from/)
  assert.is.not((await curl(t, program.port, '/').exit).code, 0)
  await program.until(/#2 failed: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/)
})

servers('makes a certificate of its own where none is given', async (t) => {
  const program = await startServer(t)
  const [, ca = ''] = await program.until(/--ca (\S+)\n/)
  assert.match(run('curl', ['-sS', '--cacert', ca, `https://localhost:${program.port}/`]).stdout, 'hello from')
})
