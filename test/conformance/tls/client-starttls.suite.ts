// STARTTLS: a connection that begins in the clear and goes on with TLS, for both roles. No byte of either side may get lost at the switch,
// wherever the bytes are at that moment.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import * as native from 'node:tls'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { server as goodServer } from '../../support/certs.ts'
import { sameBytes } from '../../support/expect.ts'
import { pattern } from '../../support/random.ts'
import { suite, type Case } from '../../support/suite.ts'
import { connectTo, netPair, owned, ownedServer, trusting, type Tls } from './parties.ts'
import type { Subject } from './subject.ts'
import { readToEnd, record, someTurns, take, until } from './watch.ts'

const BANNER = '220 ready\r\n'
const COMMAND = 'STARTTLS\r\n'
const ANSWER = '250 go ahead\r\n'

function asClient(t: Case, tls: Tls, socket: Socket): TLSSocket {
  return owned(t, connectTo(tls, { socket, ...trusting(), allowHalfOpen: true }))
}

function asServer(t: Case, tls: Tls, socket: Socket): TLSSocket {
  return owned(t, new tls.TLSSocket(socket, { isServer: true, ...goodServer() }))
}

/** A client of the runtime whose first bytes are in hand, and its other ones go where `letGo` says. */
async function heldBack(t: Case): Promise<{ hello: Buffer; client: TLSSocket; letGo: (to: Socket) => void }> {
  const [inner, outer] = await netPair(t)
  const client = asClient(t, native, inner)
  const [hello] = (await once(outer, 'data')) as [Buffer]
  outer.pause()
  return { hello, client, letGo: (to) => void outer.pipe(to).pipe(outer) }
}

async function converse(client: TLSSocket, server: TLSSocket): Promise<void> {
  client.end(pattern(50_000, 1))
  sameBytes(await readToEnd(server), pattern(50_000, 1))
  server.end(pattern(50_000, 2))
  sameBytes(await readToEnd(client), pattern(50_000, 2))
}

export function startTlsSuite(subject: Subject): void {
  for (const role of ['client', 'server'] as const) roleSuite(subject, role)
  clientSwitchSuite(subject)
  serverSwitchSuite(subject)
}

function roleSuite({ name, tls }: Subject, role: 'client' | 'server'): void {
  const test = suite(`${name} STARTTLS as ${role}`)
  const [clientTls, serverTls] = role === 'client' ? [tls, native] : [native, tls]

  test('a dialogue in the clear, then TLS', async (t) => {
    const [client, server] = await netPair(t)
    server.write(BANNER)
    assert.is((await take(client, BANNER.length)).toString(), BANNER)
    client.write(COMMAND)
    assert.is((await take(server, COMMAND.length)).toString(), COMMAND)
    server.write(ANSWER)
    const secureServer = asServer(t, serverTls, server)
    assert.is((await take(client, ANSWER.length)).toString(), ANSWER)
    const secureClient = asClient(t, clientTls, client)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, secureServer)
  })

  test('a dialogue by data listeners, which are removed at the switch', async (t) => {
    const [client, server] = await netPair(t)
    const heard: string[] = []
    const secureServer = new Promise<TLSSocket>((resolve) => {
      server.once('data', (chunk: Buffer) => {
        heard.push(chunk.toString())
        server.write(ANSWER)
        resolve(asServer(t, serverTls, server))
      })
    })
    client.write(COMMAND)
    const [answer] = (await once(client, 'data')) as [Buffer]
    heard.push(answer.toString())
    const secureClient = asClient(t, clientTls, client)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, await secureServer)
    assert.equal(heard, [COMMAND, ANSWER])
  })

  test('listeners that stay on the plain socket hear nothing of TLS', async (t) => {
    const [client, server] = await netPair(t)
    const own = role === 'client' ? client : server
    const heard = record(own, 'data')
    const secureServer = asServer(t, serverTls, server)
    const secureClient = asClient(t, clientTls, client)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, secureServer)
    assert.equal(heard, [])
  })

  test('a plain write that is still under way comes first', async (t) => {
    const [client, server] = await netPair(t)
    const own = role === 'client' ? client : server
    const peer = role === 'client' ? server : client
    const clear = pattern(3_000_000)
    own.write(clear) // more than the kernel takes while nobody reads
    const secured = role === 'client' ? asClient(t, tls, client) : asServer(t, tls, server)
    const secure = once(secured, role === 'client' ? 'secureConnect' : 'secure')
    sameBytes(await take(peer, clear.length), clear)
    const other = role === 'client' ? asServer(t, native, server) : asClient(t, native, client)
    await secure
    await (role === 'client' ? converse(secured, other) : converse(other, secured))
  })
}

