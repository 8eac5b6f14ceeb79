// gnutls-cli to membio's HTTPS server.
import { certificates, noteAgreed, rows, socketCount } from '../rows.ts'
import * as assert from 'uvu/assert'
import { join } from 'node:path'
import { LARGE, listen, run, SERVERS, type Told } from '../served.ts'
import { file, folder } from '../../support/peers.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('gnutls')
const { ca, wrongCa } = certificates

/** `body` is what follows the head of the answer. */
async function client(t: Case, path: string, args: readonly string[], trusted = ca) {
  const port = await listen(t, SERVERS['HTTP/1.1']())
  const log = ['--logfile', join(folder(t), 'log')]
  const common = [...log, '--x509cafile', file(t, 'ca.pem', trusted), '--port', `${port}`, '--verify-hostname', 'localhost', '127.0.0.1']
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
  const { code, stdout } = await run(t, 'gnutls-cli', [...args, ...common], request)
  return { code, body: stdout.subarray(stdout.indexOf('\r\n\r\n') + 4) }
}

for (const [version, only] of [['TLSv1.2', 'VERS-TLS1.2'], ['TLSv1.3', 'VERS-TLS1.3']] as const) {
  const args = ['--priority', `NORMAL:-VERS-ALL:+${only}`]

  row(`${version}, resumed by the next connection`, async (t) => {
    const { body } = await client(t, '/', [...args, '--resume', '--waitresumption'])
    assert.equal(JSON.parse(`${body}`) as Told, { version, resumed: true, http: '1.1' })
    assert.is(socketCount(), 2)
    noteAgreed(t)
  })

  row(`${version}, 5 MB to the client`, async (t) => {
    const { body } = await client(t, '/large', args)
    assert.is(body.length, LARGE.length)
    assert.ok(LARGE.equals(body))
  })
}

row('a server of another CA: refused', async (t) => {
  const { code, body } = await client(t, '/', [], wrongCa)
  assert.is.not(code, 0)
  assert.not.match(`${body}`, /HTTP|version/)
})
