// What both sides make of one handshake: ALPN, groups and HelloRetryRequest, secrets for the key log, exported keying material.
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import type { ContextOptions, Version } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import {
  folder,
  gnutlsClient,
  gnutlsServer,
  missing,
  opensslClient,
  opensslServer,
  type PeerOptions,
  type Program,
} from '../support/peers.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

type StartServer = (t: Case, options: PeerOptions) => Promise<number>
type Dial = (t: Case, port: number, options: PeerOptions) => unknown

const SERVERS: { name: string; program?: string; start: StartServer }[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, options) => (await opensslServer(t, { identity: serverIdentity(), ...options })).port,
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t, options) => (await gnutlsServer(t, { identity: serverIdentity(), ...options })).port,
  },
  {
    name: 'node:tls server',
    start: async (t, { version, alpn }) => (await serveNode(t, { maxVersion: version, ALPNProtocols: alpn && [...alpn] })).port,
  },
]

const CLIENTS: { name: string; program?: string; dial: Dial }[] = [
  { name: 'openssl s_client', program: 'openssl', dial: opensslClient },
  { name: 'gnutls-cli', program: 'gnutls-cli', dial: gnutlsClient },
  {
    name: 'node:tls client',
    dial: (t, port, { version, alpn }) => dialNode(t, port, { maxVersion: version, ALPNProtocols: alpn && [...alpn] }),
  },
]

const withPeer = (title: string, program: string | undefined) => suite(`interop: ${title}`).unless(program ? missing(program) : undefined)

// ---- ALPN. ----

for (const { name, program, start } of SERVERS) {
  const test = withPeer(`ALPN, membio to ${name}`, program)
  for (const version of VERSIONS) {
    test(`chosen by the server, ${version}`, async (t) => {
      const client = dialMembio(t, await start(t, { version, alpn: ['http/1.1'] }), { settings: { alpn: ['h2', 'http/1.1'] } })
      assert.is((await client.secure()).alpn, 'http/1.1')
    })
  }
  test('not offered', async (t) => {
    const client = dialMembio(t, await start(t, { alpn: ['http/1.1'] }))
    assert.is((await client.secure()).alpn, undefined)
  })
}

for (const { name, program, dial } of CLIENTS) {
  const test = withPeer(`ALPN, ${name} to membio`, program)
  for (const version of VERSIONS) {
    test(`chosen by membio, in its own order, ${version}`, async (t) => {
      const server = await serveMembio(t, { settings: { alpn: ['h2', 'http/1.1'] } })
      dial(t, server.port, { version, alpn: ['http/1.1', 'h2'] })
      assert.is((await (await server.accept()).secure()).alpn, 'h2')
    })
  }
  test('not offered', async (t) => {
    const server = await serveMembio(t, { settings: { alpn: ['h2'] } })
    dial(t, server.port, {})
    assert.is((await (await server.accept()).secure()).alpn, undefined)
  })
}

// ---- Groups. ----

const hellos = (party: Party, direction: 'sent' | 'received') =>
  party.eventsOf('message').filter((event) => event.direction === direction && event.content === 'handshake' && event.bytes[0] === 1).length

interface GroupRow {
  name: string
  settings?: ContextOptions
  /** For the peer's command line. */
  openssl: string[]
  group: string
  /** 2 when the server asked for another key share (HelloRetryRequest). */
  clientHellos: number
}

const AS_CLIENT: readonly GroupRow[] = [
  { name: 'a server without post-quantum groups: X25519, in one round trip', openssl: [], group: 'x25519', clientHellos: 1 },
  { name: 'a server with P-256 only: HelloRetryRequest', openssl: ['-groups', 'P-256'], group: 'secp256r1', clientHellos: 2 },
  { name: 'a server with P-521 only: HelloRetryRequest', openssl: ['-groups', 'P-521'], group: 'secp521r1', clientHellos: 2 },
  { name: 'P-384 first, as we were told', settings: { groups: ['P-384', 'X25519'] }, openssl: [], group: 'secp384r1', clientHellos: 1 },
]

const groupsOut = withPeer('groups, membio to openssl s_server', 'openssl')

for (const { name, settings, openssl, group, clientHellos } of AS_CLIENT) {
  groupsOut(name, async (t) => {
    const { port } = await opensslServer(t, { identity: serverIdentity(), args: [...openssl, '-rev'] })
    const client = dialMembio(t, port, { settings, engine: { trace: true } })
    client.poller.write('abc\n')
    await client.until(() => client.text === 'cba\n')
    assert.equal([client.agreed.group, hellos(client, 'sent')], [group, clientHellos])
  })
}

const AS_SERVER: readonly GroupRow[] = [
  { name: 'a client without post-quantum groups', openssl: [], group: 'x25519', clientHellos: 1 },
  { name: 'a client with P-256 only', openssl: ['-groups', 'P-256'], group: 'secp256r1', clientHellos: 1 },
  {
    name: 'a client whose first key share does not suit us: HelloRetryRequest',
    settings: { groups: ['X25519'] },
    openssl: ['-groups', 'P-384:X25519'],
    group: 'x25519',
    clientHellos: 2,
  },
]

const groupsIn = withPeer('groups, openssl s_client to membio', 'openssl')

for (const { name, settings, openssl, group, clientHellos } of AS_SERVER) {
  groupsIn(name, async (t) => {
    const server = await serveMembio(t, { settings, engine: { trace: true } }, echo)
    const program = opensslClient(t, server.port, { args: openssl })
    await program.write('hello\n')
    await program.until(/^hello$/m)
    const party = await server.accept()
    assert.equal([party.agreed.group, hellos(party, 'received')], [group, clientHellos])
  })
}

