// `memory.grow` while reads and writes are pending: nothing may be lost, changed or stuck.
import { createContext } from 'membio'
import { memoryPair } from 'membio/transport'
import { memoryGrowSuite } from '../../conformance/memory-grow.suite.ts'
import { pattern } from '../../support/random.ts'
import { HOST, type Need, type World } from '../world.ts'
import { Client } from './client.ts'
import { group, MiB, ok, sameBytes, sleep } from './kit.ts'
import { grow, growing, memory } from './memory.ts'
import { joinedPair, portPair } from './pairs.ts'

const SIZE = 5 * MiB
/** More than the kernel holds. */
const HELD = 20 * MiB

/** Pages of 64 KiB. */
const MOST = 300

function growth(title: string, slot: keyof World['pipes'], need: Need): void {
  const test = group(title, [need])

  test('at each chunk and each write, 5 MiB both ways at once', async (t) => {
    const before = memory().buffer.byteLength
    const transport = growing(await t.world.pipes[slot].dial(t.world.peers.node24.good), MOST)
    const client = new Client(t, transport)
    await client.secure()
    const bytes = pattern(SIZE, 6)
    await client.write(`echo ${SIZE}\n`)
    const [back] = await Promise.all([client.read(SIZE), client.write(bytes)])
    sameBytes(back, bytes)
    await client.close()
    t.note = `${transport.growths()} times`
    ok(transport.growths() > 100, `it grew only ${transport.growths()} times`)
    ok(memory().buffer.byteLength > before, 'it did not grow')
  })

  test('between the turns of the event loop, while the peer does not read', async (t) => {
    const { good } = t.world.peers.membio
    const [client, other] = [new Client(t, await t.world.pipes[slot].dial(good)), new Client(t, await t.world.pipes[slot].dial(good))]
    await Promise.all([client.secure(), other.secure()])
    const bytes = pattern(HELD, 7)
    const name = `${t.world.runtime}-${slot}`
    await client.write(`hold ${name}\necho ${HELD}\n`)
    let writing = true
    const written = client.write(bytes).then(() => (writing = false))
    for (let turns = 0; turns < 100; turns++) {
      grow()
      await sleep(0)
    }
    ok(writing, 'everything was written: nothing was pending')
    await other.write(`release ${name}\n`)
    const [back] = await Promise.all([client.read(HELD), written])
    sameBytes(back, bytes)
    await Promise.all([client.close(), other.close()])
  })

  test('by engines that need the room, while another connection goes on', async (t) => {
    const client = new Client(t, await t.world.pipes[slot].dial(t.world.peers.node26.good))
    await client.secure()
    const context = t.own(createContext({ ca: t.world.certificates.ca }))
    const before = memory().buffer.byteLength
    const bytes = pattern(SIZE, 8)
    await client.write(`echo ${SIZE}\n`)
    const writing = client.write(bytes)
    const reading = client.read(SIZE)
    for (let made = 0; made < 2000 && memory().buffer.byteLength === before; made++) {
      t.own(context.createEngine({ role: 'client', servername: HOST })).handshake()
      if (made % 50 === 0) await sleep(0)
    }
    ok(memory().buffer.byteLength > before, 'it did not grow')
    const [back] = await Promise.all([reading, writing])
    sameBytes(back, bytes)
    await client.close()
  })
}

// First, because memory that others have made larger need not grow.
const shared = [
  { name: 'sockets', makePair: joinedPair('native') },
  { name: 'memory pair', makePair: async () => memoryPair() },
  { name: 'MessagePort', makePair: portPair },
]
memoryGrowSuite(shared, () => memory().buffer.byteLength)

growth("memory.grow, the runtime's own socket", 'native', 'own socket')
growth('memory.grow, node:net', 'node', 'node:net')
