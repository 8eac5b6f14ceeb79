// samples/echo-server.ts with clients that are not ours: the same cases over TLS and over plain TCP.
import * as assert from 'uvu/assert'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { root, server } from '../support/certs.ts'
import { missing } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'
import { file, Program, rootFile, startSample } from './program.ts'

const MEBIBYTE = 1_048_576

async function startEcho(t: Case): Promise<{ program: Program; tls: number; tcp: number }> {
  const { cert, key } = server()
  const program = startSample(t, 'echo-server', '0', '0', '--cert', file(t, cert), '--key', file(t, key))
  const port = async (kind: string) => Number((await program.printed(new RegExp(`^${kind}: listening on localhost:(\\d+)$`, 'm')))[1])
  return { program, tls: await port('tls'), tcp: await port('tcp') }
}

/** Node's client for either port, ended after the case. */
function open(t: Case, kind: 'tls' | 'tcp', port: number): Socket {
  const where = { port, host: 'localhost', allowHalfOpen: true }
  const socket = kind === 'tls' ? connectTls({ ...where, ca: root().cert }) : connect(where)
  t.defer(() => socket.destroy())
  return socket
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const echo = suite('sample: echo-server')

for (const kind of ['tls', 'tcp'] as const) {
  echo(`${kind}: sends back 4 MiB to a client that has ended its side already`, async (t) => {
    const ports = await startEcho(t)
    const sent = randomBytes(4 * MEBIBYTE)
    const socket = open(t, kind, ports[kind])
    socket.end(sent)
    assert.ok(sent.equals(await readAll(socket)))
    await ports.program.printed(new RegExp(`^${kind}: closed cleanly$`, 'm'))
  })

  echo(`${kind}: takes no more from a client that does not read`, async (t) => {
    const ports = await startEcho(t)
    const sent = randomBytes(48 * MEBIBYTE)
    const socket = open(t, kind, ports[kind])
    await once(socket, kind === 'tls' ? 'secureConnect' : 'connect')
    socket.pause().end(sent)
    for (let waiting = -1; waiting !== socket.writableLength; await sleep(200)) waiting = socket.writableLength
    assert.ok(socket.writableLength > 0, 'all was taken: the server is hoarding it')
    assert.ok(sent.equals(await readAll(socket))) // nothing was lost on the way
  }, { deadline: 60 })
}

echo('both ports at once', async (t) => {
  const ports = await startEcho(t)
  const sockets = [open(t, 'tls', ports.tls), open(t, 'tcp', ports.tcp), open(t, 'tls', ports.tls)]
  const sent = sockets.map(() => randomBytes(MEBIBYTE))
  sockets.forEach((socket, i) => socket.end(sent[i]!))
  const received = await Promise.all(sockets.map(readAll))
  received.forEach((bytes, i) => assert.ok(bytes.equals(sent[i]!), `socket ${i}`))
})

echo.unless(missing('openssl'))('openssl s_client, line after line', async (t) => {
  const { tls } = await startEcho(t)
  const trust = ['-CAfile', rootFile(t), '-verify_return_error']
  const program = new Program(t, 'openssl', ['s_client', '-connect', `localhost:${tls}`, '-quiet', ...trust])
  for (const line of ['first', 'second']) {
    program.write(`${line}\n`)
    await program.printed(new RegExp(`^${line}$`, 'm'))
  }
})

echo.unless(missing('gnutls-cli'))('gnutls-cli, line after line', async (t) => {
  const { program: server, tls } = await startEcho(t)
  const program = new Program(t, 'gnutls-cli', ['--x509cafile', rootFile(t), '-p', String(tls), 'localhost'])
  program.write('hello\n')
  await program.printed(/^hello$/m)
  assert.is((await program.end()).code, 0)
  await server.printed(/^tls: closed cleanly$/m)
})

echo('a client that dies is reported, and harms nobody', async (t) => {
  const ports = await startEcho(t)
  const socket = open(t, 'tls', ports.tls)
  await once(socket, 'secureConnect')
  socket.destroy()
  await ports.program.printed(/^tls: (ERR_TLS_TRUNCATED|ECONNRESET): /m)
  const next = open(t, 'tls', ports.tls)
  next.end('still there?')
  assert.is(String(await readAll(next)), 'still there?')
})

echo('SIGINT leaves with 0, with connections open', async (t) => {
  const ports = await startEcho(t)
  const sockets = [open(t, 'tls', ports.tls), open(t, 'tcp', ports.tcp)]
  await Promise.all([once(sockets[0]!, 'secureConnect'), once(sockets[1]!, 'connect')])
  for (const socket of sockets) socket.resume().on('end', () => socket.end())
  const { code, stderr } = await ports.program.kill('SIGINT')
  assert.is(code, 0, stderr)
})
