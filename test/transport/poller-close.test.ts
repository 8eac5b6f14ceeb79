// The ways a connection ends: in good order, one direction after the other, cut off, broken; and what each side is told.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { TlsError, type Version } from '../../src/index.ts'
import { nodeSocket, type MemoryPairOptions } from '../../src/transport/index.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { pattern } from '../support/random.ts'
import { dialTcp, listenTcp, makeParty, memoryParties, relayedParties, type MemoryParties, type Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const PIPES: readonly { name: string; pipe: MemoryPairOptions }[] = [
  { name: 'whole', pipe: {} },
  { name: 'byte by byte', pipe: { chunkSize: 1 } },
  { name: 'through a window of 10 bytes', pipe: { window: 10 } },
]

async function someTurns(turns = 50): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn()
}

async function secured(t: Case, ...setting: [Parameters<typeof memoryParties>[1]?]): Promise<MemoryParties> {
  const parties = memoryParties(t, ...setting)
  await Promise.all([parties.client.secure(), parties.server.secure()])
  return parties
}

function assertClosedOnce({ calls }: Party): void {
  assert.is(calls.filter((call) => call === 'onClose').length, 1)
  assert.is(calls.at(-1), 'onClose')
}

const closes = suite('poller: close')

for (const version of VERSIONS) {
  for (const { name, pipe } of PIPES) {
    for (const closer of ['client', 'server'] as const) {
      closes(`the ${closer} closes: both end without an error, ${version}, ${name}`, async (t) => {
        const { client, server } = await secured(t, { client: { settings: { maxVersion: version } }, pipe })
        ;(closer === 'client' ? client : server).poller.close()
        assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
        for (const party of [client, server]) {
          assertClosedOnce(party)
          assert.is(party.engine.readSide, 'closeNotify')
          assert.is(party.engine.writeSide, 'closeNotify')
        }
      })
    }

    closes(`half-close: after the peer's end the answer still comes, ${version}, ${name}`, async (t) => {
      const size = pipe.chunkSize ? 3000 : 200_000
      const { client, server } = await secured(t, {
        client: { settings: { maxVersion: version }, handlers: { onEnd: () => {} } },
        server: {
          handlers: {
            onEnd() {
              server.poller.write(pattern(size))
              server.poller.closeWrite()
            },
          },
        },
        pipe,
      })
      client.poller.write('question')
      client.poller.closeWrite()
      assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
      assert.is(server.text, 'question')
      assert.is(Buffer.compare(client.plaintext, pattern(size)), 0)
      for (const party of [client, server]) {
        assertClosedOnce(party)
        assert.is(party.calls.filter((call) => call === 'onEnd').length, 1)
        assert.ok(party.calls.lastIndexOf('onPlaintext') < party.calls.indexOf('onEnd'))
      }
    })
  }
}

closes('what was written before close arrives first', async (t) => {
  const { client, server } = await secured(t, { pipe: { window: 5000 } })
  const bytes = pattern(500_000)
  client.poller.write(bytes)
  client.poller.close()
  assert.is(await client.closed, undefined)
  assert.is(await server.closed, undefined)
  assert.is(Buffer.compare(server.plaintext, bytes), 0)
})

closes('before the handshake is done: what was written still arrives', async (t) => {
  const { client, server } = memoryParties(t)
  client.poller.write('hello')
  client.poller.close()
  assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
  assert.is(server.text, 'hello')
})

closes('what comes after close is dropped', async (t) => {
  const { client, server } = await secured(t)
  const sending = server.send(pattern(300_000)).catch(() => {})
  client.poller.close()
  assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
  assert.is(client.bytesReceived, 0)
  await sending
})

closes('twice, and in any mixture, is once', async (t) => {
  const { client, server } = await secured(t)
  client.poller.closeWrite()
  client.poller.closeWrite()
  client.poller.close()
  client.poller.close()
  client.poller.closeWrite()
  assert.equal(await Promise.all([client.closed, server.closed]), [undefined, undefined])
  client.poller.close()
  client.poller.closeWrite()
  client.poller.destroy()
  client.poller.pause()
  client.poller.resume()
  client.poller.wake()
  await someTurns()
  assertClosedOnce(client)
})

for (const end of ['close', 'closeWrite'] as const) {
  closes(`write after ${end} is a usage error`, async (t) => {
    const { client } = await secured(t)
    client.poller[end]()
    expectThrow(() => client.poller.write('late'), { kind: 'usage', message: `write after` })
  })
}

