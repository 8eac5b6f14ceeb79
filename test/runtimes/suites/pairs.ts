// Both ends of a pipe. Where a program cannot listen, both are dialled, and a peer joins them.
import { messagePort } from 'membio/transport'
import type { TransportPair } from '../../conformance/transport.suite.ts'
import type { Case } from '../../support/suite.ts'
import type { World } from '../world.ts'
import { encode, world } from './kit.ts'

let joined = 0

export const joinedPair = (slot: keyof World['pipes']) => async (t: Case): Promise<TransportPair> => {
  const name = `${world().runtime} ${slot} ${joined++}`
  const dial = async (line: string) => {
    const transport = await world().pipes[slot].dial(world().peers.membio.join)
    t.defer(() => transport.reset())
    transport.write(encode(`${line}\n`))
    return transport
  }
  const pair: TransportPair = [await dial(name), await dial(name)]
  const question = await dial(`${name}?`)
  await new Promise<void>((resolve, reject) => question.attach({ onChunk: () => resolve(), onDrain() {}, onEof() {}, onError: reject }))
  return pair
}

export async function portPair(t: Case): Promise<TransportPair> {
  const { port1, port2 } = new MessageChannel()
  for (const port of [port1, port2]) t.defer(() => port.close())
  return [messagePort(port1), messagePort(port2)]
}
