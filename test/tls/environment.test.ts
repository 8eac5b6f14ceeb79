// Switches of the command line and variables of the environment: what they do to node:tls they do to membio/tls. A client runs in a process of
// its own, once with each, and talks to a server of Node's here.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import * as node from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST, root, server as identity, strangeRoot } from '../support/certs.ts'
import { noOpenssl, Workshop } from '../support/openssl.ts'
import { repository } from '../support/paths.ts'
import { file, folder } from '../support/peers.ts'
import { cannot } from '../support/peers-more.ts'
import { suite, type Case, type Suite } from '../support/suite.ts'

const MODULES = ['node:tls', 'membio/tls'] as const

/** Connects, and prints what came of it. */
const CLIENT = `
  const { default: tls } = await import(process.env.MODULE)
  const { PORT: port, OPTIONS = '{}' } = process.env
  const socket = tls.connect({ port, host: '127.0.0.1', servername: '${HOST}', ...JSON.parse(OPTIONS) })
  const about = () => ({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, authorized: socket.authorized, error: socket.authorizationError?.code ?? socket.authorizationError ?? null })
  const outcome = await new Promise((resolve) => socket.on('error', ({ code }) => resolve({ code })).on('secureConnect', () => resolve(about())))
  socket.destroy()
  const { DEFAULT_MIN_VERSION: min, DEFAULT_MAX_VERSION: max, DEFAULT_CIPHERS: ciphers } = tls
  console.log(JSON.stringify({ ...outcome, min, max, ciphers, extra: tls.getCACertificates?.('extra').length }))
`

interface Told {
  code?: string
  protocol?: string
  cipher?: string
  authorized?: boolean
  error?: string | null
  min: string
  max: string
  ciphers: string
  extra?: number
}

interface Answer extends Told {
  stderr: string
}

/** Variables that this machine may have set, and that are not the test's. */
const CLEAN = { NODE_EXTRA_CA_CERTS: '', SSL_CERT_FILE: undefined, SSL_CERT_DIR: undefined, SSLKEYLOGFILE: undefined, NODE_OPTIONS: undefined }

async function serve(t: Case, options: node.TlsOptions = {}): Promise<{ port: number; keys: string[] }> {
  const keys: string[] = []
  const open = new Set<Socket>()
  const server = node.createServer({ ...identity(), ...options }, (socket) => socket.on('error', () => {}).resume())
  server.on('keylog', (line) => keys.push(String(line).trimEnd()))
  server.on('connection', (socket: Socket) => open.add(socket))
  server.on('tlsClientError', () => {})
  t.defer(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, keys }
}

interface Run {
  flags?: readonly string[]
  env?: NodeJS.ProcessEnv
  options?: node.ConnectionOptions
}

