// membio in a page: its poller on its own Wisp transport.
import { createContext, init, type SecureContext } from 'membio'
import { Poller, wisp, WISP_PROTOCOLS, type WispClient } from 'membio/transport'
import { Download, request } from '../peers/download.ts'
import type { Ends, Peer } from '../peers/peer.ts'
import { Cannot, HOST } from '../work.ts'
import { ONLY_P256 } from './server.ts'

export async function membio(): Promise<Peer> {
  await init()
  return {
    name: 'membio',
    server({ key, group, cipher }, { certificates, server }) {
      if (key !== 'P-256') throw new Cannot(ONLY_P256)
      const context = createContext({ ca: certificates.page.ca, groups: [group], cipherSuites: [cipher], minVersion: 'TLSv1.3' })
      const proxy = wisp(new WebSocket(`ws://127.0.0.1:${server.web}/wisp/`, [...WISP_PROTOCOLS]))
      return client(context, proxy, server.ports.page)
    },
  }
}

async function client(context: SecureContext, proxy: WispClient, port: number): Promise<Ends> {
  const download = new Download()
  const connect = (): Promise<Poller> =>
    new Promise((resolve, reject) => {
      const engine = context.createEngine({ role: 'client', servername: HOST })
      const poller: Poller = new Poller(engine, proxy.connect('127.0.0.1', port), {
        onSecure: () => resolve(poller),
        onPlaintext: (chunk) => download.receive(chunk),
        onClose: (error) => reject(error ?? new Error('closed')),
      })
    })
  const open = await connect()
  return {
    handshake: async () => (await connect()).destroy(),
    async transfer(bytes) {
      const done = download.of(bytes)
      open.write(request(bytes))
      await done
    },
    close() {
      open.destroy()
      proxy.close()
    },
  }
}
