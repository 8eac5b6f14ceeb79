// Blocks its thread for ever: no timer of its own can help it.
import { suite } from '../support/suite.ts'

suite('hangs')(
  'blocks',
  () => {
    for (;;);
  },
  { deadline: 0.1 },
)
