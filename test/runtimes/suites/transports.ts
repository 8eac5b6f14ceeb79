// The conformance suite of transports, on what each runtime has. Where a program cannot listen, both ends of a pipe are dialled, and a peer
// joins them.
import { memoryPair, messagePort } from 'membio/transport'
import { transportSuite, type TransportPair } from '../../conformance/transport.suite.ts'
import type { Case } from '../../support/suite.ts'
import type { Need, World } from '../world.ts'
import { encode, exceptFor, needing, sleep, world } from './kit.ts'

/** More than the kernel holds on the way there, twice. */
const LIMIT = 50_000_000

/** Long enough for what is on its way through another process. */
const settle = () => sleep(30)

let joined = 0

const joinedPair = (slot: keyof World['pipes']) => async (t: Case): Promise<TransportPair> => {
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

function onSockets(name: string, slot: keyof World['pipes'], need: Need): void {
  const { ordinary, reset } = world().pipes[slot]
  const register = (can: boolean) =>
    transportSuite(name, joinedPair(slot), { backPressure: can && LIMIT, halfClose: can, reset, settle })
  needing([need], () =>
    exceptFor(
      'an ordinary pipe',
      () => register(true),
      () => register(ordinary),
    ),
  )
}

onSockets("the runtime's own socket", 'native', 'own socket')
onSockets('node:net', 'node', 'node:net')

const RESET = /^(ECONNRESET|EPIPE)$/

transportSuite('memory pair', async () => memoryPair(), { backPressure: 1_000_000, halfClose: true, reset: RESET })

needing(['message port'], () =>
  transportSuite(
    'MessagePort',
    async (t) => {
      const { port1, port2 } = new MessageChannel()
      for (const port of [port1, port2]) t.defer(() => port.close())
      return [messagePort(port1), messagePort(port2)]
    },
    { backPressure: 1_000_000, halfClose: true, reset: RESET, settle },
  ),
)
