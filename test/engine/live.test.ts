// What can happen to a connection after its handshake: new keys, another handshake, a certificate asked for late, more tickets.
import * as assert from 'uvu/assert'
import type { ContextOptions } from '../../src/index.ts'
import { client, issue, root, strangeRoot } from '../support/certs.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const TLS12: ContextOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }

/** Bytes still pass in both directions. */
function assertAlive(pair: Pair, round = ''): void {
  pair.send(pair.client, `ping${round}`)
  pair.send(pair.server, `pong${round}`)
  assert.ok(pair.server.text.endsWith(`ping${round}`))
  assert.ok(pair.client.text.endsWith(`pong${round}`))
}

const KEY_UPDATE = 24
/** KeyUpdate messages seen by the trace, by direction. */
const keyUpdates = (pair: Pair, direction: 'sent' | 'received') =>
  pair.client.eventsOf('message').filter((event) => event.content === 'handshake' && event.direction === direction && event.bytes[0] === KEY_UPDATE)

const keys = suite('engine: keyUpdate')

for (const [request, answers] of [['notRequested', 0], ['requested', 1]] as const) {
  keys(`${request}: our direction gets new keys, the peer's ${answers ? 'too' : 'keeps its'}`, (t) => {
    const pair = t.own(makePair({ clientEngine: { trace: true } }).establish())
    assert.is(pair.client.engine.keyUpdate(request), 'done')
    assertAlive(pair)
    assert.is(keyUpdates(pair, 'sent').length, 1)
    assert.is(keyUpdates(pair, 'received').length, answers)
  })
}

keys('many in a row, from both sides', (t) => {
  const pair = t.own(makePair().establish())
  for (let round = 0; round < 20; round++) {
    pair.client.engine.keyUpdate('requested')
    pair.server.engine.keyUpdate('requested')
    assertAlive(pair, String(round))
  }
})

keys('in TLS 1.2 it is a usage error, and the connection goes on', (t) => {
  const pair = t.own(makePair({ client: TLS12 }).establish())
  expectThrow(() => pair.client.engine.keyUpdate(), { kind: 'usage' })
  assertAlive(pair)
})

const late = suite('engine: post-handshake authentication')

late('a client shows its certificate when the server asks', (t) => {
  const pair = t.own(makePair({ client: client(), server: { ca: root().cert }, clientEngine: { postHandshakeAuth: true } }).establish())
  assert.is(pair.server.engine.agreed!.authorized, false)
  assert.is(pair.server.engine.requestCertificate(), 'done')
  pair.run()
  assert.is(pair.server.eventsOf('agreed').length, 1)
  assert.is(pair.server.engine.agreed!.authorized, true)
  assert.is(pair.server.engine.agreed!.peerChain.length, 1)
  assertAlive(pair)
})

late('nothing is told before the last byte of the client\'s proof', (t) => {
  const pair = t.own(makePair({ client: client(), server: { ca: root().cert }, clientEngine: { postHandshakeAuth: true } }).establish())
  pair.server.engine.requestCertificate()
  pair.transfer(pair.server, pair.client)
  const flight = pair.client.engine.takeCiphertext()
  for (const byte of flight) {
    assert.equal([pair.server.eventsOf('agreed').length, pair.server.engine.agreed!.authorized], [0, false])
    pair.server.engine.receiveCiphertext(new Uint8Array([byte]))
    pair.server.drive()
  }
  assert.equal([pair.server.eventsOf('agreed').length, pair.server.engine.agreed!.authorized], [1, true])
})

