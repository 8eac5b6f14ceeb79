// Many native clients that connect and fall silent, in a process of its own: `idle-clients.js PORT COUNT`, and the CA on stdin. Prints a
// line once all are connected, and ends when stdin does.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import * as tls from 'node:tls'
import { HOST } from './work.ts'

/** So many shake hands at a time: more would time out on a slow machine. */
const AT_A_TIME = 32

const [port, count] = process.argv.slice(2).map(Number) as [number, number]
const lines = createInterface({ input: process.stdin })
const [ca] = (await once(lines, 'line')) as [string]
lines.on('close', () => process.exit())
const secureContext = tls.createSecureContext({ ca: JSON.parse(ca) as string })
const sockets: tls.TLSSocket[] = []
let left = count

async function connect(): Promise<void> {
  while (left-- > 0) {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: HOST, secureContext })
    await once(socket, 'secureConnect')
    sockets.push(socket)
  }
}

await Promise.all(Array.from({ length: AT_A_TIME }, connect))
console.log(sockets.length)
