// Back-pressure: both BIOs are bounded, full is a status, and nothing is lost on the way.
import * as assert from 'uvu/assert'
import { library } from '../../src/abi/instance.ts'
import { HOST, issue, root } from '../support/certs.ts'
import { byteByByte, concat, CUTS, randomCuts, whole } from '../support/chunk.ts'
import { sameBytes } from '../support/expect.ts'
import { makePair, type Side } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const pressure = suite('engine: back-pressure')

const CAPACITY = 65536

/** Writes until the engine takes no more; returns what it took. */
function writeUntilFull(side: Side, plaintext: Uint8Array): Uint8Array {
  const { status, accepted } = side.engine.writePlaintext(plaintext)
  assert.is(status, 'want-write')
  assert.is(side.engine.wants().writePlaintext, false)
  return plaintext.subarray(0, accepted)
}

pressure('a full outgoing BIO is want-write, and what was accepted arrives', (t) => {
  const pair = t.own(makePair()).establish()
  const sent = writeUntilFull(pair.client, pattern(1_000_000))
  assert.ok(sent.length >= 32768 && sent.length < CAPACITY)
  assert.equal(pair.client.engine.writePlaintext(pattern(20_000)), { status: 'want-write', accepted: 0 })
  pair.run()
  sameBytes(pair.server.plaintext, sent)
  assert.is(pair.client.engine.wants().writePlaintext, true)
})

pressure('taking makes room, record by record', (t) => {
  const pair = t.own(makePair()).establish()
  writeUntilFull(pair.client, pattern(1_000_000))
  pair.client.engine.takeCiphertext(20_000)
  assert.is(pair.client.engine.wants().writePlaintext, true)
  assert.ok(pair.client.engine.writePlaintext(pattern(16384)).accepted > 0)
})

pressure('a full incoming BIO accepts fewer bytes, then none, until plaintext is read', (t) => {
  const pair = t.own(makePair()).establish()
  const { client, server } = pair
  server.reading = false
  const sent: Uint8Array[] = []
  const ciphertext: Uint8Array[] = []
  for (let i = 0; i < 4; i++) {
    sent.push(pattern(40_000, i + 1))
    client.engine.writePlaintext(sent[i]!)
    ciphertext.push(client.engine.takeCiphertext())
  }
  const all = concat(ciphertext)
  assert.is(server.engine.receiveCiphertext(all), CAPACITY)
  assert.is(server.engine.receiveCiphertext(all.subarray(CAPACITY)), 0)
  assert.is(server.engine.wants().receiveCiphertext, false)
  server.reading = true
  server.wire = all.subarray(CAPACITY)
  server.drive()
  assert.is(server.engine.wants().receiveCiphertext, true)
  pair.run()
  sameBytes(server.plaintext, concat(sent))
})

pressure('a peer that never reads and never takes costs a fixed amount of memory', (t) => {
  const pair = t.own(makePair()).establish()
  const chunk = pattern(100_000)
  pair.client.engine.writePlaintext(chunk)
  pair.server.engine.receiveCiphertext(pair.client.engine.takeCiphertext())
  writeUntilFull(pair.client, chunk)
  const before = library().memory.size
  for (let i = 0; i < 1000; i++) {
    pair.client.engine.writePlaintext(chunk)
    pair.server.engine.receiveCiphertext(chunk)
  }
  assert.is(library().memory.size, before)
})

pressure('both sides full at the same time go on together', (t) => {
  const pair = t.own(makePair()).establish()
  const sent = [writeUntilFull(pair.client, pattern(500_000, 1)), writeUntilFull(pair.server, pattern(500_000, 2))]
  pair.run()
  sameBytes(pair.server.plaintext, sent[0]!)
  sameBytes(pair.client.plaintext, sent[1]!)
})

for (const { name, cut } of CUTS) {
  pressure(`100 KB each way in writes of uneven size, ${name}`, (t) => {
    const pair = t.own(makePair({ cut: cut() })).establish()
    const [up, down] = [pattern(100_000, 3), pattern(100_000, 4)]
    const pieces = randomCuts(11, 30_000)
    for (const piece of pieces(up)) pair.send(pair.client, piece)
    for (const piece of pieces(down)) pair.send(pair.server, piece)
    sameBytes(pair.server.plaintext, up)
    sameBytes(pair.client.plaintext, down)
  })
}

