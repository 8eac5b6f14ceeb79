// JA3 and JA4 of clients that are what they are: the same at each connection, another for each program, and for each way to call it.
import * as assert from 'uvu/assert'
import { createHash } from 'node:crypto'
import { ja3, ja4, type ClientHello } from '../../src/index.ts'
import { curl, gnutlsClient, missing } from '../support/peers.ts'
import { sClient, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { serveMembio } from '../support/sockets-party.ts'
import { suite, type Case } from '../support/suite.ts'

interface Client {
  name: string
  program?: string
  start: (t: Case, port: number, alpn: readonly string[]) => unknown
  /** Of the first part: what comes before the counts, and ALPN after them. */
  head: RegExp
}

const alpnWord = (alpn: readonly string[]) => (alpn.length ? ['-alpn', alpn.join(',')] : [])

const CLIENTS: readonly Client[] = [
  { name: 'openssl s_client', program: 'openssl', start: (t, port, alpn) => sClient(t, port, ['-brief', ...alpnWord(alpn)]), head: /^t13d/ },
  {
    name: 'openssl s_client -tls1_2 -noservername',
    program: 'openssl',
    start: (t, port, alpn) => sClient(t, port, ['-brief', '-noservername', '-tls1_2', ...alpnWord(alpn)]),
    head: /^t12i/,
  },
  {
    name: 'curl',
    program: 'curl',
    start: (t, port, alpn) => curl(t, port, '/', { args: alpn.length ? ['--http1.1'] : ['--no-alpn'] }),
    head: /^t13d/,
  },
  { name: 'gnutls-cli', program: 'gnutls-cli', start: (t, port, alpn) => gnutlsClient(t, port, { alpn }), head: /^t13d/ },
  { name: 'node:tls', start: (t, port, alpn) => dialNode(t, port, { ALPNProtocols: [...alpn] }), head: /^t13d/ },
]

/** What the client says first. */
async function helloOf(t: Case, { start }: Client, alpn: readonly string[] = []): Promise<ClientHello> {
  const server = await serveMembio(t, { engine: { park: ['clientHello'] } })
  start(t, server.port, alpn)
  const party = await server.accept()
  await party.until(() => party.eventsOf('clientHello').length > 0)
  return party.eventsOf('clientHello')[0]!.hello
}

for (const client of CLIENTS) {
  const test = withPeer(`fingerprints of ${client.name}`, client.program)

  test('are the same at each connection', async (t) => {
    const [first, second] = [await helloOf(t, client), await helloOf(t, client)]
    assert.not.equal(first.random, second.random)
    assert.is(ja4(first), ja4(second))
    assert.is(ja3(first).digest, ja3(second).digest)
    assert.match(ja4(first), client.head)
    assert.match(ja4(first), /^t1[23][di]\d{4}00_[\da-f]{12}_[\da-f]{12}$/)
    assert.is(ja3(first).digest, createHash('md5').update(ja3(first).text).digest('hex'))
  })

  test('tell ALPN: the rest of JA4 stays', async (t) => {
    const [without, offering] = [ja4(await helloOf(t, client)), ja4(await helloOf(t, client, ['http/1.1']))]
    assert.is(offering.slice(8, 10), 'h1')
    assert.equal(offering.split('_').slice(1), without.split('_').slice(1))
  })
}

suite('interop: fingerprints').unless(missing('gnutls-cli') ?? missing('curl'))('tell all of them apart', async (t) => {
  const seen = new Set<string>()
  for (const client of CLIENTS) seen.add(ja4(await helloOf(t, client)))
  assert.is(seen.size, CLIENTS.length)
})

