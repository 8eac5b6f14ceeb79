// Conformance of a TLSSocket to the streams of Node, for both roles.
import { readSuite } from './stream-read.suite.ts'
import { writeSuite } from './stream-write.suite.ts'
import type { Subject } from './subject.ts'

export function streamSuites(subject: Subject): void {
  writeSuite(subject)
  readSuite(subject)
}
