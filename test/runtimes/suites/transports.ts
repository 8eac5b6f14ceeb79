// The conformance suite of transports, on what each runtime has.
import { memoryPair } from 'membio/transport'
import { transportSuite } from '../../conformance/transport.suite.ts'
import type { Need, World } from '../world.ts'
import { exceptFor, needing, sleep, world } from './kit.ts'
import { joinedPair, portPair } from './pairs.ts'

/** More than the kernel holds on the way there, twice. */
const LIMIT = 50_000_000

/** Long enough for what is on its way through another process. */
const settle = () => sleep(30)

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

transportSuite('MessagePort', portPair, { backPressure: 1_000_000, halfClose: true, reset: RESET, settle })
