// OCSP stapling (RFC 6066, section 8) with peers: our response as they read it, theirs as we judge it.
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import type { Version } from '../../src/index.ts'
import { HOST, HOSTS, intermediate, issue, root, server as serverIdentity, serverWithChain, strangeRoot, type Identity } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { curl, file, folder, gnutlsClient, gnutlsServer, opensslServer } from '../support/peers.ts'
import { respond, type ResponseOptions } from '../support/ocsp.ts'
import { answered, echoed, nodeEcho, OPENSSL_ONLY, sClient, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type MembioServer } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

// ---- membio staples. ----

interface Stapling extends MembioServer {
  ocspResponse: Uint8Array | undefined
}

/** A server, and the response that it staples. */
async function stapling(t: Case, version: Version, response?: ResponseOptions, identity = serverIdentity(), issuer = root()): Promise<Stapling> {
  const ocspResponse = response && respond(t, identity.cert, issuer, response)
  const settings = { ...identity, ocspResponse, minVersion: version, maxVersion: version }
  return { ...(await serveMembio(t, { settings }, echo)), ocspResponse }
}

const GOOD: ResponseOptions = { status: 'V' }
const REVOKED: ResponseOptions = { status: 'R' }

for (const version of VERSIONS) {
  const openssl = withPeer(`OCSP stapling, openssl s_client -status to membio, ${version}`, 'openssl')
  const rows: [string, ResponseOptions | undefined, RegExp][] = [
    ['a good response', GOOD, /OCSP Response Status: successful[^]*Cert Status: good/],
    ['a revoked certificate', REVOKED, /Cert Status: revoked/],
    ['none', undefined, /OCSP response: no response sent/],
  ]
  for (const [name, response, said] of rows) {
    openssl(name, async (t) => {
      const program = sClient(t, (await stapling(t, version, response)).port, ['-status'])
      await program.until(said)
      await echoed(program)
    })
  }

  const gnutls = withPeer(`OCSP stapling, gnutls-cli to membio, ${version}`, 'gnutls-cli')

  gnutls('a good response, byte for byte', async (t) => {
    const server = await stapling(t, version, GOOD)
    const saved = `${folder(t)}/response.der`
    const program = gnutlsClient(t, server.port, { args: ['--save-ocsp', saved] })
    await echoed(program)
    program.end()
    await program.succeeded()
    assert.equal(new Uint8Array(readFileSync(saved)), server.ocspResponse)
  })

  gnutls('a revoked certificate is refused by them', async (t) => {
    const program = gnutlsClient(t, (await stapling(t, version, REVOKED)).port)
    await program.until(/certificate chain is revoked/)
    assert.is.not((await program.exit).code, 0)
  })

  const node = withPeer(`OCSP stapling, node:tls client to membio, ${version}`)

  for (const [name, response] of [['a good response, byte for byte', GOOD], ['none', undefined]] as const) {
    node(name, async (t) => {
      const server = await stapling(t, version, response)
      const peer = dialNode(t, server.port, { requestOCSP: true })
      const [seen] = await new Promise<unknown[]>((resolve) => peer.socket.once('OCSPResponse', (...args) => resolve(args)))
      assert.equal(seen && new Uint8Array(seen as Buffer), server.ocspResponse ?? null)
    })
  }

  const curling = withPeer(`OCSP stapling, curl --cert-status to membio, ${version}`, 'curl')

  for (const [name, response, code] of [['a good response', GOOD, 0], ['a revoked certificate', REVOKED, 91], ['none', undefined, 91]] as const) {
    curling(`${name}: curl leaves with ${code}`, async (t) => {
      const server = await stapling(t, version, response, serverWithChain(), intermediate()) // curl wants to see the issuer in the chain
      const program = curl(t, server.port, '/', { args: ['--cert-status', '--http0.9'] })
      const party = await server.accept()
      if (code === 0) {
        await party.until(() => party.bytesReceived > 0)
        party.poller.close() // after the echo of the request, which HTTP/0.9 takes for an answer
      }
      assert.is((await program.exit).code, code)
    })
  }
}

// ---- membio checks. ----

interface ServerPeer {
  name: string
  program?: string
  start: (t: Case, version: Version, identity: Identity, response: Uint8Array | undefined) => Promise<number>
}

const SERVERS: readonly ServerPeer[] = [
  {
    name: 'openssl s_server -status_file',
    program: 'openssl',
    start: async (t, version, identity, response) => {
      const staple = response ? ['-status_file', file(t, 'response.der', response)] : []
      return (await opensslServer(t, { identity, args: ['-rev', OPENSSL_ONLY[version], ...staple] })).port
    },
  },
  {
    name: 'gnutls-serv --ocsp-response',
    program: 'gnutls-serv',
    start: async (t, version, identity, response) => {
      const staple = response ? ['--ocsp-response', file(t, 'response.der', response), '--ignore-ocsp-response-errors'] : []
      return (await gnutlsServer(t, { version, identity, args: ['--echo', ...staple] })).port
    },
  },
  {
    name: 'node:tls server, OCSPRequest',
    start: async (t, version, identity, response) => {
      const options = { ...identity, minVersion: version, maxVersion: version }
      const staple = response ? Buffer.from(response) : null
      return nodeEcho(t, options, (server) => server.on('OCSPRequest', (_, __, callback) => callback(null, staple as Buffer)))
    },
  },
]

interface Row {
  name: string
  response?: ResponseOptions
  ocsp: 'request' | 'require'
  identity?: () => Identity
  code?: string
}

const strict = () => issue({ subject: { CN: HOST }, hosts: HOSTS, mustStaple: true }, root())

const ROWS: readonly Row[] = [
  { name: 'a good response', response: GOOD, ocsp: 'require' },
  { name: 'none, only asked for', ocsp: 'request' },
  { name: 'none, required', ocsp: 'require', code: 'OCSP_VERIFY_NEEDED' },
  { name: 'a revoked certificate', response: REVOKED, ocsp: 'request', code: 'CERT_REVOKED' },
  { name: 'a certificate that the responder does not know', response: {}, ocsp: 'request', code: 'OCSP_CERT_UNKNOWN' },
  { name: 'a response signed by a stranger', response: { ...GOOD, signer: strangeRoot() }, ocsp: 'request', code: 'OCSP_SIGNATURE_FAILURE' },
  { name: 'a certificate that must be stapled, and is', response: GOOD, ocsp: 'request', identity: strict },
  { name: 'a certificate that must be stapled, and is not', ocsp: 'request', identity: strict, code: 'OCSP_VERIFY_NEEDED' },
]

for (const { name: peer, program, start } of SERVERS) {
  const test = withPeer(`OCSP stapling, membio to ${peer}`, program)
  for (const version of VERSIONS) {
    for (const { name, response, ocsp, identity = serverIdentity, code } of ROWS) {
      test(`${version}: ${name}`, async (t) => {
        const shown = identity()
        const ocspResponse = response && respond(t, shown.cert, root(), response)
        const client = dialMembio(t, await start(t, version, shown, ocspResponse), { engine: { ocsp } })
        if (code) return void expectError(await client.closed, { kind: 'certificate', code })
        await answered(client)
        assert.equal(client.agreed.ocspResponse, ocspResponse)
      })
    }
  }
}
