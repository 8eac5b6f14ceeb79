import { bunHandlers, type BunHandlers, type BunSocketLike, type ByteTransport } from 'membio/transport'
import { main } from './process.ts'

declare const Bun: {
  version: string
  connect(options: { hostname: string; port: number; allowHalfOpen: boolean; socket: BunHandlers<BunSocketLike> }): Promise<BunSocketLike>
}

const dial = (port: number): Promise<ByteTransport> =>
  new Promise((resolve, reject) => {
    const options = { hostname: '127.0.0.1', port, allowHalfOpen: true, socket: bunHandlers(resolve) }
    Bun.connect(options).catch(reject)
  })

await main(Bun.version, { dial, ordinary: true, reset: /^(ECONNRESET|EPIPE)$/ })
