// An echo server on two ports of one event loop: the first speaks TLS, the second plain TCP. Both send back what they receive, and
// both do it right: who does not read gets no more (back-pressure), and who ends its side still gets the rest (half-close).
//
//   npm run -s sample -- echo-server 4433 4434
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createContext, type TlsError } from 'membio'
import { nodeSocket, Poller } from 'membio/transport'
import { developmentIdentity, onInterrupt, printEvent, readOptions } from './support.ts'

const options = readOptions(
  'echo-server PORT PLAIN_PORT',
  ['cert', 'key', 'ca', 'trace'],
  'Sends back what it receives: over TLS on PORT, in plain on PLAIN_PORT. Port 0 takes a free one. Ctrl-C ends it.',
)
const { ca, trace } = options
const { cert, key } = options.cert || options.key ? options : developmentIdentity()

const context = createContext({ cert, key, ca })
const open = new Set<Poller | Socket>()

function acceptTls(socket: Socket): void {
  const engine = context.createEngine({ role: 'server', clientCertificate: ca ? 'require' : 'none', trace })
  const poller = new Poller(engine, nodeSocket(socket), {
    onEvent: trace ? printEvent : undefined,
    onPlaintext(chunk) {
      if (!poller.write(chunk)) poller.pause() // the queue is full: read no more,
    },
    onDrain: () => poller.resume(), // until there is room again
    onEnd: () => poller.closeWrite(), // the peer has said all; once the queue is written, so have we
    onClose(error) {
      open.delete(poller)
      report('tls', error)
    },
  })
  open.add(poller)
}

/** The same with Node's own sockets: the words differ, the moves do not. */
function acceptPlain(socket: Socket): void {
  let failure: Error | undefined
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) socket.pause()
  })
  socket.on('drain', () => socket.resume())
  socket.on('end', () => socket.end())
  socket.on('error', (error) => (failure = error))
  socket.on('close', () => {
    open.delete(socket)
    report('tcp', failure)
  })
  open.add(socket)
}

function report(kind: string, error?: TlsError | (Error & { code?: string })): void {
  console.log(`${kind}: ${error ? `${error.code}: ${error.message}` : 'closed cleanly'}`)
}

function listen(server: Server, port: number, kind: string): Server {
  return server.listen(port, () => console.log(`${kind}: listening on localhost:${(server.address() as AddressInfo).port}`))
}

const servers = [
  listen(createServer(acceptTls), options.port, 'tls'),
  listen(createServer({ allowHalfOpen: true }, acceptPlain), options.plainPort, 'tcp'),
]

onInterrupt(() => {
  for (const server of servers) server.close()
  for (const connection of open) {
    if (connection instanceof Poller) connection.close()
    else connection.destroy()
  }
})
