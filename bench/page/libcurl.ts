// libcurl.js: curl with Mbed TLS in WebAssembly, over its own Wisp client.
import type { Ends, Peer } from '../peers/peer.ts'
import { Cannot, HOST } from '../work.ts'
import { ONLY_P256 } from './server.ts'

interface Socket {
  onopen: () => void
  onerror: (error: unknown) => void
  close(): void
}

interface Libcurl {
  load_wasm(url: string): Promise<void>
  set_websocket(url: string): void
  fetch(url: string, options: object): Promise<Response>
  TLSSocket: new (host: string, port: number, options: object) => Socket
}

const FOLDER = '/packages/libcurl.js/'

export async function libcurlJs(): Promise<Peer> {
  const { libcurl } = (await import(`${FOLDER}libcurl.mjs`)) as { libcurl: Libcurl }
  await libcurl.load_wasm(`${FOLDER}libcurl.wasm`)
  return {
    name: 'libcurl.js',
    server({ key }, { server }) {
      if (key !== 'P-256') throw new Cannot(ONLY_P256)
      libcurl.set_websocket(`ws://127.0.0.1:${server.web}/wisp/`)
      return ends(libcurl, server.ports.page)
    },
  }
}

async function ends(libcurl: Libcurl, port: number): Promise<Ends> {
  const connect = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = new libcurl.TLSSocket(HOST, port, {})
      socket.onopen = () => resolve(socket)
      socket.onerror = (error) => reject(new Error(`libcurl.js: ${String(error)}`))
    })
  const open = await connect()
  return {
    handshake: async () => (await connect()).close(),
    // Its sockets are asked for news by a timer; its `fetch` is faster.
    async transfer(bytes) {
      const answer = await libcurl.fetch(`https://${HOST}:${port}/${bytes}`, { _libcurl_http_version: 1.1 })
      const { byteLength } = await answer.arrayBuffer()
      if (byteLength !== bytes) throw new Error(`${byteLength} of ${bytes} bytes arrived`)
    },
    close: () => open.close(),
  }
}
