// DatagramPoller and DatagramServer: over a network in memory whose datagrams a test can lose, and over node:dgram on loopback.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import {
  createDtlsContext,
  type DtlsContext,
  type DtlsContextOptions,
  type DtlsServerOptions,
  type EngineEvent,
  type TlsError,
} from '../../src/index.ts'
import {
  DatagramPoller,
  DatagramServer,
  dgramPeer,
  dgramSocket,
  type DatagramPollerOptions,
  type DatagramServerOptions,
  type DatagramSocket,
  type DatagramTransport,
} from '../../src/transport/index.ts'
import { bad, HOST, root, server as serverIdentity } from '../support/certs.ts'
import { clock } from '../support/datagrams.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

// ---- A network in memory: one server's socket, and clients by port. Each datagram takes a turn of the event loop. ----

class Network {
  /** Whether a datagram gets lost. */
  loses: (datagram: Uint8Array, to: 'server' | 'client') => boolean = () => false
  readonly toServer: Uint8Array[] = []
  readonly toClients: Uint8Array[] = []
  readonly #clients = new Map<number, (datagram: Uint8Array) => void>()
  #server: Parameters<DatagramSocket['attach']>[0] | undefined
  serverClosed = false

  socket(): DatagramSocket {
    return {
      attach: (receiver) => void (this.#server = receiver),
      send: (datagram, { port }) => {
        this.toClients.push(datagram)
        if (!this.loses(datagram, 'client')) setImmediate(() => this.#clients.get(port)?.(datagram))
      },
      close: () => {
        this.#server = undefined
        this.serverClosed = true
      },
    }
  }

  client(port: number): DatagramTransport {
    return {
      attach: ({ onDatagram }) => void this.#clients.set(port, onDatagram),
      send: (datagram) => {
        this.toServer.push(datagram)
        if (!this.loses(datagram, 'server')) setImmediate(() => this.inject(port, datagram))
      },
      close: () => void this.#clients.delete(port),
    }
  }

  /** As if it came from a client at this port. */
  inject(port: number, datagram: Uint8Array): void {
    this.#server?.onDatagram(datagram, { address: '192.0.2.7', port })
  }

  fail(error: Error): void {
    this.#server?.onError(error)
  }
}

// ---- Those who talk. ----

/** One poller, and what its handlers were told. */
class Party {
  poller!: DatagramPoller
  readonly texts: string[] = []
  readonly events: EngineEvent[] = []
  secure = false
  readonly closed: Promise<TlsError | undefined>
  isClosed = false
  onDatagram: ((text: string) => void) | undefined
  #close!: (error: TlsError | undefined) => void
  #wake: (() => void)[] = []

  constructor() {
    this.closed = new Promise((resolve) => (this.#close = resolve))
  }

  handlers = {
    onSecure: () => this.#happened(() => (this.secure = true)),
    onDatagram: (plaintext: Uint8Array) =>
      this.#happened(() => {
        this.texts.push(new TextDecoder().decode(plaintext))
        this.onDatagram?.(this.texts.at(-1)!)
      }),
    onEvent: (event: EngineEvent) => this.#happened(() => this.events.push(event)),
    onClose: (error?: TlsError) =>
      this.#happened(() => {
        assert.is(this.isClosed, false, 'onClose comes once')
        this.isClosed = true
        this.#close(error)
      }),
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #happened(act: () => void): void {
    try {
      act()
    } finally {
      for (const wake of this.#wake.splice(0)) wake()
    }
  }
}

interface World {
  network: Network
  server: DatagramServer
  /** In the order in which they came. */
  accepted: Party[]
  serverClosed: Promise<TlsError | undefined>
  client(port: number, options?: DatagramPollerOptions): Party
  /** Waits until the server has accepted so many. */
  arrived(count: number): Promise<void>
}

function makeServer(context: DtlsContext, socket: DatagramSocket, options: DatagramServerOptions = {}) {
  const accepted: Party[] = []
  const wake: (() => void)[] = []
  let closed!: (error: TlsError | undefined) => void
  const serverClosed = new Promise<TlsError | undefined>((resolve) => (closed = resolve))
  const onPeer = (poller: DatagramPoller) => {
    const party = new Party()
    party.poller = poller
    party.onDatagram = (text) => poller.write(`echo ${text}`)
    accepted.push(party)
    for (const each of wake.splice(0)) each()
    return party.handlers
  }
  const server = new DatagramServer(context, socket, { onPeer, onClose: closed }, options)
  const arrived = async (count: number) => {
    while (accepted.length < count) await new Promise<void>((resolve) => wake.push(resolve))
  }
  return { server, accepted, serverClosed, arrived }
}

function makeWorld(t: Case, { settings, ...options }: DatagramServerOptions & { settings?: DtlsContextOptions } = {}): World {
  const network = new Network()
  const serverContext = t.own(createDtlsContext({ ...serverIdentity(), ...settings }))
  const clientContext = t.own(createDtlsContext({ ca: root().cert }))
  const made = makeServer(serverContext, network.socket(), options)
  t.defer(async () => {
    for (const { poller } of made.accepted) poller.destroy()
    made.server.close()
    await made.serverClosed
  })
  const client = (port: number, options?: DatagramPollerOptions) => {
    const party = new Party()
    const engine = clientContext.createEngine({ role: 'client', servername: HOST })
    party.poller = new DatagramPoller(engine, network.client(port), party.handlers, options)
    t.defer(() => party.poller.destroy())
    return party
  }
  return { network, client, ...made }
}

/** Ends the wait of whoever waits for a retransmission, now. */
function timePasses(milliseconds: number, parties: readonly Party[]): void {
  clock.now += milliseconds
  for (const { poller } of parties) poller.wake()
}

// ---- One peer. ----

const poller = suite('datagram poller')

poller('a handshake, an echo, and a close in good order', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  await client.until(() => client.secure)
  assert.is(client.poller.write('hello'), true)
  await client.until(() => client.texts.length > 0)
  assert.equal(client.texts, ['echo hello'])
  client.poller.close()
  assert.is(await client.closed, undefined)
  assert.is(await world.accepted[0]!.closed, undefined)
  assert.is(world.server.peers, 0)
  assert.ok(world.accepted[0]!.events.some(({ type }) => type === 'closeNotify'))
})

