// The asynchronous client. It connects without blocking and lets the Poller drive the handshake: on WANT_READ it waits until the
// socket is readable, on WANT_WRITE until it is writable, and nothing ever stands still. Then it sends an HTTP request and prints
// the first 256 bytes of the answer.
//
//   npm run -s sample -- async-client localhost 4433 --ca ca.pem
import { connect } from 'node:net'
import { createContext, type TlsError } from 'membio'
import { nodeSocket, Poller } from 'membio/transport'
import { fail, hostHeader, printAgreed, printEvent, readOptions } from './support.ts'

const { host, port, servername = host, trace, ...settings } = readOptions(
  'async-client HOST PORT',
  ['ca', 'cert', 'key', 'servername', 'alpn', 'trace'],
  'Connects, shakes hands, sends an HTTP request and prints the first 256 bytes of the answer.',
)
const WANTED = 256

// The context is what connections share: whom to trust, and who we are. Without `ca` it trusts the roots that Node comes with.
const context = createContext({ ca: settings.ca, cert: settings.cert, key: settings.key, alpn: settings.alpn })
// The engine is one connection: OpenSSL on two memory BIOs. It knows no socket.
const engine = context.createEngine({ role: 'client', servername, trace })
// The poller joins the two: what the socket delivers goes into the engine, what the engine has to say goes out.
const handlers = {
  onEvent: trace ? printEvent : undefined,
  onSecure: sendRequest,
  onPlaintext: collectAnswer,
  onEnd: () => poller.close(),
  onClose: finish,
}
const poller = new Poller(engine, nodeSocket(connect(port, host)), handlers, { deadlines: { idle: 30_000 } })
let answer = Buffer.alloc(0)

function sendRequest(): void {
  printAgreed(engine.agreed!)
  poller.write(`GET / HTTP/1.1\r\nHost: ${hostHeader(host, port)}\r\nConnection: close\r\n\r\n`)
}

function collectAnswer(chunk: Uint8Array): void {
  answer = Buffer.concat([answer, chunk])
  if (answer.length >= WANTED) poller.close()
}

/** Called once, whatever happened: without an error, both sides have said goodbye. */
function finish(error?: TlsError): void {
  context.free()
  const shown = answer.subarray(0, WANTED)
  if (shown.length) console.log(`\nthe answer, first ${shown.length} bytes:\n${shown.toString('latin1')}`)
  if (error) fail(error)
}
