// The same comparison natively, where AddressSanitizer and UBSan watch the kernels: two programs, line by line the same digests.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'

const test = suite('kernels: native')

const CASES = '300'
const SEED = '30000000'
const PROGRAMS = ['kernels', 'kernels-portable'].map((name) => `${repository}build/native/${name}`)

/** The lines it printed; a sanitizer's complaint is a rejection. */
function digests(program: string): Promise<string[]> {
  const child = spawn(program, [CASES, SEED])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(stdout.trim().split('\n'))
      else reject(new Error(`${program} left with ${code}: ${stderr}`))
    })
  })
}

if (PROGRAMS.every(existsSync)) {
  test(
    `${CASES} cases of each family have the answers of OpenSSL's C, and no sanitizer complains`,
    async () => {
      const [kernels, portable] = await Promise.all(PROGRAMS.map(digests))
      assert.equal(kernels, portable)
      assert.ok(kernels!.length >= 20)
    },
    { deadline: 120 },
  )
} else if (spawnSync('gcc', ['--version']).error) {
  test.skip(
    { kind: 'no-gcc', reason: 'gcc is missing; apt-get install gcc libc6-dev, then ./build.sh native' },
    'the kernels under sanitizers',
  )
} else {
  test('build/native/kernels is there', () => {
    throw new Error('run ./build.sh native')
  })
}
