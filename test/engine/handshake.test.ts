// The matrix: every version, key type, ALPN, client certificate and cut, all in one loop.
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { client, HOST, KEY_TYPES, root, server } from '../support/certs.ts'
import { CUTS } from '../support/chunk.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

const matrix = suite('engine: handshake')

for (const version of VERSIONS) {
  for (const type of KEY_TYPES) {
    for (const mutual of [false, true]) {
      for (const alpn of [undefined, 'h2']) {
        for (const { name, cut } of CUTS) {
          const parts = [version, type, mutual && 'client certificate', alpn && `ALPN ${alpn}`, name]
          matrix(parts.filter(Boolean).join(', '), (t) => {
            const pair = t.own(
              makePair({
                client: { maxVersion: version, alpn: alpn ? ['spdy/3', alpn, 'http/1.1'] : undefined, ...(mutual && client(type)) },
                server: { ...server(type), minVersion: version, alpn: alpn ? [alpn] : undefined, ca: root().cert },
                serverEngine: { clientCertificate: mutual ? 'require' : 'none' },
                cut: cut(),
              }),
            )
            pair.establish()
            for (const { engine } of [pair.client, pair.server]) {
              assert.is(engine.phase, 'open')
              assert.is(engine.agreed!.version, version)
              assert.is(engine.agreed!.alpn, alpn)
              assert.is(engine.agreed!.servername, HOST)
            }
            assert.is(pair.client.engine.agreed!.authorized, true)
            assert.is(pair.server.engine.agreed!.authorized, mutual)
            pair.send(pair.client, 'ping').send(pair.server, 'pong')
            assert.is(pair.server.text, 'ping')
            assert.is(pair.client.text, 'pong')
          })
        }
      }
    }
  }
}
