import { connect } from 'node:net'
import process from 'node:process'
import { nodeSocket } from 'membio/transport'
import { main } from './process.ts'

const node = (port: number) => nodeSocket(connect(port, '127.0.0.1'))
await main(process.versions.node, { native: node, node })
