// The harness itself, in the smallest setting: it measures, writes what it has measured, and ends with the right code. No figure is judged.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { isFigure, type Results } from '../../bench/results.ts'
import { folder } from '../support/peers.ts'
import { suite } from '../support/suite.ts'

const test = suite('bench: npm run bench')

const RUN = fileURLToPath(new URL('../../bench/run.js', import.meta.url))
const SMALLEST = ['--rounds', '2', '--milliseconds', '1', '--connections', '20']

async function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  // Contenders run on this very Node, whatever else is installed.
  const env = { ...process.env, MEMBIO_BENCH_NODE: process.execPath }
  const child = spawn(process.execPath, [RUN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number]
  return { code, stdout, stderr }
}

const NAMES = [
  'primitives: ChaCha20-Poly1305 seal, 16384 B',
  'handshakes: full, ECDSA P-256, X25519, in memory',
  'bulk: ChaCha20-Poly1305, 64 KiB, over loopback',
  'echo: on Node',
  'idle: a server on Node',
  'start: first handshake, on Node',
  'size: openssl.wasm, gzip',
]

test('measures a case of every kind, and writes JSON, Markdown and SVG', async (t) => {
  const to = folder(t)
  const json = join(to, 'results.json')
  const { code, stdout, stderr } = await bench(...SMALLEST, '--json', json, '--to', to, ...NAMES)
  assert.is(code, 0, stderr)
  const results = JSON.parse(readFileSync(json, 'utf8')) as Results
  assert.match(results.date, /^\d{4}-\d\d-\d\d$/)
  assert.match(results.versions['membio']!, /^\d+\.\d+\.\d+/)
  assert.ok(results.machine.cpu && results.machine.cores > 0)
  assert.equal(results.settings, { rounds: 2, milliseconds: 1, connections: 20 })
  for (const name of NAMES) {
    const rows = results.rows.filter((row) => `${row.family}: ${row.name}`.includes(name))
    // A runtime of ./build.sh bench may not be installed: then its row says so.
    assert.ok(rows.some(({ contenders: [membio] }) => membio?.who === 'membio' && isFigure(membio)), name)
    for (const { contenders } of rows) checkContenders(contenders)
    assert.ok(stdout.includes(name) && stderr.includes(name), 'progress, and the row')
  }
  assert.ok(readFileSync(join(to, 'performance.md'), 'utf8').includes('| full, ECDSA P-256, X25519, in memory | membio |'))
  assert.match(readFileSync(join(to, 'performance.svg'), 'utf8'), /<circle /)
  assert.is(readFileSync(join(to, 'performance.json'), 'utf8'), readFileSync(json, 'utf8'))
}, { deadline: 120 })

function checkContenders(contenders: Results['rows'][number]['contenders']): void {
  for (const one of contenders) {
    if (!isFigure(one)) assert.ok(one.cannot && !one.failed, JSON.stringify(one))
    else for (const value of Object.values(one.value)) assert.ok(value > 0 || one.samples === 1, JSON.stringify(one))
  }
}

/** Results in which nothing has reached anything. */
function worst(t: Parameters<typeof folder>[0]): string {
  const value = { median: 1e9, q1: 1e9, q3: 1e9 }
  const row = { family: 'size', name: 'openssl.wasm, gzip', unit: 'KB', contenders: [{ who: 'membio', value, samples: 1 }] }
  const path = join(folder(t), 'worst.json')
  const machine = { cpu: '', cores: 1, memory: '', system: '' }
  const settings = { rounds: 1, milliseconds: 1, connections: 1 }
  writeFileSync(path, JSON.stringify({ date: '', versions: {}, machine, settings, rows: [row] }))
  return path
}

test('--check: a target that is missed is exit code 1', async (t) => {
  const { code, stdout } = await bench('--from', worst(t), '--check')
  assert.is(code, 1)
  assert.match(stdout, /missed +openssl\.wasm, gzip/)
})

test('the same without --check: figures alone are no failure', async (t) => {
  assert.is((await bench('--from', worst(t))).code, 0)
})

test('--help and --list measure nothing', async () => {
  const help = await bench('--help')
  assert.is(help.code, 0)
  assert.match(help.stdout, /--quick/)
  const list = await bench('--list', 'echo')
  assert.is(list.code, 0)
  assert.equal(list.stdout.trim().split('\n').map((line) => line.split(':')[0]), ['echo', 'echo', 'echo'])
})

for (const { args, expect } of [
  { args: ['no such case'], expect: /no case has no such case in its name/ },
  { args: ['--rounds', 'many'], expect: /--rounds many/ },
  { args: ['--slow'], expect: /--slow/ },
]) {
  test(`${args.join(' ')}: a mistake is told, and exit code 2`, async () => {
    const { code, stderr } = await bench(...args)
    assert.is(code, 2)
    assert.match(stderr, expect)
  })
}
