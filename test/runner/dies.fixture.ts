// Ends the process in the middle of its cases, with success as exit code.
import { suite } from '../support/suite.ts'

const test = suite('dies')
test('passes', () => {})
test('ends the process', () => process.exit(0))
test('is never reached', () => {})
