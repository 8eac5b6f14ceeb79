// Poller and engine on the runtime's real sockets, against real peers: membio on Node, and Node's own OpenSSL.
import { pattern } from '../../support/random.ts'
import { PSK, type Need, type PeerName, type World } from '../world.ts'
import { Client, type ClientOptions } from './client.ts'
import { fails, fromHex, group, MiB, ok, same, sameBytes, sha256, type Case, type Group } from './kit.ts'

type Slot = keyof World['pipes']

const NATIVE: PeerName[] = ['node24', 'node26']
const ALL: PeerName[] = ['membio', ...NATIVE]

function connections(title: string, slot: Slot, need: Need): void {
  const test = group(title, [need])
  const open = async (t: Case, port: number, options?: ClientOptions) => new Client(t, await t.world.pipes[slot].dial(port), options)
  for (const peer of ALL) withEach(test, peer, open)
  many(test, open)
  refusals(test, open)
  truncation(test, open)
}

type Open = (t: Case, port: number, options?: ClientOptions) => Promise<Client>

function withEach(test: Group, peer: PeerName, open: Open): void {
  test(`${peer}: a verified handshake with a private CA, ALPN, a key log`, async (t) => {
    const { good } = t.world.peers[peer]
    const client = await open(t, good, { context: { alpn: ['matrix/2', 'matrix/1'] }, engine: { keylog: true } })
    const { version, authorized, alpn, group } = await client.secure()
    same([version, authorized], ['TLSv1.3', true])
    const info = await client.info()
    same([info.version, info.alpn, info.resumed, info.servername], ['TLSv1.3', alpn, false, 'server.test'])
    same(alpn, 'matrix/1')
    ok((await client.eventOf('keylog')).line.includes(' '), 'no line of a key log')
    t.note = group
    await client.close()
  })

  test(`${peer}: X25519MLKEM768 is agreed on`, async (t) => {
    const client = await open(t, t.world.peers[peer].hybrid)
    same((await client.secure()).group, 'X25519MLKEM768')
    await client.info()
    await client.close()
  })

  test(`${peer}: TLS 1.2`, async (t) => {
    const client = await open(t, t.world.peers[peer].tls12)
    same((await client.secure()).version, 'TLSv1.2')
    same((await client.info()).version, 'TLSv1.2')
    await client.close()
  })

  test(`${peer}: a client certificate`, async (t) => {
    const client = await open(t, t.world.peers[peer].mutual, { context: t.world.certificates.client })
    await client.secure()
    same((await client.info()).client, 'client.test')
    await client.close()
  })

  test(`${peer}: a pre-shared key instead of certificates`, async (t) => {
    const psk = { identity: PSK.identity, key: fromHex(PSK.keyHex) }
    const client = await open(t, t.world.peers[peer].psk, { context: { maxVersion: 'TLSv1.2' }, engine: { psk } })
    same((await client.secure()).peerChain.length, 0)
    await client.info()
    await client.close()
  })

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    test(`${peer}: a second connection resumes the first, ${version}`, async (t) => {
      const port = t.world.peers[peer][version === 'TLSv1.2' ? 'tls12' : 'good']
      const first = await open(t, port)
      await first.secure()
      await first.info()
      const { session } = await first.eventOf('session')
      await first.close()
      const second = await open(t, port, { engine: { session } })
      same((await second.secure()).resumed, true)
      same((await second.info()).resumed, true)
      await second.close()
    })
  }

  test(`${peer}: 5 MiB to the server, 5 MiB back, and both at once`, async (t) => {
    const bytes = pattern(5 * MiB, 3)
    const client = await open(t, t.world.peers[peer].good)
    await client.write(`hash ${bytes.length}\n`)
    await client.write(bytes)
    same(await client.line(), await sha256(bytes))
    await client.write(`send ${bytes.length} 4\n`)
    same(await sha256(await client.read(bytes.length)), await sha256(pattern(bytes.length, 4)))
    await client.write(`echo ${bytes.length}\n`)
    const [back] = await Promise.all([client.read(bytes.length), client.write(bytes)])
    sameBytes(back, bytes)
    await client.close()
  })
}

function many(test: Group, open: Open): void {
  test('twelve connections at once, each with bytes of its own', async (t) => {
    const one = async (seed: number) => {
      const client = await open(t, t.world.peers[ALL[seed % ALL.length]!].good)
      await client.secure()
      const bytes = pattern(300_000, seed)
      await client.write(`echo ${bytes.length}\n`)
      const [back] = await Promise.all([client.read(bytes.length), client.write(bytes)])
      sameBytes(back, bytes)
      await client.close()
    }
    await Promise.all(Array.from({ length: 12 }, (_, seed) => one(seed + 1)))
  })
}

function refusals(test: Group, open: Open): void {
  const refused = async (t: Case, port: number, code: string, options?: ClientOptions) => {
    const client = await open(t, port, options)
    // A TLS 1.3 client has done its part before the server has looked at its certificate.
    await fails(() => client.secure().then(() => client.info()), code)
  }

  test('a server of another CA: refused', (t) => refused(t, t.world.peers.membio.otherCa, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'))

  test('a good server, where another CA is trusted: refused', (t) =>
    refused(t, t.world.peers.node24.good, 'SELF_SIGNED_CERT_IN_CHAIN', { context: { ca: t.world.certificates.wrongCa } }))

  test('a server for another host: refused', (t) => refused(t, t.world.peers.node24.otherHost, 'HOSTNAME_MISMATCH'))

  test('we have no certificate where one is needed: refused', (t) =>
    refused(t, t.world.peers.node24.mutual, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'))

  test('our certificate is from a CA that the server does not know: refused', (t) =>
    refused(t, t.world.peers.membio.mutual, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', { context: t.world.certificates.strangeClient }))
}

function truncation(test: Group, open: Open): void {
  for (const where of ['cutInRecord', 'cutBetweenRecords'] as const) {
    for (const peer of ALL) {
      test(`${peer}: ${where === 'cutInRecord' ? 'cut in the midst of a record' : 'cut between two records'}: noticed`, async (t) => {
        const client = await open(t, t.world.peers[peer][where])
        await client.secure()
        await client.write('send 300000 5\n')
        const got = await client.rest()
        ok(got.length > 30_000 && got.length < 100_000, `${got.length} bytes came`)
        sameBytes(got, pattern(300_000, 5).subarray(0, got.length))
        same(client.error?.code, 'ERR_TLS_TRUNCATED')
      })
    }
  }
}

connections("connections, the runtime's own socket", 'native', 'own socket')
connections('connections, node:net', 'node', 'node:net')
