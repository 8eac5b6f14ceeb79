// A client without `ca`: the host's roots where the host shows them, a clear error where it does not.
import * as assert from 'uvu/assert'
import { createContext } from '../../src/index.ts'
import { bad, HOST, root } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { inFreshNode } from '../support/node.ts'
import { Workshop } from '../support/openssl.ts'
import { makePair } from '../support/pair.ts'
import { suite } from '../support/suite.ts'

const roots = suite('engine: host roots')

const REFUSED: { name: string; server?: ReturnType<typeof bad>; code: string }[] = [
  { name: 'a private CA', code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' },
  { name: 'itself', server: bad('selfSigned'), code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
]

for (const { name, server, code } of REFUSED) {
  roots(`refuse a server that is vouched for by ${name}`, (t) => {
    const clientContext = t.own(createContext())
    const pair = t.own(makePair({ clientContext, server })).run()
    expectError(pair.client.error, { kind: 'certificate', code, verify: { name: code, depth: 0 } })
  })
}

roots('are not asked for by a client that gives its `ca`, nor by one that accepts anything', () => {
  const phases = inFreshNode(`
    process.getBuiltinModule = () => { throw new Error('asked') }
    import { createContext } from 'membio'
    const ca = ${JSON.stringify(root().cert)}
    const engines = [
      createContext({ ca }).createEngine({ role: 'client', servername: 'a.test' }),
      createContext().createEngine({ role: 'client', servername: 'a.test', dangerouslyAcceptAnyCertificate: true }),
    ]
    console.log(JSON.stringify(engines.map((engine) => engine.phase)))`)
  assert.equal(phases, ['idle', 'idle'])
})

for (const extra of [undefined, 'extra.pem']) {
  roots(`that the host does not show are a usage error with the way out, NODE_EXTRA_CA_CERTS=${extra ?? ''}`, () => {
    const source = `
      process.getBuiltinModule = undefined
      import { createContext, liveHandles } from 'membio'
      const context = createContext()
      let failure
      try { context.createEngine({ role: 'client', servername: 'a.test' }) } catch (error) { failure = error }
      context.free()
      console.log(JSON.stringify({ kind: failure.kind, code: failure.code, message: failure.message, live: liveHandles() }))`
    assert.equal(inFreshNode(source, { NODE_EXTRA_CA_CERTS: extra }), {
      kind: 'usage',
      code: 'ERR_TLS_NO_CA',
      message:
        "this runtime shows no root certificates: pass the ones to trust as `ca`, Mozilla's for instance: `mozillaRoots` from 'membio/roots'",
      live: 0,
    })
  })
}

roots('include NODE_EXTRA_CA_CERTS', (t) => {
  const workshop = t.own(new Workshop())
  const source = `
    import { createContext } from 'membio'
    import { createCertificate, createKey } from 'membio/x509'
    import { readFileSync } from 'node:fs'
    const issuer = JSON.parse(readFileSync(process.env.ISSUER))
    const key = createKey()
    const cert = createCertificate({ key, hosts: ['${HOST}'], issuer })
    const client = createContext().createEngine({ role: 'client', servername: '${HOST}' })
    const server = createContext({ cert, key }).createEngine({ role: 'server' })
    for (let i = 0; i < 3; i++) {
      client.handshake()
      server.receiveCiphertext(client.takeCiphertext())
      server.handshake()
      client.receiveCiphertext(server.takeCiphertext())
    }
    console.log(JSON.stringify(client.agreed.authorized))`
  const env = { NODE_EXTRA_CA_CERTS: workshop.write('ca.pem', root().cert), ISSUER: workshop.write('issuer.json', JSON.stringify(root())) }
  assert.is(inFreshNode(source, env), true)
})

const kinds = suite('engine: which of the host roots')

kinds("'system' are the operating system's: here the file that SSL_CERT_FILE names", (t) => {
  const workshop = t.own(new Workshop())
  const source = `
    import { createContext } from 'membio'
    const engine = createContext({ hostRoots: 'system' }).createEngine({ role: 'client', servername: 'a.test' })
    console.log(JSON.stringify(engine.phase))`
  const file = workshop.write('system.pem', root().cert)
  assert.is(inFreshNode(source, { SSL_CERT_FILE: file }), 'idle')
})

kinds("'bundled' are the runtime's own list: a private CA is none of it", (t) => {
  const clientContext = t.own(createContext({ hostRoots: 'bundled' }))
  const pair = t.own(makePair({ clientContext })).run()
  expectError(pair.client.error, { kind: 'certificate', code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' })
})

kinds('extraCa adds to them', (t) => {
  const clientContext = t.own(createContext({ extraCa: root().cert }))
  t.own(makePair({ clientContext }).establish())
})
