// What Node has deprecated and programs still call: createSecurePair, and a server's setOptions.
import { once } from 'node:events'
import * as net from 'node:net'
import * as node from 'node:tls'
import * as assert from 'uvu/assert'
import tls from '../../src/tls/index.ts'
import { createServer } from '../../src/tls/server.ts'
import { pattern } from '../support/random.ts'
import { HOST, root, server as identity } from '../support/certs.ts'
import { sameBytes } from '../support/expect.ts'
import { suite, type Case } from '../support/suite.ts'

/** Each warning comes once a process, and so belongs to the case that calls first. */
async function warningOf(call: () => void): Promise<Error & { code?: string }> {
  const warning = once(process, 'warning')
  call()
  return (await warning)[0] as Error
}

const pairs = suite('tls: createSecurePair')

pairs('it warns that TLSSocket does the same', async (t) => {
  const context = tls.createSecureContext()
  t.defer(() => context.context.close())
  const { name, code, message } = await warningOf(() => tls.createSecurePair(context).destroy())
  assert.is(name, 'DeprecationWarning')
  assert.is(code, 'DEP0064')
  assert.match(message, /use tls\.TLSSocket/)
})

pairs('it has a context of its own, and frees it', async () => {
  const pair = tls.createSecurePair()
  assert.instance(pair.credentials, tls.SecureContext)
  pair.destroy()
  await once(pair.cleartext, 'close') // what is left behind then fails the case
})

pairs('a context that is none is refused', () => {
  assert.throws(() => tls.createSecurePair({} as never), (error: { code?: string }) => error.code === 'ERR_TLS_INVALID_CONTEXT')
})

/** A net.Server whose connections go through a pair; resolves to the pair of the first. */
async function served(t: Case): Promise<{ port: number; pair: Promise<ReturnType<typeof tls.createSecurePair>> }> {
  const context = tls.createSecureContext(identity())
  t.defer(() => context.context.close())
  const listening = net.createServer()
  t.defer(() => listening.close())
  const pair = once(listening, 'connection').then(([socket]: net.Socket[]) => {
    const made = tls.createSecurePair(context, true)
    t.defer(() => made.destroy())
    t.defer(() => socket!.destroy())
    made.encrypted.pipe(socket!).pipe(made.encrypted)
    return made
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return { port: (listening.address() as net.AddressInfo).port, pair }
}

pairs("it serves Node's client: every byte there and back, and the end", async (t) => {
  const { port, pair } = await served(t)
  const sent = pattern(3_000_000)
  const client = node.connect({ port, host: '127.0.0.1', servername: HOST, ca: root().cert })
  t.defer(() => client.destroy())
  const { cleartext } = await pair
  await once(await pair, 'secure')
  assert.is(cleartext.getProtocol(), 'TLSv1.3')
  cleartext.pipe(cleartext)
  client.end(sent)
  const received: Buffer[] = []
  for await (const chunk of client) received.push(chunk as Buffer)
  sameBytes(Buffer.concat(received), sent)
})

pairs('it is a client, too', async (t) => {
  const listening = node.createServer(identity(), (socket) => socket.resume().end('hello'))
  t.defer(() => listening.close())
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const context = tls.createSecureContext({ ca: root().cert })
  const socket = net.connect((listening.address() as net.AddressInfo).port, '127.0.0.1')
  const pair = tls.createSecurePair(context, false)
  t.defer(() => [context.context.close(), socket.destroy(), pair.destroy()])
  pair.encrypted.pipe(socket).pipe(pair.encrypted)
  pair.cleartext.setEncoding('utf8').write('begin')
  const [text] = (await once(pair.cleartext, 'data')) as string[]
  assert.is(text, 'hello')
})

const servers = suite('tls: Server.setOptions')

servers('it warns, and keeps what it was given', async (t) => {
  const server = createServer()
  t.defer(() => server._sharedCreds.context.close())
  const options = { requestCert: true, rejectUnauthorized: false, ciphers: 'HIGH', sessionTimeout: 5, ALPNProtocols: ['h2'] }
  const { code } = await warningOf(() => server.setOptions(options))
  assert.is(code, 'DEP0122')
  const { requestCert, rejectUnauthorized, sessionTimeout } = server
  assert.equal([requestCert, rejectUnauthorized, sessionTimeout], [true, false, 5])
  assert.is(Reflect.get(server, 'ciphers'), 'HIGH')
  assert.equal([...server.ALPNProtocols!], [2, 0x68, 0x32])
})
