// OCSP stapling (RFC 6066, section 8): responses made by `openssl ocsp`, asked for, handed over, checked, and missed where they must be there.
import * as assert from 'uvu/assert'
import type { ContextOptions, EngineOptions } from '../../src/index.ts'
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
  ocsp?: 'request' | 'require'
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

for (const { name, response, ocsp, client, code } of ROWS) {
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