poller('whoever is closed by its peer answers with close_notify', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  await client.until(() => client.secure)
  await world.arrived(1)
  const [accepted] = world.accepted
  await accepted!.until(() => accepted!.secure)
  const before = world.network.toServer.length
  accepted!.poller.close()
  assert.is(await client.closed, undefined)
  assert.is(world.network.toServer.length, before + 1)
  assert.is(world.network.toServer.at(-1)![0], 21)
})

poller('each lost datagram of the handshake is made up for when its time has come', async (t) => {
  for (let lost = 0; lost < 7; lost++) {
    const world = makeWorld(t)
    let number = 0
    world.network.loses = () => number++ === lost
    const client = world.client(1)
    while (!client.secure) {
      await sleep(1)
      timePasses(1000, [client, ...world.accepted])
    }
    client.poller.write('hello')
    await client.until(() => client.texts.length > 0)
  }
})

poller('its own timer sends a lost flight again', async (t) => {
  const world = makeWorld(t)
  let lost = false
  world.network.loses = () => !lost && (lost = true)
  const client = world.client(1)
  await sleep(5)
  // The timer waits for a real second; the clock then says that it is over.
  clock.now += 1000
  await client.until(() => client.secure)
  assert.ok(lost)
})

poller('writing is refused before the handshake is done, after close, and when it is too long', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  expectThrow(() => client.poller.write('early'), { kind: 'usage', message: 'before the handshake is done' })
  await client.until(() => client.secure)
  expectThrow(() => client.poller.write(new Uint8Array(5000)), { kind: 'usage', code: 'ERR_DTLS_MESSAGE_SIZE' })
  client.poller.write('hello')
  await client.until(() => client.texts.length > 0)
  client.poller.close()
  expectThrow(() => client.poller.write('late'), { kind: 'usage', message: 'write after close' })
  await client.closed
})

