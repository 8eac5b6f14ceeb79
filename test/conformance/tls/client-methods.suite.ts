// What can be done with a TLSSocket besides reading and writing: keys exported and negotiated again, records limited, the event loop let go.
import { constants } from 'node:crypto'
import { once } from 'node:events'
import * as assert from 'uvu/assert'
import { client as goodClient, root, server as goodServer } from '../../support/certs.ts'
import { inFreshNode } from '../../support/node.ts'
import { pattern } from '../../support/random.ts'
import { suite } from '../../support/suite.ts'
import { connectedPair, dial, listen } from './parties.ts'
import { importing, type Subject } from './subject.ts'
import { failing, record, sameFields, thrownBy, until } from './watch.ts'

const BOTH_ROLES = ['client', 'server'] as const
const BOTH_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

export function methodsSuite(subject: Subject): void {
  keysSuite(subject)
  recordsSuite(subject)
  renegotiationSuite(subject)
  loopSuite(subject)
}

function keysSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} socket: keys`)
  const LABEL = 'EXPERIMENTAL-test'

  for (const role of BOTH_ROLES) {
    for (const version of BOTH_VERSIONS) {
      test(`exportKeyingMaterial as ${role} is what the peer gets, with ${version}`, async (t) => {
        const { own, peer } = await connectedPair(t, subject, { role, version })
        const questions: [number, string, Buffer?][] = [
          [1, LABEL],
          [128, LABEL],
          [32, LABEL, Buffer.alloc(0)],
          [32, LABEL, Buffer.from('context')],
          [32, 'another label'],
        ]
        for (const [length, label, context] of questions) {
          // Node distinguishes an argument that is left out.
          const args = context ? ([length, label, context] as const) : ([length, label] as const)
          const material = own.exportKeyingMaterial(...(args as [number, string, Buffer]))
          assert.is(material.length, length)
          assert.equal(material, peer.exportKeyingMaterial(...(args as [number, string, Buffer])))
        }
        const [a, b] = ['a', 'b'].map((label) => own.exportKeyingMaterial(32, label, undefined as never))
        assert.not.equal(a, b)
      })

      test(`getFinished as ${role} is the peer's getPeerFinished, with ${version}`, async (t) => {
        const { own, peer } = await connectedPair(t, subject, { role, version })
        assert.is(own.getFinished()!.length, version === 'TLSv1.2' ? 12 : 48)
        assert.equal(own.getFinished(), peer.getPeerFinished())
        assert.equal(own.getPeerFinished(), peer.getFinished())
      })
    }
  }

  test('exportKeyingMaterial checks its arguments, and the state', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    const ask = (...args: unknown[]) => thrownBy(() => socket.exportKeyingMaterial(...(args as [number, string, Buffer])))
    sameFields(ask(10, LABEL), {
      code: 'ERR_TLS_INVALID_STATE',
      message: 'TLS socket connection must be securely established',
    })
    await once(socket, 'secureConnect')
    for (const args of [[0, LABEL], [-1, LABEL], [1.5, LABEL]]) sameFields(ask(...args), { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
    for (const args of [['1', LABEL], [1, 1], [1, LABEL, 'text'], [], [1]]) {
      sameFields(ask(...args), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' })
    }
    socket.destroy()
    assert.instance(ask(10, LABEL), Error)
  })

  test('getSharedSigalgs as server: names as OpenSSL writes them', async (t) => {
    const { own } = await connectedPair(t, subject, { role: 'server', client: { sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha384' } })
    assert.equal(own.getSharedSigalgs(), ['ECDSA+SHA256', 'RSA-PSS+SHA384'])
  })

  test('getEphemeralKeyInfo as server is null', async (t) => {
    const { own } = await connectedPair(t, subject, { role: 'server' })
    assert.is(own.getEphemeralKeyInfo(), null)
  })

  test('enableTrace is there; the option must be a boolean', () => {
    assert.type(tls.TLSSocket.prototype.enableTrace, 'function')
    sameFields(thrownBy(() => new tls.TLSSocket(undefined as never, { enableTrace: 'yes' as never })), { code: 'ERR_INVALID_ARG_TYPE' })
  })
}

function recordsSuite(subject: Subject): void {
  const { name } = subject
  const test = suite(`${name} socket: setMaxSendFragment`)

  for (const role of BOTH_ROLES) {
    for (const version of BOTH_VERSIONS) {
      test(`limits what is sent as ${role}, with ${version}`, async (t) => {
        const { own, peer } = await connectedPair(t, subject, { role, version })
        assert.is(own.setMaxSendFragment(512), true)
        const sizes: number[] = []
        peer.on('data', (chunk: Buffer) => sizes.push(chunk.length))
        own.end(pattern(5000))
        await once(peer, 'end')
        assert.equal(sizes, [...Array.from({ length: 9 }, () => 512), 5000 - 9 * 512])
      })
    }
  }

  test('tells whether the size is a possible one', async (t) => {
    const { own } = await connectedPair(t, subject)
    const answers = [511, 512, 16384, 16385, 0, -1].map((size) => own.setMaxSendFragment(size))
    assert.equal(answers, [false, true, true, false, false, false])
    sameFields(thrownBy(() => own.setMaxSendFragment('512' as never)), { code: 'ERR_INVALID_ARG_TYPE' })
  })
}

function renegotiationSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} socket: renegotiation`)

  for (const role of BOTH_ROLES) {
    test(`TLS 1.2, as ${role}: a new handshake, while data goes on`, async (t) => {
      const { own, peer } = await connectedPair(t, subject, { role, version: 'TLSv1.2' })
      const received: Buffer[] = []
      for (const socket of [own, peer]) socket.on('data', (chunk: Buffer) => received.push(chunk))
      const before = own.getFinished()
      const error = await new Promise((resolve) => assert.is(own.renegotiate({}, resolve), true))
      assert.is(error, null)
      assert.not.equal(own.getFinished(), before)
      own.write('there')
      await until(() => Buffer.concat(received).toString() === 'there')
      peer.write('back')
      await until(() => Buffer.concat(received).toString() === 'thereback')
    })
  }

  test('TLS 1.2, as server: asks for a certificate now', async (t) => {
    const client = goodClient()
    const { SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION: secureOptions } = constants // or else nothing is asked
    const server = { ca: root().cert, requestCert: false, secureOptions }
    const { own, peer } = await connectedPair(t, subject, { role: 'server', version: 'TLSv1.2', client, server })
    for (const socket of [own, peer]) socket.resume()
    assert.equal(own.getPeerCertificate(), {})
    const error = await new Promise((resolve) => own.renegotiate({ requestCert: true, rejectUnauthorized: false }, resolve))
    assert.is(error, null)
    assert.is(own.getPeerCertificate().subject?.CN, 'client.test')
  })

  test('TLS 1.3 has none: false, and an error for the callback', async (t) => {
    const { own } = await connectedPair(t, subject, { version: 'TLSv1.3' })
    let returned: boolean | undefined
    const error = await new Promise<Error | null>((resolve) => (returned = own.renegotiate({}, resolve) as boolean))
    assert.is(returned, false)
    sameFields(error, { code: 'ERR_SSL_WRONG_SSL_VERSION' })
  })

  test('checks its arguments', async (t) => {
    const { own } = await connectedPair(t, subject, { version: 'TLSv1.2' })
    for (const args of [[], [1], [{}, 1], [null]]) {
      sameFields(thrownBy(() => own.renegotiate(...(args as [object, () => void]))), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' })
    }
  })

  test('disableRenegotiation as server: an error there, and the end', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role: 'server', version: 'TLSv1.2' })
    own.disableRenegotiation()
    for (const socket of [own, peer]) socket.resume()
    const events = record(peer, 'secure')
    peer.renegotiate({}, () => {})
    sameFields(await failing(own), {
      code: 'ERR_TLS_RENEGOTIATION_DISABLED',
      message: 'TLS session renegotiation disabled for this socket',
    })
    assert.equal(events, [])
  })

  test('as server: a fourth one within ten minutes is an attack', async (t) => {
    const { own, peer } = await connectedPair(t, subject, { role: 'server', version: 'TLSv1.2' })
    for (const socket of [own, peer]) socket.resume()
    const attacked = failing(own)
    for (let i = 0; i < tls.CLIENT_RENEG_LIMIT; i++) await new Promise((resolve) => peer.renegotiate({}, resolve))
    peer.renegotiate({}, () => {})
    sameFields(await attacked, { code: 'ERR_TLS_SESSION_ATTACK', message: 'TLS session renegotiation attack detected' })
  })
}

function loopSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} socket: the event loop`)

  /** Whether a process with one client lives on, after `act` on its socket. */
  const alive = (act: string): unknown =>
    inFreshNode(`${importing(subject)}
      const options = ${JSON.stringify({ ...goodServer(), ca: root().cert })}
      const server = tls.createServer(options)
      server.on('secureConnection', (peer) => peer.unref())
      server.on('connection', (socket) => socket.unref())
      let alive = false
      process.on('exit', () => console.log(JSON.stringify(alive)))
      server.listen(0, '127.0.0.1', () => {
        const socket = tls.connect({ port: server.address().port, host: '127.0.0.1', ca: options.ca })
        ${act.startsWith('early') ? act.slice(5) : ''}
        socket.once('secureConnect', () => {
          server.unref()
          ${act.startsWith('early') ? '' : act}
          setTimeout(() => { alive = true; process.exit() }, 50).unref()
        })
      })`)

  for (const [act, expected] of [
    ['', true],
    ['socket.unref()', false],
    ['socket.unref(); socket.ref()', true],
    ['socket.destroy()', false],
    ['early socket.unref()', false],
  ] as const) {
    test(`after ${act || 'nothing'} a process ${expected ? 'lives on' : 'ends'}`, () => assert.is(alive(act), expected))
  }

  test('ref and unref return the socket, also before the connection', async (t) => {
    const { port } = await listen(t)
    const socket = dial(t, tls, port)
    assert.is(socket.unref(), socket)
    assert.is(socket.ref(), socket)
  })
}
