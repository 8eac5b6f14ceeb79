// An echo server on UDP, with DTLS 1.2: sends back each datagram that it receives. A stranger has to show first that its address is its
// own (cookies); one that falls silent is forgotten; a lost datagram of a handshake is sent again, a lost one of yours is not.
//
//   npm run -s sample -- dtls-echo-server 5684
import { createSocket } from 'node:dgram'
import { createDtlsContext } from 'membio'
import { DatagramServer, dgramSocket } from 'membio/transport'
import { developmentIdentity, onInterrupt, printEvent, readOptions } from './support.ts'

const { port, ca, trace, ...settings } = readOptions(
  'dtls-echo-server PORT',
  ['cert', 'key', 'ca', 'trace'],
  'Sends back what it receives, datagram by datagram. Port 0 takes a free one. Ctrl-C ends it.',
)
const { cert, key } = settings.cert || settings.key ? settings : developmentIdentity()

const context = createDtlsContext({ cert, key, ca })
const socket = createSocket('udp4')

socket.bind(port, '127.0.0.1', () => {
  const engine = { clientCertificate: ca ? ('require' as const) : ('none' as const), trace }
  const server = new DatagramServer(
    context,
    dgramSocket(socket),
    {
      // Each peer gets a poller of its own, and handlers of ours.
      onPeer(poller, { address, port }) {
        const say = (what: string) => console.log(`${address}:${port}: ${what}`)
        return {
          onEvent: trace ? printEvent : undefined,
          onSecure: () => say(`${poller.engine.agreed!.version}, ${poller.engine.agreed!.cipherSuite.name}`),
          onDatagram: (plaintext) => void poller.write(plaintext),
          onClose: (error) => say(error ? `${error.code}: ${error.message}` : 'closed cleanly'),
        }
      },
      onClose: () => context.free(),
    },
    { engine },
  )
  console.log(`dtls: listening on localhost:${socket.address().port}`)
  onInterrupt(() => server.close())
})
