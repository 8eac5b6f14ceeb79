// The program's handlers: when they are called, what they may call, and what happens when they throw.
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { memoryPair, type Poller, type PollerHandlers } from '../../src/transport/index.ts'
import { pattern } from '../support/random.ts'
import { makeParty, memoryParties, type MemoryParties } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

type Place = Exclude<keyof PollerHandlers, 'onClose'> | 'accepted'
const PLACES: readonly Place[] = ['onEvent', 'onSecure', 'onPlaintext', 'onDrain', 'onEnd', 'accepted']

/**
 * A short life in which each handler of the client is called: the client asks, the server answers and closes. `act` runs at the first
 * call of the handler at `place`.
 */
function life(t: Case, place: Place, act: (poller: Poller) => void): MemoryParties & { acted: () => boolean } {
  let acted = false
  const actOnce = () => {
    if (acted) return
    acted = true
    act(parties.client.poller)
  }
  const handlers: PollerHandlers = { ...(place !== 'accepted' && { [place]: actOnce }) }
  if (place === 'onEnd') {
    handlers.onEnd = () => {
      setImmediate(() => parties.client.poller.close())
      actOnce()
    }
  }
  let answered = false
  const answer = () => {
    if (answered) return
    answered = true
    parties.server.poller.write('answer')
    parties.server.poller.closeWrite()
  }
  const parties = memoryParties(t, { client: { handlers, highWaterMark: 100 }, server: { handlers: { onPlaintext: answer } } })
  parties.client.poller.write(pattern(200), place === 'accepted' ? actOnce : undefined)
  return { ...parties, acted: () => acted }
}

const ACTIONS: Record<string, (poller: Poller) => void> = {
  write: (poller) => poller.write('more'),
  'pause and resume': (poller) => {
    poller.pause()
    poller.resume()
  },
  wake: (poller) => poller.wake(),
  closeWrite: (poller) => poller.closeWrite(),
  close: (poller) => poller.close(),
  destroy: (poller) => poller.destroy(),
}

const within = suite('poller: from within a handler')

for (const place of PLACES) {
  for (const [name, act] of Object.entries(ACTIONS)) {
    within(`${name} in ${place}`, async (t) => {
      const { client, server, acted } = life(t, place, act)
      assert.is(await client.closed, undefined)
      const serverError = await server.closed
      if (name !== 'destroy') assert.is(serverError, undefined)
      assert.ok(acted())
      for (let i = 0; i < 20; i++) await nextTurn()
      for (const { calls } of [client, server]) {
        assert.is(calls.indexOf('onClose'), calls.length - 1, `after onClose: ${calls.slice(calls.indexOf('onClose') + 1)}`)
      }
    })
  }
}

within('everything at once, in each call', async (t) => {
  const acts = (poller: () => Poller): PollerHandlers => {
    const all = () => {
      poller().pause()
      poller().wake()
      poller().resume()
      if (poller().queuedBytes === 0 && written++ < 200) poller().write(pattern(10))
    }
    return { onSecure: all, onPlaintext: all, onDrain: all, onEvent: all }
  }
  let written = 0
  const parties: MemoryParties = memoryParties(t, {
    client: { handlers: acts(() => parties.client.poller) },
    server: { handlers: acts(() => parties.server.poller) },
    pipe: { chunkSize: 100 },
  })
  const { client, server } = parties
  await client.until(() => written >= 200)
  client.poller.close()
  assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
  assert.ok(server.bytesReceived > 0)
})

for (const type of ['want', 'keylog', 'secureConnect', 'session'] as const) {
  within(`after destroy at the event ${type} nothing is called but onClose`, async (t) => {
    const { client }: MemoryParties = memoryParties(t, {
      client: {
        engine: { keylog: true },
        handlers: {
          onEvent(event) {
            if (event.type !== type) return
            calls = client.calls.length
            client.poller.destroy()
          },
        },
      },
    })
    let calls = 0
    assert.is(await client.closed, undefined)
    assert.equal(client.calls.slice(calls), ['onClose'])
  })
}

