// Rules broken inside of the encryption, by a peer that holds the keys: TLS 1.3, after the handshake.
import * as assert from 'uvu/assert'
import { byteByByte, concat } from '../support/chunk.ts'
import { expectError } from '../support/expect.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { CONTENT, Sealer } from '../support/sealer.ts'
import { suite, type Case } from '../support/suite.ts'

const sealed = suite('engine: sealed records')

const encoder = new TextEncoder()

/** An open pair, and a sealer with the client's keys. */
function hijacked(t: Case, cut?: typeof byteByByte): { pair: Pair; sealer: Sealer; feed: (...records: Uint8Array[]) => void } {
  const pair = t
    .own(makePair({ client: { cipherSuites: ['TLS_AES_128_GCM_SHA256'] }, clientEngine: { keylog: true }, cut }))
    .establish()
    .run()
  const feed = (...records: Uint8Array[]) => {
    pair.server.wire = concat([pair.server.wire, ...records])
    pair.deliver(pair.server)
  }
  return { pair, sealer: new Sealer(pair.client), feed }
}

// ---- What is allowed. ----

sealed('the forgery is good: what it says arrives', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  feed(sealer.seal(CONTENT.applicationData, encoder.encode('hello ')), sealer.seal(CONTENT.applicationData, encoder.encode('world')))
  assert.is(pair.server.text, 'hello world')
})

sealed('padding is taken off', (t) => {
  const { pair, sealer, feed } = hijacked(t, byteByByte)
  feed(sealer.seal(CONTENT.applicationData, encoder.encode('short'), 5000))
  assert.is(pair.server.text, 'short')
})

sealed('a record as large as they come', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  feed(sealer.seal(CONTENT.applicationData, pattern(16384)))
  assert.equal(pair.server.plaintext.length, 16384)
})

sealed('new keys, as often as the peer likes', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  for (let i = 0; i < 20; i++) feed(sealer.keyUpdate('notRequested'), sealer.seal(CONTENT.applicationData, encoder.encode(`${i} `)))
  assert.is(pair.server.text, Array.from({ length: 20 }, (_, i) => `${i} `).join(''))
})

sealed('asked for new keys, the engine answers with a KeyUpdate and goes on with them', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  feed(sealer.keyUpdate('requested'))
  let received = 0
  pair.tamper = (to, bytes) => ((received += to === 'client' ? bytes.length : 0), bytes)
  pair.send(pair.server, 'with new keys')
  assert.is(pair.client.text, 'with new keys')
  assert.is(received, 5 + 5 + 1 + 16 + (5 + 13 + 1 + 16), 'a KeyUpdate, and the plaintext')
})

sealed('answers that nobody takes stop reading, cost a fixed amount, and lose nothing', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  const { server, client } = pair
  const written = pattern(47_000)
  assert.is(server.engine.writePlaintext(written).accepted, written.length)
  let asked = 0
  for (; server.status !== 'want-write' && asked < 2000; asked++) {
    feed(sealer.keyUpdate('requested'), sealer.seal(CONTENT.applicationData, [asked & 255]))
  }
  assert.is(server.status, 'want-write')
  // The poller goes by `wants`: there is more to read, as soon as ciphertext has been taken.
  assert.is(server.engine.wants().readPlaintext, true)
  assert.ok(server.plaintext.length < asked)
  pair.run()
  assert.equal(
    server.plaintext,
    Uint8Array.from({ length: asked }, (_, i) => i & 255),
  )
  assert.is(client.plaintext.length, written.length)
  pair.send(server, 'still here')
  assert.is(client.plaintext.length, written.length + 10)
})

// ---- What is not. ----

