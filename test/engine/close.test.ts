// How a connection ends: each direction on its own by close_notify; cut off, it is truncated, and that is always told.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { CUTS } from '../support/chunk.ts'
import { expectError, expectThrow, sameBytes } from '../support/expect.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { pattern } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const close = suite('engine: close')

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

/** The side that ends first, and the other one. */
const sides = (pair: Pair, first: 'client' | 'server') => ({ first: pair[first], second: pair[first === 'client' ? 'server' : 'client'] })

for (const version of VERSIONS) {
  for (const role of ['client', 'server'] as const) {
    for (const { name, cut } of CUTS) {
      close(`half-close by the ${role}: the other direction goes on, ${version}, ${name}`, (t) => {
        const pair = t.own(makePair({ client: { maxVersion: version }, cut: cut() })).establish()
        const { first, second } = sides(pair, role)
        pair.send(first, 'last words')
        assert.is(first.engine.closeWrite(), 'done')
        pair.run()
        assert.is(second.text, 'last words')
        assert.is(second.status, 'closed')
        assert.equal([first.engine.phase, first.engine.readSide, first.engine.writeSide], ['closing', 'open', 'closeNotify'])
        assert.equal([second.engine.phase, second.engine.readSide, second.engine.writeSide], ['closing', 'closeNotify', 'open'])

        pair.send(second, pattern(30_000))
        sameBytes(first.plaintext, pattern(30_000))

        second.engine.closeWrite()
        pair.run()
        assert.is(first.status, 'closed')
        assert.equal([first.engine.phase, second.engine.phase], ['closed', 'closed'])
        for (const side of [first, second]) {
          assert.is(side.error, undefined)
          assert.is(side.eventsOf('closeNotify').length, 1)
        }
      })
    }
  }

  close(`both sides end at the same time, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    pair.client.engine.closeWrite()
    pair.server.engine.closeWrite()
    pair.run()
    assert.equal([pair.client.engine.phase, pair.server.engine.phase], ['closed', 'closed'])
    assert.equal([pair.client.error, pair.server.error], [undefined, undefined])
  })

  close(`the end of the transport without close_notify is truncation; what came before is delivered, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    pair.server.reading = false
    pair.send(pair.client, pattern(20_000))
    pair.server.engine.receiveEof()
    pair.server.reading = true
    pair.server.drive()
    sameBytes(pair.server.plaintext, pattern(20_000))
    expectError(pair.server.error, { kind: 'closed', code: 'ERR_TLS_TRUNCATED', message: /without close_notify/ })
    assert.is(pair.server.engine.readSide, 'truncated')
    assert.is(pair.server.engine.phase, 'failed')
  })

  close(`the end in the middle of a record is truncation, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    pair.tamper = (_, bytes) => bytes.subarray(0, bytes.length - 5)
    pair.send(pair.client, 'half a record')
    assert.is(pair.server.text, '')
    pair.server.engine.receiveEof()
    pair.server.drive()
    expectError(pair.server.error, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
  })

  close(`the end after close_notify is in good order, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    pair.send(pair.client, 'bye')
    pair.client.engine.closeWrite()
    pair.run()
    pair.server.engine.receiveEof()
    pair.server.drive()
    assert.is(pair.server.error, undefined)
    assert.is(pair.server.engine.readPlaintext().status, 'closed')
    assert.is(pair.server.text, 'bye')
    assert.is(pair.server.engine.closeWrite(), 'done')
    assert.is(pair.server.engine.phase, 'closed')
  })

  close(`close_notify and the end of the transport in one go, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    pair.client.engine.writePlaintext(new TextEncoder().encode('bye'))
    pair.client.engine.closeWrite()
    pair.server.engine.receiveCiphertext(pair.client.engine.takeCiphertext())
    pair.server.engine.receiveEof()
    pair.server.drive()
    assert.equal([pair.server.text, pair.server.status, pair.server.error], ['bye', 'closed', undefined])
  })

  close(`what comes after close_notify is dropped (RFC 8446, 6.1), ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } })).establish()
    pair.client.engine.closeWrite()
    // In the same chunk, and in a later one; not even TLS.
    pair.tamper = (_, bytes) => new Uint8Array([...bytes, ...pattern(100)])
    pair.run()
    assert.is(pair.server.status, 'closed')
    pair.tamper = undefined
    for (let i = 0; i < 100; i++) assert.is(pair.server.engine.receiveCiphertext(pattern(10_000)), 10_000)
    pair.server.drive()
    assert.equal([pair.server.error, pair.server.text, pair.server.engine.readSide], [undefined, '', 'closeNotify'])
    pair.send(pair.server, 'I may still talk')
    assert.is(pair.client.text, 'I may still talk')
  })

  for (const role of ['client', 'server'] as const) {
    close(`the end of the transport in the handshake, seen by the ${role}, ${version}`, (t) => {
      const pair = t.own(makePair({ client: { maxVersion: version } }))
      const side = pair[role]
      side.drive()
      if (role === 'client') side.engine.takeCiphertext()
      side.engine.receiveEof()
      side.drive()
      expectError(side.error, { kind: 'closed', code: 'ERR_TLS_TRUNCATED', message: /the handshake/ })
      assert.is(side.engine.phase, 'failed')
    })
  }

  close(`close_notify in the handshake: there will be no connection, ${version}`, (t) => {
    const pair = t.own(makePair({ client: { maxVersion: version } }))
    pair.client.drive()
    pair.client.wire = new Uint8Array([21, 3, 3, 0, 2, 1, 0])
    pair.deliver(pair.client)
    expectError(pair.client.error, { kind: 'closed', code: 'ERR_TLS_CLOSED_IN_HANDSHAKE' })
    assert.is(pair.client.engine.phase, 'failed')
  })
}

