// The transition table, walked over all pairs, and that nothing but the table decides.
import * as assert from 'uvu/assert'
import { Progress, TRANSITIONS, type Phase } from '../../src/engine/phase.ts'
import { suite } from '../support/suite.ts'

const phase = suite('engine: phase')

const PHASES = Object.keys(TRANSITIONS) as Phase[]

/** A way to each phase from the start. */
const WAYS: Record<Phase, readonly Phase[]> = {
  idle: [],
  handshaking: ['handshaking'],
  open: ['handshaking', 'open'],
  closing: ['handshaking', 'open', 'closing'],
  closed: ['closed'],
  failed: ['failed'],
}

function progressAt(phase: Phase): Progress {
  const progress = new Progress()
  for (const next of WAYS[phase]) progress.enter(next)
  return progress
}

for (const from of PHASES) {
  for (const to of PHASES) {
    const allowed = from === to || TRANSITIONS[from].includes(to)
    phase(`${from} ${allowed ? 'may become' : 'never becomes'} ${to}`, () => {
      const progress = progressAt(from)
      if (allowed) {
        progress.enter(to)
        assert.is(progress.phase, to)
      } else {
        assert.throws(() => progress.enter(to), `internal: ${from} cannot become ${to}`)
        assert.is(progress.phase, from)
      }
    })
  }
}

phase('every phase can be reached, and closed can be reached from every phase', () => {
  const reached = new Set<Phase>(['idle', ...Object.values(TRANSITIONS).flat()])
  assert.equal([...reached].sort(), [...PHASES].sort())
  for (const from of PHASES) if (from !== 'closed') assert.ok(TRANSITIONS[from].includes('closed'), from)
})

phase('one side that ends makes it closing, both make it closed, in either order', () => {
  for (const order of [
    ['endReading', 'endWriting'],
    ['endWriting', 'endReading'],
  ] as const) {
    const progress = progressAt('open')
    const end = (side: (typeof order)[number]) => (side === 'endReading' ? progress.endReading('closeNotify') : progress.endWriting())
    end(order[0])
    assert.is(progress.phase, 'closing')
    end(order[0])
    assert.is(progress.phase, 'closing')
    end(order[1])
    assert.is(progress.phase, 'closed')
  }
})

phase('how reading ended is told by the first end', () => {
  const progress = progressAt('open')
  progress.endReading('closeNotify')
  progress.endReading('truncated')
  assert.is(progress.readSide, 'closeNotify')
})

phase('truncation alone is no phase: the failure that goes with it is', () => {
  const progress = progressAt('open')
  progress.endReading('truncated')
  assert.is(progress.phase, 'open')
  assert.is(progress.readSide, 'truncated')
})
