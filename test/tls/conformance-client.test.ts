// The client and stream half of conformance to node:tls, on membio/tls.
import tls from '../../src/tls/index.ts'
import { clientSuites } from '../conformance/tls/client.ts'

clientSuites({
  name: 'membio/tls',
  tls: tls as unknown as typeof import('node:tls'),
  capabilities: { node: undefined, specifier: 'membio/tls' },
})
