// The conformance suite on every transport there is.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryPair, messagePort, nodeSocket, opening, webStreams } from '../../src/transport/index.ts'
import { transportSuite, type TransportPair } from '../conformance/transport.suite.ts'
import { duplexPair } from '../support/sockets-duplex.ts'
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

async function tcpPair(t: Case): Promise<TransportPair> {
  const [a, b] = await sockets(t)
  return [nodeSocket(a), nodeSocket(b)]
}

const webPair = (kind: 'bytes' | 'chunks') => async (t: Case): Promise<TransportPair> => {
  const [a, b] = await sockets(t)
  return [webStreams(socketStreams(a, kind)), webStreams(socketStreams(b, kind))]
}

async function jsPair(t: Case): Promise<TransportPair> {
  const pair = duplexPair()
  for (const duplex of pair) t.defer(() => duplex.destroy())
  return [nodeSocket(pair[0]), nodeSocket(pair[1])]
}

async function portPair(t: Case): Promise<TransportPair> {
  const { port1, port2 } = new MessageChannel()
  for (const port of [port1, port2]) t.defer(() => port.close())
  return [messagePort(port1), messagePort(port2)]
}

/** No socket anywhere: two pipes of the Web platform, crosswise. */
async function transformPair(): Promise<TransportPair> {
  const there = new TransformStream<Uint8Array, Uint8Array>()
  const back = new TransformStream<Uint8Array, Uint8Array>()
  return [webStreams({ readable: back.readable, writable: there.writable }), webStreams({ readable: there.readable, writable: back.writable })]
}

/** Connections that are used before they are there. */
async function openingPair(t: Case): Promise<TransportPair> {
  const pair = tcpPair(t)
  return [opening(pair.then(([a]) => a)), opening(pair.then(([, b]) => b))]
}

const RESET = /^(ECONNRESET|EPIPE)$/

transportSuite('memory pair', async () => memoryPair(), { backPressure: 1_000_000, halfClose: true, reset: RESET })
transportSuite('memory pair, 100-byte chunks', async () => memoryPair({ chunkSize: 100 }), {
  backPressure: 100_000,
  halfClose: true,
  reset: RESET,
})
transportSuite('memory pair, slow', async () => memoryPair({ delay: 1, window: 5000 }), {
  backPressure: 60_000,
  halfClose: true,
  reset: RESET,
})
transportSuite('net.Socket', tcpPair, { backPressure: 50_000_000, halfClose: true, reset: RESET })
transportSuite('JavaScript Duplex', jsPair, { backPressure: 1_000_000, halfClose: true, reset: RESET })
transportSuite('web streams of chunks', webPair('chunks'), { backPressure: 50_000_000, halfClose: true, reset: RESET })
transportSuite('web streams of bytes', webPair('bytes'), { backPressure: 50_000_000, halfClose: true, reset: RESET })
transportSuite('MessagePort', portPair, { backPressure: 1_000_000, halfClose: true, reset: RESET })
transportSuite('TransformStreams', transformPair, { backPressure: 1_000_000, halfClose: true, reset: 'error' })
transportSuite('net.Socket, opening', openingPair, {
  backPressure: 50_000_000,
  halfClose: true,
  reset: 'either', // before anything was written, an end is as good
  settle: () => sleep(20),
})
