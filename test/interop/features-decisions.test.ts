// Decisions that may take their time, with peers on the other side: a context by SNI, ALPN, our client certificate, whom to believe.
import * as assert from 'uvu/assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecureContext } from '../../src/index.ts'
import type { Decisions } from '../../src/transport/index.ts'
import { client as clientIdentity, issue, root, serverFor, server as serverIdentity, strangeRoot, bad } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { curl, gnutlsClient, gnutlsServer, opensslClient, opensslServer, type PeerOptions, type Program } from '../support/peers.ts'
import { answered, echoed, failureOf, nodeEcho, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, makeContext, serveMembio, type MembioServer, type Party } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

/** Any answer, a few turns of the event loop later. */
const later = async <T>(answer: T): Promise<T> => {
  await sleep(2)
  return answer
}

// ---- The server chooses by what the client offers. ----

const HOSTS = ['one.test', 'two.test']
const UNRECOGNIZED_NAME = 112

/** A server with a context for each host, and ALPN of its own for each. */
async function hosting(t: Case): Promise<MembioServer> {
  const contexts = new Map<string, SecureContext>(HOSTS.map((host) => [host, makeContext(t, 'server', serverFor(host))]))
  const decisions: Decisions = {
    clientHello: async ({ hello }) => {
      const context = contexts.get(hello.servername ?? '')
      if (!context) return later({ alert: UNRECOGNIZED_NAME, cause: new Error(`no such host: ${hello.servername}`) })
      return later({ context, alpn: hello.servername === 'one.test' ? ['h2', 'http/1.1'] : ['http/1.1'] })
    },
  }
  return serveMembio(t, { engine: { park: ['clientHello'] }, decisions }, echo)
}

interface Visitor {
  name: string
  program?: string
  /** Asks for a host and checks that the certificate is for it. */
  visit: (t: Case, port: number, options: PeerOptions & { servername: string }) => { content: () => Promise<unknown>; refused: () => Promise<unknown> }
}

const ofProgram = (program: Program, name: RegExp) => ({ content: () => echoed(program), refused: () => program.until(name) })

const VISITORS: readonly Visitor[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    visit: (t, port, options) => ofProgram(opensslClient(t, port, options), /unrecognized name/),
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    visit: (t, port, options) => ofProgram(gnutlsClient(t, port, options), /server name sent was not recognized/),
  },
  {
    name: 'node:tls client',
    visit: (t, port, { version, servername, identity, alpn = [] }) => {
      const peer = dialNode(t, port, { ...identity, servername, minVersion: version, maxVersion: version, ALPNProtocols: [...alpn] })
      peer.socket.write('line\n')
      return {
        content: () => peer.until(() => peer.text === 'line\n'),
        refused: async () => assert.match((await failureOf(peer)).message, /unrecognized name/),
      }
    },
  },
]

for (const { name, program, visit } of VISITORS) {
  const test = withPeer(`decisions, ${name} to membio`, program)
  for (const version of VERSIONS) {
    test(`${version}: a context by SNI, and its ALPN`, async (t) => {
      const server = await hosting(t)
      for (const [servername, alpn] of [['two.test', 'http/1.1'], ['one.test', 'h2']] as const) {
        await visit(t, server.port, { version, servername, alpn: ['http/1.1', 'h2'] }).content()
        const { agreed } = await server.accept()
        assert.equal([agreed.version, agreed.servername, agreed.alpn], [version, servername, alpn])
      }
    })

    test(`${version}: a name that nobody has is refused with unrecognized_name`, async (t) => {
      const server = await hosting(t)
      const visitor = visit(t, server.port, { version, servername: 'three.test' })
      const error = await (await server.accept()).closed
      assert.is(expectError(error, { kind: 'protocol' }).alert!.name, 'unrecognized_name')
      assert.match((error!.cause as Error).message, /three\.test/)
      await visitor.refused()
    })
  }
}

const curls = withPeer('decisions, curl to membio', 'curl')

for (const [how, servername] of [['--resolve', 'one.test'], ['--connect-to', 'two.test']] as const) {
  curls(`${how}: a context by SNI, and its ALPN`, async (t) => {
    const server = await hosting(t)
    const elsewhere = how === '--connect-to' ? ['--connect-to', `${servername}:${server.port}:localhost:${server.port}`] : []
    const program = curl(t, server.port, '/', { servername, args: [...elsewhere, '--http1.1', '--http0.9'] })
    const party = await server.accept()
    await party.until(() => party.bytesReceived > 0)
    party.poller.close() // after the echo of the request, which HTTP/0.9 takes for an answer
    assert.is((await program.exit).code, 0)
    assert.equal([party.agreed.servername, party.agreed.alpn], [servername, 'http/1.1'])
  })
}

// ---- The client chooses its certificate by the CAs that the server names. ----

interface ServerPeer {
  name: string
  program?: string
  /** A server that requires a client certificate of the given CAs, and echoes. */
  start: (t: Case, options: PeerOptions & { ca: string }) => Promise<number>
}

