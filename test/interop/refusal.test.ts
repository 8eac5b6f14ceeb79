// Handshakes on kernel sockets that cannot come to a good end: nothing in common, no TLS at all, a peer that leaves or says nothing.
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { expectError, type Expected } from '../support/expect.ts'
import {
  curl,
  gnutlsClient,
  gnutlsServer,
  missing,
  opensslClient,
  opensslServer,
  type PeerOptions,
  type Program,
} from '../support/peers.ts'
import { Random } from '../support/random.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, dialTcp, listenTcp, serveMembio, type PartyOptions } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const withPeer = (title: string, program: string | undefined) => suite(`interop: ${title}`).unless(program ? missing(program) : undefined)

const received = (description: number, name: string): Expected => ({ kind: 'alert', alert: { direction: 'received', description, name } })
const HANDSHAKE_FAILURE = received(40, 'handshake_failure')
const PROTOCOL_VERSION = received(70, 'protocol_version')
const NO_APPLICATION_PROTOCOL = received(120, 'no_application_protocol')

// ---- Nothing in common: an alert from the server. ----

interface ServerRow {
  name: string
  program?: string
  start: (t: Case, options: PeerOptions) => Promise<{ port: number }>
  options?: PeerOptions
  settings?: ContextOptions
  expected: Expected
}

const startNode: ServerRow['start'] = (t, { version, alpn }) => serveNode(t, { maxVersion: version, ALPNProtocols: alpn && [...alpn] })

const CBC_ONLY = { version: 'TLSv1.2', args: ['-cipher', 'ECDHE-ECDSA-AES128-SHA'] } as const
const CCM_ONLY = { version: 'TLSv1.3', args: ['-ciphersuites', 'TLS_AES_128_CCM_SHA256'] } as const
const P256_ONLY = { version: 'TLSv1.3', args: ['-groups', 'P-256'] } as const

const SERVER_ROWS: readonly ServerRow[] = [
  { name: 's_server with CBC only', program: 'openssl', start: opensslServer, options: CBC_ONLY, expected: HANDSHAKE_FAILURE },
  { name: 's_server with CCM only', program: 'openssl', start: opensslServer, options: CCM_ONLY, expected: HANDSHAKE_FAILURE },
  {
    name: 's_server with P-256 only, and we with X25519',
    program: 'openssl',
    start: opensslServer,
    options: P256_ONLY,
    settings: { groups: ['X25519'] },
    expected: HANDSHAKE_FAILURE,
  },
  {
    name: 's_server with TLS 1.2 only, and we with 1.3',
    program: 'openssl',
    start: opensslServer,
    options: { version: 'TLSv1.2' },
    settings: { minVersion: 'TLSv1.3' },
    expected: PROTOCOL_VERSION,
  },
  {
    name: 's_server with TLS 1.3 only, and we with 1.2',
    program: 'openssl',
    start: opensslServer,
    options: { version: 'TLSv1.3' },
    settings: { maxVersion: 'TLSv1.2' },
    expected: PROTOCOL_VERSION,
  },
  {
    name: 's_server with another ALPN protocol',
    program: 'openssl',
    start: opensslServer,
    options: { alpn: ['h2'] },
    settings: { alpn: ['http/1.1'] },
    expected: NO_APPLICATION_PROTOCOL,
  },
  {
    name: 'gnutls-serv with TLS 1.2 only, and we with 1.3',
    program: 'gnutls-serv',
    start: gnutlsServer,
    options: { version: 'TLSv1.2' },
    settings: { minVersion: 'TLSv1.3' },
    expected: HANDSHAKE_FAILURE,
  },
  {
    name: 'node:tls with TLS 1.2 only, and we with 1.3',
    start: startNode,
    options: { version: 'TLSv1.2' },
    settings: { minVersion: 'TLSv1.3' },
    expected: PROTOCOL_VERSION,
  },
  {
    name: 'node:tls with another ALPN protocol',
    start: startNode,
    options: { alpn: ['h2'] },
    settings: { alpn: ['x'] },
    expected: NO_APPLICATION_PROTOCOL,
  },
]

for (const { name, program, start, options, settings, expected } of SERVER_ROWS) {
  withPeer('nothing in common, a server refuses membio', program)(name, async (t) => {
    const { port } = await start(t, { identity: serverIdentity(), ...options })
    const client = dialMembio(t, port, { settings })
    client.poller.write('never')
    expectError(await client.closed, expected)
    assert.equal(client.received, [])
  })
}

// ---- The same with membio as the server: its alert is heard. ----

const hears =
  (dial: (t: Case, port: number, options: PeerOptions) => Program) =>
  (t: Case, port: number, options: PeerOptions, number: number, name: string): Promise<unknown> =>
    dial(t, port, options).until(new RegExp(`alert number ${number}\\b|alert \\[${number}\\]|alert ${name}`))

const CLIENTS = [
  { name: 'openssl s_client', program: 'openssl', heard: hears(opensslClient) },
  { name: 'gnutls-cli', program: 'gnutls-cli', heard: hears(gnutlsClient) },
  { name: 'curl', program: 'curl', heard: hears((t, port, options) => curl(t, port, '/', options)) },
  {
    name: 'node:tls client',
    program: undefined,
    heard: async (t: Case, port: number, { version, alpn }: PeerOptions, _: number, name: string) => {
      const peer = dialNode(t, port, { maxVersion: version, ALPNProtocols: alpn && [...alpn] })
      assert.match((await peer.failure()).code!, new RegExp(name.replaceAll(' ', '_'), 'i'))
    },
  },
]

