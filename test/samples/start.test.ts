// `npm start` and `npm run sample`: what a newcomer sees first.
import * as assert from 'uvu/assert'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/paths.ts'
import { missing } from '../support/peers.ts'
import { suite } from '../support/suite.ts'
import { opensslServer, Program, rootFile, runSample, runTool } from './program.ts'

const start = suite('sample: start')

start('shows the handshake message by message, what was agreed, and the answer', async (t) => {
  const { code, stdout, stderr } = await runSample(t, 'start')
  assert.is(code, 0, stderr)
  assert.is(stderr, '')
  const inThisOrder = [
    /^OpenSSL 3\.5\.\d+ .*, in WebAssembly/,
    /^server: listening on localhost:\d+$/m,
    /^--> message +ClientHello +\d+ bytes$/m,
    /^ +want +WANT_READ: /m,
    /^<-- message +ServerHello +\d+ bytes$/m,
    /^<-- message +Certificate +\d+ bytes$/m,
    /^<-- message +Finished +\d+ bytes$/m,
    /^--> message +Finished +\d+ bytes$/m,
    /^ +done +the handshake is complete$/m,
    /^protocol +TLSv1\.3$/m,
    /^cipher suite +TLS_(AES_128_GCM|CHACHA20_POLY1305)_SHA256$/m,
    /^group +X25519MLKEM768$/m,
    /^certificate +CN=localhost$/m,
    /^fingerprint +SHA-256 [0-9A-F:]{95}$/m,
    /^the answer, first \d+ bytes:\nHTTP\/1\.1 200 OK\r\n/m,
  ]
  let rest = stdout
  for (const wanted of inThisOrder) {
    const found = wanted.exec(rest)
    assert.ok(found, `${wanted} is missing, or out of order:\n${stdout}`)
    rest = rest.slice(found!.index)
  }
  assert.match(stdout, /^server: #1 closed cleanly$/m) // when, is a matter of luck
  assert.match(stdout, 'WANT_WRITE')
  assert.not.match(stdout, '\x1b')
})

start.unless(missing('script'))('uses colours on a terminal, unless NO_COLOR is set', async (t) => {
  const onTerminal = ['-qec', `${process.execPath} build/samples/start.js`, '/dev/null']
  const coloured = await new Program(t, 'script', onTerminal, { NO_COLOR: '' }).end()
  assert.is(coloured.code, 0)
  assert.match(coloured.stdout, '\x1b[1m--> message  ClientHello')
  const plain = await new Program(t, 'script', onTerminal, { NO_COLOR: '1' }).end()
  assert.not.match(plain.stdout, '\x1b')
})

const samples = suite('npm run sample')

const npm = ['run', '-s', 'sample', '--']

samples('without a name, or with --help, lists every program in samples/', async (t) => {
  const { code, stdout, stderr } = await runTool(t, 'npm', npm)
  assert.is(code, 0, stderr)
  const listed = [...stdout.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name)
  const helpers = ['run', 'secure-duplex', 'support', 'trace']
  const programs = readdirSync(join(repository, 'samples')).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3))
  assert.equal(listed.sort(), programs.filter((name) => !helpers.includes(name)).sort())
  assert.is((await runSample(t, 'run', '--help')).stdout, stdout)
})

samples('an unknown name is a mistake', async (t) => {
  for (const name of ['nothing', 'support', 'constructor']) {
    const { code, stderr } = await runSample(t, 'run', name)
    assert.is(code, 2)
    assert.match(stderr, new RegExp(`^there is no sample "${name}"\n[^]*async-client`))
  }
})

samples.unless(missing('openssl'))('passes the arguments on', async (t) => {
  const port = await opensslServer(t)
  const { code, stdout, stderr } = await runTool(t, 'npm', [...npm, 'async-client', 'localhost', String(port), '--ca', rootFile(t)])
  assert.is(code, 0, stderr)
  assert.match(stdout, 'HTTP/1.0 200 ok')
})

const MISTAKES = [
  { args: ['async-client'], message: 'HOST is missing' },
  { args: ['async-client', 'localhost'], message: 'PORT is missing' },
  { args: ['async-client', 'localhost', 'https'], message: 'PORT is https, not a number' },
  { args: ['async-server', '65536'], message: 'PORT is 65536, not a number' },
  { args: ['async-server', '0', '1'], message: 'unexpected argument: 1' },
  { args: ['echo-server', '0', 'x'], message: 'PLAIN_PORT is x, not a number' },
  { args: ['https-client', 'localhost', '1', '/', '--alpn', 'h2'], message: "Unknown option '--alpn'" },
  { args: ['https-server', '0', '--cert', 'there/is/none.pem'], message: 'ENOENT' },
]
for (const { args, message } of MISTAKES) {
  samples(`${args.join(' ')}: ${message}`, async (t) => {
    const { code, stdout, stderr } = await runSample(t, 'run', ...args)
    assert.is(code, 2)
    assert.is(stdout, '')
    assert.match(stderr, message)
    assert.match(stderr, `usage: ${args[0]} `)
  })
}

samples('each tells its usage with --help', async (t) => {
  for (const name of ['async-client', 'async-server', 'echo-server', 'https-client', 'https-server', 'sync-client', 'sync-server']) {
    const { code, stdout } = await runSample(t, name, '--help')
    assert.is(code, 0)
    assert.match(stdout, new RegExp(`^usage: ${name} `))
    assert.match(stdout, '--trace')
  }
})

samples('a port that is taken is an error', async (t) => {
  const first = new Program(t, process.execPath, ['build/samples/async-server.js', '0'])
  const [, port = ''] = await first.printed(/listening on localhost:(\d+)/)
  for (const args of [['async-server', port], ['https-server', port], ['echo-server', '0', port]]) {
    const { code, stderr } = await runSample(t, 'run', ...args)
    assert.is(code, 1)
    assert.match(stderr, /^EADDRINUSE: /)
  }
})