poller('a refused certificate: the client tells why, the server hears the alert', async (t) => {
  const world = makeWorld(t, { settings: bad('expired') })
  const client = world.client(1)
  expectError(await client.closed, { kind: 'certificate', code: 'CERT_HAS_EXPIRED' })
  await world.arrived(1)
  expectError(await world.accepted[0]!.closed, { kind: 'alert' })
})

poller('the handshake deadline ends a client that nobody answers', async (t) => {
  const world = makeWorld(t)
  world.network.loses = () => true
  const client = world.client(1, { deadlines: { handshake: 20 } })
  expectError(await client.closed, { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
})

poller('the idle deadline ends a connection without traffic, and garbage is no traffic', async (t) => {
  const world = makeWorld(t, { deadlines: { idle: 60 } })
  const client = world.client(1)
  await client.until(() => client.secure)
  await world.arrived(1)
  const noise = setInterval(() => world.network.inject(1, new Random(1).bytes(100)), 5)
  t.defer(() => clearInterval(noise))
  expectError(await world.accepted[0]!.closed, { kind: 'io', code: 'ERR_TLS_IDLE_TIMEOUT' })
  assert.is(await client.closed, undefined, 'the client hears a close_notify')
})

poller('destroy says nothing to the peer, and tells the error given', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  await client.until(() => client.secure)
  const before = world.network.toServer.length
  const error = expectThrow(() => client.poller.write(''), { kind: 'usage' })
  client.poller.destroy(error)
  assert.is(await client.closed, error)
  assert.is(world.network.toServer.length, before)
  assert.is(client.poller.write('gone'), false)
})

poller('a handler that throws is not silenced, and the connection goes on', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  await client.until(() => client.secure)
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => thrown.push(error))
  t.defer(() => listeners.forEach((listener) => process.on('uncaughtException', listener)))
  client.onDatagram = () => {
    client.onDatagram = undefined
    throw new Error('a mistake')
  }
  client.poller.write('one')
  await client.until(() => client.texts.length === 1)
  await sleep(1)
  assert.match((thrown[0] as Error).message, 'a mistake')
  client.poller.write('two')
  await client.until(() => client.texts.length === 2)
})

poller('handlers may close, destroy and write from within', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  client.onDatagram = (text) => {
    if (text === 'echo 3') client.poller.destroy()
    else client.poller.write(String(Number(text.slice(5)) + 1))
  }
  await client.until(() => client.secure)
  client.poller.write('1')
  assert.is(await client.closed, undefined)
  assert.equal(client.texts, ['echo 1', 'echo 2', 'echo 3'])
})

// ---- Many peers. ----

const servers = suite('datagram server')

servers('tells its peers apart by address', async (t) => {
  const world = makeWorld(t)
  const clients = Array.from({ length: 20 }, (_, i) => world.client(i + 1))
  await Promise.all(clients.map((client) => client.until(() => client.secure)))
  clients.forEach((client, i) => client.poller.write(String(i)))
  await Promise.all(clients.map((client) => client.until(() => client.texts.length > 0)))
  assert.equal(clients.map(({ texts }) => texts), clients.map((_, i) => [`echo ${i}`]))
  assert.is(world.server.peers, 20)
  world.server.close()
  for (const client of clients) assert.is(await client.closed, undefined)
  assert.is(await world.serverClosed, undefined)
  assert.ok(world.network.serverClosed)
})

