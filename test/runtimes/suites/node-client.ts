// Clients of `membio/tls`, used as those of node:tls are, where there is a node:net.
import { pattern } from '../../support/random.ts'
import { HOST, PSK } from '../world.ts'
import { fails, fromHex, group, MiB, ok, same, sameBytes } from './kit.ts'
import { ask, connect, end, info, LEAVES, once, PEERS, read, secure } from './node-support.ts'

const clients = group('membio/tls: client', ['node:net'])

for (const peer of PEERS) {
  clients(
    `${peer}: connects, is authorized, ALPN, key log, and a certificate of its own`,
    async (t) => {
      const keys: string[] = []
      const options = { ...t.world.certificates.client, ALPNProtocols: ['matrix/2', 'matrix/1'] }
      const socket = await connect(t, t.world.peers[peer].mutual, options)
      socket.on('keylog', (line) => keys.push(String(line)))
      await once(socket, 'secureConnect')
      same([socket.authorized, socket.getProtocol(), socket.alpnProtocol], [true, 'TLSv1.3', 'matrix/1'])
      same(socket.getPeerCertificate().subject.CN, HOST)
      same((await info(socket)).client, 'client.test')
      ok(keys.length > 3, `${keys.length} lines of a key log`)
      await end(socket)
    },
    LEAVES,
  )

  clients(
    `${peer}: a second connection resumes the first`,
    async (t) => {
      const first = await connect(t, t.world.peers[peer].good)
      const session = once<Buffer>(first, 'session')
      await info(first)
      const second = await secure(t, t.world.peers[peer].good, { session: await session })
      ok(second.isSessionReused(), 'not resumed, as the client sees it')
      ok((await info(second)).resumed, 'not resumed, as the server sees it')
      await Promise.all([end(first), end(second)])
    },
    LEAVES,
  )

  clients(
    `${peer}: 5 MiB there and back`,
    async (t) => {
      const bytes = pattern(5 * MiB, 11)
      const socket = await secure(t, t.world.peers[peer].good)
      socket.write(`echo ${bytes.length}\n`)
      socket.write(bytes)
      sameBytes(await read(socket, bytes.length), bytes)
      await end(socket)
    },
    LEAVES,
  )

  clients(
    `${peer}: STARTTLS on a net.Socket`,
    async (t) => {
      const net = await import('node:net')
      const plain = net.connect(t.world.peers[peer].startTls, '127.0.0.1')
      t.defer(() => plain.destroy())
      await once(plain, 'connect')
      same(await ask(plain, 'STARTTLS'), 'GO')
      const socket = await secure(t, 0, { socket: plain })
      same((await info(socket)).version, 'TLSv1.3')
      await end(socket)
    },
    LEAVES,
  )

  clients(
    `${peer}: a pre-shared key`,
    async (t) => {
      const psk = fromHex(PSK.keyHex)
      const options = { ciphers: 'ECDHE-PSK-CHACHA20-POLY1305', maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined } as const
      const pskCallback = () => ({ psk, identity: PSK.identity })
      const socket = await secure(t, t.world.peers[peer].psk, { ...options, pskCallback })
      same((await info(socket)).version, 'TLSv1.2')
      await end(socket)
    },
    LEAVES,
  )
}

const REFUSALS = [
  { name: 'a server of another CA', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', peer: 'membio', port: 'otherCa' },
  { name: 'a server for another host', code: 'ERR_TLS_CERT_ALTNAME_INVALID', peer: 'node24', port: 'otherHost' },
] as const

for (const { name, code, peer, port } of REFUSALS) {
  clients(`${name}: refused`, (t) => fails(() => secure(t, t.world.peers[peer][port]), code).then(() => {}), LEAVES)
}

clients(
  'a server that wants a certificate which we do not have: refused',
  async (t) => {
    const socket = await connect(t, t.world.peers.node26.mutual)
    await fails(() => once(socket, 'data'), 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
  },
  LEAVES,
)
