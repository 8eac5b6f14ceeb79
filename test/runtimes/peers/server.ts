// One peer: all its servers in one process, on loopback, with the TLS it is told to take. It prints their ports as JSON.
//
//   node peers-server.mjs membio|native SETUP.json
//
// Every connection understands lines: `info` tells what it has agreed on, `echo N` sends back N bytes, `hash N` the SHA-256 of N bytes,
// `send N SEED` sends N bytes, `hold NAME` reads nothing more before another connection says `release NAME`, `dial JSON` connects to
// somebody in turn, `end` ends.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import process from 'node:process'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { pattern } from '../../support/random.ts'
import { PSK, type PeerPorts } from '../world.ts'
import type { AllCertificates } from '../certificates.ts'
import { cutter } from './cutter.ts'
import { join } from './join.ts'

const [which, setup] = process.argv.slice(2)
const certificates = JSON.parse(readFileSync(setup!, 'utf8')) as AllCertificates
const tls = (which === 'native' ? await import('node:tls') : await import('membio/tls')) as typeof import('node:tls')
const https = (which === 'native' ? await import('node:https') : await import('membio/https')) as typeof import('node:https')

const ALPN = ['matrix/1', 'matrix/2']

/** What arrives, line by line or in numbers of bytes. */
class Reader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: TLSSocket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** undefined: it has ended. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n')
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString()
        this.#rest = this.#rest.subarray(end + 1)
        return line
      }
      const { done, value } = await this.#chunks.next()
      if (done) return undefined
      this.#rest = Buffer.concat([this.#rest, value])
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (!this.#rest.length) {
        const { done, value } = await this.#chunks.next()
        if (done) throw new Error(`${left} bytes are missing`)
        this.#rest = value
      }
      const chunk = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }
}

async function write(socket: TLSSocket, bytes: Uint8Array | string): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain')
}

const information = (socket: TLSSocket) => ({
  version: socket.getProtocol(),
  resumed: socket.isSessionReused(),
  alpn: socket.alpnProtocol || undefined,
  servername: (socket as { servername?: string | false }).servername || undefined,
  client: socket.getPeerCertificate().subject?.CN,
})

async function talk(socket: TLSSocket): Promise<void> {
  const reader = new Reader(socket)
  for (let line = await reader.line(); line !== undefined; line = await reader.line()) {
    const [command, first = '0', second = '0'] = line.split(' ')
    const count = Number(first)
    if (command === 'info') await write(socket, `${JSON.stringify(information(socket))}\n`)
    else if (command === 'echo') for await (const chunk of reader.bytes(count)) await write(socket, chunk)
    else if (command === 'hash') await write(socket, `${await hash(reader, count)}\n`)
    else if (command === 'send') await send(socket, pattern(count, Number(second)))
    else if (command === 'hold') await gate(first).opened
    else if (command === 'release') gate(first).open()
    else if (command === 'dial') await write(socket, `${await dial(line.slice('dial '.length))}\n`)
    else break
  }
  socket.end()
}

/** By name; either side may come first. */
const gates = new Map<string, { opened: Promise<void>; open: () => void }>()

function gate(name: string): { opened: Promise<void>; open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  if (!gates.has(name)) gates.set(name, { opened, open })
  return gates.get(name)!
}

async function hash(reader: Reader, count: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of reader.bytes(count)) hash.update(chunk)
  return hash.digest('hex')
}

async function send(socket: TLSSocket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 65_536) await write(socket, bytes.subarray(at, at + 65_536))
}

interface DialOptions {
  port: number
  servername: string
  text: string
  alpn?: string[]
  identity?: { cert: string; key: string }
}

/** Connects, sends a text, and tells in JSON what came back until the end; or what went wrong. */
async function dial(json: string): Promise<string> {
  const { port, servername, text, alpn, identity } = JSON.parse(json) as DialOptions
  const socket = tls.connect({ port, host: '127.0.0.1', servername, ca: certificates.ca, ALPNProtocols: alpn, ...identity })
  try {
    await once(socket, 'secureConnect')
    const { version, alpn } = information(socket)
    socket.end(text)
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    return JSON.stringify({ version, alpn, answer })
  } catch (error) {
    return JSON.stringify({ error: (error as { code?: string }).code ?? String(error) })
  } finally {
    socket.destroy()
  }
}

/** Speaks in clear until it is told STARTTLS. */
function startTls(socket: Socket): void {
  socket.on('error', () => {})
  socket.once('data', (line) => {
    if (String(line) !== 'STARTTLS\n') return void socket.end('not understood\n')
    socket.write('GO\n')
    const { server, ca } = certificates
    accept(new tls.TLSSocket(socket, { isServer: true, ...server, ca, ALPNProtocols: ALPN }))
  })
}

/** Tells in JSON how it was asked; /echo sends back what it gets. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/echo') return void request.pipe(response)
  const { resumed, version } = information(request.socket as TLSSocket)
  response.end(JSON.stringify({ method: request.method, url: request.url, resumed, version, port: request.socket.remotePort }))
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What happens to a connection is its client's to see. */
function serve(options: TlsOptions): Promise<number> {
  const { server, ca } = certificates
  return listen(tls.createServer({ ...server, ca, ALPNProtocols: ALPN, ...options }, accept))
}

function accept(socket: TLSSocket): void {
  socket.on('error', () => {})
  talk(socket).catch(() => socket.destroy())
}

function echo(): Promise<number> {
  const { server, ca } = certificates
  const options = { ...server, ca, requestCert: true, rejectUnauthorized: false, allowHalfOpen: true }
  return listen(tls.createServer(options, (socket) => void socket.on('error', () => {}).pipe(socket)))
}

async function ports(): Promise<PeerPorts> {
  const { otherHost, otherCa } = certificates
  const good = await serve({})
  const key = Buffer.from(PSK.keyHex, 'hex')
  return {
    good,
    tls12: await serve({ maxVersion: 'TLSv1.2' }),
    mutual: await serve({ requestCert: true, rejectUnauthorized: true }),
    hybrid: await serve({ ecdhCurve: 'X25519MLKEM768', minVersion: 'TLSv1.3' }),
    otherHost: await serve(otherHost),
    otherCa: await serve(otherCa),
    psk: await serve({
      cert: undefined,
      key: undefined,
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-PSK-CHACHA20-POLY1305:PSK-AES128-GCM-SHA256',
      pskCallback: (_socket, identity) => (identity === PSK.identity ? key : null),
    }),
    startTls: await listen(createServer(startTls)),
    echo: await echo(),
    join: await listen(createServer({ allowHalfOpen: true }, join)),
    https: await listen(https.createServer({ ...certificates.server, keepAliveTimeout: 30_000 }, answer)),
    cutInRecord: await listen(createServer(cutter(good, 'in a record'))),
    cutBetweenRecords: await listen(createServer(cutter(good, 'between records'))),
  }
}

process.stdin.on('end', () => process.exit()).resume() // nobody needs us any more
console.log(JSON.stringify(await ports()))
