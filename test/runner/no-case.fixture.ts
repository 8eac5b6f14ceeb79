// Registers a suite and no case.
import { suite } from '../support/suite.ts'

suite('nothing')
