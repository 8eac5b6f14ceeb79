// membio/streams with servers that turn to TLS inside their protocol, as docs/streams.md says: PostgreSQL and SMTP. With --tls native nothing
// changes.
import { certificates, factsOf } from '../rows.ts'
import * as assert from 'uvu/assert'
import { connect, type PlainSocket, type TlsSocket } from '../../../src/streams/index.ts'
import { postfix } from '../servers/postfix.ts'
import { postgres } from '../servers/postgres.ts'
import { expectRejection } from '../../support/expect.ts'
import { suite, type Case } from '../../support/suite.ts'

const row = suite('streams')
const { ca, wrongCa } = certificates

/** Writes, then reads until the answer is whole, and gives the locks back. */
async function ask(socket: PlainSocket | TlsSocket, question: Uint8Array | string, whole: RegExp): Promise<string> {
  const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()]
  await writer.write(typeof question === 'string' ? Buffer.from(question) : question)
  let answer = ''
  while (!whole.test(answer)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the end, after ${JSON.stringify(answer)}`)
    answer += Buffer.from(value).toString('latin1')
  }
  writer.releaseLock()
  reader.releaseLock()
  return answer
}

function dial(t: Case, port: number): PlainSocket {
  const socket = connect({ hostname: 'localhost', port }, { secureTransport: 'starttls', ca })
  t.defer(() => socket.close().catch(() => {}))
  return socket
}

/** Length, and the number that stands for the wish. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

row('PostgreSQL: SSLRequest, then a startup message over TLS', async (t) => {
  const socket = dial(t, factsOf(postgres).port)
  assert.is(await ask(socket, SSL_REQUEST, /./), 'S')
  const secured = socket.startTls()
  t.defer(() => secured.close().catch(() => {}))
  const { version, authorized } = await secured.opened
  assert.equal([version, authorized], ['TLSv1.3', true])
  const fields = Buffer.from('\0\x03\0\0user\0scram\0database\0postgres\0\0', 'latin1')
  const startup = Buffer.concat([new Uint8Array([0, 0, 0, fields.length + 4]), fields])
  assert.match(await ask(secured, startup, /\0\0$/), /^R[^]*SCRAM-SHA-256/)
})

row('PostgreSQL of another CA: refused', async (t) => {
  const socket = dial(t, factsOf(postgres).port)
  await ask(socket, SSL_REQUEST, /S/)
  await expectRejection(socket.startTls({ ca: wrongCa }).opened, { kind: 'certificate' })
})

const WHOLE = /^\d{3} .*\r\n$/m

row('SMTP: STARTTLS, and EHLO again', async (t) => {
  const socket = dial(t, factsOf(postfix).startTlsPort)
  await ask(socket, '', WHOLE)
  assert.match(await ask(socket, 'EHLO membio.test\r\n', WHOLE), /STARTTLS/)
  assert.match(await ask(socket, 'STARTTLS\r\n', WHOLE), /^220 /)
  const secured = socket.startTls()
  t.defer(() => secured.close().catch(() => {}))
  assert.is((await secured.opened).servername, 'localhost')
  assert.not.match(await ask(secured, 'EHLO membio.test\r\n', WHOLE), /STARTTLS/)
  assert.match(await ask(secured, 'QUIT\r\n', WHOLE), /^221 /)
})
