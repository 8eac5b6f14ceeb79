// The server's half of the conformance suites, on one subject.
import { certificateIdentitySuite } from './certificate-identity.suite.ts'
import { certificatePeerSuite } from './certificate-peer.suite.ts'
import { contextEffectsSuite } from './context-effects.suite.ts'
import { contextOptionsSuite } from './context-options.suite.ts'
import { errorTableSuite } from './error-table.suite.ts'
import { serverAlpnSuite } from './server-alpn.suite.ts'
import { serverClientsSuite } from './server-clients.suite.ts'
import { serverConstructSuite } from './server-construct.suite.ts'
import { serverEventsSuite } from './server-events.suite.ts'
import { serverExportsSuite } from './server-exports.suite.ts'
import { serverOcspSuite } from './server-ocsp.suite.ts'
import { serverPskSuite } from './server-psk.suite.ts'
import { serverSessionsSuite } from './server-sessions.suite.ts'
import { serverSniSuite } from './server-sni.suite.ts'
import { serverSocketsSuite } from './server-sockets.suite.ts'
import { serverTicketsSuite } from './server-tickets.suite.ts'
import type { Subject } from './subject.ts'

export function serverConformance(subject: Subject): void {
  serverExportsSuite(subject)
  serverConstructSuite(subject)
  serverEventsSuite(subject)
  serverClientsSuite(subject)
  serverSniSuite(subject)
  serverAlpnSuite(subject)
  serverPskSuite(subject)
  serverSessionsSuite(subject)
  serverTicketsSuite(subject)
  serverSocketsSuite(subject)
  serverOcspSuite(subject)
  contextOptionsSuite(subject)
  contextEffectsSuite(subject)
  certificateIdentitySuite(subject)
  certificatePeerSuite(subject)
  errorTableSuite(subject)
}
