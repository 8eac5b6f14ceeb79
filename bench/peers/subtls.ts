// subtls: a TLS 1.3 client in JavaScript on Web Crypto, P-256 and AES-128-GCM only.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { Cannot, HOST } from '../work.ts'
import { Download, request } from './download.ts'
import { load } from './package.ts'
import type { Ends, Given, Peer, ServerAddress } from './peer.ts'

interface Connection {
  read(): Promise<Uint8Array | undefined>
  write(plaintext: Uint8Array): Promise<void>
}

/** The mode says whether to keep what was read. */
type SubtlsRead = (bytes: number, mode?: number) => Promise<Uint8Array | undefined>

interface Subtls {
  startTls(host: string, roots: unknown, read: SubtlsRead, write: (bytes: Uint8Array) => void): Promise<Connection>
  SocketReadQueue: new (socket: unknown) => { read: SubtlsRead }
  TrustedCert: { databaseFromPEM(pem: string): Promise<unknown> }
}

export async function subtls(): Promise<Peer> {
  const library = await load<Subtls>('subtls')
  return {
    name: 'subtls',
    server(terms, given) {
      if (terms.key === 'Ed25519') throw new Cannot('it verifies ECDSA on P-256 and RSA-PSS only')
      if (terms.cipher !== 'TLS_AES_128_GCM_SHA256') throw new Cannot('it has AES-128-GCM only')
      return client(library, terms.key, given)
    },
  }
}

async function client(library: Subtls, key: 'P-256' | 'RSA-2048', given: Given & { server: ServerAddress }): Promise<Ends> {
  const roots = await library.TrustedCert.databaseFromPEM(given.certificates[key].ca)
  const connect = async () => {
    const socket = connectTcp({ port: given.server.ports[key], host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const queue = new library.SocketReadQueue(socket)
    const connection = await library.startTls(HOST, roots, (bytes, mode) => queue.read(bytes, mode), (bytes) => void socket.write(bytes))
    const close = async () => {
      const closed = once(socket, 'close')
      socket.destroy()
      await closed
    }
    return { connection, close }
  }
  const open = await connect()
  const download = new Download()
  return {
    note: 'with P-256 for its group',
    handshake: async () => (await connect()).close(),
    async transfer(bytes) {
      let done = false
      void download.of(bytes).then(() => (done = true))
      await open.connection.write(request(bytes))
      while (!done) {
        const plaintext = await open.connection.read()
        if (!plaintext) throw new Error('subtls: the connection ended')
        download.receive(plaintext)
        await undefined // `done` is set in a microtask
      }
    },
    close: open.close,
  }
}
