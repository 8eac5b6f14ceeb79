// Deno's own sockets: rustls, by Deno.startTls (which is Deno.connectTls in two steps) and Deno.listenTls. Neither cipher nor group can be
// chosen.
import { Cannot, HOST, type Terms } from '../work.ts'
import { Download, request } from './download.ts'
import type { Ends, Given, Peer, ServerAddress } from './peer.ts'

interface Conn {
  read(into: Uint8Array): Promise<number | null>
  write(plaintext: Uint8Array): Promise<number>
  handshake(): Promise<unknown>
  close(): void
}

interface TcpConn {
  setNoDelay(): void
}

interface Listener {
  readonly addr: { port: number }
  accept(): Promise<Conn>
  close(): void
}

declare const Deno: {
  connect(options: { hostname: string; port: number }): Promise<TcpConn>
  startTls(conn: TcpConn, options: { hostname: string; caCerts: string[] }): Promise<Conn>
  listenTls(options: { hostname: string; port: number; cert: string; key: string }): Listener
}

const NOTE = 'with the cipher and the group of its choice'
const BUFFER = 65536

export const deno: Peer = { name: 'Deno.startTls', loopback, server }

function check({ key }: Terms): void {
  if (key === 'Ed25519') throw new Cannot('it verifies no Ed25519 signatures')
}

async function connect(port: number, ca: string): Promise<Conn> {
  const tcp = await Deno.connect({ hostname: '127.0.0.1', port })
  tcp.setNoDelay() // as the others have it
  const conn = await Deno.startTls(tcp, { hostname: HOST, caCerts: [ca] })
  await conn.handshake()
  return conn
}

async function writeAll(conn: Conn, plaintext: Uint8Array): Promise<void> {
  for (let written = 0; written < plaintext.length; ) written += await conn.write(plaintext.subarray(written))
}

async function readAll(conn: Conn, bytes: number, into: Uint8Array): Promise<void> {
  for (let left = bytes; left > 0; ) {
    const count = await conn.read(into)
    if (count === null) throw new Error('the connection has ended')
    left -= count
  }
}

async function loopback(terms: Terms, { certificates }: Given): Promise<Ends> {
  check(terms)
  const { ca, cert, key } = certificates[terms.key]
  const listener = Deno.listenTls({ hostname: '127.0.0.1', port: 0, cert, key })
  const pair = async () => {
    const accept = async () => {
      const conn = await listener.accept()
      await conn.handshake()
      return conn
    }
    const [server, client] = await Promise.all([accept(), connect(listener.addr.port, ca)])
    return { client, server }
  }
  const close = ({ client, server }: { client: Conn; server: Conn }) => {
    client.close()
    server.close()
  }
  const open = await pair()
  const into = new Uint8Array(BUFFER)
  return {
    note: NOTE,
    handshake: async () => close(await pair()),
    async transfer(bytes, size) {
      const chunk = new Uint8Array(size)
      const write = async () => {
        for (let left = bytes; left > 0; left -= size) await writeAll(open.client, chunk)
      }
      await Promise.all([write(), readAll(open.server, bytes, into)])
    },
    async echo(size) {
      const message = new Uint8Array(size)
      await writeAll(open.client, message)
      await readAll(open.server, size, into)
      await writeAll(open.server, message)
      await readAll(open.client, size, into)
    },
    close() {
      close(open)
      listener.close()
    },
  }
}

async function server(terms: Terms, given: Given & { server: ServerAddress }): Promise<Ends> {
  check(terms)
  const port = given.server.ports[terms.key]
  const { ca } = given.certificates[terms.key]
  const open = await connect(port, ca)
  const download = new Download()
  const into = new Uint8Array(BUFFER)
  return {
    note: NOTE,
    handshake: async () => (await connect(port, ca)).close(),
    async transfer(bytes) {
      let done = false
      void download.of(bytes).then(() => (done = true))
      await writeAll(open, request(bytes))
      while (!done) {
        const count = await open.read(into)
        if (count === null) throw new Error('the connection has ended')
        download.receive(into.subarray(0, count))
        await undefined // `done` is set in a microtask
      }
    },
    close: () => open.close(),
  }
}
