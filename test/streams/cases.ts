// What every socket of membio/streams must do as a client, whatever runtime and transport it stands on. No module of a runtime is imported
// here: the stage brings the connections.
import type { TlsError } from '../../src/index.ts'
import type { ClientOptions, TlsSocket } from '../../src/streams/index.ts'
import * as assert from 'uvu/assert'
import { concat } from '../support/chunk.ts'
import { expectError, expectRejection, sameBytes } from '../support/expect.ts'
import { pattern } from '../support/random.ts'
import type { Case, Suite } from '../support/suite.ts'

/** Where the client's cases play. */
export interface Stage {
  /**
   * A client of a server that sends back what it gets, and says goodbye when the client has. Its certificate is good for `servername`, and asks
   * for one of the client, which it may do without.
   */
  dial(t: Case, options: ClientOptions): TlsSocket | Promise<TlsSocket>
  servername: string
  ca: string
  /** Has signed for nobody. */
  strangeCa: string
  /** CN=client.test */
  client: { cert: string; key: string }
  /** The pipe lets us hold the peer back, which a WebSocket does not. */
  holdsBack?: boolean
}

const MiB = 1_048_576
const encode = (text: string) => new TextEncoder().encode(text)

/** All that comes, to the end. */
export async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  const reader = readable.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
  return concat(chunks)
}

