import { connect } from 'node:net'
import { nodeSocket, webStreams, type WebStreamsLike } from 'membio/transport'
import { main } from './process.ts'

declare const Deno: {
  version: { deno: string }
  connect(options: { port: number; hostname: string }): Promise<WebStreamsLike>
}

const node = (port: number) => nodeSocket(connect(port, '127.0.0.1'))
const native = async (port: number) => webStreams(await Deno.connect({ port, hostname: '127.0.0.1' }))
await main(Deno.version.deno, { native, node })
