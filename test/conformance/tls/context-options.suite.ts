// createSecureContext, option by option: what it takes, what it refuses and how.
import { throwsError } from './error-support.ts'
import { REFUSED, TAKEN } from './context-rows.ts'
import { contextFor, suiteOf } from './server-support.ts'
import { has, type Difference, type Subject } from './subject.ts'

export function contextOptionsSuite(subject: Subject): void {
  const applies = (since: Difference | undefined) => !since || has(subject, since)

  const taken = suiteOf(subject, 'createSecureContext takes')
  for (const [name, options, since] of TAKEN) if (applies(since)) taken(name, (t) => void contextFor(t, subject, options() as object))

  const refused = suiteOf(subject, 'createSecureContext refuses')
  for (const [name, options, error, since] of REFUSED) {
    if (applies(since)) refused(name, () => throwsError(() => subject.tls.createSecureContext(options() as object), error))
  }
}
