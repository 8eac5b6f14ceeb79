// How plaintext is cut into records, and padded, with peers: maximum fragment length (RFC 6066, section 4), our own limits, theirs. The
// sizes are read from the record headers that a trace shows.
import * as assert from 'uvu/assert'
import type { ContextOptions, Version } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { gnutlsClient, gnutlsServer, opensslServer, type Program } from '../support/peers.ts'
import { cannot, GNUTLS_ONLY, nodeEcho, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type Party } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const SIZE = 10_000
/** A line of digits: no letters that s_server or s_client take for commands. */
const LINE = `${'0123456789'.repeat(SIZE / 10 - 1)}012345678\n`
const WHOLE = /(0123456789){999}012345678\n/

/** Both suites put an authentication tag behind the plaintext; in TLS 1.3 there is a byte of content type as well. */
const OVERHEAD: Record<Version, number> = { 'TLSv1.2': 16, 'TLSv1.3': 17 }
const APPLICATION_DATA = 23

/** Bytes of plaintext and padding in the records with application plaintext; TLS 1.3 hides handshake messages among them. */
function recordSizes(party: Party, direction: 'sent' | 'received', version: Version): number[] {
  const headers = party.eventsOf('message').filter((event) => event.content === 'recordHeader' && event.direction === direction)
  const ours = headers.filter(({ bytes }) => bytes[0] === APPLICATION_DATA)
  return ours.map(({ bytes }) => ((bytes[3]! << 8) | bytes[4]!) - OVERHEAD[version])
}

/** From the records of a line: those of the handshake came before. */
const largest = (party: Party, direction: 'sent' | 'received', version: Version) => Math.max(...recordSizes(party, direction, version))

const traced = { trace: true } as const
const only = (version: Version, settings: ContextOptions): ContextOptions => ({
  ...settings,
  minVersion: version,
  maxVersion: version,
  cipherList: 'ECDHE-ECDSA-CHACHA20-POLY1305', // whose records have no explicit nonce
})

// ---- Clients of ours, servers of ours; each sends a long line and gets it back. ----

interface Exchange {
  party: Party
  /** The line has gone there and back. */
  done: () => Promise<unknown>
}

interface Peer {
  name: string
  program?: string
  role: 'client' | 'server'
  /** @param words more for openssl's command line */
  join: (t: Case, version: Version, settings: ContextOptions, words?: readonly string[]) => Promise<Exchange>
}

async function dial(t: Case, port: number, settings: ContextOptions): Promise<Exchange> {
  const party = dialMembio(t, port, { settings, engine: traced })
  party.poller.write(LINE)
  return { party, done: () => party.until(() => party.bytesReceived === LINE.length) }
}

async function serve(t: Case, settings: ContextOptions, start: (port: number) => () => Promise<unknown>): Promise<Exchange> {
  const server = await serveMembio(t, { settings, engine: traced }, echo)
  const done = start(server.port)
  const party = await server.accept()
  return { party, done: async () => (await done(), await party.until(() => party.bytesReceived === LINE.length)) }
}

const typing = (program: Program) => {
  void program.write(LINE)
  return () => program.until(WHOLE)
}

const PEERS: readonly Peer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    role: 'client',
    join: async (t, version, settings, words = []) => {
      const { port } = await opensslServer(t, { version, identity: serverIdentity(), args: ['-rev', ...words] })
      return dial(t, port, settings)
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    role: 'client',
    join: async (t, version, settings) => dial(t, (await gnutlsServer(t, { version, identity: serverIdentity() })).port, settings),
  },
  { name: 'node:tls server', role: 'client', join: async (t, _, settings) => dial(t, await nodeEcho(t, {}), settings) },
  {
    name: 'openssl s_client',
    program: 'openssl',
    role: 'server',
    join: (t, version, settings, words = []) => serve(t, settings, (port) => typing(sClient(t, port, ['-brief', OPENSSL_ONLY[version], ...words]))),
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    role: 'server',
    join: (t, version, settings) => serve(t, settings, (port) => typing(gnutlsClient(t, port, { version }))),
  },
  {
    name: 'node:tls client',
    role: 'server',
    join: (t, _, settings) =>
      serve(t, settings, (port) => {
        const peer = dialNode(t, port)
        peer.socket.write(LINE)
        return () => peer.until(() => peer.text === LINE)
      }),
  },
]