for (const { name, program, heard } of CLIENTS) {
  const test = withPeer('nothing in common, membio refuses a client', program)

  test(`${name} with TLS 1.2 only`, async (t) => {
    const { port, accept } = await serveMembio(t, { settings: { minVersion: 'TLSv1.3' } })
    const [party] = await Promise.all([accept(), heard(t, port, { version: 'TLSv1.2' }, 70, 'protocol version')])
    expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_UNSUPPORTED_PROTOCOL', message: 'share no protocol version' })
  })

  test(`${name} with another ALPN protocol`, async (t) => {
    const { port, accept } = await serveMembio(t, { settings: { alpn: ['x'] } })
    const [party] = await Promise.all([accept(), heard(t, port, { alpn: ['h2'] }, 120, 'no application protocol')])
    expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_NO_APPLICATION_PROTOCOL' })
  })

  test(`${name} without a suite of ours`, async (t) => {
    const { port, accept } = await serveMembio(t, { settings: { cipherList: 'ECDHE-RSA-AES128-GCM-SHA256' } }) // the certificate is ECDSA
    const [party] = await Promise.all([accept(), heard(t, port, { version: 'TLSv1.2' }, 40, 'handshake failure')])
    expectError(await party.closed, { kind: 'protocol', code: 'ERR_SSL_NO_SHARED_CIPHER', message: 'have nothing in common' })
  })
}

// ---- Not TLS. ----

const foreign = suite('interop: no TLS at all')

const NONSENSE: readonly { name: string; bytes: string | Uint8Array; expected: Expected }[] = [
  {
    name: 'plain HTTP',
    bytes: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    expected: { kind: 'protocol', code: 'ERR_SSL_HTTP_REQUEST', message: 'plain HTTP' },
  },
  { name: 'garbage', bytes: new Random(41).bytes(2000), expected: { kind: 'protocol' } },
  { name: 'an SSH banner', bytes: 'SSH-2.0-OpenSSH_9.2p1\r\n', expected: { kind: 'protocol' } },
  {
    name: 'a record over the size limit',
    bytes: new Uint8Array([22, 3, 1, 0x50, 0, ...new Uint8Array(20_480)]),
    expected: { kind: 'protocol' },
  },
]

for (const { name, bytes, expected } of NONSENSE) {
  foreign(`${name} to a membio server`, async (t) => {
    const { port, accept } = await serveMembio(t)
    const socket = dialTcp(t, port)
    socket.resume()
    socket.write(bytes)
    expectError(await (await accept()).closed, expected)
    await new Promise((resolve) => socket.on('end', resolve)) // the server has closed its side
  })
}

withPeer('no TLS at all', 'curl')('curl with http:// to a membio server', async (t) => {
  const { port, accept } = await serveMembio(t)
  const program = curl(t, port, '/', { args: ['--proto', '=http', `http://127.0.0.1:${port}/`] })
  expectError(await (await accept()).closed, { kind: 'protocol', code: 'ERR_SSL_HTTP_REQUEST' })
  assert.is.not((await program.exit).code, 0)
})

foreign('a membio client to an HTTP server', async (t) => {
  const server = createHttpServer((_, response) => response.end('hello'))
  t.defer(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = dialMembio(t, (server.address() as AddressInfo).port)
  expectError(await client.closed, { kind: 'protocol', code: 'ERR_SSL_WRONG_VERSION_NUMBER', message: 'does not seem to speak TLS' })
})

// ---- Peers that leave, or say nothing. ----

const TRUNCATED: Expected = { kind: 'closed', code: 'ERR_TLS_TRUNCATED', message: 'during the handshake' }
const RESET: Expected = { kind: 'io', code: 'ECONNRESET' }
const LATE: Expected = { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT' }

const LEAVING: readonly { name: string; leave: (socket: Socket) => unknown; options?: PartyOptions; expected: Expected }[] = [
  { name: 'ends the stream at once', leave: (socket) => socket.end(), expected: TRUNCATED },
  { name: 'ends the stream after the first bytes', leave: (socket) => socket.once('data', () => socket.end()), expected: TRUNCATED },
  { name: 'resets after the first bytes', leave: (socket) => socket.once('data', () => socket.resetAndDestroy()), expected: RESET },
  { name: 'says nothing', leave: (socket) => socket.resume(), options: { deadlines: { handshake: 40 } }, expected: LATE },
]

for (const { name, leave, options, expected } of LEAVING) {
  foreign(`a server that ${name}`, async (t) => {
    const { port } = await listenTcp(t, (socket) => leave(socket.on('error', () => {})))
    const client = dialMembio(t, port, options)
    const error = expectError(await client.closed, expected)
    if (expected === RESET) assert.is((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
  })
}

foreign('a client that ends the stream in the middle of its ClientHello', async (t) => {
  const { port, accept } = await serveMembio(t)
  dialTcp(t, port).end(new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
  expectError(await (await accept()).closed, TRUNCATED)
})

foreign('nobody listens', async (t) => {
  const { port, server } = await listenTcp(t, () => {})
  await new Promise((resolve) => server.close(resolve))
  expectError(await dialMembio(t, port).closed, { kind: 'io', code: 'ECONNREFUSED', message: 'ECONNREFUSED' })
})
