// Whom the conformance suites for node:tls are run on: the runtime's own module, which shows that the suites ask for what Node does,
// and whatever claims to be a drop-in for it. Node 24 is the reference; where another version behaves otherwise, the suite says since
// when and why, and expects of an older subject what that one does.
import * as native from 'node:tls'
import type { Skip } from '../../support/suite.ts'

export interface Capabilities {
  /** The major version of Node whose behaviour the subject has; undefined for one that follows the reference. */
  readonly node: number | undefined
  /** What a program of its own imports to have the subject as its default export. */
  readonly specifier: string
}

export interface Subject {
  readonly name: string
  readonly tls: typeof import('node:tls')
  readonly capabilities: Capabilities
}

/** A behaviour that came with a version of Node. */
export interface Difference {
  /** The first major version that has it. */
  readonly since: number
  /** What older ones do instead. */
  readonly reason: string
}

/** The version all others are measured by. */
export const REFERENCE = 24

/** Whether the subject behaves as the versions since then: `has(subject, DIFFERENCES.earlyServername) ? a : b`. */
export const has = ({ capabilities }: Subject, { since }: Difference): boolean => (capabilities.node ?? REFERENCE) >= since

/** For `suite.unless`: a case that Node itself does not survive, while whoever follows it should. */
export const nodeCrashes = ({ capabilities }: Subject, reason: string): Skip | undefined =>
  capabilities.node === undefined ? undefined : { kind: 'peer-cannot', reason: `Node ${capabilities.node} crashes: ${reason}` }

/** The first line of a program that wants the subject as `tls`. */
export const importing = ({ capabilities }: Subject): string => `import tls from ${JSON.stringify(capabilities.specifier)}\n`

export const nativeSubject: Subject = {
  name: 'node:tls',
  tls: native,
  capabilities: { node: Number(process.versions.node.split('.')[0]), specifier: 'node:tls' },
}
