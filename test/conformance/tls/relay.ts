// A connection with somebody in between, who sees ciphertext only: it can cut the wire, reset it, and put bytes of its own on it.
import { once } from 'node:events'
import { connect as connectNet, createServer as createNetServer, type Socket } from 'node:net'
import * as native from 'node:tls'
import type { Case } from '../../support/suite.ts'
import { asPair, dial, listen, listening, owned, portOf, type Pair, type PairOptions } from './parties.ts'
import type { Subject } from './subject.ts'

export interface Relayed extends Pair {
  /** What is written to it reaches the subject's end; its end is an end of file there, its reset a reset. */
  wire: Socket
  /** From now on nothing of either end reaches the other. */
  cut(): void
}

type Rewrite = (chunk: Buffer) => Iterable<Buffer>

const whole: Rewrite = (chunk) => [chunk]

/** As connectedPair, with a relay between the ends; `rewrite` cuts what goes to the subject's end into pieces. */
export async function relayedPair(t: Case, { tls }: Subject, options: PairOptions = {}, rewrite = whole): Promise<Relayed> {
  const { role = 'client', version, client, server } = options
  const { port, accept } = await listen(t, { maxVersion: version, allowHalfOpen: true, ...server }, role === 'server' ? tls : native)
  const relay = createNetServer({ allowHalfOpen: true })
  await listening(t, relay)
  const outer = once(relay, 'connection') as Promise<[Socket]>
  const dialled = dial(t, role === 'client' ? tls : native, portOf(relay), { allowHalfOpen: true, ...client })
  const [near] = await outer
  const far = owned(t, connectNet({ port, host: '127.0.0.1', allowHalfOpen: true }))
  far.on('error', () => {})
  const [wire, other] = role === 'client' ? [near, far] : [far, near]
  forward(wire, other, whole)
  forward(other, wire, rewrite)
  const cut = (): void => {
    for (const socket of [wire, other]) socket.removeAllListeners('data').removeAllListeners('end').resume()
  }
  const [accepted] = await Promise.all([accept(), once(dialled, 'secureConnect')])
  return { ...asPair(t, role, dialled, accepted), wire, cut }
}

function forward(from: Socket, to: Socket, rewrite: Rewrite): void {
  to.setNoDelay(true)
  from.on('data', (chunk: Buffer) => {
    for (const piece of rewrite(chunk)) to.write(piece)
  })
  from.on('end', () => to.end())
}
