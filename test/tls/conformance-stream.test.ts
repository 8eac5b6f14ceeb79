// Conformance to the streams of node:tls, on membio/tls.
import tls from '../../src/tls/index.ts'
import { streamSuites } from '../conformance/tls/stream.ts'

streamSuites({
  name: 'membio/tls',
  tls: tls as unknown as typeof import('node:tls'),
  capabilities: { node: undefined, specifier: 'membio/tls' },
})
