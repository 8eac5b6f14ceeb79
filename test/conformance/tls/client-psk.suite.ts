// Keys shared beforehand (RFC 4279, and RFC 8446 section 4.2.11): pskCallback of a client.
import { once } from 'node:events'
import type { PSKCallbackNegotation, TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { suite } from '../../support/suite.ts'
import { dial, listen, type ClientOptions } from './parties.ts'
import type { Subject } from './subject.ts'
import { closing, failing, record, sameFields } from './watch.ts'

const KEY = Buffer.from('d731ef57be09e5204f0b205b60627028', 'hex')
const CIPHERS = { 'TLSv1.2': 'PSK-AES128-GCM-SHA256', 'TLSv1.3': 'TLS_AES_128_GCM_SHA256' } as const

const serverOptions = (maxVersion: keyof typeof CIPHERS, more: TlsOptions = {}): TlsOptions => ({
  key: undefined,
  cert: undefined,
  maxVersion,
  ciphers: CIPHERS[maxVersion],
  pskIdentityHint: 'whoever',
  pskCallback: (_, identity) => (identity === 'me' ? KEY : null),
  ...more,
})

const clientOptions = (maxVersion: keyof typeof CIPHERS, answer: PSKCallbackNegotation | null, hints: unknown[] = []): ClientOptions => ({
  servername: undefined,
  ca: undefined,
  maxVersion,
  ciphers: CIPHERS[maxVersion],
  pskCallback: (hint) => (hints.push(hint), answer),
  checkServerIdentity: () => undefined,
})

export function pskSuite(subject: Subject): void {
  const { name, tls } = subject
  const test = suite(`${name} client: shared keys`)

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    // TLS 1.3 has no hints.
    const expectedHint = version === 'TLSv1.2' ? 'whoever' : null

    test(`the callback is asked with the hint ${expectedHint}, and its key used, with ${version}`, async (t) => {
      const { port, accept } = await listen(t, serverOptions(version))
      const hints: unknown[] = []
      const socket = dial(t, tls, port, clientOptions(version, { psk: KEY, identity: 'me' }, hints))
      const [peer] = await Promise.all([accept(), once(socket, 'secureConnect')])
      assert.ok(hints.length > 0 && hints.every((hint) => hint === expectedHint), JSON.stringify(hints))
      assert.is(socket.authorized, true)
      assert.equal(socket.getPeerCertificate(), {})
      peer.write('hello')
      assert.is(String((await once(socket, 'data'))[0]), 'hello')
    })

    test(`an identity that the server does not know fails, with ${version}`, async (t) => {
      const { port, failure } = await listen(t, serverOptions(version))
      const socket = dial(t, tls, port, clientOptions(version, { psk: KEY, identity: 'nobody' }))
      const events = record(socket, 'secureConnect', 'error', 'close')
      const [error] = await Promise.all([failing(socket), failure()])
      assert.match(error.code!, /^(ERR_SSL_|ECONNRESET)/)
      await closing(socket)
      assert.equal(events, ['error', 'close'])
    })

    test(`another key fails, with ${version}`, async (t) => {
      const { port, failure } = await listen(t, serverOptions(version))
      const socket = dial(t, tls, port, clientOptions(version, { psk: Buffer.alloc(16), identity: 'me' }))
      const events = record(socket, 'secureConnect', 'error', 'close')
      await Promise.all([failing(socket), failure()])
      await closing(socket)
      assert.equal(events, ['error', 'close'])
    })
  }

  test('null means no key: the handshake fails where there is nothing else', async (t) => {
    const { port, failure } = await listen(t, serverOptions('TLSv1.2'))
    const socket = dial(t, tls, port, clientOptions('TLSv1.2', null))
    await Promise.all([failing(socket), failure()])
  })

  test('TLS 1.2: the default checkServerIdentity refuses a server without a certificate', async (t) => {
    const { port } = await listen(t, serverOptions('TLSv1.2'))
    const { checkServerIdentity: _, ...options } = clientOptions('TLSv1.2', { psk: KEY, identity: 'me' })
    const socket = dial(t, tls, port, options)
    assert.is((await failing(socket)).code, 'ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('TLS 1.3: a shared key is a resumption, and checkServerIdentity is not asked', async (t) => {
    const { port } = await listen(t, serverOptions('TLSv1.3'))
    const checkServerIdentity = () => new Error('asked')
    const socket = dial(t, tls, port, { ...clientOptions('TLSv1.3', { psk: KEY, identity: 'me' }), checkServerIdentity })
    await once(socket, 'secureConnect')
    assert.is(socket.isSessionReused(), true)
  })

  const WRONG: [what: string, answer: unknown][] = [
    ['text', 'text'],
    ['a key that is text', { psk: 'text', identity: 'me' }],
    ['no key', { identity: 'me' }],
    ['an identity that is no text', { psk: KEY, identity: 1 }],
  ]
  for (const [what, answer] of WRONG) {
    test(`${what} as the answer is an error of the socket`, async (t) => {
      const { port } = await listen(t, serverOptions('TLSv1.3'))
      const socket = dial(t, tls, port, clientOptions('TLSv1.3', answer as PSKCallbackNegotation))
      sameFields(await failing(socket), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' })
      assert.is(await closing(socket), true)
    })
  }

  test('what the callback throws is the error of the socket', async (t) => {
    const { port } = await listen(t, serverOptions('TLSv1.3'))
    const mine = new Error('mine')
    const pskCallback = () => {
      throw mine
    }
    const socket = dial(t, tls, port, { ...clientOptions('TLSv1.3', null), pskCallback })
    assert.is(await failing(socket), mine)
    assert.is(await closing(socket), true)
  })
}
