// Conformance of a TLSSocket to the streams of Node, for both roles.
import { destroySuite } from './stream-destroy.suite.ts'
import { endSuite } from './stream-end.suite.ts'
import { faultSuite } from './stream-fault.suite.ts'
import { flowSuite } from './stream-flow.suite.ts'
import { readSuite } from './stream-read.suite.ts'
import { writeSuite } from './stream-write.suite.ts'
import type { Subject } from './subject.ts'

export function streamSuites(subject: Subject): void {
  writeSuite(subject)
  readSuite(subject)
  flowSuite(subject)
  endSuite(subject)
  destroySuite(subject)
  faultSuite(subject)
}