late('a client without a certificate is refused where one is required', (t) => {
  const pair = t.own(makePair({ server: { ca: root().cert }, clientEngine: { postHandshakeAuth: true } }).establish())
  pair.server.engine.requestCertificate('require')
  pair.run()
  expectError(pair.server.error, { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
  assert.is(expectError(pair.client.error, { kind: 'alert' }).alert!.name, 'certificate_required')
})

late('a client without a certificate may stay where it is only asked', (t) => {
  const pair = t.own(makePair({ server: { ca: root().cert }, clientEngine: { postHandshakeAuth: true } }).establish())
  pair.server.engine.requestCertificate('request')
  pair.run()
  assert.is(pair.server.error, undefined)
  assertAlive(pair)
})

for (const park of [[], ['verify']] as const) {
  late(`a certificate of an unknown CA is refused, ${park.length ? 'and no decision is asked for' : 'as at first'}`, (t) => {
    const stranger = issue({ subject: { CN: 'stranger.test' }, usage: ['client'] }, strangeRoot())
    const settings = { client: stranger, server: { ca: root().cert }, clientEngine: { postHandshakeAuth: true }, serverEngine: { park } }
    const pair = t.own(makePair(settings).establish())
    pair.server.engine.requestCertificate('request')
    pair.run()
    expectError(pair.server.error, { kind: 'certificate', code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' })
    assert.is(pair.server.eventsOf('agreed').length, 0)
  })
}

late('a client that did not offer it cannot be asked', (t) => {
  const pair = t.own(makePair({ server: { ca: root().cert } }).establish())
  expectThrow(() => pair.server.engine.requestCertificate(), { kind: 'usage' })
  assertAlive(pair)
})

const again = suite('engine: renegotiation')

again('is refused by default: the peer is told, and OpenSSL as a client gives up', (t) => {
  const pair = t.own(makePair({ client: { ...TLS12, renegotiations: 1 } }).establish())
  pair.client.engine.renegotiate()
  pair.run()
  assert.ok(pair.server.eventsOf('alert').some(({ name, direction }) => name === 'no_renegotiation' && direction === 'sent'))
  expectError(pair.client.error, { code: 'ERR_SSL_NO_RENEGOTIATION' })
  assert.is(pair.server.eventsOf('agreed').length, 0)
})

again('is done where both allow it', (t) => {
  const pair = t.own(makePair({ client: { ...TLS12, renegotiations: 1 }, server: { renegotiations: 1 } }).establish())
  pair.client.engine.renegotiate()
  pair.run()
  assert.is(pair.server.eventsOf('agreed').length, 1)
  assertAlive(pair)
})

again('more often than allowed ends the connection', (t) => {
  const pair = t.own(makePair({ client: { ...TLS12, renegotiations: 9 }, server: { renegotiations: 2 } }).establish())
  for (let round = 0; round < 3 && !pair.server.error; round++) {
    pair.client.attempt(() => void pair.client.engine.renegotiate())
    pair.run()
  }
  assert.is(expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_NO_RENEGOTIATION' }).alert!.name, 'no_renegotiation')
})

for (const side of ['client', 'server'] as const) {
  again(`those that the ${side} starts itself do not count against the limit it sets`, (t) => {
    const pair = t.own(makePair({ client: { ...TLS12, renegotiations: 9 }, server: { renegotiations: 9 }, [side]: { ...TLS12, renegotiations: 1 } }))
    pair.establish()
    for (let round = 1; round <= 3; round++) {
      pair[side].engine.renegotiate()
      pair.run()
      assert.is(pair[side].eventsOf('agreed').length, round)
      assertAlive(pair, String(round))
    }
  })
}

again('does not exist in TLS 1.3', (t) => {
  const pair = t.own(makePair({ client: { renegotiations: 1 } }).establish())
  expectThrow(() => pair.client.engine.renegotiate(), { kind: 'usage' })
})

const tickets = suite('engine: sendTicket')

tickets('a server sends one more ticket', (t) => {
  const pair = t.own(makePair().establish())
  const before = pair.client.eventsOf('session').length
  pair.server.engine.sendTicket()
  pair.run()
  assert.is(pair.client.eventsOf('session').length, before + 1)
})

const aborting = suite('engine: abort')

aborting('tells the peer with the alert, and stays the error of the connection', (t) => {
  const pair = t.own(makePair().establish())
  const error = expectThrow(() => pair.server.engine.abort(49), { kind: 'protocol', code: 'ERR_SSL_CALLBACK_FAILED' })
  pair.run()
  assert.is(expectError(pair.client.error, { kind: 'alert' }).alert!.name, 'access_denied')
  assert.is(pair.server.engine.error, error)
  assert.is(expectThrow(() => pair.server.engine.readPlaintext(), {}), error)
})

const bindings = suite('engine: channel bindings')

for (const [type, length] of [['tls-unique', 12], ['tls-server-end-point', 32], ['tls-exporter', 32]] as const) {
  bindings(`${type} is the same on both sides of TLS 1.2`, (t) => {
    const pair = t.own(makePair({ client: TLS12 }).establish())
    const binding = pair.client.engine.channelBinding(type)
    assert.is(binding.length, length)
    assert.equal(binding, pair.server.engine.channelBinding(type))
  })
}

bindings('tls-unique is the same on both sides of a resumed connection', (t) => {
  const options = { client: TLS12, server: { ticketKeys: new Uint8Array(80).fill(1) } }
  const { session } = t.own(makePair(options).establish()).client.eventsOf('session')[0]!
  const resumed = t.own(makePair({ ...options, clientEngine: { session } }).establish())
  assert.is(resumed.client.engine.agreed!.resumed, true)
  assert.equal(resumed.client.engine.channelBinding('tls-unique'), resumed.server.engine.channelBinding('tls-unique'))
})

bindings('tls-unique is not defined in TLS 1.3, and says so', (t) => {
  const pair = t.own(makePair().establish())
  expectThrow(() => pair.client.engine.channelBinding('tls-unique'), { kind: 'usage' })
  assert.equal(pair.client.engine.channelBinding('tls-exporter'), pair.server.engine.channelBinding('tls-exporter'))
})

bindings("each side's Finished is the other's peer Finished", (t) => {
  const pair = t.own(makePair().establish())
  assert.equal(pair.client.engine.finished('own'), pair.server.engine.finished('peer'))
  assert.equal(pair.server.engine.finished('own'), pair.client.engine.finished('peer'))
})