function serverSwitchSuite({ name, tls }: Subject): void {
  const test = suite(`${name} STARTTLS as server: bytes at the switch`)

  test('the ClientHello came with the command, and was put back', async (t) => {
    const [client, server] = await netPair(t)
    client.cork()
    client.write(COMMAND)
    const secureClient = asClient(t, native, client)
    await someTurns()
    client.uncork()
    const [chunk] = (await once(server, 'data')) as [Buffer]
    server.pause()
    assert.is(chunk.subarray(0, COMMAND.length).toString(), COMMAND)
    server.unshift(chunk.subarray(COMMAND.length))
    const secureServer = asServer(t, tls, server)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, secureServer)
  })

  test('the ClientHello was there before anybody looked', async (t) => {
    const [client, server] = await netPair(t)
    client.write(COMMAND)
    const secureClient = asClient(t, native, client)
    assert.is((await take(server, COMMAND.length)).toString(), COMMAND)
    await until(() => server.readableLength > 0)
    const secureServer = asServer(t, tls, server)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, secureServer)
  })

  test('the ClientHello came in pieces, some before the switch and some after', async (t) => {
    const { hello, client: secureClient, letGo } = await heldBack(t)
    const [client, server] = await netPair(t)
    client.write(Buffer.concat([Buffer.from(COMMAND), hello.subarray(0, 7)]))
    assert.is((await take(server, COMMAND.length)).toString(), COMMAND)
    await until(() => server.readableLength >= 7)
    const secureServer = asServer(t, tls, server)
    await someTurns()
    client.write(hello.subarray(7))
    letGo(client)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, secureServer)
  })

  test('a tls.Server takes the socket as a connection', async (t) => {
    const [client, server] = await netPair(t)
    const listener = ownedServer(t, tls.createServer({ ...goodServer(), allowHalfOpen: true }))
    client.write(COMMAND)
    assert.is((await take(server, COMMAND.length)).toString(), COMMAND)
    const secureClient = asClient(t, native, client)
    listener.emit('connection', server)
    const both = await Promise.all([once(listener, 'secureConnection'), once(secureClient, 'secureConnect')])
    const [[secureServer]] = both as [[TLSSocket], unknown]
    owned(t, secureServer)
    await converse(secureClient, secureServer)
  })
}

function clientSwitchSuite({ name, tls }: Subject): void {
  const test = suite(`${name} STARTTLS as client: bytes at the switch`)

  test('the end of the answer is the start of TLS: nothing of it is lost', async (t) => {
    const [client, server] = await netPair(t)
    const secureServer = asServer(t, native, server)
    server.cork()
    const secureClient = asClient(t, tls, client)
    secureClient.write('early')
    await someTurns()
    server.uncork()
    assert.is((await take(secureServer, 5)).toString(), 'early')
    await converse(secureClient, secureServer)
  })

  test('a socket that was read in between', async (t) => {
    const [client, server] = await netPair(t)
    server.write(BANNER + ANSWER)
    assert.is((await take(client, BANNER.length)).toString(), BANNER)
    assert.is((await take(client, ANSWER.length)).toString(), ANSWER)
    const secureServer = asServer(t, native, server)
    const secureClient = asClient(t, tls, client)
    await once(secureClient, 'secureConnect')
    await converse(secureClient, secureServer)
  })

  test('a connection with a paused socket, and one with a flowing one', async (t) => {
    for (const flowing of [false, true]) {
      const [client, server] = await netPair(t)
      if (flowing) client.resume()
      else client.pause()
      const secureServer = asServer(t, native, server)
      const secureClient = asClient(t, tls, client)
      await once(secureClient, 'secureConnect')
      await converse(secureClient, secureServer)
    }
  })
}
