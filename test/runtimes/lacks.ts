// What a runtime does not have: cases that need it are not run there, for the reason given. A cell of the matrix that is empty for any
// other reason is a failure.
import type { Exception, Need, RuntimeName } from './world.ts'

const NO_REQUESTS = { requests: 'nothing here belongs to a request' }

const NODE = {
  ...NO_REQUESTS,
  'own socket': "Node's own socket is node:net's, which the neighbouring row is about",
}

const NO_NODE = 'a page has no sockets, and none of the node:* modules'

export const LACKS: Record<RuntimeName, Partial<Record<Need, string>>> = {
  node20: NODE,
  node22: NODE,
  node24: NODE,
  node26: NODE,
  deno: NO_REQUESTS,
  bun: NO_REQUESTS,
  workerd: {
    'node:https': "workerd's node:https is made of its fetch: it takes no connection that others have made",
    blocking: 'a worker has no threads to wait for',
    listening: 'workerd opens no listening socket for a worker: what comes in is HTTP, by its configuration',
  },
  chromium: {
    ...NO_REQUESTS,
    'node:net': NO_NODE,
    'node:https': NO_NODE,
    connecting: 'a page opens no TCP connection: membio/streams has `secure` for what it has',
    blocking: 'a page may not block its thread',
    listening: 'a page cannot listen',
    'an ordinary pipe': 'a WebSocket has no half-close, and cannot hold its peer back',
  },
}

/** Single cases that a runtime cannot pass, by no fault of ours. */
export const EXCEPTIONS: Partial<Record<RuntimeName, readonly Exception[]>> = {
  chromium: ['membio', 'node24'].map((peer) => ({
    group: `membio/streams: secure, to ${peer}`,
    name: 'nobody reads: the writer is told to wait, and nothing is lost when somebody does',
    reason: 'a WebSocket cannot hold its peer back',
  })),
  workerd: [
    {
      group: "transport the runtime's own socket: back-pressure",
      name: 'reset with a full pipe: nobody is called back at our end, and the peer is told',
      reason: 'workerd closes a socket with unwritten bytes only when the request is over',
    },
  ],
}