within('any method in onClose is harmless', async (t) => {
  const { client, server } = memoryParties(t, {
    client: {
      handlers: {
        onClose() {
          const { poller } = client
          poller.pause()
          poller.resume()
          poller.wake()
          poller.close()
          poller.closeWrite()
          poller.destroy()
        },
      },
    },
  })
  await client.secure()
  server.poller.close()
  assert.is(await client.closed, undefined)
  for (let i = 0; i < 20; i++) await nextTurn()
  assert.is(client.calls.at(-1), 'onClose')
})

// ---- When handlers are called. ----

const outside = suite('poller: handlers are called from the event loop')

outside('never from within a method, or the constructor', async (t) => {
  let inMethod = false
  const during: string[] = []
  const seen = (name: string) => () => void (inMethod && during.push(name))
  const handlers: PollerHandlers = {
    onSecure: seen('onSecure'),
    onPlaintext: seen('onPlaintext'),
    onDrain: seen('onDrain'),
    onEnd: seen('onEnd'),
    onEvent: seen('onEvent'),
    onClose: seen('onClose'),
  }
  const call = <T>(method: () => T): T => {
    inMethod = true
    try {
      return method()
    } finally {
      inMethod = false
    }
  }
  const pipe = memoryPair()
  const server = makeParty(t, 'server', pipe[1])
  const client = call(() => makeParty(t, 'client', pipe[0], { handlers, highWaterMark: 10 }))
  await client.secure()
  server.poller.write('something to deliver')
  call(() => client.poller.pause())
  for (let i = 0; i < 20; i++) await nextTurn()
  call(() => client.poller.resume())
  call(() => client.poller.write('more than the high water mark'))
  call(() => client.poller.wake())
  await client.until(() => client.calls.includes('onDrain') && client.text !== '')
  call(() => client.poller.closeWrite())
  await client.until(() => client.calls.includes('onEnd'))
  call(() => client.poller.close())
  call(() => client.poller.destroy())
  await client.closed
  assert.equal(during, [])
})

outside('writes of one tick share a turn', async (t) => {
  const { client, server } = memoryParties(t)
  await Promise.all([client.secure(), server.secure()])
  for (let i = 0; i < 10; i++) client.poller.write('x')
  assert.is(client.poller.queuedBytes, 10)
  await server.until(() => server.bytesReceived === 10)
  assert.is(server.calls.filter((call) => call === 'onPlaintext').length, 1)
})

// ---- Handlers that throw. ----

const throws = suite('poller: a handler that throws')

/** Catches what would end the process. */
async function uncaught(body: () => Promise<void>): Promise<string[]> {
  const caught: string[] = []
  process.setUncaughtExceptionCaptureCallback((error) => caught.push((error as Error).message))
  try {
    await body()
    for (let i = 0; i < 20; i++) await nextTurn()
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
  return caught
}

for (const place of PLACES) {
  throws(`${place}: the error surfaces, and the connection goes on`, async (t) => {
    const caught = await uncaught(async () => {
      const { client, server } = life(t, place, () => {
        throw new Error('my own mistake')
      })
      assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
      assert.is(client.text, 'answer')
      assert.is(server.bytesReceived, 200)
    })
    assert.equal(caught, ['my own mistake'])
  })
}

throws('onClose: the error surfaces, and it is called once', async (t) => {
  const caught = await uncaught(async () => {
    const { client } = memoryParties(t, {
      client: {
        handlers: {
          onClose() {
            throw new Error('my last mistake')
          },
        },
      },
    })
    client.poller.close()
    await client.closed
  })
  assert.equal(caught, ['my last mistake'])
})

throws('each time: every byte is delivered all the same', async (t) => {
  let thrown = 0
  const caught = await uncaught(async () => {
    const { client, server } = memoryParties(t, {
      server: {
        handlers: {
          onPlaintext() {
            throw new Error(`${++thrown}`)
          },
        },
      },
      pipe: { chunkSize: 3000 },
    })
    await client.send(pattern(100_000))
    client.poller.close()
    assert.is(await server.closed, undefined)
    assert.is(Buffer.compare(server.plaintext, pattern(100_000)), 0)
  })
  assert.ok(thrown > 1)
  assert.is(caught.length, thrown)
})