servers('a flood from forged addresses makes no peer', async (t) => {
  const world = makeWorld(t)
  world.network.loses = (_, to) => to === 'client'
  world.client(1)
  await sleep(1)
  const [hello] = world.network.toServer
  for (let port = 1000; port < 1500; port++) world.network.inject(port, hello!)
  assert.is(world.server.peers, 0)
})

servers('no more half-open peers than allowed; the next one waits for its turn', async (t) => {
  const world = makeWorld(t, { maxHalfOpen: 1 })
  let blocked = true
  world.network.loses = (datagram, to) => blocked && to === 'client' && datagram[13] !== 3 // only cookies pass
  const first = world.client(1)
  await world.arrived(1)
  const second = world.client(2)
  await sleep(10)
  assert.is(world.server.peers, 1)
  blocked = false
  const both = [first, second]
  while (!both.every(({ secure }) => secure)) {
    await sleep(1)
    timePasses(1000, [...both, ...world.accepted])
  }
  assert.is(world.server.peers, 2)
})

servers('no more peers than allowed', async (t) => {
  const world = makeWorld(t, { maxPeers: 1 })
  const first = world.client(1)
  await first.until(() => first.secure)
  const second = world.client(2, { deadlines: { handshake: 30 } })
  expectError(await second.closed, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
  assert.is(world.server.peers, 1)
})

servers('a half-open peer that falls silent is forgotten', async (t) => {
  const world = makeWorld(t, { deadlines: { handshake: 20 } })
  world.network.loses = (datagram, to) => to === 'client' && datagram[13] !== 3
  world.client(1)
  await world.arrived(1)
  expectError(await world.accepted[0]!.closed, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
  assert.is(world.server.peers, 0)
})

servers('a peer that was restarted begins anew from the same address (RFC 6347, 4.2.8)', async (t) => {
  const world = makeWorld(t)
  const first = world.client(1)
  await first.until(() => first.secure)
  await world.arrived(1)
  const second = world.client(1) // takes the port over, as a restarted program would
  await second.until(() => second.secure)
  expectError(await world.accepted[0]!.closed, { kind: 'io', code: 'ERR_DTLS_REPLACED' })
  second.poller.write('here again')
  await second.until(() => second.texts.length > 0)
  assert.is(world.server.peers, 1)
})

servers('a repeated ClientHello does not end the connection it once began', async (t) => {
  const world = makeWorld(t, { deadlines: { handshake: 500 } })
  const client = world.client(1)
  await client.until(() => client.secure)
  const hellos = world.network.toServer.filter((datagram) => datagram[0] === 22 && datagram[13] === 1)
  for (const hello of hellos) world.network.inject(1, hello)
  client.poller.write('unharmed')
  await client.until(() => client.texts.length === 1)
  await world.arrived(2) // the replay carries a cookie: it is taken for a new beginning,
  expectError(await world.accepted[1]!.closed, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' }) // which comes to nothing
  client.poller.write('still')
  await client.until(() => client.texts.length === 2)
  assert.equal([world.accepted[0]!.isClosed, world.server.peers], [false, 1])
})

servers('garbage from strangers and peers does no harm', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  await client.until(() => client.secure)
  const random = new Random(31)
  for (let i = 0; i < 300; i++) world.network.inject(1 + (i % 2), random.bytes(1 + random.below(200)))
  client.poller.write('hello')
  await client.until(() => client.texts.length > 0)
  assert.is(world.server.peers, 1)
})

servers('a parked handshake goes on when it is woken', async (t) => {
  const engine: Pick<DtlsServerOptions, 'park'> = { park: ['clientHello'] }
  const world = makeWorld(t, { engine })
  const client = world.client(1)
  await world.arrived(1)
  const [accepted] = world.accepted
  await accepted!.until(() => accepted!.events.some(({ type }) => type === 'clientHello'))
  await sleep(1)
  accepted!.poller.engine.resume()
  accepted!.poller.wake()
  await client.until(() => client.secure)
})

servers('the end of the socket is the end of all', async (t) => {
  const world = makeWorld(t)
  const client = world.client(1)
  await client.until(() => client.secure)
  world.network.fail(Object.assign(new Error('bad descriptor'), { code: 'EBADF' }))
  expectError(await world.serverClosed, { kind: 'io', code: 'EBADF' })
  expectError(await world.accepted[0]!.closed, { kind: 'io', code: 'EBADF' })
  assert.is(world.server.peers, 0)
})

servers('close with nobody there', async (t) => {
  const world = makeWorld(t)
  world.server.close()
  world.server.close()
  assert.is(await world.serverClosed, undefined)
})

// ---- node:dgram. ----

const dgram = suite('datagrams on node:dgram')

async function loopback(t: Case) {
  const serverSocket = createSocket('udp4')
  await new Promise<void>((resolve) => serverSocket.bind(0, '127.0.0.1', resolve))
  const { port } = serverSocket.address() as AddressInfo
  const context = t.own(createDtlsContext(serverIdentity()))
  const made = makeServer(context, dgramSocket(serverSocket))
  t.defer(async () => {
    made.server.close()
    await made.serverClosed
  })
  const clientContext = t.own(createDtlsContext({ ca: root().cert }))
  const client = (transport: DatagramTransport, options?: DatagramPollerOptions) => {
    const party = new Party()
    party.poller = new DatagramPoller(clientContext.createEngine({ role: 'client', servername: HOST }), transport, party.handlers, options)
    t.defer(async () => {
      party.poller.destroy()
      await party.closed
    })
    return party
  }
  return { ...made, port, client, serverSocket }
}

for (const connected of [false, true]) {
  dgram(`an echo with a socket that is ${connected ? '' : 'not '}connected`, async (t) => {
    const { port, client, accepted } = await loopback(t)
    const socket = createSocket('udp4')
    if (connected) await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve))
    const party = client(dgramPeer(socket, connected ? undefined : { address: '127.0.0.1', port }))
    await party.until(() => party.secure)
    for (let i = 0; i < 5; i++) party.poller.write(String(i))
    await party.until(() => party.texts.length === 5)
    party.poller.close()
    assert.is(await party.closed, undefined)
    assert.is(await accepted[0]!.closed, undefined, 'close_notify was sent before the socket was closed')
  })
}