/** So many bytes, by a reader that stays locked. */
export async function readBytes(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for (let length = 0; length < count; ) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the end after ${length} bytes of ${count}`)
    chunks.push(value)
    length += value.length
  }
  return concat(chunks)
}

export function clientCases(test: Suite, stage: Stage): void {
  const open = async (t: Case, options: ClientOptions = {}): Promise<TlsSocket> => {
    const { ca, servername } = stage
    const socket = await stage.dial(t, { ca, servername, ...options })
    t.defer(() => socket.close().catch(() => {}))
    return socket
  }
  bytesCases(test, stage, open)
  endCases(test, open)
  abortCases(test, open)
  refusalCases(test, stage, open)
}

type Open = (t: Case, options?: ClientOptions) => Promise<TlsSocket>

function bytesCases(test: Suite, { holdsBack }: Stage, open: Open): void {
  test('a line there and back, and what was agreed on', async (t) => {
    const socket = await open(t)
    const writer = socket.writable.getWriter()
    await writer.write(encode('hello'))
    const reader = socket.readable.getReader()
    sameBytes(await readBytes(reader, 5), encode('hello'))
    const info = await socket.opened
    assert.is(info, socket.info)
    assert.is(info.authorized, true)
    assert.match(info.version, /^TLSv1\.[23]$/)
    await writer.close()
    assert.is((await reader.read()).done, true)
    await socket.closed
  })

  for (const size of [1, 1000, 16_384, 65_537, MiB]) {
    const total = size === 1 ? 2000 : 5 * MiB
    test(`${total} bytes in chunks of ${size}, there and back`, async (t) => {
      const socket = await open(t)
      const sent = pattern(total)
      const reading = readAll(socket.readable)
      const writer = socket.writable.getWriter()
      for (let at = 0; at < total; at += size) {
        await writer.ready
        writer.write(sent.slice(at, at + size)).catch(() => {})
      }
      await writer.close()
      sameBytes(await reading, sent)
      await socket.closed
    }, { deadline: 60 })
  }

  test('a buffer may be used again once its write is done', async (t) => {
    const socket = await open(t)
    const reading = readAll(socket.readable)
    const writer = socket.writable.getWriter()
    const buffer = new Uint8Array(100_000)
    for (let turn = 1; turn <= 10; turn++) await writer.write(buffer.fill(turn))
    await writer.close()
    sameBytes(await reading, concat(Array.from({ length: 10 }, (_, turn) => new Uint8Array(100_000).fill(turn + 1))))
  })

  test('reads into buffers that are brought along, of any size', async (t) => {
    const socket = await open(t)
    const sent = pattern(300_000)
    const writer = socket.writable.getWriter()
    writer.write(sent).catch(() => {})
    writer.close().catch(() => {})
    const reader = socket.readable.getReader({ mode: 'byob' })
    const parts: Uint8Array[] = []
    for (let turn = 0; ; turn++) {
      const { done, value } = await reader.read(new Uint8Array(1 + ((turn * 997) % 40_000)))
      if (done) break
      parts.push(value)
    }
    sameBytes(concat(parts), sent)
    await socket.closed
  })

  test('pipes into itself what another stream gives', async (t) => {
    const socket = await open(t)
    const reading = readAll(socket.readable.pipeThrough(new TransformStream()))
    const lines = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let line = 0; line < 1000; line++) controller.enqueue(encode(`line ${line}\n`))
        controller.close()
      },
    })
    await lines.pipeTo(socket.writable)
    assert.is(new TextDecoder().decode(await reading), Array.from({ length: 1000 }, (_, line) => `line ${line}\n`).join(''))
  })

  test('nobody reads: the writer is told to wait, and nothing is lost when somebody does', async (t) => {
    const socket = await open(t)
    await socket.opened
    const writer = socket.writable.getWriter()
    const chunk = pattern(262_144)
    let written = 0
    // The server sends back what nobody takes, and so it stops reading, and so must we.
    let stuck = false
    while (!stuck && written * chunk.length < 48 * MiB) {
      written++
      const done = writer.write(chunk).then(() => true)
      done.catch(() => {})
      stuck = !(await Promise.race([done, new Promise<false>((resolve) => setTimeout(resolve, 200, false))]))
    }
    if (holdsBack) assert.ok(stuck, 'no back-pressure after 48 MiB')
    if (stuck) assert.ok(writer.desiredSize! <= 0, `desiredSize is ${writer.desiredSize}`)
    const reader = socket.readable.getReader()
    const closing = writer.close()
    closing.catch(() => {})
    for (let turn = 0; turn < written; turn++) sameBytes(await rest(reader, chunk.length), chunk)
    await closing
    assert.is((await reader.read()).done, true)
    await socket.closed
  }, { deadline: 60 })
}

/** Exactly so many bytes, keeping what is too much for the next call. */
const kept = new WeakMap<ReadableStreamDefaultReader<Uint8Array>, Uint8Array>()
async function rest(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<Uint8Array> {
  const before = kept.get(reader) ?? new Uint8Array(0)
  const all = before.length < count ? concat([before, await readBytes(reader, count - before.length)]) : before
  kept.set(reader, all.subarray(count))
  return all.subarray(0, count)
}

function endCases(test: Suite, open: Open): void {
  test('close sends what nobody has waited for', async (t) => {
    const socket = await open(t)
    await socket.opened
    const sent = pattern(200_000)
    const writer = socket.writable.getWriter()
    const writes = [0, 1, 2, 3].map((part) => writer.write(sent.subarray(part * 50_000, (part + 1) * 50_000)))
    const closing = socket.close()
    await Promise.all(writes)
    await closing
    await expectRejection(writer.write(encode('late')), { kind: 'closed', code: 'ERR_TLS_CLOSED' })
  })

  test('close ends a read that waits', async (t) => {
    const socket = await open(t)
    await socket.opened
    const read = socket.readable.getReader().read()
    await socket.close()
    assert.is((await read).done, true)
    assert.is(await socket.closed, undefined)
  })

  test('readable is cancelled: writing goes on, and both ends close the connection', async (t) => {
    const socket = await open(t)
    const writer = socket.writable.getWriter()
    await writer.write(encode('never mind the answer'))
    await socket.readable.cancel('enough')
    for (let turn = 0; turn < 20; turn++) await writer.write(pattern(100_000))
    await writer.close()
    await socket.closed
  })

  test('`await using` closes', async (t) => {
    const socket = await open(t)
    await socket.opened
    await socket[Symbol.asyncDispose]()
    await socket.closed
  })

  test('what is no bytes is refused, and ends the connection', async (t) => {
    const socket = await open(t)
    await socket.opened
    const writer = socket.writable.getWriter()
    const expected = { kind: 'usage', code: 'ERR_TLS_USAGE', message: 'TextEncoderStream' } as const
    await expectRejection(writer.write('text' as unknown as Uint8Array), expected)
    await expectRejection(socket.closed, expected)
  })
}

function abortCases(test: Suite, open: Open): void {
  const expected = { kind: 'closed', code: 'ERR_TLS_ABORTED' } as const

  test('a signal that was aborted before', async (t) => {
    const socket = await open(t, { signal: AbortSignal.abort('too late') })
    const error = await expectRejection(socket.opened, expected)
    assert.is(error.cause, 'too late')
    await expectRejection(socket.closed, expected)
    await expectRejection(socket.readable.getReader().read(), expected)
    await expectRejection(socket.writable.getWriter().write(encode('x')), expected)
  })

  test('a signal during the handshake', async (t) => {
    const controller = new AbortController()
    const socket = await open(t, { signal: controller.signal })
    const writer = socket.writable.getWriter()
    const write = writer.write(encode('never sent'))
    write.catch(() => {})
    await Promise.resolve()
    controller.abort()
    const error = await expectRejection(socket.opened, expected)
    assert.is((error.cause as Error).name, 'AbortError')
    await expectRejection(socket.closed, expected)
    await writer.closed.catch(() => {})
  })

  test('a signal while a read waits and a write is under way', async (t) => {
    const controller = new AbortController()
    const socket = await open(t, { signal: controller.signal })
    await socket.opened
    const read = socket.readable.getReader().read()
    const write = socket.writable.getWriter().write(pattern(50 * MiB))
    read.catch(() => {})
    write.catch(() => {})
    controller.abort(new Error('the user has left'))
    await expectRejection(read, expected)
    await expectRejection(write, expected)
    await expectRejection(socket.closed, expected)
  })

  test('writable.abort gives up the connection', async (t) => {
    const socket = await open(t)
    await socket.opened
    await socket.writable.abort('changed my mind')
    const error = await expectRejection(socket.closed, expected)
    assert.is(error.cause, 'changed my mind')
    await expectRejection(socket.readable.getReader().read(), expected)
  })

  test('writable.abort during the handshake', async (t) => {
    const socket = await open(t)
    const write = socket.writable.getWriter()
    const aborting = write.abort('never mind')
    await expectRejection(socket.opened, expected)
    await expectRejection(socket.closed, expected)
    await aborting.catch(() => {})
  })

  test('close before the handshake is done: `opened` rejects, `closed` does not', async (t) => {
    const socket = await open(t)
    const write = socket.writable.getWriter().write(encode('never sent'))
    write.catch(() => {})
    await socket.close()
    await expectRejection(write, { code: 'ERR_TLS_CLOSED_IN_HANDSHAKE' })
    await expectRejection(socket.opened, { kind: 'closed', code: 'ERR_TLS_CLOSED_IN_HANDSHAKE' })
  })
}

function refusalCases(test: Suite, { strangeCa, client }: Stage, open: Open): void {
  test('a server of another CA: everything tells so', async (t) => {
    const socket = await open(t, { ca: strangeCa })
    const read = socket.readable.getReader().read()
    const write = socket.writable.getWriter().write(encode('a secret'))
    const all = await Promise.allSettled([socket.opened, socket.closed, read, write])
    const [error, ...others] = all.map((one) => (one.status === 'rejected' ? (one.reason as unknown) : undefined))
    expectError(error, { kind: 'certificate' })
    for (const other of others) assert.is(other, error)
    assert.match((error as TlsError).code, /^(UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN)$/) // it may send its root along
  })

  test('a server for another host', async (t) => {
    const socket = await open(t, { servername: 'other.test' })
    await expectRejection(socket.opened, { kind: 'certificate', code: 'HOSTNAME_MISMATCH', message: 'other.test' })
  })

  test('a decision looks at the certificate, and takes its time', async (t) => {
    let seen = 0
    const verify = async ({ ok, peerChain }: { ok: boolean; peerChain: Uint8Array[] }) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      seen = peerChain.length
      return ok ? { verdict: 'refuse' as const, cause: 'do not like it' } : {}
    }
    const socket = await open(t, { decisions: { verify } })
    const error = await expectRejection(socket.opened, { kind: 'certificate' })
    assert.is(error.cause, 'do not like it')
    assert.ok(seen > 0)
  })

  test('a client certificate, key log and sessions by `onEvent`', async (t) => {
    const events = new Set<string>()
    const socket = await open(t, { ...client, keylog: true, onEvent: ({ type }) => void events.add(type) })
    const writer = socket.writable.getWriter()
    await writer.write(encode('x'))
    await readBytes(socket.readable.getReader(), 1)
    assert.ok((await socket.opened).signatureScheme, 'our certificate was not asked for')
    assert.ok(events.has('keylog') && events.has('session'), [...events].join())
  })

  test('options that contradict each other', async (t) => {
    await expectRejection(open(t, { sni: 'another.test' }), { kind: 'usage', message: 'two words for one name' })
  })
}
