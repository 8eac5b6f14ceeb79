// The blocking server: it serves one connection after the other, line after line. It answers HTTP/1.1 200 to each, and tells how each
// ended: cleanly, by close_notify from both sides; aborted, by a peer that went away without a word; or failed, by a handshake that
// came to nothing.
//
//   npm run -s sample -- sync-server 4433
import { TlsError, version, type Agreed } from 'membio'
import { listenSync, type SyncConnection } from 'membio/sync'
import { developmentIdentity, printEvent, readOptions } from './support.ts'

const options = readOptions(
  'sync-server PORT',
  ['cert', 'key', 'ca', 'trace'],
  'Answers HTTP/1.1 200 to one connection after the other. PORT 0 takes a free one. Ctrl-C ends it.',
)
const { port, ca, trace } = options
const { cert, key } = options.cert || options.key ? options : developmentIdentity()
const LONGEST_REQUEST = 16_384

// While we serve one client the others wait, so a slow one gets ten seconds.
const clientCertificate = ca ? 'require' : 'none'
const listener = listenSync({ port, cert, key, ca, clientCertificate, timeout: 10_000, trace, onEvent: trace ? printEvent : undefined })
console.log(`listening on localhost:${listener.port}`)

for (let number = 1; ; number++) {
  console.log(`#${number} ${serveNext()}`)
}

/** Tells how it ended. */
function serveNext(): string {
  try {
    serve(listener.accept())
    return 'closed cleanly'
  } catch (error) {
    if (!(error instanceof TlsError)) throw error
    return `${error.kind === 'closed' || error.kind === 'io' ? 'aborted' : 'failed'}: ${error.code}: ${error.message}`
  }
}

function serve(connection: SyncConnection): void {
  try {
    let request = ''
    while (!request.includes('\r\n\r\n') && request.length < LONGEST_REQUEST) {
      const chunk = connection.read()
      if (!chunk) return // goodbye without a question
      request += Buffer.from(chunk).toString('latin1')
    }
    connection.closeWrite(answerTo(connection.agreed)) // with our close_notify behind it
    // We listen on: the client's close_notify tells that it has got everything.
    while (connection.read());
  } finally {
    connection.close()
  }
}

function answerTo({ version: protocol, cipherSuite, group, servername }: Agreed): string {
  const name = servername ?? 'nobody in particular'
  const body = `hello from ${version()}\n${protocol}, ${cipherSuite.name}, ${group}\nyou asked for ${name}\n`
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}
