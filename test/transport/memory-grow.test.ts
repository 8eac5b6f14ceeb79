// WebAssembly's memory grows under the transports that have reads or writes pending with the runtime.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { library } from '../../src/abi/instance.ts'
import { messagePort, nodeSocket, webStreams } from '../../src/transport/index.ts'
import { memoryGrowSuite } from '../conformance/memory-grow.suite.ts'
import { socketStreams } from '../support/socket-streams.ts'
import { dialTcp, listenTcp } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

async function sockets(t: Case): Promise<[Socket, Socket]> {
  const accepted: Socket[] = []
  const { port, server } = await listenTcp(t, (socket) => accepted.push(socket))
  const dialled = dialTcp(t, port)
  await Promise.all([once(server, 'connection'), once(dialled, 'connect')])
  return [dialled, accepted[0]!]
}

const memorySize = () => library().memory.size

memoryGrowSuite(
  [
    {
      name: 'net.Socket',
      async makePair(t) {
        const [a, b] = await sockets(t)
        return [nodeSocket(a), nodeSocket(b)]
      },
    },
    {
      name: 'web streams of bytes',
      async makePair(t) {
        const [a, b] = await sockets(t)
        return [webStreams(socketStreams(a, 'bytes')), webStreams(socketStreams(b, 'bytes'))]
      },
    },
    {
      name: 'MessagePort',
      async makePair(t) {
        const { port1, port2 } = new MessageChannel()
        for (const port of [port1, port2]) t.defer(() => port.close())
        return [messagePort(port1), messagePort(port2)]
      },
    },
  ],
  memorySize,
)
