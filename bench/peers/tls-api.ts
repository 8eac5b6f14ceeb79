// Whatever has the interface of node:tls: the runtime's own, and membio/tls. Over loopback, over a Duplex in JavaScript, and as a client
// of a server elsewhere.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import type * as NodeTls from 'node:tls'
import { HOST, type Terms } from '../work.ts'
import { Download, request } from './download.ts'
import type { Ends, Given, Peer, ServerAddress } from './peer.ts'

type Tls = Pick<typeof NodeTls, 'connect' | 'createServer' | 'createSecureContext' | 'TLSSocket'>
type Socket = NodeTls.TLSSocket

/** The two ends of a connection; who makes them closes them. */
interface Connected {
  client: Socket
  server: Socket
}

type Connect = (session?: Buffer) => Promise<Connected>

export function tlsPeer(name: string, tls: Tls): Peer {
  return {
    name,
    loopback: (terms, given) => loopback(tls, terms, given),
    memory: (terms, given) => memory(tls, terms, given),
    server: (terms, given) => client(tls, terms, given),
  }
}

// ---- Which connections. ----

function contexts(tls: Tls, { key, group, cipher }: Terms, { certificates }: Given) {
  const { ca, ...identity } = certificates[key]
  // 'P-256' is understood by every build of OpenSSL and BoringSSL under its older name.
  const terms = { minVersion: 'TLSv1.3', ciphers: cipher, ecdhCurve: group === 'P-256' ? 'prime256v1' : group } as const
  return { client: tls.createSecureContext({ ...terms, ca }), server: { ...terms, ...identity } }
}

async function loopback(tls: Tls, terms: Terms, given: Given): Promise<Ends> {
  const { client: secureContext, server: identity } = contexts(tls, terms, given)
  const server = tls.createServer({ ...identity, noDelay: true })
  server.on('tlsClientError', (error) => server.emit('error', error))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connect = async (session?: Buffer): Promise<Connected> => {
    const accepted = once(server, 'secureConnection')
    const client = tls.connect({ port, host: '127.0.0.1', servername: HOST, secureContext, ...(session && { session }) })
    client.setNoDelay(true)
    await once(client, 'secureConnect')
    return { client, server: (await accepted)[0] as Socket }
  }
  return endsBy(connect, terms, () => server.close())
}

async function memory(tls: Tls, terms: Terms, given: Given): Promise<Ends> {
  const { client: clientContext, server: identity } = contexts(tls, terms, given)
  const serverContext = tls.createSecureContext(identity)
  const connect = async (session?: Buffer): Promise<Connected> => {
    const [near, far] = duplexPair()
    const server = new tls.TLSSocket(far, { isServer: true, secureContext: serverContext })
    const client = tls.connect({ socket: near, servername: HOST, secureContext: clientContext, ...(session && { session }) })
    await Promise.all([once(client, 'secureConnect'), once(server, 'secure')])
    return { client, server }
  }
  return endsBy(connect, terms, () => {})
}

// ---- What is done with them. ----

/** Not every runtime follows `ciphers` in TLS 1.3. */
function noteOn(socket: Socket, { cipher }: Terms): string | undefined {
  const agreed = socket.getCipher?.()
  const name = agreed?.standardName ?? agreed?.name
  return name === cipher ? undefined : `with ${name ?? 'a cipher that it does not tell'}`
}

async function endsBy(connect: Connect, terms: Terms, close: () => void): Promise<Ends> {
  const open = await connect()
  const { client, server } = open
  let arrive = (_bytes: number): void => {}
  let echoing = false
  server.on('data', (chunk: Buffer) => {
    if (echoing) server.write(chunk)
    else arrive(chunk.length)
  })
  client.on('data', (chunk: Buffer) => arrive(chunk.length))
  /** Resolves when so many bytes have arrived, whichever end counts. */
  const arrival = (bytes: number): Promise<void> =>
    new Promise((resolve) => {
      let left = bytes
      arrive = (count) => {
        left -= count
        if (left === 0) resolve()
      }
    })
  let session: Buffer | undefined
  return {
    note: noteOn(client, terms),
    async handshake() {
      await shut(await connect())
    },
    async resume() {
      session ??= await sessionOf(connect)
      const connected = await connect(session)
      if (!connected.client.isSessionReused()) throw new Error('not resumed')
      await shut(connected)
    },
    async transfer(bytes, size) {
      echoing = false
      const arrived = arrival(bytes)
      writeAll(client, bytes, size)
      await arrived
    },
    async echo(size) {
      echoing = true
      const arrived = arrival(size)
      client.write(new Uint8Array(size))
      await arrived
    },
    async close() {
      await shut(open)
      close()
    },
  }
}

/** As a program would that has a lot to send: until the stream says that it is full, and again when it has room. */
function writeAll(socket: Socket, bytes: number, size: number): void {
  const chunk = new Uint8Array(size)
  let left = bytes
  const more = () => {
    while (left > 0) {
      left -= size
      if (!socket.write(chunk)) {
        if (left > 0) socket.once('drain', more)
        return
      }
    }
  }
  more()
}

/** TLS 1.3: tickets come after the handshake. */
async function sessionOf(connect: Connect): Promise<Buffer> {
  const connected = await connect()
  const session = once(connected.client, 'session')
  connected.client.resume()
  const [ticket] = (await session) as [Buffer]
  await shut(connected)
  return ticket
}

async function shut({ client, server }: Connected): Promise<void> {
  const closed = [client, server].map((socket) => socket.destroyed ? undefined : once(socket, 'close'))
  client.destroy()
  server.destroy()
  await Promise.all(closed)
}

// ---- A client alone. ----

async function client(tls: Tls, terms: Terms, given: Given & { server: ServerAddress }): Promise<Ends> {
  const { client: secureContext } = contexts(tls, terms, given)
  const port = given.server.ports[terms.key]
  const connect = async (): Promise<Socket> => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: HOST, secureContext })
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    return socket
  }
  const open = await connect()
  const download = new Download()
  open.on('data', (chunk: Buffer) => download.receive(chunk))
  const end = async (socket: Socket) => {
    const closed = once(socket, 'close')
    socket.destroy()
    await closed
  }
  return {
    note: noteOn(open, terms),
    handshake: async () => end(await connect()),
    async transfer(bytes) {
      open.write(request(bytes))
      await download.of(bytes)
    },
    close: () => end(open),
  }
}

/** Two streams in JavaScript: what is written to one is read from the other. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex => {
    const stream = new Duplex({
      read() {
        const done = waiting.get(stream)
        waiting.delete(stream)
        done?.()
      },
      write(chunk: Buffer, _encoding, done) {
        if (other().push(chunk)) done()
        else waiting.set(other(), done)
      },
      final(done) {
        other().push(null)
        done()
      },
      destroy(error, done) {
        if (!other().destroyed) other().destroy()
        done(error)
      },
    })
    return stream
  }
  const waiting = new Map<Duplex, () => void>()
  const near: Duplex = make(() => far)
  const far: Duplex = make(() => near)
  return [near, far]
}