/** Not spawnSync: the server is in this process. */
async function client(t: Case, module: string, port: number, { flags = [], env = {}, options = {} }: Run): Promise<Answer> {
  const variables = { ...process.env, ...CLEAN, ...env, MODULE: module, PORT: String(port), OPTIONS: JSON.stringify(options) }
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', CLIENT], { cwd: repository, env: variables })
  t.defer(() => child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the client left with ${code}: ${stderr}`)
  return { ...(JSON.parse(stdout) as Told), stderr }
}

interface Row {
  name: string
  run: (t: Case) => Run
  server?: node.TlsOptions
  expect: Partial<Told>
  /** What is said on stderr; without it nothing. */
  says?: RegExp
  /** Only here: Node does not know of it. */
  only?: 'membio/tls'
}

function table(test: Suite, rows: readonly Row[]): void {
  for (const { name, run, server, expect, says, only } of rows) {
    for (const module of only ? [only] : MODULES) {
      test(`${name}, ${module}`, async (t) => {
        const { port } = await serve(t, server)
        const answer = await client(t, module, port, run(t))
        const actual = Object.fromEntries(Object.keys(expect).map((one) => [one, answer[one as keyof Told]]))
        assert.equal(actual, expect, JSON.stringify(answer))
        if (says) assert.match(answer.stderr, says)
        else assert.is(answer.stderr, '')
      })
    }
  }
}

// ---- Whom to trust. ----

const REFUSED = { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }
const TRUSTED = { authorized: true }
const NOWHERE = '/not/there'

const ca = (t: Case) => file(t, 'ca.pem', root().cert)

/** A folder as openssl-rehash(1) leaves it. */
function hashed(t: Case): string {
  const shop = t.own(new Workshop())
  const certificate = shop.write('ca.pem', root().cert)
  const hash = shop.openssl('x509', '-hash', '-noout', '-in', certificate).stdout.trim()
  shop.write(`${hash}.0`, root().cert)
  return shop.path('.')
}

table(suite('tls environment: whom to trust').unless(noOpenssl), [
  { name: 'nothing: a private root is not trusted', run: () => ({}), expect: REFUSED },
  { name: 'NODE_EXTRA_CA_CERTS adds to the bundled ones', run: (t) => ({ env: { NODE_EXTRA_CA_CERTS: ca(t) } }), expect: TRUSTED },
  {
    name: 'NODE_EXTRA_CA_CERTS that is not there is ignored, with a warning',
    run: () => ({ env: { NODE_EXTRA_CA_CERTS: NOWHERE } }),
    expect: REFUSED,
    says: /^Warning: Ignoring extra certs from `\/not\/there`, load failed.*\n$/,
  },
  { name: 'NODE_EXTRA_CA_CERTS without a certificate', run: (t) => ({ env: { NODE_EXTRA_CA_CERTS: file(t, 'no.pem', 'no') } }), expect: REFUSED },
  { name: 'SSL_CERT_FILE alone does nothing', run: (t) => ({ env: { SSL_CERT_FILE: ca(t) } }), expect: REFUSED },
  {
    name: '--use-bundled-ca does not look at SSL_CERT_FILE',
    run: (t) => ({ flags: ['--use-bundled-ca'], env: { SSL_CERT_FILE: ca(t) } }),
    expect: REFUSED,
  },
  { name: '--use-openssl-ca with SSL_CERT_FILE', run: (t) => ({ flags: ['--use-openssl-ca'], env: { SSL_CERT_FILE: ca(t) } }), expect: TRUSTED },
  {
    name: '--use-openssl-ca by NODE_OPTIONS',
    run: (t) => ({ env: { NODE_OPTIONS: '--use-openssl-ca', SSL_CERT_FILE: ca(t) } }),
    expect: TRUSTED,
  },
  {
    name: '--use-openssl-ca with SSL_CERT_DIR, some folders',
    run: (t) => ({ flags: ['--use-openssl-ca'], env: { SSL_CERT_FILE: NOWHERE, SSL_CERT_DIR: `${NOWHERE}:${hashed(t)}` } }),
    expect: TRUSTED,
  },
  {
    name: '--use-openssl-ca with an empty store trusts nobody',
    run: () => ({ flags: ['--use-openssl-ca'], env: { SSL_CERT_FILE: NOWHERE, SSL_CERT_DIR: NOWHERE } }),
    expect: REFUSED,
  },
  {
    name: '--use-openssl-ca with NODE_EXTRA_CA_CERTS',
    run: (t) => ({ flags: ['--use-openssl-ca'], env: { SSL_CERT_FILE: NOWHERE, NODE_EXTRA_CA_CERTS: ca(t) } }),
    expect: TRUSTED,
  },
  {
    name: '`ca` is stronger',
    run: (t) => ({ flags: ['--use-openssl-ca'], env: { SSL_CERT_FILE: ca(t) }, options: { ca: strangeRoot().cert } }),
    expect: REFUSED,
  },
])

const SYSTEM = '--use-system-ca'
const noSystem = process.allowedNodeEnvironmentFlags.has(SYSTEM) ? undefined : cannot(`Node ${process.version} has no ${SYSTEM}`)

table(suite(`tls environment: ${SYSTEM}`).unless(noSystem), [
  {
    name: "the system's roots, from SSL_CERT_FILE",
    run: (t) => ({ flags: [SYSTEM], env: { SSL_CERT_FILE: ca(t) } }),
    expect: TRUSTED,
  },
])

const INSECURE = /^\(node:\d+\) Warning: Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS connections .* insecure/

table(suite('tls environment: NODE_TLS_REJECT_UNAUTHORIZED'), [
  {
    name: '0 lets everybody in, with a warning',
    run: () => ({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }),
    expect: { authorized: false, error: REFUSED.code },
    says: INSECURE,
  },
  { name: '1 is as without it', run: () => ({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '1' } }), expect: REFUSED },
  {
    name: 'rejectUnauthorized: true is stronger',
    run: () => ({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, options: { rejectUnauthorized: true } }),
    expect: REFUSED,
    says: INSECURE,
  },
])

// ---- What to speak. ----

const trusting = { ca: root().cert }
const flags = (...given: string[]) => () => ({ flags: given, options: trusting })
const CIPHER = 'ECDHE-ECDSA-AES256-GCM-SHA384'

table(suite('tls environment: versions and ciphers'), [
  { name: 'nothing', run: flags(), expect: { protocol: 'TLSv1.3', min: 'TLSv1.2', max: 'TLSv1.3' } },
  { name: '--tls-max-v1.2', run: flags('--tls-max-v1.2'), expect: { protocol: 'TLSv1.2', max: 'TLSv1.2' } },
  { name: '--tls-max-v1.3', run: flags('--tls-max-v1.3'), expect: { protocol: 'TLSv1.3', max: 'TLSv1.3' } },
  { name: '--tls-min-v1.3', run: flags('--tls-min-v1.3'), expect: { protocol: 'TLSv1.3', min: 'TLSv1.3' } },
  {
    name: '--tls-min-v1.3, and a server of 1.2',
    run: flags('--tls-min-v1.3'),
    server: { maxVersion: 'TLSv1.2' },
    expect: { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', min: 'TLSv1.3' },
  },
  { name: '--tls-min-v1.2 by NODE_OPTIONS', run: () => ({ env: { NODE_OPTIONS: '--tls-min-v1.2' }, options: trusting }), expect: { min: 'TLSv1.2' } },
  ...(['TLSv1', 'TLSv1.1'] as const).map((version) => ({
    name: `--tls-min-${version === 'TLSv1' ? 'v1.0' : 'v1.1'} and a cipher list for it`,
    run: flags(`--tls-min-${version === 'TLSv1' ? 'v1.0' : 'v1.1'}`, '--tls-cipher-list=DEFAULT:@SECLEVEL=0'),
    server: { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' },
    expect: { protocol: version, min: version, ciphers: 'DEFAULT:@SECLEVEL=0' },
  })),
  {
    name: '--tls-cipher-list',
    run: flags(`--tls-cipher-list=${CIPHER}`, '--tls-max-v1.2'),
    expect: { protocol: 'TLSv1.2', cipher: CIPHER, ciphers: CIPHER },
  },
  { name: '--tls-cipher-list of a suite of TLS 1.3', run: flags('--tls-cipher-list=TLS_AES_128_GCM_SHA256'), expect: { cipher: 'TLS_AES_128_GCM_SHA256' } },
])

// ---- The key log. ----

const keylog = suite('tls environment: key log')

const KEYLOG_ROWS: { name: string; run: (path: string) => Run; says: string; only?: 'membio/tls' }[] = [
  { name: '--tls-keylog=FILE', run: (path) => ({ flags: [`--tls-keylog=${path}`] }), says: '--tls-keylog' },
  { name: '--tls-keylog FILE', run: (path) => ({ flags: ['--tls-keylog', path] }), says: '--tls-keylog' },
  { name: '--tls-keylog by NODE_OPTIONS, with a blank', run: (path) => ({ env: { NODE_OPTIONS: `"--tls-keylog=${path}"` } }), says: '--tls-keylog' },
  { name: 'SSLKEYLOGFILE', run: (path) => ({ env: { SSLKEYLOGFILE: path } }), says: 'SSLKEYLOGFILE', only: 'membio/tls' },
]

for (const { name, run, says, only } of KEYLOG_ROWS) {
  for (const module of only ? [only] : MODULES) {
    keylog(`${name}, ${module}: the secrets that the server has, for nobody else to read`, async (t) => {
      const path = join(folder(t), 'key log.txt')
      const { port, keys } = await serve(t)
      const { stderr, authorized } = await client(t, module, port, { ...run(path), options: trusting })
      assert.is(authorized, true)
      assert.match(stderr, `Warning: Using ${says} makes TLS connections insecure by writing secret key material to file ${path}`)
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
      assert.is(lines.length, 5)
      assert.ok(keys.length >= 4) // the client may have left before the server's last
      for (const line of keys) assert.ok(lines.includes(line), line)
      assert.is(statSync(path).mode & 0o077, 0)
    })
  }
}

keylog('a file that cannot be written is told of once, and the connection goes on', async (t) => {
  const { port } = await serve(t)
  const { stderr, authorized } = await client(t, 'membio/tls', port, { flags: ['--tls-keylog=/not/there/at/all'], options: trusting })
  assert.is(authorized, true)
  assert.is(stderr.split('Failed to write TLS keylog').length, 2)
})
