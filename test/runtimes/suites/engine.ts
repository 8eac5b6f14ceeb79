// Two engines in memory, and what every runtime must show of them. Certificates are made on the spot.
import { createContext, createDtlsContext, liveHandles, version, type DtlsEngine, type EngineEvent, type TlsEngine } from 'membio'
import { client, HOST, root, server, serverFor, strangeRoot } from '../../support/certs.ts'
import { makePair } from '../../support/pair.ts'
import { pattern } from '../../support/random.ts'
import { decode, encode, fails, group, MiB, ok, same, sameBytes } from './kit.ts'

const test = group('engine in memory')

test('the package loads, and is OpenSSL 3.5', (t) => {
  t.note = version()
  ok(version().startsWith('OpenSSL 3.5.'), version())
  same(liveHandles(), 0)
})

test('TLS 1.3 with X25519MLKEM768: both ways', (t) => {
  const pair = t.own(makePair())
  pair.establish()
  const { version, group, authorized, servername } = pair.client.engine.agreed!
  same([version, group, authorized, servername], ['TLSv1.3', 'X25519MLKEM768', true, HOST])
  pair.send(pair.client, 'ping').send(pair.server, 'pong')
  same([pair.server.text, pair.client.text], ['ping', 'pong'])
})

test('TLS 1.2', (t) => {
  const pair = t.own(makePair({ client: { maxVersion: 'TLSv1.2' } }))
  pair.establish()
  same(pair.client.engine.agreed!.version, 'TLSv1.2')
})

for (const mutual of [true, false]) {
  test(mutual ? 'a client certificate' : 'a client without the certificate that is asked for: refused', async (t) => {
    const serverEngine = { clientCertificate: 'require' } as const
    const pair = t.own(makePair({ client: mutual ? client() : {}, server: { ca: root().cert }, serverEngine }))
    if (!mutual) return void (await fails(() => pair.establish(), 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'))
    pair.establish()
    ok(pair.server.engine.agreed!.authorized, 'the client is not authorized')
  })
}

test('a server of another CA: refused', async (t) => {
  const pair = t.own(makePair({ client: { ca: strangeRoot().cert } }))
  const error = await fails(() => pair.establish(), 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
  t.note = error.message
})

test('a server for another host: refused', async (t) => {
  const pair = t.own(makePair({ server: serverFor('other.test') }))
  await fails(() => pair.establish(), 'HOSTNAME_MISMATCH')
})

test('5 MiB, by each of the three suites', (t) => {
  const sent = pattern(5 * MiB)
  for (const suite of ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384']) {
    const pair = t.own(makePair({ client: { cipherSuites: [suite] } }))
    pair.establish()
    same(pair.client.engine.agreed!.cipherSuite.name, suite)
    for (let at = 0; at < sent.length; at += 60_000) pair.send(pair.client, sent.subarray(at, at + 60_000))
    sameBytes(pair.server.plaintext, sent)
  }
})

test('an end without close_notify is truncation', async (t) => {
  const pair = t.own(makePair())
  pair.establish().send(pair.server, 'half a message')
  pair.client.engine.receiveEof()
  same(pair.client.text, 'half a message')
  await fails(() => pair.client.engine.readPlaintext(), 'ERR_TLS_TRUNCATED')
})

test('ALPN, and keys for a key log', (t) => {
  const pair = t.own(makePair({ client: { alpn: ['h2', 'http/1.1'] }, server: { alpn: ['http/1.1'] }, clientEngine: { keylog: true } }))
  pair.establish()
  same(pair.client.engine.agreed!.alpn, 'http/1.1')
  const labels = pair.client.eventsOf('keylog').map(({ line }) => line.split(' ')[0])
  ok(labels.includes('CLIENT_TRAFFIC_SECRET_0'), `no traffic secret in ${labels.join(', ')}`)
})

test('a pre-shared key instead of certificates', (t) => {
  const psk = { identity: 'device 7', key: pattern(32) }
  const pair = t.own(makePair({ clientEngine: { psk }, serverEngine: { psks: [psk] } }))
  pair.establish()
  same(pair.client.engine.agreed!.peerChain.length, 0)
})

test('a second connection resumes the first', (t) => {
  const contexts = { clientContext: t.own(createContext({ ca: root().cert })), serverContext: t.own(createContext(server())) }
  const first = t.own(makePair(contexts)).establish()
  const session = first.client.eventsOf('session').at(-1)?.session
  ok(session, 'no session')
  const second = t.own(makePair({ ...contexts, clientEngine: { session } })).establish()
  ok(second.client.engine.agreed!.resumed, 'not resumed')
})

test('new keys in the midst of a connection; keying material is the same on both sides', (t) => {
  const pair = t.own(makePair())
  pair.establish()
  pair.client.engine.keyUpdate('requested')
  pair.send(pair.client, 'after').send(pair.server, 'too')
  same([pair.server.text, pair.client.text], ['after', 'too'])
  const exported = (engine: TlsEngine) => engine.exportKeyingMaterial(32, 'EXPERIMENTAL matrix')
  sameBytes(exported(pair.client.engine), exported(pair.server.engine))
})

test('DTLS 1.2: cookie, handshake, a datagram each way', (t) => {
  const contexts = [createDtlsContext({ ca: root().cert }), createDtlsContext(server())]
  for (const context of contexts) t.own(context)
  const near = t.own(contexts[0]!.createEngine({ role: 'client', servername: HOST }))
  const far = t.own(contexts[1]!.createEngine({ role: 'server', peer: '192.0.2.7 5684' }))
  for (let round = 0; round < 10 && !(near.agreed && far.agreed); round++) {
    for (const [from, to] of [[near, far], [far, near]] as const) {
      if (!from.agreed) from.handshake()
      pass(from, to)
    }
  }
  same([near.agreed?.version, far.agreed?.version], ['DTLSv1.2', 'DTLSv1.2'])
  for (const [from, to] of [[near, far], [far, near]] as const) {
    from.writePlaintext(encode('datagram'))
    pass(from, to)
    same(decode(to.readPlaintext().plaintext), 'datagram')
  }
})

function pass(from: DtlsEngine, to: DtlsEngine): void {
  for (let datagram = from.takeDatagram(); datagram; datagram = from.takeDatagram()) to.receiveDatagram(datagram)
}

test('events come in order', (t) => {
  const pair = t.own(makePair())
  pair.establish()
  pair.client.engine.closeWrite()
  pair.run()
  const types = (events: readonly EngineEvent[]) => events.map(({ type }) => type)
  ok(types(pair.client.events).includes('secureConnect'), 'no secureConnect')
  ok(types(pair.server.events).includes('closeNotify'), 'no closeNotify')
})
