// A private key somewhere else, against other TLS implementations over sockets: both roles, both ways to sign.
import { spawn, type ChildProcess } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import * as assert from 'uvu/assert'
import { createContext, type EngineOptions, type Signer, type TlsError, type Version } from '../../src/index.ts'
import { nodeSocket, Poller } from '../../src/transport/index.ts'
import type { KeyType } from '../../src/x509/index.ts'
import { client, HOST, keyOf, root, server } from '../support/certs.ts'
import { nodeSign, nodeSigner } from '../support/signers.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const TYPES = ['RSA-2048', 'P-256', 'P-384', 'Ed25519'] as const satisfies readonly KeyType[]
const WAYS = ['callback', 'event'] as const
type Way = (typeof WAYS)[number]

interface Setting {
  type: KeyType
  version: Version
  way: Way
}

/** Our context, whose key is not in it. */
function contextFor(t: Case, role: EngineOptions['role'], { type, version, way }: Setting) {
  const { cert } = role === 'server' ? server(type) : client(type)
  const signer: Signer | 'event' = way === 'event' ? 'event' : nodeSigner(keyOf(type))
  return t.own(createContext({ cert, signer, ca: root().cert, minVersion: version, maxVersion: version }))
}

/** Our end of a connection: what it received, when it was closed. Signatures asked for by event come some time later. */
function converse(t: Case, socket: Socket, role: EngineOptions['role'], setting: Setting, say: string): Promise<string> {
  const engine = contextFor(t, role, setting).createEngine(role === 'client' ? { role, servername: HOST } : { role })
  return new Promise((resolve, reject) => {
    let heard = ''
    const poller = new Poller(engine, nodeSocket(socket), {
      onSecure: () => void poller.write(say),
      onPlaintext: (chunk) => {
        heard += new TextDecoder().decode(chunk)
        if (heard.includes('\n')) poller.close()
      },
      onEvent: (event) => {
        if (event.type !== 'sign') return
        const signature = nodeSign(createPrivateKey(keyOf(setting.type)), event.request)
        setTimeout(() => (engine.resume({ signature }), poller.wake()), 5)
      },
      onClose: (error?: TlsError) => (error ? reject(error) : resolve(heard)),
    })
    t.defer(() => poller.destroy())
  })
}

/** Listens; the first connection is ours. */
async function listenOnce(t: Case, serve: (socket: Socket) => Promise<string>): Promise<{ port: number; heard: Promise<string> }> {
  const listener = createServer()
  const heard = once(listener, 'connection').then(([socket]) => serve(socket as Socket))
  heard.catch(() => {}) // awaited by the case, later
  return { port: await portOf(t, listener), heard }
}

async function portOf(t: Case, listener: Server): Promise<number> {
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.defer(() => listener.close())
  return (listener.address() as AddressInfo).port
}

const each = (run: (name: string, setting: Setting) => void) => {
  for (const version of VERSIONS) for (const type of TYPES) for (const way of WAYS) run(`${version}, ${type}, ${way}`, { version, type, way })
}

// ---- Node. ----

const withNode = suite('signer: node:tls')

each((name, setting) => {
  withNode(`our server, ${name}`, async (t) => {
    const { port, heard } = await listenOnce(t, (socket) => converse(t, socket, 'server', setting, 'hello\n'))
    const peer = tls.connect({ port, host: '127.0.0.1', servername: HOST, ca: root().cert })
    t.defer(() => peer.destroy())
    const [chunk] = (await once(peer, 'data')) as [Buffer]
    assert.is(chunk.toString(), 'hello\n')
    assert.is(peer.authorized, true)
    assert.is(peer.getProtocol(), setting.version)
    peer.write('thanks\n')
    assert.is(await heard, 'thanks\n')
  })

  withNode(`our client, ${name}`, async (t) => {
    const listener = tls.createServer({ ...server(), ca: root().cert, requestCert: true, rejectUnauthorized: true }, (socket) => {
      t.defer(() => socket.destroy())
      socket.end(`${socket.getPeerCertificate().subject.CN} ${socket.authorized}\n`)
    })
    const socket = connect(await portOf(t, listener), '127.0.0.1')
    assert.is(await converse(t, socket, 'client', setting, 'hello\n'), 'client.test true\n')
  })
})

// ---- The openssl command. ----

const withOpenssl = suite('signer: openssl')

function file(t: Case, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'membio-signer-'))
  t.defer(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file.pem'), text)
  return join(folder, 'file.pem')
}

interface Openssl {
  child: ChildProcess
  /** Waits until it has printed this. */
  printed: (wanted: RegExp) => Promise<RegExpExecArray>
}

function openssl(t: Case, args: readonly string[]): Openssl {
  const child = spawn('openssl', args)
  const closed = once(child, 'close')
  let text = ''
  let look = () => {}
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => ((text += chunk), look()))
  t.defer(() => (child.kill('SIGKILL'), closed))
  const printed = (wanted: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      look = () => {
        const found = wanted.exec(text)
        if (found) resolve(found)
      }
      look()
      void closed.then(() => reject(new Error(`openssl has ended; it had printed ${text}`)))
    })
  return { child, printed }
}

const VERSION_FLAGS = { 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' }

each((name, setting) => {
  withOpenssl(`our server, s_client, ${name}`, async (t) => {
    const { port, heard } = await listenOnce(t, (socket) => converse(t, socket, 'server', setting, 'hello\n'))
    const trust = ['-CAfile', file(t, root().cert), '-verify_return_error', '-verify_hostname', HOST]
    const { child, printed } = openssl(t, ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', HOST, VERSION_FLAGS[setting.version], ...trust])
    await printed(/Verify return code: 0 \(ok\)[^]*hello\n/)
    child.stdin!.write('thanks\n')
    assert.is(await heard, 'thanks\n')
  })

  withOpenssl(`our client, s_server, ${name}`, async (t) => {
    const files = ['-cert', file(t, server().cert), '-key', file(t, server().key), '-CAfile', file(t, root().cert)]
    const { printed } = openssl(t, ['s_server', '-accept', '0', '-rev', '-Verify', '1', '-verify_return_error', VERSION_FLAGS[setting.version], ...files])
    const [, port] = await printed(/ACCEPT .*:(\d+)\n/)
    assert.is(await converse(t, connect(Number(port), '127.0.0.1'), 'client', setting, 'abc\n'), 'cba\n')
    await printed(/Peer certificate: CN = client\.test[^]*Verification: OK/)
  })
})
