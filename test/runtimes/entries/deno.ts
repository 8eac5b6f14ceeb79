import { connect } from 'node:net'
import { nodeSocket } from 'membio/transport'
import { main } from './process.ts'

declare const Deno: { version: { deno: string } }

const node = (port: number) => nodeSocket(connect(port, '127.0.0.1'))
await main(Deno.version.deno, { native: node, node })
