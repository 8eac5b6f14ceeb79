// A server on WHATWG streams: it sends back what it gets, in capitals, and that is all of it: pipes know how to wait (back-pressure) and how
// to end (half-close), handshakes run at the same time, and a client that fails is nobody else's trouble.
//
//   npm run -s sample -- streams-server 4433
import { listen, type TlsSocket } from 'membio/streams'
import { developmentIdentity, onInterrupt, printAgreed, printEvent, readOptions } from './support.ts'

const options = readOptions(
  'streams-server PORT',
  ['cert', 'key', 'ca', 'alpn', 'trace'],
  'Sends back what it receives, in capitals. Port 0 takes a free one. Ctrl-C ends it.',
)
const { port, ca, alpn, trace } = options
const { cert, key } = options.cert || options.key ? options : developmentIdentity()
const stop = new AbortController()

const listener = await listen({
  port,
  cert,
  key,
  ca,
  alpn,
  trace,
  allowHalfOpen: true, // who has said all still gets the rest of the answer, which may be in the pipes when his end has been read
  clientCertificate: ca ? 'require' : 'none',
  signal: stop.signal,
  onEvent: trace ? printEvent : undefined,
  onClientError: (error, { remoteAddress }) => console.log(`${remoteAddress}: ${error.code}: ${error.message}`),
})
console.log(`listening on localhost:${listener.address.port}`)
onInterrupt(() => stop.abort())

async function serve(socket: TlsSocket): Promise<void> {
  const name = socket.info!.remoteAddress
  if (trace) printAgreed(socket.info!)
  const capitals = new TransformStream<string, string>({ transform: (text, next) => next.enqueue(text.toUpperCase()) })
  const text = socket.readable.pipeThrough(new TextDecoderStream()).pipeThrough(capitals).pipeThrough(new TextEncoderStream())
  try {
    await text.pipeTo(socket.writable)
    await socket.closed
    console.log(`${name}: closed cleanly`)
  } catch (error) {
    console.log(`${name}: ${error}`)
  }
}

const open = new Set<TlsSocket>()
for await (const socket of listener) {
  open.add(socket)
  void serve(socket).then(() => open.delete(socket))
}
for (const socket of open) void socket.close()
