import { denoConn, type DenoConnLike } from 'membio/transport'
import { main } from './process.ts'

declare const Deno: {
  version: { deno: string }
  connect(options: { port: number; hostname: string }): Promise<DenoConnLike>
}

const dial = async (port: number) => denoConn(await Deno.connect({ port, hostname: '127.0.0.1' }))
await main(Deno.version.deno, { dial, ordinary: true, reset: 'either' })
