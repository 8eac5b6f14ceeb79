// Java's JSSE as a peer, which shares no code with OpenSSL: both roles, closes, sessions, new keys, renegotiation, old versions. Exporters,
// PSK, 0-RTT, post-handshake authentication and Ed25519 in TLS are not in JSSE 17.
import * as assert from 'uvu/assert'
import type { ContextOptions, Version } from '../../src/index.ts'
import { client as clientIdentity, HOST, root, server as serverIdentity, serverWithChain, type Identity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { respond } from '../support/ocsp.ts'
import { Java, type JavaOptions, type JavaPeer } from '../support/peers-java.ts'
import { answered, VERSIONS } from '../support/peers-more.ts'
import { dialMembio, echo, makeContext, serveMembio, type Party, type SideOptions } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

const started = await Java.start()
const java = started as Java
const withJava = (title: string) => suite(`interop: java, ${title}`).unless(started instanceof Java ? undefined : started)

const client = (options: JavaOptions = {}): JavaOptions => ({ host: HOST, ca: root().cert, ...options })
const identified = ({ cert, key }: Identity) => ({ cert, key })
const only = (version: Version): ContextOptions => ({ minVersion: version, maxVersion: version })

/** A membio server that echoes, and a Java client that connects to it. */
async function visited(t: Case, options: SideOptions, peer: JavaOptions): Promise<{ party: Party; peer: JavaPeer }> {
  const server = await serveMembio(t, options, echo)
  const dialled = java.dial(server.port, client(peer))
  return { party: await server.accept(), peer: dialled }
}

// ---- Handshakes. ----

const matrix = withJava('handshakes')

for (const version of VERSIONS) {
  for (const [name, identity] of [['P-256', () => serverIdentity()], ['RSA-2048', () => serverIdentity('RSA-2048')], ['a chain', serverWithChain]] as const) {
    for (const mutual of [false, true]) {
      const title = `${version}, ${name}${mutual ? ', client certificate' : ''}`

      matrix(`${title}: a Java client`, async (t) => {
        const settings = { ...identity(), ...(mutual && { ca: root().cert }) }
        const engine = { clientCertificate: mutual ? 'require' : 'none' } as const
        const { party, peer } = await visited(t, { settings, engine }, { versions: version, ...(mutual && identified(clientIdentity())) })
        assert.is((await peer.next('handshake'))['handshake'], version)
        await peer.next('closed')
        assert.is(await party.closed, undefined)
        assert.equal([party.agreed.version, party.agreed.authorized, party.agreed.servername], [version, mutual, HOST])
      })

      matrix(`${title}: a Java server`, async (t) => {
        const asks = mutual ? { mutual: 1, ca: root().cert } : {}
        const peer = await java.serve({ versions: version, ...identified(identity()), ...asks })
        const party = dialMembio(t, peer.port, { settings: mutual ? clientIdentity() : {} })
        await answered(party)
        assert.equal([party.agreed.version, party.agreed.authorized], [version, true])
        const { peer: name } = await peer.next('handshake')
        assert.is(name, mutual ? 'CN=client.test' : 'none')
        party.poller.close()
        assert.is(await party.closed, undefined)
        await peer.next('closed')
      })
    }
  }
}

// ---- ALPN, suites, closes. ----

const terms = withJava('terms')

terms('ALPN in both roles', async (t) => {
  const { party, peer } = await visited(t, { settings: { alpn: ['h2', 'http/1.1'] } }, { alpn: 'http/1.1,h2' })
  assert.equal([(await peer.next('handshake'))['alpn'], (await party.secure()).alpn], ['h2', 'h2'])
  const server = await java.serve({ ...identified(serverIdentity()), alpn: 'h2' })
  assert.is((await dialMembio(t, server.port, { settings: { alpn: ['http/1.1', 'h2'] } }).secure()).alpn, 'h2')
})

for (const suiteName of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
  terms(`TLS 1.3 with ${suiteName}`, async (t) => {
    const { party, peer } = await visited(t, {}, { versions: 'TLSv1.3', suites: suiteName })
    assert.equal([(await peer.next('handshake'))['suite'], (await party.secure()).cipherSuite.name], [suiteName, suiteName])
    await peer.next('closed')
  })
}

for (const version of VERSIONS) {
  terms(`${version}: Java ends its direction, and gets everything that was to come`, async (t) => {
    const { party, peer } = await visited(t, { settings: only(version) }, { do: 'bulk100000,shutdown' })
    await peer.next('said')
    assert.is((await peer.next('received'))['received'], '0')
    await peer.next('closed')
    assert.is(await party.closed, undefined)
    assert.is(party.bytesReceived, 100_000)
  })
}

terms('a certificate for another host is refused by Java', async (t) => {
  const { party, peer } = await visited(t, {}, { host: 'other.test' })
  try {
    await peer.next('handshake')
    throw new Error('Java was content')
  } catch (error) {
    assert.match((error as Error).message, /No subject alternative DNS name matching other\.test/)
  }
  expectError(await party.closed, { kind: 'alert' })
})

terms('OCSP stapling: Java gets the response', async (t) => {
  const ocspResponse = respond(t, serverIdentity().cert, root(), { status: 'V' })
  for (const version of VERSIONS) {
    const { peer } = await visited(t, { settings: { ...only(version), ocspResponse } }, { versions: version })
    assert.is((await peer.next('handshake'))['staples'], '1')
  }
})

// ---- Sessions. ----

const sessions = withJava('sessions')

for (const version of VERSIONS) {
  for (const tickets of ['stateless', 'none'] as const) {
    sessions(`${version}: a Java client ${tickets === 'none' ? 'does not resume without tickets' : 'resumes'}`, async (t) => {
      const context = makeContext(t, 'server', { ...only(version), tickets })
      const server = await serveMembio(t, { context }, echo)
      for (const expected of [false, tickets !== 'none']) {
        const peer = java.dial(server.port, client({ context: `resuming ${version} ${tickets}`, versions: version }))
        await peer.next('closed')
        assert.is((await (await server.accept()).secure()).resumed, expected)
      }
    })
  }

  sessions(`${version}: a Java server's session is resumed`, async (t) => {
    const peer = await java.serve({ versions: version, ...identified(serverIdentity()) })
    const context = makeContext(t, 'client')
    const first = dialMembio(t, peer.port, { context })
    await answered(first)
    await first.until(() => first.eventsOf('session').length > 0)
    const second = dialMembio(t, peer.port, { context, engine: { session: first.eventsOf('session').at(-1)!.session } })
    await answered(second)
    assert.equal([first.agreed.resumed, second.agreed.resumed, second.agreed.authorized], [false, true, true])
  })
}

// ---- During a connection. ----

const live = withJava('during a connection')
const KEY_UPDATE = 24
const MEGABYTE = 1 << 20

const keyUpdates = (party: Party, direction: 'sent' | 'received') =>
  party.eventsOf('message').filter(({ content, direction: to, bytes }) => content === 'handshake' && to === direction && bytes[0] === KEY_UPDATE).length

live('a Java client with much to send updates its keys, and asks for ours', async (t) => {
  const { party, peer } = await visited(t, { settings: { minVersion: 'TLSv1.3' }, engine: { trace: true } }, { do: `bulk${MEGABYTE}` })
  await peer.next('said')
  assert.ok(keyUpdates(party, 'received') > 0)
  assert.ok(keyUpdates(party, 'sent') > 0)
  await peer.next('closed')
})

live('our keyUpdate is followed by Java', async (t) => {
  const peer = await java.serve({ versions: 'TLSv1.3', ...identified(serverIdentity()) })
  const party = dialMembio(t, peer.port, { engine: { trace: true } })
  for (let round = 1; round <= 3; round++) {
    await answered(party)
    party.engine.keyUpdate('requested')
    party.poller.wake()
    await answered(party)
    assert.equal([keyUpdates(party, 'sent'), keyUpdates(party, 'received')], [round, round])
  }
})

for (const [renegotiations, what] of [[0, 'is refused by default'], [1, 'is done where allowed']] as const) {
  live(`renegotiation by a Java client ${what}`, async (t) => {
    const { party, peer } = await visited(t, { settings: { ...only('TLSv1.2'), renegotiations } }, { do: 'say,renegotiate,say' })
    if (renegotiations) {
      await peer.next('renegotiated')
      await peer.next('closed')
      assert.is(await party.closed, undefined)
    } else {
      expectError(await party.closed, { kind: 'alert' })
      assert.ok(party.eventsOf('alert').some(({ name, direction }) => direction === 'sent' && name === 'no_renegotiation'))
    }
    assert.is(party.eventsOf('agreed').length, renegotiations)
  })

  live(`renegotiation by a Java server ${what}`, async (t) => {
    const peer = await java.serve({ versions: 'TLSv1.2', renegotiate: 1, ...identified(serverIdentity()) })
    const party = dialMembio(t, peer.port, { settings: { renegotiations } })
    party.poller.write('hello\n')
    if (renegotiations) await party.until(() => party.eventsOf('agreed').length === 1)
    else await party.until(() => party.eventsOf('alert').some(({ name, direction }) => direction === 'sent' && name === 'no_renegotiation'))
  })
}

live('maximum fragment length: a Java client that asks for 1024 bytes', async (t) => {
  for (const version of VERSIONS) {
    const options = { settings: only(version), engine: { trace: true } }
    const { party, peer } = await visited(t, options, { versions: version, packet: 1024, do: 'bulk10000' })
    await peer.next('said')
    const headers = party.eventsOf('message').filter(({ content, direction, bytes }) => content === 'recordHeader' && direction === 'sent' && bytes[0] === 23)
    assert.ok(Math.max(...headers.map(({ bytes }) => (bytes[3]! << 8) | bytes[4]!)) <= 1024 + 32)
    await peer.next('closed')
  }
})

// ---- What is no longer sound. ----

const legacy = withJava('insecureLegacyPeers')
const OLD: readonly { name: string; versions: string; suites?: string }[] = [
  { name: 'TLS 1.0', versions: 'TLSv1' },
  { name: 'TLS 1.1', versions: 'TLSv1.1' },
  { name: 'CBC', versions: 'TLSv1.2', suites: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA' },
  { name: 'static RSA', versions: 'TLSv1.2', suites: 'TLS_RSA_WITH_AES_128_GCM_SHA256' },
  { name: 'DHE', versions: 'TLSv1.2', suites: 'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256' },
]

for (const { name, ...speech } of OLD) {
  legacy(`${name}: a Java client, with the option and without it`, async (t) => {
    const settings = serverIdentity('RSA-2048')
    const { party, peer } = await visited(t, { settings: { ...settings, insecureLegacyPeers: true } }, speech)
    await peer.next('closed')
    assert.is(party.agreed.version, speech.versions)
    const refused = await visited(t, { settings }, speech)
    expectError(await refused.party.closed, { kind: 'protocol' })
  })

  legacy(`${name}: a Java server, with the option and without it`, async (t) => {
    const peer = await java.serve({ ...speech, ...identified(serverIdentity('RSA-2048')) })
    const party = dialMembio(t, peer.port, { settings: { insecureLegacyPeers: true } })
    await answered(party)
    assert.is(party.agreed.version, speech.versions)
    expectError(await dialMembio(t, peer.port).closed, { kind: 'alert' })
  })
}
