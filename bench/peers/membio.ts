// membio's engine: a client and a server in memory, without poller, sockets or promises. And the builds of it that are compared.
import { readFileSync } from 'node:fs'
import { createContext, init, type InitOptions, type SecureContext, type TlsEngine } from 'membio'
import { HOST, type Terms } from '../work.ts'
import type { Ends, Given, Peer } from './peer.ts'

/** Before anything else of membio is used: another openssl.wasm than the package's own, or another way to encrypt. */
export async function start({ wasm, acceleration }: Pick<InitOptions, 'acceleration'> & { wasm?: string }): Promise<void> {
  await init({ acceleration, ...(wasm && { bytes: new Uint8Array(readFileSync(wasm)) }) })
}

class Pair {
  readonly client: TlsEngine
  readonly server: TlsEngine

  constructor(contexts: Contexts, session?: Uint8Array) {
    this.client = contexts.client.createEngine({ role: 'client', servername: HOST, ...(session && { session }) })
    this.server = contexts.server.createEngine({ role: 'server' })
    while (!this.client.agreed || !this.server.agreed) {
      this.client.handshake()
      this.server.receiveCiphertext(this.client.takeCiphertext())
      this.server.handshake()
      this.client.receiveCiphertext(this.server.takeCiphertext())
    }
  }

  /** The server's plaintext of what the client writes, in bytes. */
  send(chunk: Uint8Array): number {
    const { client, server } = this
    client.writePlaintext(chunk)
    server.receiveCiphertext(client.takeCiphertext())
    return server.readPlaintext().plaintext.length
  }

  /** The ticket that the server sends after the handshake. */
  session(): Uint8Array {
    this.client.readPlaintext()
    const session = this.client.session()
    if (!session) throw new Error('no session')
    return session
  }

  free(): void {
    this.client.free()
    this.server.free()
  }
}

interface Contexts {
  client: SecureContext
  server: SecureContext
}

function contextsFor({ key, group, cipher }: Terms, { certificates }: Given): Contexts {
  const terms = { groups: [group], cipherSuites: [cipher], minVersion: 'TLSv1.3' as const }
  const { ca, ...identity } = certificates[key]
  return { client: createContext({ ...terms, ca }), server: createContext({ ...terms, ...identity }) }
}

function memory(terms: Terms, given: Given): Ends {
  const contexts = contextsFor(terms, given)
  const open = new Pair(contexts)
  const session = open.session()
  return {
    handshake: () => new Pair(contexts).free(),
    resume() {
      const pair = new Pair(contexts, session)
      if (!pair.client.agreed?.resumed) throw new Error('not resumed')
      pair.free()
    },
    transfer(bytes, size) {
      const chunk = new Uint8Array(size)
      for (let sent = 0; sent < bytes; ) {
        const arrived = open.send(chunk)
        if (arrived !== size) throw new Error(`${arrived} of ${size} bytes arrived`)
        sent += arrived
      }
    },
    echo(size) {
      const { client, server } = open
      open.send(new Uint8Array(size))
      server.writePlaintext(new Uint8Array(size))
      client.receiveCiphertext(server.takeCiphertext())
      if (client.readPlaintext().plaintext.length !== size) throw new Error('the echo is not whole')
    },
    close() {
      open.free()
      contexts.client.free()
      contexts.server.free()
    },
  }
}

export const engine: Peer = { name: 'membio', memory }
