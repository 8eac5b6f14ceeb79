// Signed Certificate Timestamps by TLS extension (RFC 6962, 3.3.1), sent by `openssl s_server -serverinfo`.
import * as assert from 'uvu/assert'
import { server as serverIdentity } from '../support/certs.ts'
import { file, missing, opensslServer } from '../support/peers.ts'
import { dialMembio } from '../support/sockets-party.ts'
import { suite } from '../support/suite.ts'

/** RFC 6962, 3.2, version 1: the log's id, a time, no extensions, and a signature that nobody checks here. */
const SCT = new Uint8Array([0, ...new Array<number>(32).fill(7), 0, 0, 1, 0x90, 0, 0, 0, 0, 0, 0, 4, 3, 0, 4, 1, 2, 3, 4])

/** As SSL_CTX_use_serverinfo_file(3) reads it: the extension (18) with its list. */
function serverInfo(): string {
  const u16 = (value: number) => [value >> 8, value & 255]
  const list = [...u16(SCT.length + 2), ...u16(SCT.length), ...SCT]
  const extension = Buffer.from([...u16(18), ...u16(list.length), ...list])
  return `-----BEGIN SERVERINFO FOR SCTS-----\n${extension.toString('base64')}\n-----END SERVERINFO FOR SCTS-----\n`
}

const test = suite('interop: SCTs, openssl s_server').unless(missing('openssl'))

for (const [name, scts] of [['asked for', 'request'], ['not asked for', undefined]] as const) {
  test(`${name}: ${scts ? 'are handed over as they came' : 'none comes'}`, async (t) => {
    const args = ['-serverinfo', file(t, 'scts.pem', serverInfo())]
    const program = await opensslServer(t, { version: 'TLSv1.2', identity: serverIdentity(), args })
    const client = dialMembio(t, program.port, { engine: { scts } })
    await client.secure()
    assert.equal(client.engine.agreed!.scts.map((sct) => Buffer.from(sct).toString('hex')), scts ? [Buffer.from(SCT).toString('hex')] : [])
  })
}