/** A certificate that does not fit into the outgoing BIO. */
const big = () =>
  issue({ subject: { CN: HOST }, hosts: [HOST, ...Array.from({ length: 2400 }, (_, i) => `host-${i}.a-long-domain.test`)] }, root())

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const { name, cut } of [
    { name: 'whole', cut: whole },
    { name: 'byte by byte', cut: byteByByte },
  ]) {
    pressure(`a handshake larger than a BIO, ${version}, ${name}`, (t) => {
      const identity = big()
      assert.ok(identity.cert.length * 0.74 > CAPACITY, 'the certificate fits: the test shows nothing')
      const pair = t.own(makePair({ client: { maxVersion: version }, server: identity, cut }))
      let full = false
      pair.tamper = (to, bytes) => ((full ||= to === 'client' && bytes.length === CAPACITY), bytes)
      pair.establish()
      assert.is(full, true)
      assert.is(pair.client.engine.agreed!.authorized, true)
    })
  }
}

pressure('a handshake that waits for room says want-write', (t) => {
  const { client, server } = t.own(makePair({ server: big() }))
  client.engine.handshake()
  server.engine.receiveCiphertext(client.engine.takeCiphertext())
  assert.is(server.engine.handshake(), 'want-write')
  assert.is(server.engine.handshake(), 'want-write')
  server.engine.takeCiphertext()
  assert.is(server.engine.handshake(), 'want-read')
})

pressure('close_notify waits for room too', (t) => {
  const pair = t.own(makePair()).establish()
  const { client, server } = pair
  // Down to where not even an alert is sure to fit.
  for (let status = 'done', size = 16384; size >= 1;) {
    status = client.engine.writePlaintext(pattern(size)).status
    if (status !== 'done') size >>= 1
  }
  const status = client.engine.closeWrite()
  if (status === 'want-write') {
    assert.is(client.engine.writeSide, 'open')
    server.wire = client.engine.takeCiphertext()
    assert.is(client.engine.closeWrite(), 'done')
  }
  assert.is(client.engine.writeSide, 'closeNotify')
  pair.deliver(server)
  pair.run()
  assert.is(server.status, 'closed')
})

pressure('at most what was asked for is read; the rest stays', (t) => {
  const pair = t.own(makePair()).establish()
  const { client, server } = pair
  server.reading = false
  const sent = pattern(50_000)
  pair.send(client, sent)
  const read: Uint8Array[] = []
  for (const maximum of [1, 100, 16384, 20_000, 65536]) {
    const { status, plaintext } = server.engine.readPlaintext(maximum)
    assert.is(status, 'done')
    assert.ok(plaintext.length <= maximum)
    read.push(plaintext)
    if (read.length < 5) assert.is(server.engine.wants().readPlaintext, true)
  }
  sameBytes(concat(read), sent)
  assert.is(server.engine.readPlaintext().status, 'want-read')
  assert.is(server.engine.wants().readPlaintext, false)
})

pressure('reading nothing takes nothing and ends nothing', (t) => {
  const pair = t.own(makePair()).establish()
  pair.server.reading = false
  pair.send(pair.client, 'still here')
  assert.is(pair.server.engine.readPlaintext(0).plaintext.length, 0)
  assert.is(pair.server.engine.wants().readPlaintext, true)
  assert.is(pair.server.engine.readPlaintext().plaintext.length, 10)
})

pressure('at most what was asked for is taken; the rest stays', (t) => {
  const { client, server } = t.own(makePair())
  client.engine.handshake()
  const parts: Uint8Array[] = []
  while (client.engine.wants().takeCiphertext) parts.push(client.engine.takeCiphertext(100))
  assert.ok(parts.length > 10 && parts.slice(0, -1).every((part) => part.length === 100))
  assert.is(client.engine.takeCiphertext().length, 0)
  server.engine.receiveCiphertext(concat(parts))
  assert.is(server.engine.handshake(), 'want-read')
  assert.ok(server.engine.wants().takeCiphertext)
})

pressure('an empty write sends nothing', (t) => {
  const pair = t.own(makePair()).establish()
  pair.run()
  assert.equal(pair.client.engine.writePlaintext(new Uint8Array(0)), { status: 'done', accepted: 0 })
  assert.is(pair.client.engine.takeCiphertext().length, 0)
})
