// A TCP proxy that passes bytes on one at a time, each in a write of its own: what the other side reads are the smallest chunks that
// a network can make.
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { dialTcp, listenTcp } from './sockets-party.ts'
import type { Case } from './suite.ts'

/** @returns the port that stands for `port` */
export async function splittingProxy(t: Case, port: number): Promise<number> {
  const proxy = await listenTcp(t, (near) => {
    const far = dialTcp(t, port)
    void split(near, far)
    void split(far, near)
  })
  return proxy.port
}

async function split(from: Socket, to: Socket): Promise<void> {
  to.setNoDelay(true)
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      for (const byte of chunk as Buffer) {
        to.write(new Uint8Array([byte]))
        await nextTurn()
      }
    }
    to.end()
  } catch {
    to.destroy() // a side that is reset takes the other with it
  }
}
