// The client half of conformance, on the runtime's own node:tls: it shows that the suites ask for what Node does.
import { clientSuites } from '../conformance/tls/client.ts'
import { nativeSubject } from '../conformance/tls/subject.ts'

clientSuites(nativeSubject)
