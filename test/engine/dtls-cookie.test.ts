// Cookies (RFC 6347, 4.2.1): whoever has not shown that an address is his costs no memory and gets no flight.
import * as assert from 'uvu/assert'
import { createDtlsContext, liveHandles, type DtlsContextOptions, type DtlsEngine, type DtlsListener } from '../../src/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { clock, DtlsPair, makeDtlsPair, PEER } from '../support/datagrams.ts'
import { expectError, expectThrow } from '../support/expect.ts'
import { Random } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

const cookies = suite('dtls: cookies')

function makeListener(t: Case, options: DtlsContextOptions = {}) {
  const context = t.own(createDtlsContext({ ...server(), ...options }))
  return { context, listener: t.own(context.createListener()) }
}

function makeClient(t: Case, options: { mtu?: number; alpn?: string[] } = {}): DtlsEngine {
  const context = t.own(createDtlsContext({ ca: root().cert }))
  return t.own(context.createEngine({ role: 'client', servername: HOST, ...options }))
}

/** The client's next flight, one datagram. */
function hello(client: DtlsEngine): Uint8Array {
  client.handshake()
  return client.takeDatagram()!
}

/** A ClientHello with the cookie that the listener gives to `address`. */
function helloWithCookie(client: DtlsEngine, listener: DtlsListener, address: string): Uint8Array {
  const { reply, engine } = listener.receiveDatagram(hello(client), address)
  assert.is(engine, undefined)
  client.receiveDatagram(reply!)
  return hello(client)
}

cookies('a stranger is asked, and becomes a peer with the answer', (t) => {
  const { listener } = makeListener(t)
  const client = makeClient(t)
  const { reply, engine } = listener.receiveDatagram(helloWithCookie(client, listener, PEER), PEER)
  assert.is(reply, undefined)
  const pair = t.own(new DtlsPair(client, engine!, [])).establish()
  pair.send(pair.client, 'ping')
  assert.equal(pair.server.texts, ['ping'])
})

cookies('the question is smaller than what it answers: nothing is amplified', (t) => {
  const { listener } = makeListener(t)
  const first = hello(makeClient(t))
  assert.ok(listener.receiveDatagram(first, PEER).reply!.length < first.length)
})

cookies('a cookie is good for one address only', (t) => {
  const { listener } = makeListener(t)
  const second = helloWithCookie(makeClient(t), listener, PEER)
  for (const address of ['192.0.2.7 5685', '192.0.2.8 5684', `${PEER}0`]) {
    const { reply, engine } = listener.receiveDatagram(second, address)
    assert.is(engine, undefined)
    assert.ok(reply, 'it is asked again')
  }
  t.own(listener.receiveDatagram(second, new TextEncoder().encode(PEER)).engine!) // as bytes it is the same
})

cookies('a cookie lives for one to two minutes', (t) => {
  const { listener } = makeListener(t)
  const [fresh, old, stale] = [0, 1, 2].map(() => helloWithCookie(makeClient(t), listener, PEER))
  t.own(listener.receiveDatagram(fresh!, PEER).engine!)
  clock.now += 61_000
  t.own(listener.receiveDatagram(old!, PEER).engine!)
  clock.now += 61_000
  assert.is(listener.receiveDatagram(stale!, PEER).engine, undefined)
})

cookies('after a long silence no old cookie is good', (t) => {
  const { listener } = makeListener(t)
  const second = helloWithCookie(makeClient(t), listener, PEER)
  clock.now += 3_600_000
  assert.is(listener.receiveDatagram(second, PEER).engine, undefined)
})

cookies('a clock that goes back does not keep a secret for ever', (t) => {
  const { listener } = makeListener(t)
  const second = helloWithCookie(makeClient(t), listener, PEER)
  clock.now -= 3_600_000
  helloWithCookie(makeClient(t), listener, PEER)
  clock.now += 130_000
  assert.is(listener.receiveDatagram(second, PEER).engine, undefined)
  clock.now += 3_600_000
})

cookies('replaceCookieSecret makes those on their way worthless', (t) => {
  const { context, listener } = makeListener(t)
  const client = makeClient(t)
  const second = helloWithCookie(client, listener, PEER)
  context.replaceCookieSecret()
  const { engine, reply } = listener.receiveDatagram(second, PEER)
  assert.is(engine, undefined)
  assert.ok(reply)
})

cookies("another context's cookie is not good", (t) => {
  const second = helloWithCookie(makeClient(t), makeListener(t).listener, PEER)
  assert.is(makeListener(t).listener.receiveDatagram(second, PEER).engine, undefined)
})

