// The server name: when a client sends one (RFC 6066, section 3), which, and for whom the certificate must be.
import { once } from 'node:events'
import { connect as connectNet, Socket } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import * as assert from 'uvu/assert'
import { bad, HOST, root } from '../../support/certs.ts'
import { inFreshNode } from '../../support/node.ts'
import { suite } from '../../support/suite.ts'
import { connectTo, dial, listen, owned, undocumented, type ClientOptions, type Failure } from './parties.ts'
import { importing, type Subject } from './subject.ts'
import { failing, sameFields, thrownBy } from './watch.ts'

const ANY: ClientOptions = { rejectUnauthorized: false, servername: undefined }
const toLoopback: NonNullable<ClientOptions['lookup']> = (_, options, callback) =>
  setImmediate(() => (options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)))

/** What the options say, and what the server is told: false is nothing. */
const SENT: [options: ClientOptions, sent: string | false][] = [
  [{ host: '127.0.0.1' }, false],
  [{ host: 'localhost' }, false],
  [{ host: HOST, lookup: toLoopback }, false],
  [{ host: undefined }, false],
  [{ host: '127.0.0.1', servername: HOST }, HOST],
  [{ host: 'localhost', servername: HOST }, HOST],
  [{ host: 'localhost', servername: '' }, false],
  [{ host: 'localhost', servername: 'Server.TEST' }, 'Server.TEST'],
  [{ host: 'localhost', servername: 'xn--bcher-kva.test' }, 'xn--bcher-kva.test'],
]

/** Whom the certificate must be for. */
const CHECKED: [options: ClientOptions, hostname: string][] = [
  [{ host: '127.0.0.1' }, '127.0.0.1'],
  [{ host: 'localhost' }, 'localhost'],
  [{ host: undefined }, 'localhost'],
  [{ host: '127.0.0.1', servername: HOST }, HOST],
  [{ host: HOST, lookup: toLoopback }, HOST],
  [{ host: '127.0.0.1', servername: '' }, '127.0.0.1'],
]

const shown = ({ lookup: _, ...options }: ClientOptions): string => JSON.stringify(options)

export function servernameSuite(subject: Subject): void {
  sentSuite(subject)
  identitySuite(subject)
}

function sentSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: servername`)

  for (const [options, sent] of SENT) {
    test(`${shown(options)} sends ${sent === false ? 'none' : sent}`, async (t) => {
      const { port, accept } = await listen(t)
      const socket = dial(t, tls, port, { ...ANY, ...options })
      const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
      assert.is(peer.servername, sent)
      assert.is(socket.servername, sent)
    })
  }

  test('setServername before the handshake has the last word', async (t) => {
    const { port, accept } = await listen(t)
    const socket = dial(t, tls, port, ANY)
    undocumented(socket).setServername('second.test')
    const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
    assert.is(peer.servername, 'second.test')
  })

  test('setServername takes text only, and only of a client', (t) => {
    const client = undocumented(new tls.TLSSocket(new Socket()))
    const server = undocumented(new tls.TLSSocket(new Socket(), { isServer: true }))
    for (const socket of [client, server]) owned(t, socket)
    sameFields(thrownBy(() => client.setServername(1 as never)), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' })
    sameFields(thrownBy(() => server.setServername(HOST)), { code: 'ERR_TLS_SNI_FROM_SERVER' })
  })

  test('the server chooses a certificate by it', async (t) => {
    const { port, server } = await listen(t)
    server.addContext('other.test', bad('wrongHost'))
    for (const [servername, common] of [
      [HOST, HOST],
      ['other.test', 'other.test'],
    ] as const) {
      const socket = dial(t, tls, port, { servername })
      await once(socket, 'secureConnect')
      assert.is(socket.getPeerCertificate().subject.CN, common)
      assert.is(socket.authorized, true)
    }
  })

  test('an address as a name gives a warning', () => {
    const program = `${importing(subject)}
      const warnings = []
      process.on('warning', ({ name, code }) => warnings.push([name, code]))
      const socket = tls.connect({ port: 1, host: '127.0.0.1', servername: '127.0.0.1' })
      socket.on('error', () => {})
      socket.on('close', () => console.log(JSON.stringify(warnings)))`
    assert.equal(inFreshNode(program), [['DeprecationWarning', 'DEP0123']])
  })
}

function identitySuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: checkServerIdentity`)

  for (const [options, expected] of CHECKED) {
    test(`${shown(options)} is asked about ${expected}`, async (t) => {
      const { port } = await listen(t)
      const asked: [string, PeerCertificate][] = []
      const checkServerIdentity = (hostname: string, cert: PeerCertificate) => void asked.push([hostname, cert])
      const socket = dial(t, tls, port, { ...ANY, rejectUnauthorized: true, checkServerIdentity, ...options })
      await once(socket, 'secureConnect')
      assert.is(asked.length, 1)
      const [hostname, cert] = asked[0]!
      assert.is(hostname, expected)
      assert.is(cert.subject.CN, HOST)
      assert.match(cert.subjectaltname!, `DNS:${HOST}`)
      assert.instance(cert.raw, Buffer)
    })
  }

  test('its certificate comes with those of the issuers', async (t) => {
    const { port } = await listen(t)
    let issuer: string | undefined
    const checkServerIdentity = (_: string, cert: PeerCertificate) => {
      issuer = (cert as PeerCertificate & { issuerCertificate: PeerCertificate }).issuerCertificate.subject.CN as string
      return undefined
    }
    await once(dial(t, tls, port, { checkServerIdentity }), 'secureConnect')
    assert.is(issuer, 'membio test root')
  })

  test('for a UNIX socket or a given stream without a name it is asked about localhost', async (t) => {
    const { port } = await listen(t)
    const socket = owned(t, connectNet(port, '127.0.0.1'))
    await once(socket, 'connect')
    const asked: string[] = []
    const checkServerIdentity = (hostname: string) => void asked.push(hostname)
    const secured = owned(t, connectTo(tls, { socket, ca: root().cert, checkServerIdentity }))
    await once(secured, 'secureConnect')
    assert.equal(asked, ['localhost'])
  })

  test('the error it returns is the error of the socket', async (t) => {
    const { port } = await listen(t)
    const refusal = Object.assign(new Error('not you'), { code: 'MINE' })
    const socket = dial(t, tls, port, { checkServerIdentity: () => refusal })
    socket.on('secureConnect', () => assert.unreachable('secureConnect'))
    assert.is(await failing(socket), refusal)
    assert.equal([socket.authorized, socket.authorizationError as unknown, socket.destroyed], [false, 'MINE', true])
  })

  test('without a code, the message is the authorizationError', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port, { checkServerIdentity: () => new Error('not you') })
    await failing(socket)
    assert.is(socket.authorizationError as unknown, 'not you')
  })

  test('with rejectUnauthorized: false the error is only noted', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port, { rejectUnauthorized: false, checkServerIdentity: () => new Error('not you') })
    await once(socket, 'secureConnect')
    assert.equal([socket.authorized, socket.authorizationError as unknown, socket.destroyed], [false, 'not you', false])
  })

  test('is not asked when the chain is not good', async (t) => {
    for (const rejectUnauthorized of [true, false]) {
      const { port } = await listen(t, bad('unknownCa'))
      let asked = 0
      const checkServerIdentity = () => void asked++
      const socket = dial(t, tls, port, { rejectUnauthorized, checkServerIdentity })
      if (rejectUnauthorized) await failing(socket)
      else await once(socket, 'secureConnect')
      assert.is(asked, 0)
    }
  })

  test('the default says which names there are', async (t) => {
    const { port } = await listen(t, bad('wrongHost'))
    const error = (await failing(dial(t, tls, port))) as Failure & { cert: PeerCertificate }
    const message = `Hostname/IP does not match certificate's altnames: Host: ${HOST}. is not in the cert's altnames: DNS:other.test`
    sameFields(error, {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      host: HOST,
      reason: `Host: ${HOST}. is not in the cert's altnames: DNS:other.test`,
      message,
    })
    assert.is(error.cert.subject.CN, 'other.test')
  })

  test('what it throws keeps the connection from being secure, and does not get lost', () => {
    const program = `${importing(subject)}
      const { key, cert, ca } = ${JSON.stringify({ ...bad('selfSigned'), ca: bad('selfSigned').cert })}
      const events = []
      const onError = ({ message }) => {
        events.push(message)
        server.close()
        socket.destroy()
      }
      process.on('uncaughtException', onError) // Node lets it pass; to make it the error of the socket is as good
      const server = tls.createServer({ key, cert }, (peer) => peer.on('error', () => {}))
      server.on('tlsClientError', () => {})
      let socket
      server.listen(0, '127.0.0.1', () => {
        const checkServerIdentity = () => { throw new Error('thrown') }
        socket = tls.connect({ port: server.address().port, host: '127.0.0.1', ca, checkServerIdentity })
        socket.on('secureConnect', () => events.push('secureConnect'))
        socket.on('error', onError)
        socket.on('close', () => console.log(JSON.stringify(events)))
      })`
    assert.equal(inFreshNode(program), ['thrown'])
  })
}
