// Pre-shared keys instead of certificates (RFC 4279, RFC 8446 2.2), with peers that look them up their own way: known, unknown, wrong, and
// brought by decisions that take their time.
import * as assert from 'uvu/assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContextOptions, PreSharedKey, PskChooser, Version } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import { expectError, type Expected } from '../support/expect.ts'
import { file, gnutlsClient, gnutlsServer, opensslServer, Program } from '../support/peers.ts'
import { answered, echoed, failureOf, GNUTLS_ONLY, hex, OPENSSL_ONLY, VERSIONS, withPeer } from '../support/peers-more.ts'
import { dialNode, serveNode } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio, type SideOptions } from '../support/sockets-party.ts'
import type { Case } from '../support/suite.ts'

const KEY: PreSharedKey = { identity: 'sensor-7', key: new Uint8Array(32).fill(7) }
const HINT = 'the north wing'
const WRONG: PreSharedKey = { identity: 'sensor-7', key: new Uint8Array(32).fill(9) }
const STRANGE: PreSharedKey = { identity: 'sensor-8', key: new Uint8Array(32).fill(8) }

const GNUTLS_PSK = '-KX-ALL:+ECDHE-PSK:+DHE-PSK:+PSK'
/** In TLS 1.2 gnutls-cli 3.7 must not agree on more: it dies of a segmentation fault (with gnutls-serv, too) when it prints the group. */
const GNUTLS_CLI_PSK: Record<Version, string> = { 'TLSv1.2': '-KX-ALL:+PSK', 'TLSv1.3': GNUTLS_PSK }
const NODE_PSK_SUITES = 'PSK-AES128-GCM-SHA256:ECDHE-PSK-CHACHA20-POLY1305'
const NO_CERTIFICATE: ContextOptions = { cert: undefined, key: undefined }

// ---- membio is the client. ----

interface ServerPeer {
  name: string
  program?: string
  /** A server that knows KEY, and gives HINT where there are hints. */
  start: (t: Case, version: Version) => Promise<number>
}

const SERVERS: readonly ServerPeer[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, version) => {
      const words = ['-nocert', '-rev', '-psk', hex(KEY.key), '-psk_identity', KEY.identity, '-psk_hint', HINT, OPENSSL_ONLY[version]]
      return (await opensslServer(t, { args: words })).port
    },
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: async (t, version) => {
      const keys = file(t, 'psk.txt', `${KEY.identity}:${hex(KEY.key)}\n`)
      const words = ['--echo', '--pskpasswd', keys, '--pskhint', HINT, '--priority', `${GNUTLS_ONLY[version]}:${GNUTLS_PSK}`]
      return (await gnutlsServer(t, { args: words })).port
    },
  },
  {
    name: 'node:tls server',
    start: async (t, version) => {
      const pskCallback = (_: unknown, identity: string) => (identity === KEY.identity ? Buffer.from(KEY.key) : null)
      const none = { cert: undefined, key: undefined }
      const options = { ...none, pskCallback, pskIdentityHint: HINT, ciphers: `${NODE_PSK_SUITES}:TLS_AES_128_GCM_SHA256`, minVersion: version, maxVersion: version }
      return (await serveNode(t, options, ({ socket }) => socket.pipe(socket))).port
    },
  },
]

const dialWith = (t: Case, port: number, psk: PreSharedKey | PskChooser) => dialMembio(t, port, { engine: { servername: undefined, psk } })

for (const { name, program, start } of SERVERS) {
  const test = withPeer(`pre-shared keys, membio to ${name}`, program)
  for (const version of VERSIONS) {
    test(`${version}: a key that both know`, async (t) => {
      const client = dialWith(t, await start(t, version), KEY)
      await answered(client)
      const { peerChain, authorized } = client.agreed
      assert.equal([client.agreed.version, peerChain.length, authorized], [version, 0, false])
      client.poller.close()
      assert.is(await client.closed, undefined)
    })

    test(`${version}: a key chosen by a function, ${version === 'TLSv1.2' ? 'which is told the hint' : 'without a hint'}`, async (t) => {
      const hints: (string | undefined)[] = []
      const client = dialWith(t, await start(t, version), (hint) => (hints.push(hint), KEY))
      await answered(client)
      assert.equal(hints, version === 'TLSv1.2' ? [undefined, HINT] : [undefined]) // TLS 1.3 is offered in any case
      client.poller.close()
      assert.is(await client.closed, undefined)
    })

    for (const [what, psk] of [['the wrong key', WRONG], ['an identity the server does not know', STRANGE]] as const) {
      test(`${version}: ${what}`, async (t) => {
        const client = dialWith(t, await start(t, version), psk)
        assert.ok(await client.closed, 'it must not be accepted')
        assert.not.ok(client.calls.includes('onSecure'))
      })
    }
  }
}

// ---- membio is the server. ----

interface ClientPeer {
  name: string
  program?: string
  /** A client that says a line and waits for it, with this key. */
  start: (t: Case, port: number, version: Version, psk: PreSharedKey) => { talk: () => Promise<void>; refused: () => Promise<unknown> }
}

const failed = async (program: Program) => assert.ok((await program.exit).code !== 0, `${program.name} was content: ${program.output}`)