cookies('a client that had to repeat its ClientHello is not sent a record number twice (RFC 6347, 4.2.1)', (t) => {
  const { listener } = makeListener(t)
  const client = makeClient(t)
  hello(client) // lost
  for (let i = 0; i < 3; i++) {
    clock.now += client.nextTimeout()!
    client.handleTimeout()
  }
  while (client.takeDatagram()); // lost, too
  clock.now += client.nextTimeout()!
  client.handleTimeout()
  const { reply } = listener.receiveDatagram(client.takeDatagram()!, PEER)
  assert.is(reply![10], 4)
  client.receiveDatagram(reply!)
  const { engine } = listener.receiveDatagram(hello(client), PEER)
  const pair = t.own(new DtlsPair(client, engine!, [])).run()
  assert.equal([pair.client.engine.phase, pair.server.engine.phase], ['open', 'open'], 'without another timeout')
  assert.is(pair.server.sent[0]![10], 5)
})

cookies('a thousand strangers cost no memory and no handle', (t) => {
  const { listener } = makeListener(t)
  const first = hello(makeClient(t))
  const handles = liveHandles()
  for (let i = 0; i < 1000; i++) {
    const forged = Uint8Array.from(first)
    forged[30] = i // another client random
    assert.ok(listener.receiveDatagram(forged, `198.51.100.${i % 256} ${i}`).reply)
  }
  assert.is(liveHandles(), handles)
})

cookies('what is no ClientHello is dropped without an answer', (t) => {
  const { listener } = makeListener(t)
  const random = new Random(4)
  const first = hello(makeClient(t))
  const pair = t.own(makeDtlsPair()).establish()
  pair.send(pair.client, 'of another connection')
  const strange = [
    new Uint8Array(0),
    Uint8Array.of(22),
    ...Array.from({ length: 50 }, () => random.bytes(1 + random.below(300))),
    ...Array.from({ length: 40 }, (_, i) => first.slice(0, i)),
    ...pair.client.sent.slice(2),
    ...pair.server.sent,
  ]
  for (const datagram of strange) assert.equal(listener.receiveDatagram(datagram, PEER), { reply: undefined })
  assert.ok(listener.receiveDatagram(first, PEER).reply)
})

cookies('a ClientHello in fragments: the cookie is in the first, and that is enough', (t) => {
  const { listener } = makeListener(t, { alpn: ['p9'] })
  const client = makeClient(t, { mtu: 208, alpn: Array.from({ length: 60 }, (_, i) => `p${i}`) })
  const { reply } = listener.receiveDatagram(hello(client), PEER)
  while (client.takeDatagram()); // the other fragments would be dropped
  client.receiveDatagram(reply!)
  const { engine } = listener.receiveDatagram(hello(client), PEER)
  const pair = t.own(new DtlsPair(client, engine!, [])).establish()
  assert.is(pair.server.engine.agreed!.alpn, 'p9')
})

cookies('the engine goes on when listener and context are gone', (t) => {
  const { context, listener } = makeListener(t)
  const client = makeClient(t)
  const { engine } = listener.receiveDatagram(helloWithCookie(client, listener, PEER), PEER)
  listener.free()
  context.free()
  t.own(new DtlsPair(client, engine!, [])).establish()
  expectThrow(() => listener.receiveDatagram(Uint8Array.of(1), PEER), { kind: 'usage', message: 'freed' })
})

cookies('a server that knows its peer keeps asking until the clock has lost its patience', (t) => {
  const pair = t.own(makeDtlsPair({ weather: (_, to) => (to === 'client' ? [] : [0]) })).run()
  for (let i = 0; i < 3; i++) pair.waitForTimeout() && pair.run()
  assert.ok(pair.server.sent.every((datagram) => datagram[13] === 3), 'nothing but HelloVerifyRequest')
  assert.is(pair.server.engine.nextTimeout(), undefined)
})

cookies('a wrong cookie ends a connection with a known peer', (t) => {
  const pair = t.own(makeDtlsPair())
  pair.weather = (datagram, to) => {
    if (to === 'client' && datagram[13] === 3) datagram[40]! ^= 1 // within the cookie
    return [0]
  }
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', code: 'ERR_SSL_COOKIE_MISMATCH' })
  expectError(pair.client.error, { kind: 'alert' })
})

cookies('tracing strangers keeps nothing of them', (t) => {
  const context = t.own(createDtlsContext(server()))
  const listener = t.own(context.createListener({ trace: true }))
  const first = hello(makeClient(t))
  for (let i = 0; i < 100; i++) listener.receiveDatagram(first, PEER)
  const client = makeClient(t)
  const engine = t.own(listener.receiveDatagram(helloWithCookie(client, listener, PEER), PEER).engine!)
  let events = 0
  while (engine.nextEvent()) events++
  assert.ok(events < 5, `${events} events`)
})
