// Errors of connections, as programs see them at both ends: failed handshakes, other protocols on the port, alerts, broken records.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import * as assert from 'uvu/assert'
import type { Case } from '../../support/suite.ts'
import { ALERTS, errorRows, wireRows, type End } from './error-rows.ts'
import { alert, disconnected, matchError, ssl, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { attempt, cuttable, dial, dialPlain, listen, suiteOf, type AnyError } from './server-support.ts'
import { has, type Subject } from './subject.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

export function errorTableSuite(subject: Subject): void {
  handshakeSuite(subject)
  wireSuite(subject)
  alertSuite(subject)
  brokenSuite(subject)
}

function handshakeSuite(subject: Subject): void {
  for (const maxVersion of VERSIONS) {
    const test = suiteOf(subject, `errors of handshakes, ${maxVersion}`)
    for (const { situation, server, client, expected } of errorRows(subject, maxVersion)) {
      test(situation, async (t) => {
        const outcome = await attempt(t, subject, await listen(t, subject, { maxVersion, ...server }), client)
        matchEnd(outcome.client.secure, outcome.client.error, expected.client)
        matchEnd(outcome.server.secure, outcome.server.error, expected.server)
      })
    }
  }
}

/** An alert may come to an end that is secure by then. */
function matchEnd(secure: boolean, error: AnyError | undefined, expected: End): void {
  if (!('secure' in expected)) matchError(error, expected)
  else if (expected.or && error) matchError(error, expected.or)
  else assert.is(secure, true)
}

/** A server that is none of TLS: it answers the first chunk with these bytes. */
async function answering(t: Case, answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    t.defer(() => socket.destroy())
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  t.defer(() => new Promise((resolve) => server.close(resolve)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function wireSuite(subject: Subject): void {
  const test = suiteOf(subject, 'errors of what is no TLS')

  for (const [name, bytes, server, client] of wireRows(subject)) {
    test(`a client sends ${name}`, async (t) => {
      const listening = await listen(t, subject)
      const socket = dialPlain(t, listening.port)
      socket.resume().write(bytes)
      matchError(await listening.failure(), server)
      await once(socket, 'close')
    })

    test(`a server sends ${name}`, async (t) => {
      const dialled = dial(t, subject, await answering(t, (socket) => socket.write(bytes)))
      matchError(await dialled.close(), client)
    })
  }

  const gone: [string, (socket: Socket) => void, ExpectedError][] = [
    ['ends without an answer', (socket) => socket.end(), disconnected],
    ['ends within its answer', (socket) => socket.end(Buffer.from('160303', 'hex')), disconnected],
    ['resets', (socket) => void socket.resetAndDestroy(), { code: 'ECONNRESET', message: 'read ECONNRESET', fields: { syscall: 'read' } }],
  ]
  for (const [name, leave, error] of gone) {
    test(`a server ${name}`, async (t) => {
      const port = await answering(t, leave)
      const dialled = dial(t, subject, port)
      matchError(await dialled.close(), error)
      if (error === disconnected) assert.is((dialled.error as AnyError).port, port)
    })
  }
}

function alertSuite(subject: Subject): void {
  const test = suiteOf(subject, 'errors of alerts received')

  for (const [number, name, prefix] of ALERTS) {
    const error = prefix === 'tlsv1 extension' ? ssl(`tlsv1 ${name}`) : alert(subject, name, prefix)
    test(`${number}: ${name}`, async (t) => {
      const port = await answering(t, (socket) => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, number])))
      const dialled = dial(t, subject, port)
      matchError(await dialled.close(), { ...error, message: new RegExp(`:${error.reason}:.*:SSL alert number ${number}\n$`) })
    })
  }

  test('0: the server leaves in good order', async (t) => {
    const port = await answering(t, (socket) => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 1, 0])))
    matchError(await dial(t, subject, port).close(), disconnected)
  })
}

/** What comes after the handshake and is no record of this connection. */
function brokenSuite(subject: Subject): void {
  const modern = has(subject, DIFFERENCES.openssl35)
  const record = (length: number, ...bytes: Buffer[]) => Buffer.concat([Buffer.from([0x17, 3, 3, length >> 8, length & 0xff]), ...bytes])
  const badMac = { server: ssl('decryption failed or bad record mac'), client: alert(subject, 'bad record mac', 'ssl/tls') }
  const tooLong = {
    server: ssl(modern ? 'encrypted length too long' : 'packet length too long'),
    client: alert(subject, 'record overflow', 'tlsv1'),
  }
  const wrongVersion = { server: ssl('wrong version number'), client: alert(subject, 'protocol version', 'tlsv1') }
  const wrongType = modern ? { server: ssl('bad record type'), client: alert(subject, 'unexpected message', 'ssl/tls') } : wrongVersion
  const gcm = { ...badMac, server: { ...ssl('cipher operation failed'), library: 'Provider routines' } }

  const rows: [string, Buffer, Record<(typeof VERSIONS)[number], typeof badMac>][] = [
    ['a record of somebody else', record(48, Buffer.alloc(48)), { 'TLSv1.2': gcm, 'TLSv1.3': badMac }],
    ['a record that is too long', record(0xffff, Buffer.alloc(48)), { 'TLSv1.2': tooLong, 'TLSv1.3': tooLong }],
    ['what is no record', Buffer.from('GET / HTTP/1.1\r\n\r\n'), { 'TLSv1.2': wrongVersion, 'TLSv1.3': wrongType }],
  ]
  for (const maxVersion of VERSIONS) {
    const test = suiteOf(subject, `errors of broken connections, ${maxVersion}`)
    for (const [name, bytes, expected] of rows) {
      test(name, async (t) => {
        const listening = await listen(t, subject, { maxVersion })
        const wire = await cuttable(t, listening.port)
        const client = await dial(t, subject, wire.port).handshake()
        const server = await listening.accept()
        server.socket.write('all is well')
        await client.until(() => client.text === 'all is well')
        wire.upstream().write(bytes)
        matchError(await server.failure(), expected[maxVersion].server)
        matchError(await client.failure(), expected[maxVersion].client)
        assert.is(listening.errors.length, 0)
      })
    }

    test('the end without a word from TLS is an end', async (t) => {
      const listening = await listen(t, subject, { maxVersion })
      const wire = await cuttable(t, listening.port)
      const client = await dial(t, subject, wire.port).handshake()
      const server = await listening.accept()
      server.socket.write('all is well')
      await client.until(() => client.text === 'all is well')
      wire.upstream().end()
      assert.is(await server.close(), undefined)
      assert.is(server.ended, true)
    })
  }
}
