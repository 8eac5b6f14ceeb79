// Decisions that take their time, through the poller: promises that answer, reject, never come, or come too late.
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { createContext, type ContextOptions, type EngineOptions, type TlsError } from '../../src/index.ts'
import { memoryPair, Poller, type Decisions, type PollerHandlers } from '../../src/transport/index.ts'
import { client, HOST, root, server, serverFor } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { suite, type Case } from '../support/suite.ts'

const test = suite('poller: decisions')

/** Promise.withResolvers, for Node 20. */
function deferred<T>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => (resolve = settle))
  return { promise, resolve }
}

interface End {
  poller: Poller
  secure: Promise<void>
  closed: Promise<TlsError | undefined>
}

interface Setup {
  client?: ContextOptions
  server?: ContextOptions
  clientEngine?: Partial<EngineOptions>
  serverEngine?: Partial<EngineOptions>
  clientDecisions?: Decisions
  serverDecisions?: Decisions
}

function end(t: Case, make: (handlers: PollerHandlers) => Poller): End {
  const secure = deferred<void>()
  const closed = deferred<TlsError | undefined>()
  const poller = make({ onSecure: () => secure.resolve(), onClose: closed.resolve })
  t.defer(() => poller.destroy())
  return { poller, secure: secure.promise, closed: closed.promise }
}

function connect(t: Case, setup: Setup): { client: End; server: End } {
  const [a, b] = memoryPair({ chunkSize: 300 })
  const clientContext = t.own(createContext({ ca: root().cert, ...setup.client }))
  const serverContext = t.own(createContext({ ...server(), ...setup.server }))
  const clientEngine = clientContext.createEngine({ role: 'client', servername: HOST, ...setup.clientEngine })
  const serverEngine = serverContext.createEngine({ role: 'server', ...setup.serverEngine })
  return {
    client: end(t, (handlers) => new Poller(clientEngine, a, handlers, { decisions: setup.clientDecisions })),
    server: end(t, (handlers) => new Poller(serverEngine, b, handlers, { decisions: setup.serverDecisions })),
  }
}

test('SNI: the context is found by a promise, while bytes go on arriving', async (t) => {
  const other = t.own(createContext(serverFor('other.test')))
  const asked: (string | undefined)[] = []
  const clientHello: Decisions['clientHello'] = async ({ hello }) => {
    asked.push(hello.servername)
    await sleep(20)
    return { context: other, alpn: ['late/1'] }
  }
  const ends = connect(t, {
    client: { alpn: ['late/1'] },
    clientEngine: { servername: 'other.test' },
    serverEngine: { park: ['clientHello'] },
    serverDecisions: { clientHello },
  })
  await ends.client.secure
  assert.equal(asked, ['other.test'])
  assert.is(ends.client.poller.engine.agreed!.alpn, 'late/1')
})

test('mTLS: the client finds its certificate by a promise', async (t) => {
  const identity = t.own(createContext({ ...client(), ca: root().cert }))
  const ends = connect(t, {
    server: { ca: root().cert },
    serverEngine: { clientCertificate: 'require' },
    clientEngine: { park: ['certificateRequest'] },
    clientDecisions: { certificateRequest: async () => ({ context: identity }) },
  })
  await ends.server.secure
  assert.is(ends.server.poller.engine.agreed!.authorized, true)
})

test('verification: a promise refuses what OpenSSL accepts', async (t) => {
  const ends = connect(t, {
    clientEngine: { park: ['verify'] },
    clientDecisions: { verify: async ({ ok }) => ({ verdict: ok ? 'refuse' : 'keep' }) },
  })
  expectError(await ends.client.closed, { kind: 'certificate', code: 'APPLICATION_VERIFICATION' })
  expectError(await ends.server.closed, { kind: 'alert' })
})

test('PSK: the key of a TLS 1.2 identity is found by a promise', async (t) => {
  const key = new Uint8Array(32).fill(9)
  const ends = connect(t, {
    client: { maxVersion: 'TLSv1.2' },
    clientEngine: { servername: undefined, psk: { identity: 'late', key } },
    serverEngine: { park: ['psk'] },
    serverDecisions: { psk: async ({ identity }) => ({ psk: identity === 'late' ? key : undefined }) },
  })
  await Promise.all([ends.client.secure, ends.server.secure])
})

test('a promise that rejects refuses the handshake, and is the cause', async (t) => {
  const cause = new Error('no directory')
  const ends = connect(t, { serverEngine: { park: ['clientHello'] }, serverDecisions: { clientHello: () => Promise.reject(cause) } })
  assert.is(expectError(await ends.server.closed, {}).cause, cause)
  assert.is(expectError(await ends.client.closed, { kind: 'alert' }).alert!.name, 'internal_error')
})

test('a decision that throws does the same', async (t) => {
  const cause = new Error('no luck')
  const clientHello = () => {
    throw cause
  }
  const ends = connect(t, { serverEngine: { park: ['clientHello'] }, serverDecisions: { clientHello } })
  assert.is(expectError(await ends.server.closed, {}).cause, cause)
})

test('an answer that comes after the peer has gone changes nothing', async (t) => {
  const answer = deferred<object>()
  const ends = connect(t, { serverEngine: { park: ['clientHello'] }, serverDecisions: { clientHello: () => answer.promise } })
  await sleep(10)
  ends.client.poller.destroy()
  expectError(await ends.server.closed, { kind: 'io', code: 'ECONNRESET' })
  answer.resolve({})
  await sleep(5)
})

test('an answer that comes after destroy changes nothing', async (t) => {
  const answer = deferred<object>()
  const ends = connect(t, { serverEngine: { park: ['clientHello'] }, serverDecisions: { clientHello: () => answer.promise } })
  await sleep(10)
  ends.server.poller.destroy()
  assert.is(await ends.server.closed, undefined)
  answer.resolve({})
  await sleep(5)
})

test('an answer that never comes meets the deadline of the handshake', async (t) => {
  const [, b] = memoryPair()
  const context = t.own(createContext(server()))
  const decisions: Decisions = { clientHello: () => new Promise(() => {}) }
  const engine = context.createEngine({ role: 'server', park: ['clientHello'] })
  const { closed } = end(t, (handlers) => new Poller(engine, b, handlers, { decisions, deadlines: { handshake: 30 } }))
  expectError(await closed, { kind: 'io', code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
})
