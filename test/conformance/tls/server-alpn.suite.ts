// ALPN at the server: its list, its callback, and what both ends make of each answer.
import type { TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { alert, disconnected, matchError, ssl, type ExpectedError } from './error-support.ts'
import { attempt, connected, listen, suiteOf } from './server-support.ts'
import type { Subject } from './subject.ts'

type Offer = { servername: string; protocols: string[] }
type Callback = (offer: Offer) => string | undefined

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

export function serverAlpnSuite(subject: Subject): void {
  agreedSuite(subject)
  refusedSuite(subject)
}

function agreedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'ALPN agreed')
  const rows: [string, TlsOptions, string[] | undefined, string | false][] = [
    ["the server's order counts", { ALPNProtocols: ['http/1.1', 'h2'] }, ['h2', 'http/1.1'], 'http/1.1'],
    ['one that both have', { ALPNProtocols: ['h2', 'http/1.1'] }, ['http/1.1', 'spdy/3'], 'http/1.1'],
    ['bytes as a list', { ALPNProtocols: Buffer.from('\x02h2') }, ['h2'], 'h2'],
    ['the client has none', { ALPNProtocols: ['h2'] }, undefined, false],
    ['the server has none', {}, ['h2'], false],
    ["the callback's choice", { ALPNCallback: ({ protocols }: Offer) => protocols.at(-1) }, ['h2', 'http/1.1'], 'http/1.1'],
    ['a callback is not asked by a client without', { ALPNCallback: () => 'h2' }, undefined, false],
  ]
  for (const maxVersion of VERSIONS) {
    for (const [name, server, offered, expected] of rows) {
      test(`${maxVersion}: ${name}`, async (t) => {
        const pair = await connected(t, subject, { ...server, maxVersion }, offered && { ALPNProtocols: offered })
        assert.equal([pair.client.socket.alpnProtocol, pair.server.socket.alpnProtocol], [expected, expected])
      })
    }
  }

  test('the callback is told what the client sent', async (t) => {
    const offers: Offer[] = []
    const ALPNCallback: Callback = (offer) => {
      offers.push(offer)
      return offer.protocols[0]
    }
    const listening = await listen(t, subject, { ALPNCallback })
    await attempt(t, subject, listening, { ALPNProtocols: ['a', 'bc'] })
    await attempt(t, subject, listening, { ALPNProtocols: ['d'], servername: '', checkServerIdentity: () => undefined })
    assert.equal({ ...offers[0] }, { servername: 'server.test', protocols: ['a', 'bc'] })
    assert.equal(offers[1]?.protocols, ['d'])
    assert.is(offers.length, 2)
  })
}

function refusedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'ALPN refused')
  const refusal = alert(subject, 'no application protocol', 'tlsv1')
  const invalid = (result: unknown): ExpectedError => ({
    name: 'TypeError',
    code: 'ERR_TLS_ALPN_CALLBACK_INVALID_RESULT',
    message: `ALPN callback returned a value (${String(result)}) that did not match any of the client's offered protocols (a, b)`,
  })

  const rows: [string, TlsOptions, server: ExpectedError, client: ExpectedError][] = [
    ['nothing in common', { ALPNProtocols: ['c'] }, ssl('no application protocol'), refusal],
    ['the callback has no answer', { ALPNCallback: () => undefined }, ssl('no application protocol'), refusal],
    ['the callback answers what was not offered', { ALPNCallback: () => 'c' }, invalid('c'), disconnected],
    ['the callback answers no text', { ALPNCallback: () => null } as object, invalid(null), disconnected],
    [
      'the callback throws',
      {
        ALPNCallback: () => {
          throw new Error('thrown')
        },
      },
      { message: 'thrown' },
      disconnected,
    ],
  ]
  for (const maxVersion of VERSIONS) {
    for (const [name, options, server, client] of rows) {
      test(`${maxVersion}: ${name}`, async (t) => {
        const outcome = await attempt(t, subject, await listen(t, subject, { ...options, maxVersion }), { ALPNProtocols: ['a', 'b'] })
        matchError(outcome.server.error, server)
        matchError(outcome.client.error, client)
      })
    }
  }
}