const BROKEN: { name: string; record: (sealer: Sealer) => Uint8Array; alert?: string; after?: (sealer: Sealer) => Uint8Array }[] = [
  { name: 'more than 2^14 bytes in a record', record: (s) => s.seal(CONTENT.applicationData, pattern(16385)), alert: 'record_overflow' },
  { name: 'nothing but padding', record: (s) => s.sealInner(new Uint8Array(50)), alert: 'unexpected_message' },
  { name: 'nothing at all', record: (s) => s.sealInner(new Uint8Array(0)) },
  { name: 'an unknown content type', record: (s) => s.seal(99, [1, 2, 3]), alert: 'unexpected_message' },
  { name: 'a ChangeCipherSpec', record: (s) => s.seal(CONTENT.changeCipherSpec, [1]), alert: 'unexpected_message' },
  {
    name: 'a handshake message that does not belong here',
    record: (s) => s.seal(CONTENT.handshake, [20, 0, 0, 1, 0]),
    alert: 'unexpected_message',
  },
  { name: 'a ClientHello: renegotiation', record: (s) => s.seal(CONTENT.handshake, [1, 0, 0, 2, 3, 3]), alert: 'unexpected_message' },
  { name: 'a session ticket from a client', record: (s) => s.seal(CONTENT.handshake, [4, 0, 0, 1, 0]), alert: 'unexpected_message' },
  { name: 'an empty handshake record', record: (s) => s.seal(CONTENT.handshake, []), alert: 'unexpected_message' },
  { name: 'a KeyUpdate that asks for nonsense', record: (s) => s.seal(CONTENT.handshake, [24, 0, 0, 1, 2]), alert: 'illegal_parameter' },
  { name: 'a KeyUpdate that is too long', record: (s) => s.seal(CONTENT.handshake, [24, 0, 0, 2, 0, 0]) },
  {
    name: 'plaintext in the middle of a handshake message',
    record: (s) => s.seal(CONTENT.handshake, [24, 0]),
    after: (s) => s.seal(CONTENT.applicationData, [1]),
  },
  { name: 'an alert of one byte', record: (s) => s.seal(CONTENT.alert, [2]) },
]

for (const { name, record, alert, after } of BROKEN) {
  sealed(`${name} ends the connection; what came before is delivered`, (t) => {
    const { pair, sealer, feed } = hijacked(t)
    feed(sealer.seal(CONTENT.applicationData, encoder.encode('before')))
    feed(record(sealer), ...(after ? [after(sealer)] : []))
    const error = expectError(pair.server.error, { kind: 'protocol' })
    if (alert) assert.is(error.alert?.name, alert)
    assert.is(pair.server.text, 'before')
    pair.run()
    expectError(pair.client.error, { kind: 'alert' })
  })
}

sealed('1,000 empty records in a row end the connection', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  for (let i = 0; i < 1000; i++) feed(sealer.seal(CONTENT.applicationData, []))
  expectError(pair.server.error, { kind: 'protocol' })
})

for (const level of [1, 2, 9]) {
  sealed(`an alert is the peer refusing us, whatever its level says: ${level} (RFC 8446, 6)`, (t) => {
    const { pair, sealer, feed } = hijacked(t)
    feed(sealer.seal(CONTENT.applicationData, encoder.encode('before')), sealer.seal(CONTENT.alert, [level, 49]))
    expectError(pair.server.error, { kind: 'alert', alert: { direction: 'received', description: 49, name: 'access_denied' } })
    assert.is(pair.server.text, 'before')
  })
}

for (const level of [1, 2]) {
  sealed(`user_canceled before close_notify is an end in good order, level ${level}`, (t) => {
    const { pair, sealer, feed } = hijacked(t)
    feed(
      sealer.seal(CONTENT.alert, [1, 90]),
      sealer.seal(CONTENT.applicationData, encoder.encode('bye')),
      sealer.seal(CONTENT.alert, [level, 0]),
    )
    assert.is(pair.server.error, undefined)
    assert.is(pair.server.text, 'bye')
    for (let i = 0; i < 2; i++) assert.is(pair.server.engine.readPlaintext().status, 'closed')
    assert.is(pair.server.engine.closeWrite(), 'done')
    assert.is(pair.server.engine.phase, 'closed')
  })
}

sealed('user_canceled over and over ends the connection', (t) => {
  const { pair, sealer, feed } = hijacked(t)
  for (let i = 0; i < 100; i++) feed(sealer.seal(CONTENT.alert, [1, 90]))
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_TOO_MANY_WARN_ALERTS' })
})