close('closing twice is closing once', (t) => {
  const pair = t.own(makePair()).establish()
  pair.run()
  assert.is(pair.client.engine.closeWrite(), 'done')
  const length = pair.client.engine.takeCiphertext().length
  assert.ok(length > 0)
  assert.is(pair.client.engine.closeWrite(), 'done')
  assert.is(pair.client.engine.takeCiphertext().length, 0)
})

close('writing after closeWrite is a usage error, and nothing else breaks', (t) => {
  const pair = t.own(makePair()).establish()
  pair.client.engine.closeWrite()
  expectThrow(() => pair.client.engine.writePlaintext(pattern(1)), { kind: 'usage', message: /after closeWrite/ })
  pair.run().send(pair.server, 'on we go')
  assert.is(pair.client.text, 'on we go')
})

close('ciphertext after the end of the transport is a usage error', (t) => {
  const pair = t.own(makePair()).establish()
  pair.client.engine.receiveEof()
  expectThrow(() => pair.client.engine.receiveCiphertext(pattern(1)), { kind: 'usage', message: /receiveCiphertext after receiveEof/ })
})

close('what is wanted follows how each side ended', (t) => {
  const pair = t.own(makePair()).establish()
  pair.run()
  const { engine } = pair.client
  assert.equal(engine.wants(), { receiveCiphertext: true, takeCiphertext: false, writePlaintext: true, readPlaintext: false })
  engine.closeWrite()
  assert.equal(engine.wants(), { receiveCiphertext: true, takeCiphertext: true, writePlaintext: false, readPlaintext: false })
  pair.server.engine.closeWrite()
  pair.run()
  assert.equal(engine.wants(), { receiveCiphertext: false, takeCiphertext: false, writePlaintext: false, readPlaintext: false })
})

close('the end of the transport stops receiving and leaves writing', (t) => {
  const pair = t.own(makePair()).establish()
  pair.client.engine.closeWrite()
  pair.run()
  pair.server.engine.receiveEof()
  pair.server.drive()
  assert.equal(pair.server.engine.wants(), { receiveCiphertext: false, takeCiphertext: false, writePlaintext: true, readPlaintext: false })
})
