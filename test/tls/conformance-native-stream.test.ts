// The stream half of conformance, on the runtime's own node:tls: it shows that the suites ask for what Node does.
import { streamSuites } from '../conformance/tls/stream.ts'
import { nativeSubject } from '../conformance/tls/subject.ts'

streamSuites(nativeSubject)
