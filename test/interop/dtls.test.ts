// DTLS 1.2 with openssl and GnuTLS on loopback UDP, in both roles: a handshake with cookie, a line in both directions, close_notify.
import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import * as assert from 'uvu/assert'
import { createDtlsContext, type DtlsContextOptions, type TlsError } from '../../src/index.ts'
import { DatagramPoller, DatagramServer, dgramPeer, dgramSocket } from '../../src/transport/index.ts'
import { client as clientIdentity, HOST, issue, root, server as serverIdentity, type Identity } from '../support/certs.ts'
import { file, missing, Program } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'

const LINE = 'Hello, datagram\n'
const decoder = new TextDecoder()

/** A row of the matrix, with certificates made. */
interface Row {
  /** Undefined: a pre-shared key instead of certificates. */
  identity?: Identity
  mutual?: Identity
  mtu?: number
}

const PSK = { identity: 'sensor 7', key: Uint8Array.from({ length: 16 }, (_, i) => i + 1) }
const PSK_HEX = Buffer.from(PSK.key).toString('hex')
/** Without ECDHE, with which gnutls-cli 3.7.9 crashes when it describes the session. */
const PSK_SUITE = 'PSK-AES128-GCM-SHA256'

/** Leaf and intermediates of some 5 KB: many fragments with a small MTU. */
function longChain(): Identity {
  const middle = issue({ subject: { CN: 'intermediate' }, ca: true }, root())
  const hosts = [HOST, ...Array.from({ length: 60 }, (_, i) => `another-name-${i}.of-many.test`)]
  const leaf = issue({ subject: { CN: HOST }, hosts }, middle)
  return { key: leaf.key, cert: leaf.cert + middle.cert }
}

const ROWS: readonly { name: string; make: () => Row }[] = [
  { name: 'RSA', make: () => ({ identity: serverIdentity('RSA-2048') }) },
  { name: 'ECDSA', make: () => ({ identity: serverIdentity('P-256') }) },
  { name: 'client certificate', make: () => ({ identity: serverIdentity('P-256'), mutual: clientIdentity('P-256') }) },
  { name: 'RSA client certificate', make: () => ({ identity: serverIdentity('RSA-2048'), mutual: clientIdentity('RSA-2048') }) },
  { name: 'a long chain in small datagrams', make: () => ({ identity: longChain(), mtu: 300 }) },
  { name: 'pre-shared key', make: () => ({}) },
]

// ---- membio's side. ----

async function udpSocket(port = 0) {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
  return socket
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = await udpSocket()
  const { port } = probe.address() as AddressInfo
  await new Promise<void>((resolve) => probe.close(resolve))
  return port
}

/** Says a line, waits until it comes back, closes. */
async function talk(t: Case, port: number, { identity, mutual, mtu }: Row): Promise<void> {
  const context = t.own(createDtlsContext(identity ? { ca: root().cert, ...mutual } : { cipherList: PSK_SUITE }))
  const engine = context.createEngine({ role: 'client', servername: HOST, mtu, ...(!identity && { psk: PSK }) })
  let text = ''
  const error = await new Promise<TlsError | undefined>((resolve) => {
    const poller = new DatagramPoller(engine, dgramPeer(createSocket('udp4'), { address: '127.0.0.1', port }), {
      onSecure() {
        const { version, authorized } = engine.agreed!
        assert.equal({ version, authorized }, { version: 'DTLSv1.2', authorized: identity !== undefined })
        poller.write(LINE)
      },
      onDatagram(plaintext) {
        text += decoder.decode(plaintext)
        if (text.length >= LINE.length) poller.close()
      },
      onClose: resolve,
    })
  })
  if (error) throw error
  assert.is(text, LINE)
}

/** An echo server; `closed` resolves when its first peer has gone. */
async function echo(t: Case, { identity, mutual, mtu }: Row) {
  const settings: DtlsContextOptions = { ...identity, ...(mutual && { ca: root().cert }), ...(!identity && { cipherList: PSK_SUITE }) }
  const context = t.own(createDtlsContext(settings))
  const socket = await udpSocket()
  let close!: (error: TlsError | undefined) => void
  const closed = new Promise<TlsError | undefined>((resolve) => (close = resolve))
  const ended = new Promise<void>((resolve) => {
    const onPeer = (poller: DatagramPoller) => ({ onDatagram: (plaintext: Uint8Array) => void poller.write(plaintext), onClose: close })
    const engine = { clientCertificate: mutual ? ('require' as const) : ('none' as const), mtu, ...(!identity && { psks: [PSK] }) }
    const server = new DatagramServer(context, dgramSocket(socket), { onPeer, onClose: () => resolve() }, { engine })
    t.defer(async () => {
      server.close()
      await ended
    })
  })
  return { port: (socket.address() as AddressInfo).port, closed }
}

