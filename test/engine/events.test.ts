// What is told beside bytes: key log lines, exported keys, sessions, alerts, and the trace of a handshake.
import * as assert from 'uvu/assert'
import type { EngineEvent, Version } from '../../src/index.ts'
import { CUTS } from '../support/chunk.ts'
import { expectThrow } from '../support/expect.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const events = suite('engine: events')

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const SECRETS_13 = [
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'EXPORTER_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_TRAFFIC_SECRET_0',
]

const established = (t: Case, maxVersion: Version, options: { keylog?: boolean; trace?: boolean } = {}): Pair =>
  t.own(makePair({ client: { maxVersion }, clientEngine: options, serverEngine: options })).establish()

// ---- Key log: https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html ----

for (const version of VERSIONS) {
  events(`key log lines: label, client random, secret; the same on both sides, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version }, clientEngine: { keylog: true }, serverEngine: { keylog: true } }))
    pair.client.drive()
    const hello = pair.client.engine.takeCiphertext()
    pair.server.wire = hello
    pair.deliver(pair.server)
    pair.establish()
    const random = Buffer.from(hello.subarray(11, 43)).toString('hex')
    const [client, server] = [pair.client, pair.server].map((side) =>
      side
        .eventsOf('keylog')
        .map(({ line }) => line)
        .sort(),
    )
    assert.equal(client, server)
    assert.equal(
      client!.map((line) => line.split(' ')[0]),
      version === 'TLSv1.3' ? SECRETS_13 : ['CLIENT_RANDOM'],
    )
    for (const line of client!) {
      const [, lineRandom, secret] = /^[A-Z_0-9]+ ([0-9a-f]{64}) ([0-9a-f]{64,96})$/.exec(line) ?? []
      assert.is(lineRandom, random, line)
      assert.ok(secret, line)
    }
  })
}

events('nothing is told that was not asked for', (t) => {
  const pair = established(t, 'TLSv1.3')
  for (const type of ['keylog', 'state', 'message'] as const) {
    assert.equal([...pair.client.eventsOf(type), ...pair.server.eventsOf(type)], [], type)
  }
})

for (const version of VERSIONS) {
  events(`report: a trace that begins later has all from there on, record headers too, ${version}`, (t) => {
    const pair = established(t, version)
    pair.client.engine.report('trace')
    pair.client.engine.writePlaintext(new Uint8Array(10))
    pair.run()
    pair.server.engine.writePlaintext(new Uint8Array(20))
    pair.server.engine.closeWrite()
    pair.run()
    const seen = pair.client.eventsOf('message').map(({ direction, content }) => `${direction} ${content}`)
    for (const one of ['sent recordHeader', 'received recordHeader', 'received alert']) assert.ok(seen.includes(one), `${one}: ${seen.join()}`)
    assert.is(pair.client.eventsOf('alert').length, 1)
    assert.equal(pair.server.eventsOf('message'), [])
  })
}

events('report: a key log that begins later has the keys from there on', (t) => {
  const pair = established(t, 'TLSv1.3')
  pair.client.engine.report('keylog')
  pair.client.engine.keyUpdate()
  pair.run()
  assert.equal(
    pair.client.eventsOf('keylog').map(({ line }) => line.split(' ')[0]),
    ['CLIENT_TRAFFIC_SECRET_N'],
  )
  assert.equal(pair.server.eventsOf('keylog'), [])
})

events('report after the end is a usage error', (t) => {
  const pair = established(t, 'TLSv1.3')
  pair.client.engine.free()
  expectThrow(() => pair.client.engine.report('trace'), { kind: 'usage' })
})

// ---- Exported keying material. ----

for (const version of VERSIONS) {
  events(`exported keys are equal on both sides, and differ by label, context and connection, ${version}`, (t) => {
    const pair = established(t, version)
    const another = established(t, version)
    const keys = ({ client, server }: Pair, label: string, context?: Uint8Array) => {
      const [ours, theirs] = [client, server].map(({ engine }) => engine.exportKeyingMaterial(32, label, context))
      assert.equal(ours, theirs)
      return Buffer.from(ours!).toString('hex')
    }
    const all = [
      keys(pair, 'EXPERIMENTAL one'),
      keys(pair, 'EXPERIMENTAL two'),
      keys(pair, 'EXPERIMENTAL one', new Uint8Array([1])),
      keys(pair, 'EXPERIMENTAL one', new Uint8Array([2])),
      keys(another, 'EXPERIMENTAL one'),
    ]
    assert.is(new Set(all).size, all.length)
    // RFC 8446, 7.5 makes them the same; RFC 5705 tells them apart.
    assert.is(keys(pair, 'EXPERIMENTAL one', new Uint8Array(0)) === all[0], version === 'TLSv1.3')
    for (const length of [1, 100, 1000]) assert.is(pair.client.engine.exportKeyingMaterial(length, 'EXPERIMENTAL').length, length)
  })
}

events("a label that is TLS's own is refused before TLS 1.3", (t) => {
  const pair = established(t, 'TLSv1.2')
  expectThrow(() => pair.client.engine.exportKeyingMaterial(32, 'master secret'), { kind: 'usage', message: /exportKeyingMaterial/ })
  assert.is(pair.client.engine.exportKeyingMaterial(16, 'EXPERIMENTAL').length, 16)
})

// ---- Trace. ----

for (const { name, cut } of CUTS) {
  events(`a trace tells states and messages in order, ${name}`, (t) => {
    const trace = { trace: true }
    const pair = t.own(makePair({ clientEngine: trace, serverEngine: trace, cut: cut() })).establish()
    const handshake = (side: 'client' | 'server') =>
      pair[side]
        .eventsOf('message')
        .flatMap(({ content, direction, bytes }) => (content === 'handshake' ? [`${direction} ${bytes[0]}`] : []))
    // RFC 8446, B.3: 1 ClientHello, 2 ServerHello, 4 NewSessionTicket, 8 EncryptedExtensions, 11 Certificate, 15 CertificateVerify,
    // 20 Finished.
    assert.equal(
      handshake('client').filter((message) => !message.endsWith(' 4')),
      ['sent 1', ...[2, 8, 11, 15, 20].map((type) => `received ${type}`), 'sent 20'],
    )
    assert.equal(
      handshake('server').filter((message) => !message.endsWith(' 4')),
      ['received 1', ...[2, 8, 11, 15, 20].map((type) => `sent ${type}`), 'received 20'],
    )
    assert.ok(pair.client.eventsOf('state').length > 3)
    assert.ok(pair.client.eventsOf('message').some(({ content, bytes }) => content === 'recordHeader' && bytes.length === 5))
  })
}

// ---- Order and number. ----

events('secureConnect comes once, sessions after it', (t) => {
  const pair = established(t, 'TLSv1.3').run()
  const types = pair.client.events.map(({ type }) => type)
  assert.is(types.filter((type) => type === 'secureConnect').length, 1)
  assert.ok(types.indexOf('secureConnect') < types.indexOf('session'))
  assert.equal(
    pair.server.events.map(({ type }) => type),
    ['secureConnect'],
  )
})

events('close_notify is told as an alert and as the end of reading', (t) => {
  const pair = established(t, 'TLSv1.3').run()
  pair.client.events.length = 0
  pair.server.engine.closeWrite()
  pair.run()
  const expected: EngineEvent[] = [
    { type: 'alert', direction: 'received', level: 'warning', description: 0, name: 'close_notify' },
    { type: 'closeNotify' },
  ]
  assert.equal(pair.client.events, expected)
})

events('an engine without events says so', (t) => {
  const pair = established(t, 'TLSv1.3').run()
  assert.is(pair.client.engine.nextEvent(), undefined)
})

events("events outlive their engine's failure, but not its end", (t) => {
  const pair = t.own(makePair())
  pair.client.engine.handshake()
  pair.client.engine.receiveCiphertext(new Uint8Array([21, 3, 3, 0, 2, 2, 40]))
  expectThrow(() => pair.client.engine.handshake(), { kind: 'alert' })
  assert.is(pair.client.engine.nextEvent()?.type, 'alert')
  pair.client.engine.free()
  assert.is(pair.client.engine.nextEvent(), undefined)
})
