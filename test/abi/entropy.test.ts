// Entropy: fails closed, is not touched before it is needed, and is the only thing that makes two handshakes differ.
import * as assert from 'uvu/assert'
import { Library, type Host } from '../../src/abi/library.ts'
import { SecureContext } from '../../src/engine/context.ts'
import { HOST, root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { wasmModule } from '../support/paths.ts'
import { Random } from '../support/random.ts'
import { suite } from '../support/suite.ts'

const entropy = suite('abi: entropy')

/** A host that counts, and fails once `failing` is set. */
class CountingHost implements Host {
  failing = false
  randomCalls = 0
  nowCalls = 0
  time = Date.UTC(2030, 0, 1)
  readonly #random: Random

  constructor(seed = 1) {
    this.#random = new Random(seed)
  }

  getrandom(bytes: Uint8Array<ArrayBuffer>): void {
    this.randomCalls++
    if (this.failing) throw new Error('no entropy today')
    bytes.set(this.#random.bytes(bytes.length))
  }

  now(): number {
    this.nowCalls++
    return this.time
  }
}

/** The first flight of a client, from a library of its own. */
function clientHello(host: Host): Uint8Array {
  const context = new SecureContext(new Library(wasmModule(), host), { ca: root().cert })
  const engine = context.createEngine({ role: 'client', servername: HOST })
  try {
    engine.handshake()
    return engine.takeCiphertext()
  } finally {
    engine.free()
    context.free()
  }
}

entropy('loading the library touches neither entropy nor the clock', () => {
  const host = new CountingHost()
  new Library(wasmModule(), host)
  assert.is(host.randomCalls, 0)
  assert.is(host.nowCalls, 0)
})

entropy('without entropy no key is made', () => {
  const host = new CountingHost()
  host.failing = true
  const { exports, memory } = new Library(wasmModule(), host)
  for (const type of ['RSA-2048', 'P-256', 'Ed25519']) {
    assert.is(
      memory.lend([type], (at) => exports.tls_key_create(at)),
      0,
      type,
    )
    assert.is.not(memory.error(exports.tls_library_error()).reason, '', type)
  }
  assert.ok(host.randomCalls > 0)
})

entropy('without entropy there is no context, and so no handshake', () => {
  const host = new CountingHost()
  host.failing = true
  const library = new Library(wasmModule(), host)
  expectThrow(() => new SecureContext(library, server()), {
    kind: 'internal',
    code: 'ERR_OSSL_PROVIDER_ERROR_RETRIEVING_ENTROPY',
    message: /the host gave no randomness/,
  })
  assert.is(library.liveHandles, 0)
})

for (const role of ['client', 'server'] as const) {
  entropy(`a ${role} whose entropy runs dry fails its handshake and says nothing`, (t) => {
    const host = new CountingHost()
    const context = new SecureContext(new Library(wasmModule(), host), { ca: root().cert, ...server() })
    t.defer(() => context.free())
    const engine = context.createEngine(role === 'client' ? { role, servername: HOST } : { role })
    t.defer(() => engine.free())
    host.failing = true
    host.time += 2 * 3600_000 // the generator's state is too old by then, and wants new entropy
    if (role === 'server') engine.receiveCiphertext(clientHello(new CountingHost()))
    const failure = expectThrow(() => engine.handshake(), { kind: 'internal' })
    assert.match(failure.opensslErrors!.join('\n'), /entropy|drbg/)
    assert.ok(engine.takeCiphertext().length <= 7, 'more than an alert: one record of two bytes, in the clear')
  })
}

entropy('the same entropy and time give the same bytes, other entropy gives others', () => {
  const first = clientHello(new CountingHost(1))
  assert.equal(clientHello(new CountingHost(1)), first)
  assert.not.equal(clientHello(new CountingHost(2)), first)
})

entropy('the default host gives each connection randomness of its own', () => {
  const library = new Library(wasmModule())
  const context = new SecureContext(library, { ca: root().cert })
  const randoms = new Set<string>()
  for (let i = 0; i < 50; i++) {
    const engine = context.createEngine({ role: 'client', servername: HOST })
    engine.handshake()
    randoms.add(Buffer.from(engine.takeCiphertext().subarray(11, 43)).toString('hex')) // record 5, handshake 4, version 2
    engine.free()
  }
  assert.is(randoms.size, 50)
  context.free()
})
