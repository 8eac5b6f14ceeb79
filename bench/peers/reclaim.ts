// @reclaimprotocol/tls: a TLS client in TypeScript on Web Crypto.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { Cannot, HOST, type Terms } from '../work.ts'
import { Download, request } from './download.ts'
import { load } from './package.ts'
import type { Ends, Given, Peer, ServerAddress } from './peer.ts'

interface Connection {
  startHandshake(): Promise<void>
  handleReceivedBytes(bytes: Uint8Array): void
  write(plaintext: Uint8Array): Promise<void>
}

interface Reclaim {
  setCryptoImplementation(implementation: unknown): void
  loadX509FromPem(pem: string): unknown
  makeTLSClient(options: {
    host: string
    rootCAs: unknown[]
    supportedProtocolVersions: string[]
    cipherSuites: string[]
    namedCurves: string[]
    write(packet: { header: Uint8Array; content: Uint8Array }): void
    onHandshake(): void
    onApplicationData(plaintext: Uint8Array): void
    onTlsEnd(error?: Error): void
  }): Connection
}

export async function reclaim(): Promise<Peer> {
  const library = await load<Reclaim>('@reclaimprotocol/tls')
  const { webcryptoCrypto } = await load<{ webcryptoCrypto: unknown }>('@reclaimprotocol/tls/webcrypto')
  library.setCryptoImplementation(webcryptoCrypto)
  return {
    name: '@reclaimprotocol/tls',
    server(terms, given) {
      if (terms.key === 'Ed25519') throw new Cannot('it verifies no Ed25519 signatures')
      return client(library, terms, given)
    },
  }
}

async function client(library: Reclaim, { key, cipher }: Terms, given: Given & { server: ServerAddress }): Promise<Ends> {
  const root = library.loadX509FromPem(given.certificates[key].ca)
  const download = new Download()
  const connect = async () => {
    const socket = connectTcp({ port: given.server.ports[key], host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const connection = await new Promise<Connection>((resolve, reject) => {
      const made = library.makeTLSClient({
        host: HOST,
        rootCAs: [root],
        supportedProtocolVersions: ['TLS1_3'],
        cipherSuites: [cipher],
        namedCurves: ['X25519'],
        write({ header, content }) {
          socket.write(header)
          socket.write(content)
        },
        onHandshake: () => resolve(made),
        onApplicationData: (plaintext) => download.receive(plaintext),
        onTlsEnd: (error) => reject(error ?? new Error('the connection ended')),
      })
      socket.on('data', (chunk: Buffer) => made.handleReceivedBytes(chunk))
      made.startHandshake().catch(reject)
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
    handshake: async () => (await connect()).close(),
    async transfer(bytes) {
      const done = download.of(bytes)
      await open.connection.write(request(bytes))
      await done
    },
    close: open.close,
  }
}
