// Failures: hostile or broken bytes get a clear error, the same one for ever; nothing that had arrived is lost, and the peer is told.
import * as assert from 'uvu/assert'
import type { TlsErrorKind, Version } from '../../src/index.ts'
import { bad } from '../support/certs.ts'
import { concat, CUTS } from '../support/chunk.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair, type Side } from '../support/pair.ts'
import { pattern, Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

const failure = suite('engine: failure')

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const encoder = new TextEncoder()

/** Hands ciphertext to one side. */
function feed(pair: Pair, side: Side, ciphertext: Uint8Array): void {
  side.wire = concat([side.wire, ciphertext])
  pair.deliver(side)
}

/** The ciphertext of one write. */
function sealed(side: Side, plaintext: Uint8Array | string): Uint8Array {
  side.engine.writePlaintext(typeof plaintext === 'string' ? encoder.encode(plaintext) : plaintext)
  return side.engine.takeCiphertext()
}

function established(t: Case, maxVersion: Version = 'TLSv1.3'): Pair {
  const pair = t.own(makePair({ client: { maxVersion } }))
  return pair.establish().run()
}

// ---- One flipped bit in a record of an open connection. ----

const FLIPS: { name: string; at: (record: Uint8Array) => number; bit: number }[] = [
  { name: 'the content type', at: () => 0, bit: 0x40 },
  { name: 'the version', at: () => 1, bit: 0x01 },
  { name: 'the first byte of the payload', at: () => 5, bit: 0x01 },
  { name: 'the middle of the payload', at: (record) => record.length >> 1, bit: 0x80 },
  { name: 'the last byte of the tag', at: (record) => record.length - 1, bit: 0x01 },
]

for (const version of VERSIONS) {
  for (const { name, at, bit } of FLIPS) {
    failure(`a flipped bit in ${name}, ${version}: fatal, told to the peer, and what came before is delivered`, (t) => {
      const pair = established(t, version)
      const { client, server } = pair
      const records = [sealed(client, 'one '), sealed(client, 'two '), sealed(client, 'three')] as const
      records[2][at(records[2])]! ^= bit
      feed(pair, server, concat(records))
      assert.is(server.text, 'one two ')
      const error = expectError(server.error, { kind: 'protocol' })
      assert.is(error.alert?.direction, 'sent')
      assert.is(server.engine.phase, 'failed')
      pair.run()
      expectError(client.error, { kind: 'alert', alert: { ...error.alert!, direction: 'received' } })
    })
  }

  failure(`a record twice is refused (replay), ${version}`, (t) => {
    const pair = established(t, version)
    const record = sealed(pair.client, 'once')
    feed(pair, pair.server, record)
    feed(pair, pair.server, record)
    assert.is(pair.server.text, 'once')
    expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' })
  })

  failure(`records out of order are refused, ${version}`, (t) => {
    const pair = established(t, version)
    const [one, two] = [sealed(pair.client, 'one'), sealed(pair.client, 'two')]
    feed(pair, pair.server, concat([two, one]))
    assert.is(pair.server.text, '')
    expectError(pair.server.error, { kind: 'protocol', alert: { direction: 'sent', description: 20, name: 'bad_record_mac' } })
  })

  failure(`plaintext that was never encrypted is refused, ${version}`, (t) => {
    const pair = established(t, version)
    feed(pair, pair.server, new Uint8Array([23, 3, 3, 0, 40, ...pattern(40)]))
    assert.is(pair.server.text, '')
    expectError(pair.server.error, { kind: 'protocol' })
  })

  failure(`a record over the size limit is refused by its header, ${version}`, (t) => {
    const pair = established(t, version)
    const length = 16384 + (version === 'TLSv1.3' ? 257 : 2049)
    feed(pair, pair.server, new Uint8Array([23, 3, 3, length >> 8, length & 255]))
    feed(pair, pair.server, pattern(length))
    expectError(pair.server.error, { kind: 'protocol', alert: { direction: 'sent', description: 22, name: 'record_overflow' } })
  })

  failure(`a handshake message changed on its way, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } }))
    pair.tamper = (to, bytes) => {
      if (to === 'client' && bytes.length > 300) bytes[bytes.length - 100]! ^= 1
      return bytes
    }
    pair.run()
    expectError(pair.client.error, { kind: 'protocol' })
    assert.is(pair.client.error!.alert!.direction, 'sent')
    expectError(pair.server.error, { kind: 'alert' })
  })
}

// ---- Instead of a ClientHello. ----

const NOT_TLS: { name: string; bytes: Uint8Array; code?: string; message?: RegExp }[] = [
  {
    name: 'plain HTTP',
    bytes: encoder.encode('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    code: 'ERR_SSL_HTTP_REQUEST',
    message: /plain HTTP to a TLS port/,
  },
  { name: 'an HTTP POST', bytes: encoder.encode('POST / HTTP/1.1\r\n\r\n'), code: 'ERR_SSL_HTTP_REQUEST' },
  { name: 'a proxy request', bytes: encoder.encode('CONNECT a:443 HTTP/1.1\r\n\r\n'), code: 'ERR_SSL_HTTPS_PROXY_REQUEST' },
  {
    name: 'SSH',
    bytes: encoder.encode('SSH-2.0-OpenSSH_9.9\r\n'),
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    message: /does not seem to speak TLS/,
  },
  { name: 'zeros', bytes: new Uint8Array(100) },
  { name: 'random bytes', bytes: new Random(5).bytes(1000) },
  { name: 'application data', bytes: new Uint8Array([23, 3, 3, 0, 3, 1, 2, 3]) },
  { name: 'a record over the size limit', bytes: new Uint8Array([22, 3, 1, 0x40, 1, 1, 0, 0, 0, ...pattern(500)]) },
  { name: 'a ClientHello that is longer than it says', bytes: new Uint8Array([22, 3, 1, 0, 6, 1, 0, 0, 1, 3, 3]) },
  { name: 'a ServerHello', bytes: new Uint8Array([22, 3, 3, 0, 6, 2, 0, 0, 2, 3, 3]) },
  { name: 'a ClientHello of 16 MB', bytes: new Uint8Array([22, 3, 1, 0, 6, 1, 0xff, 0xff, 0xff, 3, 3]) },
]

for (const { name, bytes, code, message } of NOT_TLS) {
  for (const { name: cutName, cut } of CUTS) {
    failure(`instead of a ClientHello: ${name}, ${cutName}`, (t) => {
      const pair = t.own(makePair({ cut: cut() }))
      feed(pair, pair.server, bytes)
      // What claims to be longer than what came fails only when no more comes.
      if (!pair.server.error) pair.server.attempt(() => (pair.server.engine.receiveEof(), pair.server.engine.handshake()))
      const error = expectError(pair.server.error, { ...(code && { code, kind: 'protocol' as const }), message })
      assert.ok(['protocol', 'closed'].includes(error.kind))
      assert.is(pair.server.engine.phase, 'failed')
    })
  }
}

failure('instead of a ServerHello: plain HTTP', (t) => {
  const pair = t.own(makePair())
  pair.client.drive()
  feed(pair, pair.client, encoder.encode('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expectError(pair.client.error, {
    kind: 'protocol',
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    message: /does not seem to speak TLS on this port/,
  })
})

// ---- An alert from the peer. ----

const ALERTS: { description: number; name: string }[] = [
  { description: 10, name: 'unexpected_message' },
  { description: 40, name: 'handshake_failure' },
  { description: 42, name: 'bad_certificate' },
  { description: 70, name: 'protocol_version' },
  { description: 80, name: 'internal_error' },
  { description: 112, name: 'unrecognized_name' },
  { description: 120, name: 'no_application_protocol' },
  { description: 199, name: 'alert_199' },
]

for (const { description, name } of ALERTS) {
  failure(`the peer refuses with ${name}`, (t) => {
    const pair = t.own(makePair())
    pair.client.drive()
    feed(pair, pair.client, new Uint8Array([21, 3, 3, 0, 2, 2, description]))
    expectError(pair.client.error, { kind: 'alert', alert: { direction: 'received', description, name } })
    const [event] = pair.client.eventsOf('alert')
    assert.equal(event, { type: 'alert', direction: 'received', level: 'fatal', description, name })
  })
}

failure('a flood of warnings ends the handshake', (t) => {
  const pair = t.own(makePair())
  const warning = new Uint8Array([21, 3, 3, 0, 2, 1, 90])
  feed(pair, pair.server, concat(Array.from({ length: 100 }, () => warning)))
  expectError(pair.server.error, { kind: 'protocol' })
})

failure('a flood of empty records ends the connection', (t) => {
  const pair = established(t, 'TLSv1.3')
  feed(pair, pair.server, concat(Array.from({ length: 1000 }, () => new Uint8Array([20, 3, 3, 0, 1, 1]))))
  expectError(pair.server.error, { kind: 'protocol' })
})

// ---- After it has failed. ----

/** Everything that can be called. */
const CALLS: Record<string, (side: Side) => unknown> = {
  handshake: ({ engine }) => engine.handshake(),
  readPlaintext: ({ engine }) => engine.readPlaintext(),
  writePlaintext: ({ engine }) => engine.writePlaintext(pattern(1)),
  closeWrite: ({ engine }) => engine.closeWrite(),
  receiveCiphertext: ({ engine }) => engine.receiveCiphertext(pattern(1)),
  receiveEof: ({ engine }) => engine.receiveEof(),
  exportKeyingMaterial: ({ engine }) => engine.exportKeyingMaterial(32, 'label'),
  resume: ({ engine }) => engine.resume(),
}

for (const [name, call] of Object.entries(CALLS)) {
  failure(`after a failure ${name} throws the very same error`, (t) => {
    const pair = established(t)
    feed(pair, pair.server, pattern(100))
    const { error } = pair.server
    expectError(error, { kind: 'protocol' })
    for (let i = 0; i < 2; i++) {
      const again = expectThrow(() => call(pair.server), {})
      assert.is(again, error)
    }
    assert.is(pair.server.engine.error, error)
  })
}

failure('after a failure the alert can still be taken, once', (t) => {
  const pair = t.own(makePair())
  feed(pair, pair.server, encoder.encode('GET / HTTP/1.1\r\n\r\n'.repeat(3)))
  expectError(pair.server.error, { kind: 'protocol' })
  pair.server.engine.takeCiphertext()
  assert.equal(pair.server.engine.wants(), { receiveCiphertext: false, takeCiphertext: false, writePlaintext: false, readPlaintext: false })
  assert.is(pair.server.engine.takeCiphertext().length, 0)
})

failure('an alert finds room even when the outgoing BIO is full', (t) => {
  const pair = established(t)
  const { client, server } = pair
  while (server.engine.writePlaintext(pattern(1000)).status === 'done');
  feed(pair, server, pattern(100))
  expectError(server.error, { kind: 'protocol' })
  pair.run()
  expectError(client.error, { kind: 'alert' })
  assert.ok(client.plaintext.length > 40_000)
})

failure('a later failure is not blamed on a certificate that was accepted knowingly', (t) => {
  const pair = t
    .own(makePair({ server: bad('selfSigned'), clientEngine: { dangerouslyAcceptAnyCertificate: true } }))
    .establish()
    .run()
  feed(pair, pair.client, pattern(100))
  expectError(pair.client.error, { kind: 'protocol', verify: undefined })
})

// ---- Too early. ----

const TOO_EARLY = ['readPlaintext', 'writePlaintext', 'closeWrite', 'exportKeyingMaterial', 'resume'] as const

for (const name of TOO_EARLY) {
  failure(`${name} before the handshake is done is a usage error, and breaks nothing`, (t) => {
    const pair = t.own(makePair())
    for (const side of [pair.client, pair.server]) expectThrow(() => CALLS[name]!(side), { kind: 'usage', message: new RegExp(name) })
    pair.establish()
  })
}

failure('an error carries all of its fields', (t) => {
  const pair = t.own(makePair())
  feed(pair, pair.server, encoder.encode('GET / HTTP/1.1\r\n\r\n'))
  const error = expectError(pair.server.error, { reason: 'http request', kind: 'protocol' satisfies TlsErrorKind })
  assert.is(error.name, 'TlsError')
  assert.equal(error.opensslErrors, ['SSL routines: http request'])
  assert.match(String(error), /^TlsError: the handshake failed: http request/)
})