const SERVERS: readonly ServerPeer[] = [
  { name: 'openssl s_server', program: 'openssl', start: async (t, options) => (await opensslServer(t, { ...options, args: ['-rev'] })).port },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: async (t, options) => (await gnutlsServer(t, options)).port },
  {
    name: 'node:tls server',
    start: (t, { version, identity, ca }) =>
      nodeEcho(t, { ...identity, ca, requestCert: true, rejectUnauthorized: true, minVersion: version, maxVersion: version }),
  },
]

const nameIn = (names: readonly Uint8Array[], text: string) => names.some((name) => Buffer.from(name).includes(text))

for (const { name, program, start } of SERVERS) {
  const test = withPeer(`decisions, membio to ${name}`, program)
  for (const version of VERSIONS) {
    test(`${version}: the client certificate is chosen by the names of the server's CAs`, async (t) => {
      const strange = issue({ subject: { CN: 'client.test' }, usage: ['client'] }, strangeRoot())
      const byCa = { 'membio test root': makeContext(t, 'client', clientIdentity()), 'membio strange root': makeContext(t, 'client', strange) }
      for (const [ca, pem] of [['membio test root', root().cert], ['membio strange root', strangeRoot().cert]] as const) {
        const port = await start(t, { version, identity: serverIdentity(), ca: pem })
        const client = dialMembio(t, port, {
          engine: { park: ['certificateRequest'] },
          decisions: {
            certificateRequest: ({ caNames }) => {
              assert.is(caNames.length, 1)
              return later({ context: nameIn(caNames, 'test root') ? byCa['membio test root'] : byCa['membio strange root'] })
            },
          },
        })
        await answered(client)
        assert.is(nameIn(client.eventsOf('certificateRequest')[0]!.caNames, ca), true)
        client.poller.close()
        await client.closed
      }
    })

    test(`${version}: none is shown, and the server refuses`, async (t) => {
      const port = await start(t, { version, identity: serverIdentity(), ca: root().cert })
      const client = dialMembio(t, port, { engine: { park: ['certificateRequest'] }, decisions: { certificateRequest: () => later({}) } })
      client.poller.write('hello\n')
      expectError(await client.closed, {})
      assert.is(client.text, '')
    })
  }
}

// ---- Whom to believe: the verdict may be overruled in either direction. ----

interface Verdict {
  name: string
  good: boolean
  verdict?: 'keep' | 'refuse' | 'dangerouslyAccept'
  accepted: boolean
}

const VERDICTS: readonly Verdict[] = [
  { name: 'a good certificate is kept', good: true, accepted: true },
  { name: 'a good certificate is refused', good: true, verdict: 'refuse', accepted: false },
  { name: 'a bad certificate is refused', good: false, verdict: 'keep', accepted: false },
  { name: 'a bad certificate is accepted', good: false, verdict: 'dangerouslyAccept', accepted: true },
]

const judging = (verdict: Verdict['verdict']): Decisions => ({ verify: () => later(verdict ? { verdict } : {}) })

/** The event tells what OpenSSL thought, whatever came of it. */
function assertAsked(party: Party, good: boolean): void {
  const [event] = party.eventsOf('verify')
  const { ok, code, peerChain, verifiedChain } = event!
  assert.equal([ok, code], [good, good ? undefined : 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'])
  assert.equal([peerChain.length > 0, verifiedChain.length], [true, good ? 2 : 1])
}

for (const { name, program, start } of SERVERS) {
  const test = withPeer(`verification decisions, membio to ${name}`, program)
  for (const version of VERSIONS) {
    for (const { name: what, good, verdict, accepted } of VERDICTS) {
      test(`${version}: ${what}`, async (t) => {
        const port = await start(t, { version, identity: good ? serverIdentity() : bad('unknownCa'), ca: root().cert })
        const client = dialMembio(t, port, { settings: clientIdentity(), engine: { park: ['verify'] }, decisions: judging(verdict) })
        if (accepted) await answered(client)
        else expectError(await client.closed, { kind: 'certificate' })
        assertAsked(client, good)
      })
    }
  }
}

for (const { name, program, visit } of VISITORS) {
  const test = withPeer(`verification decisions, ${name} to membio`, program)
  for (const version of VERSIONS) {
    for (const { name: what, good, verdict, accepted } of VERDICTS) {
      test(`${version}: ${what}`, async (t) => {
        const identity = good ? clientIdentity() : issue({ subject: { CN: 'client.test' }, usage: ['client'] }, strangeRoot())
        const engine = { clientCertificate: 'require', park: ['verify'] } as const
        const server = await serveMembio(t, { settings: { ca: root().cert }, engine, decisions: judging(verdict) }, echo)
        const visitor = visit(t, server.port, { version, servername: 'server.test', identity })
        if (accepted) await visitor.content()
        const party = await server.accept()
        if (!accepted) expectError(await party.closed, { kind: 'certificate' })
        assertAsked(party, good)
      })
    }
  }
}
