// Handshakes that wait for an answer: at the ClientHello, at the request for a certificate, where a certificate was looked at, where a PSK
// identity is named. Whatever happens meanwhile, each ends in a defined state.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type Version } from '../../src/index.ts'
import { client, root, server, strangeRoot, bad } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { makePair, type Pair, type PairOptions, type Side } from '../support/pair.ts'
import { byteByByte } from '../support/chunk.ts'
import { suite } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: Version): ContextOptions => ({ minVersion: version, maxVersion: version })

const asking = (options: PairOptions = {}): PairOptions => ({
  ...options,
  server: { ca: root().cert, ...options.server },
  serverEngine: { clientCertificate: 'require', ...options.serverEngine },
})

const isParked = (side: Side) => side.status === 'want-callback'

const requests = suite('engine: parking at the certificate request')

for (const version of VERSIONS) {
  requests(`a client of ${version} answers with a certificate`, (t) => {
    const identity = t.own(createContext({ ...client(), ca: root().cert }))
    const pair = t.own(makePair(asking({ client: only(version), clientEngine: { park: ['certificateRequest'] } })))
    pair.run()
    assert.ok(isParked(pair.client))
    const [request] = pair.client.eventsOf('certificateRequest')
    assert.is(request!.caNames.length, 1)
    pair.client.engine.resume({ context: identity })
    pair.establish()
    assert.is(pair.server.engine.agreed!.authorized, true)
    assert.is(pair.server.engine.agreed!.peerChain.length, 1)
  })

  requests(`a client of ${version} answers without one, and is refused by a server that needs it`, (t) => {
    const pair = t.own(makePair(asking({ client: only(version), clientEngine: { park: ['certificateRequest'] } })))
    pair.run()
    pair.client.engine.resume()
    pair.run()
    expectError(pair.server.error, { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
  })
}

const verifying = suite('engine: parking at verification')

interface VerifyCase {
  name: string
  bad: boolean
  verdict?: 'keep' | 'refuse' | 'dangerouslyAccept'
  code?: string
  alert?: number
}

const VERIFY_CASES: readonly VerifyCase[] = [
  { name: 'a good certificate is accepted by default', bad: false },
  { name: 'a good certificate can be refused', bad: false, verdict: 'refuse', code: 'APPLICATION_VERIFICATION', alert: 42 },
  { name: 'a bad certificate is refused by default, with the alert of the verdict', bad: true, code: 'SELF_SIGNED', alert: 48 },
  { name: 'a bad certificate can be accepted, dangerously', bad: true, verdict: 'dangerouslyAccept' },
]

for (const version of VERSIONS) {
  for (const row of VERIFY_CASES) {
    verifying(`client, ${version}: ${row.name}`, (t) => {
      const identity = row.bad ? bad('unknownCa') : server()
      const pair = t.own(makePair({ client: only(version), clientEngine: { park: ['verify'] }, server: identity }))
      decide(pair, pair.client, row)
    })

    verifying(`server, ${version}: ${row.name}`, (t) => {
      const ca = row.bad ? strangeRoot().cert : root().cert
      const pair = t.own(
        makePair({
          client: { ...only(version), ...client() },
          server: { ca },
          serverEngine: { clientCertificate: 'require', park: ['verify'] },
        }),
      )
      decide(pair, pair.server, row)
    })
  }
}

function decide(pair: Pair, side: Side, { bad, verdict, code, alert }: VerifyCase): void {
  pair.run()
  assert.ok(isParked(side), `the handshake came to ${side.status}`)
  const [event] = side.eventsOf('verify')
  assert.is(event!.ok, !bad)
  assert.is(event!.code === undefined, !bad)
  assert.ok(event!.peerChain.length >= 1)
  side.engine.resume({ verdict })
  pair.run()
  if (!code) {
    pair.establish()
    assert.is(side.engine.agreed!.authorized, true)
    pair.send(pair.client, 'through')
    assert.is(pair.server.text, 'through')
    return
  }
  const error = expectError(side.error, { kind: 'certificate' })
  assert.ok(error.code.includes(code === 'SELF_SIGNED' ? 'UNABLE' : code), error.code)
  const other = side === pair.client ? pair.server : pair.client
  assert.is(expectError(other.error, { kind: 'alert' }).alert!.description, alert)
}

verifying('a server that needs a certificate gets none: refused without asking', (t) => {
  const pair = t.own(makePair(asking({ serverEngine: { clientCertificate: 'require', park: ['verify'] } })))
  pair.run()
  expectError(pair.server.error, { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
})

verifying('nothing passes before a server has decided', (t) => {
  const pair = t.own(
    makePair({ client: client(), server: { ca: root().cert }, serverEngine: { clientCertificate: 'require', park: ['verify'] } }),
  )
  pair.run()
  pair.client.engine.writePlaintext(new TextEncoder().encode('early'))
  pair.transfer(pair.client, pair.server)
  assert.is(pair.server.text, '')
  assert.is(pair.server.engine.agreed, undefined)
  pair.server.engine.resume()
  pair.establish()
  assert.is(pair.server.text, 'early')
})

const meanwhile = suite('engine: while a handshake is parked')

const parkedAtHello = (options: PairOptions = {}): Pair => makePair({ ...options, serverEngine: { park: ['clientHello'] } })

meanwhile('bytes that arrive one at a time neither wake it nor get lost', (t) => {
  const pair = t.own(parkedAtHello({ cut: byteByByte }))
  pair.run()
  assert.ok(isParked(pair.server))
  assert.is(pair.server.eventsOf('clientHello').length, 1)
  pair.server.engine.resume()
  pair.establish()
})

meanwhile('a HelloRetryRequest does not ask twice', (t) => {
  const pair = t.own(parkedAtHello({ server: { ...server(), groups: ['secp384r1'] } }))
  pair.run()
  pair.server.engine.resume()
  pair.establish()
  assert.is(pair.server.eventsOf('clientHello').length, 1)
  assert.is(pair.server.engine.agreed!.group, 'secp384r1')
})

meanwhile("the peer's end of stream is met after the answer", (t) => {
  const pair = t.own(parkedAtHello())
  pair.run()
  pair.server.engine.receiveEof()
  assert.is(pair.server.engine.handshake(), 'want-callback')
  pair.server.engine.resume()
  pair.server.drive()
  expectError(pair.server.error, { kind: 'closed', code: 'ERR_TLS_TRUNCATED' })
})

meanwhile('freeing the engine ends it', (t) => {
  const pair = t.own(parkedAtHello())
  pair.run()
  pair.server.engine.free()
  assert.is(pair.server.engine.phase, 'closed')
})

meanwhile('abort refuses it with an alert of our choice', (t) => {
  const pair = t.own(parkedAtHello())
  pair.run()
  pair.server.attempt(() => pair.server.engine.abort(49))
  pair.run()
  expectError(pair.server.error, { kind: 'protocol', alert: { direction: 'sent', description: 49, name: 'access_denied' } })
  expectError(pair.client.error, { kind: 'alert', alert: { direction: 'received', description: 49, name: 'access_denied' } })
})

meanwhile('a rejected decision is the cause of the error, and internal_error for the peer', (t) => {
  const pair = t.own(parkedAtHello())
  const cause = new Error('the directory does not answer')
  pair.run()
  pair.server.engine.resume({ cause })
  pair.run()
  assert.is(expectError(pair.server.error, {}).cause, cause)
  assert.is(expectError(pair.client.error, { kind: 'alert' }).alert!.name, 'internal_error')
})

meanwhile('an answer that nobody waits for is a usage error', (t) => {
  const pair = t.own(makePair().establish())
  pair.server.attempt(() => pair.server.engine.resume())
  expectError(pair.server.error, { kind: 'usage' })
})
