// What moves over a blocking connection, and how it ends.
import * as assert from 'uvu/assert'
import { createContext, liveHandles } from '../../src/index.ts'
import { connectSync, type SyncConnection } from '../../src/sync/index.ts'
import { root, server } from '../support/certs.ts'
import { concat } from '../support/chunk.ts'
import { expectThrow } from '../support/expect.ts'
import { missing, opensslServer } from '../support/peers.ts'
import { pattern } from '../support/random.ts'
import { suite, type Case } from '../support/suite.ts'
import { EXCHANGED, PARTS, sha256 } from './node-peer.ts'
import { nodeServer } from './peers.ts'

const open = (t: Case, port: number, timeout = 10_000): SyncConnection =>
  t.own(connectSync({ host: '127.0.0.1', servername: 'localhost', port, ca: root().cert, timeout }))

function readToEnd(connection: SyncConnection): Uint8Array {
  const chunks: Uint8Array[] = []
  for (let chunk; (chunk = connection.read()); ) chunks.push(chunk)
  return concat(chunks)
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

const moves = suite('sync: bytes')

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  moves(`10 MiB each way, with a half-close between them, ${version}`, async (t) => {
    const connection = open(t, await nodeServer(t, 'exchange', { maxVersion: version }))
    const part = pattern(EXCHANGED, PARTS.connecting)
    connection.write(part)
    connection.closeWrite()
    expectThrow(() => connection.write('more'), { kind: 'usage', message: 'writePlaintext after closeWrite' })
    const answer = readToEnd(connection)
    assert.is(text(answer.subarray(0, 64)), sha256(part))
    assert.is(sha256(answer.subarray(64)), sha256(pattern(EXCHANGED, PARTS.accepting)))
  })
}

moves('one byte at a time on the wire', async (t) => {
  const connection = open(t, await nodeServer(t, 'bytewise'))
  const sent = pattern(3000)
  connection.write(sent)
  connection.closeWrite()
  assert.equal(readToEnd(connection), sent)
})

moves('reads what is there, and no more than asked for', async (t) => {
  const connection = open(t, await nodeServer(t, 'goodbye'))
  const pieces: string[] = []
  for (let chunk; (chunk = connection.read(3)); ) pieces.push(text(chunk))
  assert.equal(pieces, ['goo', 'dby', 'e'])
  assert.is(connection.read(), undefined, 'and again')
  connection.write('still open in our direction')
})

moves('many small writes and reads', async (t) => {
  const connection = open(t, await nodeServer(t, 'echo'))
  for (let i = 0; i < 500; i++) {
    const line = `line ${i}\n`
    connection.write(line)
    for (let got = ''; got !== line; ) got += text(connection.read())
  }
})

moves.unless(missing('openssl'))('openssl s_server -www answers and says goodbye', async (t) => {
  const { port } = await opensslServer(t, { identity: server(), args: ['-www'] })
  const connection = open(t, port)
  connection.write('GET / HTTP/1.0\r\n\r\n')
  assert.match(text(readToEnd(connection)), 'HTTP/1.0 200 ok')
})

const ends = suite('sync: how it ends')

ends('truncation is told after everything that came before', async (t) => {
  const connection = open(t, await nodeServer(t, 'truncate'))
  assert.is(text(connection.read()), 'partial')
  const error = expectThrow(() => connection.read(), { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
  assert.is(expectThrow(() => connection.read(), {}), error, 'and stays')
})

ends('a reset, too', async (t) => {
  const connection = open(t, await nodeServer(t, 'reset'))
  assert.is(text(connection.read()), 'partial')
  const error = expectThrow(() => connection.read(), { kind: 'io', code: 'ECONNRESET' })
  assert.is(expectThrow(() => connection.read(), {}), error)
  assert.is(expectThrow(() => connection.write('x'), {}), error)
})

ends('a read that runs out of time can be repeated', async (t) => {
  const connection = open(t, await nodeServer(t, 'late'), 300)
  expectThrow(() => connection.read(), { kind: 'io', code: 'ERR_TLS_READ_TIMEOUT', message: 'reading met a silence longer than 300 ms' })
  assert.is(text(connection.read()), 'late')
  assert.is(connection.read(), undefined)
})

ends('a write that runs out of time cannot', async (t) => {
  const connection = open(t, await nodeServer(t, 'deaf'), 300)
  const error = expectThrow(() => connection.write(new Uint8Array(32 << 20)), { kind: 'io', code: 'ERR_TLS_WRITE_TIMEOUT' })
  assert.is(expectThrow(() => connection.write('more'), {}), error)
  assert.is(expectThrow(() => connection.closeWrite(), {}), error)
})

ends('close is quiet, and can be called again; after it nothing can be called', async (t) => {
  const context = t.own(createContext({ ca: root().cert }))
  const before = liveHandles()
  const connection = connectSync({ host: 'localhost', port: await nodeServer(t, 'echo'), context })
  connection.close()
  connection.close()
  assert.is(liveHandles(), before)
  assert.is(connection.agreed.authorized, true)
  expectThrow(() => connection.read(), { kind: 'usage', message: 'read after close' })
  expectThrow(() => connection.write('x'), { kind: 'usage', message: 'write after close' })
})

ends('close waits only so long for a peer that goes on and on', async (t) => {
  const connection = open(t, await nodeServer(t, 'flood'))
  const began = performance.now()
  connection.close(200)
  assert.ok(performance.now() - began < 1500)
})

ends('close waits only so long for a peer that does not answer', async (t) => {
  const connection = open(t, await nodeServer(t, 'deaf'))
  const began = performance.now()
  connection.close(200)
  const took = performance.now() - began
  assert.ok(took >= 190 && took < 1500, `${took} ms`)
})

ends('a connection that the program has dropped is given up by the garbage collector', async (t) => {
  const port = await nodeServer(t, 'resets')
  const drop = () => void connectSync({ host: '127.0.0.1', servername: 'localhost', port, ca: root().cert })
  const ask = () => {
    const connection = open(t, port)
    const answer = text(connection.read())
    connection.close()
    return answer
  }
  drop()
  while (ask() !== '1') {
    globalThis.gc!()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})
