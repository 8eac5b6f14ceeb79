// Who watches the watchers: every way a test file can go wrong must come out as a failure.
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { run } from '../support/node.ts'
import { runFile } from '../support/run-file.ts'
import { suite } from '../support/suite.ts'

const test = suite('runner')

const fixture = (name: string) => runFile(fileURLToPath(new URL(`${name}.fixture.js`, import.meta.url)), { grace: 3 })

/** What becomes of each case of outcomes.fixture.ts, and what its failure says. */
const OUTCOMES: Record<string, RegExp | undefined> = {
  passes: undefined,
  fails: /Expected values to be strictly equal/,
  'throws no Error': /thrown: a string/,
  'never ends': /deadline: not done after 0.1 s/,
  'leaves a context': /left behind: 1 contexts or engines/,
  'leaves a socket': /left behind: 1 open sockets/,
  'rejects behind its own back': /nobody listens/,
  'throws in its own back': /nobody catches/,
  'fails while cleaning up': /cleanup/,
  'cleans up after a failure': /on purpose/,
  'passes by a condition': undefined,
}

test('each outcome of a case is reported as what it is', async () => {
  const { cases, problems } = await fixture('outcomes')
  assert.equal(problems, [])
  for (const [name, message] of Object.entries(OUTCOMES)) {
    const result = cases.find((c) => c.name === name)
    assert.is(result?.type, message ? 'failed' : 'passed', name)
    if (message) assert.match(result!.failure!.message, message)
  }
  const skips = cases.filter((c) => c.type === 'skipped').map((c) => [c.name, c.skip])
  assert.equal(skips, [
    ['is skipped', { kind: 'no-moon', reason: 'the moon is down' }],
    ['is skipped by a condition', { kind: 'no-sun', reason: 'the sun is down' }],
  ])
})

const BROKEN: { file: string; when: string; problem: RegExp }[] = [
  { file: 'no-case', when: 'registers no case', problem: /registered no case/ },
  { file: 'throws', when: 'throws while it is loaded', problem: /broken file/ },
  { file: 'dies', when: 'ends the process with success half-way', problem: /died while running "dies: ends the process"/ },
  { file: 'hangs', when: 'blocks its thread', problem: /hung while running "hangs: blocks", and was killed/ },
]

for (const { file, when, problem } of BROKEN) {
  test(`a file that ${when} is a failure`, async () => {
    const { problems } = await fixture(file)
    assert.match(problems.join('\n'), problem)
  })
}

// ---- The command line. ----

const runner = (...args: string[]) => run(process.execPath, ['build/test/run.js', ...args])

test('the last line is the count, alone', () => {
  const { code, stdout } = runner('engine/phase')
  assert.is(code, 0)
  assert.match(stdout, /^ok {3}engine\/phase .* \d+ passed\n\d+ passed, 0 failed\n$/)
})

test('a name that matches no file is a failure', () => {
  const { code, stdout } = runner('no-such-file')
  assert.is(code, 1)
  assert.match(stdout, /no test file matches no-such-file\n0 passed, 1 failed\n$/)
})

test('--list names the files, --reporter json tells everything', () => {
  assert.is(runner('--list', 'engine/phase').stdout, 'engine/phase\n')
  const told = JSON.parse(runner('--reporter', 'json', 'engine/phase').stdout) as {
    passed: number
    failed: number
    files: { file: string }[]
  }
  assert.equal([told.passed > 30, told.failed, told.files.map(({ file }) => file)], [true, 0, ['engine/phase']])
})
