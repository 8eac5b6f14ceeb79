// node-forge: TLS 1.1 in pure JavaScript, with AES-CBC and RSA's own key exchange; both ends, without sockets of its own.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { Cannot, HOST, type Terms } from '../work.ts'
import { Download, request } from './download.ts'
import { load } from './package.ts'
import type { Ends, Given, Peer, ServerAddress } from './peer.ts'

interface Connection {
  handshake(): void
  process(bytes: string): unknown
  prepare(bytes: string): boolean
  close(): void
  readonly isConnected: boolean
  readonly tlsData: { getBytes(): string }
  readonly data: { getBytes(): string }
}

interface Options {
  server?: boolean
  virtualHost?: string
  caStore?: unknown
  cipherSuites?: unknown[]
  verify?: (connection: Connection, verified: unknown) => unknown
  getCertificate?: () => string
  getPrivateKey?: () => string
  connected: (connection: Connection) => void
  tlsDataReady: (connection: Connection) => void
  dataReady: (connection: Connection) => void
  error: (connection: Connection, error: { message: string }) => void
}

interface Forge {
  tls: { createConnection(options: Options): Connection; CipherSuites: Record<string, unknown> }
  pki: { createCaStore(certificates: string[]): unknown }
}

const NOTE = 'TLS 1.1, AES-128-CBC, RSA'

export async function forge(): Promise<Peer> {
  const { default: library } = await load<{ default: Forge }>('node-forge')
  const check = ({ key }: Terms) => {
    if (key !== 'RSA-2048') throw new Cannot('it has RSA keys only')
  }
  return {
    name: 'node-forge',
    memory(terms, given) {
      check({ ...terms, key: 'RSA-2048' })
      return memory(library, given)
    },
    server(terms, given) {
      check(terms)
      return client(library, given)
    },
  }
}

const throwError = (_connection: Connection, error: { message: string }): void => {
  throw new Error(error.message)
}

const clientOptions = ({ tls, pki }: Forge, { certificates }: Given) => ({
  virtualHost: HOST,
  caStore: pki.createCaStore([certificates['RSA-2048'].ca]),
  cipherSuites: [tls.CipherSuites['TLS_RSA_WITH_AES_128_CBC_SHA']],
  verify: (_connection: Connection, verified: unknown) => verified,
  error: throwError,
})

// ---- Both ends. ----

class Pair {
  readonly client: Connection
  readonly #server: Connection
  arrived = 0

  constructor(library: Forge, given: Given) {
    const { cert, key } = given.certificates['RSA-2048']
    const { createConnection, CipherSuites } = library.tls
    this.#server = createConnection({
      server: true,
      cipherSuites: [CipherSuites['TLS_RSA_WITH_AES_128_CBC_SHA']],
      getCertificate: () => cert,
      getPrivateKey: () => key,
      connected: () => {},
      tlsDataReady: (server) => void this.client.process(server.tlsData.getBytes()),
      dataReady: (server) => void (this.arrived += server.data.getBytes().length),
      error: throwError,
    })
    this.client = createConnection({
      ...clientOptions(library, given),
      connected: () => {},
      tlsDataReady: (client) => void this.#server.process(client.tlsData.getBytes()),
      dataReady: () => {},
    })
    this.client.handshake()
    if (!this.client.isConnected || !this.#server.isConnected) throw new Error('node-forge has not connected')
  }
}

function memory(library: Forge, given: Given): Ends {
  const open = new Pair(library, given)
  return {
    note: NOTE,
    handshake: () => void new Pair(library, given),
    transfer(bytes, size) {
      const chunk = '\0'.repeat(size) // its bytes are strings
      open.arrived = 0
      for (let sent = 0; sent < bytes; sent += size) open.client.prepare(chunk)
      if (open.arrived !== bytes) throw new Error(`${open.arrived} of ${bytes} bytes arrived`)
    },
    close: () => {},
  }
}

// ---- A client alone. ----

async function client(library: Forge, given: Given & { server: ServerAddress }): Promise<Ends> {
  const port = given.server.ports['RSA-2048']
  const download = new Download()
  const connect = async () => {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const connection = await new Promise<Connection>((resolve, reject) => {
      const made = library.tls.createConnection({
        ...clientOptions(library, given),
        connected: resolve,
        tlsDataReady: ({ tlsData }) => void socket.write(Buffer.from(tlsData.getBytes(), 'binary')),
        dataReady: ({ data }) => download.receive(Buffer.from(data.getBytes(), 'binary')),
        error: (_connection, error) => reject(new Error(error.message)),
      })
      socket.on('data', (chunk) => made.process(chunk.toString('binary')))
      made.handshake()
    })
    const close = async () => {
      const closed = once(socket, 'close')
      socket.destroy()
      await closed
    }
    return { connection, close }
  }
  const open = await connect()
  return {
    note: NOTE,
    handshake: async () => (await connect()).close(),
    async transfer(bytes) {
      const done = download.of(bytes)
      open.connection.prepare(Buffer.from(request(bytes)).toString('binary'))
      await done
    },
    close: open.close,
  }
}
