// membio/http2 itself: connect, many streams at once, and a session of an earlier connection.
import { newestSocket, rows } from '../rows.ts'
import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { buffer } from 'node:stream/consumers'
import * as assert from 'uvu/assert'
import { http2, webRows, type Way } from '../web.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('http2')

/**
 * node:http2 keeps no more than 10 MB by default, which five large bodies exceed. For as long as the session lasts, its errors are those of
 * its streams as well.
 */
function connect(t: Case, { port, tls }: Way, session?: Buffer): ClientHttp2Session {
  const made = http2.connect(`https://localhost:${port}`, { ...tls, session, maxSessionMemory: 64 })
  made.on('error', () => {})
  t.defer(() => made.destroy())
  return made
}

async function ask(session: ClientHttp2Session, path: string, body?: Buffer): Promise<Buffer> {
  const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET' }, { endStream: !body })
  if (body) stream.end(body)
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
  assert.is(headers[':status'], 200)
  return buffer(stream)
}

webRows(row, '', {
  protocol: 'HTTP/2.0',
  open(t, way) {
    const one = way.connections === 'one' ? connect(t, way) : undefined
    if (one) return (path, body) => ask(one, path, body)
    let ticket: Buffer | undefined
    return async (path, body) => {
      const session = connect(t, way, ticket)
      newestSocket().on('session', (given: Buffer) => (ticket = given))
      const answer = await ask(session, path, body)
      await new Promise<void>((resolve) => session.close(resolve))
      return answer
    }
  },
})
