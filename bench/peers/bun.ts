// Bun's own sockets: BoringSSL, by Bun.connect and Bun.listen. Neither cipher nor group can be chosen.
import { HOST, type Terms } from '../work.ts'
import { Download, request } from './download.ts'
import type { Ends, Given, Peer, ServerAddress } from './peer.ts'

interface Socket {
  /** @returns how many bytes were taken */
  write(plaintext: Uint8Array): number
  end(): void
  terminate(): void
  data: Side
}

/** What happens to one end; the handlers are the same object for all connections. */
interface Side {
  arrive(plaintext: Uint8Array): void
  room(): void
}

interface Handlers {
  open?(socket: Socket): void
  handshake(socket: Socket, success: boolean, error: Error | null): void
  data(socket: Socket, plaintext: Uint8Array): void
  drain(socket: Socket): void
  error(socket: Socket, error: Error): void
  close(): void
}

interface Listener {
  port: number
  stop(force: boolean): void
}

declare const Bun: {
  connect(options: { hostname: string; port: number; tls: { ca: string; serverName: string }; socket: Handlers }): Promise<Socket>
  listen(options: { hostname: string; port: number; tls: { cert: string; key: string }; socket: Handlers }): Listener
}

const NOTE = 'with the cipher and the group of its choice'

export const bun: Peer = { name: 'Bun.connect', loopback, server }

const idle = (): Side => ({ arrive: () => {}, room: () => {} })

function handlers(secure: (socket: Socket, error: Error | null) => void): Handlers {
  return {
    open: (socket) => void (socket.data = idle()),
    handshake: (socket, success, error) => secure(socket, success ? null : (error ?? new Error('the handshake has failed'))),
    data: (socket, plaintext) => socket.data.arrive(plaintext),
    drain: (socket) => socket.data.room(),
    error: (_socket, error) => console.error(error),
    close: () => {},
  }
}

function connect(port: number, ca: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = handlers((socket, error) => (error ? reject(error) : resolve(socket)))
    Bun.connect({ hostname: '127.0.0.1', port, tls: { ca, serverName: HOST }, socket }).catch(reject)
  })
}

function writeAll(socket: Socket, bytes: number, size: number): void {
  const chunk = new Uint8Array(size)
  let left = bytes
  const more = () => {
    while (left > 0) {
      const offset = (bytes - left) % size
      const taken = socket.write(chunk.subarray(offset))
      left -= Math.max(taken, 0)
      if (taken < size - offset) return // `drain` goes on
    }
  }
  socket.data.room = more
  more()
}

/** Resolves when so many bytes have arrived. */
const arrival = (side: Side, bytes: number): Promise<void> =>
  new Promise((resolve) => {
    let left = bytes
    side.arrive = (plaintext) => {
      left -= plaintext.length
      if (left === 0) resolve()
    }
  })

async function loopback(terms: Terms, { certificates }: Given): Promise<Ends> {
  const { ca, cert, key } = certificates[terms.key]
  let accept = (_socket: Socket): void => {}
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, tls: { cert, key }, socket: handlers((socket) => accept(socket)) })
  const pair = async () => {
    const accepted = new Promise<Socket>((resolve) => (accept = resolve))
    const client = await connect(listener.port, ca)
    return { client, server: await accepted }
  }
  const close = ({ client, server }: { client: Socket; server: Socket }) => {
    client.terminate()
    server.terminate()
  }
  const open = await pair()
  return {
    note: NOTE,
    handshake: async () => close(await pair()),
    async transfer(bytes, size) {
      const arrived = arrival(open.server.data, bytes)
      writeAll(open.client, bytes, size)
      await arrived
    },
    async echo(size) {
      const there = arrival(open.server.data, size)
      writeAll(open.client, size, size)
      await there
      const back = arrival(open.client.data, size)
      writeAll(open.server, size, size)
      await back
    },
    close() {
      close(open)
      listener.stop(true)
    },
  }
}

async function server(terms: Terms, given: Given & { server: ServerAddress }): Promise<Ends> {
  const port = given.server.ports[terms.key]
  const { ca } = given.certificates[terms.key]
  const open = await connect(port, ca)
  const download = new Download()
  return {
    note: NOTE,
    handshake: async () => (await connect(port, ca)).terminate(),
    async transfer(bytes) {
      open.data.arrive = (plaintext) => download.receive(plaintext)
      const done = download.of(bytes)
      const message = request(bytes)
      if (open.write(message) !== message.length) throw new Error('the request did not fit')
      await done
    },
    close: () => open.terminate(),
  }
}
