// Groups for key exchange beyond agreement.test.ts: others than the usual ones, whose order counts, key shares that spare or cost a round
// trip, none in common.
import * as assert from 'uvu/assert'
import type { ContextOptions, Version } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { gnutlsClient, gnutlsServer, opensslServer } from '../support/peers.ts'
import { answered, cannot, GNUTLS_ONLY, nodeEcho, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, serveMembio, type Party } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

/** One group by its names: ours, theirs, and as it is told. */
interface Group {
  name: string
  openssl: string
  gnutls: string
  told: string
  versions: readonly Version[]
}

const GROUPS: readonly Group[] = [
  { name: 'X25519', openssl: 'X25519', gnutls: 'X25519', told: 'x25519', versions: VERSIONS },
  { name: 'X448', openssl: 'X448', gnutls: 'X448', told: 'x448', versions: VERSIONS },
  { name: 'secp256r1', openssl: 'P-256', gnutls: 'SECP256R1', told: 'secp256r1', versions: VERSIONS },
  { name: 'secp384r1', openssl: 'P-384', gnutls: 'SECP384R1', told: 'secp384r1', versions: VERSIONS },
  { name: 'secp521r1', openssl: 'P-521', gnutls: 'SECP521R1', told: 'secp521r1', versions: VERSIONS },
  { name: 'ffdhe3072', openssl: 'ffdhe3072', gnutls: 'FFDHE3072', told: 'ffdhe3072', versions: ['TLSv1.3'] },
]

const gnutlsGroups = (groups: readonly Group[]) => `-GROUP-ALL:${groups.map(({ gnutls }) => `+GROUP-${gnutls}`).join(':')}`
const opensslGroups = (groups: readonly Group[]) => groups.map(({ openssl }) => openssl).join(':')

/** Certificates need a group of their own in TLS 1.2: RSA needs none. */
const identity = () => serverIdentity('RSA-2048')
const only = (version: Version, settings: ContextOptions): ContextOptions => ({ minVersion: version, maxVersion: version, ...settings })
const hellos = (party: Party) => party.eventsOf('message').filter(({ content, bytes }) => content === 'handshake' && bytes[0] === 1).length

interface ServerPeer {
  name: string
  program?: string
  start: (t: Case, version: Version, groups: readonly Group[]) => Promise<number>
}

const SERVERS: readonly ServerPeer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, version, groups) => {
      const args = ['-rev', OPENSSL_ONLY[version], '-groups', opensslGroups(groups)]
      return (await opensslServer(t, { identity: identity(), args })).port
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t, version, groups) => {
      const args = ['--echo', '--priority', `${GNUTLS_ONLY[version]}:${gnutlsGroups(groups)}`]
      return (await gnutlsServer(t, { identity: identity(), args })).port
    },
  },
  {
    name: 'node:tls server',
    start: (t, version, groups) => nodeEcho(t, { ...identity(), minVersion: version, maxVersion: version, ecdhCurve: opensslGroups(groups) }),
  },
]

interface ClientPeer {
  name: string
  program?: string
  start: (t: Case, port: number, version: Version, groups: readonly Group[]) => unknown
}

const CLIENTS: readonly ClientPeer[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port, version, groups) => sClient(t, port, ['-brief', OPENSSL_ONLY[version], '-groups', opensslGroups(groups)]),
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port, version, groups) =>
      gnutlsClient(t, port, { args: ['--single-key-share', '--priority', `${GNUTLS_ONLY[version]}:${gnutlsGroups(groups)}`] }),
  },
  {
    name: 'node:tls client',
    start: (t, port, version, groups) => dialNode(t, port, { minVersion: version, maxVersion: version, ecdhCurve: opensslGroups(groups) }),
  },
]

const [X25519, X448, P256, P384] = GROUPS as [Group, Group, Group, Group]

for (const { name: peer, program, start } of SERVERS) {
  const test = withPeer(`groups, membio to ${peer}`, program)
  for (const version of VERSIONS) {
    for (const group of GROUPS.filter(({ versions }) => versions.includes(version))) {
      test(`${version}: ${group.name}`, async (t) => {
        const client = dialMembio(t, await start(t, version, [group]), { settings: { groups: [group.name] } })
        await answered(client)
        assert.is(client.agreed.group, group.told)
      })
    }

    test(`${version}: none in common`, async (t) => {
      const client = dialMembio(t, await start(t, version, [P256]), { settings: { groups: ['X25519'] } })
      expectError(await client.closed, { kind: 'alert' })
    })
  }

  for (const [groups, clientHellos] of [[['X25519', 'secp384r1'], 2], [['*X25519', '*secp384r1'], 1]] as const) {
    test(`TLSv1.3: a key share for the first only costs a round trip, ${clientHellos === 1 ? 'two spare it' : 'here'}`, async (t) => {
      const client = dialMembio(t, await start(t, 'TLSv1.3', [P384]), { settings: { groups }, engine: { trace: true } })
      await answered(client)
      assert.equal([client.agreed.group, hellos(client)], ['secp384r1', clientHellos])
    })
  }
}

for (const { name: peer, program, start } of CLIENTS) {
  const test = withPeer(`groups, ${peer} to membio`, program)
  const serve = (t: Case, version: Version, groups: readonly string[]) =>
    serveMembio(t, { settings: { ...identity(), ...only(version, { groups }) }, engine: { trace: true } })

  for (const version of VERSIONS) {
    for (const group of GROUPS.filter(({ versions }) => versions.includes(version))) {
      test(`${version}: ${group.name}`, async (t) => {
        const server = await serve(t, version, [group.name])
        start(t, server.port, version, [group])
        assert.is((await (await server.accept()).secure()).group, group.told)
      })
    }

    test(`${version}: none in common`, async (t) => {
      const server = await serve(t, version, ['X25519'])
      start(t, server.port, version, [P256])
      expectError(await (await server.accept()).closed, { kind: 'protocol' })
    })

    test(`${version}: our order counts`, async (t) => {
      const server = await serve(t, version, ['X448', 'secp256r1'])
      start(t, server.port, version, [P256, X448])
      const party = await server.accept()
      const { group } = await party.secure()
      // Without a slash between them a key share that is there already counts for more than the order, and spares a round trip.
      assert.is(group, version === 'TLSv1.2' ? 'x448' : 'secp256r1')
    })
  }

  test('TLSv1.3: HelloRetryRequest', async (t) => {
    const server = await serve(t, 'TLSv1.3', ['secp384r1'])
    start(t, server.port, 'TLSv1.3', [X25519, P384])
    const party = await server.accept()
    assert.equal([(await party.secure()).group, hellos(party)], ['secp384r1', 2])
  })
}

withPeer('groups, post-quantum').skip(cannot('OpenSSL 3.0, GnuTLS 3.7 and Java 17 have no ML-KEM'), 'X25519MLKEM768 with a peer')
