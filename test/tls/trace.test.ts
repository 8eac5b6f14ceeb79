// The trace of a connection: in words it is what the peer's own `openssl -trace` shows, message by message and line by line, sent and received
// swapped; as data it has fields with names and numbers. And who gets it: stderr, listeners, from the start or later.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type * as node from 'node:tls'
import * as assert from 'uvu/assert'
import { connect } from '../../src/tls/connect.ts'
import { createServer } from '../../src/tls/server.ts'
import type { TLSSocket } from '../../src/tls/socket.ts'
import { TraceDecoder, type TraceField, type TraceMessage } from '../../src/tls/trace-decode.ts'
import { printed } from '../../src/tls/trace-print.ts'
import { client as clientIdentity, HOST, issue, root, server as identity } from '../support/certs.ts'
import { run } from '../support/node.ts'
import { file, folder, missing, opensslServer, type Program } from '../support/peers.ts'
import { echoed, sClient } from '../support/peers-more.ts'
import { Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

// ---- Side by side with openssl. ----

const beside = suite('tls: trace, beside openssl').unless(missing('openssl'))

/** What older programs have no names for is not spoken of. */
const PLAIN = { ecdhCurve: 'X25519:P-256', sigalgs: 'ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256' }

type Direction = TraceMessage['direction']

/** Records with what is in them, those of the handshake. OpenSSL reports its own ChangeCipherSpec, and never the peer's. */
function handshakeOf(text: string, direction: Direction): string[] {
  const verb = direction === 'sent' ? 'Sent' : 'Received'
  const records = text.split(/^(?=(?:Sent|Received) (?:TLS )?Record$)/m).map((record) => record.replace(/^(\w+) Record/, '$1 TLS Record'))
  return records
    .filter((record) => record.startsWith(`${verb} TLS`) && /Type = (Handshake|ChangeCipherSpec)/.test(record))
    .map((record) => record.replace(/^\w+/, '').replace('    change_cipher_spec (1)\n\n', ''))
}

const inWords = (messages: readonly TraceMessage[]): string => messages.map(printed).join('')

function expectSame(messages: readonly TraceMessage[], theirs: string): void {
  const ours = inWords(messages)
  assert.ok(handshakeOf(ours, 'sent').length > 1)
  sameLines(handshakeOf(ours, 'sent'), handshakeOf(theirs, 'received'))
  sameLines(handshakeOf(ours, 'received'), handshakeOf(theirs, 'sent'))
  assert.equal(messages.filter(({ malformed }) => malformed), [])
}

/** A difference is shown with what leads to it, and not with two whole traces. */
function sameLines(ours: readonly string[], theirs: readonly string[]): void {
  const [actual, expected] = [ours, theirs].map((records) => records.join('').split('\n')) as [string[], string[]]
  const at = actual.findIndex((line, index) => line !== expected[index])
  const end = Math.max(at, 0) + 3
  if (at >= 0 || actual.length !== expected.length) assert.equal(actual.slice(Math.max(at - 12, 0), end), expected.slice(Math.max(at - 12, 0), end))
  assert.is(actual.length, expected.length)
}

interface Serving {
  port: number
  messages: TraceMessage[]
  server: ReturnType<typeof createServer>
}

async function serve(t: Case, options: object): Promise<Serving> {
  const messages: TraceMessage[] = []
  const server = createServer({ ...identity(), ...PLAIN, ...options } as node.TlsOptions, (socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  const open = new Set<TLSSocket>()
  server.on('trace', (message: TraceMessage, socket: TLSSocket) => {
    messages.push(message)
    open.add(socket)
  })
  server.on('tlsClientError', () => {})
  t.defer(() => {
    for (const socket of open) socket.destroy()
    server.close()
    server._sharedCreds.context.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, messages, server }
}

/** s_client's run against the server, and its trace. */
async function clientTrace(t: Case, port: number, args: readonly string[], say?: (program: Program) => Promise<void>): Promise<string> {
  const path = join(folder(t), 'trace.txt')
  const program = sClient(t, port, ['-trace', '-msgfile', path, ...args])
  await echoed(program)
  await say?.(program)
  program.end()
  await program.succeeded()
  return readFileSync(path, 'utf8')
}

const legacy = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', sigalgs: undefined }
const tls12 = { maxVersion: 'TLSv1.2' }
const only12 = (cipher: string) => ({ ...tls12, ciphers: cipher, dhparam: 'auto' })
const PSK = { identity: 'someone', key: '00112233445566778899aabbccddeeff' }
const pskArgs = ['-psk_identity', PSK.identity, '-psk', PSK.key]
const pskServer = { pskCallback: () => Buffer.from(PSK.key, 'hex'), pskIdentityHint: 'a hint' }
const ARTIST = { C: 'DE', O: 'Ä "quoted", + name', OU: ' blank' }
const names = () => [root().cert, issue({ subject: { ...ARTIST, CN: '#1' }, ca: true }).cert]

/** A command letter counts only at the start of what s_client reads at once: what follows waits until it was taken. */
const commanded = (letter: string, taken: RegExp) => async (program: Program) => {
  await program.write(`${letter}\n`)
  await program.until(taken)
  await echoed(program, 'after')
}

interface ServerRow {
  title: string
  options?: object
  args?: (t: Case) => readonly string[]
  say?: (program: Program) => Promise<void>
}

const mutual = (t: Case) => ['-cert', file(t, 'cert.pem', clientIdentity().cert), '-key', file(t, 'key.pem', clientIdentity().key)]

const SERVER_ROWS: ServerRow[] = [
  { title: 'TLS 1.3', args: () => ['-alpn', 'h2,http/1.1', '-status', '-maxfraglen', '1024'], options: { ALPNProtocols: ['http/1.1'] } },
  { title: 'TLS 1.3, client certificate', options: { requestCert: true, ca: root().cert }, args: mutual },
  { title: 'TLS 1.3, HelloRetryRequest', options: { ecdhCurve: 'P-256' }, args: () => ['-groups', 'X25519:P-256'] },
  { title: 'TLS 1.3, RSA', options: identity('RSA-2048') },
  { title: 'TLS 1.3, Ed25519', options: { ...identity('Ed25519'), sigalgs: undefined } },
  { title: 'TLS 1.3, pre-shared key', options: { ...pskServer, ciphers: 'TLS_AES_128_GCM_SHA256' }, args: () => ['-ciphersuites', 'TLS_AES_128_GCM_SHA256', ...pskArgs] },
  { title: 'TLS 1.3, KeyUpdate', say: commanded('K', /KEYUPDATE/) },
  { title: 'TLS 1.2, ECDHE', options: tls12 },
  { title: 'TLS 1.2, client certificate', options: { ...tls12, requestCert: true, ca: names() }, args: mutual },
  { title: 'TLS 1.2, DHE', options: { ...identity('RSA-2048'), ...only12('DHE-RSA-AES128-GCM-SHA256') } },
  { title: 'TLS 1.2, static RSA', options: { ...identity('RSA-2048'), ...only12('AES128-GCM-SHA256') } },
  { title: 'TLS 1.2, renegotiation', options: tls12, say: commanded('R', /RENEGOTIATING/) },
  ...['PSK', 'ECDHE-PSK', 'DHE-PSK', 'RSA-PSK'].map((exchange) => ({
    title: `TLS 1.2, ${exchange}`,
    options: { ...identity('RSA-2048'), ...only12(`${exchange}-CHACHA20-POLY1305`), ...pskServer },
    args: () => ['-cipher', `${exchange}-CHACHA20-POLY1305`, ...pskArgs],
  })),
  { title: 'TLS 1.1', options: { ...identity('RSA-2048'), ...legacy }, args: () => ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'] },
  { title: 'TLS 1.0, client certificate', options: { ...identity('RSA-2048'), ...legacy, requestCert: true, ca: root().cert }, args: (t) => ['-tls1', '-cipher', 'ALL:@SECLEVEL=0', ...mutual(t)] },
]

for (const { title, options = {}, args = () => [], say } of SERVER_ROWS) {
  beside(`s_client, ${title}`, async (t) => {
    const { port, messages } = await serve(t, options)
    const theirs = await clientTrace(t, port, args(t), say)
    expectSame(messages, theirs)
  })
}

for (const version of ['-tls1_2', '-tls1_3']) {
  beside(`s_client, ${version}, resumed`, async (t) => {
    const { port, messages } = await serve(t, {})
    const session = join(folder(t), 'session.pem')
    await clientTrace(t, port, [version, '-sess_out', session])
    messages.length = 0
    expectSame(messages, await clientTrace(t, port, [version, '-sess_in', session]).then((text) => (assert.match(text, /extension_type=(psk\(41\)|session_ticket\(35\), length=[1-9])/), text)))
  })
}

interface ClientRow {
  title: string
  options?: object
  args?: readonly string[]
  version?: 'TLSv1.2' | 'TLSv1.3'
  ca?: string
}

const CLIENT_ROWS: ClientRow[] = [
  { title: 'TLS 1.3', options: { ALPNProtocols: ['h2', 'x'] }, args: ['-alpn', 'h2'] },
  { title: 'TLS 1.3, HelloRetryRequest', args: ['-groups', 'P-256'] },
  { title: 'TLS 1.3, client certificate', options: clientIdentity(), ca: root().cert },
  { title: 'TLS 1.2', version: 'TLSv1.2' },
  { title: 'TLS 1.2, client certificate', version: 'TLSv1.2', options: clientIdentity(), ca: root().cert },
  { title: 'TLS 1.2, stapled OCSP response', version: 'TLSv1.2', options: { requestOCSP: true } },
  {
    title: 'TLS 1.2, pre-shared key with a hint',
    version: 'TLSv1.2',
    options: { ciphers: 'ECDHE-PSK-CHACHA20-POLY1305', pskCallback: () => ({ psk: Buffer.from(PSK.key, 'hex'), identity: PSK.identity }) },
    args: [...pskArgs, '-psk_hint', 'hint', '-cipher', 'ECDHE-PSK-CHACHA20-POLY1305'],
  },
]

for (const { title, options = {}, args = [], version, ca } of CLIENT_ROWS) {
  beside(`s_server, ${title}`, async (t) => {
    const path = join(folder(t), 'trace.txt')
    const program = await opensslServer(t, { version, identity: identity(), ca, args: ['-trace', '-msgfile', path, '-rev', '-naccept', '1', ...args] })
    const messages: TraceMessage[] = []
    const trace = (message: TraceMessage) => void messages.push(message)
    const socket = connect({ port: program.port, host: '127.0.0.1', servername: HOST, ca: root().cert, ...PLAIN, ...options, trace, checkServerIdentity: () => undefined })
    t.defer(() => socket.destroy())
    await once(socket, 'secureConnect')
    socket.write('abc\n')
    assert.is(String(((await once(socket, 'data')) as Buffer[])[0]), 'cba\n')
    socket.end()
    await once(socket, 'close')
    await program.exit // only then the file is complete
    expectSame(messages, readFileSync(path, 'utf8'))
  })
}

beside('alerts have the words of openssl', async (t) => {
  const { port, messages } = await serve(t, { requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' })
  const path = join(folder(t), 'trace.txt')
  const program = sClient(t, port, ['-trace', '-msgfile', path])
  await program.exit
  const alert = /^ +Level=.*$/m
  assert.is(alert.exec(inWords(messages))![0], alert.exec(readFileSync(path, 'utf8'))![0])
})

// ---- As data. ----

const data = suite('tls: trace, as data')

/** A client's connection to a server of ours, until both are secure. */
async function connected(t: Case, { port, server }: Serving, options: object = {}): Promise<{ client: TLSSocket; other: TLSSocket; messages: TraceMessage[] }> {
  const messages: TraceMessage[] = []
  const trace = (message: TraceMessage) => void messages.push(message)
  const client = connect({ port, host: '127.0.0.1', servername: HOST, ca: root().cert, ...PLAIN, trace, ...options })
  const closed = once(client, 'close')
  t.defer(() => (client.destroy(), closed))
  const [[other]] = (await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')])) as [TLSSocket[], unknown]
  t.defer(() => other!.destroy())
  return { client, other: other!, messages }
}

const named = (fields: readonly TraceField[] | undefined, name: string): TraceField => fields!.find((field) => field.name === name || field.meaning === name)!
const meanings = (field: TraceField) => field.fields!.map(({ meaning }) => meaning)

data('each message has a direction, a name, and fields with numbers and what they mean', async (t) => {
  const serving = await serve(t, { ALPNProtocols: ['h2'] })
  const { messages } = await connected(t, serving, { ALPNProtocols: ['h2', 'x'], ciphers: 'TLS_AES_128_GCM_SHA256' })
  const [header, hello] = messages
  const { bytes: _, ...rest } = header!
  assert.equal(rest, {
    direction: 'sent',
    content: 'recordHeader',
    type: 22,
    name: 'Handshake',
    length: hello!.bytes.length,
    fields: [
      { name: 'version', value: 0x0301, meaning: 'TLS 1.0' },
      { name: 'content_type', value: 22, meaning: 'Handshake' },
    ],
  })
  const { direction, content, type, name, length, fields } = hello!
  assert.equal([direction, content, type, name, length], ['sent', 'handshake', 1, 'ClientHello', hello!.bytes.length - 4])
  assert.equal(named(fields, 'client_version'), { name: 'client_version', value: 0x0303, meaning: 'TLS 1.2' })
  assert.equal(meanings(named(fields, 'cipher_suites'))[0], 'TLS_AES_128_GCM_SHA256')
  const extensions = named(fields, 'extensions').fields
  assert.equal(named(extensions, 'server_name').fields, [{ name: 'host_name', value: 0, meaning: HOST }])
  assert.equal(meanings(named(extensions, 'application_layer_protocol_negotiation')), ['h2', 'x'])
  assert.equal(meanings(named(extensions, 'supported_groups')), ['ecdh_x25519', 'secp256r1 (P-256)'])
})

data('both ends see the same messages, sent and received swapped', async (t) => {
  const serving = await serve(t, {})
  const { client, other, messages } = await connected(t, serving)
  other.end('bye')
  client.end()
  client.resume()
  await Promise.all([once(client, 'close'), once(other, 'close')])
  const seen = (list: readonly TraceMessage[], direction: Direction) =>
    list.filter((message) => message.direction === direction && ['handshake', 'alert'].includes(message.content)).map(({ name, length }) => `${name} ${length}`)
  assert.equal(seen(messages, 'sent'), seen(serving.messages, 'received'))
  assert.equal(seen(messages, 'received'), seen(serving.messages, 'sent'))
  assert.is(seen(messages, 'sent').at(-1), 'close_notify 2')
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  data(`a listener that comes later gets what comes later, ${version}`, async (t) => {
    const serving = await serve(t, { maxVersion: version })
    const { client, other } = await connected(t, serving, { trace: undefined })
    const messages: TraceMessage[] = []
    client.on('trace', (message: TraceMessage) => messages.push(message))
    client.write('ping')
    await once(client, 'data')
    other.end()
    client.resume()
    await once(client, 'close')
    const kinds = messages.filter(({ content }) => content === 'recordHeader' || content === 'alert').map(({ direction, name }) => `${direction} ${name}`)
    assert.ok(kinds.includes('sent ApplicationData'), kinds.join())
    assert.ok(kinds.includes('received ApplicationData'), kinds.join())
    assert.ok(kinds.includes('received close_notify'), kinds.join())
    assert.equal(messages.filter(({ malformed }) => malformed), [])
  })
}

data('without a listener nothing is traced', async (t) => {
  const serving = await serve(t, {})
  serving.server.removeAllListeners('trace')
  const { client, other, messages } = await connected(t, serving, { trace: undefined })
  assert.equal(client.listenerCount('trace') + other.listenerCount('trace') + messages.length, 0)
})

// ---- What arrives may be anything. ----

const hostile = suite('tls: trace, of anything')

hostile('a message that is cut off shows what there is of it', () => {
  const bytes = Uint8Array.of(2, 0, 0, 0x26, 3, 3, ...new Uint8Array(32), 4, 1, 2)
  const message = new TraceDecoder('client').decode({ type: 'message', direction: 'received', content: 'handshake', bytes })
  assert.is(message.malformed, true)
  assert.equal(message.fields, [])
  const text = printed(message)
  assert.match(text, /ServerHello, Length=38\nMessage length parse error!/)
})

hostile('lengths that lie end the fields, and say so', () => {
  const body = [3, 3, ...new Uint8Array(32), 4, 1, 2]
  const bytes = Uint8Array.of(2, 0, 0, body.length, ...body)
  const message = new TraceDecoder('client').decode({ type: 'message', direction: 'received', content: 'handshake', bytes })
  assert.equal(message.fields.map(({ name }) => name), ['server_version', 'Random'])
  assert.match(printed(message), /random_bytes.*\nMessage length parse error!\n\n$/)
})

const CONTENTS = ['recordHeader', 'innerContentType', 'changeCipherSpec', 'alert', 'handshake', 'other'] as const

hostile('random bytes and changed messages are told of, and never throw', async (t) => {
  const serving = await serve(t, { requestCert: true, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
  const { messages } = await connected(t, serving, clientIdentity())
  const random = new Random(42)
  const decoder = new TraceDecoder('server')
  const show = (content: (typeof CONTENTS)[number], bytes: Uint8Array) =>
    assert.type(printed(decoder.decode({ type: 'message', direction: random.pick(['sent', 'received']), content, bytes })), 'string')
  for (let round = 0; round < 2000; round++) {
    const length = random.below(60)
    show(random.pick(CONTENTS), Uint8Array.of(random.pick([1, 2, 4, 11, 12, 13, 15, 16, 24, random.below(256)]), 0, 0, length, ...random.bytes(length)))
    const { content, bytes } = random.pick(messages)
    const changed = Uint8Array.from(bytes)
    changed[random.below(changed.length)] = random.below(256)
    show(content, round % 2 ? changed : changed.subarray(0, random.below(changed.length)))
  }
})

// ---- On stderr. ----

const printing = suite('tls: trace, on stderr')

/** A handshake in a process of its own. */
const program = (options: string, after = '') => `
  import tls from 'membio/tls'
  import { createCertificate, createKey } from 'membio/x509'
  const key = createKey()
  const cert = createCertificate({ key, hosts: ['localhost'] })
  const server = tls.createServer({ key, cert }, (socket) => socket.end('x')).listen(0, '127.0.0.1', () => {
    const client = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost', ca: cert, ${options} }, () => {
      ${after}
      client.resume().on('close', () => server.close())
    })
  })`

const traced = (flags: readonly string[], options = '', after = '', env = {}) =>
  run(process.execPath, [...flags, '--input-type=module', '-'], program(options, after), env)

const WARNING = /Warning: Enabling --trace-tls can expose sensitive data in the resulting log\./

interface PrintRow {
  title: string
  run: () => ReturnType<typeof run>
  has?: RegExp[]
  hasNot?: RegExp[]
}

const PRINT_ROWS: PrintRow[] = [
  { title: 'enableTrace: true, one end', run: () => traced([], 'enableTrace: true'), has: [/^Sent TLS Record\nHeader:\n/m, /^ {4}ClientHello, Length=/m], hasNot: [WARNING] },
  { title: '--trace-tls, both ends, with a warning', run: () => traced(['--trace-tls']), has: [WARNING, /Sent TLS Record[^]*ClientHello[^]*Received TLS Record[^]*ClientHello/] },
  { title: 'NODE_OPTIONS', run: () => traced([], '', '', { NODE_OPTIONS: '--trace-tls' }), has: [WARNING, /ClientHello/] },
  { title: 'enableTrace(): later records', run: () => traced([], '', 'client.enableTrace()'), has: [/Received TLS Record/], hasNot: [/ClientHello/] },
  { title: 'nobody asked', run: () => traced([]), hasNot: [/./] },
]

for (const { title, run: start, has = [], hasNot = [] } of PRINT_ROWS) {
  printing(title, () => {
    const { code, stdout, stderr } = start()
    assert.is(code, 0, stderr)
    assert.is(stdout, '')
    for (const pattern of has) assert.match(stderr, pattern)
    for (const pattern of hasNot) assert.not.match(stderr, pattern)
  })
}

printing('enableTrace: false is stronger than --trace-tls', () => {
  const { stderr } = traced(['--trace-tls'], 'enableTrace: false')
  assert.not.match(stderr, /Sent TLS Record[^]*ClientHello, Length[^]*Received TLS Record[^]*ClientHello, Length/)
})

printing('enableTrace that is no boolean is refused', () => {
  assert.throws(() => connect({ port: 1, enableTrace: 'yes' }), (error: { code?: string }) => error.code === 'ERR_INVALID_ARG_TYPE')
})
