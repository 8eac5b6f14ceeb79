// `membio/sync`: blocking connections, where a program may block. The peers are other processes, so nobody waits for himself.
import { pattern } from '../../support/random.ts'
import { concat } from '../../support/chunk.ts'
import { HOST, type PeerName } from '../world.ts'
import { decode, encode, fails, group, MiB, same, sameBytes, type Case } from './kit.ts'

const test = group('membio/sync', ['blocking'])

type ConnectOptions = Parameters<(typeof import('membio/sync'))['connectSync']>[0]

// Not at the top: pages have no threads to wait for.
async function open(t: Case, port: number, options: Partial<ConnectOptions> = {}) {
  const { connectSync } = await import('membio/sync')
  const connection = connectSync({ host: '127.0.0.1', port, servername: HOST, ca: t.world.certificates.ca, ...options })
  t.defer(() => connection.close())
  return connection
}

const PEERS: PeerName[] = ['membio', 'node24']

for (const peer of PEERS) {
  test(`${peer}: connects, with a certificate of its own; a line and its answer`, async (t) => {
    const connection = await open(t, t.world.peers[peer].mutual, t.world.certificates.client)
    same([connection.agreed.version, connection.agreed.authorized], ['TLSv1.3', true])
    connection.write('info\n')
    same((JSON.parse(decode(connection.read()!)) as { client: string }).client, 'client.test')
  })

  test(`${peer}: 5 MiB there and back, a piece at a time`, async (t) => {
    const connection = await open(t, t.world.peers[peer].good)
    const bytes = pattern(5 * MiB, 21)
    const back: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += 65_536) {
      const piece = bytes.subarray(at, at + 65_536)
      connection.write(concat([encode(`echo ${piece.length}\n`), piece]))
      for (let left = piece.length; left > 0; left -= back.at(-1)!.length) back.push(connection.read()!)
    }
    sameBytes(concat(back), bytes)
  })
}

test('a server of another CA: refused', async (t) => {
  await fails(() => open(t, t.world.peers.membio.otherCa), 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
})
