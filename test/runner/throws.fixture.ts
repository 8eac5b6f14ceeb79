// Fails while it is loaded, after it has registered a case.
import { suite } from '../support/suite.ts'

suite('never runs')('a case', () => {})
throw new Error('broken file')
