// A variant is in effect in the process, in its threads and in its children; otherwise the tests with it show nothing.
import * as assert from 'uvu/assert'
import { repository } from '../support/paths.ts'
import { run } from '../support/node.ts'
import { suite } from '../support/suite.ts'
import { nodeOptionsFor, VARIANTS, type Variant } from '../support/variants.ts'

const test = suite('runner: variants')

/** Prints who computes, and whether the kernels and the host's cryptography are in the module, for both copies of the library. */
const LOOK = `
  const { library } = await import('${new URL(`file://${repository}build/src/abi/instance.js`).href}')
  const { createContext, version } = await import('membio')
  version()
  const names = WebAssembly.Module.imports(library().module).map(({ name }) => name)
  const context = createContext()
  context.free()
  const seen = library().accelerator.wanted + (names.includes('aead') ? ' kernels' : ' portable')`

const IN_THREAD = `import('node:worker_threads').then(async ({ parentPort }) => { ${LOOK}\nparentPort.postMessage(seen) })`

const EVERYWHERE = `
  import { spawnSync } from 'node:child_process'
  import { Worker } from 'node:worker_threads'
  const inThread = ${JSON.stringify(IN_THREAD)}
  const thread = await new Promise((resolve, reject) => new Worker(inThread, { eval: true }).on('message', resolve).on('error', reject))
  const inChild = ['--input-type=module', '-e', ${JSON.stringify(`${LOOK}\nconsole.log(seen)`)}]
  const child = spawnSync(process.execPath, inChild).stdout.toString().trim()
  ${LOOK}
  console.log(JSON.stringify([seen, thread, child]))`

const EXPECTED: Record<Variant, string> = { host: 'host kernels', wasm: 'wasm kernels', portable: 'wasm portable' }

for (const variant of VARIANTS) {
  test(`${variant}, in the process, a thread and a child`, () => {
    const env = { NODE_OPTIONS: nodeOptionsFor(variant) }
    const { code, stdout, stderr } = run(process.execPath, ['--input-type=module', '-'], EVERYWHERE, env)
    assert.is(code, 0, stderr)
    assert.equal(JSON.parse(stdout), Array.from({ length: 3 }, () => EXPECTED[variant]))
  })
}

test('without a variant it is as the package has it', () => {
  const { stdout, stderr } = run(process.execPath, ['--input-type=module', '-'], `${LOOK}\nconsole.log(seen)`, { NODE_OPTIONS: '' })
  assert.is(stdout.trim(), 'auto kernels', stderr)
})

test('an unknown variant is refused', () => {
  const { code, stderr } = run(process.execPath, ['build/test/run.js', '--with', 'magic', 'engine/phase'])
  assert.is.not(code, 0)
  assert.match(stderr, /--with magic: it is host, wasm, portable/)
})
