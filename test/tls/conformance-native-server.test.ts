// What the conformance suites say about servers, contexts, certificates and errors is what the runtime's own node:tls does.
import { serverConformance } from '../conformance/tls/server.ts'
import { nativeSubject } from '../conformance/tls/subject.ts'

serverConformance(nativeSubject)
