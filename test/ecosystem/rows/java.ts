// Java's JSSE to a TLS server that echoes.
import { certificates, noteAgreed, rows } from '../rows.ts'
import * as assert from 'uvu/assert'
import { listen } from '../served.ts'
import { tls } from '../under-test.ts'
import { Java } from '../../support/peers-java.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('java')
const { ca, wrongCa, server: identity } = certificates

const java = await Java.start()
if (!(java instanceof Java)) throw new Error(java.reason)

const echo = (t: Case) => listen(t, tls.createServer({ ...identity }, (socket) => socket.on('error', () => {}).pipe(socket)))

for (const versions of ['TLSv1.2', 'TLSv1.3'] as const) {
  row(`${versions}, resumed by the next connection`, async (t) => {
    const port = await echo(t)
    const dial = async () => {
      const peer = java.dial(port, { ca, versions, host: 'localhost', context: versions })
      const { handshake, created } = await peer.next('handshake')
      assert.is(handshake, versions)
      await peer.next('said')
      return created
    }
    assert.is(await dial(), await dial())
    noteAgreed(t)
  })

  row(`${versions}, 5 MB there and back`, async (t) => {
    const peer = java.dial(await echo(t), { ca, versions, host: 'localhost', do: 'bulk5000000' })
    assert.is((await peer.next('said'))['said'], '5000000')
  })
}

row('a server of another CA: refused', async (t) => {
  const peer = java.dial(await echo(t), { ca: wrongCa, host: 'localhost' })
  assert.match((await peer.next('failed'))['failed']!, /PKIX|certification path/)
})
