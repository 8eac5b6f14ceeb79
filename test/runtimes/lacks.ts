// What a runtime does not have: cases that need it are not run there, for the reason given. A cell of the matrix that is empty for any
// other reason is a failure.
import type { Need, RuntimeName } from './world.ts'

const NODE = { 'own socket': "Node's own socket is node:net's, which the neighbouring group runs on" }

export const LACKS: Record<RuntimeName, Partial<Record<Need, string>>> = {
  node20: NODE,
  node22: NODE,
  node24: NODE,
  node26: NODE,
  deno: {},
  bun: {},
  workerd: {
    listening: 'workerd opens no listening socket for a worker: what comes in is HTTP, by its configuration',
    finalization: 'a worker cannot ask for a garbage collection',
  },
  chromium: {
    'node:net': 'a page has no sockets, and none of the node:* modules',
    'node:tls': 'a page has none of the node:* modules that membio/tls stands on',
    listening: 'a page cannot listen',
    finalization: 'a page cannot ask for a garbage collection',
  },
}
