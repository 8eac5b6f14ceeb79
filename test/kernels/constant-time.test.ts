// The kernels under valgrind, with all secrets marked: no branch and no address may depend on one. What that can show and what not is
// said in constant-time/main.c.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'

const test = suite('kernels: constant time')

const PROGRAM = `${repository}build/native/constant-time`
const COMPLAINT = 9

function memcheck(...args: string[]): { status: number | null; output: string } {
  const options = ['--quiet', `--error-exitcode=${COMPLAINT}`]
  const { status, stdout, stderr } = spawnSync('valgrind', [...options, PROGRAM, ...args], { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

if (existsSync(PROGRAM)) {
  test('no branch and no address depends on a key or a text', () => {
    const { status, output } = memcheck()
    assert.is(status, 0, output)
  })

  test('a branch on a secret would be noticed', () => {
    const { status, output } = memcheck('branch')
    assert.is(status, COMPLAINT)
    assert.match(output, /Conditional jump or move depends on uninitialised value/)
  })

  test('a look-up by a secret would be noticed', () => {
    const { status, output } = memcheck('index')
    assert.is(status, COMPLAINT)
    assert.match(output, /Use of uninitialised value/)
  })
} else if (spawnSync('gcc', ['--version']).error) {
  test.skip(
    { kind: 'no-gcc', reason: 'gcc is missing; apt-get install gcc libc6-dev, then ./build.sh native' },
    'the kernels under valgrind',
  )
} else {
  test('build/native/constant-time is there', () => {
    throw new Error('run ./build.sh native')
  })
}
