// The server that clients are measured with: the runtime's own node:tls, one port for each certificate, in a process of its own. It serves
// as many bytes as the path says. It takes every version that a peer may speak.
//
// Told its certificates in one line of stdin, it answers with one line of ports, and ends when stdin does.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import * as tls from 'node:tls'
import type { ServerAddress } from './peers/peer.ts'
import { serveWeb } from './web.ts'
import { SERVED, type Certificates, type Identity } from './work.ts'

const PIECE = new Uint8Array(65536)

function serve(socket: tls.TLSSocket): void {
  socket.on('error', () => {}) // clients go as they like
  socket.setNoDelay(true)
  let head = ''
  socket.on('data', (chunk: Buffer) => {
    head += chunk.toString('latin1')
    if (!head.includes('\r\n\r\n')) return
    const bytes = Number(/^GET \/(\d+)/.exec(head)?.[1] ?? 0)
    head = ''
    answer(socket, bytes)
  })
}

function answer(socket: tls.TLSSocket, bytes: number): void {
  let left = bytes
  const more = () => {
    while (left > 0) {
      const piece = PIECE.subarray(0, left)
      left -= piece.length
      if (!socket.write(piece)) return void (left > 0 && socket.once('drain', more))
    }
  }
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${bytes}\r\n\r\n`)
  more()
}

async function listen({ cert, key }: Identity): Promise<number> {
  // node-forge has TLS 1.1 with RSA's own key exchange, and SHA-1 with MD5.
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1', ciphers: `${tls.DEFAULT_CIPHERS}:AES128-SHA:@SECLEVEL=0` }, serve)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const lines = createInterface({ input: process.stdin })
const [line] = (await once(lines, 'line')) as [string]
lines.on('close', () => process.exit())
const certificates = JSON.parse(line) as Certificates
const ports = {} as ServerAddress['ports']
for (const key of SERVED) ports[key] = await listen(certificates[key])
const web = await serveWeb(certificates.page.ca)
console.log(JSON.stringify({ ports, web } satisfies ServerAddress))
