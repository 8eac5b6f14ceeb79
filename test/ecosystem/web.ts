// The rows that every HTTP client has, against nginx and HAProxy. Import it after rows.ts and before the client.
import type { ConnectionOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import nodeHttp2 from 'node:http2'
import nodeHttps from 'node:https'
import membioHttp2 from '../../src/https/http2.ts'
import membioHttps from '../../src/https/index.ts'
import type { Case } from '../support/suite.ts'
import { certificates, expectAgreed, expectCode, expectHash, factsOf, isNative, MiB, noise } from './rows.ts'
import { OTHER_NAME, socketCount, UNKNOWN_CA, type Rows } from './rows.ts'
import { LARGE, type Told } from './servers/backend.ts'
import { haproxy } from './servers/haproxy.ts'
import { nginx } from './servers/nginx.ts'

/** Of the TLS under test. */
export const https = isNative ? nodeHttps : (membioHttps as unknown as typeof nodeHttps)
export const http2 = isNative ? nodeHttp2 : (membioHttp2 as typeof nodeHttp2)

export interface Way {
  port: number
  /** All requests on one connection, or each on its own. */
  connections: 'one' | 'each'
  tls: ConnectionOptions
}

/** Sends `body`, if there is one; resolves with the body of the answer, which has to have status 200. */
export type Fetch = (path: string, body?: Buffer) => Promise<Buffer>

export interface WebClient {
  protocol: 'HTTP/1.1' | 'HTTP/2.0'
  open(t: Case, way: Way): Fetch
}

const SERVERS = { nginx: factsOf(nginx), HAProxy: factsOf(haproxy) }

const { ca, wrongCa, client: identity } = certificates

const said = async (fetch: Fetch): Promise<Told> => JSON.parse((await fetch('/tls')).toString()) as Told

/** @param label what tells this client's rows from those of the file's other ones */
export function webRows(row: Rows, label: string, client: WebClient): void {
  for (const [name, { port, mutualPort, largeHash }] of Object.entries(SERVERS)) {
    const where = [label, name].filter(Boolean).join(', ')
    const open = (t: Case, tls: ConnectionOptions = {}, connections: Way['connections'] = 'one', at = port): Fetch =>
      client.open(t, { port: at, connections, tls: { ca, ...tls } })
    const expectTold = (t: Case, { version, cipher, protocol }: Told) => {
      assert.is(protocol, client.protocol)
      expectAgreed(t, { version, cipher })
    }

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      row(`${where}: ${version}, resumed by the next connection`, async (t) => {
        const fetch = open(t, { minVersion: version, maxVersion: version }, 'each')
        const first = await said(fetch)
        assert.is(first.version, version)
        assert.is(first.resumed, '0')
        const second = await said(fetch)
        expectTold(t, second)
        assert.is(second.resumed, '1')
        assert.is(socketCount(), 2)
      })
    }

    row(`${where}: 20 requests after each other, one connection`, async (t) => {
      const fetch = open(t)
      for (let at = 0; at < 20; at++) assert.is((await fetch('/echo', Buffer.from(`${at}`))).toString(), `${at}`)
      expectTold(t, await said(fetch))
      assert.is(socketCount(), 1)
    })

    row(`${where}: a client certificate`, async (t) => {
      const told = await said(open(t, identity, 'one', mutualPort))
      assert.is(told.client, 'CN=client.test')
    })

    row(`${where}: 8 MB to the client`, async (t) => {
      const large = await open(t)('/large')
      assert.is(large.length, LARGE)
      expectHash(large, largeHash)
    })

    row(`${where}: 5 MB there and back, five times at once`, async (t) => {
      const fetch = open(t)
      const sent = noise(5 * MiB)
      const back = await Promise.all(Array.from({ length: 5 }, () => fetch('/echo', sent)))
      for (const one of back) assert.ok(sent.equals(one))
    })

    row(`${where}: a server of another CA: refused`, async (t) => {
      await expectCode(open(t, { ca: wrongCa })('/tls'), UNKNOWN_CA)
    })

    row(`${where}: a server of another name: refused`, async (t) => {
      await expectCode(open(t, { servername: 'other.test' })('/tls'), OTHER_NAME)
    })
  }
}
