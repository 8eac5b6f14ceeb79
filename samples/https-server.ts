// An HTTPS server: `GET /hello` says `hello world`, and the connection stays open for the next request (keep-alive). TLS is membio's,
// HTTP is Node's: http.Server takes any stream for a connection, so it is given a SecureDuplex.
//
//   npm run -s sample -- https-server 4433
//   curl --cacert build/dev-ca/ca.pem https://localhost:4433/hello
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createContext } from 'membio'
import { SecureDuplex } from './secure-duplex.ts'
import { developmentIdentity, onInterrupt, printEvent, readOptions } from './support.ts'

const options = readOptions(
  'https-server PORT',
  ['cert', 'key', 'ca', 'trace'],
  'Answers `hello world` to GET /hello. PORT 0 takes a free one. Ctrl-C ends it.',
)
const { ca, trace } = options
const { cert, key } = options.cert || options.key ? options : developmentIdentity()
/** How long a client may keep a connection open without using it, in milliseconds. */
const IDLE = 60_000

const context = createContext({ cert, key, ca, alpn: ['http/1.1'] })
const open = new Set<SecureDuplex>()
const http = createHttpServer({ keepAliveTimeout: IDLE }, answer)

function accept(socket: Socket): void {
  const engine = context.createEngine({ role: 'server', clientCertificate: ca ? 'require' : 'none', trace })
  const duplex = new SecureDuplex(engine, socket, { onEvent: trace ? printEvent : undefined }, { deadlines: { idle: IDLE } })
  open.add(duplex)
  duplex.on('error', (error: Error & { code?: string }) => console.log(`${error.code}: ${error.message}`))
  duplex.on('close', () => open.delete(duplex))
  http.emit('connection', duplex)
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const [path] = request.url!.split('?')
  if (path !== '/hello') send(response, 404, 'not found')
  else if (request.method !== 'GET' && request.method !== 'HEAD') send(response.setHeader('Allow', 'GET, HEAD'), 405, 'method not allowed')
  else send(response, 200, 'hello world')
  console.log(`${request.method} ${request.url} ${response.statusCode}`)
}

/** HEAD gets the same header and no body: http.ServerResponse sees to it. */
function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': text.length })
  response.end(text)
}

const server = createServer(accept)
server.listen(options.port, () => console.log(`listening on localhost:${(server.address() as AddressInfo).port}`))

onInterrupt(() => {
  server.close()
  for (const duplex of open) duplex.destroy() // with close_notify: clients that were keeping the connection alive know it is over
})
