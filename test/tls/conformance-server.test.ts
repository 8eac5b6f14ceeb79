// membio/tls as a server, and its contexts, certificates and errors, by the measure of node:tls.
import tls from '../../src/tls/index.ts'
import { serverConformance } from '../conformance/tls/server.ts'

serverConformance({ name: 'membio/tls', tls: tls as unknown as typeof import('node:tls'), capabilities: { node: undefined, specifier: 'membio/tls' } })
