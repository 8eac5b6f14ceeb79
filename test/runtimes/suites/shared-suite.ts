// What stands in for test/support/suite.ts where test files of the other folders are run in every runtime: the same cases, in this kit.
import type { CaseOptions, Skip, Suite } from '../../support/suite.ts'
import { group, type Body, type Group } from './kit.ts'

export function suite(title: string): Suite {
  return bind(group(title))
}

function bind(test: Group): Suite {
  const add = (name: string, body: unknown, options: CaseOptions = {}) => {
    test(name, body as Body, { deadline: options.deadline, ...(options.collected && { leaves: 'contexts' }) })
  }
  const skip = (reason: Skip, name: string): void => {
    throw new Error(`${name} is skipped (${reason.reason}): a shared file may not do that`)
  }
  const unless = (reason: Skip | undefined): Suite => {
    if (reason) throw new Error(`skipped (${reason.reason}): a shared file may not do that`)
    return bind(test)
  }
  return Object.assign(add, { skip, unless })
}
