// OCSP stapling (RFC 6066, section 8): responses made by `openssl ocsp`, asked for, handed over, checked, and missed where they must be there.
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type EngineOptions } from '../../src/index.ts'
import { HOST, HOSTS, issue, root, server, strangeRoot } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { respond, type ResponseOptions } from '../support/ocsp.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const test = suite('engine: OCSP stapling')

interface Row {
  name: string
  /** What the server staples; none where left out. */
  response?: ResponseOptions
  ocsp?: EngineOptions['ocsp']
  client?: ContextOptions
  code?: string
}

const ROWS: readonly Row[] = [
  { name: 'a good response is accepted and handed over', response: { status: 'V' }, ocsp: 'request' },
  { name: 'a good response satisfies a client that needs one', response: { status: 'V' }, ocsp: 'require' },
  { name: 'no response is no matter to a client that only asks', ocsp: 'request' },
  { name: 'no response is refused by a client that needs one', ocsp: 'require', code: 'OCSP_VERIFY_NEEDED' },
  { name: 'a revoked certificate is refused', response: { status: 'R' }, ocsp: 'request', code: 'CERT_REVOKED' },
  { name: 'a certificate unknown to the responder is refused', response: {}, ocsp: 'request', code: 'OCSP_CERT_UNKNOWN' },
  { name: 'a response that has expired is refused', response: { status: 'V', days: 1 }, ocsp: 'request', client: { verifyTime: new Date(Date.now() + 3 * 86_400_000) }, code: 'OCSP_HAS_EXPIRED' },
]

/** What a client that takes every response sees of each of them. */
const DELIVERED: readonly Row[] = [
  { name: 'a good response is handed over', response: { status: 'V' }, ocsp: 'deliver' },
  { name: 'a response that the certificate is revoked is handed over', response: { status: 'R' }, ocsp: 'deliver' },
  { name: "a stranger's response is handed over", response: { status: 'V', signer: strangeRoot() }, ocsp: 'deliver' },
  { name: 'no response is nothing to hand over', ocsp: 'deliver' },
]

for (const { name, response, ocsp, client, code } of [...ROWS, ...DELIVERED]) {
  test(name, (t) => {
    const ocspResponse = response && respond(t, server().cert, root(), response)
    const pair = t.own(makePair({ server: { ...server(), ocspResponse }, client, clientEngine: { ocsp } }))
    pair.run()
    if (code) {
      expectError(pair.client.error, { kind: 'certificate', code })
      return
    }
    pair.establish()
    assert.equal(pair.client.engine.agreed!.ocspResponse, ocspResponse)
  })
}

test('a response signed by a stranger is refused', (t) => {
  const ocspResponse = respond(t, server().cert, root(), { status: 'V', signer: strangeRoot() })
  const pair = t.own(makePair({ server: { ...server(), ocspResponse }, clientEngine: { ocsp: 'request' } }))
  pair.run()
  expectError(pair.client.error, { kind: 'certificate', code: 'OCSP_SIGNATURE_FAILURE' })
})

test('a client that does not ask gets none', (t) => {
  const ocspResponse = respond(t, server().cert, root(), { status: 'V' })
  const pair = t.own(makePair({ server: { ...server(), ocspResponse } }).establish())
  assert.is(pair.client.engine.agreed!.ocspResponse, undefined)
})

for (const [asks, engine] of [['asks', { ocsp: 'request' }], ['does not ask', {}]] as [string, Partial<EngineOptions>][]) {
  test(`a certificate that must be stapled (RFC 7633), a client that ${asks}`, (t) => {
    const strict = issue({ subject: { CN: HOST }, hosts: HOSTS, mustStaple: true }, root())
    const bare = t.own(makePair({ server: strict, clientEngine: engine }))
    bare.run()
    if (asks === 'asks') expectError(bare.client.error, { kind: 'certificate', code: 'OCSP_VERIFY_NEEDED' })
    else bare.establish() // it could not have come
    const ocspResponse = respond(t, strict.cert, root(), { status: 'V' })
    t.own(makePair({ server: { ...strict, ocspResponse }, clientEngine: engine }).establish())
  })
}

test('a certificate that must be stapled, a client that checks for itself', (t) => {
  const strict = issue({ subject: { CN: HOST }, hosts: HOSTS, mustStaple: true }, root())
  t.own(makePair({ server: strict, clientEngine: { ocsp: 'deliver' } }).establish())
})

const decided = suite('engine: an OCSP response by decision')

/** OpenSSL reads a message of at most 16,384 bytes here. */
const LONG = new Uint8Array(16_000).fill(7)
const GARBAGE = new TextEncoder().encode('no response at all')

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const [what, ocspResponse, expected] of [
    ['any bytes pass', GARBAGE, GARBAGE],
    ['as many as a client takes pass', LONG, LONG],
    ['empty, none is stapled', new Uint8Array(0), undefined],
  ] as const) {
    decided(`${version}: ${what}, in this connection only`, (t) => {
      const own = respond(t, server().cert, root(), { status: 'V' })
      const context = t.own(createContext({ ...server(), ocspResponse: own, maxVersion: version }))
      const pair = t.own(makePair({ serverContext: context, clientEngine: { ocsp: 'deliver' }, serverEngine: { park: ['clientHello'] } }))
      pair.run()
      pair.server.engine.resume({ ocspResponse })
      pair.establish()
      assert.equal(pair.client.engine.agreed!.ocspResponse, expected)
      const next = t.own(makePair({ serverContext: context, clientEngine: { ocsp: 'require' } }).establish())
      assert.equal(next.client.engine.agreed!.ocspResponse, own)
    })
  }
}

decided('a client that does not ask gets none', (t) => {
  const pair = t.own(makePair({ serverEngine: { park: ['clientHello'] } }))
  pair.run()
  pair.server.engine.resume({ ocspResponse: GARBAGE })
  pair.establish()
  assert.is(pair.client.engine.agreed!.ocspResponse, undefined)
})

decided('it goes with the certificate of another context', (t) => {
  const other = t.own(createContext(server('RSA-2048')))
  const ocspResponse = respond(t, server('RSA-2048').cert, root(), { status: 'V' })
  const pair = t.own(makePair({ clientEngine: { ocsp: 'require' }, serverEngine: { park: ['clientHello'] } }))
  pair.run()
  pair.server.engine.resume({ context: other, ocspResponse })
  pair.establish()
  assert.equal(pair.client.engine.agreed!.ocspResponse, ocspResponse)
})
