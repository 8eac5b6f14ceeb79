// The blocking client: the same as async-client, line after line. Each call returns when it is done and not before; a thread in the
// background looks after the socket meanwhile. For scripts, for tests, and to see what TLS is about without an event loop.
//
//   npm run -s sample -- sync-client localhost 4433 --ca ca.pem
import { connectSync } from 'membio/sync'
import { printAgreed, printEvent, readOptions } from './support.ts'

const { host, port, trace, ...options } = readOptions(
  'sync-client HOST PORT',
  ['ca', 'cert', 'key', 'servername', 'alpn', 'trace'],
  'Connects, shakes hands, sends an HTTP request and prints the first 256 bytes of the answer.',
)
const WANTED = 256

// TCP and TLS in one call. Whatever goes wrong, here and below, is thrown as a TlsError.
const connection = connectSync({ host, port, trace, ...options, onEvent: trace ? printEvent : undefined })
printAgreed(connection.agreed)

let answer = Buffer.alloc(0)
try {
  connection.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  while (answer.length < WANTED) {
    const chunk = connection.read()
    if (!chunk) break // the server has said goodbye
    answer = Buffer.concat([answer, chunk])
  }
} finally {
  connection.close()
  const shown = answer.subarray(0, WANTED)
  if (shown.length) console.log(`\nthe answer, first ${shown.length} bytes:\n${shown.toString('latin1')}`)
}
