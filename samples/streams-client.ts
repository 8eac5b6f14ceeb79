// A client on WHATWG streams, as one would write it for a browser or a Worker: what it reads from its input goes to the server, and what
// the server answers is printed; both at once, each at the other's pace. With --starttls it speaks SMTP first, and then turns to TLS.
//
//   npm run -s sample -- streams-client localhost 4433 --ca ca.pem
//   npm run -s sample -- streams-client mail.example.com 587 --starttls
import { Readable } from 'node:stream'
import { connect, type PlainSocket, type TlsSocket } from 'membio/streams'
import { fail, printAgreed, printEvent, readOptions } from './support.ts'

const { host, port, starttls, trace, ...settings } = readOptions(
  'streams-client HOST PORT',
  ['ca', 'cert', 'key', 'servername', 'alpn', 'starttls', 'trace'],
  'Connects, sends what it reads, prints what it gets. The end of its input is its goodbye.',
)
const options = { ...settings, trace, onEvent: trace ? printEvent : undefined }
const address = { hostname: host, port }

/** RFC 3207: a greeting, EHLO, STARTTLS. Each answer ends with a line that has a space behind its number. */
async function startTlsBySmtp(): Promise<TlsSocket> {
  const socket = connect(address, { ...options, secureTransport: 'starttls' })
  await answerTo(socket, '', '220')
  await answerTo(socket, 'EHLO membio.example\r\n', '250')
  await answerTo(socket, 'STARTTLS\r\n', '220')
  return socket.startTls() // the locks on both streams have been given back
}

async function answerTo(socket: PlainSocket, command: string, expected: string): Promise<void> {
  const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()]
  await writer.write(new TextEncoder().encode(command))
  let answer = ''
  while (!/^\d{3} .*\r\n$/m.test(answer)) {
    const { done, value } = await reader.read()
    if (done) throw new Error('the server has hung up')
    answer += new TextDecoder().decode(value)
  }
  if (!answer.startsWith(expected)) throw new Error(`the server says ${answer}`)
  reader.releaseLock()
  writer.releaseLock()
}

try {
  const socket = starttls ? await startTlsBySmtp() : connect(address, options)
  printAgreed(await socket.opened)
  const input = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>
  const sending = input.pipeTo(socket.writable) // whose end is our close_notify
  sending.catch(() => process.stdin.destroy()) // nobody listens any more: `closed` tells why
  for await (const chunk of socket.readable) process.stdout.write(chunk)
  await socket.closed
  process.stdin.destroy()
} catch (error) {
  process.stdin.destroy()
  fail(error as Error)
}
