// One case of each outcome, for runner.test.ts; not run by itself.
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { createContext } from '../../src/index.ts'
import { suite } from '../support/suite.ts'

const test = suite('outcomes')

test('passes', async () => sleep(1))
test('fails', () => assert.is(1, 2))
test('throws no Error', () => {
  throw 'a string'
})
test('never ends', () => new Promise(() => {}), { deadline: 0.1 })
test('leaves a context', () => void createContext())
test('leaves a socket', async () => {
  await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', resolve))
})
test('rejects behind its own back', async () => {
  void Promise.reject(new Error('nobody listens'))
  await sleep(1000)
})
test('throws in its own back', async () => {
  setImmediate(() => {
    throw new Error('nobody catches')
  })
  await sleep(1000)
})
test('fails while cleaning up', (t) => {
  t.defer(() => {
    throw new Error('cleanup')
  })
})
test('cleans up after a failure', (t) => {
  t.own(createContext())
  throw new Error('on purpose')
})
test.skip({ kind: 'no-moon', reason: 'the moon is down' }, 'is skipped')
test.unless({ kind: 'no-sun', reason: 'the sun is down' })('is skipped by a condition', () => assert.unreachable())
test.unless(undefined)('passes by a condition', () => {})