closes('a program that has not closed may write at any time', async (t) => {
  const { client, server } = await secured(t)
  server.poller.close()
  await client.until(() => client.eventsOf('closeNotify').length > 0)
  client.poller.write('the peer has closed, and I have not heard of it yet')
  assert.is(await client.closed, undefined)
  client.poller.write('still not')
})

// ---- Cut off. ----

const cuts = suite('poller: a stream that is cut off')

for (const version of VERSIONS) {
  for (const chunkSize of [undefined, 1]) {
    cuts(`is told as truncation, after all that came before, ${version}${chunkSize ? ', byte by byte' : ''}`, async (t) => {
      const { client, server, pipe } = await secured(t, { client: { settings: { maxVersion: version } }, pipe: { chunkSize } })
      const size = chunkSize ? 2000 : 50_000
      client.poller.write(pattern(size))
      await someTurns(2)
      pipe[0].end()
      expectError(await server.closed, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
      assert.is(server.bytesReceived, size)
      assert.is(server.engine.readSide, 'truncated')
      assertClosedOnce(server)
    })
  }
}

for (const [role, end] of [
  ['client', 1],
  ['server', 0],
] as const) {
  cuts(`before the first byte of the handshake: ${role}`, async (t) => {
    const parties = memoryParties(t)
    parties.pipe[end].end()
    expectError(await parties[role].closed, { kind: 'closed', code: 'ERR_TLS_TRUNCATED', message: 'during the handshake' })
    assert.equal(parties[role].calls.includes('onSecure'), false)
  })
}

cuts('in the middle of a record', async (t) => {
  let bytes = Infinity
  const { client, server } = relayedParties(t, {}, (chunk) => {
    const passed = chunk.subarray(0, bytes)
    bytes -= passed.length
    return passed
  })
  await Promise.all([client.secure(), server.secure()])
  client.poller.write('first')
  await server.until(() => server.text === 'first')
  bytes = 700
  client.poller.write(pattern(1000))
  await someTurns()
  client.poller.destroy()
  const error = await server.closed
  assert.ok(error instanceof TlsError)
  assert.is(server.text, 'first')
})

cuts("while the program has closed already is nobody's loss", async (t) => {
  const { client, pipe } = await secured(t)
  client.poller.close()
  pipe[1].end()
  assert.is(await client.closed, undefined)
})

cuts('after our half-close is still truncation', async (t) => {
  const { client, pipe } = await secured(t, { server: { handlers: { onEnd: () => {} } } })
  client.poller.closeWrite()
  pipe[1].end()
  expectError(await client.closed, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
})

// ---- Broken. ----

const breaks = suite('poller: a pipe that breaks')
const cable = Object.assign(new Error('cable cut'), { code: 'ENETDOWN' })
const BROKEN = { kind: 'io', code: 'ENETDOWN', message: 'cable cut' } as const

breaks('all plaintext that arrived before is delivered, then the error with its cause', async (t) => {
  const { client, server, pipe } = await secured(t)
  client.poller.write(pattern(30_000))
  await server.until(() => server.bytesReceived > 0)
  server.poller.write('answer')
  pipe[0].fail(cable)
  for (const party of [client, server]) {
    assert.is(expectError(await party.closed, BROKEN).cause, cable)
    assertClosedOnce(party)
  }
  assert.is(server.bytesReceived, 30_000)
})

breaks('with the reader paused: plaintext on resume, then the error', async (t) => {
  const { client, server, pipe } = await secured(t)
  server.poller.pause()
  client.poller.write(pattern(100_000))
  await someTurns()
  pipe[0].fail(cable)
  await someTurns()
  assert.is(server.bytesReceived, 0)
  server.poller.resume()
  expectError(await server.closed, BROKEN)
  assert.is(server.bytesReceived, 100_000)
  assert.ok(server.calls.lastIndexOf('onPlaintext') < server.calls.indexOf('onClose'))
})

breaks('during the handshake', async (t) => {
  const { client, server, pipe } = memoryParties(t)
  await nextTurn()
  pipe[0].fail(cable)
  for (const party of [client, server]) expectError(await party.closed, BROKEN)
})

breaks('a reset is told as such', async (t) => {
  const { client, server } = await secured(t)
  client.poller.destroy()
  expectError(await server.closed, { kind: 'io', code: 'ECONNRESET' })
  assert.is(await client.closed, undefined)
})

breaks("after the peer's end, while we still send: what did not arrive is told", async (t) => {
  const { client, server, pipe } = await secured(t, {
    client: { handlers: { onEnd: () => {} } },
    server: { handlers: { onEnd: () => {} } },
  })
  server.poller.closeWrite()
  await client.until(() => client.calls.includes('onEnd'))
  pipe[1].end() // the peer's FIN
  server.poller.pause()
  const sending = client.send(pattern(2_000_000)).catch(() => {})
  await someTurns()
  pipe[0].fail(cable)
  expectError(await client.closed, BROKEN)
  await sending
})

breaks('write after that returns true and goes nowhere', async (t) => {
  const { client, pipe } = await secured(t)
  pipe[0].fail(cable)
  await client.closed
  assert.is(client.poller.write(pattern(1_000_000)), true)
  assert.is(client.poller.queuedBytes, 0)
})

breaks('a broken pipe after close is no error once all was sent', async (t) => {
  const { client, pipe } = await secured(t)
  client.poller.close()
  pipe[0].fail(cable)
  assert.is(await client.closed, undefined)
})

breaks('a flipped bit: what came before is delivered, the error names the record, and the peer gets the alert', async (t) => {
  let flip = false
  const { client, server } = relayedParties(t, {}, (chunk) => {
    if (!flip) return chunk
    const changed = chunk.slice()
    changed[changed.length - 1]! ^= 0x10
    return changed
  })
  await Promise.all([client.secure(), server.secure()])
  client.poller.write('good')
  await server.until(() => server.text === 'good')
  flip = true
  client.poller.write('bad')
  const alert = { description: 20, name: 'bad_record_mac' }
  expectError(await server.closed, { kind: 'protocol', alert: { direction: 'sent', ...alert } })
  expectError(await client.closed, { kind: 'alert', alert: { direction: 'received', ...alert } })
  assert.is(server.text, 'good')
})

// ---- Destroyed. ----

const destroys = suite('poller: destroy')

destroys('ends at once, with the error given', async (t) => {
  const { client } = await secured(t)
  const error = new TlsError('io', 'enough', { code: 'ENOUGH' })
  client.poller.destroy(error)
  client.poller.destroy()
  assert.is(await client.closed, error)
  assertClosedOnce(client)
  assert.is(client.engine.phase, 'closed')
})

destroys('calls onClose from the event loop, not from within', async (t) => {
  const { client } = await secured(t)
  client.poller.destroy()
  assert.not(client.calls.includes('onClose'))
  await client.closed
})

destroys('before anything has happened', async (t) => {
  const { client, server } = memoryParties(t)
  client.poller.destroy()
  assert.is(await client.closed, undefined)
  expectError(await server.closed, { kind: 'io', code: 'ECONNRESET' })
  assert.equal(client.calls, ['onClose'])
})

destroys('drops what is queued: accepted is not called', async (t) => {
  const { client } = memoryParties(t)
  let accepted = false
  client.poller.write('never', () => (accepted = true))
  client.poller.destroy()
  await client.closed
  await someTurns()
  assert.not(accepted)
})

// ---- Afterwards nothing is kept: no timer holds what is over. ----

const kept = suite('poller: after the end')

/** A connection over sockets that has ended in good order, and what is still there of it. */
async function ended(t: Case): Promise<WeakRef<object>[]> {
  const accepted: Socket[] = []
  const { port, server } = await listenTcp(t, (socket) => accepted.push(socket))
  const dialled = dialTcp(t, port)
  await Promise.all([once(server, 'connection'), once(dialled, 'connect')])
  const sockets = [dialled, accepted[0]!]
  const parties = sockets.map((socket, i) => makeParty(t, i ? 'server' : 'client', nodeSocket(socket), { deadlines: { shutdown: 3_600_000 } }))
  await Promise.all(parties.map((party) => party.secure()))
  const gone = sockets.map((socket) => once(socket, 'close'))
  parties[0]!.poller.close()
  await Promise.all([...parties.map((party) => party.closed), ...gone])
  await t.cleanUp() // it holds them, too
  return [...sockets, ...parties.map(({ poller }) => poller)].map((one) => new WeakRef(one))
}

kept('sockets and pollers are collected, long before the shutdown deadline', async (t) => {
  const left = await ended(t)
  for (let i = 0; i < 60 && left.some((one) => one.deref()); i++) {
    await nextTurn()
    globalThis.gc!()
  }
  assert.equal(left.map((one) => one.deref()?.constructor.name), [undefined, undefined, undefined, undefined])
})