const CLIENTS: readonly ClientPeer[] = [
  {
    name: 'openssl s_client',
    program: 'openssl',
    start: (t, port, version, { identity, key }) => {
      const words = ['-connect', `127.0.0.1:${port}`, '-psk', hex(key), '-psk_identity', identity, OPENSSL_ONLY[version]]
      if (version === 'TLSv1.2') words.push('-cipher', 'PSK')
      const program = new Program(t, 'openssl', ['s_client', ...words, '-brief'])
      return { talk: () => echoed(program), refused: () => failed(program) }
    },
  },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    start: (t, port, version, { identity, key }) => {
      const words = ['--pskusername', identity, '--pskkey', hex(key), '--priority', `${GNUTLS_ONLY[version]}:${GNUTLS_CLI_PSK[version]}`]
      const program = gnutlsClient(t, port, { args: words })
      return { talk: () => echoed(program), refused: () => failed(program) }
    },
  },
  {
    name: 'node:tls client',
    start: (t, port, version, { identity, key }) => {
      const peer = dialNode(t, port, {
        pskCallback: () => ({ identity, psk: Buffer.from(key) }),
        checkServerIdentity: () => undefined,
        ciphers: `${NODE_PSK_SUITES}:TLS_AES_128_GCM_SHA256`,
        minVersion: version,
        maxVersion: version,
      })
      peer.socket.write('hello\n')
      return { talk: () => peer.until(() => peer.text === 'hello\n'), refused: () => failureOf(peer) }
    },
  },
]

const REFUSED: Record<Version, Expected> = { 'TLSv1.2': { kind: 'protocol' }, 'TLSv1.3': {} }

for (const { name, program, start } of CLIENTS) {
  const test = withPeer(`pre-shared keys, ${name} to membio`, program)
  const serve = (t: Case, options: SideOptions) => serveMembio(t, { settings: NO_CERTIFICATE, ...options }, echo)

  for (const version of VERSIONS) {
    test(`${version}: a key that both know`, async (t) => {
      const server = await serve(t, { engine: { psks: [STRANGE, KEY] } })
      await start(t, server.port, version, KEY).talk()
      const { agreed } = await server.accept()
      assert.equal([agreed.version, agreed.peerChain.length], [version, 0])
    })

    test(`${version}: the wrong key, and an unknown identity`, async (t) => {
      const server = await serve(t, { engine: { psks: [KEY] } })
      for (const psk of [WRONG, STRANGE]) {
        const client = start(t, server.port, version, psk)
        expectError(await (await server.accept()).closed, REFUSED[version])
        await client.refused()
      }
    })

    test(`${version}: the key is brought by a decision that takes its time`, async (t) => {
      const asked: string[] = []
      const find = async (identity: string) => {
        asked.push(identity)
        await sleep(5)
        return identity === KEY.identity ? KEY : undefined
      }
      const server = await serve(t, {
        engine: { park: ['clientHello', 'psk'] },
        decisions: {
          clientHello: async ({ hello }) => {
            const found = await Promise.all(hello.pskIdentities.map((identity) => find(new TextDecoder().decode(identity))))
            return { psks: found.filter((psk) => psk !== undefined) }
          },
          psk: async ({ identity }) => ({ psk: (await find(identity))?.key }),
        },
      })
      await start(t, server.port, version, KEY).talk()
      assert.equal([(await server.accept()).agreed.version, asked], [version, [KEY.identity]])
      const stranger = start(t, server.port, version, STRANGE)
      expectError(await (await server.accept()).closed, REFUSED[version])
      await stranger.refused()
      assert.equal(asked, [KEY.identity, STRANGE.identity])
    })
  }
}

// ---- Keys and certificates side by side. ----

const both = withPeer('pre-shared keys beside certificates', 'openssl')

for (const version of VERSIONS) {
  both(`${version}: a server with a certificate takes a client with a key, and one without`, async (t) => {
    const server = await serveMembio(t, { engine: { psks: [KEY] } }, echo)
    await CLIENTS[0]!.start(t, server.port, version, KEY).talk()
    const plain = dialNode(t, server.port, { minVersion: version, maxVersion: version })
    plain.socket.write('line\n')
    await plain.until(() => plain.text === 'line\n')
    assert.equal([(await server.accept()).agreed.version, (await server.accept()).agreed.version], [version, version])
  })
}

for (const version of VERSIONS) {
  both(`${version}: a client with a key takes a server that has a certificate as well`, async (t) => {
    const words = ['-rev', '-psk', hex(KEY.key), '-psk_identity', KEY.identity, OPENSSL_ONLY[version]]
    const client = dialWith(t, (await opensslServer(t, { identity: serverIdentity(), args: words })).port, KEY)
    await answered(client)
    assert.is(client.agreed.peerChain.length, 0)
  })
}

for (const version of VERSIONS) {
  both(`${version}: a client with a key refuses a server that only has a certificate, be it a good one`, async (t) => {
    const { port } = await opensslServer(t, { identity: serverIdentity(), args: ['-rev', OPENSSL_ONLY[version]] })
    const client = dialWith(t, port, KEY)
    expectError(await client.closed, version === 'TLSv1.3' ? { kind: 'certificate', code: 'PSK_EXPECTED' } : { kind: 'alert' })
  })
}
