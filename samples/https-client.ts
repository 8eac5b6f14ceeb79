// An HTTPS client that opens two connections at once. On the first it writes a request and reads raw bytes; the second it hands to
// Node's HTTP client, which parses status, headers and body (by Content-Length, in chunks, or up to the end). Neither waits for the
// other.
//
//   npm run -s sample -- https-client localhost 4433 /hello --ca ca.pem
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { createContext, type TlsError } from 'membio'
import { nodeSocket, Poller, type PollerEvent } from 'membio/transport'
import { SecureDuplex } from './secure-duplex.ts'
import { fail, hostHeader, printEvent, readOptions } from './support.ts'

const { host, port, path = '/', servername = host, trace, ...settings } = readOptions(
  'https-client HOST PORT [PATH]',
  ['ca', 'cert', 'key', 'servername', 'trace'],
  'Gets PATH twice at once: one answer is printed raw, the other parsed as HTTP.',
)
const context = createContext({ ca: settings.ca, cert: settings.cert, key: settings.key, alpn: ['http/1.1'] })

function readRaw(): void {
  const engine = context.createEngine({ role: 'client', servername, trace })
  const received: Uint8Array[] = []
  const poller = new Poller(engine, nodeSocket(connect(port, host)), {
    onEvent: trace ? (event) => printEvent(event, 'raw   ') : undefined,
    onSecure: () => poller.write(`GET ${path} HTTP/1.1\r\nHost: ${hostHeader(host, port)}\r\nConnection: close\r\n\r\n`),
    onPlaintext: (chunk) => void received.push(chunk),
    onClose(error?: TlsError) {
      print('raw', Buffer.concat(received).toString('latin1'))
      if (error) fail(error)
    },
  })
}

function readParsed(): void {
  const engine = context.createEngine({ role: 'client', servername, trace })
  const onEvent = (event: PollerEvent) => printEvent(event, 'parsed')
  const duplex = new SecureDuplex(engine, connect(port, host), trace ? { onEvent } : {})
  get({ host, port, path, createConnection: () => duplex, headers: { Connection: 'close' } }, readResponse).on('error', fail)
}

async function readResponse(response: IncomingMessage): Promise<void> {
  const body: Uint8Array[] = []
  for await (const chunk of response) body.push(chunk)
  const headers = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}`)
  print('parsed', [`status: ${response.statusCode} ${response.statusMessage}`, ...headers, `body: ${Buffer.concat(body)}`].join('\n'))
}

function print(title: string, text: string): void {
  console.log(`---- ${title}: ${text.length} characters ----\n${text}`)
}

readRaw()
readParsed()
