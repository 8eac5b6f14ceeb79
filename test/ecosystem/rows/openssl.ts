// openssl s_client to membio's HTTPS server.
import { certificates, noteAgreed, rows } from '../rows.ts'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { LARGE, listen, run, SERVERS, type Told } from '../served.ts'
import { file, folder } from '../../support/peers.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('openssl')
const { ca, wrongCa } = certificates

async function client(t: Case, port: number, path: string, args: readonly string[] = [], trusted = ca) {
  const verify = ['-CAfile', file(t, 'ca.pem', trusted), '-verify_return_error', '-verify_hostname', 'localhost']
  const command = ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, ...verify, ...args]
  const { code, stdout, stderr } = await run(t, 'openssl', command, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  return { code, stderr, body: stdout.subarray(stdout.indexOf('\r\n\r\n') + 4) }
}

for (const [version, only] of [['TLSv1.2', '-tls1_2'], ['TLSv1.3', '-tls1_3']] as const) {
  row(`${version}, resumed by the next connection`, async (t) => {
    const port = await listen(t, SERVERS['HTTP/1.1']())
    const session = join(folder(t), 'session')
    const told = async (args: readonly string[]) => JSON.parse(`${(await client(t, port, '/', [only, ...args])).body}`) as Told
    assert.equal(await told(['-sess_out', session]), { version, resumed: false, http: '1.1' })
    assert.equal(await told(['-sess_in', session]), { version, resumed: true, http: '1.1' })
    noteAgreed(t)
  })

  row(`${version}, 5 MB to the client`, async (t) => {
    const { body } = await client(t, await listen(t, SERVERS['HTTP/1.1']()), '/large', [only])
    assert.ok(LARGE.equals(body))
  })
}

row('a server of another CA: refused', async (t) => {
  const { code, stderr } = await client(t, await listen(t, SERVERS['HTTP/1.1']()), '/', [], wrongCa)
  assert.is.not(code, 0)
  assert.match(stderr, /certificate verify failed/)
})
