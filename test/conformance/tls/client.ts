// The client and stream half of conformance to node:tls.
import { connectSuite } from './client-connect.suite.ts'
import { netOptionsSuite } from './client-net.suite.ts'
import { servernameSuite } from './client-servername.suite.ts'
import { negotiateSuite } from './client-negotiate.suite.ts'
import { verifySuite } from './client-verify.suite.ts'
import { pskSuite } from './client-psk.suite.ts'
import { sessionSuite } from './client-session.suite.ts'
import { startTlsSuite } from './client-starttls.suite.ts'
import { wrapSuite } from './client-wrap.suite.ts'
import { eventsSuite } from './client-events.suite.ts'
import { methodsSuite } from './client-methods.suite.ts'
import { propertiesSuite } from './client-properties.suite.ts'
import type { Subject } from './subject.ts'

export function clientSuites(subject: Subject): void {
  connectSuite(subject)
  netOptionsSuite(subject)
  servernameSuite(subject)
  verifySuite(subject)
  negotiateSuite(subject)
  pskSuite(subject)
  sessionSuite(subject)
  wrapSuite(subject)
  startTlsSuite(subject)
  eventsSuite(subject)
  propertiesSuite(subject)
  methodsSuite(subject)
}
