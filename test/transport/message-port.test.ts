// What only message ports can do to their transport: other threads, and how they go. What it shares with every transport is in
// conformance.test.ts.
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import * as assert from 'uvu/assert'
import { createContext } from '../../src/index.ts'
import { messagePort, Poller, type ByteTransport } from '../../src/transport/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { concat } from '../support/chunk.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'

class Listener {
  readonly log: string[] = []
  readonly chunks: Uint8Array[] = []
  error: (Error & { code?: string }) | undefined
  readonly transport: ByteTransport
  #wake = (): void => {}

  constructor(transport: ByteTransport) {
    this.transport = transport
    const note = (what: string) => void (this.log.push(what), this.#wake())
    transport.attach({
      onChunk: (chunk) => (this.chunks.push(chunk), note('chunk')),
      onDrain: () => note('drain'),
      onEof: () => note('eof'),
      onError: (error) => ((this.error = error), note('error')),
      onClosed: () => note('closed'),
    })
  }

  async until(last: string): Promise<void> {
    while (this.log.at(-1) !== last) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
}

/** A thread that has the other end of a channel; it answers each chunk with the same bytes. */
function echoThread(t: Case, behaviour: 'echo' | 'exits' | 'dies'): { port: MessagePort; worker: Worker } {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./message-port.fixture.js', import.meta.url), { workerData: { port: port2, behaviour }, transferList: [port2] })
  t.defer(() => worker.terminate())
  return { port: port1, worker }
}

const test = suite('message port')

test('TLS from thread to thread', async (t) => {
  const { port1, port2 } = new MessageChannel()
  const tls = server()
  const worker = new Worker(new URL('./message-port.fixture.js', import.meta.url), {
    workerData: { port: port2, behaviour: 'tls', tls: { cert: tls.cert, key: tls.key } },
    transferList: [port2],
  })
  const exited = once(worker, 'exit')
  t.defer(() => worker.terminate())
  const context = t.own(createContext({ ca: root().cert }))
  const sent = pattern(3 << 20)
  const received: Uint8Array[] = []
  const error = await new Promise((resolve) => {
    const poller = new Poller(context.createEngine({ role: 'client', servername: HOST }), messagePort(port1), {
      onSecure: () => (poller.write(sent), poller.closeWrite()),
      onPlaintext: (chunk) => void received.push(chunk),
      onClose: resolve,
    })
  })
  assert.is(error, undefined)
  assert.is(Buffer.compare(concat(received), sent), 0)
  assert.equal(await exited, [0]) // nothing keeps it alive
})

test('chunks are transferred where they fill their buffer, and copied where not', async (t) => {
  const { port } = echoThread(t, 'echo')
  const listener = new Listener(messagePort(port))
  const whole = pattern(1000)
  listener.transport.write(whole)
  assert.is(whole.length, 0)
  const part = pattern(3000).subarray(1000, 2000)
  listener.transport.write(part)
  assert.is(part.length, 1000)
  const pooled = Buffer.from('pooled')
  listener.transport.write(pooled)
  assert.is(pooled.toString(), 'pooled')
  listener.transport.end()
  await listener.until('closed')
  assert.equal(new Uint8Array(concat(listener.chunks)), concat([pattern(1000), pattern(3000).slice(1000, 2000), new TextEncoder().encode('pooled')]))
})

for (const behaviour of ['exits', 'dies'] as const) {
  test(`a thread that ${behaviour} without a word is told as ECONNRESET`, async (t) => {
    const { port } = echoThread(t, behaviour)
    const listener = new Listener(messagePort(port))
    await listener.until('error')
    assert.is(listener.error?.code, 'ECONNRESET')
  })
}

test('both ports are closed once both directions have ended', async () => {
  const { port1, port2 } = new MessageChannel()
  const closed = Promise.all([once(port1, 'close'), once(port2, 'close')])
  const [a, b] = [new Listener(messagePort(port1)), new Listener(messagePort(port2))]
  a.transport.end()
  await b.until('eof')
  b.transport.end()
  await closed
  assert.equal([a.log, b.log], [['eof', 'closed'], ['eof', 'closed']])
})

for (const { name, peerEnds, last } of [
  { name: 'closed the port in good order', peerEnds: true, last: 'closed' },
  { name: 'reset', peerEnds: false, last: 'error' },
]) {
  test(`a pause holds what the other side said before it ${name}`, async () => {
    const { port1, port2 } = new MessageChannel()
    const closed = once(port2, 'close')
    const [a, b] = [new Listener(messagePort(port1)), new Listener(messagePort(port2))]
    b.transport.pause()
    if (peerEnds) b.transport.end()
    a.transport.write(pattern(100))
    a.transport.end()
    if (peerEnds) await a.until('closed')
    a.transport.reset()
    for (let i = 0; i < 20; i++) await nextTurn()
    assert.equal(b.log, [])
    b.transport.resume()
    await b.until(last)
    assert.equal(b.log, ['chunk', 'eof', last])
    await closed
  })
}
