// epoxy-tls: rustls in WebAssembly, over its own Wisp client.
import { Download, request } from '../peers/download.ts'
import type { Ends, Peer } from '../peers/peer.ts'
import { Cannot, HOST } from '../work.ts'
import { ONLY_P256 } from './server.ts'

interface Stream {
  send(plaintext: Uint8Array): Promise<void>
  close(): Promise<void>
}

interface Client {
  connect_tls(
    onOpen: () => void,
    onClose: () => void,
    onError: (error: unknown) => void,
    onMessage: (plaintext: Uint8Array) => void,
    url: string,
  ): Promise<Stream>
}

/** What its script leaves behind. */
declare const epoxy: {
  (wasm: string): Promise<unknown>
  EpoxyClient: new (proxy: string, userAgent: string, redirects: number) => Promise<Client> | Client
}

export async function epoxyTls(): Promise<Peer> {
  await epoxy('/packages/@mercuryworkshop/epoxy-tls/pkg/epoxy.wasm')
  return {
    name: 'epoxy-tls',
    async server({ key }, { server }) {
      if (key !== 'P-256') throw new Cannot(ONLY_P256)
      const client = await new epoxy.EpoxyClient(`ws://127.0.0.1:${server.web}/wisp/`, navigator.userAgent, 0)
      return ends(client, `${HOST}:${server.ports.page}`)
    },
  }
}

async function ends(client: Client, url: string): Promise<Ends> {
  const download = new Download()
  const connect = async (): Promise<Stream> => {
    const fail = (error: unknown) => {
      throw new Error(`epoxy-tls: ${String(error)}`)
    }
    return client.connect_tls(() => {}, () => {}, fail, (plaintext) => download.receive(plaintext), url)
  }
  const open = await connect()
  return {
    // What `close` promises does not always come.
    async handshake() {
      void (await connect()).close()
    },
    async transfer(bytes) {
      const done = download.of(bytes)
      await open.send(request(bytes))
      await done
    },
    close: () => void open.close(),
  }
}
