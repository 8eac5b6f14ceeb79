// samples/remote-signer.ts: its server and Node's client are in one program.
import * as assert from 'uvu/assert'
import { suite } from '../support/suite.ts'
import { runSample } from './program.ts'

const sample = suite('sample: remote-signer')

sample('one thread serves, the other one signs', async (t) => {
  const { code, stdout, stderr } = await runSample(t, 'remote-signer')
  assert.is(code, 0, stderr)
  assert.is(stderr, '')
  assert.is(stdout, '200 thread 0 serves, thread 1 signs with ecdsa_secp256r1_sha256\n')
})
