// Retransmission: driven by nextTimeout, handleTimeout and the host's clock, which here stands still unless it is moved.
import * as assert from 'uvu/assert'
import { clock, fair, makeDtlsPair, type DtlsSide } from '../support/datagrams.ts'
import { suite } from '../support/suite.ts'

const timers = suite('dtls: timers')

/** The handshake messages that a side has sent in the clear: what is behind the record header, which changes with each repetition. */
const messages = (side: DtlsSide) => side.sent.map((datagram) => Buffer.from(datagram.subarray(13)).toString('hex'))

timers('nothing is waited for before the first flight, and after the last', (t) => {
  const pair = t.own(makeDtlsPair())
  assert.is(pair.client.engine.nextTimeout(), undefined)
  pair.client.engine.handshake()
  assert.is(pair.client.engine.nextTimeout(), 1000)
  pair.establish()
  assert.equal([pair.client.engine.nextTimeout(), pair.server.engine.nextTimeout()], [undefined, undefined])
})

timers('the wait doubles from a second to a minute (RFC 6347, 4.2.4.1)', (t) => {
  const pair = t.own(makeDtlsPair({ weather: () => [] })).run()
  const waits: number[] = []
  for (let i = 0; i < 9; i++) {
    waits.push(pair.client.engine.nextTimeout()! / 1000)
    pair.waitForTimeout()
    pair.run()
  }
  assert.equal(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60])
  assert.is(new Set(messages(pair.client)).size, 1, 'it is the same message each time')
  assert.is(pair.client.sent.length, 10)
})

timers('handleTimeout before its time does nothing; the time left goes down with the clock', (t) => {
  const pair = t.own(makeDtlsPair({ weather: () => [] })).run()
  clock.now += 400
  assert.is(pair.client.engine.nextTimeout(), 600)
  pair.client.engine.handleTimeout()
  pair.run()
  assert.is(pair.client.sent.length, 1)
  clock.now += 5000
  assert.is(pair.client.engine.nextTimeout(), 0)
  pair.client.engine.handleTimeout()
  pair.run()
  assert.is(pair.client.sent.length, 2)
  assert.is(pair.client.engine.nextTimeout(), 2000)
})

timers('a whole flight is sent again', (t) => {
  const pair = t.own(makeDtlsPair({ serverEngine: { mtu: 256 } }))
  pair.weather = (datagram, to) => (to === 'client' && datagram[13] !== 3 ? [] : [0]) // only the HelloVerifyRequest arrives
  pair.run()
  const first = pair.server.sent.length - 1
  assert.ok(first > 2, 'the flight has several datagrams')
  clock.now += 1000
  pair.server.engine.handleTimeout()
  pair.run()
  const again = pair.server.sent.length - 1 - first
  assert.ok(again >= first, `${first} datagrams, then ${again}`)
  pair.weather = fair
  pair.establish()
})

timers("the server's last flight is lost: the client asks again, and reading answers", (t) => {
  const pair = t.own(makeDtlsPair())
  pair.weather = (_, to) => (to === 'client' && pair.server.engine.agreed ? [] : [0])
  pair.run()
  assert.equal([pair.client.engine.phase, pair.server.engine.phase], ['handshaking', 'open'])
  assert.is(pair.server.engine.nextTimeout(), undefined, 'who speaks last has no timer')
  pair.weather = fair
  pair.waitForTimeout()
  pair.run()
  assert.is(pair.client.engine.phase, 'open')
  pair.send(pair.server, 'there you are')
  assert.equal(pair.client.texts, ['there you are'])
})

timers('plaintext that overtakes the end of the handshake is not lost', (t) => {
  const pair = t.own(makeDtlsPair())
  const late: Uint8Array[] = []
  pair.weather = (datagram, to) => (to === 'client' && pair.server.engine.agreed && late.length === 0 ? (late.push(datagram), []) : [0])
  pair.run()
  assert.is(pair.server.engine.phase, 'open')
  pair.send(pair.server, 'early')
  assert.is(pair.client.engine.phase, 'handshaking')
  for (const datagram of late) pair.client.engine.receiveDatagram(datagram)
  pair.run()
  assert.is(pair.client.engine.phase, 'open')
  assert.equal(pair.client.texts, ['early'])
})
