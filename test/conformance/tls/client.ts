// The client and stream half of conformance to node:tls.
import { connectSuite } from './client-connect.suite.ts'
import { netOptionsSuite } from './client-net.suite.ts'
import { servernameSuite } from './client-servername.suite.ts'
import type { Subject } from './subject.ts'

export function clientSuites(subject: Subject): void {
  connectSuite(subject)
  netOptionsSuite(subject)
  servernameSuite(subject)
}
