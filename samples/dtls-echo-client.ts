// A client on UDP, with DTLS 1.2: sends each line of its input as a datagram, and prints each one that comes back. What UDP loses stays
// lost: at the end it waits a moment for the last answers, and not for ever.
//
//   npm run -s sample -- dtls-echo-client localhost 5684 --ca ca.pem
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { createInterface } from 'node:readline'
import { createDtlsContext } from 'membio'
import { DatagramPoller, dgramPeer } from 'membio/transport'
import { fail, printAgreed, printEvent, readOptions } from './support.ts'

const { host, port, servername = host, trace, ...settings } = readOptions(
  'dtls-echo-client HOST PORT',
  ['ca', 'cert', 'key', 'servername', 'trace'],
  'Sends each line of its input as a datagram, and prints what comes back.',
)
const { address } = await lookup(host, { family: 4 })

const context = createDtlsContext({ ca: settings.ca, cert: settings.cert, key: settings.key })
const engine = context.createEngine({ role: 'client', servername, trace })
const transport = dgramPeer(createSocket('udp4'), { address, port })
let unanswered = 0
let inputEnded = false

const poller = new DatagramPoller(engine, transport, {
  onEvent: trace ? printEvent : undefined,
  onSecure: sendLines,
  onDatagram(plaintext) {
    console.log(new TextDecoder().decode(plaintext))
    if (--unanswered === 0 && inputEnded) poller.close()
  },
  onClose(error) {
    context.free()
    if (error) fail(error)
    process.stdin.destroy()
  },
})

function sendLines(): void {
  printAgreed(engine.agreed!)
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    if (!line) return // an empty record cannot be sent
    unanswered++
    poller.write(line)
  })
  lines.on('close', () => {
    inputEnded = true
    if (unanswered) setTimeout(() => poller.close(), 1000)
    else poller.close()
  })
}
