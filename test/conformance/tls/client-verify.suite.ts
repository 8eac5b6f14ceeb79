// Whom a client believes, and how it says so: rejectUnauthorized, authorized and authorizationError, certificates of its own.
import { once } from 'node:events'
import type { PeerCertificate } from 'node:tls'
import * as assert from 'uvu/assert'
import { bad, client as goodClient, HOST, root, serverWithChain, strangeRoot, type Bad } from '../../support/certs.ts'
import { inFreshNode } from '../../support/node.ts'
import { suite } from '../../support/suite.ts'
import { connectedPair, dial, listen } from './parties.ts'
import { importing, type Subject } from './subject.ts'
import { closing, failing, record, sameFields } from './watch.ts'

const BAD: [kind: Bad, code: string][] = [
  ['unknownCa', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['expired', 'CERT_HAS_EXPIRED'],
  ['notYetValid', 'CERT_NOT_YET_VALID'],
  ['wrongUsage', 'INVALID_PURPOSE'],
  ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
]

export function verifySuite(subject: Subject): void {
  badSuite(subject)
  trustSuite(subject)
  clientCertificateSuite(subject)
}

function badSuite({ name, tls }: Subject): void {
  const test = suite(`${name} client: bad certificates`)

  for (const [kind, code] of BAD) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`${kind} is ${code} with ${maxVersion}`, async (t) => {
        const { port } = await listen(t, { ...bad(kind), maxVersion })
        const socket = dial(t, tls, port)
        const events = record(socket, 'secureConnect', 'data', 'end', 'error', 'close')
        sameFields(await failing(socket), { code })
        assert.equal([socket.authorized, socket.authorizationError as unknown, socket.destroyed], [false, code, true])
        assert.is(await closing(socket), true)
        assert.equal(events, ['error', 'close'])
      })
    }

    test(`${kind} with rejectUnauthorized: false is told, and the connection works`, async (t) => {
      const { port, accept } = await listen(t, bad(kind))
      const socket = dial(t, tls, port, { rejectUnauthorized: false })
      const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
      assert.equal([socket.authorized, socket.authorizationError as unknown], [false, code])
      peer.write('hello')
      assert.is(String((await once(socket, 'data'))[0]), 'hello')
    })
  }
}

function trustSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: trust`)

  test('a good certificate: authorized, and no error', async (t) => {
    const { own } = await connectedPair(t, subject)
    assert.equal([own.authorized, own.authorizationError], [true, null])
  })

  test('ca is a list, a bundle, bytes, or a list of bytes', async (t) => {
    const [good, strange] = [root().cert, strangeRoot().cert]
    for (const ca of [good, [good], [strange, good], strange + good, Buffer.from(good), [Buffer.from(strange), Buffer.from(good)]]) {
      const { own } = await connectedPair(t, subject, { client: { ca } })
      assert.is(own.authorized, true)
    }
  })

  test('ca replaces the default roots: an empty list trusts nobody', async (t) => {
    const { port } = await listen(t)
    sameFields(await failing(dial(t, tls, port, { ca: [] })), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  })

  test('a chain with an intermediate', async (t) => {
    const { own } = await connectedPair(t, subject, { server: serverWithChain() })
    assert.is(own.authorized, true)
  })

  test('rejectUnauthorized: only false itself counts', async (t) => {
    for (const rejectUnauthorized of [undefined, null, 0, '']) {
      const { port } = await listen(t, bad('unknownCa'))
      const socket = dial(t, tls, port, { rejectUnauthorized: rejectUnauthorized as never })
      sameFields(await failing(socket), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    }
  })

  for (const [value, refused] of [
    ['0', false],
    ['1', true],
  ] as const) {
    test(`NODE_TLS_REJECT_UNAUTHORIZED=${value} in the environment`, () => {
      const program = `${importing(subject)}
        const { key, cert } = ${JSON.stringify(bad('selfSigned'))}
        const server = tls.createServer({ key, cert }, (peer) => peer.on('error', () => {}).resume())
        server.on('tlsClientError', () => {})
        server.listen(0, '127.0.0.1', () => {
          const socket = tls.connect({ port: server.address().port, host: '127.0.0.1' }, () => end('connected'))
          socket.on('error', ({ code }) => end(code))
          const end = (outcome) => (socket.destroy(), server.close(), console.log(JSON.stringify(outcome)))
        })`
      const outcome = inFreshNode(program, { NODE_TLS_REJECT_UNAUTHORIZED: value })
      assert.is(outcome, refused ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'connected')
    })
  }
}

function clientCertificateSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: certificates of its own`)

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`are sent when asked for, with ${version}`, async (t) => {
      const server = { requestCert: true, ca: root().cert }
      const { own, peer } = await connectedPair(t, subject, { version, client: goodClient(), server })
      assert.is(peer.getPeerCertificate().subject.CN, 'client.test')
      assert.is(peer.authorized, true)
      assert.is((own.getCertificate() as PeerCertificate).subject.CN, 'client.test')
      assert.is(own.getX509Certificate()!.subject, 'CN=client.test')
    })

    test(`are not sent unasked, with ${version}`, async (t) => {
      const { peer } = await connectedPair(t, subject, { version, client: goodClient() })
      assert.equal(peer.getPeerCertificate(), {})
    })
  }

  test('missing, where the server insists: TLS 1.2 ends the handshake', async (t) => {
    const { port } = await listen(t, { requestCert: true, ca: root().cert, maxVersion: 'TLSv1.2' })
    const socket = dial(t, tls, port)
    socket.on('secureConnect', () => assert.unreachable('secureConnect'))
    const error = await failing(socket)
    assert.match(error.code!, /^(ERR_SSL_|ECONNRESET)/)
    assert.is(await closing(socket), true)
  })

  test('missing, where the server insists: TLS 1.3 tells after the handshake', async (t) => {
    const { port, failure } = await listen(t, { requestCert: true, ca: root().cert })
    const socket = dial(t, tls, port)
    const events = record(socket, 'secureConnect', 'error', 'close')
    const [error] = await Promise.all([failing(socket), failure()])
    sameFields(error, { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' })
    await closing(socket)
    assert.equal(events, ['secureConnect', 'error', 'close'])
  })

  test('getCertificate is empty without one', async (t) => {
    const { own } = await connectedPair(t, subject)
    assert.equal(own.getCertificate(), {})
    assert.is(own.getX509Certificate(), undefined)
  })

  test('the peer certificate: short, and with its issuers', async (t) => {
    const { own } = await connectedPair(t, subject, { server: serverWithChain() })
    const short = own.getPeerCertificate()
    assert.is(short.subject.CN, HOST)
    assert.is('issuerCertificate' in short, false)
    assert.equal(own.getPeerCertificate(false), short)
    const detailed = own.getPeerCertificate(true)
    assert.is(detailed.issuerCertificate.subject.CN, 'membio test intermediate')
    const top = detailed.issuerCertificate.issuerCertificate
    assert.is(top.subject.CN, 'membio test root')
    assert.is(top.issuerCertificate, top)
    assert.is(own.getPeerX509Certificate()!.subject, `CN=${HOST}`)
  })
}
