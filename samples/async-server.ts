// The asynchronous server. One event loop serves all connections: each has its own engine and poller, and none waits for another.
// It answers HTTP/1.1 200 to each, and tells how each ended: closed cleanly, by close_notify from both sides; aborted, by a client that
// went away without a word; or failed, for example by a handshake that came to nothing.
//
//   npm run -s sample -- async-server 4433
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createContext, version, type Agreed, type TlsError } from 'membio'
import { nodeSocket, Poller, type PollerEvent } from 'membio/transport'
import { developmentIdentity, onInterrupt, printEvent, readOptions } from './support.ts'

const options = readOptions(
  'async-server PORT',
  ['cert', 'key', 'ca', 'trace'],
  'Answers HTTP/1.1 200 to every connection. PORT 0 takes a free one. Ctrl-C ends it.',
)
const { ca, trace } = options
const { cert, key } = options.cert || options.key ? options : developmentIdentity()
const LONGEST_REQUEST = 16_384

// All connections share the context: the certificate is parsed once.
const context = createContext({ cert, key, ca })
const open = new Set<Poller>()
let accepted = 0

function accept(socket: Socket): void {
  const name = `#${++accepted}`
  const engine = context.createEngine({ role: 'server', clientCertificate: ca ? 'require' : 'none', trace })
  let request = ''
  let answered = false

  function readRequest(chunk: Uint8Array): void {
    if (answered) return
    request += Buffer.from(chunk).toString('latin1')
    answered = request.includes('\r\n\r\n') || request.length > LONGEST_REQUEST
    if (!answered) return
    poller.write(answerTo(engine.agreed!))
    poller.closeWrite() // our close_notify. Then we listen on: the client's tells that it has got everything
  }

  function closed(error?: TlsError): void {
    open.delete(poller)
    console.log(`${name} ${howItEnded(answered, error)}`)
  }

  const handlers = {
    onEvent: trace ? (event: PollerEvent) => printEvent(event, name) : undefined,
    onPlaintext: readRequest,
    onEnd: () => poller.close(),
    onClose: closed,
  }
  const poller = new Poller(engine, nodeSocket(socket), handlers, { deadlines: { handshake: 10_000, idle: 60_000 } })
  open.add(poller)
}

function answerTo({ version: protocol, cipherSuite, group, servername }: Agreed): string {
  const agreed = `${protocol}, ${cipherSuite.name}, ${group}`
  const body = `hello from ${version()}\n${agreed}\nyou asked for ${servername ?? 'nobody in particular'}\n`
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}

function howItEnded(answered: boolean, error?: TlsError): string {
  if (!error) return 'closed cleanly'
  const { kind, code, message } = error
  if (answered && code === 'ERR_TLS_TRUNCATED') return 'answered; then the client left without close_notify'
  return `${kind === 'closed' || kind === 'io' ? 'aborted' : 'failed'}: ${code}: ${message}`
}

const server = createServer(accept)
server.listen(options.port, () => console.log(`listening on localhost:${(server.address() as AddressInfo).port}`))

onInterrupt(() => {
  server.close()
  for (const poller of open) poller.close()
})
