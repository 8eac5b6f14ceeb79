// curl, HTTP/1.1 and HTTP/2, to membio's servers.
import { certificates, expectHash, MiB, noise, noteAgreed, rows } from '../rows.ts'
import * as assert from 'uvu/assert'
import { LARGE, listen, run, SERVERS, type Told } from '../served.ts'
import { file } from '../../support/peers.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('curl')
const { ca, wrongCa } = certificates

for (const [http, start] of Object.entries(SERVERS)) {
  const curl = async (t: Case, paths: readonly string[], args: readonly string[] = [], trusted = ca, input?: Buffer) => {
    const port = await listen(t, start())
    const urls = paths.map((path) => `https://localhost:${port}${path}`)
    const protocol = http === 'HTTP/2' ? '--http2' : '--http1.1'
    return run(t, 'curl', ['-sS', '--ipv4', protocol, '--cacert', file(t, 'ca.pem', trusted), ...args, ...urls], input)
  }

  for (const [version, only] of [['TLSv1.2', ['--tlsv1.2', '--tls-max', '1.2']], ['TLSv1.3', ['--tlsv1.3']]] as const) {
    row(`${http}: ${version}, three requests on one connection`, async (t) => {
      const { stdout, stderr } = await curl(t, ['/a', '/b', '/c'], [...only, '--write-out', ' %{num_connects}\n'])
      assert.is(stderr, '')
      const lines = `${stdout}`.trimEnd().split('\n')
      assert.equal(lines.map((line) => line.split(' ')[1]), ['1', '0', '0'])
      const { version: agreed, http: spoken } = JSON.parse(lines[0]!.split(' ')[0]!) as Told
      assert.equal([agreed, spoken], [version, http === 'HTTP/2' ? '2.0' : '1.1'])
      noteAgreed(t)
    })
  }

  row(`${http}: 5 MB to the client`, async (t) => {
    const { stdout, stderr } = await curl(t, ['/large'])
    assert.is(stderr, '')
    assert.ok(LARGE.equals(stdout))
  })

  row(`${http}: 20 MB to the server`, async (t) => {
    const sent = noise(20 * MiB)
    const { stdout } = await curl(t, ['/hash'], ['--data-binary', '@-'], ca, sent)
    expectHash(sent, `${stdout}`)
  })

  row(`${http}: a server of another CA: refused`, async (t) => {
    const { code } = await curl(t, ['/'], [], wrongCa)
    assert.is(code, 60) // CURLE_PEER_FAILED_VERIFICATION
  })
}