// ---- Their servers. ----

const GNUTLS_PSK = 'NORMAL:-KX-ALL:+PSK'

async function opensslServer(t: Case, { identity, mutual, mtu = 1200 }: Row): Promise<number> {
  const port = await freePort()
  const words = ['s_server', '-dtls1_2', '-listen', '-accept', `127.0.0.1:${port}`, '-mtu', String(mtu)]
  const cert = identity && file(t, 'cert.pem', identity.cert)
  if (cert) words.push('-cert', cert, '-cert_chain', cert, '-key', file(t, 'key.pem', identity.key))
  else words.push('-nocert', '-psk_identity', PSK.identity, '-psk', PSK_HEX, '-cipher', PSK_SUITE)
  if (mutual) words.push('-Verify', '3', '-verify_return_error', '-CAfile', file(t, 'ca.pem', root().cert))
  const program = new Program(t, 'openssl', words)
  await program.until(/ACCEPT/)
  const echoed = program.until(/^Hello, datagram$/m).then(() => program.write(LINE)) // it cannot do that itself
  echoed.catch(() => {}) // it was stopped before
  return port
}

async function gnutlsServer(t: Case, { identity, mutual, mtu = 1200 }: Row): Promise<number> {
  const port = await freePort()
  const words = ['--udp', '--echo', '-p', String(port), '--mtu', String(mtu)]
  if (identity) words.push('--x509certfile', file(t, 'cert.pem', identity.cert), '--x509keyfile', file(t, 'key.pem', identity.key))
  else words.push('--pskpasswd', file(t, 'psk.txt', `${PSK.identity}:${PSK_HEX}\n`), '--priority', GNUTLS_PSK)
  if (mutual) words.push('--require-client-cert', '--verify-client-cert', '--x509cafile', file(t, 'ca.pem', root().cert))
  else words.push('--disable-client-cert')
  await new Program(t, 'gnutls-serv', words).until(/listening on IPv4 .*done/)
  return port
}

const SERVERS = [
  { name: 'openssl s_server', program: 'openssl', start: opensslServer },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: gnutlsServer },
]

for (const { name, program, start } of SERVERS) {
  const test = suite(`interop: DTLS, membio to ${name}`).unless(missing(program))
  for (const { name, make } of ROWS) {
    test(name, async (t) => {
      const row = make()
      await talk(t, await start(t, row), row)
    })
  }
}

// ---- Their clients. ----

function opensslClient(t: Case, port: number, { identity, mutual, mtu = 1200 }: Row): Program {
  const words = ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${port}`, '-mtu', String(mtu), '-brief', '-nocommands']
  words.push('-servername', HOST, '-verify_hostname', HOST, '-verify_return_error', '-CAfile', file(t, 'ca.pem', root().cert))
  if (mutual) words.push('-cert', file(t, 'cert.pem', mutual.cert), '-key', file(t, 'key.pem', mutual.key))
  if (!identity) words.push('-psk_identity', PSK.identity, '-psk', PSK_HEX, '-cipher', PSK_SUITE)
  return new Program(t, 'openssl', words)
}

function gnutlsClient(t: Case, port: number, { identity, mutual, mtu = 1200 }: Row): Program {
  const words = ['--udp', '-p', String(port), '--mtu', String(mtu), '--sni-hostname', HOST, '--verify-hostname', HOST]
  words.push('--x509cafile', file(t, 'ca.pem', root().cert))
  if (mutual) words.push('--x509certfile', file(t, 'cert.pem', mutual.cert), '--x509keyfile', file(t, 'key.pem', mutual.key))
  if (!identity) words.push('--pskusername', PSK.identity, '--pskkey', PSK_HEX, '--priority', GNUTLS_PSK)
  return new Program(t, 'gnutls-cli', [...words, '127.0.0.1'])
}

const CLIENTS = [
  { name: 'openssl s_client', program: 'openssl', start: opensslClient, ready: /CONNECTION ESTABLISHED/ },
  { name: 'gnutls-cli', program: 'gnutls-cli', start: gnutlsClient, ready: /Handshake was completed/ },
]

for (const { name, program, start, ready } of CLIENTS) {
  const test = suite(`interop: DTLS, ${name} to membio`).unless(missing(program))
  for (const { name, make } of ROWS) {
    test(name, async (t) => {
      const row = make()
      const { port, closed } = await echo(t, row)
      const client = start(t, port, row)
      await client.until(ready)
      await client.write(LINE)
      await client.until(/^Hello, datagram$/m)
      client.end()
      assert.is(await closed, undefined)
      await client.succeeded()
    })
  }
}
