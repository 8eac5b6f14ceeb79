// The C side alone, natively, under AddressSanitizer, UBSan and leak check: each line that build/native/test prints is a case here.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { repository } from '../support/paths.ts'
import { suite } from '../support/suite.ts'

const native = suite('native')

const program = `${repository}build/native/test`

/** Sanitizers make it slow, and so does a busy machine; a hang ends here. */
const TIMEOUT = 600_000

interface Result {
  code: number | null
  stdout: string
  stderr: string
}

function runProgram(): Promise<Result> {
  const child = spawn(program, { timeout: TIMEOUT, killSignal: 'SIGKILL' })
  const result: Result = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (result.stdout += chunk))
  child.stderr.on('data', (chunk) => (result.stderr += chunk))
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve({ ...result, code })))
}

function register({ code, stdout, stderr }: Result): void {
  const lines = [...stdout.matchAll(/^(not )?ok \d+ - (.*?)(?: # (.*))?$/gm)]
  for (const [, failed, name, why] of lines) {
    native(name!, () => {
      if (failed) throw new Error(why)
    })
  }
  native('every case has had its turn', () => {
    const planned = /^1\.\.(\d+)$/m.exec(stdout)?.[1]
    if (Number(planned) !== lines.length)
      throw new Error(`${lines.length} cases reported, ${planned ?? 'no number'} announced; ${stderr.slice(0, 4000)}`)
  })
  native('no sanitizer complains: the program leaves with 0', () => {
    if (code !== 0) throw new Error(`it left with ${code}: ${stderr.slice(0, 8000)}`)
  })
}

if (existsSync(program)) {
  register(await runProgram())
} else if (spawnSync('gcc', ['--version']).error) {
  native.skip(
    { kind: 'no-gcc', reason: 'gcc is missing; apt-get install gcc libc6-dev, then ./build.sh native' },
    'the C side under sanitizers',
  )
} else {
  native('build/native/test is there', () => {
    throw new Error('run ./build.sh native')
  })
}