for (const { name, program, role, join } of PEERS) {
  const test = withPeer(`records, membio as ${role} and ${name}`, program)
  for (const version of VERSIONS) {
    for (const maxSendFragment of [512, 4096]) {
      test(`${version}: maxSendFragment ${maxSendFragment}`, async (t) => {
        const { party, done } = await join(t, version, only(version, { maxSendFragment }))
        await done()
        assert.ok(largest(party, 'sent', version) <= maxSendFragment)
        assert.ok(recordSizes(party, 'sent', version).length >= SIZE / maxSendFragment)
      })
    }

    const both = `${version}: maxFragmentLength 1024 is what both sides keep to`
    if (name === 'gnutls-serv' && version === 'TLSv1.2') test.skip(cannot('gnutls-serv 3.7 agrees to it in TLS 1.2 and sends longer records'), both)
    else if (role === 'client') {
      test(both, async (t) => {
        const { party, done } = await join(t, version, only(version, { maxFragmentLength: 1024 }))
        await done()
        assert.ok(largest(party, 'sent', version) <= 1024 && largest(party, 'received', version) <= 1024)
      })
    }
  }

  for (const recordPadding of [128, 1000]) {
    test(`TLSv1.3: recordPadding ${recordPadding}`, async (t) => {
      const { party, done } = await join(t, 'TLSv1.3', only('TLSv1.3', { recordPadding }))
      await done()
      const sizes = recordSizes(party, 'sent', 'TLSv1.3')
      assert.ok(sizes.length >= 2)
      for (const size of sizes) assert.is((size + 1) % recordPadding, 0, `a record of ${size} bytes`) // the byte of content type counts
    })
  }
}

// ---- Their limits. ----

const openssl = PEERS.filter(({ program }) => program === 'openssl')

for (const { name, program, role, join } of openssl) {
  const test = withPeer(`records, membio as ${role} and ${name} with limits of its own`, program)
  for (const version of VERSIONS) {
    test(`${version}: -max_send_frag 1024`, async (t) => {
      const { party, done } = await join(t, version, only(version, {}), ['-max_send_frag', '1024'])
      await done()
      assert.ok(largest(party, 'received', version) <= 1024)
    })
  }

  test('TLSv1.3: -record_padding 512', async (t) => {
    const { party, done } = await join(t, 'TLSv1.3', only('TLSv1.3', {}), ['-record_padding', '512'])
    await done()
    const sizes = recordSizes(party, 'received', 'TLSv1.3')
    assert.equal(sizes.filter((size) => (size + 1) % 512 !== 0), [])
  })
}

const asking = withPeer('maximum fragment length, openssl s_client to membio', 'openssl')

for (const version of VERSIONS) {
  for (const length of [512, 1024, 2048, 4096]) {
    asking(`${version}: -maxfraglen ${length}`, async (t) => {
      const { party, done } = await PEERS[3]!.join(t, version, only(version, {}), ['-maxfraglen', String(length)])
      await done()
      assert.ok(largest(party, 'sent', version) <= length && largest(party, 'received', version) <= length)
      assert.ok(recordSizes(party, 'sent', version).length >= SIZE / length)
    })
  }
}

const asked = withPeer('maximum fragment length, gnutls-cli to membio', 'gnutls-cli')

for (const version of VERSIONS) {
  asked(`${version}: --recordsize 1024`, async (t) => {
    const server = await serveMembio(t, { settings: only(version, {}), engine: traced })
    const program = gnutlsClient(t, server.port, { args: ['--recordsize', '1024', '--priority', GNUTLS_ONLY[version]] })
    const party = await server.accept()
    party.poller.write(LINE)
    await program.until(WHOLE)
    assert.ok(largest(party, 'sent', version) <= 1024)
  })
}

suite('interop: maximum fragment length, node:tls').skip(cannot('node:tls cannot ask for it; as a server it keeps to it'), 'node:tls client to membio')
