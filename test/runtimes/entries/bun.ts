import { connect } from 'node:net'
import { nodeSocket } from 'membio/transport'
import { main } from './process.ts'

declare const Bun: { version: string }

const node = (port: number) => nodeSocket(connect(port, '127.0.0.1'))
await main(Bun.version, { native: node, node })
