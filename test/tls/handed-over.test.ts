// What a program may do to a socket after it has handed it to tls.connect. In Node the handle is gone from under it, so drivers have come
// to clear it; the connection must not care.
import { once } from 'node:events'
import * as net from 'node:net'
import type { AddressInfo } from 'node:net'
import * as tls from 'node:tls'
import * as assert from 'uvu/assert'
import { connect } from '../../src/tls/index.ts'
import { HOST, root, server } from '../support/certs.ts'
import { suite, type Case } from '../support/suite.ts'

const test = suite('tls: a socket that was handed over')

/** Node's own TLS, which sends back what it gets. @returns a connection to it, still without TLS */
async function plainConnection(t: Case): Promise<net.Socket> {
  const echo = tls.createServer(server(), (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  t.defer(() => echo.close())
  await once(echo, 'listening')
  const raw = net.connect((echo.address() as AddressInfo).port, '127.0.0.1')
  t.defer(() => raw.destroy())
  await once(raw, 'connect')
  return raw
}

const CLEARED: { name: string; events: string[] }[] = [
  { name: "the listeners of 'data'", events: ['data'] },
  { name: 'those of each event', events: ['data', 'end', 'error', 'close', 'drain'] },
]

for (const { name, events } of CLEARED) {
  test(`${name} are cleared`, (t) => echoAfter(t, (raw) => events.forEach((event) => raw.removeAllListeners(event))))
}
test('all its listeners are cleared', (t) => echoAfter(t, (raw) => raw.removeAllListeners()))
test('all its listeners are cleared after the handshake', (t) => echoAfter(t, () => {}, (raw) => raw.removeAllListeners()))

/** @param before right after `connect`; @param after once the connection is secure */
async function echoAfter(t: Case, before: (raw: net.Socket) => unknown, after: (raw: net.Socket) => unknown = () => {}): Promise<void> {
  const raw = await plainConnection(t)
  const socket = connect({ socket: raw, ca: root().cert, servername: HOST })
  before(raw)
  await once(socket, 'secureConnect')
  after(raw)
  const closed = once(socket, 'close')
  socket.end('hello')
  const chunks: Uint8Array[] = []
  for await (const chunk of socket) chunks.push(chunk as Uint8Array)
  assert.is(String(Buffer.concat(chunks)), 'hello')
  await closed
  assert.ok(raw.destroyed)
}
