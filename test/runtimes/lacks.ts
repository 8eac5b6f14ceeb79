// What a runtime does not have: cases that need it are not run there, for the reason given. A cell of the matrix that is empty for any
// other reason is a failure.
import type { Need, RuntimeName } from './world.ts'

const NODE = { 'own socket': "Node's own socket is node:net's, which the neighbouring row is about" }

const NO_NODE = 'a page has no sockets, and none of the node:* modules'

export const LACKS: Record<RuntimeName, Partial<Record<Need, string>>> = {
  node20: NODE,
  node22: NODE,
  node24: NODE,
  node26: NODE,
  deno: {},
  bun: {},
  workerd: {
    'node:https': "workerd's node:https is made of its fetch: it takes no connection that others have made",
    listening: 'workerd opens no listening socket for a worker: what comes in is HTTP, by its configuration',
  },
  chromium: {
    'node:net': NO_NODE,
    'node:https': NO_NODE,
    connecting: 'a page opens no TCP connection: membio/streams has `secure` for what it has',
    listening: 'a page cannot listen',
    'half-close': 'a WebSocket has no half-close',
  },
}
