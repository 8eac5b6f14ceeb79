// A server that is asked before a TLS 1.2 client gets another handshake, and connections that allow none from some moment on.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { client as clientIdentity, root } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { byteByByte, type Cut } from '../support/chunk.ts'
import { makePair, type Pair, type PairOptions } from '../support/pair.ts'
import { suite, type Case } from '../support/suite.ts'

const TLS12: ContextOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', renegotiations: 99 }

const asked = (t: Case, options: PairOptions = {}): Pair =>
  t.own(
    makePair({
      ...options,
      client: { ...TLS12, ...options.client },
      server: { renegotiations: 99, ...options.server },
      serverEngine: { park: ['renegotiation'], ...options.serverEngine },
    }).establish(),
  )

/** The client has asked, and all that can has arrived. */
function ask(pair: Pair): void {
  pair.client.engine.renegotiate()
  pair.run()
}

const handshakes = (pair: Pair) => [pair.client, pair.server].map((side) => side.eventsOf('agreed').length)
const isParked = (pair: Pair) => pair.server.status === 'want-callback'

function assertAlive(pair: Pair): void {
  pair.send(pair.client, 'ping')
  pair.send(pair.server, 'pong')
  assert.ok(pair.server.text.endsWith('ping') && pair.client.text.endsWith('pong'))
}

const test = suite('engine: parking at a renegotiation')

for (const [how, cut] of [['whole', undefined], ['one byte at a time', byteByByte]] as [string, Cut | undefined][]) {
  test(`nothing is answered before the decision, ${how}; then each is asked about again`, (t) => {
    const pair = asked(t, { ...(cut && { cut }) })
    for (let round = 1; round <= 3; round++) {
      ask(pair)
      assert.ok(isParked(pair))
      assert.equal(pair.server.eventsOf('renegotiation').length, round)
      assert.is(pair.server.engine.takeCiphertext().length, 0)
      assert.equal(handshakes(pair), [round - 1, round - 1])
      pair.server.engine.resume()
      pair.run()
      assert.equal(handshakes(pair), [round, round])
      assertAlive(pair)
    }
  })
}

test('an alert refuses it, and ends the connection', (t) => {
  for (const [alert, name, code] of [[100, 'no_renegotiation', 'ERR_SSL_NO_RENEGOTIATION'], [49, 'access_denied', 'ERR_SSL_CALLBACK_FAILED']] as const) {
    const pair = asked(t)
    ask(pair)
    const cause = new Error('too many of them')
    pair.server.engine.resume({ alert, cause })
    pair.run()
    const error = expectError(pair.server.error, { kind: 'protocol', code, alert: { direction: 'sent', description: alert, name } })
    assert.is(error.cause, cause)
    expectError(pair.client.error, { kind: 'alert', alert: { direction: 'received', description: alert, name } })
  }
})

test('refuseRenegotiation refuses it, too', (t) => {
  const pair = asked(t)
  ask(pair)
  pair.server.engine.refuseRenegotiation()
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_RENEGOTIATION' })
  assert.is(expectError(pair.client.error, { kind: 'alert' }).alert!.name, 'no_renegotiation')
})

test('what else is called meanwhile does not wake it', (t) => {
  const pair = asked(t)
  ask(pair)
  assert.is(pair.server.engine.writePlaintext(new Uint8Array(5)).status, 'want-callback')
  assert.is(pair.server.engine.readPlaintext().status, 'want-callback')
  assert.is(pair.server.engine.closeWrite(), 'want-callback')
  pair.server.engine.resume()
  pair.run()
  assert.equal(handshakes(pair), [1, 1])
  assert.is(pair.server.engine.closeWrite(), 'done')
})

test('what the client sent before it is delivered', (t) => {
  const pair = asked(t)
  pair.client.engine.writePlaintext(new TextEncoder().encode('before'))
  ask(pair)
  assert.is(pair.server.text, 'before')
  assert.ok(isParked(pair))
})

test('the limit of the context comes first', (t) => {
  const pair = asked(t, { server: { renegotiations: 1 } })
  ask(pair)
  pair.server.engine.resume()
  pair.run()
  ask(pair)
  assert.equal([pair.server.eventsOf('renegotiation').length, isParked(pair)], [1, false])
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_RENEGOTIATION' })
})

test('where none are allowed there is nothing to decide', (t) => {
  const pair = asked(t, { server: { renegotiations: 0 } })
  ask(pair)
  assert.equal([pair.server.eventsOf('renegotiation').length, ...handshakes(pair)], [0, 0, 0])
  assert.ok(pair.server.eventsOf('alert').some(({ name, direction }) => name === 'no_renegotiation' && direction === 'sent'))
})

test('one that the server asks for needs no decision', (t) => {
  const pair = asked(t)
  pair.server.engine.renegotiate()
  pair.run()
  assert.equal([pair.server.eventsOf('renegotiation').length, ...handshakes(pair)], [0, 1, 1])
  ask(pair)
  assert.ok(isParked(pair))
})

test('beside parking at the ClientHello and at a certificate', (t) => {
  const pair = t.own(
    makePair({
      client: { ...TLS12, ...clientIdentity() },
      server: { renegotiations: 99, ca: root().cert },
      serverEngine: { clientCertificate: 'require', park: ['clientHello', 'verify', 'renegotiation'] },
    }),
  )
  for (const type of ['clientHello', 'verify'] as const) {
    pair.run()
    assert.is(pair.server.eventsOf(type).length, 1)
    pair.server.engine.resume()
  }
  pair.establish()
  ask(pair)
  assert.ok(isParked(pair))
  pair.server.engine.resume()
  pair.run()
  assert.equal([...handshakes(pair), pair.server.eventsOf('clientHello').length], [1, 1, 1])
  assertAlive(pair)
})

test('only servers can be asked', (t) => {
  expectThrow(() => t.own(makePair({ clientEngine: { park: ['renegotiation'] } })), { kind: 'usage', message: 'a client cannot park at "renegotiation"' })
})

const none = suite('engine: refuseRenegotiation')

for (const side of ['client', 'server'] as const) {
  const other = side === 'client' ? 'server' : 'client'
  none(`a ${side}: the ${other} is told no, by a warning`, (t) => {
    const pair = t.own(makePair({ client: TLS12, server: { renegotiations: 99 } }).establish())
    pair[side].engine.refuseRenegotiation()
    pair[other].engine.renegotiate()
    pair.run()
    const alerts = pair[side].eventsOf('alert').filter(({ direction }) => direction === 'sent')
    assert.equal(alerts.map(({ name, level }) => `${level} ${name}`), ['warning no_renegotiation'])
    assert.equal(handshakes(pair), [0, 0]) // whether to go on is for the other side to say: OpenSSL's does not
  })

  none(`a ${side}: cannot ask for one, and goes on`, (t) => {
    const pair = t.own(makePair({ client: TLS12, server: { renegotiations: 99 } }).establish())
    pair[side].engine.refuseRenegotiation()
    expectThrow(() => pair[side].engine.renegotiate(), { kind: 'usage', code: 'ERR_SSL_NO_RENEGOTIATION' })
    assertAlive(pair)
  })
}

none('before the handshake, and after others', (t) => {
  const pair = t.own(makePair({ client: TLS12, server: { renegotiations: 99 }, serverEngine: { park: ['renegotiation'] } }))
  pair.client.engine.refuseRenegotiation()
  pair.establish()
  pair.server.engine.renegotiate()
  pair.run()
  assert.equal(handshakes(pair), [0, 0])
})
