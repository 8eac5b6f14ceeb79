// Many bytes, and few at a time: 10 MiB in each direction with equal hashes, single bytes through a splitting proxy.
import { writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import type { Version } from '../../src/index.ts'
import { server as serverIdentity } from '../support/certs.ts'
import {
  curl,
  file,
  folder,
  gnutlsClient,
  gnutlsServer,
  missing,
  opensslClient,
  opensslServer,
  type PeerOptions,
  type Program,
} from '../support/peers.ts'
import { pattern } from '../support/random.ts'
import { dialNode, serveNode, sha256 } from '../support/sockets-node.ts'
import { dialMembio, echo, serveMembio } from '../support/sockets-party.ts'
import { splittingProxy } from '../support/sockets-splitter.ts'
import { suite, type Case } from '../support/suite.ts'

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const SIZE = 10 * 1024 * 1024

const withPeer = (title: string, program: string | undefined) => suite(`interop: ${title}`).unless(program ? missing(program) : undefined)

/** 10 MiB in lines of digits: no letters that s_server takes for commands, and lines that gnutls-cli reads at once. */
function digits(): Uint8Array {
  const bytes = pattern(SIZE, 5)
  for (let i = 0; i < bytes.length; i++) bytes[i] = i % 4000 === 3999 ? 10 : 48 + (bytes[i]! % 10)
  return bytes
}

// ---- 10 MiB. ----

const node = suite('interop: 10 MiB, node:tls')

for (const version of VERSIONS) {
  node(`membio to an echo server and back, ${version}`, async (t) => {
    const bytes = pattern(SIZE)
    const { port } = await serveNode(t, { maxVersion: version }, ({ socket }) => socket.pipe(socket))
    const client = dialMembio(t, port, { handlers: { onEnd: () => client.poller.close() } })
    await client.send(bytes)
    client.poller.closeWrite()
    assert.is(await client.closed, undefined)
    assert.is(sha256(client.received), sha256(bytes))
  })

  node(`a client to membio's echo and back, ${version}`, async (t) => {
    const bytes = pattern(SIZE, 2)
    const { port, accept } = await serveMembio(t, { settings: { maxVersion: version } }, echo)
    const peer = dialNode(t, port)
    await peer.send(bytes)
    peer.socket.end()
    assert.is(await peer.close(), undefined)
    assert.is(sha256(peer.received), sha256(bytes))
    const party = await accept()
    assert.is(await party.closed, undefined)
    assert.is(sha256(party.received), sha256(bytes))
  })

  const openssl = withPeer(`10 MiB, openssl, ${version}`, 'openssl')

  openssl('membio to s_server, both ways at once', async (t) => {
    const down = digits()
    const up = pattern(SIZE)
    const program = await opensslServer(t, { version, identity: serverIdentity() })
    const client = dialMembio(t, program.port)
    await client.secure()
    const sending = program.write(down)
    await client.send(up)
    await client.until(() => client.bytesReceived === SIZE)
    await sending
    assert.is(sha256(client.received), sha256(down))
    client.poller.close()
    assert.is(await client.closed, undefined)
    await program.until(/DONE/)
    assert.is(Buffer.from(program.plaintext).includes(up), true)
  })

  openssl('s_server -HTTP sends a file after our half-close', async (t) => {
    const bytes = pattern(SIZE)
    const path = folder(t)
    writeFileSync(`${path}/file`, bytes)
    const program = await opensslServer(t, { version, identity: serverIdentity(), args: ['-HTTP'] }, path)
    const client = dialMembio(t, program.port, { handlers: { onEnd: () => client.poller.close() } })
    client.poller.write('GET /file HTTP/1.0\r\n\r\n')
    client.poller.closeWrite()
    assert.is(await client.closed, undefined)
    assert.is(sha256(client.received), sha256(bytes))
  })

  openssl("s_client to membio's echo and back", async (t) => {
    const bytes = digits()
    const { port, accept } = await serveMembio(t, {}, echo)
    const program = opensslClient(t, port, { version })
    await program.write(bytes)
    await program.untilBytes(SIZE)
    assert.is(sha256(program.stdout), sha256(bytes))
    program.end()
    await program.succeeded()
    const party = await accept()
    assert.is(await party.closed, undefined)
    assert.is(sha256(party.received), sha256(bytes))
  })

  const gnutls = withPeer(`10 MiB, gnutls, ${version}`, 'gnutls-cli')

  gnutls('gnutls-cli to membio', async (t) => {
    const bytes = digits()
    const { port, accept } = await serveMembio(t, {}, (party) => ({
      onEnd() {
        party().poller.write(`${sha256(party().received)}\n`) // not all of it: gnutls-cli prints byte by byte, with a system call each
        party().poller.close()
      },
    }))
    const program = gnutlsClient(t, port, { version, args: ['--logfile', `${folder(t)}/log`] })
    await program.write(bytes)
    program.end() // its half-close
    await program.until(new RegExp(`^${sha256(bytes)}$`, 'm'))
    await program.succeeded()
    assert.is(await (await accept()).closed, undefined)
  })

  gnutls('membio to gnutls-serv and back', async (t) => {
    const bytes = digits() // it takes a NUL for the end of a line
    const { port } = await gnutlsServer(t, { version, identity: serverIdentity() })
    const client = dialMembio(t, port, { handlers: { onEnd: () => client.poller.close() } })
    await client.send(bytes)
    await client.until(() => client.bytesReceived === SIZE)
    assert.is(sha256(client.received), sha256(bytes))
    client.poller.close()
    assert.is(await client.closed, undefined)
  })
}

const http = withPeer('10 MiB, curl', 'curl')

for (const version of VERSIONS) {
  http(`a download, ${version}`, async (t) => {
    const bytes = pattern(SIZE)
    const { port } = await serveMembio(t, {}, (party) => ({
      onPlaintext() {
        if (!party().text.endsWith('\r\n\r\n')) return
        party().poller.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`)
        void party()
          .send(bytes)
          .then(() => party().poller.close())
      },
    }))
    const program = curl(t, port, '/', { version })
    await program.succeeded()
    assert.is(sha256(program.stdout), sha256(bytes))
  })

  http(`an upload, ${version}`, async (t) => {
    const bytes = pattern(SIZE)
    const { port, accept } = await serveMembio(t, {}, (party) => ({
      onPlaintext() {
        if (party().bytesReceived < SIZE) return
        const { plaintext, poller } = party()
        const body = Buffer.from(plaintext).subarray(Buffer.from(plaintext).indexOf('\r\n\r\n') + 4)
        if (body.length < SIZE) return
        poller.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${sha256(body)}`)
        poller.close()
      },
    }))
    const args = ['--upload-file', file(t, 'upload', bytes), '--header', 'Expect:']
    const program = curl(t, port, '/', { version, args })
    await program.succeeded()
    assert.is(program.output, sha256(bytes))
    assert.is(await (await accept()).closed, undefined)
  })
}

