// TLS over a stream that is there already: tls.connect with a socket, new TLSSocket for both roles, TLS within TLS.
import { once } from 'node:events'
import { connect as connectNet, Socket } from 'node:net'
import { PassThrough, type Duplex } from 'node:stream'
import * as native from 'node:tls'
import type { TLSSocket } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST, root, server as goodServer } from '../../support/certs.ts'
import { sameBytes } from '../../support/expect.ts'
import { pattern } from '../../support/random.ts'
import { duplexPair } from '../../support/sockets-duplex.ts'
import { suite, type Case } from '../../support/suite.ts'
import { connectTo, listen, netPair, owned, ownedContext, trusting, undocumented, type ClientOptions, type Tls } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, failing, readToEnd, record, sameFields, someTurns } from './watch.ts'

export function wrapSuite(subject: Subject): void {
  socketOptionSuite(subject)
  fateSuite(subject)
  constructorSuite(subject)
  nestedSuite(subject)
}

function dialNet(t: Case, port: number): Socket {
  return owned(t, connectNet({ port, host: '127.0.0.1', allowHalfOpen: true }))
}

function secure(t: Case, tls: Tls, socket: Duplex, options: ClientOptions = {}): TLSSocket {
  return owned(t, connectTo(tls, { socket, ...trusting(), ...options }))
}

/** A message there and one back, and a good end. */
async function exchange(client: TLSSocket, server: TLSSocket): Promise<void> {
  client.end(pattern(100_000, 1))
  const [there, back] = await Promise.all([
    readToEnd(server).then((bytes) => (server.end(pattern(100_000, 2)), bytes)),
    readToEnd(client),
  ])
  sameBytes(there, pattern(100_000, 1))
  sameBytes(back, pattern(100_000, 2))
}

function socketOptionSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: the option socket`)

  for (const [what, ready] of [
    ['a connected net.Socket', (socket: Socket) => once(socket, 'connect')],
    ['a connecting net.Socket', () => {}],
  ] as [string, (socket: Socket) => unknown][]) {
    test(`${what}`, async (t) => {
      const { port, accept } = await listen(t, { allowHalfOpen: true })
      const socket = dialNet(t, port)
      await ready(socket)
      const secured = secure(t, tls, socket, { allowHalfOpen: true })
      const [peer] = await Promise.all([accept(), once(secured, 'secureConnect')])
      assert.is(secured.authorized, true)
      assert.equal([secured.remotePort, secured.localPort], [port, socket.localPort])
      await exchange(secured, peer)
    })
  }

  test('port, host and path are not looked at then', async (t) => {
    const { port } = await listen(t)
    const secured = secure(t, tls, dialNet(t, port), { port: 1, host: '127.0.0.9', path: '/nowhere' })
    await once(secured, 'secureConnect')
  })

  test('any Duplex', async (t) => {
    const [a, b] = duplexPair()
    for (const duplex of [a, b]) owned(t, duplex)
    const server = owned(t, new native.TLSSocket(b, { isServer: true, ...goodServer() }))
    const client = secure(t, tls, a, { allowHalfOpen: true })
    await once(client, 'secureConnect')
    assert.equal([client.remoteAddress, client.localPort, client.authorized], [undefined, undefined, true])
    await exchange(client, server)
  })

  test('what was written before the handshake arrives', async (t) => {
    const { port, accept } = await listen(t)
    const secured = secure(t, tls, dialNet(t, port))
    secured.write('one ')
    secured.end('two')
    const peer = await accept()
    assert.is((await readToEnd(peer)).toString(), 'one two')
  })
}

function fateSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: the socket below`)

  test('destroy of the upper destroys the lower, and both close', async (t) => {
    const { port } = await listen(t)
    const socket = dialNet(t, port)
    const secured = secure(t, tls, socket)
    await once(secured, 'secureConnect')
    secured.destroy()
    await Promise.all([closing(secured), closing(socket)])
    assert.equal([secured.destroyed, socket.destroyed], [true, true])
  })

  test('destroy of the upper with an error', async (t) => {
    const { port } = await listen(t)
    const socket = dialNet(t, port)
    const secured = secure(t, tls, socket)
    await once(secured, 'secureConnect')
    const mine = new Error('mine')
    const lower = record(socket, 'error')
    secured.destroy(mine)
    const [error, hadError] = await Promise.all([failing(secured), closing(secured), closing(socket)])
    assert.equal([error, hadError, lower], [mine, true, []])
  })

  test('destroy of the lower closes the upper', async (t) => {
    const { port } = await listen(t)
    const socket = dialNet(t, port)
    const secured = secure(t, tls, socket)
    await once(secured, 'secureConnect')
    socket.destroy()
    await Promise.all([closing(secured), closing(socket)])
    assert.is(secured.destroyed, true)
  })

  test('an error of the lower is an error of the upper', async (t) => {
    const { port } = await listen(t)
    const socket = dialNet(t, port)
    socket.on('error', () => {})
    const secured = secure(t, tls, socket)
    await once(secured, 'secureConnect')
    const mine = new Error('mine')
    socket.destroy(mine)
    assert.is(await failing(secured), mine)
    await once(secured, 'close')
  })

  test('a lower one that cannot connect', async (t) => {
    const socket = dialNet(t, 1)
    const secured = secure(t, tls, socket)
    sameFields(await failing(secured), { code: 'ECONNREFUSED' })
    await once(secured, 'close')
    assert.is(secured.destroyed, true)
  })

  test('a lower one that was destroyed just before', async (t) => {
    const [socket] = await netPair(t)
    socket.destroy()
    const secured = secure(t, tls, socket)
    const events = record(secured, 'secureConnect')
    await once(secured, 'close')
    assert.equal(events, [])
  })

  test('a good end of the upper ends the lower', async (t) => {
    const { port, accept } = await listen(t)
    const socket = dialNet(t, port)
    const secured = secure(t, tls, socket)
    const [peer] = await Promise.all([accept(), once(secured, 'secureConnect')])
    peer.resume()
    secured.resume()
    secured.end()
    assert.equal(await Promise.all([closing(secured), closing(socket)]), [false, false])
  })
}

function constructorSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: new TLSSocket`)

  test('for a server: secure, and no check unless asked for', async (t) => {
    const [a, b] = await netPair(t)
    const server = owned(t, new tls.TLSSocket(b, { isServer: true, ...goodServer() }))
    const client = secure(t, native, a, { allowHalfOpen: true })
    await Promise.all([once(server, 'secure'), once(client, 'secureConnect')])
    assert.equal([server.authorized, server.encrypted, server.getProtocol()], [false, true, 'TLSv1.3'])
    await exchange(client, server)
  })

  test('for a server, with a context, ALPN and SNI', async (t) => {
    const [a, b] = await netPair(t)
    const options = { isServer: true, secureContext: ownedContext(t, tls, goodServer()), ALPNProtocols: ['b'] }
    const server = owned(t, new tls.TLSSocket(b, options))
    const client = secure(t, native, a, { ALPNProtocols: ['a', 'b'] })
    await Promise.all([once(server, 'secure'), once(client, 'secureConnect')])
    assert.equal([server.alpnProtocol, client.alpnProtocol, server.servername], ['b', 'b', HOST])
  })

  for (const [what, start] of [
    ['a write', (socket: TLSSocket) => socket.write('hello')],
    ['_start', (socket: TLSSocket) => undocumented(socket)._start()],
  ] as [string, (socket: TLSSocket) => void][]) {
    test(`for a client: ${what} starts the handshake; secure, and no secureConnect`, async (t) => {
      const { port, accept } = await listen(t)
      const socket = dialNet(t, port)
      await once(socket, 'connect')
      const client = owned(t, new tls.TLSSocket(socket, { ca: root().cert } as never))
      const events = record(client, 'secure', 'secureConnect')
      start(client)
      const [peer] = await Promise.all([accept(), once(client, 'secure')])
      await someTurns()
      assert.equal(events, ['secure'])
      assert.is(client.authorized, false)
      peer.end('bye')
      assert.is(String((await once(client, 'data'))[0]), 'bye')
    })
  }

  test('for a client without a socket: connect makes one', async (t) => {
    const { port, accept } = await listen(t)
    const client = owned(t, new tls.TLSSocket(undefined as never, { ca: root().cert } as never))
    client.connect(port, '127.0.0.1')
    client.write('hello')
    const [peer] = await Promise.all([accept(), once(client, 'secure')])
    assert.is(String((await once(peer, 'data'))[0]), 'hello')
  })

  test('over a Duplex: _handle._parentWrap is a socket over it, and its class makes others', async (t) => {
    const { _handle: handle } = undocumented(owned(t, new tls.TLSSocket(new PassThrough())))
    const StreamSocket = handle!._parentWrap!.constructor as new (stream: Duplex) => Duplex
    const [a, b] = duplexPair()
    for (const end of [a, b]) owned(t, end)
    const socket = owned(t, new StreamSocket(a))
    socket.end('there')
    b.end('back')
    assert.equal((await Promise.all([readToEnd(b), readToEnd(socket)])).map(String), ['there', 'back'])
  })

  test('_releaseControl is true once', (t) => {
    const socket = undocumented(owned(t, new tls.TLSSocket(undefined as never)))
    assert.equal([socket._releaseControl(), socket._releaseControl()], [true, false])
  })

  test('is a class of its own: instances, and subclasses', async (t) => {
    class Mine extends tls.TLSSocket {
      mine = true
    }
    const [a, b] = await netPair(t)
    const server = owned(t, new Mine(b, { isServer: true, ...goodServer() }))
    const client = secure(t, native, a)
    await Promise.all([once(server, 'secure'), once(client, 'secureConnect')])
    assert.instance(server, tls.TLSSocket)
    assert.instance(server, Socket)
    assert.is(server.mine, true)
  })
}

function nestedSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: TLS in TLS`)

  for (const levels of [2, 3]) {
    for (const role of ['client', 'server'] as const) {
      test(`${levels} levels, as ${role}`, async (t) => {
        const [clientTls, serverTls] = role === 'client' ? [tls, native] : [native, tls]
        let [client, server] = (await netPair(t)) as [Socket, Socket]
        for (let level = 0; level < levels; level++) {
          const options = { isServer: true, ...goodServer(), ALPNProtocols: [`level ${level}`] }
          const inner = owned(t, new serverTls.TLSSocket(server, options))
          const outer = secure(t, clientTls, client, { allowHalfOpen: true, ALPNProtocols: [`level ${level}`] })
          await Promise.all([once(inner, 'secure'), once(outer, 'secureConnect')])
          assert.equal([inner.alpnProtocol, outer.alpnProtocol], [`level ${level}`, `level ${level}`])
          ;[client, server] = [outer, inner]
        }
        await exchange(client as TLSSocket, server as TLSSocket)
      })
    }
  }

  test('destroying the innermost destroys them all', async (t) => {
    const { port, accept } = await listen(t)
    const outer = secure(t, tls, dialNet(t, port))
    const [peer] = await Promise.all([accept(), once(outer, 'secureConnect')])
    const second = new native.TLSSocket(peer, { isServer: true, ...goodServer() })
    second.on('error', () => {})
    owned(t, second)
    const inner = secure(t, tls, outer)
    await once(inner, 'secureConnect')
    inner.destroy()
    await Promise.all([closing(inner), closing(outer)])
    assert.is(outer.destroyed, true)
  })
}