dgram('what others send to a client is dropped', async (t) => {
  const { port, client } = await loopback(t)
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const party = client(dgramPeer(socket, { address: '127.0.0.1', port }))
  await party.until(() => party.secure)
  const stranger = createSocket('udp4')
  t.defer(() => void stranger.close())
  const record = Uint8Array.of(21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40)
  await new Promise((resolve) => stranger.send(record, (socket.address() as AddressInfo).port, '127.0.0.1', resolve))
  party.poller.write('hello')
  await party.until(() => party.texts.length > 0)
})

dgram('a connected client hears that nobody listens', async (t) => {
  const { client } = await loopback(t)
  const gone = createSocket('udp4')
  await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve))
  const { port } = gone.address() as AddressInfo
  gone.close()
  await once(gone, 'close')
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve))
  expectError(await client(dgramPeer(socket)).closed, { kind: 'io', code: 'ECONNREFUSED' })
})

dgram('a socket that somebody else closes ends the connection', async (t) => {
  const { port, client } = await loopback(t)
  const socket = createSocket('udp4')
  const party = client(dgramPeer(socket, { address: '127.0.0.1', port }))
  await party.until(() => party.secure)
  socket.close()
  expectError(await party.closed, { kind: 'io', code: 'ERR_SOCKET_CLOSED' })
})

dgram('a client asks for an address, not a name', () => {
  const socket = createSocket('udp4')
  expectThrow(() => dgramPeer(socket, { address: 'localhost', port: 1 }), { kind: 'usage', message: 'no IP address' })
  socket.close()
})