const retry = withPeer('groups, HelloRetryRequest with gnutls', 'gnutls-serv')
const ONLY_P384 = 'NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP384R1'

retry('membio to gnutls-serv', async (t) => {
  const { port } = await gnutlsServer(t, { identity: serverIdentity(), args: ['--echo', '--priority', ONLY_P384] })
  const client = dialMembio(t, port, { engine: { trace: true } })
  client.poller.write('again\n')
  await client.until(() => client.text === 'again\n')
  assert.equal([client.agreed.group, hellos(client, 'sent')], ['secp384r1', 2])
})

retry('gnutls-cli to membio', async (t) => {
  const server = await serveMembio(t, { settings: { groups: ['X25519'] }, engine: { trace: true } }, echo)
  const priority = ['--single-key-share', '--priority', `${ONLY_P384}:+GROUP-X25519`]
  const program = gnutlsClient(t, server.port, { args: priority })
  await program.write('again\n')
  await program.until(/^again$/m)
  const party = await server.accept()
  assert.equal([party.agreed.group, hellos(party, 'received')], ['x25519', 2])
})

suite('interop: groups, membio to membio')('the post-quantum hybrid, in one round trip', async (t) => {
  const server = await serveMembio(t, { engine: { trace: true } })
  const client = dialMembio(t, server.port)
  const party = await server.accept()
  await Promise.all([client.secure(), party.secure()])
  assert.equal([client.agreed.group, party.agreed.group], ['X25519MLKEM768', 'X25519MLKEM768'])
  assert.is(hellos(party, 'received'), 1)
})

// ---- The key log: both sides derive the same secrets. ----

const sorted = (lines: readonly string[]) => [...new Set(lines.map((line) => line.trim()).filter((line) => /^[A-Z]/.test(line)))].sort()
const keylogOf = (party: Party) => sorted(party.eventsOf('keylog').map(({ line }) => line))

/** The file, once it has as many lines as we have. */
async function keylogFile(program: Program, path: string, lines: number): Promise<string[]> {
  for (;;) {
    const found = sorted(readFileSync(path, 'utf8').split('\n'))
    if (found.length >= lines) return found
    await program.write('\n')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const keylog = withPeer('key log', 'openssl')

for (const version of VERSIONS) {
  keylog(`membio to openssl s_server, ${version}`, async (t) => {
    const path = `${folder(t)}/keys`
    const program = await opensslServer(t, { version, identity: serverIdentity(), args: ['-rev', '-keylogfile', path] })
    const client = dialMembio(t, program.port, { engine: { keylog: true } })
    client.poller.write('abc\n')
    await client.until(() => client.text === 'cba\n')
    assert.equal(await keylogFile(program, path, keylogOf(client).length), keylogOf(client))
    assert.is(keylogOf(client).length, version === 'TLSv1.2' ? 1 : 5)
  })

  keylog(`openssl s_client to membio, ${version}`, async (t) => {
    const path = `${folder(t)}/keys`
    const server = await serveMembio(t, { engine: { keylog: true } }, echo)
    const program = opensslClient(t, server.port, { version, args: ['-keylogfile', path] })
    await program.write('hello\n')
    await program.until(/^hello$/m)
    const party = await server.accept()
    assert.equal(await keylogFile(program, path, keylogOf(party).length), keylogOf(party))
  })

  keylog(`node:tls client to membio, ${version}`, async (t) => {
    const server = await serveMembio(t, { settings: { maxVersion: version }, engine: { keylog: true } })
    const peer = dialNode(t, server.port)
    const party = await server.accept()
    await Promise.all([party.secure(), peer.until(() => peer.socket.authorized)])
    assert.equal(sorted(peer.keylog), keylogOf(party))
  })
}

// ---- Exporters (RFC 5705; RFC 8446, 7.5). ----

const exporter = suite('interop: exported keying material')
const LABEL = 'EXPORTER-membio-test'
const CONTEXTS: readonly { name: string; context: Uint8Array | undefined }[] = [
  { name: 'without a context', context: undefined },
  { name: 'with an empty context', context: new Uint8Array(0) },
  { name: 'with a context', context: new Uint8Array([1, 2, 3]) },
]

for (const version of VERSIONS) {
  for (const { name, context } of CONTEXTS) {
    exporter(`node:tls server, ${version}, ${name}`, async (t) => {
      const server = await serveNode(t, { maxVersion: version })
      const client = dialMembio(t, server.port)
      const [peer] = await Promise.all([server.accept(), client.secure()])
      const ours = client.engine.exportKeyingMaterial(48, LABEL, context)
      assert.equal(ours, new Uint8Array(peer.socket.exportKeyingMaterial(48, LABEL, context as Buffer)))
    })

    exporter(`node:tls client, ${version}, ${name}`, async (t) => {
      const server = await serveMembio(t, { settings: { maxVersion: version } })
      const peer = dialNode(t, server.port)
      const party = await server.accept()
      await Promise.all([party.secure(), peer.until(() => peer.socket.authorized)])
      const ours = party.engine.exportKeyingMaterial(48, LABEL, context)
      assert.equal(ours, new Uint8Array(peer.socket.exportKeyingMaterial(48, LABEL, context as Buffer)))
    })
  }

  const openssl = withPeer(`exported keying material, openssl, ${version}`, 'openssl')

  openssl('s_server tells the same', async (t) => {
    const program = await opensslServer(t, {
      version,
      identity: serverIdentity(),
      args: ['-keymatexport', LABEL, '-keymatexportlen', '32'],
    })
    const client = dialMembio(t, program.port)
    await client.secure()
    const [, hex] = await program.until(/Keying material: ([0-9A-F]{64})/)
    assert.is(Buffer.from(client.engine.exportKeyingMaterial(32, LABEL)).toString('hex').toUpperCase(), hex)
  })
}