// ---- Byte by byte. ----

const TINY = 3000

const SERVERS: { name: string; program?: string; start: (t: Case, options: PeerOptions) => Promise<number> }[] = [
  {
    name: 'openssl s_server',
    program: 'openssl',
    start: async (t, options) => (await opensslServer(t, { ...options, args: ['-rev'] })).port,
  },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: async (t, options) => (await gnutlsServer(t, options)).port },
  {
    name: 'node:tls server',
    start: async (t, { version }) => (await serveNode(t, { maxVersion: version }, ({ socket }) => socket.pipe(socket))).port,
  },
]

for (const { name, program, start } of SERVERS) {
  const test = withPeer(`byte by byte, membio to ${name}`, program)
  for (const version of VERSIONS) {
    test(version, async (t) => {
      const port = await splittingProxy(t, await start(t, { version, identity: serverIdentity() }))
      const client = dialMembio(t, port)
      for (let i = 0; i < 10; i++) {
        const palindrome = `${'abc'.repeat(50)}${i}${'cba'.repeat(50)}\n` // s_server sends it back reversed
        const before = client.bytesReceived
        client.poller.write(palindrome)
        await client.until(() => client.bytesReceived === before + palindrome.length)
        assert.is(client.text.slice(before), palindrome)
      }
      client.poller.close()
      assert.is(await client.closed, undefined)
    })
  }
}

const CLIENTS: { name: string; program: string; dial: (t: Case, port: number, options: PeerOptions) => Program }[] = [
  { name: 'openssl s_client', program: 'openssl', dial: opensslClient },
  {
    name: 'gnutls-cli',
    program: 'gnutls-cli',
    dial: (t, port, options) => gnutlsClient(t, port, { ...options, args: ['--logfile', `${folder(t)}/log`] }),
  },
]

for (const { name, program, dial } of CLIENTS) {
  const test = withPeer(`byte by byte, ${name} to membio`, program)
  for (const version of VERSIONS) {
    test(version, async (t) => {
      const { port, accept } = await serveMembio(t, {}, echo)
      const running = dial(t, await splittingProxy(t, port), { version })
      const bytes = digits().subarray(0, TINY)
      await running.write(bytes)
      await running.untilBytes(TINY)
      assert.is(sha256(running.stdout), sha256(bytes))
      running.end()
      await running.succeeded()
      assert.is(await (await accept()).closed, undefined)
    })
  }
}

const tinyNode = suite('interop: byte by byte, node:tls client to membio')

for (const version of VERSIONS) {
  tinyNode(version, async (t) => {
    const { port } = await serveMembio(t, { settings: { maxVersion: version } }, echo)
    const peer = dialNode(t, await splittingProxy(t, port))
    const bytes = pattern(TINY)
    for (const byte of bytes.subarray(0, 20)) peer.socket.write(new Uint8Array([byte])) // a record each
    peer.socket.write(bytes.subarray(20))
    peer.socket.end()
    assert.is(await peer.close(), undefined)
    assert.is(sha256(peer.received), sha256(bytes))
  })
}
